"""How far the theory of the average learning curve is off for this kernel: measured, and written as a document.

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
from threadpoolctl import threadpool_limits

import grokode
from grokode.lazy import average_regression, population_spectrum, sampled_regression

EPS = 0.25
NOISE = 0.3
DIMENSIONS = (10, 20, 50)
PARTS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 1.1, 1.5, 2.5)
"""Numbers of samples, over the rank D (D+3)/2."""

RIDGE = 0.01
"""In the kernel's unit: near the best one in the middle of the table."""

SETTINGS = ((0.0, 0.0), (NOISE, 0.0), (NOISE, RIDGE))
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
        if error <= PRECISION * mean:
            break
    return theory, mean, error, drawn


def row(dim: int, part: float) -> str:
    """Return a line of the table: mean of draws, and theory over mean less one in percent, in three settings."""
    rank = dim * (dim + 3) // 2
    n_train = round(part * rank)
    cells = [str(dim), str(n_train), f"{n_train / rank:.2f}"]
    for noise, ridge in SETTINGS:
        if noise == 0 and n_train >= rank:
            cells += ["0", "exact"]
            continue
        theory, mean, error, drawn = cell(dim, n_train, noise, ridge)
        print(
            f"D {dim}, P {n_train}, noise {noise}, ridge {ridge}: {theory:.4g} against {mean:.4g} ({drawn})", flush=True
        )
        cells += [f"{mean:.3g}", f"{100 * (theory / mean - 1):+.1f} ± {100 * error / mean:.1f}"]
    return f"| {' | '.join(cells)} |"


def document(rows: list[str]) -> str:
    """Return the document with its table."""
    return TEXT.format(eps=EPS, noise=NOISE, ridge=RIDGE, share=100 * NOISE**2 / 0.75, rows="\n".join(rows))


TEXT = """\
# Where the theory of the average learning curve may be trusted

Written by `python benchmarks/learning_curve.py --out docs/learning-curve.md`.

`grokode kernel` and `grokode.lazy.average_regression` predict the average test loss of kernel regression from the
population spectrum of the initial kernel alone. The theory holds for independent Gaussian features (that is a test of
the implementation, in `tests/lazy`). This kernel's quadratic features, products of the same D inputs, are not
independent, so for it the theory is biased. The bias, theory over mean of drawn training sets less one in percent,
for x ~ N(0, I/D), infinite width, eps = {eps}, the paper's target with |beta|^2 = D (mean square 0.75), in three
settings: no noise and no ridge; noise of standard deviation {noise} on the labels ({share:.0f} % of their mean square)
and no ridge; the same noise and a ridge of {ridge}. F = D (D+3)/2 is the rank.

| D | P | P/F | no noise: loss | theory, % | noise: loss | theory, % | noise, ridge: loss | theory, % |
|---|---|---|---|---|---|---|---|---|
{rows}

What it says:

- Without noise the theory may be trusted at any P: it is high by 5 to 8 % at D = 10, by 1 to 4 % at D = 20, and right
  to the precision of this measurement, 1 to 2 %, at D = 50. From P = F on, it and the regression are both exact.
- With noise and without a ridge it may be trusted up to P about F/3. Beyond it is low, most of all around P = F, where
  the loss is largest: by 60 % at D = 10, 34 % at D = 20 and 14 % at D = 50, so about as 1/D.
- With noise and a ridge near the best one it may be trusted up to P about F/2, and to some ten percent beyond: it is low
  by at most 21 % at D = 10, 12 % at D = 20 and 6 % at D = 50.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-dim", type=int, default=max(DIMENSIONS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with threadpool_limits(limits=1):
        rows = [row(dim, part) for dim in DIMENSIONS if dim <= options.max_dim for part in PARTS]
    if options.out:
        options.out.write_text(document(rows), encoding="utf-8")
    else:
        print(document(rows))


if __name__ == "__main__":
    main()
