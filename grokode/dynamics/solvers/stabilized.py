"""Stabilised explicit Runge-Kutta, for flows too large to factorise."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import InvalidInput
from ..protocols import Demand, Method


@dataclass(frozen=True, slots=True)
class Ssv2stab:
    """Stabilised Runge-Kutta of order 2; its cost grows with the root of the stiffness."""

    def seconds(self, demand: Demand) -> float:
        """Estimate the time of the whole integration; the evaluations are fitted to measured ones."""
        return (3000 + 3 * math.sqrt(demand.rate * demand.t_max)) * demand.rhs_seconds

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand.

        Raises
        ------
        InvalidInput
            If the flow oscillates: what is stable lies along the negative axis.
        """
        if not demand.real_spectrum:
            raise InvalidInput("solver ssv2stab is not stable on a flow that oscillates; use --solver auto")
        from .chebyshev import StabilizedRK  # its library takes 0.1 s to import

        options = {"rtol": demand.rtol, "atol": demand.atol}
        return Method("ssv2stab", StabilizedRK, "structured", options, self.seconds(demand))
