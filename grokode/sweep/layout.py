"""The variables of a store: what is kept of every cell, with dimensions, units and codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ..dynamics.problem import Problem
from ..experiment.spec import Experiment
from ..experiment.systems import problem_of
from ..observables import CURVE_OBSERVABLES, KERNEL_OBSERVABLES, OBSERVABLES
from ..observables.column import Column
from ..outcome import CrossingStatus
from .specification import KERNEL, LAZY, Sweep, one_by_one

THRESHOLD, TIME = "threshold", "time"
FLOW_TIME = "flow time"


class CellStatus(StrEnum):
    """What became of a cell."""

    PENDING = "pending"
    DONE = "done"
    STOPPED = "stopped"
    TIME_LIMIT = "time_limit"
    DIVERGED = "diverged"
    SOLVER_FAILED = "solver_failed"
    FAILED = "failed"


CODES = {status: code for code, status in enumerate(CellStatus)}
"""What stands for each in the store."""

BAD = (CellStatus.SOLVER_FAILED, CellStatus.FAILED)
"""Cells without an answer; a diverged one is an answer, and so is one whose time was up."""

ABSENT = "absent"
"""Where a cell has nothing of a kind: no test loss, a run that failed."""

CROSSINGS = (ABSENT, *CrossingStatus)
TEST_LOSSES = (ABSENT, "exact", "sample")
GUARD = ("did_not_look", "agrees", "ill_conditioned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of the store.

    Parameters
    ----------
    name, long_name, units : str
    dims : tuple of str
        Beside the axes: ``threshold`` or ``time``.
    meanings : tuple of str
        What its codes 0, 1, ... stand for; empty for numbers.
    timing : bool
        Whether it may differ between two runs of one sweep.
    kind : type
        float, or str.
    """

    name: str
    long_name: str
    units: str = "1"
    dims: tuple[str, ...] = ()
    meanings: tuple[str, ...] = ()
    timing: bool = False
    kind: type = float

    @property
    def dtype(self) -> Any:
        """Type of an entry."""
        return str if self.kind is str else np.dtype("i1") if self.meanings else np.dtype("f8")

    @property
    def fill(self) -> Any:
        """What stands where nothing was computed."""
        return "" if self.kind is str else 0 if self.meanings else np.nan


STATUS = Variable(name="status", long_name="what became of the cell", meanings=tuple(CellStatus))

CROSSED = tuple(
    Variable(name=name, long_name=label, units=units, dims=(THRESHOLD,), meanings=meanings)
    for name, label, units, meanings in (
        ("t_train", "time at which the train loss is first below the threshold", FLOW_TIME, ()),
        ("t_test", "time at which the test loss is first below the threshold", FLOW_TIME, ()),
        ("delay", "grokking delay, t_test - t_train", FLOW_TIME, ()),
        ("t_train_status", "whether the train loss fell below the threshold", "1", CROSSINGS),
        ("t_test_status", "whether the test loss fell below the threshold", "1", CROSSINGS),
        ("threshold_train", "train loss that the threshold is", "1", ()),
        ("threshold_test", "test loss that the threshold is", "1", ()),
        ("certificate_t", "time of the state that proves never", FLOW_TIME, ()),
        ("certificate_bound", "by how much the root of the test loss can still move", "1", ()),
    )
)

SCALARS = (
    Variable(name="peak_loss_test", long_name="largest test loss at a saved time"),
    Variable(name="final_loss_train", long_name="last train loss"),
    Variable(name="final_loss_test", long_name="last test loss"),
    Variable(name="test_loss", long_name="which test loss crossings, peak and delay are of", meanings=TEST_LOSSES),
    Variable(name="t_reached", long_name="where the run ended", units=FLOW_TIME),
    Variable(name="guard", long_name="whether rounding decides the curve", meanings=GUARD),
    Variable(name="amplification", long_name="by how much the run amplifies a change of its start"),
    Variable(name="rtol", long_name="relative tolerance that the guard went to"),
    Variable(name="nfev", long_name="evaluations of the force"),
    Variable(name="reason", long_name="why there is no answer", kind=str),
)

