"""Solves with a symmetric matrix plus a shift, one factorisation serving many shifts and neighbouring matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs, get_lapack_funcs

Real = NDArray[np.floating[Any]]

RATIO = 3.0
"""A factorisation is not tried for shifts that are more times smaller or larger than its own."""

DIRECT = 100
"""Up to this order a factorisation costs no more than the calls of one iteration."""

ITERATIONS = 6
"""Conjugate gradients that need more are dearer than another factorisation."""


class TooLong(Exception):
    """The step is longer than the growth time of some mode, which it would damp."""


class Shifted:
    """Solves (A + shift I) w = b for a symmetric matrix A and shifts that drift.

    The matrix is factorised for one shift; for a shift or a matrix near it that factorisation preconditions conjugate
    gradients. Only A + shift is ever factorised, so a singular A is no obstacle.

    Parameters
    ----------
    A : ndarray, shape (m, m)
        In Fortran order, or each product copies it. Only its lower triangle is read; its dtype is that of the solves.
        It may be replaced by one near it, of the same dtype.
    """

    def __init__(self, A: Real) -> None:
        self.A = A
        self.factorizations = 0
        self._shift = 0.0
        self._factor: Cholesky | None = None
        (self._symv,) = get_blas_funcs(("symv",), (A,))

    def solve(self, b: Real, shift: float, goal: float, negative: int = 0) -> Real:
        """Return w, shape (m,).

        Parameters
        ----------
        b : ndarray, shape (m,)
        shift : float
        goal : float
            Norm of the residual that may be left.
        negative : int
            How many eigenvalues of A + shift have to be negative.

        Raises
        ------
        TooLong
            If another number of eigenvalues is.
        """
        b = b.astype(self.A.dtype)
        if negative:
            return Indefinite(self._shifted(shift), negative).solve(b)
        if len(b) > DIRECT and self._factor is not None and 1 / RATIO <= shift / self._shift <= RATIO:
            w = self._conjugate_gradients(self._factor, b, shift, goal)
            if w is not None:
                return w
        self._factor, self._shift = Cholesky(self._shifted(shift)), shift
        return self._factor.solve(b)

    def _shifted(self, shift: float) -> Real:
        self.factorizations += 1
        A = self.A.copy(order="F")
        A.ravel(order="K")[:: len(A) + 1] += shift  # the diagonal
        return A

    def _conjugate_gradients(self, factor: Cholesky, b: Real, shift: float, goal: float) -> Real | None:
        """Solve by preconditioned conjugate gradients; None where they do not converge at once."""
        number = b.dtype.type
        w, residual, direction, old = np.zeros_like(b), b, np.zeros_like(b), np.inf
        for _ in range(ITERATIONS):
            z = factor.solve(residual)
            new = float(residual @ z)
            direction = z + number(new / old) * direction
            image = self._symv(1.0, self.A, direction, lower=1) + number(shift) * direction
            curvature = float(direction @ image)
            if not (curvature > 0 and new > 0):
                return None if np.any(residual) else w
            step = number(new / curvature)
            w = w + step * direction
            residual = residual - step * image
            if float(np.linalg.norm(residual)) <= goal:
                return w
            old = new
        return None


class Cholesky:
    """A Cholesky factor whose solves are two triangular ones, several times faster than LAPACK's for one column."""

    def __init__(self, A: Real) -> None:
        (potrf,) = get_lapack_funcs(("potrf",), (A,))
        self._L, info = potrf(A, lower=1, clean=0, overwrite_a=1)
        if info:
            raise TooLong
        (self._trsv,) = get_blas_funcs(("trsv",), (A,))

    def solve(self, b: Real) -> Real:
        """Return the solution, shape (m,)."""
        half = self._trsv(self._L, b, lower=1)
        return np.asarray(self._trsv(self._L, half, lower=1, trans=1, overwrite_x=1))


class Indefinite:
    """The factorisation of Bunch and Kaufman (1977), which knows how many eigenvalues are negative."""

    def __init__(self, A: Real, negative: int) -> None:
        sytrf, self._sytrs = get_lapack_funcs(("sytrf", "sytrs"), (A,))
        self._factor, self._pivots, info = sytrf(A, lower=1, overwrite_a=1)
        single = self._pivots > 0
        pairs = np.count_nonzero(~single) // 2  # a block of two has one eigenvalue of each sign
        if info or pairs + np.count_nonzero(np.diag(self._factor)[single] < 0) != negative:
            raise TooLong

    def solve(self, b: Real) -> Real:
        """Return the solution, shape (m,)."""
        solution, _ = self._sytrs(self._factor, self._pivots, b, lower=1)
        return np.asarray(solution).reshape(b.shape)
