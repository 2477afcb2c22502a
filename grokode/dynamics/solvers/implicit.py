"""Implicit methods with the exact Jacobian; stiffness hardly sets their cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import scipy.integrate

from ..protocols import Demand, Method
from .structured import StructuredBDF, StructuredRadau


def memory(demand: Demand) -> float:
    """Bytes of the factorised matrix with its copies, and of the difference table."""
    return 8.0 * (4 * demand.order**2 + 30 * demand.n)


@dataclass(frozen=True, slots=True)
class _Implicit:
    name: ClassVar[str]
    cls: ClassVar[type[Any]]
    evaluations: ClassVar[int]
    factorizations: ClassVar[int]
    jacobian: ClassVar[str] = "structured"

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand; its work at the default tolerance is a measured typical one."""
        factor = demand.factor_seconds
        if self.jacobian == "dense":
            factor *= (demand.n / demand.order) ** 3
        seconds = self.evaluations * demand.rhs_seconds + self.factorizations * factor
        return Method(self.name, self.cls, self.jacobian, {"rtol": demand.rtol, "atol": demand.atol}, seconds)


@dataclass(frozen=True, slots=True)
class Bdf(_Implicit):
    """Variable-order BDF."""

    name, cls, evaluations, factorizations = "bdf", StructuredBDF, 600, 60


@dataclass(frozen=True, slots=True)
class Radau(_Implicit):
    """Radau IIA of order 5: each change of step takes two factorisations, one of them complex."""

    name, cls, evaluations, factorizations = "radau", StructuredRadau, 1500, 300


@dataclass(frozen=True, slots=True)
class Lsoda(_Implicit):
    """LSODA: the Jacobian is a dense n x n matrix."""

    name, cls, evaluations, factorizations, jacobian = "lsoda", scipy.integrate.LSODA, 800, 60, "dense"
