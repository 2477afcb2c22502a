"""Implicit methods with the exact Jacobian."""

from __future__ import annotations

from dataclasses import dataclass

import scipy.integrate

from ..protocols import Demand, Method
from .structured import StructuredBDF, StructuredRadau


def memory(demand: Demand) -> float:
    """Bytes of the factorised matrix with its copies, and of the difference table."""
    return 8.0 * (4 * demand.order**2 + 30 * demand.n)


@dataclass(frozen=True, slots=True)
class Bdf:
    """BDF: about 500 evaluations and 60 factorisations at the default tolerance."""

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand."""
        seconds = 600 * demand.rhs_seconds + 60 * demand.factor_seconds
        options = {"rtol": demand.rtol, "atol": demand.atol}
        return Method("bdf", StructuredBDF, "structured", options, seconds)


@dataclass(frozen=True, slots=True)
class Radau:
    """Radau: two factorisations, one of them complex, a change of step."""

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand."""
        seconds = 1500 * demand.rhs_seconds + 300 * demand.factor_seconds
        options = {"rtol": demand.rtol, "atol": demand.atol}
        return Method("radau", StructuredRadau, "structured", options, seconds)


@dataclass(frozen=True, slots=True)
class Lsoda:
    """LSODA: the Jacobian is a dense n x n matrix."""

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand."""
        seconds = 800 * demand.rhs_seconds + 60 * demand.factor_seconds * (demand.n / demand.order) ** 3
        options = {"rtol": demand.rtol, "atol": demand.atol}
        return Method("lsoda", scipy.integrate.LSODA, "dense", options, seconds)
