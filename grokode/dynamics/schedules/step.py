"""A learning rate that falls in steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...errors import InvalidInput
from .warmed import Array, Warmed, Whole, check_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Warmed):
    r"""Multiplied by a factor every K steps, :math:`\gamma^{\lfloor k / K \rfloor}`, as torch's StepLR.

    Parameters
    ----------
    every : int
        K.
    gamma : float
    warmup : int
        See ``Warmed``.
    """

    every: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        Warmed.__post_init__(self)
        check_count("every", self.every)
        if not (math.isfinite(self.gamma) and self.gamma > 0):
            raise InvalidInput(f"gamma must be positive and finite, got {self.gamma}")

    def after(self, k: Whole) -> Array:
        """Return the factors of steps k, which count from the end of the warm-up, shape (n,)."""
        return np.asarray(self.gamma ** (k // self.every).astype(float))
