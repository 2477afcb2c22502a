"""Keeps what is observed at every saved time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..curve import Curve
from ..dynamics.problem import Problem
from ..errors import SolverFailed
from ..model.states.state import State
from ..observables.column import Column, Observable

Array = NDArray[np.float64]


class Recorder:
    """Keeps the observed numbers of every saved time, and the states where they are wanted."""

    def __init__(self, problem: Problem, keep_states: bool, observables: Sequence[Observable]) -> None:
        self.t: list[float] = []
        self.states: list[State] = []
        self.seconds = 0.0  # that readings took
        self.theta = np.array(problem.start.theta)
        self._start, self._keep_states = problem.start, keep_states
        self._columns: list[Column] = [column for item in observables for column in item.columns(problem)]
        self._readings = [item.on(problem) for item in observables if item.columns(problem)]
        self._rows: list[tuple[float, ...]] = []

    def keep(self, t: float, theta: Array) -> None:
        """Read every observable at a saved time."""
        started = time.perf_counter()
        state = self._start.at(theta)
        self.t.append(t)
        self.theta = np.array(theta)
        self._rows.append(tuple(value for read in self._readings for value in read(state)))
        if self._keep_states:
            self.states.append(state)
        self.seconds += time.perf_counter() - started

    def losses(self, names: Sequence[str]) -> Array:
        """Return the columns of some losses, shape (T, len(names))."""
        known = [column.name for column in self._columns]
        return np.array(self._rows)[:, [known.index(name) for name in names]]

    def curves(self) -> dict[str, Curve]:
        """Return t and every column as curves."""
        table = np.array(self._rows).reshape(len(self.t), len(self._columns))
        if not np.isfinite(table).all():
            name = self._columns[int(np.argmin(np.isfinite(table).all(axis=0)))].name
            raise SolverFailed(f"{name} is not a finite number; bring --alpha, --eps or --sigma nearer to 1")
        curves = {"t": Curve(name="t", values=np.array(self.t), units="flow time", long_name="flow time t")}
        for column, values in zip(self._columns, table.T, strict=True):
            curves[column.name] = Curve(name=column.name, values=values, units=column.units, long_name=column.long_name)
        return curves
