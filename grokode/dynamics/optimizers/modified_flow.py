"""The flow that gradient descent follows to second order in its step."""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import decay
from ..pace import Pace, needed
from ..problem import Trained
from ..risks.jacobian import Jacobian, Solve

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ModifiedFlow:
    r"""Backward error analysis of gradient descent with step dt (tag D7).

    .. math:: \dot V = F - \tfrac{dt}{2} F' F
              = -\tfrac{1}{\alpha^2} \nabla_V [L + \tfrac{dt}{4 \alpha^2} |\nabla_V L|^2]

    Off descent by :math:`O(dt^2)`, where gradient flow is off by O(dt). It is the modified loss that cannot rise.
    """

    steps: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    certified: ClassVar[bool] = False
    closed_form: ClassVar[bool] = True
    order: ClassVar[int] = 2
    follows: ClassVar[str] = "gradient_descent"

    def on(self, risk: Trained, pace: Pace | None) -> ModifiedFlowOn:
        """Bind to a risk and the step that is corrected for."""
        return ModifiedFlowOn(risk, needed(pace, "modified_flow").dt)

    def decay(self, rates: Array, t: Array, dt: float) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.modified_flow(rates, t, dt)


class ModifiedFlowOn:
    """The modified flow of one risk."""

    memories = 0
    real_spectrum = True

    def __init__(self, risk: Trained, dt: float) -> None:
        self._risk, self._dt = risk, dt

    def start(self, moved: Array) -> Array:
        """Return y where theta has been moved from its start, shape (1, r, D)."""
        return moved[None]

    def __call__(self, t: float, y: Array) -> Array:
        """Return dy/dt, shape (1, r, D)."""
        _, F = self._risk.loss_force_moved(y[0])
        J = self._risk.jacobian(self._risk.start.theta + y[0])
        return F[None] - self._dt / 2 * J.times(F.ravel()).reshape(y.shape)

    def jacobian(self, t: float, y: Array) -> Jacobian:
        """Return d(dy/dt)/dy, but for a term with F'' that an implicit solver's iterations make up for."""
        return ModifiedJacobian(self._risk.jacobian(self._risk.start.theta + y[0]), self._dt)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of what is factorised, and the operations of two factorisations, often complex."""
        order, flops = self._risk.jacobian_cost(n)
        return order, 8 * flops


class ModifiedJacobian:
    r""":math:`J - \tfrac{dt}{2} J^2`, whose solves are two of J's.

    .. math:: s - J + \tfrac{dt}{2} J^2 = \tfrac{dt}{2} (r_+ - J)(r_- - J), \qquad
              r_\pm = \tfrac{1}{dt} (1 \pm \sqrt{1 - 2 s\, dt})
    """

    def __init__(self, J: Jacobian, dt: float) -> None:
        self._J, self._dt = J, dt

    def times(self, d: Array) -> Array:
        """Return the product with d, shape (n,)."""
        moved = self._J.times(d)
        return moved - self._dt / 2 * self._J.times(moved)

    def dense(self) -> Array:
        """Return the matrix, shape (n, n)."""
        J = self._J.dense()
        return J - self._dt / 2 * J @ J

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - this) d = R."""
        root = cmath.sqrt(1 - 2 * shift * self._dt)
        larger, smaller = (1 + root) / self._dt, 2 * shift / (1 + root)
        is_real = np.isreal(shift) and np.isreal(root)
        first = self._J.factor(larger.real if is_real else larger)
        second = self._J.factor(smaller.real if is_real else smaller)

        def solve(R: Array) -> Array:
            d = second(first(R)) * (2 / self._dt)
            return np.asarray(d.real if np.isreal(shift) else d)

        return solve
