"""Gradient descent with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass

from ..pace import Pace
from ..problem import Trained
from .compiled import CompiledOn
from .momentum import MomentumOn, WithMomentum


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesterov(WithMomentum):
    r"""Nesterov's momentum as torch's SGD has it, the force taken at the weights themselves.

    .. math:: U \leftarrow \mu U - F, \qquad V \leftarrow V + dt\, (F - \mu U)

    The textbook takes it ahead, :math:`v \leftarrow \mu v + dt\, F(V + \mu v)` and :math:`V \leftarrow V + v`; its
    points ahead, :math:`V + \mu v`, are the iterates of this form, with :math:`v = -dt\, U` (tag D3).

    Parameters
    ----------
    momentum, weight_decay, decay_rate, decoupled
        See ``WithMomentum``.
    """

    def on(self, risk: Trained, pace: Pace) -> MomentumOn | CompiledOn:
        """Bind to a risk and a step."""
        return self.whole(risk, pace, nesterov=True)