NUMBERS = (
    Variable(name="kernel_regression_loss_exact", long_name="test loss (exact) of kernel regression"),
    Variable(name="kernel_regression_loss_sample", long_name="test loss (test points) of kernel regression"),
    Variable(name="kernel_condition", long_name="condition of the initial kernel's matrix"),
    Variable(name="kernel_rank", long_name="rank of the initial kernel's matrix"),
    Variable(name="train_loss_floor", long_name="train loss that the initial kernel cannot lower"),
)
"""What is known of the linearised network."""

SECONDS = Variable(name="seconds", long_name="wall time of the cell", units="s", timing=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All variables of a sweep's store; ``status``, which is written last, stands apart.

    Parameters
    ----------
    curves, final : tuple of str
        Columns of the observables that are kept along the run, and at its end.
    variables : tuple of Variable
    times : int
        Length of the ``time`` dimension.
    """

    curves: tuple[str, ...]
    final: tuple[str, ...]
    variables: tuple[Variable, ...]
    times: int

    def sizes(self, sweep: Sweep) -> dict[str, int]:
        """Length of every dimension."""
        axes = {axis.name: len(axis.values) for axis in sweep.axes}
        return axes | {THRESHOLD: len(sweep.thresholds), TIME: self.times}

    def bytes(self, sweep: Sweep) -> float:
        """Size of the store, uncompressed."""
        sizes = self.sizes(sweep)
        each = sum(
            float(np.prod([sizes[name] for name in variable.dims])) * (1 if variable.meanings else 8)
            for variable in (*self.variables, STATUS)
        )
        return sweep.size * each


def layout_of(sweep: Sweep) -> Layout:
    """Draw as many cells as it takes to know every column that some cell has.

    Raises
    ------
    InvalidInput
        If a cell's parameters are wrong.
    """
    columns: dict[str, dict[str, Variable]] = {"along": {}, "final": {}}
    times = 1
    for experiment in _different(sweep):
        problem = problem_of(experiment, None, sweep.files)
        for name, column in _columns(sweep, problem):
            kept = Variable(name=column.name, long_name=column.long_name, units=column.units, dims=(TIME,))
            if name in sweep.curves:
                columns["along"][column.name] = kept
            if name != "losses":
                columns["final"][column.name] = Variable(
                    name=f"final_{column.name}", long_name=f"last {column.long_name}", units=column.units
                )
        times = max(times, len(experiment.times or ()) or int(experiment.points or 1))
    along = Variable(name="t", long_name="flow time t", units=FLOW_TIME, dims=(TIME,))
    curves = (along, *columns["along"].values()) if columns["along"] else ()
    return Layout(
        curves=tuple(variable.name for variable in curves),
        final=tuple(columns["final"]),
        times=times if curves else 0,
        variables=(
            *CROSSED,
            *SCALARS,
            *(NUMBERS if LAZY in sweep.curves else ()),
            *columns["final"].values(),
            *curves,
            SECONDS,
        ),
    )


def _columns(sweep: Sweep, problem: Problem) -> Iterator[tuple[str, Column]]:
    """Yield what is read of a problem, with the quantity it belongs to."""
    for name in OBSERVABLES:
        yield from ((name, column) for column in OBSERVABLES.build(name).columns(problem))
    for name in KERNEL_OBSERVABLES if KERNEL in sweep.curves else ("population",):
        yield from ((KERNEL, column) for column in KERNEL_OBSERVABLES.build(name).columns(problem))
    for name in CURVE_OBSERVABLES if LAZY in sweep.curves else ():
        yield from ((LAZY, column) for column in CURVE_OBSERVABLES.build(name).columns(problem))


SHAPING = ("dim", "n_train", "n_test", "width", "hermite", "readouts", "target", "start", "covariance", "points")
"""Fields that decide which columns there are."""


def _different(sweep: Sweep) -> Sequence[Experiment]:
    """Return one cell for each combination of the values that decide which columns there are."""
    found: dict[tuple[Any, ...], Experiment] = {}
    for index in sorted(one_by_one(sweep)):
        cell = sweep.cell(index)
        found.setdefault(tuple(getattr(cell, name) for name in SHAPING), cell)
    return list(found.values())
