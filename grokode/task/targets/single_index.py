"""Targets of one direction, the paper's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...errors import InvalidInput
from .quadratic import QuadraticTarget


@dataclass(frozen=True, slots=True)
class SingleIndex:
    r"""Half a square, :math:`y = \tfrac{s}{2} (\beta \cdot x)^2` with :math:`\beta \sim N(0, I)`.

    Parameters
    ----------
    scale : float
        The factor s: B = s beta beta^T. The paper's eq. 3 has 1.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.scale):
            raise InvalidInput(f"target single_index: scale must be finite, got {self.scale}")

    def draw(self, dim: int, rng: np.random.Generator) -> QuadraticTarget:
        """Draw the direction."""
        beta = rng.standard_normal((1, dim))
        return QuadraticTarget.from_directions(beta, np.array([self.scale]))
