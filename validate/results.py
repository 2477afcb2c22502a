"""What came of a check: errors beside their tolerances, or an order of convergence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """What is compared with real neurons."""

    MAP = "exact maps"
    FLOW = "flows"
    FORCE = "forces"
    ORDER = "orders"


@dataclass(frozen=True, slots=True)
class Margin:
    """The error of one curve where it is largest beside its tolerance."""

    error: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the error is a number within the tolerance."""
        return self.error <= self.tolerance

    @property
    def share(self) -> float:
        """The error in units of the tolerance; infinite where it is no number."""
        if math.isnan(self.error):
            return math.inf
        if self.error == 0:
            return 0.0
        return self.error / self.tolerance if self.tolerance > 0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case: theory beside real neurons.

    Parameters
    ----------
    name : str
    kind : Kind
    parameters : mapping
        What makes the case again, as plain data.
    margins : mapping of str to Margin
        By curve.
    fault : str or None
        Why there is nothing to compare, where there is not.
    """

    name: str
    kind: Kind
    parameters: Mapping[str, Any] = field(default_factory=dict)
    margins: Mapping[str, Margin] = field(default_factory=dict)
    fault: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there are curves, every one within its tolerance."""
        return self.fault is None and bool(self.margins) and all(margin.ok for margin in self.margins.values())

    @property
    def miss(self) -> str:
        """What is wrong, in one line."""
        if self.fault is not None:
            return self.fault
        if not self.margins:
            return "nothing was compared"
        beyond = {name: margin for name, margin in self.margins.items() if not margin.ok}
        worst = max(beyond, key=lambda name: beyond[name].share)
        margin, others = beyond[worst], len(beyond) - 1
        also = f", and {others} more" if others else ""
        return f"{worst} is off by {margin.error:.3g}, beyond {margin.tolerance:.3g}{also}"

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON has of it."""
        return {
            "name": self.name,
            "kind": str(self.kind),
            "parameters": dict(self.parameters),
            "errors": {
                name: {"error": number(margin.error), "tolerance": number(margin.tolerance)}
                for name, margin in self.margins.items()
            },
            "ok": self.ok,
            "fault": self.fault,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How fast something vanishes: like a size to the power ``order``; NaN where ``fault`` says why there is none."""

    name: str
    order: float
    expected: float
    tolerance: float
    fault: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the order is as expected."""
        return abs(self.order - self.expected) <= self.tolerance

    @property
    def miss(self) -> str:
        """What is wrong, in one line."""
        return self.fault or f"the order is {self.order:.4g}, not {self.expected:g} to {self.tolerance:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON has of it."""
        numbers = {key: number(getattr(self, key)) for key in ("order", "expected", "tolerance")}
        return {"name": self.name, **numbers, "ok": self.ok, "fault": self.fault}


Result = CaseResult | Order


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A check that ought to be done and that nobody has written.

    Parameters
    ----------
    name : str
    kind : Kind
    fault : str
        What is missing, and where to add it.
    """

    name: str
    kind: Kind
    fault: str

    def result(self) -> CaseResult:
        """Return the miss."""
        return CaseResult(name=self.name, kind=self.kind, fault=self.fault)


class Check(Protocol):
    """Something to be checked."""

    @property
    def name(self) -> str:
        """What tables and misses call it."""
        ...

    @property
    def kind(self) -> Kind:
        """What kind of check it is."""
        ...

    def result(self) -> Result:
        """Do it; what goes wrong on the way is raised."""
        ...


def number(value: float) -> float | None:
    """Return a number as JSON has it: null where it is none."""
    return float(value) if math.isfinite(value) else None
