"""What schedules of formulas share: a warm-up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed(ABC):
    r"""A schedule that begins after a linear warm-up of W steps, whose factors are 1/W, 2/W, ..., 1.

    Parameters
    ----------
    warmup : int
        W; 0 for none.
    """

    warmup: int = 0

    def __post_init__(self) -> None:
        if self.warmup < 0:
            raise InvalidInput(f"warmup must be zero or positive, got {self.warmup}")

    def factors(self, k: Whole) -> Array:
        """Return what the learning rate of steps k is multiplied by, shape (n,); steps count from 0."""
        risen = np.minimum((k + 1) / self.warmup, 1.0) if self.warmup else np.ones(len(k))
        return np.where(k < self.warmup, risen, self.after(np.maximum(k - self.warmup, 0)))

    @abstractmethod
    def after(self, k: Whole) -> Array:
        """Return the factors of steps k, which count from the end of the warm-up, shape (n,)."""


def check_count(name: str, value: int) -> None:
    """Refuse a number of steps below 1."""
    if value < 1:
        raise InvalidInput(f"{name} must be at least 1, got {value}")
