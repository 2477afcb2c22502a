"""The exact Jacobian J of a flow's force, and solves with shift I - J that never form a large J."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Array = NDArray[np.float64]
Solve = Callable[[Array], Array]


ROWS = 2000
"""Samples whose tangent rows are held at a time while a dense Jacobian is formed."""


class Jacobian(Protocol):
    """d(dV/dt)/dV at one state, symmetric; V is flattened to n = r D numbers."""

    def times(self, d: Array) -> Array:
        """Return J d, shape (n,)."""
        ...

    def dense(self) -> Array:
        """Return J, shape (n, n)."""
        ...

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J) d = R."""
        ...


class EmpiricalJacobian:
    r"""The Jacobian of a finite training set.

    .. math:: J d = -\tfrac{2}{P} B^T B d - d G', \qquad (B d)_\mu = c_\mu^T d\, x_\mu, \quad
              G' = \tfrac{2\epsilon}{\alpha} G \quad (J1)

    For n > P solves go through the P x P kernel (Woodbury, J2): with :math:`S = (s I + G')^{-1}` the solution
    of :math:`(s - J) d = R` is :math:`d = (R - C^T \mathrm{diag}(w) X) S`, where
    :math:`(\tfrac{P}{2} I + (X S X^T) \circ (C C^T)) w = B (R S)`. Only a shifted kernel is factorised, so
    a singular kernel is no obstacle.

    Parameters
    ----------
    C : ndarray, shape (P, r)
        Slopes c_mu.
    X : ndarray, shape (P, D)
    G : ndarray, shape (D, D)
        G' above.
    """

    def __init__(self, C: Array, X: Array, G: Array) -> None:
        self._C, self._X, self._G = C, X, G

    def times(self, d: Array) -> Array:
        """Return J d, shape (n,)."""
        C, X = self._C, self._X
        D = d.reshape(C.shape[1], X.shape[1])
        w = np.sum((C @ D) * X, axis=1)
        product: Array = (-2 / len(X)) * ((w[:, None] * C).T @ X) - D @ self._G
        return product.ravel()

    def fastest_at_most(self) -> float:
        r"""Return a bound on the rate of the fastest decaying mode, :math:`\tfrac{2}{P} \|K\|_F + \|G'\|_F`."""
        C, X = self._C, self._X
        K = (X @ X.T) * (C @ C.T)
        return float(2 / len(X) * np.linalg.norm(K) + np.linalg.norm(self._G))

    def dense(self) -> Array:
        """Return J, shape (n, n)."""
        return self._dense

    @cached_property
    def _dense(self) -> Array:
        P, r = self._C.shape
        D = self._X.shape[1]
        J = np.zeros((r * D, r * D))
        for first in range(0, P, ROWS):
            C, X = self._C[first : first + ROWS], self._X[first : first + ROWS]
            B = (C[:, :, None] * X[:, None, :]).reshape(len(C), r * D)
            J -= (2 / P) * (B.T @ B)
        blocks = J.reshape(r, D, r, D)
        for i in range(r):
            blocks[i, :, i, :] -= self._G
        J.setflags(write=False)
        return J

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J) d = R."""
        C, X = self._C, self._X
        P, r = C.shape
        D = X.shape[1]
        if r * D <= P:
            return factor_dense(self.dense(), shift)
        S = np.linalg.inv(shift * np.eye(D) + self._G)
        A = (X @ S @ X.T) * (C @ C.T)
        A[np.diag_indices(P)] += P / 2
        inner = factor_symmetric(A)

        def solve(R: Array) -> Array:
            RS = R.reshape(r, D) @ S
            w = inner(np.sum((C @ RS) * X, axis=1))
            d: Array = RS - ((w[:, None] * C).T @ X) @ S
            return d.ravel()

        return solve


class DenseJacobian:
    """A Jacobian of few unknowns, given as a matrix.

    Parameters
    ----------
    J : ndarray, shape (n, n)
    """

    def __init__(self, J: Array) -> None:
        self._J = J

    def times(self, d: Array) -> Array:
        """Return J d, shape (n,)."""
        product: Array = self._J @ d
        return product

    def dense(self) -> Array:
        """Return J, shape (n, n)."""
        return self._J

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J) d = R."""
        return factor_dense(self._J, shift)


class Shifted:
    """J - rate I: the Jacobian of a flow with weight decay."""

    def __init__(self, J: Jacobian, rate: float) -> None:
        self._J, self._rate = J, rate

    def times(self, d: Array) -> Array:
        """Return (J - rate I) d, shape (n,)."""
        return self._J.times(d) - self._rate * d

    def dense(self) -> Array:
        """Return J - rate I, shape (n, n)."""
        J = self._J.dense()
        return J - self._rate * np.eye(len(J))

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J + rate I) d = R."""
        return self._J.factor(shift + self._rate)


def factor_dense(J: Array, shift: complex) -> Solve:
    """Factorise shift I - J for a dense symmetric J; returns the map from R to the solution."""
    A = -J.astype(np.result_type(J, shift))
    A[np.diag_indices_from(A)] += shift
    return factor_symmetric(A)


def factor_symmetric(A: Array) -> Solve:
    """Cholesky where A is real and positive definite, else LU."""
    if not np.iscomplexobj(A):
        try:
            cholesky = scipy.linalg.cho_factor(A, lower=True, check_finite=False)
            return lambda b: np.asarray(scipy.linalg.cho_solve(cholesky, b, check_finite=False))
        except np.linalg.LinAlgError:  # indefinite: a step longer than the growth time of some mode, or a lagging force
            pass
    lu = scipy.linalg.lu_factor(A, check_finite=False)
    return lambda b: np.asarray(scipy.linalg.lu_solve(lu, b, check_finite=False))


class Multiplies(Protocol):
    """A square matrix that is known by its products."""

    def times(self, d: Array) -> Array:
        """Return the product with d, shape (n,)."""
        ...


def spectral_radius(J: Multiplies, v: Array, iterations: int) -> tuple[float, Array]:
    """Estimate the largest absolute eigenvalue by power iteration from v.

    Returns
    -------
    radius : float
        From below; it has converged to about 1 % after 30 iterations from a random v.
    v : ndarray, shape (n,)
        Where to start the next time.
    """
    radius = 0.0
    for _ in range(iterations):
        w = J.times(v)
        radius = float(np.linalg.norm(w))
        if radius == 0.0:
            break
        v = w / radius
    return radius, v
