"""Full-batch steps on samples, many in one compiled call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..pace import Pace
from ..risks.empirical import EmpiricalRisk

Array = NDArray[np.float64]


class CompiledOn:
    """The map of ``MomentumOn``, or without momentum that of ``DescentOn``, on a finite training set.

    Parameters
    ----------
    risk : EmpiricalRisk
    pace : Pace
    rate : float
        Weight decay a unit of flow time.
    momentum : float
    nesterov : bool
    decoupled : bool
        Whether the decay shrinks V before the step, instead of entering the memory.
    """

    def __init__(
        self,
        risk: EmpiricalRisk,
        pace: Pace,
        rate: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        decoupled: bool = False,
    ) -> None:
        self._risk, self._pace, self._momentum, self._nesterov = risk, pace, momentum, nesterov
        self._coupled, self._shrinking = (0.0, rate) if decoupled else (rate, 0.0)
        self.memories = 1 if momentum else 0

    def step(self, k: int, y: Array) -> Array:
        """Return y after step k."""
        return self.advance(k, k + 1, y)

    def advance(self, k: int, end: int, y: Array) -> Array:
        """Return y after steps k to end - 1."""
        new = y.copy()
        self._risk.descend(
            new,
            self._pace.between(k, end),
            momentum=self._momentum,
            nesterov=self._nesterov,
            coupled=self._coupled,
            shrinking=self._shrinking,
        )
        return new

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        return self._pace.time(k)
