"""What optimizers with momentum share: its parameter, and their map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ..pace import Pace
from ..problem import Trained
from ..risks.empirical import EmpiricalRisk
from .compiled import CompiledOn
from .decaying import Decaying

Array = NDArray[np.float64]
Force = Callable[[int, Array], Array]


def check_momentum(momentum: float) -> None:
    """Refuse a momentum that is not from 0 to below 1."""
    if not 0 <= momentum < 1:
        raise InvalidInput(f"momentum must be at least 0 and below 1, got {momentum}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WithMomentum(Decaying):
    r"""An optimizer in steps with a memory that fades.

    Parameters
    ----------
    momentum : float
        :math:`\mu`, from 0 to below 1.
    weight_decay, decay_rate, decoupled
        See ``Decaying``.
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        Decaying.__post_init__(self)
        check_momentum(self.momentum)

    def whole(self, risk: Trained, pace: Pace, *, nesterov: bool) -> MomentumOn | CompiledOn:
        """Return the map that follows the force of a whole risk."""
        if isinstance(risk, EmpiricalRisk):
            rate, decoupled = self.rate(pace), self.decoupled
            return CompiledOn(risk, pace, rate, momentum=self.momentum, nesterov=nesterov, decoupled=decoupled)
        return self.along(lambda k, V: risk.force(V), pace, nesterov=nesterov)

    def along(self, force: Force, pace: Pace, *, nesterov: bool) -> MomentumOn:
        """Return the map that follows a force."""
        rate, decoupled = self.rate(pace), self.decoupled
        return MomentumOn(force, pace, rate, momentum=self.momentum, nesterov=nesterov, decoupled=decoupled)


class MomentumOn:
    r"""Descent with a memory U, whose force is followed as torch's SGD does; y stacks V and U.

    .. math:: S = \lambda' V - F_k(V), \qquad U \leftarrow \mu U + S, \qquad V \leftarrow V - dt_k\, U
              \quad\text{or}\quad V - dt_k\, (S + \mu U) \quad \text{(Nesterov)}

    Parameters
    ----------
    force : callable
        ``force(k, V)`` is dV/dt of the flow that step k follows.
    pace : Pace
    rate : float
        :math:`\lambda'`, weight decay a unit of flow time.
    momentum : float
    nesterov : bool
    decoupled : bool
        Whether the decay shrinks V before the step instead.
    """

    memories = 1

    def __init__(
        self, force: Force, pace: Pace, rate: float, *, momentum: float, nesterov: bool, decoupled: bool
    ) -> None:
        self._force, self._pace, self._momentum, self._nesterov = force, pace, momentum, nesterov
        self._coupled, self._shrinking = (0.0, rate) if decoupled else (rate, 0.0)

    def step(self, k: int, y: Array) -> Array:
        """Return y after step k."""
        (V, U), dt = y, self._pace.size(k)
        slope = self._coupled * V - self._force(k, V)
        new = np.empty_like(y)
        new[1] = self._momentum * U + slope
        ahead = slope + self._momentum * new[1] if self._nesterov else new[1]
        new[0] = (1 - dt * self._shrinking) * V - dt * ahead
        return new

    def advance(self, k: int, end: int, y: Array) -> Array:
        """Return y after steps k to end - 1."""
        for j in range(k, end):
            y = self.step(j, y)
        return y

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        return self._pace.time(k)
