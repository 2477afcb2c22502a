"""What became of a run: its status, its crossings, the work it took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a run ended."""

    DONE = "done"
    STOPPED = "stopped"
    TIME_LIMIT = "time_limit"


class CrossingStatus(StrEnum):
    """Whether a loss fell below a threshold."""

    REACHED = "reached"
    REACHED_AT_START = "reached_at_start"
    NOT_REACHED = "not_reached"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    r"""The numbers that prove that a test loss never falls below a threshold.

    On the ball of radius ``rho`` in V the smallest eigenvalue of the train kernel over P stays above a
    quarter of ``kappa``, the remaining path is no longer than ``rho``, and :math:`\sqrt{L}` of the test
    loss moves by at most ``bound``; less that, and less ``margin`` of itself for the error of the integration,
    it is still above the threshold's.

    Source: the project's certificate for gradient flow on a finite training set (tag C1).
    """

    t: float
    kappa: float
    q: float
    rho: float
    bound: float
    margin: float
    loss_train: float
    loss_test: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """First time a loss is below a threshold; ``t`` is NaN where there is none."""

    loss: str
    threshold: float
    status: CrossingStatus
    t: float
    certificate: Certificate | None = None

    @property
    def has_time(self) -> bool:
        """Whether the loss was below the threshold at a known time."""
        return self.status in (CrossingStatus.REACHED, CrossingStatus.REACHED_AT_START)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an integration took: evaluations of the force and of its Jacobian, seconds, steps."""

    method: str
    nfev: int
    njev: int
    seconds: float
    steps: int
