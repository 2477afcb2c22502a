"""Products in float32 for as long as their rounding is small beside the tolerance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...protocols import Linearization, Residuals

Array = NDArray[np.float64]


EVERY = 12
"""Steps between two looks; a look costs half a right-hand side in float64."""


class Precision:
    """Residuals in a working precision, beside the exact ones.

    Parameters
    ----------
    residuals : callable
        ``residuals(dtype)`` returns the Residuals with matrix products in a precision.
    single : bool
        Whether to begin in float32.
    """

    def __init__(self, residuals: Callable[[type[np.floating[Any]]], Residuals], single: bool) -> None:
        self.exact = residuals(np.float64)
        self.single = single
        self._working = residuals(np.float32) if single else self.exact
        self._asked = 0

    def at(self, z: Array) -> Linearization:
        """Return the residuals and their derivative at z."""
        return self._working.at(z)

    def due(self) -> bool:
        """Whether it is time to look again at what the working precision misses."""
        self._asked += 1
        return self.single and self._asked % EVERY == 1

    def rounding(self, here: Linearization, z: Array) -> float:
        """Return the mean square by which the working precision misses the residuals at z."""
        missed = here.residual - self.exact.at(z).residual
        return float(missed @ missed) / len(missed)

    def give_up(self) -> None:
        """Go on in float64."""
        self.single, self._working = False, self.exact
