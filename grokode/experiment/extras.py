"""Which of the observables that can cost more than the run itself are computed with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..dynamics.pace import Pace
from ..dynamics.problem import Problem
from ..errors import InvalidInput
from ..observables import CURVE_OBSERVABLES, KERNEL_OBSERVABLES
from ..observables.column import Cost, CostlyObservable, CurveObservable

START_UP = 0.5
"""Seconds that a run takes beside its integration, and that its extras may take as well."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What is computed beside a run.

    Parameters
    ----------
    observables : sequence of CostlyObservable
        Read at every saved time.
    curves : sequence of CurveObservable
        Computed once the times are known.
    """

    observables: Sequence[CostlyObservable] = ()
    curves: Sequence[CurveObservable] = ()

    @property
    def no_numbers(self) -> dict[str, None]:
        """Every number that could come with curves, as not computed."""
        return {number: None for name in CURVE_OBSERVABLES for number in CURVE_OBSERVABLES.load(name).numbers}


def choose_extras(
    problem: Problem,
    optimizer: object,
    pace: Pace | None,
    *,
    readings: int,
    seconds: float,
    free: float,
    wanted: bool | None,
    say: Callable[[str], None],
) -> Extras:
    """Choose by counts of operations and by free memory, never by a stopwatch.

    Parameters
    ----------
    problem : Problem
    optimizer : object
    pace : Pace or None
        What its steps are worth.
    readings : int
        Number of saved times.
    seconds : float
        Estimated time of the run.
    free : float
        Bytes that are free.
    wanted : bool or None
        All that apply, none, or those that together take no longer than the run and fit into memory.
    say : callable
        Told of what is left out.

    Returns
    -------
    Extras

    Raises
    ------
    InvalidInput
        If all are wanted and they do not fit into memory.
    """
    if wanted is False:
        return Extras()
    curves: list[CurveObservable] = [CURVE_OBSERVABLES.build(name) for name in CURVE_OBSERVABLES]
    observables: list[CostlyObservable] = [KERNEL_OBSERVABLES.build(name) for name in KERNEL_OBSERVABLES]
    idle = [item.title for item in curves if not item.applies(problem, optimizer, pace)]
    if idle:
        say(f"no curves of {', '.join(idle)}: they are known for full batches without decay, at one step size")
    purse = _Purse(readings=readings, seconds=seconds + START_UP, bytes=free, everything=bool(wanted))
    kept = Extras(
        curves=[
            item
            for item in curves
            if item.applies(problem, optimizer, pace) and purse.buys(item.title, item.cost(problem))
        ],
        observables=[
            item for item in observables if item.columns(problem) and purse.buys(item.title, item.cost(problem))
        ],
    )
    if purse.refused:
        say(f"left out, being more work than the run: {', '.join(purse.refused)}; --lazy adds what is left out")
    return kept


def asked_extras(problem: Problem, optimizer: object, pace: Pace | None, *, kernel: bool, lazy: bool) -> Extras:
    """Return what of the kernel along the run and of the linearised network applies, where it is asked for."""
    curves: list[CurveObservable] = [CURVE_OBSERVABLES.build(name) for name in CURVE_OBSERVABLES if lazy]
    observables: list[CostlyObservable] = [KERNEL_OBSERVABLES.build(name) for name in KERNEL_OBSERVABLES if kernel]
    return Extras(
        curves=[item for item in curves if item.applies(problem, optimizer, pace)],
        observables=[item for item in observables if item.columns(problem)],
    )


@dataclass(slots=True, kw_only=True)
class _Purse:
    """The time and memory that extras may take, spent in the order in which they ask."""

    readings: int
    seconds: float
    bytes: float
    everything: bool
    refused: list[str] = field(default_factory=list)

    def buys(self, title: str, cost: Cost) -> bool:
        """Whether there is enough for it; then it is spent."""
        seconds, size = cost.seconds(self.readings), f"{cost.bytes / 2**30:.3g} GiB"
        too_large = cost.bytes > self.bytes
        if too_large and self.everything:
            raise InvalidInput(
                f"{title} needs about {size} and {self.bytes / 2**30:.3g} GiB are free; "
                "lower --n-train, --n-test or --dim, or leave out --lazy"
            )
        if too_large or (seconds > self.seconds and not self.everything):
            self.refused.append(f"{title} (about {size if too_large else f'{seconds:.2g} s'})")
            return False
        self.seconds -= seconds
        self.bytes -= cost.bytes
        return True
