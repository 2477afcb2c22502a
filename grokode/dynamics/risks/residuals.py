"""The residuals of a finite training set as a function of z = alpha (V - V_0), with products of their derivative."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs

from . import kernels
from .empirical import EmpiricalRisk
from .jacobian import EmpiricalJacobian

Array = NDArray[np.float64]
Real = NDArray[np.floating[Any]]


SMALL = 64
"""Up to this many dimensions, and samples or unknowns, a compiled step is faster: calls are what the others cost."""


class Residuals:
    r"""The residuals r(z) of an empirical risk, in either precision.

    In :math:`z = \alpha (V - V_0)` the gradient flow is that of the loss itself:

    .. math:: \dot z = -\nabla L = -\tfrac{2}{P} B^T r, \qquad B_\mu = c_\mu x_\mu^T, \qquad
              r_\mu - r_{0\mu} = \delta_\mu \cdot (a + \epsilon (h_{0\mu} + \tfrac{1}{2\alpha} \delta_\mu)),
              \quad \delta_\mu = z x_\mu \quad (F3)

    Nothing cancels at large alpha, so products in float32 are good enough there too.

    Parameters
    ----------
    risk : EmpiricalRisk
    dtype : dtype
        Of the matrix products; residuals, losses and sums over parameters are in float64.
    """

    def __init__(self, risk: EmpiricalRisk, dtype: type[np.floating[Any]] = np.float64) -> None:
        self.risk, self.dtype = risk, dtype
        X, start = risk.data.X, risk.start
        self.X = np.array(X, dtype=dtype, order="C")  # a copy that can be written: kernels have one signature
        self.XT = np.ascontiguousarray(self.X.T)
        self.a = start.a.astype(dtype)
        self.H0 = (start.V @ X.T).astype(dtype)
        self.scratch = np.empty_like(self.H0)
        self.shape: tuple[int, int] = (len(start.a), X.shape[1])
        self.small = max(self.shape[1], min(self.n, self.samples)) <= SMALL
        self._V0 = risk.network.alpha * start.V.ravel()

    @property
    def n(self) -> int:
        """Number of unknowns r D."""
        return self.shape[0] * self.shape[1]

    @property
    def samples(self) -> int:
        """Number of samples P."""
        return len(self.X)

    @cached_property
    def gram(self) -> Real:
        """Inner products of the inputs, shape (P, P), in the order of LAPACK."""
        return np.asarray(self.risk.data.gram.astype(self.dtype, copy=False).T)

    @property
    def mean_square_label(self) -> float:
        """Mean of y^2."""
        return self.risk.mean_square_label

    def size(self, z: Array) -> float:
        r"""Return :math:`\alpha^2 |V|^2 / D`, the scale of relative changes of V."""
        V = self._V0 + z
        return float(V @ V) / self.shape[1]

    def at(self, z: Array) -> Linearization:
        """Return loss, gradient and derivative at z, shape (n,)."""
        network, residual = self.risk.network, np.empty(self.samples)
        C = self.matrix(z) @ self.XT
        loss = kernels.linearize(C, self.H0, self.a, self.risk.offset, network.alpha, network.eps, residual)
        return Linearization(self, C, residual, loss)

    def compiled_step(
        self, z: Array, history: Array, c: float, implicit: float
    ) -> tuple[Linearization, Array, Array] | None:
        r"""Solve :math:`(I - c' J) d = -c \nabla L - \psi` with the exact Jacobian at z in one compiled call.

        Parameters
        ----------
        z, history : ndarray, shape (n,)
        c, implicit : float
            c and c'.

        Returns
        -------
        here : Linearization
        d : ndarray, shape (n,)
        moved : ndarray, shape (P,)
            B d.

        None where I - c' J may not be positive definite.
        """
        C, residual = np.empty_like(self.H0), np.empty(self.samples)
        d, moved = np.empty(self.shape), np.empty(self.samples)
        Z, psi, network = z.reshape(self.shape), history.reshape(self.shape), self.risk.network
        constants = self.X, self.XT, self.H0, self.a, self.risk.offset, network.alpha, network.eps
        loss = kernels.linear_step(Z, psi, c, implicit, *constants, C, residual, d, moved)
        return None if np.isnan(loss) else (Linearization(self, C, residual, loss), d.ravel(), moved)

    def matrix(self, z: Array) -> Real:
        """Return z as a matrix in the precision of the products."""
        return z.reshape(self.shape).astype(self.dtype, copy=False)


class Linearization:
    """Residuals at one z, and products with their derivative B.

    Parameters
    ----------
    residuals : Residuals
    C : ndarray, shape (r, P)
        Slopes c_mu, one column a sample.
    residual : ndarray, shape (P,)
    loss : float
    """

    def __init__(self, residuals: Residuals, C: Real, residual: Array, loss: float) -> None:
        self._of, self._C, self.residual, self.loss = residuals, C, residual, loss

    @cached_property
    def descent(self) -> Array:
        r"""Return :math:`-\nabla L = -\tfrac{2}{P} B^T r`, shape (n,)."""
        return self.vjp((-2 / self._of.samples) * self.residual)

    def jvp(self, d: Array) -> Array:
        """Return B d, shape (P,)."""
        moved = np.dot(self._of.matrix(d), self._of.XT, out=self._of.scratch)
        return np.asarray(kernels.column_dots(self._C, moved))

    def vjp(self, w: Array) -> Array:
        """Return B^T w, shape (n,)."""
        kernels.weigh(self._C, w, self._of.scratch)
        return (self._of.scratch @ self._of.X).ravel().astype(np.float64, copy=False)

    def times(self, d: Array) -> Array:
        """Return J d with the exact Jacobian of the gradient flow (J1), shape (n,)."""
        curved = self._of.matrix(d) @ self.curvature
        return (-2 / self._of.samples) * self.vjp(self.jvp(d)) - curved.ravel()

    def kernel(self) -> Real:
        """Return B B^T, the tangent kernel on the training set, shape (P, P); its lower triangle."""
        return self._kernel(self._of.gram)

    def _kernel(self, gram: Real) -> Real:
        (syrk,) = get_blas_funcs(("syrk",), (self._C,))
        K = syrk(1.0, self._C.T, lower=1)
        K *= gram
        return np.asarray(K)

    @property
    def trace(self) -> float:
        """Trace of the tangent kernel."""
        squares = np.einsum("im,im->m", self._C, self._C)
        return float(squares @ np.einsum("mj,mj->m", self._of.X, self._of.X))

    @cached_property
    def curvature(self) -> Real:
        r"""Return :math:`G' = \tfrac{2 \epsilon}{\alpha} \langle r x x^T \rangle`, shape (D, D) (J1)."""
        network, X = self._of.risk.network, self._of.X
        weights = (2 * network.eps / network.alpha / len(X)) * self.residual
        return np.asarray(X.T @ (weights.astype(X.dtype)[:, None] * X))

    @property
    def curvature_at_most(self) -> float:
        r"""Upper bound on the largest absolute eigenvalue of G', by the largest residual and the norm of the inputs."""
        network, data = self._of.risk.network, self._of.risk.data
        largest = float(np.max(np.abs(self.residual)))
        return 2 * network.eps / network.alpha * largest * data.norm**2 / self._of.samples

    def curvature_norm(self) -> float:
        r"""Return a bound on the largest absolute eigenvalue of G', at most :math:`D^{1/8}` times it."""
        scale = float(np.max(np.abs(self.curvature)))
        if scale == 0:
            return 0.0
        square = self.curvature / self._of.X.dtype.type(scale)
        square = square @ square
        fourth = float(np.linalg.norm(square @ square))
        return float(scale * fourth**0.25)

    def hessian(self) -> EmpiricalJacobian:
        """Return the exact Jacobian of the gradient flow, in float64."""
        return EmpiricalJacobian(
            np.ascontiguousarray(self._C.T, dtype=np.float64),
            self._of.X.astype(np.float64),
            self.curvature.astype(np.float64),
        )

    def curved(self, c: float) -> Curved:
        """Return what the curvature makes of a solve with I - c J through the samples."""
        A: Array = np.eye(len(self.curvature)) + c * self.curvature.astype(np.float64)
        S = np.asarray(np.linalg.inv(A), dtype=np.float64)
        X = self._of.X @ S.astype(self._of.dtype)
        negative = self._of.shape[0] * negative_eigenvalues(A)
        return Curved(S, self._kernel(np.asarray((X @ self._of.XT).T)), negative)


def negative_eigenvalues(A: Array) -> int:
    """Count the negative eigenvalues of a symmetric matrix, at the price of a Cholesky factorisation if it has none."""
    try:
        np.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        return int(np.count_nonzero(np.linalg.eigvalsh(A) < 0))
    return 0


class Curved:
    r"""A solve with I - c J, curvature included: :math:`S = (I + c G')^{-1}` beside the Gauss-Newton part (J2).

    Parameters
    ----------
    S : ndarray, shape (D, D)
    kernel : ndarray, shape (P, P)
        B (I x S) B^T, its lower triangle.
    negative : int
        Number of negative eigenvalues of I x S. I - c J is positive definite where kernel + P/(2c) has as many (the
        inertia of Schur complements).
    """

    def __init__(self, S: Array, kernel: Real, negative: int) -> None:
        self._S, self.kernel, self.negative = S, kernel, negative

    def times(self, d: Array) -> Array:
        """Return d S, shape (n,)."""
        return np.asarray(d.reshape(-1, len(self._S)) @ self._S).ravel()
