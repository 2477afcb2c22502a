"""Crossings of thresholds, found while a run goes on, and the delay between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..dynamics.problem import Problem, Risk
from ..dynamics.trajectory import Interval
from ..errors import InvalidInput
from ..outcome import Certificate, Crossing, CrossingStatus

Array = NDArray[np.float64]
Certify = Callable[[float, Array, float], Certificate | None]


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


@dataclass(slots=True)
class CrossingWatch:
    """Watches a run for the first time each loss is below its threshold.

    Parameters
    ----------
    problem : Problem
    threshold : Threshold
    monotone_train : bool
        Whether the train loss cannot rise (gradient flow): then the ends of intervals are enough.
    until_resolved : bool
        Whether to stop the run as soon as every crossing is answered.
    certify : callable
        From (t, theta, threshold) to a certificate that the test loss never gets there, or None.
    """

    problem: Problem
    threshold: Threshold
    monotone_train: bool
    until_resolved: bool
    certify: Certify
    _searches: list[_Search] = field(init=False)
    _next_certificate: float = 0.0

    def __post_init__(self) -> None:
        theta0 = np.array(self.problem.start.theta)
        risks: list[tuple[str, Risk]] = [("train", self.problem.train)]
        if self.problem.test_loss:
            risks.append(("test", self.problem.tests[self.problem.test_loss]))
        self._searches = []
        for name, risk in risks:
            initial = risk.loss(theta0)
            level = self.threshold.at(initial)
            monotone = name == "train" and self.monotone_train
            search = _Search(name=name, risk=risk, threshold=level, monotone=monotone)
            if initial < level:
                search.t, search.at_start = 0.0, True
            self._searches.append(search)

    def see(self, interval: Interval) -> bool:
        """Look at an interval; True when every crossing is answered and the run may stop."""
        pending = [search for search in self._searches if not search.answered]
        if pending:
            probes = list(interval.probes())
            for search in pending:
                self._look(search, interval, probes)
            if self.until_resolved:
                self._try_certificate(*probes[-1])
        return self.until_resolved and all(search.answered for search in self._searches)

    def finish(self, t: float, theta: Array, *, certify: bool) -> dict[str, Crossing]:
        """Return the crossings of a run that ended at (t, theta), with a certificate where one holds.

        A certificate is one decomposition of the kernel more; a run that is out of time asks for none.
        """
        if certify:
            self._next_certificate = 0.0
            self._try_certificate(t, theta)
        return {search.name: search.crossing() for search in self._searches}

    @staticmethod
    def _look(search: _Search, interval: Interval, probes: list[tuple[float, Array]]) -> None:
        t_above = interval.t_old
        for t, theta in probes[-1:] if search.monotone else probes:
            if search.risk.loss(theta) < search.threshold:
                search.t = interval.refine(search.risk.loss, search.threshold, t_above, t)
                return
            t_above = t

    def _try_certificate(self, t: float, theta: Array) -> None:
        """Ask for a certificate where only the test loss is unanswered, each time t has grown by a quarter."""
        unanswered = [search for search in self._searches if not search.answered]
        if [search.name for search in unanswered] == ["test"] and t >= self._next_certificate:
            self._next_certificate = 1.25 * t
            unanswered[0].certificate = self.certify(t, theta, unanswered[0].threshold)


def delay(train: Crossing, test: Crossing) -> float:
    """Grokking delay t_test - t_train, signed; NaN unless both have a time, 0 within the accuracy of both."""
    if not (train.has_time and test.has_time):
        return math.nan
    return 0.0 if math.isclose(test.t, train.t, rel_tol=1e-6) else test.t - train.t
