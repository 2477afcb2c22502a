"""Gradient descent with heavy-ball momentum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import decay
from ..pace import Pace
from ..problem import Trained
from .compiled import CompiledOn
from .momentum import MomentumOn, WithMomentum

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyBall(WithMomentum):
    r"""Polyak's heavy ball, momentum as torch's SGD has it (tag D2).

    .. math:: U \leftarrow \mu U - F, \qquad V \leftarrow V - dt\, U

    Parameters
    ----------
    momentum, weight_decay, decay_rate, decoupled
        See ``WithMomentum``.
    """

    @property
    def closed_form(self) -> bool:
        """Whether modes of a linear problem decay as ``decay`` says."""
        return not self.decays

    def on(self, risk: Trained, pace: Pace) -> MomentumOn | CompiledOn:
        """Bind to a risk and a step."""
        return self.whole(risk, pace, nesterov=False)

    def decay(self, rates: Array, t: Array, dt: float) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.heavy_ball(rates, np.rint(t / dt), dt, self.momentum)
