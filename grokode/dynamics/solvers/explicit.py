"""SciPy's explicit Runge-Kutta methods; stiffness, not accuracy, sets their cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import scipy.integrate

from ..protocols import Demand, Method


@dataclass(frozen=True, slots=True)
class _Explicit:
    name: ClassVar[str]
    cls: ClassVar[type[Any]]
    stages: ClassVar[int]

    def method(self, demand: Demand) -> Method:
        """Return the method for a demand."""
        # the stability interval of these methods is about 3 per step on the negative real axis
        evaluations = self.stages * (300 + demand.rate * demand.t_max / 3)
        options = {"rtol": demand.rtol, "atol": demand.atol}
        return Method(self.name, self.cls, "none", options, evaluations * demand.rhs_seconds)


@dataclass(frozen=True, slots=True)
class Rk45(_Explicit):
    """Dormand and Prince, order 5."""

    name, cls, stages = "rk45", scipy.integrate.RK45, 6


@dataclass(frozen=True, slots=True)
class Rk23(_Explicit):
    """Bogacki and Shampine, order 3."""

    name, cls, stages = "rk23", scipy.integrate.RK23, 3


@dataclass(frozen=True, slots=True)
class Dop853(_Explicit):
    """Dormand and Prince, order 8."""

    name, cls, stages = "dop853", scipy.integrate.DOP853, 12
