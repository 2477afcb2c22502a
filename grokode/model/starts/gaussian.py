"""Gaussian initial weights, the default."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..states.factor import FactorState


@dataclass(frozen=True, slots=True)
class GaussianStart:
    r"""Initial weights :math:`w_i \sim N(0, \sigma^2 I)`, at any width, infinite included."""

    def draw(self, dim: int, width: float, sigma: float, rng: np.random.Generator) -> FactorState:
        """Draw the start.

        Parameters
        ----------
        dim : int
        width : float
            A whole number, or infinity.
        sigma : float
            Standard deviation of each weight.
        rng : numpy.random.Generator
            Not used at infinite width, where nothing is random.
        """
        if math.isinf(width):
            return FactorState.infinite_width(dim, sigma)
        return FactorState.random(dim, int(width), sigma, rng)
