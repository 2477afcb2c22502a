"""How often a claim holds: its draws, their answers, and what they come to."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from ..engines.executor import Executor, values_of
from ..errors import InvalidInput
from ..registry import nearest
from .claims import Claim, Way, claims
from .make import Task, run_task

LEVEL = 0.95

DESCENTS = 3
"""Draws of a claim that are measured by descent too."""

Answer = bool | str | None
"""Whether a claim holds in a draw, None where the draw does not tell, or why a run of it failed."""

COLUMNS = ("claim", "figure", "holds in", "control", "draw 0", "descent alike")
LEGEND = (
    "In brackets a binomial interval of 95 % (Wilson). A draw tells where what the claim compares has happened in it. "
    "Draw 0 is the one of the pictures. Alike: in how many of the first draws descent answers as the flow did, of "
    "those in which both tell; midpoint_flow follows descent to second order where its steps would take long."
)
"""What the columns of a table of claims mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """In how many draws a claim holds.

    Parameters
    ----------
    held, told : int
        Draws in which it holds, of those that tell.
    draws : int
    failed : int
        Draws of which a run failed.
    """

    held: int
    told: int
    draws: int
    failed: int = 0

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Measured:
        """Count answers."""
        told = [answer for answer in answers if isinstance(answer, bool)]
        failed = sum(isinstance(answer, str) for answer in answers)
        return cls(held=sum(told), told=len(told), draws=len(answers), failed=failed)

    @property
    def fraction(self) -> float:
        """Part of the draws that tell; NaN where none does."""
        return self.held / self.told if self.told else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of 95 % (Wilson), the whole range where no draw tells."""
        if not self.told:
            return 0.0, 1.0
        found = binomtest(self.held, self.told).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        if not self.told:
            return f"no draw of {self.draws} tells{failed}"
        low, high = self.interval
        of = "" if self.told == self.draws else f" that tell, of {self.draws}"
        return f"{self.held} of {self.told}{of} [{low:.2f}, {high:.2f}]{failed}"


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of one claim, and what is run of it."""

    name: str
    seed: int
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one claim.

    Parameters
    ----------
    claim : Claim
    measured, control : Measured
    named : bool, str or None
        The answer of the draw of seed 0.
    alike, descents : int
        Draws in which descent answers as flow does, of those in which both tell.
    """

    claim: Claim
    measured: Measured
    control: Measured
    named: Answer
    alike: int
    descents: int

    @property
    def row(self) -> tuple[str, ...]:
        """Return what stands under ``COLUMNS``."""
        claim = self.claim
        words: dict[Answer, str] = {True: "holds", False: "does not", None: "does not tell"}
        named = words.get(self.named, "failed")
        alike = "is descent" if claim.flow == claim.descent else f"{self.alike} of {self.descents}, {self.descent}"
        return claim.name, claim.figure, str(self.measured), str(self.control), named, alike

    @property
    def descent(self) -> str:
        """What descent was measured by."""
        return ", ".join(sorted({one.optimizer for one in self.claim.experiments(Way.DESCENT).values()}))

    @property
    def verdict(self) -> str:
        """What the draws say of the claim, by their interval."""
        measured, control = self.measured, self.control
        if not measured.told:
            return "Not to be told from these draws"
        low, high = measured.interval
        if low <= 0.5:
            return "Not supported by most draws" if high < 0.5 else "Open"
        return "True, but in most draws of the control too" if control.interval[0] > 0.5 else "Supported"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; null where nothing tells."""
        claim = self.claim
        return {
            "name": claim.name,
            "figure": claim.figure,
            "sentence": claim.sentence,
            "control": claim.without,
            "optimizer": claim.flow,
            "verdict": self.verdict,
            "named_draw": self.named,
            "measured": _counted(self.measured),
            "measured_control": _counted(self.control),
            "descent_alike": {"optimizer": self.descent, "alike": self.alike, "told": self.descents},
        }


def _counted(measured: Measured) -> dict[str, Any]:
    fraction = measured.fraction
    return {
        "held": measured.held,
        "told": measured.told,
        "draws": measured.draws,
        "failed": measured.failed,
        "fraction": None if math.isnan(fraction) else fraction,
        "interval": list(measured.interval),
    }


def answers(draw: Draw) -> dict[Way, Answer]:
    """Run one draw and tell whether the claim holds in it, or why a run of it failed."""
    claim = claims()[draw.name]
    run = functools.cache(run_task)  # what a claim and its control share is run once
    found: dict[Way, Answer] = {}
    for way in draw.ways:
        experiments = claim.experiments(way)
        runs = {label: run(Task(one.model_copy(update={"seed": draw.seed}))) for label, one in experiments.items()}
        known = {label: one for label, one in runs.items() if not isinstance(one, str)}
        failed = [one for one in runs.values() if isinstance(one, str)]
        found[way] = failed[0] if failed else claim.holds(known)
    return found


def measure(
    draws: int,
    executor: Executor,
    names: Sequence[str] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> list[Result]:
    """Measure claims on draws of seeds 0, 1, ...

    Parameters
    ----------
    draws : int
    executor : Executor
        What runs them.
    names : sequence of str
        Of the claims; all of them by default.
    progress : callable, optional
        Called with the fraction that is done.

    Returns
    -------
    list of Result
        One a claim, in the order of ``claims``.

    Raises
    ------
    EngineLost
        If a worker is lost again and again.
    InvalidInput
        If there is no draw, or no claim of a name.
    """
    if draws < 1:
        raise InvalidInput(f"draws must be at least 1, got {draws}")
    for name in names:
        if name not in claims():
            raise InvalidInput(f"unknown claim {name!r}; {nearest(name, list(claims()))}")
    known = {name: claim for name, claim in claims().items() if not names or name in names}
    tasks = [Draw(name, seed, _ways(claim, seed)) for seed in range(draws) for name, claim in known.items()]
    found = dict(zip(tasks, values_of(executor, answers, tasks, what="a draw", progress=progress), strict=True))
    return [result_of(claim, [found[draw] for draw in tasks if draw.name == name]) for name, claim in known.items()]


def _ways(claim: Claim, seed: int) -> tuple[Way, ...]:
    by_descent = seed < DESCENTS and claim.flow != claim.descent
    return (Way.FLOW, Way.CONTROL, Way.DESCENT) if by_descent else (Way.FLOW, Way.CONTROL)


def result_of(claim: Claim, found: Sequence[Mapping[Way, Answer]]) -> Result:
    """Count the answers of all draws, that of seed 0 first."""
    both = [one for one in found if isinstance(one.get(Way.DESCENT), bool) and isinstance(one[Way.FLOW], bool)]
    return Result(
        claim=claim,
        measured=Measured.of([one[Way.FLOW] for one in found]),
        control=Measured.of([one[Way.CONTROL] for one in found]),
        named=found[0][Way.FLOW],
        alike=sum(one[Way.FLOW] is one[Way.DESCENT] for one in both),
        descents=len(both),
    )
