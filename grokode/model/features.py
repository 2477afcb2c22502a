"""Features of the inputs in which a kernel is an inner product, held block by block of samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .network import Network
from .quadratic import Monomials, QuadraticFunctions
from .states.factor import FactorState

Array = NDArray[np.float64]

BLOCK = 2**20
"""Numbers that a block of rows, or of functions, holds at the most."""


class Features(Protocol):
    """Features psi with a metric: the kernel is psi(x)^T Q psi(x')."""

    @property
    def size(self) -> int:
        """Number of features m."""
        ...

    def rows(self, X: Array) -> Array:
        """Features at inputs, shape (P, m)."""
        ...

    def map(self, theta: Array) -> Array:
        """Return Q theta, shape (m, K)."""
        ...

    def functions(self, theta: Array) -> QuadraticFunctions:
        """Return the functions psi(x).theta_k, theta of shape (m, K)."""
        ...


@dataclass(frozen=True, eq=False)
class TangentFeatures:
    """The r D tangents of a state."""

    network: Network
    state: FactorState

    @property
    def size(self) -> int:
        """Number of features m."""
        return self.state.V.size

    def rows(self, X: Array) -> Array:
        """Features at inputs, shape (P, m)."""
        return self.state.tangents(self.network, X)

    def map(self, theta: Array) -> Array:
        """Return Q theta, shape (m, K); Q is the identity."""
        return theta

    def functions(self, theta: Array) -> QuadraticFunctions:
        """Return the functions psi(x).theta_k, theta of shape (m, K)."""
        return self.state.tangent_functions(self.network, theta)


@dataclass(frozen=True, eq=False)
class MonomialFeatures:
    """The linear and quadratic monomials, with the metric of a state."""

    network: Network
    state: FactorState

    @property
    def size(self) -> int:
        """Number of features m."""
        return self._monomials.size

    def rows(self, X: Array) -> Array:
        """Features at inputs, shape (P, m)."""
        return self._monomials.rows(X)

    def map(self, theta: Array) -> Array:
        """Return Q theta, shape (m, K): the kernel's map (K16) on coefficients."""
        monomials, mapped = self._monomials, np.empty_like(theta)
        width = max(1, BLOCK // self.state.V.shape[1] ** 2)
        for first in range(0, theta.shape[1], width):
            part = slice(first, first + width)
            functions = self.state.kernel_map(self.network, monomials.functions(theta[:, part]))
            mapped[:, part] = monomials.coefficients(functions)
        return mapped

    def functions(self, theta: Array) -> QuadraticFunctions:
        """Return the functions psi(x).theta_k, theta of shape (m, K)."""
        return self._monomials.functions(theta)

    @property
    def _monomials(self) -> Monomials:
        return Monomials(self.state.V.shape[1])


def blocks(features: Features, X: Array) -> Iterator[tuple[slice, Array]]:
    """Yield the features block by block of samples."""
    height = max(1, BLOCK // features.size)
    for first in range(0, len(X), height):
        part = slice(first, first + height)
        yield part, features.rows(X[part])


def projected(features: Features, X: Array, r: Array) -> Array:
    """Sum of psi r over the samples, shape (m,) for r (P,), (m, K) for r (P, K)."""
    total = np.zeros((features.size, *r.shape[1:]))
    for part, rows in blocks(features, X):
        total += rows.T @ r[part]
    return total


def gram(features: Features, X: Array) -> Array:
    """Sum of psi psi^T over the samples, shape (m, m)."""
    S = np.zeros((features.size, features.size))
    for _, rows in blocks(features, X):
        S += rows.T @ rows
    return S
