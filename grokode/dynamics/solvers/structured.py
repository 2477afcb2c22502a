"""SciPy's BDF and Radau with structured solves: their algorithm is kept, their linear algebra replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

from ..risks.jacobian import Jacobian, Solve

Array = NDArray[np.float64]


DENSE = 150
"""Up to this many unknowns a structured solve is calls more than work, and the matrix itself is factorised instead."""


class Pencil:
    """The matrix ``identity`` I + ``slope`` J, in the algebra that SciPy's solvers write."""

    __array_ufunc__ = None  # a NumPy scalar on the left leaves the product to __rmul__

    def __init__(self, identity: complex, slope: float, J: Jacobian | None) -> None:
        self.identity, self.slope, self.J = identity, slope, J

    def __rmul__(self, c: complex) -> Pencil:
        return Pencil(c * self.identity, c * self.slope, self.J)  # type: ignore[arg-type]

    def __sub__(self, other: Pencil) -> Pencil:
        return Pencil(self.identity - other.identity, self.slope - other.slope, self.J or other.J)

    def factor(self) -> Solve:
        """Return the map from R to the solution of (identity I + slope J) d = R, slope < 0."""
        assert self.J is not None
        scale = -self.slope
        solve = self.J.factor(self.identity / scale)
        return lambda R: solve(R / scale)

    def factor_dense(self) -> Solve:
        """Return the same map from the matrix itself, J symmetric or not."""
        assert self.J is not None
        A = self.slope * self.J.dense()
        A = A + self.identity * np.eye(len(A))
        getrf, getrs = scipy.linalg.get_lapack_funcs(("getrf", "getrs"), (A,))
        LU, pivots, _ = getrf(A, overwrite_a=1)
        return lambda R: np.asarray(getrs(LU, pivots, R)[0])


class _Structured:
    """Mixed into an implicit solver of SciPy; ``jac(t, y)`` returns a Jacobian object, not a matrix."""

    nlu: int
    newton_tol: float
    njev: int
    n: int

    def __init__(
        self,
        fun: Callable[[float, Array], Array],
        t0: float,
        y0: Array,
        t_bound: float,
        *,
        jac: Callable[[float, Array], Jacobian],
        **options: Any,
    ) -> None:
        super().__init__(fun, t0, y0, t_bound, jac=jac, **options)  # type: ignore[call-arg]

        def lu(A: Pencil) -> Solve:
            self.nlu += 1
            if self.n <= DENSE:
                with contextlib.suppress(np.linalg.LinAlgError):  # a Jacobian that is an inverse may not exist here
                    return A.factor_dense()
            return A.factor()

        def linearize(t: float, y: Array, f: Array | None = None) -> Pencil:  # Radau hands over f too
            self.njev += 1
            return Pencil(0.0, 1.0, jac(t, y))

        self.lu, self.solve_lu = lu, lambda LU, b: LU(b)
        self.I, self.jac, self.J = Pencil(1.0, 0.0, None), linearize, linearize(t0, y0)

    def _validate_jac(self, jac: object, sparsity: object) -> tuple[None, object]:
        """Hand SciPy's constructor an empty sparse matrix, so that it allocates nothing of size n^2."""
        return None, scipy.sparse.csc_array((self.n, self.n))


NEGLIGIBLE = 1e-3
"""Part of the tolerance; the differences of order 6 that estimate errors multiply what is neglected by 64."""


class StructuredBDF(_Structured, scipy.integrate.BDF):  # type: ignore[misc]
    """SciPy's variable-order BDF (Shampine and Reichelt 1997) with structured solves.

    A Newton update below a thousandth of the tolerance on the state counts as zero. Near a fixed point updates
    are rounding, their ratio is about 1, and SciPy would read that as divergence and halve the step for ever.
    Newton's own tolerance is not tightened beyond that either.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.newton_tol = max(self.newton_tol, NEGLIGIBLE)

        def solve(LU: Solve, b: Array) -> Array:
            d = LU(b)
            size = np.sqrt(np.mean((d / (self.atol + self.rtol * np.abs(self.y))) ** 2))
            return np.zeros_like(d) if size <= NEGLIGIBLE else d  # what is not finite is no small update

        self.solve_lu = solve


class StructuredRadau(_Structured, scipy.integrate.Radau):  # type: ignore[misc]
    """SciPy's Radau IIA of order 5 (Hairer and Wanner) with structured solves."""
