"""Steps a second of gradient_descent in figure 4's set-up, beside direct training of the same network in NumPy.

    OPENBLAS_NUM_THREADS=1 python benchmarks/descent.py

Exits 4 below 50,000 steps a second. Both train D 40, P 120 for the same steps; N is 2, then 1000.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from grokode_validate.network import CommitteeMachine

import grokode
from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.risks.empirical import EmpiricalRisk

WANTED = 50_000


def main() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 40)) / np.sqrt(40)
    y = (X @ rng.standard_normal(40)) ** 2 / 2
    rates = {}
    for width in (2, 1000):
        W0 = rng.standard_normal((width, 40))
        risk = EmpiricalRisk(
            grokode.Network(alpha=1.0, eps=0.25), grokode.FactorState.from_neurons(W0), grokode.Data(X, y)
        )
        descent = GradientDescent().on(risk, 0.5)
        state = np.array(risk.start.V)[None]
        descent.step(0, state)
        steps = 20_000
        started = time.perf_counter()
        for k in range(steps):
            state = descent.step(k, state)
        rates[width] = steps / (time.perf_counter() - started)

        machine = CommitteeMachine(alpha=1.0, eps=0.25, centered=False)
        direct = 2_000 if width == 2 else 200
        started = time.perf_counter()
        trained = machine.train(W0, X, y, lr=0.5 * width, record=[direct])
        direct_rate = direct / (time.perf_counter() - started)
        print(
            f"N {width}: {rates[width]:,.0f} steps a second in the factor, {direct_rate:,.0f} by direct NumPy training "
            f"(ratio {rates[width] / direct_rate:.1f}); train loss {risk.loss(state[0]):.3g} after {steps} steps, "
            f"{trained.loss_train[-1]:.3g} after {direct}"
        )
    sys.exit(0 if rates[2] >= WANTED else 4)


if __name__ == "__main__":
    main()
