"""BDF in logarithmic time, for flows down the gradient of a finite training set's loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import InvalidInput
from ..protocols import Demand, Method
from .log_bdf.method import LogBDF

DEFAULT = 1e-6
"""The relative tolerance at which the tolerances below were measured to keep err <= 3e-3."""

SMALL = 64
"""Up to this order a fresh Jacobian every step costs no more than what is beside it."""

UNSEEN_MODES = 100.0
"""Weight of changes of the parameters that the training set does not see, or not yet."""

ROUNDING = 300.0
"""Up to this L(0)/<y^2> rounding in float32 is small beside the tolerance; the solver checks it as it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Tolerance, weight of relative changes, and steps that a Jacobian serves, for one class of problems."""

    tol: float
    relative: float
    age: int


TINY = Tuning(tol=1e-3, relative=100.0, age=1)
"""A matrix of order at most SMALL."""

FEW_UNKNOWNS = Tuning(tol=1e-3, relative=1000.0, age=8)
"""Fewer than 2 P unknowns: few neurons, whose saddles are late and many."""

MANY_UNKNOWNS = Tuning(tol=5e-3, relative=3.0, age=8)
"""All others; only here products in float32 pay."""


@dataclass(frozen=True, slots=True)
class LogBdf:
    """Linearly implicit BDF in logarithmic time; stiffness and decades of time hardly set its cost."""

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand.

        Raises
        ------
        InvalidInput
            If the flow is not the gradient or midpoint flow of a finite training set.
        """
        if not demand.samples:
            raise InvalidInput(
                "solver log_bdf integrates gradient_flow and midpoint_flow of samples: no other flow, no weight decay, "
                "no infinite training set and none that is held as its moments; use --solver auto"
            )
        tiny = min(demand.n, demand.samples) <= SMALL
        tuning = TINY if tiny else FEW_UNKNOWNS if demand.n < 2 * demand.samples else MANY_UNKNOWNS
        options = {
            "tol": math.sqrt(demand.asked / DEFAULT) * tuning.tol,  # with orders up to 5 every digit costs steps
            "parameters": UNSEEN_MODES,
            "relative": tuning.relative,
            "age": tuning.age,
            "lag": demand.lag,
            "single": tuning is MANY_UNKNOWNS and demand.offset <= ROUNDING,
        }
        return Method("log_bdf", LogBDF, "residuals", options, self.seconds(demand))

    def seconds(self, demand: Demand) -> float:
        """Estimate the time of the whole integration; the numbers are fitted to measured ones, P up to 2400."""
        return 150 * demand.rhs_seconds + 5 * demand.factor_seconds
