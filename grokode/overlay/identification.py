"""Which parameters, and which products of their powers, curves can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .log import Array

KNOWN = 1.0
"""A direction whose standard error in the logarithm is larger, a factor e, is not identified."""

CLEARLY = 0.2
"""The least part of the largest component with which a parameter is solved for."""

NOTHING = 1e-13
"""Information relative to the largest that is rounding of an eigenvalue, and counts as none."""


@dataclass(frozen=True, eq=False)
class Directions:
    r"""The eigenvectors of the information on the logarithms of p parameters, split into known and unknown.

    Parameters
    ----------
    known : ndarray, shape (p, q)
        Orthonormal columns.
    known_errors : ndarray, shape (q,)
        Standard errors along them.
    unknown : ndarray, shape (p, p - q)
    errors : ndarray, shape (p - q,)
        Standard errors along the unknown ones; infinity where there is no information.
    """

    known: Array
    known_errors: Array
    unknown: Array
    errors: Array

    @classmethod
    def of(cls, information: Array, least: float = 0.0) -> Directions:
        """Split an information matrix, shape (p, p), to which ``least`` is added in every direction."""
        values, vectors = np.linalg.eigh(information)
        values = np.where(values > NOTHING * max(values[-1], 0.0), values, 0.0) + least
        with np.errstate(divide="ignore"):
            errors = 1 / np.sqrt(values)
        known = errors <= KNOWN
        return cls(vectors[:, known], errors[known], vectors[:, ~known], errors[~known])

    def leak(self, powers: Array) -> float:
        """Return the variance that the unknown directions give to a product of powers, shape (p,), in its logarithm."""
        part = powers @ self.unknown
        there = np.abs(part) > np.sqrt(NOTHING)  # less is rounding of an eigenvector
        return float(np.sum((part[there] * self.errors[there]) ** 2))

    def tell(self, powers: Array) -> bool:
        """Return whether a product of powers, shape (p,), is known as well as a direction must be."""
        part = powers @ self.known * self.known_errors
        return bool(part @ part + self.leak(powers) <= KNOWN**2 * powers @ powers)

    def combinations(self) -> list[Array]:
        """Return products of powers that are known although their factors are not, as exponents, shape (p,) each.

        The unknown directions are solved for as many parameters as there are directions; what is left is
        known: from alpha : lr = 1 : -2 follows lr alpha^2.
        """
        p, k = self.unknown.shape
        # one that moves clearly is solved for, in the order of the parameters: lr alpha^2, not alpha lr^0.5
        pivots: list[int] = []
        rest = self.unknown.copy()
        for _ in range(k):
            sizes = np.linalg.norm(rest, axis=1)
            pivot = int(np.argmax(sizes > CLEARLY * sizes.max()))
            direction = rest[pivot] / sizes[pivot]
            rest = rest - np.outer(rest @ direction, direction)
            pivots.append(pivot)
        solved = self.unknown @ np.linalg.pinv(self.unknown[pivots])  # (p, k): log theta = solved log theta[pivots]
        found = []
        for j in range(p):
            powers = np.eye(p)[j]
            powers[pivots] -= solved[j]
            if j not in pivots:
                found.append(powers)
        return found


def product(powers: Mapping[str, float]) -> str:
    """Write a product of powers, for instance ``lr alpha^2``, the first power of the last parameter in front."""
    ordered = sorted(powers.items(), key=lambda item: item[1] != 1)
    return " ".join(name if power == 1 else f"{name}^{power:.3g}" for name, power in ordered)
