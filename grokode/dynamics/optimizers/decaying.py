"""What optimizers in steps share: facts of theirs, and weight decay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ...errors import InvalidInput
from ..pace import Pace


def check_not_negative(name: str, value: float) -> None:
    """Refuse a parameter that is negative or no number."""
    if not (math.isfinite(value) and value >= 0):
        raise InvalidInput(f"{name} must be zero or positive and finite, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decaying:
    r"""An optimizer in steps, with weight decay in one of two forms, stated in one of two units.

    Coupled, the slope that is followed is that of :math:`L + \tfrac{\lambda}{2} |W|^2`, as in torch's SGD (tag D4);
    decoupled, a step starts from :math:`(1 - \eta \lambda) W` and memories know nothing of it, as in torch's AdamW
    (tag D5). A unit of flow time multiplies weights by about 1 - rate, with
    :math:`\mathrm{rate} = \lambda N / \alpha^2`.

    Parameters
    ----------
    weight_decay : float
        :math:`\lambda`, beside a learning rate; it has no meaning at infinite width.
    decay_rate : float
        The rate itself.
    decoupled : bool
        Whether memories know nothing of it; without a memory both forms are the same map.
    """

    steps: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    monotone: ClassVar[bool] = False
    certified: ClassVar[bool] = False

    weight_decay: float = 0.0
    decay_rate: float = 0.0
    decoupled: bool = False

    def __post_init__(self) -> None:
        check_not_negative("weight_decay", self.weight_decay)
        check_not_negative("decay_rate", self.decay_rate)
        if self.weight_decay and self.decay_rate:
            raise InvalidInput(
                f"weight_decay = {self.weight_decay} and decay_rate = {self.decay_rate} say the same thing; keep one"
            )
        if self.decoupled and not self.decays:
            raise InvalidInput("decoupled says how weights decay, and they do not; give weight_decay or decay_rate too")

    @property
    def decays(self) -> bool:
        """Whether there is any weight decay."""
        return bool(self.weight_decay or self.decay_rate)

    def rate(self, pace: Pace) -> float:
        """Return the decay a unit of flow time.

        Raises
        ------
        InvalidInput
            If a weight decay is stated at infinite width.
        """
        if self.weight_decay and math.isinf(pace.ratio):
            raise InvalidInput(
                f"weight_decay = {self.weight_decay} has no meaning at infinite width; give decay_rate, a unit of flow "
                "time (weight_decay N / alpha^2)"
            )
        return self.decay_rate + (self.weight_decay * pace.ratio if self.weight_decay else 0.0)
