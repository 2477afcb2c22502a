"""Steps a second of gradient_descent in figure 4's set-up, beside direct training of the same network in NumPy.

    OPENBLAS_NUM_THREADS=1 python benchmarks/descent.py [--plot descent.png]

Both train D 40, P 120; N is 2, 1000, then 100,000. Then, where products are what a step costs, the products of a step
of three ways to the force, beside which all else is small: the factor's two, H = V X^T and H X; those of M = V^T V,
X M, G = X^T w X and V G; and the latter with symmetric products for M and G. Only they are timed. Exits 4 below 50,000
steps a second at N = 2, where a step at N = 100,000 is not 100 times faster than direct training's, or where both
losses differ after the same steps.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from measuring import Training, one_thread, seconds
from scipy.linalg import get_blas_funcs

import grokode
from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.pace import Pace
from grokode.dynamics.protocols import Map
from grokode.dynamics.risks.empirical import EmpiricalRisk

WANTED = 50_000
FASTER = 100
DIRECT_STEPS = {2: 2000, 1000: 200, 100_000: 5}
STEPS, DT = 20_000, 0.5
ALPHA, EPS = 1.0, 0.25


def draw(widths: list[int], ours: list[float], direct: list[float], path: str) -> None:
    """Draw seconds a step against the width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.6), layout="constrained")
    ax = figure.subplots()
    ax.loglog(widths, direct, "o--", label="direct training, NumPy")
    ax.loglog(widths, ours, "o-", label="grokode, gradient_descent")
    ax.set(xlabel="width N", ylabel="seconds a step", title="D 40, P 120")
    ax.legend()
    figure.savefig(path)


def timed(steps: int, descent: Map, state: np.ndarray) -> tuple[float, np.ndarray]:
    """Return seconds a step, and the state after some steps."""
    started = time.perf_counter()
    state = descent.advance(0, steps, state)
    return (time.perf_counter() - started) / steps, state


def products(D: int, P: int) -> tuple[float, float, float]:
    """Return the seconds of one step's products at infinite width: by the factor, by M and G, with symmetric ones."""
    rng = np.random.default_rng(0)
    X, V, w = rng.standard_normal((P, D)), rng.standard_normal((D + 1, D)), rng.standard_normal(P)
    XT, H, F = np.ascontiguousarray(X.T), np.empty((D + 1, P)), np.empty((D + 1, D))
    Q, weighted, M, G = np.empty((P, D)), np.empty((P, D)), np.empty((D, D)), np.empty((D, D))
    (syrk,) = get_blas_funcs(("syrk",), (X,))

    def by_factor() -> None:
        np.dot(V, XT, out=H)
        np.dot(H, X, out=F)

    def by_moments() -> None:
        np.dot(V.T, V, out=M)
        np.dot(X, M, out=Q)
        np.multiply(X, w[:, None], out=weighted)
        np.dot(XT, weighted, out=G)
        np.dot(V, G, out=F)

    def symmetrically() -> None:
        syrk(1.0, V, trans=1)
        np.dot(X, M, out=Q)
        for half in (w > 0, w <= 0):  # a symmetric product takes weights of one sign
            syrk(1.0, np.sqrt(np.abs(w[half]))[:, None] * X[half], trans=1)
        np.dot(V, G, out=F)

    return seconds(by_factor), seconds(by_moments), seconds(symmetrically)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", help="file of the picture")
    options = parser.parse_args()
    one_thread()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 40)) / np.sqrt(40)
    y = (X @ rng.standard_normal(40)) ** 2 / 2
    ours, direct, good = [], [], True
    for width, steps in DIRECT_STEPS.items():
        W0 = rng.standard_normal((width, 40))
        risk = EmpiricalRisk(
            grokode.Network(alpha=ALPHA, eps=EPS), grokode.FactorState.from_neurons(W0), grokode.Data(X, y)
        )
        descent = GradientDescent().on(risk, Pace(DT, 1.0))
        _, state = timed(steps, descent, np.array(risk.start.V)[None])
        ours.append(timed(STEPS, descent, state)[0])

        training = Training(X=X, y=y, alpha=ALPHA, eps=EPS, lr=DT * width / ALPHA**2)
        started = time.perf_counter()
        W = training.train(W0, steps)
        direct.append((time.perf_counter() - started) / steps)
        same = abs(risk.loss(state[0]) / training.loss(W) - 1)
        good &= same < 1e-9  # rounding: the map is exact
        print(
            f"N {width}: {1 / ours[-1]:,.0f} steps a second in the factor, {1 / direct[-1]:,.4g} by direct training "
            f"(ratio {direct[-1] / ours[-1]:,.1f}); train losses after {steps} steps differ by {same:.0e} of them",
            flush=True,
        )
    for D, P in ((40, 500), (100, 550), (100, 5000)):
        factor, moments, symmetric = products(D, P)
        print(
            f"D {D}, P {P}: a step's products take {1e3 * factor:.3g} ms by the factor, {moments / factor:.2f} times "
            f"that by M and G, {symmetric / factor:.2f} with symmetric products"
        )
    if options.plot:
        draw(list(DIRECT_STEPS), ours, direct, options.plot)
    good &= 1 / ours[0] >= WANTED and direct[-1] / ours[-1] >= FASTER
    sys.exit(0 if good else 4)


if __name__ == "__main__":
    main()
