"""The initial kernel on a sample, decomposed once, in the smallest of three spaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..memory import refuse
from .features import BLOCK, Features, MonomialFeatures, TangentFeatures, blocks, gram, projected
from .network import Network
from .quadratic import Monomials, QuadraticFunctions
from .states.factor import FactorState
from .states.state import Functions, State

Array = NDArray[np.float64]


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

    def functions(self, coefficients: Array) -> Functions:
        r"""Extend combinations of eigenvectors to all inputs, by :math:`K(x, X) u_k / \lambda_k`.

        Parameters
        ----------
        coefficients : ndarray, shape (rank, K)
        """
        ...


Decompose = Callable[[Network, State, Array], Modes]
"""What ``decompose`` is: it does not look at alpha."""


def condition(values: Array) -> float:
    """Largest over smallest of nonzero eigenvalues in decreasing order; 1 where there is none."""
    return float(values[0] / values[-1]) if len(values) else 1.0


def smallest_space(state: State, n_samples: int) -> tuple[str, int]:
    """Return in which space the kernel of P samples is decomposed, and the order of the matrix there.

    That of real neurons is decomposed in the space of the samples.
    """
    if not isinstance(state, FactorState):
        return "samples", n_samples
    sizes = {
        "samples": n_samples,
        "tangents": state.V.size,
        "monomials": Monomials(state.V.shape[1]).size,
    }
    space = min(sizes, key=lambda name: sizes[name])
    return space, sizes[space]


MATRICES = {"samples": 5, "tangents": 9, "monomials": 9}
"""That a decomposition in a space holds at once, those that the eigensolver makes included."""


def needed_bytes(space: str, order: int) -> float:
    """Bytes that a decomposition of that order holds at once: its matrices, and some blocks of rows."""
    return 8.0 * (MATRICES[space] * order**2 + 4 * BLOCK)


def decompose(network: Network, state: State, X: Array) -> Modes:
    r"""Decompose the kernel of a state on a sample, in the smallest of three spaces.

    In the space of the samples the P x P matrix itself; else the kernel is an inner product of features, of the
    r D tangents or of the F = D (D+3)/2 monomials, and no P x P matrix is formed. The rank is at most the
    smallest of the three.

    Parameters
    ----------
    network : Network
    state : State
    X : ndarray, shape (P, D)

    Returns
    -------
    Modes

    Raises
    ------
    InvalidInput
        If it does not fit into memory.

    Notes
    -----
    With m the size of the space: about 10 m^3 + 2 P m^2 operations and 72 m^2 bytes, 40 P^2 in that of the samples; in
    float64.
    """
    space, order = smallest_space(state, len(X))
    refuse(needed_bytes(space, order), f"the kernel of {len(X)} samples", "lower n_train or dim")
    if space == "samples" or not isinstance(state, FactorState):
        return SampleModes.of(network, state, X)
    features = TangentFeatures(network, state) if space == "tangents" else MonomialFeatures(network, state)
    return FeatureModes.of(features, X)


@dataclass(frozen=True, eq=False)
class SampleModes:
    """Eigenvectors of the P x P matrix.

    Parameters
    ----------
    eigenvalues : ndarray, shape (rank,)
    vectors : ndarray, shape (P, rank)
    cut : float
    network : Network
    state : State
    X : ndarray, shape (P, D)
    """

    eigenvalues: Array
    vectors: Array
    cut: float
    network: Network
    state: State
    X: Array

    @classmethod
    def of(cls, network: Network, state: State, X: Array) -> SampleModes:
        """Decompose the matrix."""
        values, vectors, cut = eigenpairs(state.kernel(network, X, X), len(X))
        return cls(values, vectors, cut, network, state, X)

    def project(self, r: Array) -> Array:
        """Return the components u_k.r of labels, shape (P,) to (rank,)."""
        return self.vectors.T @ r

    def combine(self, coefficients: Array) -> Array:
        """Return combinations of eigenvectors, shape (rank, K) to (P, K)."""
        return self.vectors @ coefficients

    def remainder(self, r: Array) -> Array:
        """Return what of labels no eigenvector holds, shape (P,)."""
        return r - self.combine(self.project(r)[:, None])[:, 0]

    def functions(self, coefficients: Array) -> Functions:
        """Extend combinations of eigenvectors to all inputs."""
        weights = self.vectors @ (coefficients / self.eigenvalues[:, None])
        return self.state.kernel_functions(self.network, self.X, weights)


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
    cut : float
    features : Features
    X : ndarray, shape (P, D)
    """

    eigenvalues: Array
    lift: Array
    cut: float
    features: Features
    X: Array

    @classmethod
    def of(cls, features: Features, X: Array) -> FeatureModes:
        r"""Decompose in the space of features.

        Features are scaled to one size first, so that the unit of X does not matter. In the span of the samples the
        lift is :math:`L^{-T} e_k`, which loses nothing where eigenvalues are small; what is beside it, where there are
        fewer samples than features, is taken from :math:`Q L e_k / \lambda_k`.
        """
        size = max(len(X), features.size)
        S = gram(features, X)
        scale = np.sqrt(np.diag(S))
        scale[scale == 0] = 1.0
        squares, span, _ = eigenpairs(S / np.outer(scale, scale), size)
        roots = np.sqrt(squares)
        QL = features.map(scale[:, None] * (span * roots)) * scale[:, None]
        values, E, cut = eigenpairs((span * roots).T @ QL, size)
        lift = (span / roots) @ E
        if len(roots) < features.size:
            whole = QL @ (E / values)
            lift += whole - span @ (span.T @ whole)
        return cls(values, lift / scale[:, None], cut, features, X)

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


def eigenpairs(A: Array, size: int) -> tuple[Array, Array, float]:
    """Eigenvalues above the cut, decreasing, their eigenvectors as columns, and the cut."""
    values, vectors = scipy.linalg.eigh(A, driver="evd", check_finite=False)
    cut = float(size * np.finfo(float).eps * np.max(values, initial=0.0))
    kept = values > cut
    return values[kept][::-1], np.ascontiguousarray(vectors[:, kept][:, ::-1]), cut
