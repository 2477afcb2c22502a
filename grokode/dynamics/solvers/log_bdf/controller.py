"""Order and length of the steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .differences import MAX_ORDER

LARGEST, SMALLEST = 5.0, 0.2
"""A step changes by no more than this at once."""

DEAD_BAND = (0.9, 1.15)
"""A change of step ends the equal ones; between these it is not worth it."""

CAUTION, TREND = 0.8, 0.95
"""Part of the estimated longest step that is taken: more of it where errors fall."""


@dataclass(slots=True)
class Controller:
    """Chooses the order of a quasi-constant step, and by which factor the step changes.

    Both are reconsidered only after k + 1 equal steps of order k, from which differences of order k + 2 are clean.
    """

    order: int = 1
    equal: int = 0
    last: float = 0.0

    @property
    def due(self) -> bool:
        """Whether enough equal steps were made to reconsider."""
        return self.equal > self.order

    def accepted(self) -> None:
        """Count a step."""
        self.equal += 1

    def changed(self, order: int) -> None:
        """Begin anew after a change of step."""
        self.order, self.equal = order, 0

    def shorter(self, error: float) -> float:
        """Return the factor after a step that failed with an error above 1."""
        return max(SMALLEST, CAUTION * error ** (-1 / (self.order + 1))) if error < math.inf else SMALLEST

    def choose(self, errors: dict[int, float]) -> tuple[int, float]:
        """Return the order whose steps can be longest, and the factor to them; 1 where it is not worth it.

        Parameters
        ----------
        errors : dict of int to float
            Estimated errors of the present step at the orders k - 1, k and k + 1, as far as they exist.
        """
        factors = {order: max(error, 1e-12) ** (-1 / (order + 1)) for order, error in errors.items()}
        order = max(factors, key=lambda k: factors[k])
        falls = errors[self.order] <= self.last
        self.last = errors[self.order]
        factor = min(LARGEST, (TREND if falls else CAUTION) * factors[order])
        if DEAD_BAND[0] <= factor <= DEAD_BAND[1]:
            return self.order, 1.0
        return order, factor

    def candidates(self) -> range:
        """Orders next to the present one."""
        return range(max(1, self.order - 1), min(MAX_ORDER, self.order + 1) + 1)
