"""The product of two directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .quadratic import QuadraticTarget


@dataclass(frozen=True, slots=True)
class Product:
    r"""A product, :math:`y = (\beta_1 \cdot x)(\beta_2 \cdot x)` with :math:`\beta_k \sim N(0, I)`."""

    def draw(self, dim: int, rng: np.random.Generator) -> QuadraticTarget:
        """Draw the directions."""
        beta = rng.standard_normal((2, dim))
        B = np.outer(beta[0], beta[1])
        return QuadraticTarget(0.0, np.zeros(dim), B + B.T, beta)
