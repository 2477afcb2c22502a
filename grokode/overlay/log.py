"""A log: losses as somebody else's training wrote them down, and how finely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

TRAIN, TEST = "loss_train", "loss_test"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LoggedCurve:
    r"""One loss as it was logged.

    A value stands for L after ``step`` optimizer steps, or, where ``window`` is n > 0, for the mean of the
    losses after step - n, ..., step - 1 steps: what a trainer reports that averages since its last report.

    Parameters
    ----------
    step : ndarray of int, shape (n,)
        Increasing.
    values : ndarray, shape (n,)
        Finite and not negative.
    resolution : ndarray, shape (n,)
        How far the true loss can lie from the stored value: half a unit of the last digit, bit or decimal.
    window : ndarray of int, shape (n,)
        Number of losses averaged; 0 for a value at the step itself.
    """

    step: Whole
    values: Array
    resolution: Array
    window: Whole

    def __post_init__(self) -> None:
        for item in fields(self):
            array = np.array(getattr(self, item.name))
            array.setflags(write=False)
            object.__setattr__(self, item.name, array)

    def rows(self, kept: NDArray[Any]) -> LoggedCurve:
        """Return some of the points, by a mask or by their indices."""
        return LoggedCurve(**{item.name: getattr(self, item.name)[kept] for item in fields(self)})

    def divided(self, factor: float) -> LoggedCurve:
        """Return the curve in units of a factor: values and resolution over it."""
        return replace(self, values=self.values / factor, resolution=self.resolution / factor)

    def moved(self, steps: int) -> LoggedCurve:
        """Return the curve at so many steps later."""
        return replace(self, step=self.step + steps)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Log:
    """What one log file holds of the two losses.

    Parameters
    ----------
    name : str
        For legends and tables.
    origin : str
        Format, file and columns that the numbers came from.
    curves : mapping of str to LoggedCurve
        ``loss_train``, ``loss_test``, or both.
    notes : tuple of str
        What was recognised, dropped or thinned, a line each.
    diverged : bool
        Whether a loss ends in NaN or infinity.
    """

    name: str
    origin: str
    curves: Mapping[str, LoggedCurve]
    notes: tuple[str, ...] = ()
    diverged: bool = False
