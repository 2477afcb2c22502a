"""Accuracy of the default tolerance on random set-ups, against Radau with the exact Jacobian.

    python benchmarks/promise.py [--count 50] [--seed 0] [--solver auto] [--optimizer midpoint_flow]

Prints one row a set-up and, last, how many keep err <= 3e-3 and have right crossings; exits 4 unless all do. A
crossing of 10 % of the start is right if its time is right to 1 %, or, where |d ln L / d ln t| < 0.5 there, if the
loss is right to 3e-3 of the threshold: with the slope, if |d ln L| of the reference between both times is below 3e-3.

The law: alpha 1e-2 to 1e3, eps 0.01 to 2, N one of 1, 2, 3, 10, D, 5 D, infinite, D 5 to 100, P from D/2 to 6 D,
centred or not, t to 1e6. err is the largest |L - L_ref| / max(L_ref, 1e-3 min(L_ref(0), mean y^2)) over saved
times, train and test. A flow that corrects for a step gets half of the longest stable one; it ends where
training comes to the edge of stability later.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.errors import BeyondStability
from grokode.experiment.stability import stable_dt

PROMISE = 3e-3
FLOWS = [name for name in OPTIMIZERS if not OPTIMIZERS.load(name).steps]


def draw(rng: np.random.Generator, largest: int) -> dict[str, object]:
    dim = int(np.exp(rng.uniform(np.log(5), np.log(largest))))
    width = [1, 2, 3, 10, dim, 5 * dim, np.inf][rng.integers(7)]
    return {
        "dim": dim,
        "n_train": max(1, int(dim * np.exp(rng.uniform(np.log(0.5), np.log(6))))),
        "width": width,
        "alpha": 10 ** rng.uniform(-2, 3),
        "eps": 10 ** rng.uniform(-2, np.log10(2)),
        "centered": bool(rng.integers(2)),
        "seed": int(rng.integers(2**31)),
        "n_test": 200,
    }


def error(run: grokode.Run, reference: grokode.Run, mean_square_label: float) -> float:
    """Return the largest err over the loss curves that both runs have."""
    worst = 0.0
    for name in ("loss_train", "loss_test_exact", "loss_test_sample"):
        if name in reference.curves:
            ours, theirs = getattr(run, name), getattr(reference, name)
            floor = 1e-3 * min(theirs[0], mean_square_label)
            worst = max(worst, float(np.max(np.abs(ours - theirs) / np.maximum(theirs, floor))))
    return worst


def mean_square_label(run: grokode.Run) -> float:
    """Mean of y^2 over the training set of a drawn experiment, as the floor of err has it."""
    from grokode.experiment.systems import network_of, system_of
    from grokode.task.data import Data

    train = system_of(run.experiment, run.bundle).draw(network_of(run.experiment)).train
    return float(np.mean(train.y**2)) if isinstance(train, Data) else float(run.loss_train[0])


def wrong_crossings(run: grokode.Run, reference: grokode.Run) -> list[str]:
    """Name the losses whose crossing is neither right in time nor, where the curve is flat, in loss."""
    wrong = []
    for name in ("train", "test"):
        ours, theirs = run.summary[f"t_{name}"], reference.summary[f"t_{name}"]
        if run.summary[f"t_{name}_status"] != reference.summary[f"t_{name}_status"]:
            wrong.append(name)
        elif ours and abs(ours / theirs - 1) > 0.01:
            loss = reference.loss_train if name == "train" else reference.loss_test_exact
            k = int(np.searchsorted(reference.t, theirs))
            slope = abs(np.log(loss[k] / loss[k - 1]) / np.log(reference.t[k] / max(reference.t[k - 1], 1e-300)))
            if slope >= 0.5 or slope * abs(np.log(ours / theirs)) > PROMISE:
                wrong.append(name)
    return wrong


def compare(
    parameters: dict[str, object], solver: str, t_max: float = 1e6, optimizer: str = "gradient_flow"
) -> tuple[float, grokode.Run, grokode.Run]:
    """Return err, the run at default tolerance, and the reference."""
    common = dict(parameters, t_max=t_max, points=61, optimizer=optimizer, threshold="10%")
    if OPTIMIZERS.load(optimizer).order > 1:
        common["dt"] = stable_dt(grokode.problem(**parameters)) / 2
    run = grokode.run(None, solver=solver, **common)
    reference = grokode.run(None, solver="radau", rtol=1e-9, lazy=False, guard=False, **common)
    return error(run, reference, mean_square_label(reference)), run, reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--optimizer", default="gradient_flow", choices=FLOWS)
    parser.add_argument("--largest", type=int, default=100, help="largest D")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    errors, crossings, ended = [], 0, 0
    for index in range(options.count):
        parameters = draw(rng, options.largest)
        text = " ".join(f"{key}={value:.4g}" for key, value in parameters.items() if key not in ("seed", "n_test"))
        try:
            err, run, reference = compare(parameters, options.solver, optimizer=options.optimizer)
        except BeyondStability as reason:
            ended += 1
            print(f"{index:3d} {text:75s} {reason}", flush=True)
            continue
        errors.append(err)
        wrong = wrong_crossings(run, reference)
        crossings += len(wrong)
        print(
            f"{index:3d} {text:75s} {run.work.method:9s} nfev {run.work.nfev:6d} {run.work.seconds:7.3f} s"
            f"  err {err:.1e}  (reference {reference.work.seconds:.2f} s)"
            f"{'  WRONG crossing: ' + ', '.join(wrong) if wrong else ''}"
            f"{'  ill-conditioned' if run.ill_conditioned else ''}",
            flush=True,
        )
    if ended:
        print(f"{ended} ended at the edge of stability, and are not counted")
    kept = sum(err <= PROMISE for err in errors)
    print(f"{crossings} of {2 * len(errors)} crossings are wrong")
    print(
        f"{kept} of {len(errors)} keep err <= {PROMISE}; largest {max(errors, default=0):.1e}, "
        f"median {np.median(errors or [0]):.1e}"
    )
    sys.exit(0 if kept == len(errors) and not crossings else 4)


if __name__ == "__main__":
    main()
