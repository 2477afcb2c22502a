"""The name, unit and label of one observed number, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..curve import Curve
from ..dynamics.pace import Pace
from ..dynamics.problem import Problem
from ..model.states.state import State


@dataclass(frozen=True, slots=True)
class Column:
    """One observed number along a run."""

    name: str
    long_name: str
    units: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an observable takes beyond what the run itself does, estimated from counts of operations.

    Parameters
    ----------
    once : float
        Seconds before the first reading.
    each : float
        Seconds a reading.
    bytes : float
        Held throughout.
    """

    once: float = 0.0
    each: float = 0.0
    bytes: float = 0.0

    def seconds(self, readings: int) -> float:
        """Return the seconds of a number of readings."""
        return self.once + readings * self.each


Reading = Callable[[State], tuple[float, ...]]


class Observable(Protocol):
    """Numbers of a state; what does not apply to a problem has no columns."""

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        ...

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        ...


class CostlyObservable(Observable, Protocol):
    """Numbers of a state that can cost more than the run; ``title`` says what they are."""

    title: str

    def cost(self, problem: Problem) -> Cost:
        """Return what it takes."""
        ...


class CurvesOfTime(Protocol):
    """Curves of one problem that are known at any time without a state."""

    def at(self, optimizer: object, t: NDArray[np.float64], dt: float | None) -> Sequence[Curve]:
        """Return the curves at flow times t, shape (T,); none where they are not finite."""
        ...

    def summary(self) -> Mapping[str, Any]:
        """Return numbers that need no time, by name; None where one does not exist."""
        ...


class CurveObservable(Protocol):
    """Curves of time; ``title`` says what they are, ``numbers`` names what their summary has."""

    title: str
    numbers: Sequence[str]

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the curves there are where they apply."""
        ...

    def applies(self, problem: Problem, optimizer: object, pace: Pace | None) -> bool:
        """Whether there are such curves."""
        ...

    def cost(self, problem: Problem) -> Cost:
        """Return what it takes."""
        ...

    def on(self, problem: Problem) -> CurvesOfTime:
        """Return the curves of a problem."""
        ...
