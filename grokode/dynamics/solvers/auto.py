"""The rule that picks a solver."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocols import Demand, Method
from . import implicit
from .stabilized import Ssv2stab


@dataclass(frozen=True, slots=True)
class Auto:
    """BDF with structured solves, unless it is too large.

    BDF keeps the promised accuracy in every set-up measured (``benchmarks/promise.py``) and its cost hardly
    depends on stiffness, so it is the rule. The stabilised method takes over where the factorised matrix
    does not fit in half of the free memory, or where factorising is estimated to cost more than the
    stabilised method's many evaluations.
    """

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand."""
        bdf, stabilized = implicit.Bdf().method(demand), Ssv2stab()
        if implicit.memory(demand) > demand.memory / 2 or stabilized.seconds(demand) < bdf.seconds:
            return stabilized.method(demand)
        return bdf
