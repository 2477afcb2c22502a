"""Full-batch gradient descent with a finite step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import decay
from ..problem import Risk

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradientDescent:
    r"""The exact map :math:`V \leftarrow V + dt\, F`, with :math:`dt = \eta \alpha^2 / N` (tag D1)."""

    steps: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    monotone: ClassVar[bool] = False
    certified: ClassVar[bool] = False

    def on(self, risk: Risk, dt: float) -> GradientDescentOn:
        """Bind to a risk and a step."""
        return GradientDescentOn(risk, dt)

    def decay(self, rates: Array, t: Array, dt: float) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.descent(rates, np.rint(t / dt), dt)


class GradientDescentOn:
    """Gradient descent on one risk."""

    memories = 0

    def __init__(self, risk: Risk, dt: float) -> None:
        self._risk = risk
        self._dt = dt

    def step(self, k: int, y: Array) -> Array:
        """Return y after step k."""
        return y + self._dt * self._risk.force(y[0])

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        return k * self._dt
