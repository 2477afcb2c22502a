"""Figure 1's set-up: accuracy and evaluations at default tolerance, and one right-hand side against DGEMM.

    OPENBLAS_NUM_THREADS=1 python benchmarks/figure1.py

Exits 4 unless, at eps 0.02 and 0.25, err <= 3e-3 with at most 1,000 right-hand sides, and one right-hand side
reaches 90 % of the rate of the same two matrix products made by numpy.dot, measured in turns.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from promise import PROMISE, error, mean_square_label

import grokode
from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.experiment.systems import network_of, system_of

EVALUATIONS = 1000
FRACTION = 0.9


def figure_risk(run: grokode.Run) -> EmpiricalRisk:
    """Return the training risk of a run of figure 1."""
    experiment = run.experiment
    network = network_of(experiment)
    draw = system_of(experiment, None).draw(network)
    return EmpiricalRisk(network, draw.start, draw.train)


def dgemm_fraction(risk: EmpiricalRisk, rounds: int = 400) -> tuple[float, float]:
    """Return seconds of one right-hand side, and its rate over that of its two products alone."""
    X = np.array(risk.data.X)
    XT = np.ascontiguousarray(X.T)
    dV = 1e-3 * np.random.default_rng(0).standard_normal(risk.start.V.shape)
    H, F = np.empty((len(dV), len(X))), np.empty_like(dV)
    ours, products = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        risk.loss_force_moved(dV)
        middle = time.perf_counter()
        np.dot(dV, XT, out=H)
        np.dot(H, X, out=F)
        products.append(time.perf_counter() - middle)
        ours.append(middle - started)
    return float(np.median(ours)), float(np.median(products) / np.median(ours))


def main() -> None:
    good = True
    for eps in (0.02, 0.25):
        run = grokode.run("kumar-fig1", eps=eps)
        reference = grokode.run("kumar-fig1", eps=eps, solver="radau", rtol=1e-8, lazy=False)
        err = error(run, reference, mean_square_label(reference))
        seconds, fraction = dgemm_fraction(figure_risk(run))
        good &= err <= PROMISE and run.work.nfev <= EVALUATIONS and fraction >= FRACTION
        print(
            f"eps {eps}: {run.work.method}, {run.work.nfev} right-hand sides, {run.work.seconds:.2f} s, err {err:.1e}; "
            f"one right-hand side {1e3 * seconds:.3f} ms = {100 * fraction:.1f} % of the DGEMM rate"
        )
    sys.exit(0 if good else 4)


if __name__ == "__main__":
    main()
