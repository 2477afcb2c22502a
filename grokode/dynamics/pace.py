"""What steps are worth: the flow time they take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput

Array = NDArray[np.float64]


def needed(pace: Pace | None, name: str) -> Pace:
    """Return the pace, without which an optimizer that corrects for a step cannot be.

    Raises
    ------
    InvalidInput
        If there is none.
    """
    if pace is None:
        raise InvalidInput(f"{name} corrects for a step; give --lr (finite width) or --dt")
    return pace


@dataclass(frozen=True)
class Pace:
    r"""Steps of one learning rate.

    Parameters
    ----------
    dt : float
        Flow time of a step, :math:`\eta \alpha^2 / N`.
    ratio : float
        :math:`N / \alpha^2`, the learning rate of a unit of flow time; infinite at infinite width.
    """

    steady: ClassVar[bool] = True

    dt: float
    ratio: float

    def size(self, k: int) -> float:
        """Return the flow time of step k, which counts from 0."""
        return self.dt

    def between(self, k: int, end: int) -> Array:
        """Return the flow times of steps k to end - 1, shape (end - k,)."""
        return np.full(end - k, self.dt)

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        return k * self.dt

    def times(self, k: NDArray[np.int64]) -> Array:
        """Return the flow times after k steps each, shape (n,)."""
        return np.asarray(k * self.dt)

    def steps(self, t: Array) -> Array:
        """Return after how many steps flow times are reached, in parts of a step, shape (n,)."""
        return np.asarray(t / self.dt)


@dataclass(frozen=True, eq=False)
class ScheduledPace(Pace):
    r"""Steps whose learning rate changes.

    Parameters
    ----------
    dt : float
        Flow time of a step at the full learning rate.
    ratio : float
        :math:`N / \alpha^2`.
    sizes : ndarray, shape (n,)
        Flow time of each step, as many as will be made.
    """

    steady: ClassVar[bool] = False

    sizes: Array

    def size(self, k: int) -> float:
        """Return the flow time of step k, which counts from 0."""
        return float(self.sizes[k])

    def between(self, k: int, end: int) -> Array:
        """Return the flow times of steps k to end - 1, shape (end - k,)."""
        return np.array(self.sizes[k:end])

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        return float(self._after[k])

    def times(self, k: NDArray[np.int64]) -> Array:
        """Return the flow times after k steps each, shape (n,)."""
        return np.asarray(self._after[k])

    def steps(self, t: Array) -> Array:
        """Return after how many steps flow times are reached, in parts of a step, shape (n,)."""
        return np.interp(t, self._after, np.arange(len(self._after)))

    @cached_property
    def _after(self) -> Array:
        """Flow time after 0 to n steps."""
        return np.concatenate([[0.0], np.cumsum(self.sizes)])
