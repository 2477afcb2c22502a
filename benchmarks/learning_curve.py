"""How far the theory of the average learning curve is off for this kernel: measured, and put into a document.

Independent Gaussian features obey the theory (``tests/lazy``); the kernel's quadratic features are not independent.
Each cell draws training sets until the mean's standard error is a hundredth of it, with the kernel of infinite width
and the paper's target at |beta|^2 = D, and compares with ``average_regression``.

    python benchmarks/learning_curve.py --out docs/learning-curve.md     # about ten minutes
    python benchmarks/learning_curve.py --max-dim 10                     # seconds
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from document import fill
from threadpoolctl import threadpool_limits

import grokode
from grokode.lazy import average_regression, population_spectrum, sampled_regression

EPS = 0.25
NOISE = 0.3
DIMENSIONS = (10, 20, 50)
PARTS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 1.1, 1.5, 2.5)
"""Numbers of samples, over the rank D (D+3)/2."""

RIDGE = 0.01
"""In the kernel's unit."""

SETTINGS = ((0.0, 0.0), (NOISE, 0.0), (NOISE, RIDGE))
HEAD = """\
| D | P | P/F | no noise: loss | theory, % | noise: loss | theory, % | noise, ridge: loss | theory, % |
|---|---|---|---|---|---|---|---|---|"""

NOTHING = 1e-12
"""A loss below it is rounding: theory and regression are both exact."""

PRECISION = 0.01
DRAWS = {10: 20_000, 20: 4_000, 50: 200}
"""At most."""


def law(dim: int, noise: float) -> grokode.Law:
    """Return isotropic inputs with the paper's target, its direction of length root D."""
    direction = np.ones((1, dim))
    target = grokode.QuadraticTarget.from_directions(direction, np.ones(1))
    return grokode.Law(grokode.Gaussian.isotropic(dim), target, noise)


def cell(dim: int, n_train: int, noise: float, ridge: float) -> tuple[float, float, float, int]:
    """Return theory, mean and standard error of drawn regressions, and their number."""
    network, start = grokode.Network(alpha=1.0, eps=EPS, centered=True), grokode.FactorState.infinite_width(dim, 1.0)
    task = law(dim, noise)
    theory = average_regression(population_spectrum(network, start, task), n_train, noise=noise, ridge=ridge).loss_test
    rng, batch = np.random.default_rng([dim, n_train]), 20
    total = squares = 0.0
    drawn = 0
    while drawn < DRAWS[dim]:
        found = sampled_regression(network, start, task, n_train, rng=rng, draws=batch, ridge=ridge)
        total += batch * found.loss_test
        squares += batch * (found.loss_test**2 + (batch - 1) * found.standard_error**2)
        drawn += batch
        mean = total / drawn
        error = math.sqrt(max(squares / drawn - mean**2, 0.0) / (drawn - 1))
        if error <= max(PRECISION * mean, NOTHING):
            break
    return theory, mean, error, drawn


def row(dim: int, part: float) -> str:
    """Return a line of the table: mean of draws, and theory over mean less one in percent, in three settings."""
    rank = dim * (dim + 3) // 2
    n_train = round(part * rank)
    cells = [str(dim), str(n_train), f"{n_train / rank:.2f}"]
    for noise, ridge in SETTINGS:
        theory, mean, error, drawn = cell(dim, n_train, noise, ridge)
        print(
            f"D {dim}, P {n_train}, noise {noise}, ridge {ridge}: {theory:.4g} against {mean:.4g} ({drawn})", flush=True
        )
        exact = max(theory, mean) < NOTHING
        cells += (
            ["0", "exact"] if exact else [f"{mean:.3g}", f"{100 * (theory / mean - 1):+.1f} ± {100 * error / mean:.1f}"]
        )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-dim", type=int, default=max(DIMENSIONS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with threadpool_limits(limits=1):
        rows = [row(dim, part) for dim in DIMENSIONS if dim <= options.max_dim for part in PARTS]
    fill(options.out, "\n".join([HEAD, *rows]))


if __name__ == "__main__":
    main()
