"""How far logged losses are from the theory, in numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .log import Array, Whole

FLOOR = 1e-10
"""Part of the initial loss below which both curves are rounding, and are not compared."""

DROP = 2.0
"""The least factor between largest and smallest loss that counts as a drop."""

TINY = float(np.finfo(float).tiny)
"""Stands for zero in a logarithm."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Measured:
    """A loss as somebody measured it: values, and the interval in which each true one lies.

    Parameters
    ----------
    step : ndarray of int, shape (n,)
        Increasing.
    values : ndarray, shape (n,)
    low, high : ndarray, shape (n,)
        What the resolution of the log leaves open; ``low`` is 0 where that reaches down to nothing.
    """

    step: Whole
    values: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    r"""Deviations :math:`|\Delta \ln L|` of one logged loss from the theory.

    Parameters
    ----------
    max_log, rms_log : float or None
        Largest, and root mean square, over the compared points; None where there is none.
    points : int
        Compared: data or theory are above 1e-10 of the initial loss, and the value is above its own resolution.
    left_out : int
        Values above that floor that are no larger than their resolution.
    step : int or None
        Of the largest deviation.
    resolution_log : float or None
        Largest resolution of a compared point, relative to its value.
    max_log_beyond_resolution : float
        Largest distance in log loss from the theory to the interval that the resolution leaves open, over
        compared and left out points.
    max_standard_errors : float or None
        Largest deviation in units of its standard error, where means are compared.
    """

    max_log: float | None
    rms_log: float | None
    points: int
    left_out: int
    step: int | None
    resolution_log: float | None
    max_log_beyond_resolution: float
    max_standard_errors: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return dataclasses.asdict(self)


def log_of(losses: Any) -> Array:
    """Return the logarithm of losses, of one that is 0 a very small one."""
    return np.asarray(np.log(np.maximum(losses, TINY)))


def comparable(data: Measured, theory: Array, initial: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where data or theory are above the floor, and where of those the data can be compared, shape (n,) each.

    A point counts while either is above the floor: a log that stops falling where the theory goes on deviates.
    """
    above = (data.values > FLOOR * initial) | (theory > FLOOR * initial)
    return above, above & (data.low > 0)


def measure(data: Measured, theory: Array, initial: float, standard_error: Array | None = None) -> Agreement:
    """Compare a logged loss with the theory.

    Parameters
    ----------
    data : Measured
    theory : ndarray, shape (n,)
        What should have been logged.
    initial : float
        The theory's loss before the first step.
    standard_error : ndarray, shape (n,), optional
        Of the difference of the log losses, where means are compared.
    """
    above, compared = comparable(data, theory, initial)
    log = log_of(theory)
    outside = np.maximum(log - log_of(data.high), np.where(data.low > 0, log_of(data.low) - log, 0.0))
    beyond = float(np.max(outside[above], initial=0.0))
    left_out = int(np.count_nonzero(above & ~compared))
    if not compared.any():
        return Agreement(
            max_log=None, rms_log=None, points=0, left_out=left_out, step=None, resolution_log=None,
            max_log_beyond_resolution=beyond,
        )  # fmt: skip
    values = data.values[compared]
    deviation = np.abs(np.log(values) - log[compared])
    errors = None
    if standard_error is not None:
        known = standard_error[compared] > 0
        errors = float(np.max(deviation[known] / standard_error[compared][known])) if known.any() else None
    return Agreement(
        max_log=float(deviation.max()),
        rms_log=float(np.sqrt(np.mean(deviation**2))),
        points=len(deviation),
        left_out=left_out,
        step=int(data.step[compared][deviation.argmax()]),
        resolution_log=float(np.max((data.high - data.low)[compared] / (2 * values))),
        max_log_beyond_resolution=beyond,
        max_standard_errors=errors,
    )


def pooled(agreements: Sequence[Agreement]) -> Agreement:
    """Return the agreement of several logs of one loss together: the largest of each, the mean square over all."""
    if len(agreements) == 1:
        return agreements[0]
    worst = max(agreements, key=lambda one: -1.0 if one.max_log is None else one.max_log)
    points = sum(one.points for one in agreements)
    squares = sum(one.points * (one.rms_log or 0.0) ** 2 for one in agreements)
    return Agreement(
        max_log=worst.max_log,
        rms_log=math.sqrt(squares / points) if points else None,
        points=points,
        left_out=sum(one.left_out for one in agreements),
        step=worst.step,
        resolution_log=_largest(one.resolution_log for one in agreements),
        max_log_beyond_resolution=max(one.max_log_beyond_resolution for one in agreements),
        max_standard_errors=_largest(one.max_standard_errors for one in agreements),
    )


def _largest(numbers: Iterable[float | None]) -> float | None:
    """Return the largest of those that are there."""
    return max((number for number in numbers if number is not None), default=None)


def drop_shift(t: Array, data: Array, theory: Array) -> float | None:
    """Return ln(t_data / t_theory) of the drop of a loss, or None where there is none.

    The drop is where a loss, after its peak, first falls to the geometric mean of the data's peak and of their
    smallest value after it.

    Parameters
    ----------
    t : ndarray, shape (n,)
        Increasing, not negative.
    data, theory : ndarray, shape (n,)
        Positive.
    """
    if not len(t):
        return None
    after = data[data.argmax() :]
    if after[0] < DROP * after.min():
        return None
    level = math.sqrt(after[0] * after.min())
    times = [_drop_time(t, loss, level) for loss in (data, theory)]
    if any(time is None or time <= 0 for time in times):
        return None
    return math.log((times[0] or 1.0) / (times[1] or 1.0))


def _drop_time(t: Array, loss: Array, level: float) -> float | None:
    """Interpolate when a loss falls to a level after its peak: in log loss and log time, in time from 0 on."""
    peak = int(loss.argmax())
    below = np.flatnonzero(loss[peak:] <= level)
    if not len(below) or below[0] == 0:
        return None
    i = peak + int(below[0])
    part = math.log(loss[i - 1] / level) / math.log(loss[i - 1] / max(float(loss[i]), TINY))
    if t[i - 1] <= 0:
        return float(part * t[i])
    return float(t[i - 1] * (t[i] / t[i - 1]) ** part)
