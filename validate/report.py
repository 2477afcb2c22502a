"""The whole validation: every check done, and what came of all of them as JSON, as tables, and as misses."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grokode.experiment.versions import versions

from .flows import flow_cases
from .forces import force_checks
from .matrix import map_checks
from .orders import OrderCheck, order_checks
from .results import CaseResult, Check, Kind, Margin, Order, Result

SCHEMA = "grokode.validate/1"

NAMED = 5
"""Misses that one line has room for."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of a validation.

    Parameters
    ----------
    cases : sequence of CaseResult
    orders : sequence of Order
    seconds : float
    versions : mapping of str to str
    """

    cases: Sequence[CaseResult]
    orders: Sequence[Order]
    seconds: float
    versions: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether something was checked, and everything is as the theory says."""
        return bool(self.results) and all(result.ok for result in self.results)

    @property
    def results(self) -> tuple[Result, ...]:
        """Everything that was checked."""
        return (*self.cases, *self.orders)

    @property
    def misses(self) -> list[str]:
        """What is not, a line each."""
        return [f"{result.name}: {result.miss}" for result in self.results if not result.ok]

    def worst(self, kind: Kind) -> dict[str, tuple[Margin, str]]:
        """Return for every curve the error that is largest beside its tolerance, and the case it is of."""
        found: dict[str, tuple[Margin, str]] = {}
        for case in self.cases:
            for curve, margin in case.margins.items() if case.kind is kind else ():
                if curve not in found or margin.share > found[curve][0].share:
                    found[curve] = (margin, case.name)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, without NaN: the object of ``--json``."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "cases": [case.to_dict() for case in self.cases],
            "orders": [order.to_dict() for order in self.orders],
            "seconds": round(self.seconds, 3),
            "versions": dict(self.versions),
        }

    def to_json(self) -> str:
        """Return the report as the text of one JSON object."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def tables(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """Return titled tables: every curve of each kind of case, then the orders."""
        found: list[tuple[str, list[tuple[str, ...]]]] = []
        for kind in Kind:
            count = sum(case.kind is kind for case in self.cases)
            rows = [
                (curve, f"{margin.error:.1e}", f"{margin.tolerance:.1e}", f"{margin.share:.2g}", name)
                for curve, (margin, name) in self.worst(kind).items()
            ]
            if rows:
                head = ("curve", "largest error", "tolerance", "of it", "in the case")
                found.append((f"{kind}, {_counted(count, 'case')}", [head, *rows]))
        if self.orders:
            head = ("what vanishes, and in what", "order", "expected", "within", "")
            rows = [
                (order.name, f"{order.order:.4f}", f"{order.expected:g}", f"{order.tolerance:.2g}", "")
                for order in self.orders
            ]
            found.append((str(Kind.ORDER), [head, *rows]))
        return found

    def counts(self) -> str:
        """Say in one line how it went."""
        misses = len(self.misses)
        end = (
            f"{misses} not as the theory says" if misses else "all as the theory says" if self.ok else "nothing checked"
        )
        counted = f"{_counted(len(self.cases), 'case')}, {_counted(len(self.orders), 'order')}"
        return f"{counted}: {end}; {self.seconds:.0f} s"

    def to_text(self) -> str:
        """Return the tables in aligned columns, the misses, a line each, and the counts."""
        blocks = [f"{title}\n{_aligned(rows)}" for title, rows in self.tables()]
        if self.misses:
            blocks.append("\n".join(["misses", *(" ".join(miss.split()) for miss in self.misses)]))
        return "\n\n".join([*blocks, self.counts()])

    def verdict(self) -> str:
        """Say in one line what is not as the theory says: the first misses, and how many more there are."""
        if not self.results:
            return "nothing was checked"
        more = len(self.misses) - NAMED
        return "; ".join([*self.misses[:NAMED], *([f"and {more} more"] if more > 0 else [])])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows with the numbers, all but the first and the last column, to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = [
        "  ".join(
            cell.rjust(width) if 0 < index < last else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def all_checks(*, full: bool = False) -> list[Check]:
    """Return every check of a quick or of a full validation."""
    return [*force_checks(), *map_checks(full=full), *flow_cases(full=full), *order_checks(full=full)]


def validate(
    checks: Iterable[Check] | None = None, *, full: bool = False, progress: Callable[[float], None] | None = None
) -> Report:
    """Compare the theory with networks really trained.

    Parameters
    ----------
    checks : iterable of Check, optional
        Which; all of them by default.
    full : bool
        Whether all of them are those of a full validation rather than of a quick one.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Report

    Examples
    --------
    >>> from grokode_validate.report import validate
    >>> validate().ok
    True
    """
    wanted = list(all_checks(full=full) if checks is None else checks)
    started = time.perf_counter()
    results: list[Result] = []
    for done, check in enumerate(wanted, 1):
        results.append(_result(check))
        if progress:
            progress(done / len(wanted))
    return Report(
        cases=[result for result in results if isinstance(result, CaseResult)],
        orders=[result for result in results if isinstance(result, Order)],
        seconds=time.perf_counter() - started,
        versions=versions(),
    )


def _result(check: Check) -> Result:
    try:
        return check.result()
    except Exception as error:  # a check that breaks off shows nothing, and costs no other its result
        fault = f"breaks off: {type(error).__name__}: {error}"
        if isinstance(check, OrderCheck):
            return Order(name=check.name, order=math.nan, expected=check.expected, tolerance=math.nan, fault=fault)
        return CaseResult(name=check.name, kind=check.kind, fault=fault)
