"""The flow that gradient descent follows to second order in its step, with a force that lags by half a step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg, eigsh

from ...errors import BeyondStability
from .. import decay
from ..pace import Pace, needed
from ..problem import Trained
from ..risks.empirical import EmpiricalRisk
from ..risks.jacobian import Jacobian, Solve
from ..risks.residuals import Residuals

Array = NDArray[np.float64]

NEWTON = 30
"""Iterations that may find the point half a step behind; far beyond the edge of stability there is none."""

FOUND, ROUNDING = 1e-13, 8 * np.finfo(float).eps
"""By how much that point may be missed, of half a step and of the state."""

SOLVED, CONJUGATE = 1e-8, 200
"""Residual of the linear solve in an iteration, and how many products it may take."""


@dataclass(frozen=True, slots=True)
class MidpointFlow:
    r"""Half a step after a point, descent moves at the force there (tag D11).

    .. math:: \dot V = F(x), \qquad x = V - \tfrac{dt}{2} \dot V

    Off descent by :math:`O(dt^2)`, as modified flow is, and for a finite training set as fast as gradient flow.
    """

    steps: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    certified: ClassVar[bool] = False
    closed_form: ClassVar[bool] = True
    order: ClassVar[int] = 2
    follows: ClassVar[str] = "gradient_descent"

    def on(self, risk: Trained, pace: Pace | None) -> MidpointFlowOn:
        """Bind to a risk and the step that is corrected for."""
        dt = needed(pace, "midpoint_flow").dt
        return SampleMidpointFlowOn(risk, dt) if isinstance(risk, EmpiricalRisk) else MidpointFlowOn(risk, dt)

    def decay(self, rates: Array, t: Array, dt: float) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.midpoint_flow(rates, t, dt)


class MidpointFlowOn:
    """The midpoint flow of one risk."""

    memories = 0
    real_spectrum = True

    def __init__(self, risk: Trained, dt: float) -> None:
        self._risk, self.lag = risk, dt / 2
        self._found: tuple[Array, Array | None] | None = None  # what ``behind`` was last asked, and its answer

    def start(self, moved: Array) -> Array:
        """Return y where theta has been moved from its start, shape (1, r, D).

        Raises
        ------
        BeyondStability
            If the step is beyond the edge of stability there, where descent goes to no flow.
        """
        x = self.behind(moved)
        if x is None or self.lag * self.fastest(x) >= 1:
            raise BeyondStability(
                f"midpoint_flow has no force half a step behind: its step, dt {2 * self.lag:.6g}, is beyond the edge "
                "of stability; lower it, or use --optimizer modified_flow"
            )
        return moved[None]

    def __call__(self, t: float, y: Array) -> Array:
        """Return dy/dt, shape (1, r, D); infinite where there is none, as at the end of a step that is far too long."""
        x = self.behind(y[0])
        return np.full_like(y, np.inf) if x is None else self._risk.loss_force_moved(x)[1][None]

    def fastest(self, x: Array) -> float:
        """Return the rate of the fastest decaying mode where theta is moved by x from its start."""
        return fastest_decay(self._risk.jacobian(self._risk.start.theta + x), x.size)

    def behind(self, moved: Array) -> Array | None:
        r"""Return the x of :math:`x + \tfrac{dt}{2} F(x) = V`, shape (r, D), as V is given: moved from the start.

        None where Newton's iterations do not find it.
        """
        if self._found is None or not np.array_equal(self._found[0], moved):
            self._found = np.array(moved), self._find(moved)
        return self._found[1]

    def _find(self, moved: Array) -> Array | None:
        x = moved - self.lag * self._risk.loss_force_moved(moved)[1]
        before = np.inf
        for _ in range(NEWTON):
            back = self.lag * self._risk.loss_force_moved(x)[1]
            missed = moved - back - x
            size = float(np.linalg.norm(missed))
            if size <= FOUND * float(np.linalg.norm(back)) + ROUNDING * float(np.linalg.norm(moved)):
                return np.asarray(x)
            if not size < 2 * before:
                return None
            before = size
            ahead = Ahead(self._risk.jacobian(self._risk.start.theta + x), self.lag)
            x = x + ahead.solve(missed.ravel()).reshape(x.shape)
        return None

    def jacobian(self, t: float, y: Array) -> Jacobian:
        """Return d(dy/dt)/dy; where there is no dy/dt that of the force, as the step is rejected whatever it is."""
        x = self.behind(y[0])
        return MidpointJacobian(self._risk.jacobian(self._risk.start.theta + (y[0] if x is None else x)), self.lag)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of what is factorised, and the operations of one factorisation."""
        return self._risk.jacobian_cost(n)


