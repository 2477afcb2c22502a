"""Targets of several directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InvalidInput
from .quadratic import QuadraticTarget


@dataclass(frozen=True, slots=True)
class MultiIndex:
    r"""A sum of squares, :math:`y = \tfrac12 \sum_k \omega_k (\beta_k \cdot x)^2`, :math:`\beta_k \sim N(0, I)`.

    Parameters
    ----------
    k : int
        Number of directions.
    weights : tuple of float
        The omegas, of either sign (``weights=1:0.5:-1``); all 1 when empty.
    """

    k: int = 2
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InvalidInput(f"target multi_index: k must be at least 1, got {self.k}")
        if self.weights and len(self.weights) != self.k:
            raise InvalidInput(
                f"target multi_index: k={self.k} directions need {self.k} weights, got {len(self.weights)}"
            )
        if not np.isfinite(self.weights).all():
            raise InvalidInput(f"target multi_index: weights must be finite, got {self.weights}")

    def draw(self, dim: int, rng: np.random.Generator) -> QuadraticTarget:
        """Draw the directions one by one: a larger k extends a smaller one."""
        return QuadraticTarget.from_directions(
            rng.standard_normal((self.k, dim)), np.array(self.weights or (1.0,) * self.k)
        )
