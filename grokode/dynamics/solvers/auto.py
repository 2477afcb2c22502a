"""The rule that picks a solver."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocols import Demand, Method
from . import explicit, implicit, logarithmic
from .stabilized import Ssv2stab


@dataclass(frozen=True, slots=True)
class Auto:
    """The linearly implicit BDF in log time where it applies, else BDF, unless their matrices are too large.

    On the gradient or midpoint flow of a finite training set the first keeps the promised accuracy in every set-up
    measured (``benchmarks/promise.py``) at a fraction of BDF's cost. BDF with structured solves takes every other flow,
    and tolerances below the default one, where it is ten times as dear, and a hundred times as accurate. The
    stabilised method takes over where the factorised matrix does not fit in half of the free memory, or where
    factorising is estimated to cost more than its many evaluations.

    A flow that oscillates takes Radau, which is stable wherever a mode decays: BDF of high order is not, and of 15
    set-ups with momentum it took ten times as long for one, and for none less than half as long.
    """

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand."""
        if not demand.real_spectrum:
            fits = implicit.memory(demand) <= demand.memory / 2
            return implicit.Radau().method(demand) if fits else explicit.Rk45().method(demand)
        logarithmic_applies = demand.samples and demand.asked >= logarithmic.DEFAULT
        implicit_one = logarithmic.LogBdf() if logarithmic_applies else implicit.Bdf()
        method, stabilized = implicit_one.method(demand), Ssv2stab()
        if implicit.memory(demand) > demand.memory / 2 or stabilized.seconds(demand) < method.seconds:
            return stabilized.method(demand)
        return method
