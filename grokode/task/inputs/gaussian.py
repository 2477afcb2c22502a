"""Gaussian inputs with any covariance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gaussian:
    r"""Inputs :math:`x \sim N(0, \Sigma)`.

    Parameters
    ----------
    Sigma : ndarray, shape (D,) or (D, D)
        Covariance: its diagonal, or the whole symmetric matrix, positive semidefinite.

    Raises
    ------
    InvalidInput
        If Sigma is not finite, not symmetric, or has a negative eigenvalue.
    """

    Sigma: Array

    def __post_init__(self) -> None:
        Sigma = np.array(self.Sigma, dtype=float)
        square = Sigma.ndim == 2 and Sigma.shape[0] == Sigma.shape[1]
        if Sigma.size == 0 or not (Sigma.ndim == 1 or square):
            raise InvalidInput(f"covariance must have shape (D,) or (D, D), got {Sigma.shape}")
        if not np.isfinite(Sigma).all():
            raise InvalidInput("covariance must be finite, got NaN or infinity")
        if square and not np.allclose(Sigma, Sigma.T, rtol=1e-6, atol=1e-12 * np.abs(Sigma).max()):
            raise InvalidInput("covariance must be symmetric, got a matrix that is not; use (S + S.T)/2")
        if square:
            Sigma = (Sigma + Sigma.T) / 2
            if np.array_equal(Sigma, np.diag(np.diag(Sigma))):
                Sigma = np.diag(Sigma).copy()
        smallest = Sigma.min() if Sigma.ndim == 1 else np.linalg.eigvalsh(Sigma)[0]
        if smallest < -1e-10 * np.abs(Sigma).max():  # rounding of a singular covariance is forgiven
            raise InvalidInput(f"covariance must be positive semidefinite, got an eigenvalue {smallest:.3g}")
        Sigma.setflags(write=False)
        object.__setattr__(self, "Sigma", Sigma)

    @classmethod
    def isotropic(cls, dim: int, variance: float | None = None) -> Gaussian:
        """Return x ~ N(0, variance I); the paper's law, I/D, by default."""
        return cls(np.full(dim, 1 / dim if variance is None else variance))

    @property
    def dim(self) -> int:
        """Input dimension D."""
        return len(self.Sigma)

    @property
    def matrix(self) -> Array:
        """The whole covariance, shape (D, D)."""
        return np.diag(self.Sigma) if self.Sigma.ndim == 1 else self.Sigma

    @property
    def trace(self) -> float:
        """Trace of the covariance, the mean of ``x . x``."""
        return float(self.Sigma.sum() if self.Sigma.ndim == 1 else np.trace(self.Sigma))

    @cached_property
    def largest(self) -> float:
        """Largest eigenvalue of the covariance."""
        return float(self.Sigma.max() if self.Sigma.ndim == 1 else np.linalg.eigvalsh(self.Sigma)[-1])

    def times(self, A: Array) -> Array:
        """Return A Sigma for an array of shape (..., D)."""
        product: Array = A * self.Sigma if self.Sigma.ndim == 1 else A @ self.Sigma
        return product

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n inputs, shape (n, D), row by row: a larger draw extends a smaller one."""
        Z = rng.standard_normal((n, self.dim))
        if self.Sigma.ndim == 1:
            return Z * np.sqrt(np.clip(self.Sigma, 0, None))
        values, vectors = np.linalg.eigh(self.Sigma)
        X: Array = Z @ (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
        return X
