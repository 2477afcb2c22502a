"""The name, unit and label of one observed number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..dynamics.problem import Problem
from ..model.states.factor import FactorState


@dataclass(frozen=True, slots=True)
class Column:
    """One observed number along a run."""

    name: str
    long_name: str
    units: str = "1"


Reading = Callable[[FactorState], tuple[float, ...]]


class Observable(Protocol):
    """Numbers of a state; what does not apply to a problem has no columns."""

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        ...

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        ...
