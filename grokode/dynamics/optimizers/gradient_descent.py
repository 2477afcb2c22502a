"""Full-batch gradient descent with a finite step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import decay
from ..pace import Pace
from ..problem import Trained
from ..risks.empirical import EmpiricalRisk
from .compiled import CompiledOn
from .decaying import Decaying
from .momentum import Force

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientDescent(Decaying):
    r"""The exact map :math:`V \leftarrow V + dt\, (F - \lambda' V)`, with :math:`dt = \eta \alpha^2 / N` (tag D1).

    :math:`\lambda'` is the weight decay a unit of flow time (tag D4).
    """

    @property
    def closed_form(self) -> bool:
        """Whether modes of a linear problem decay as ``decay`` says."""
        return not self.decays

    def on(self, risk: Trained, pace: Pace) -> DescentOn | CompiledOn:
        """Bind to a risk and a step."""
        if isinstance(risk, EmpiricalRisk):
            return CompiledOn(risk, pace, self.rate(pace))
        return DescentOn(lambda k, V: risk.force(V), pace, self.rate(pace))

    def decay(self, rates: Array, t: Array, dt: float) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.descent(rates, np.rint(t / dt), dt)


class DescentOn:
    """Steps along a force, without memory.

    Parameters
    ----------
    force : callable
        ``force(k, V)`` is dV/dt of the flow that step k follows.
    pace : Pace
    rate : float
        Weight decay a unit of flow time.
    """

    memories = 0

    def __init__(self, force: Force, pace: Pace, rate: float) -> None:
        self._force, self._pace, self._rate = force, pace, rate

    def step(self, k: int, y: Array) -> Array:
        """Return y after step k."""
        dt = self._pace.size(k)
        moved = dt * self._force(k, y[0])
        return (1 - dt * self._rate) * y + moved if self._rate else y + moved

    def advance(self, k: int, end: int, y: Array) -> Array:
        """Return y after steps k to end - 1."""
        for j in range(k, end):
            y = self.step(j, y)
        return y

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        return self._pace.time(k)
