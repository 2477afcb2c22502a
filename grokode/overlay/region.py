"""Where the truth is, jointly: regions, and intervals of parameters and of products of their powers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .identification import Directions
from .log import Array
from .misfit import Scatter

LEVELS = (0.68, 0.99)

ENDLESS = 300.0
"""Reach in the logarithm beyond which numbers would overflow."""

MORE = 1.0
"""Of a product's variance, that rounding its exponents to halves may add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A product of powers of parameters, and the interval of the joint region at each level.

    Parameters
    ----------
    powers : mapping of str to float
    value : float
    intervals : mapping of float to (float, float), or None
        By level; None where the curves do not tell it.
    """

    powers: Mapping[str, float]
    value: float
    intervals: Mapping[float, tuple[float, float]] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        ends = None if self.intervals is None else {f"{level:g}": list(both) for level, both in self.intervals.items()}
        return {"value": self.value, "identified": ends is not None, "intervals": ends}


@dataclass(frozen=True, eq=False, kw_only=True)
class Region:
    r"""What curves say of values of p parameters, through the scores :math:`s = J^T r` of the misfit r there.

    Parameters
    ----------
    score : ndarray, shape (p,)
        On the logarithms of the parameters.
    scatter : Scatter
        Of the score, by chance.
    directions : Directions
        Those that the curves tell.
    """

    score: Array
    scatter: Scatter
    directions: Directions

    def holds(self, level: float) -> bool:
        """Return whether the score is no further from zero than its scatter explains: Rao's test."""
        known = self.directions.known
        if not known.shape[1]:
            return True
        score = known.T @ self.score
        distance = score @ np.linalg.solve(known.T @ self.scatter.covariance @ known, score)
        return bool(distance <= self.scatter.limit(level, known.shape[1]))

    def variance(self, powers: Array) -> float:
        """Return the variance of a product of powers, shape (p,), in its logarithm, as far as it is known."""
        known = self.directions.known
        inverse = self.directions.known_errors**2 / self.scatter.noise  # of J^T J, which is diagonal along them
        part = inverse * (known.T @ powers)
        return float(part @ (known.T @ self.scatter.covariance @ known) @ part)

    def combination(self, powers: Mapping[str, float], theta: Array, names: Sequence[str]) -> Combination:
        """Return the value of a product and its intervals, at the logarithms of the best fit."""
        c = np.array([powers.get(name, 0.0) for name in names])
        center, intervals = float(c @ theta), {}
        for level in LEVELS if self.directions.tell(c) else ():
            limit = self.scatter.limit(level, self.directions.known.shape[1])
            reach = min(np.sqrt(limit * (self.variance(c) + self.directions.leak(c))), ENDLESS)
            intervals[level] = (float(np.exp(center - reach)), float(np.exp(center + reach)))
        return Combination(powers=powers, value=float(np.exp(center)), intervals=intervals or None)

    def products(self, names: Sequence[str]) -> list[dict[str, float]]:
        """Return the products that are known although their factors are not, half powers where those do as well."""
        found = []
        for exact in self.directions.combinations():
            half = np.round(2 * exact) / 2
            powers = half if self.directions.leak(half) <= MORE * self.variance(half) else exact
            if np.count_nonzero(powers) > 1:
                found.append({name: float(power) for name, power in zip(names, powers, strict=True) if power})
        return found