class SampleMidpointFlowOn(MidpointFlowOn):
    """The midpoint flow of a finite training set, a mean of squares."""

    def __init__(self, risk: EmpiricalRisk, dt: float) -> None:
        super().__init__(risk, dt)
        self._samples = risk

    def fastest(self, x: Array) -> float:
        """Return the rate of the fastest decaying mode, or a bound on it that is below the edge of stability too."""
        bound = self._samples.jacobian(self._samples.start.theta + x).fastest_at_most()
        return bound if self.lag * bound < 1 else super().fastest(x)

    def residuals(self, dtype: type[np.floating[Any]]) -> Residuals:
        """Return the residuals as a function of z, with matrix products in a precision."""
        return Residuals(self._samples, dtype)


class Ahead:
    """1 + lag J, which takes a change of x to that of the point half a step ahead."""

    def __init__(self, J: Jacobian, lag: float) -> None:
        self._J, self._lag = J, lag

    def times(self, d: Array) -> Array:
        """Return the product with d, shape (n,), which may be complex."""
        if np.iscomplexobj(d):
            return np.asarray(self.times(d.real) + 1j * self.times(d.imag))
        return d + self._lag * self._J.times(d)

    def solve(self, R: Array) -> Array:
        """Return the solution d of (1 + lag J) d = R, near enough for an iteration, shape (n,)."""
        matrix = LinearOperator((len(R), len(R)), matvec=lambda d: self.times(d.ravel()), dtype=float)
        return np.asarray(cg(matrix, R, rtol=SOLVED, atol=0.0, maxiter=CONJUGATE)[0])


def fastest_decay(J: Jacobian, n: int) -> float:
    """Return the rate of the mode of a symmetric J of order n that decays fastest, to 0.1 %; 0 where none decays."""
    if n == 1:
        return max(0.0, -float(J.times(np.ones(1))[0]))
    matrix = LinearOperator((n, n), matvec=lambda d: J.times(d.ravel()), dtype=float)
    v = np.random.default_rng(0).standard_normal(n)
    return max(0.0, -float(eigsh(matrix, k=1, which="SA", v0=v, tol=1e-3, return_eigenvectors=False)[0]))


class MidpointJacobian:
    r""":math:`J_m = J (1 + \tfrac{dt}{2} J)^{-1}` with the J of x, whose solves are J's with another shift.

    .. math:: (s - J_m)^{-1} = \bigl[s - (1 - \tfrac{s\, dt}{2}) J\bigr]^{-1} (1 + \tfrac{dt}{2} J)
    """

    def __init__(self, J: Jacobian, lag: float) -> None:
        self._J, self._lag, self._ahead = J, lag, Ahead(J, lag)

    @cached_property
    def _behind(self) -> Solve:
        """The map from d to (1 + lag J)^-1 d."""
        inner = self._J.factor(-1 / self._lag)
        return lambda d: -inner(d) / self._lag

    def times(self, d: Array) -> Array:
        """Return the product with d, shape (n,)."""
        return self._J.times(self._behind(d))

    def dense(self) -> Array:
        """Return the matrix, shape (n, n)."""
        J = self._J.dense()
        return np.asarray(np.linalg.solve(np.eye(len(J)) + self._lag * J, J))

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - this) d = R."""
        scale = 1 - shift * self._lag
        if scale == 0:
            return lambda R: np.asarray(self._ahead.times(R) / shift)
        inner = self._J.factor(shift / scale)
        return lambda R: np.asarray(inner(self._ahead.times(R)) / scale)
