"""The flow that heavy-ball momentum follows to second order in its step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from .. import decay
from ..pace import Pace
from ..problem import Trained
from ..risks.jacobian import Jacobian, Solve
from .momentum import check_momentum

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentumFlow:
    r"""A massive particle with friction in the place of heavy-ball steps of dt (tag D10).

    .. math:: \tfrac{(1 + \mu)\, dt}{2}\, \ddot V + (1 - \mu)\, \dot V = F, \qquad \dot V(0) = \tfrac{F_0}{1 + \mu}

    Off heavy ball by :math:`O(dt^2)` once its first :math:`1 / (1 - \mu)` steps are over. The loss can rise.

    Parameters
    ----------
    momentum : float
        :math:`\mu`, from 0 to below 1.
    """

    steps: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    certified: ClassVar[bool] = False
    closed_form: ClassVar[bool] = True
    order: ClassVar[int] = 2
    follows: ClassVar[str] = "heavy_ball"

    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_momentum(self.momentum)

    def on(self, risk: Trained, pace: Pace | None) -> MomentumFlowOn:
        """Bind to a risk and the step of the heavy ball."""
        if pace is None:
            raise InvalidInput("momentum_flow needs the step of the heavy ball; give --lr (finite width) or --dt")
        return MomentumFlowOn(risk, self.momentum, pace.dt)

    def decay(self, rates: Array, t: Array, dt: float) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.momentum_flow(rates, t, dt, self.momentum)


class MomentumFlowOn:
    r"""The momentum flow of one risk, of first order in V and a memory :math:`w = \tau \dot V`.

    .. math:: \dot V = w / \tau, \qquad \dot w = F / c - w / \tau, \qquad c = 1 - \mu, \quad
              \tau = \tfrac{(1 + \mu)\, dt}{2 c}
    """

    memories = 1
    real_spectrum = False

    def __init__(self, risk: Trained, momentum: float, dt: float) -> None:
        self._risk, self._momentum = risk, momentum
        self._friction = 1 - momentum
        self._tau = (1 + momentum) * dt / (2 * self._friction)

    def start(self, moved: Array) -> Array:
        """Return y where theta has been moved from its start, shape (2, r, D)."""
        F = self._risk.loss_force_moved(moved)[1]
        return np.stack([moved, self._tau / (1 + self._momentum) * F])

    def __call__(self, t: float, y: Array) -> Array:
        """Return dy/dt, shape (2, r, D)."""
        F, speed = self._risk.loss_force_moved(y[0])[1], y[1] / self._tau
        return np.stack([speed, F / self._friction - speed])

    def jacobian(self, t: float, y: Array) -> Jacobian:
        """Return d(dy/dt)/dy."""
        return MomentumJacobian(self._risk.jacobian(self._risk.start.theta + y[0]), self._friction, self._tau)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of what is factorised, and the operations of one factorisation."""
        return self._risk.jacobian_cost(n // 2)


class MomentumJacobian:
    r"""The matrix :math:`[0, I/\tau; J/c, -I/\tau]`, whose solves are J's own.

    For :math:`(s - \cdot)(d, e) = (R_1, R_2)` they are :math:`(c s (s \tau + 1) - J)\, d = c R_2 + c (s \tau + 1) R_1`
    and :math:`e = \tau (s d - R_1)`.
    """

    def __init__(self, J: Jacobian, friction: float, tau: float) -> None:
        self._J, self._friction, self._tau = J, friction, tau

    def times(self, d: Array) -> Array:
        """Return the product with d, shape (n,)."""
        place, memory = np.split(d, 2)
        speed = memory / self._tau
        return np.concatenate([speed, self._J.times(place) / self._friction - speed])

    def dense(self) -> Array:
        """Return the matrix, shape (n, n)."""
        J = self._J.dense()
        turned = np.eye(len(J)) / self._tau
        return np.block([[np.zeros_like(J), turned], [J / self._friction, -turned]])

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - this) d = R."""
        c, lag = self._friction, shift * self._tau + 1
        inner = self._J.factor(c * shift * lag)

        def solve(R: Array) -> Array:
            place, memory = np.split(R, 2)
            d = inner(c * memory + c * lag * place)
            return np.concatenate([d, self._tau * (shift * d - place)])

        return solve
