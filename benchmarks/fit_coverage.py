"""How often the joint regions of a fit hold the truth, over synthetic sets of curves of really trained networks.

Each set: eight networks of 20 neurons, each with data and weights of its own (D = 10, P = 30, label noise 0.1, 100
test points), trained by descent for 300 steps with the plain NumPy network. alpha, eps and the step dt are drawn
evenly in their logarithms from 0.3 to 3, 0.2 to 1 and 0.1 to 0.4, and again where one of the eight trainings
diverges; alpha, eps and lr are fitted, from the middle of the box. Fails where a count is outside of what chance
explains: the two-sided 99.8 % interval for the 68 % region, all but one in 10^5 for the 99 % region.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from grokode_validate.network import CommitteeMachine
from scipy.stats import binom

from grokode.experiment.compose import composition_of
from grokode.overlay.fit import fit
from grokode.overlay.log import Log, LoggedCurve

SEED = 20_260_101
DIM, SAMPLES, TESTS, WIDTH, NOISE, SEEDS = 10, 30, 100, 20, 0.1, 8
BOX = {"alpha": (0.3, 3.0), "eps": (0.2, 1.0), "dt": (0.1, 0.4)}
STEPS = np.unique(np.rint(np.geomspace(1, 300, 24)).astype(np.int64))
NAMES = ("alpha", "eps", "lr")


def train(rng: np.random.Generator, alpha: float, eps: float, lr: float) -> Log:
    """Train one network on data of its own, and log it."""
    X, X_test = (rng.standard_normal((n, DIM)) / np.sqrt(DIM) for n in (SAMPLES, TESTS))
    beta = rng.standard_normal(DIM)
    y = (X @ beta) ** 2 / 2 + NOISE * rng.standard_normal(SAMPLES)
    W0 = rng.standard_normal((WIDTH, DIM))
    machine = CommitteeMachine(alpha=alpha, eps=eps, centered=True)
    tests = {"sample": (X_test, (X_test @ beta) ** 2 / 2)}
    done = machine.train(W0, X, y, lr=lr, record=STEPS.tolist(), tests=tests)

    def logged(values: np.ndarray) -> LoggedCurve:
        return LoggedCurve(step=STEPS, values=values, resolution=1e-16 * values, window=np.zeros_like(STEPS))

    curves = {"loss_train": logged(done.loss_train), "loss_test": logged(done.loss_test["sample"])}
    return Log(name="network", origin="trained here", curves=curves)


def one_set(index: int) -> tuple[dict[str, float], bool, bool, list[str], list[str]]:
    """Draw a truth, train, fit; return it, whether either region holds it, and the table."""
    rng = np.random.default_rng((SEED, index))
    logs: list[Log] = []
    while not logs or not all(np.isfinite(log.curves["loss_train"].values).all() for log in logs):
        alpha, eps, dt = (float(np.exp(rng.uniform(*np.log(ends)))) for ends in BOX.values())
        truth = {"alpha": alpha, "eps": eps, "lr": dt * WIDTH / alpha**2}
        with np.errstate(over="ignore", invalid="ignore"):
            logs = [train(rng, **truth) for _ in range(SEEDS)]
    middle = {name: float(np.sqrt(low * high)) for name, (low, high) in BOX.items()}
    experiment = composition_of(
        None,
        {
            "dim": DIM, "n_train": SAMPLES, "n_test": TESTS, "width": WIDTH, "noise": NOISE, "steps": int(STEPS[-1]),
            "optimizer": "gradient_descent", "alpha": middle["alpha"], "eps": middle["eps"],
            "lr": middle["dt"] * WIDTH / middle["alpha"] ** 2,
        },
    ).experiment  # fmt: skip
    found = fit(experiment, (), {}, logs, NAMES)
    alone = [name for name, item in found.parameters.items() if item.intervals is None]
    lines = [f"{name}: {text}" for name, text in found.rows()]
    region = found.region(truth)
    return truth, region.holds(0.68), region.holds(0.99), alone, lines


def main() -> None:
    """Fit the sets, and compare the counts with chance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    count, held_68, held_99 = arguments.count, 0, 0
    with ProcessPoolExecutor(arguments.workers) as pool:
        indices = range(arguments.first, arguments.first + count)
        for index, (truth, in_68, in_99, alone, lines) in zip(indices, pool.map(one_set, indices), strict=True):
            held_68, held_99 = held_68 + in_68, held_99 + in_99
            stated = ", ".join(f"{name} {value:.4g}" for name, value in truth.items())
            print(f"{index:4d}  {stated:45s} in 68 %: {in_68!s:5}  in 99 %: {in_99!s:5}", end="  ")
            print(f"not identified: {', '.join(alone)}" if alone else "", flush=True)
            print("\n".join(f"          {line}" for line in lines), flush=True)
    low, high = binom.interval(0.998, count, 0.68)
    least = binom.ppf(1e-5, count, 0.99)
    print(f"68 % region: {held_68} of {count} (chance: {low:.0f} to {high:.0f})")
    print(f"99 % region: {held_99} of {count} (chance: at least {least:.0f})")
    if not (low <= held_68 <= high and held_99 >= least):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
