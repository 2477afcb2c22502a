"""Linear and quadratic functions of the inputs: what a tangent kernel of this network is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticFunctions:
    r"""Functions :math:`h_k(x) = b_k \cdot x + x^T S_k x`.

    Parameters
    ----------
    b : ndarray, shape (K, D)
    S : ndarray, shape (K, D, D)
        Symmetric.
    """

    b: Array
    S: Array

    def __call__(self, X: Array) -> Array:
        """Evaluate at inputs X, shape (P, D); returns shape (P, K)."""
        quadratic = np.stack([np.sum((X @ S) * X, axis=1) for S in self.S], axis=1)
        values: Array = X @ self.b.T + quadratic
        return values


@dataclass(frozen=True)
class Monomials:
    r"""The D (D+3)/2 linear and quadratic monomials, :math:`\phi(x) = [x, \mathrm{svec}(x x^T)]`.

    svec lists the upper triangle of a symmetric matrix row by row, off the diagonal times :math:`\sqrt 2`, so that
    svec(A).svec(B) = tr(A B), and :math:`\mathrm{svec}(x x^T) \cdot \mathrm{svec}(x' x'^T) = (x \cdot x')^2`.

    Parameters
    ----------
    dim : int
        Input dimension D.
    """

    dim: int

    @property
    def size(self) -> int:
        """Number of monomials F."""
        return self.dim * (self.dim + 3) // 2

    @cached_property
    def triangle(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the entries that svec lists."""
        return np.triu_indices(self.dim)

    @cached_property
    def _scale(self) -> Array:
        i, j = self.triangle
        return np.where(i == j, 1.0, np.sqrt(2.0))

    def rows(self, X: Array) -> Array:
        """Monomials at inputs X, shape (P, F)."""
        i, j = self.triangle
        return np.hstack([X, X[:, i] * X[:, j] * self._scale])

    def svec(self, S: Array) -> Array:
        """List symmetric matrices, shape (..., D, D) to (..., F - D)."""
        i, j = self.triangle
        listed: Array = S[..., i, j] * self._scale
        return listed

    def crossed(self, N: Array) -> Array:
        r"""Return :math:`\langle E_p, E_q \rangle = \sum_{ijkl} E_{p,ij} E_{q,kl} N_{(ik),(jl)}` for listed matrices E.

        Parameters
        ----------
        N : ndarray, shape (F - D, F - D)
            In svec's scale on both sides, symmetric.
        """
        i, j = self.triangle
        place = np.empty((self.dim, self.dim), dtype=np.intp)
        place[i, j] = place[j, i] = np.arange(len(i))
        plain = N / np.outer(self._scale, self._scale)
        products = np.empty_like(N)
        for p, (k, m) in enumerate(zip(i, j, strict=True)):
            straight = plain[place[k, i], place[m, j]] + plain[place[k, j], place[m, i]]
            products[p] = self._scale[p] * self._scale * straight / 2
        return products

    def functions(self, theta: Array) -> QuadraticFunctions:
        r"""Return the functions :math:`\phi(x) \cdot \theta_k` of coefficients theta, shape (F, K)."""
        i, j = self.triangle
        S = np.zeros((theta.shape[1], self.dim, self.dim))
        S[:, i, j] = S[:, j, i] = theta[self.dim :].T / self._scale
        return QuadraticFunctions(np.ascontiguousarray(theta[: self.dim].T), S)

    def coefficients(self, functions: QuadraticFunctions) -> Array:
        """Return the theta of functions, shape (F, K)."""
        return np.vstack([functions.b.T, self.svec(functions.S).T])
