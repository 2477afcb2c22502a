"""Crossings of thresholds, found while a run goes on, and the delay between them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..dynamics.problem import Problem, Risk
from ..dynamics.trajectory import Interval
from ..errors import InvalidInput
from ..outcome import Certificate, Crossing, CrossingStatus

Array = NDArray[np.float64]
Probe = tuple[float, Array]
Certify = Callable[[float, Array, float, tuple[float, float] | None], Certificate | None]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A loss, or a fraction of a loss's initial value.

    Parameters
    ----------
    value : float
    relative : bool
        Whether ``value`` is a fraction of the initial loss.
    """

    value: float
    relative: bool

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read ``0.1`` (a loss) or ``10%`` (of the initial value).

        Raises
        ------
        InvalidInput
            If the text is neither, or not positive.
        """
        relative = text.endswith("%")
        try:
            value = float(text.removesuffix("%")) / (100 if relative else 1)
        except ValueError:
            value = math.nan
        if not (value > 0 and math.isfinite(value)):
            raise InvalidInput(f"threshold must be a positive loss like 0.1 or a percentage like 10%, got {text!r}")
        return cls(value, relative)

    def at(self, initial: float) -> float:
        """Return the loss it means for a curve that starts at ``initial``."""
        return self.value * initial if self.relative else self.value


@dataclass(slots=True, kw_only=True)
class _Search:
    """One loss and whether it has been found below its threshold."""

    name: str
    risk: Risk
    threshold: float
    monotone: bool
    t: float = math.nan
    at_start: bool = False
    certificate: Certificate | None = None

    @property
    def answered(self) -> bool:
        return math.isfinite(self.t) or self.certificate is not None

    def crossing(self) -> Crossing:
        if self.at_start:
            status = CrossingStatus.REACHED_AT_START
        elif math.isfinite(self.t):
            status = CrossingStatus.REACHED
        else:
            status = CrossingStatus.NEVER if self.certificate else CrossingStatus.NOT_REACHED
        return Crossing(loss=self.name, threshold=self.threshold, status=status, t=self.t, certificate=self.certificate)


NEAR, CHANGE = 1.5, 2.0
"""A smooth interval is not looked into where both its ends are above NEAR times a threshold, and above it by CHANGE
times what the loss has changed in this interval and in the one before: a step does not reach so far down and back.
A loss that the method knows to be above NEAR times a threshold is not read either."""


@dataclass(slots=True)
class CrossingWatch:
    """Watches a run for the first time each loss is below each threshold.

    Parameters
    ----------
    problem : Problem
    thresholds : sequence of Threshold
    monotone_train : bool
        Whether the train loss cannot rise (gradient flow): then the ends of intervals are enough.
    until_resolved : bool
        Whether to stop the run as soon as every crossing is answered.
    certify : callable
        From (t, theta, threshold, losses) to a certificate that the test loss never gets there, or None. ``losses`` are
        the train and the test loss, roughly, by which a look that would fail is spared; None at the end of a run, where
        every look is made.
    """

    problem: Problem
    thresholds: Sequence[Threshold]
    monotone_train: bool
    until_resolved: bool
    certify: Certify
    _searches: dict[str, list[_Search]] = field(init=False)
    _known: dict[str, tuple[float, float]] = field(init=False)
    _next_certificate: float = 0.0

    def __post_init__(self) -> None:
        theta0 = np.array(self.problem.start.theta)
        risks: dict[str, Risk] = {"train": self.problem.train}
        if self.problem.test_loss:
            risks["test"] = self.problem.tests[self.problem.test_loss]
        self._searches, self._known = {}, {}
        for name, risk in risks.items():
            initial = risk.loss(theta0)
            self._known[name] = initial, initial
            monotone = name == "train" and self.monotone_train
            self._searches[name] = [
                _Search(name=name, risk=risk, threshold=threshold.at(initial), monotone=monotone)
                for threshold in self.thresholds
            ]
            for search in self._searches[name]:
                if initial < search.threshold:
                    search.t, search.at_start = 0.0, True

    def see(self, interval: Interval) -> bool:
        """Look at an interval; True when every crossing is answered and the run may stop."""
        if all(not self._open(name) for name in self._searches):
            return self.until_resolved
        end, inside = interval.end(), functools.cache(lambda: list(interval.inside()))
        for name, searches in self._searches.items():
            pending = [search for search in searches if not search.answered]
            if pending:
                self._known[name] = self._look(pending, self._known[name], interval, inside, end)
        if not self.until_resolved:
            return False
        if not self._open("train"):
            self._try_certificates(*end, interval)
        return not any(self._open(name) for name in self._searches)

    def finish(self, t: float, theta: Array, *, certify: bool) -> list[dict[str, Crossing]]:
        """Return the crossings of a run that ended at (t, theta), by name, for every threshold.

        A certificate is two factorisations of the kernel more; a run that is out of time asks for none.
        """
        if certify:
            self._next_certificate = 0.0
            self._try_certificates(t, theta)
        each = zip(*self._searches.values(), strict=True)
        return [{search.name: search.crossing() for search in searches} for searches in each]

    def _open(self, name: str) -> bool:
        return not all(search.answered for search in self._searches.get(name, []))

    @staticmethod
    def _look(
        searches: list[_Search],
        known: tuple[float, float],
        interval: Interval,
        inside: Callable[[], Sequence[Probe]],
        end: Probe,
    ) -> tuple[float, float]:
        """Look for the first probe below each threshold; ``known`` and what returns are the losses at two last ends."""
        risk, (before, last) = searches[0].risk, known
        highest = max(search.threshold for search in searches)
        if searches[0].monotone and interval.loss is not None and interval.loss > NEAR * highest:
            return last, interval.loss
        at_end = risk.loss(end[1])
        change = max(abs(at_end - last), abs(last - before))
        far = interval.smooth and min(last, at_end) > max(NEAR * highest, highest + CHANGE * change)
        within = [] if far or searches[0].monotone else [(t, risk.loss(theta)) for t, theta in inside()]
        above = interval.t_old, last
        for below in (*within, (end[0], at_end)):
            for search in searches:
                if not search.answered and below[1] < search.threshold:
                    search.t = interval.refine(risk.loss, search.threshold, above, below)
            above = below
        return last, at_end

    def _try_certificates(self, t: float, theta: Array, interval: Interval | None = None) -> None:
        """Ask for certificates where only the test loss is unanswered, each time t has grown by a quarter."""
        known = zip(self._searches["train"], self._searches.get("test", []), strict=False)
        unanswered = [test for train, test in known if train.answered and not test.answered]
        if not unanswered or t < self._next_certificate:
            return
        self._next_certificate = 1.25 * t
        losses = None
        if interval is not None:
            train = self._searches["train"][0].risk.loss(theta) if interval.loss is None else interval.loss
            losses = train, self._known["test"][1]
        for search in sorted(unanswered, key=lambda search: search.threshold):
            search.certificate = self.certify(t, theta, search.threshold, losses)
            if search.certificate is None:  # nor does one hold for a higher threshold
                return


def delay(train: Crossing, test: Crossing) -> float:
    """Grokking delay t_test - t_train, signed; NaN unless both have a time, 0 within the accuracy of both."""
    if not (train.has_time and test.has_time):
        return math.nan
    return 0.0 if math.isclose(test.t, train.t, rel_tol=1e-6) else test.t - train.t
