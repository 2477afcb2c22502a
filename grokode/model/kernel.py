"""The initial kernel on a sample, decomposed once, in the smallest of three spaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from .network import Network
from .quadratic import Monomials, QuadraticFunctions
from .states.factor import FactorState

Array = NDArray[np.float64]

BLOCK = 2**22
"""Numbers that a block of feature rows holds at the most."""


class Modes(Protocol):
    r"""Eigenvectors :math:`u_k` of the kernel's matrix that have nonzero eigenvalues, and their extension to any x.

    An eigenvalue at most ``cut`` is rounding and counts as zero:
    :math:`\max(P, m)\, 2^{-52} \lambda_{\max}`, with m the size of the matrix that was decomposed.

    """

    @property
    def eigenvalues(self) -> Array:
        """Those above the cut, shape (rank,), decreasing, in units of inverse flow time."""
        ...

    @property
    def n_samples(self) -> int:
        """P."""
        ...

    @property
    def cut(self) -> float:
        """At most this counts as zero."""
        ...

    def project(self, r: Array) -> Array:
        """Return the components u_k.r of labels, shape (P,) to (rank,)."""
        ...

    def combine(self, coefficients: Array) -> Array:
        """Return combinations of eigenvectors, shape (rank, K) to (P, K)."""
        ...

    def remainder(self, r: Array) -> Array:
        """Return what of labels no eigenvector holds, shape (P,)."""
        ...

    def functions(self, coefficients: Array) -> QuadraticFunctions:
        r"""Extend combinations of eigenvectors to all inputs, by :math:`K(x, X) u_k / \lambda_k`.

        Parameters
        ----------
        coefficients : ndarray, shape (rank, K)
        """
        ...


def condition(values: Array) -> float:
    """Largest over smallest of nonzero eigenvalues in decreasing order; 1 where there is none."""
    return float(values[0] / values[-1]) if len(values) else 1.0


def smallest_space(state: FactorState, n_samples: int) -> tuple[str, int]:
    """Return in which space the kernel of P samples is decomposed, and the order of the matrix there."""
    sizes = {
        "samples": n_samples,
        "tangents": state.V.size,
        "monomials": Monomials(state.V.shape[1]).size,
    }
    space = min(sizes, key=lambda name: sizes[name])
    return space, sizes[space]


def needed_bytes(order: int) -> float:
    """Bytes that a decomposition of that order holds at once: five matrices, and a block of feature rows."""
    return 8.0 * (5 * order**2 + BLOCK)


def decompose(network: Network, state: FactorState, X: Array) -> Modes:
    r"""Decompose the kernel of a state on a sample, in the smallest of three spaces.

    In the space of the samples the P x P matrix itself; else the kernel is an inner product of features, of the
    r D tangents or of the F = D (D+3)/2 monomials, and no P x P matrix is formed. The rank is at most the
    smallest of the three.

    Parameters
    ----------
    network : Network
    state : FactorState
    X : ndarray, shape (P, D)

    Returns
    -------
    Modes

    Notes
    -----
    With m the size of the space: about 10 m^3 + 2 P m^2 operations and 40 m^2 bytes, in float64.
    """
    space, _ = smallest_space(state, len(X))
    if space == "samples":
        return SampleModes.of(network, state, X)
    features = TangentFeatures(network, state) if space == "tangents" else MonomialFeatures(network, state)
    return FeatureModes.of(features, X)


@dataclass(frozen=True, eq=False)
class SampleModes:
    """Eigenvectors of the P x P matrix."""

    eigenvalues: Array
    vectors: Array
    cut: float
    network: Network
    state: FactorState
    X: Array

    @classmethod
    def of(cls, network: Network, state: FactorState, X: Array) -> SampleModes:
        """Decompose the matrix."""
        values, vectors, cut = eigenpairs(state.kernel(network, X, X), len(X))
        return cls(values, vectors, cut, network, state, X)

    @property
    def n_samples(self) -> int:
        """P."""
        return len(self.X)

    def project(self, r: Array) -> Array:
        """Return the components u_k.r of labels, shape (P,) to (rank,)."""
        return self.vectors.T @ r

    def combine(self, coefficients: Array) -> Array:
        """Return combinations of eigenvectors, shape (rank, K) to (P, K)."""
        return self.vectors @ coefficients

    def remainder(self, r: Array) -> Array:
        """Return what of labels no eigenvector holds, shape (P,)."""
        return r - self.combine(self.project(r)[:, None])[:, 0]

    def functions(self, coefficients: Array) -> QuadraticFunctions:
        """Extend combinations of eigenvectors to all inputs."""
        weights = self.vectors @ (coefficients / self.eigenvalues[:, None])
        return self.state.kernel_functions(self.network, self.X, weights)


class Features(Protocol):
    """Features psi with a metric: the kernel is psi(x)^T Q psi(x')."""

    @property
    def size(self) -> int:
        """Number of features m."""
        ...

    def rows(self, X: Array) -> Array:
        """Features at inputs, shape (P, m)."""
        ...

    def metric(self) -> Array:
        """Return Q, shape (m, m)."""
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

    def metric(self) -> Array:
        """Return Q, shape (m, m)."""
        return np.eye(self.size)

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

    def metric(self) -> Array:
        """Return Q, shape (m, m): the kernel's map (K16) on coefficients."""
        monomials, Q = self._monomials, np.empty((self.size, self.size))
        width = max(1, BLOCK // self.state.V.shape[1] ** 2)
        for first in range(0, self.size, width):
            columns = np.arange(first, min(first + width, self.size))
            identity = np.zeros((self.size, len(columns)))
            identity[columns, np.arange(len(columns))] = 1.0
            mapped = self.state.kernel_map(self.network, monomials.functions(identity))
            Q[:, columns] = monomials.coefficients(mapped)
        return Q

    def functions(self, theta: Array) -> QuadraticFunctions:
        """Return the functions psi(x).theta_k, theta of shape (m, K)."""
        return self._monomials.functions(theta)

    @property
    def _monomials(self) -> Monomials:
        return Monomials(self.state.V.shape[1])


@dataclass(frozen=True, eq=False)
class FeatureModes:
    r"""Eigenvectors :math:`u_k = \Psi \ell_k` through features, block by block of samples.

    With :math:`\Psi^T \Psi = L L^T` the nonzero eigenvalues are those of :math:`L^T Q L`, whose eigenvectors e_k
    give :math:`\ell_k = Q L e_k / \lambda_k` (K17); :math:`\psi(x) \cdot \ell_k` is :math:`K(x, X) u_k / \lambda_k`.

    Parameters
    ----------
    eigenvalues : ndarray, shape (rank,)
    lift : ndarray, shape (m, rank)
        The columns l_k.
    """

    eigenvalues: Array
    lift: Array
    cut: float
    features: Features
    X: Array

    @classmethod
    def of(cls, features: Features, X: Array) -> FeatureModes:
        """Decompose in the space of features."""
        size = max(len(X), features.size)
        scales, vectors, _ = eigenpairs(gram(features, X), size)
        values, lift, cut = diagonalize(vectors * np.sqrt(scales), features.metric(), size)
        return cls(values, lift, cut, features, X)

    @property
    def n_samples(self) -> int:
        """P."""
        return len(self.X)

    def project(self, r: Array) -> Array:
        """Return the components u_k.r of labels, shape (P,) to (rank,)."""
        return self.lift.T @ projected(self.features, self.X, r)

    def combine(self, coefficients: Array) -> Array:
        """Return combinations of eigenvectors, shape (rank, K) to (P, K)."""
        theta = self.lift @ coefficients
        return np.concatenate([rows @ theta for _, rows in blocks(self.features, self.X)])

    def remainder(self, r: Array) -> Array:
        """Return what of labels no eigenvector holds, shape (P,)."""
        return r - self.combine(self.project(r)[:, None])[:, 0]

    def functions(self, coefficients: Array) -> QuadraticFunctions:
        """Extend combinations of eigenvectors to all inputs."""
        return self.features.functions(self.lift @ coefficients)


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


def diagonalize(L: Array, Q: Array, size: int) -> tuple[Array, Array, float]:
    r"""Nonzero eigenvalues of :math:`L^T Q L`, and the lift of its eigenvectors (K17).

    Parameters
    ----------
    L : ndarray, shape (m, l)
        A square root of the features' moments, :math:`L L^T`.
    Q : ndarray, shape (m, m)
        Their metric.
    size : int
        Of the larger of the two matrices that share the eigenvalues; the cut grows with it.

    Returns
    -------
    values : ndarray, shape (rank,)
        Decreasing.
    lift : ndarray, shape (m, rank)
    cut : float
    """
    QL = Q @ L
    values, E, cut = eigenpairs(L.T @ QL, size)
    return values, QL @ (E / values), cut


def eigenpairs(A: Array, size: int) -> tuple[Array, Array, float]:
    """Eigenvalues above the cut, decreasing, their eigenvectors as columns, and the cut."""
    values, vectors = scipy.linalg.eigh(A, driver="evd", check_finite=False)
    cut = float(size * np.finfo(float).eps * np.max(values, initial=0.0))
    kept = values > cut
    return values[kept][::-1], np.ascontiguousarray(vectors[:, kept][:, ::-1]), cut
