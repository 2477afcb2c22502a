"""Every corner of the supported range: answer, err against a tight run, seconds.

    python benchmarks/corners.py [--max-dim 400] [--limit 120] [--every 1]

alpha 1e-3 to 1e4, eps 0 to 10, D 1 to 400, P 1 to 1e5 and infinite, N 1 to 1e9 and infinite, centred or not,
gradient flow to t = 1e5. A corner is an answer with its err (see promise.py), or the line that refused it, or
``time_limit`` with the reason: evaluations times the time of one. Exits 4 if an err is above 3e-3, if a run fails,
if a corner with D <= 100 and P <= 1e4 is refused, or if one with D <= 20 does not end within the limit. The tight run
is Radau's where its matrices are small, else the same method's.
"""

from __future__ import annotations

import argparse
import itertools
import sys

import numpy as np
from promise import PROMISE, error, mean_square_label

import grokode

DIMS = (1, 20, 100, 400)
SAMPLES = (1, 100, 10_000, 100_000, np.inf)
WIDTHS = (1, 100, 10**9, np.inf)
ALPHAS = (1e-3, 1.0, 1e4)
EPSILONS = (0.0, 0.25, 10.0)


def corners(max_dim: int) -> list[dict[str, object]]:
    """List the corners: the ends of every range, and the middle of the one that bends the dynamics."""
    listed = []
    for dim, n_train, width in itertools.product(DIMS, SAMPLES, WIDTHS):
        if dim > max_dim:
            continue
        large = n_train == 100_000 and dim > 1  # takes long: the ends only
        if large and width not in (1, np.inf):
            continue
        for alpha, eps, centered in itertools.product(ALPHAS, EPSILONS, (True, False)):
            if large and not centered and width == np.inf:
                continue
            if (alpha == 1.0) != (eps == 0.25):  # the middle pair, and the four outer ones
                continue
            listed.append(
                {"dim": dim, "n_train": n_train, "width": width, "alpha": alpha, "eps": eps, "centered": centered}
            )
    return listed


def measure(parameters: dict[str, object], limit: float) -> tuple[str, float, bool]:
    """Return a line on one corner, its err (NaN where there is none), and whether that is a fault."""
    common = {**parameters, "t_max": 1e5, "points": 41}
    dim, n_train = parameters["dim"], parameters["n_train"]
    try:
        run = grokode.run(None, **common, time_limit=limit)
    except grokode.InvalidInput as refusal:
        return f"refused: {refusal}", np.nan, dim <= 100 and (n_train <= 10_000 or n_train == np.inf)
    except grokode.RunFailed as failure:
        return f"failed: {failure}", np.nan, True
    work = run.work
    line = f"{work.method:8s} nfev {work.nfev:6d} {work.seconds:8.3f} s  test {run.summary['final_loss_test']:.4g}"
    if run.status == "time_limit":
        why = f"time_limit at t = {run.t[-1]:.3g}: {work.seconds / max(work.nfev, 1):.2g} s an evaluation"
        return f"{line}  {why}", np.nan, dim <= 20
    small = min(dim * min(parameters["width"], dim + 1), n_train) <= 300
    solver, rtol = ("radau", 1e-7) if small and n_train <= 10_000 else (work.method, 1e-8)
    reference = grokode.run(None, **common, solver=solver, rtol=rtol, lazy=False)
    err = error(run, reference, mean_square_label(reference))
    return f"{line}  err {err:.1e} against {solver}", err, err > PROMISE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-dim", type=int, default=400)
    parser.add_argument("--min-dim", type=int, default=1)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds a run")
    parser.add_argument("--every", type=int, default=1, help="of N corners take one")
    options = parser.parse_args()
    errors, faults = [], 0
    chosen = [corner for corner in corners(options.max_dim) if corner["dim"] >= options.min_dim]
    for parameters in chosen[:: options.every]:
        line, err, fault = measure(parameters, options.limit)
        errors.append(err)
        faults += fault
        mark = "  FAULT" if fault else ""
        print(" ".join(f"{key}={value!s:6s}" for key, value in parameters.items()), line + mark, flush=True)
    answered = np.isfinite(errors).sum()
    print(f"{len(errors)} corners, {answered} answered, {faults} faults; largest err {np.nanmax(errors):.1e}")
    sys.exit(4 if faults else 0)


if __name__ == "__main__":
    main()
