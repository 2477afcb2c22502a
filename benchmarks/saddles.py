"""The guard on set-ups at a saddle: data mirrored across the target's direction, and a start orthogonal to it.

    python benchmarks/saddles.py [--count 60] [--seed 0]

Nothing but rounding tells the two sides of such a saddle apart, where it is one. A run has to be right, err <= 3e-3
against LSODA at a relative tolerance of 1e-10, or to say that it is ill-conditioned. Where weights moved by 1e-12 of
their size change a loss of the reference by more than 3e-3, a run has to say so. Exits 4 if one does neither.

The law: D 3 to 20, P 2 D to 6 D in mirrored pairs, N one of 1, 2, 3, 10, alpha 0.1 to 10, eps 0.1 to 3, centred or
not, t to 1e5.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import numpy as np

import grokode
from grokode.experiment.guard import PROMISE, ROUNDING, distance

TIMES = (0.0, *np.geomspace(1e-2, 1e5, 60))


def draw(rng: np.random.Generator) -> dict[str, object]:
    """Draw the arrays of one set-up."""
    dim = int(np.exp(rng.uniform(np.log(3), np.log(20))))
    pairs = int(dim * np.exp(rng.uniform(0, np.log(3))))
    width, alpha, eps = int(rng.choice([1, 2, 3, 10])), 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-1, np.log10(3))
    beta = rng.standard_normal(dim)
    across = beta / np.linalg.norm(beta)
    X, W = rng.standard_normal((pairs, dim)) / np.sqrt(dim), rng.standard_normal((width, dim))
    X = np.vstack([X, X - 2 * np.outer(X @ across, across)])
    W0 = W - np.outer(W @ across, across)
    y = (X @ beta) ** 2 / 2
    numbers = {"alpha": alpha, "eps": eps, "lr": 0.5 * width / alpha**2, "centered": bool(rng.integers(2))}
    return {"X_train": X, "y_train": y, "W0": W0, "beta_star": beta, "covariance": 1 / dim, **numbers}


def losses(run: grokode.Run) -> np.ndarray:
    return np.stack([run.loss_train, run.loss_test_exact], axis=1)


def reference(arrays: dict[str, object], moved: float) -> np.ndarray:
    """Return the losses of LSODA from weights moved in a random direction."""
    W0 = np.asarray(arrays["W0"])
    direction = np.random.default_rng(1).standard_normal(W0.shape)
    direction *= np.linalg.norm(W0) / np.linalg.norm(direction)
    bundle = grokode.Bundle(**{**arrays, "W0": W0 + moved * direction})
    tight = {"solver": "lsoda", "rtol": 1e-10, "times": TIMES, "lazy": False, "guard": False}
    return losses(grokode.run(bundle, optimizer="gradient_flow", **tight))


def judge(arrays: dict[str, object]) -> tuple[str, bool]:
    """Return a line on one set-up, and whether it is a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", grokode.GrokodeWarning)  # what is said is read from the summary
        run = grokode.run(grokode.Bundle(**arrays), optimizer="gradient_flow", times=TIMES, lazy=False, guard=True)
        plain = grokode.run(grokode.Bundle(**arrays), optimizer="gradient_flow", times=TIMES, lazy=False, guard=False)
        still, moved = reference(arrays, 0.0), reference(arrays, ROUNDING)
    floors = np.minimum(still[0], np.mean(np.asarray(arrays["y_train"]) ** 2))
    sensitivity, err = distance(moved, still, floors), distance(losses(run), still, floors)
    said, unguarded = bool(run.summary["ill_conditioned"]), distance(losses(plain), still, floors)
    fault = not said and (err > PROMISE or sensitivity > PROMISE)
    line = f"ill-conditioned {said!s:5s} err {err:.1e} (unguarded {unguarded:.1e}), moved by 1e-12: {sensitivity:.1e}"
    return f"{line}; rtol {run.summary['rtol']:.0e}{'  FAULT' if fault else ''}", fault


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    faults = 0
    for index in range(options.count):
        arrays = draw(rng)
        line, fault = judge(arrays)
        faults += fault
        shape = f"N {len(arrays['W0']):2d} D {arrays['W0'].shape[1]:2d} P {len(arrays['y_train']):3d}"
        print(f"{index:3d} {shape} alpha {arrays['alpha']:5.2f} eps {arrays['eps']:5.2f} {line}", flush=True)
    print(f"{options.count} set-ups, {faults} neither right nor labelled")
    sys.exit(4 if faults else 0)


if __name__ == "__main__":
    main()
