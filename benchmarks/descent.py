"""Steps a second of gradient_descent in figure 4's set-up, beside direct training of the same network in NumPy.

    OPENBLAS_NUM_THREADS=1 python benchmarks/descent.py [--plot descent.png]

Both train D 40, P 120; N is 2, 1000, then 100,000. Exits 4 below 50,000 steps a second at N = 2, where a step at
N = 100,000 is not 100 times faster than direct training's, or where both losses differ after the same steps.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from measuring import Training, one_thread

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
    if options.plot:
        draw(list(DIRECT_STEPS), ours, direct, options.plot)
    good &= 1 / ours[0] >= WANTED and direct[-1] / ours[-1] >= FASTER
    sys.exit(0 if good else 4)


if __name__ == "__main__":
    main()
