"""Logarithmic time."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogTime:
    r""":math:`t = t_0 (e^\tau - 1)`, in which a flow that slows down over decades keeps one speed.

    Parameters
    ----------
    unit : float
        :math:`t_0`, the time in which the flow first moves.
    """

    unit: float

    def tau(self, t: float) -> float:
        """Return tau at a time."""
        return math.log1p(t / self.unit)

    def t(self, tau: float) -> float:
        """Return the time at tau."""
        return self.unit * math.expm1(tau)

    def rate(self, tau: float) -> float:
        """Return dt/dtau."""
        return self.unit * math.exp(tau)
