"""The coordinator: computes what is pending in a store, on any engine, and writes it as it comes."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..engines.executor import Engine, Executor, Finished, outcomes
from ..errors import GrokodeWarning, InvalidInput
from .cells import Arrays, Task, compute, empty, lost
from .layout import BAD, CODES, CellStatus, Layout
from .lock import locked
from .specification import Sweep, cells_of
from .store import Store, check_free, create, is_pending, machine


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is.

    Parameters
    ----------
    cells, done : int
        All, and those that are no longer pending.
    bad : int
        Cells without an answer.
    rate : float
        Cells a second since it began.
    """

    cells: int
    done: int
    bad: int
    rate: float

    @property
    def fraction(self) -> float:
        """Part that is done."""
        return self.done / self.cells


def conduct(
    sweep: Sweep,
    layout: Layout,
    path: Path,
    engine: Engine,
    *,
    resume: bool,
    progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[CellStatus, int]:
    """Compute the pending cells of a store, made where there is none.

    Parameters
    ----------
    sweep : Sweep
    layout : Layout
    path : Path
        Of the store.
    engine : Engine
    resume : bool
        Whether a store that exists is gone on with.
    progress : callable
        Called after every block.
    say : callable
        Called with what a resumed sweep goes on with.

    Returns
    -------
    dict of CellStatus to int
        Cells of each status.

    Raises
    ------
    InvalidInput
        If the store is of another sweep, is in use, or exists and is not to be resumed.
    """
    if resume and path.exists():
        store = _begun(path, sweep)
        pending = store.counts()[CellStatus.PENDING]
        say(f"{path}: {sweep.size - pending} of {sweep.size} cells are there, {pending} are left")
        with locked(path):
            _compute(store, sweep, layout, engine.open(), progress)
        return store.counts()
    check_free(path)
    if resume:
        say(f"no store {path} yet; the sweep begins")
    with engine.open() as executor:  # before there is a store: an engine that is not there leaves none
        store = create(path, sweep, layout)
        with locked(path):
            _compute(store, sweep, layout, contextlib.nullcontext(executor), progress)
    return store.counts()


def _begun(path: Path, sweep: Sweep) -> Store:
    """Open the store of a sweep to go on with it."""
    store = Store(path)
    store.check(sweep)
    if tuple(store.group.attrs["block_shape"]) != sweep.block_shape:
        raise InvalidInput(f"{path} was made by a version that cut it otherwise; name another store")
    if store.group.attrs["machine"] != machine():
        warnings.warn(
            f"{path} was begun on another processor or BLAS; the last bits of its cells will differ",
            GrokodeWarning,
            stacklevel=3,
        )
    return store


def _compute(
    store: Store,
    sweep: Sweep,
    layout: Layout,
    opened: contextlib.AbstractContextManager[Executor],
    progress: Callable[[Progress], None],
) -> None:
    """Compute what is pending, by an executor that is not opened where nothing is."""
    status = store.status
    tasks = [Task(sweep, layout, block) for block in sweep.blocks() if is_pending(status, block)]
    meter = _Meter(store, progress)
    if tasks:
        with opened as executor:
            _run(executor, tasks, meter)


def _run(executor: Executor, tasks: list[Task], meter: _Meter) -> None:
    """Write every block as it is computed; those whose worker was lost are tried again cell by cell."""
    again: list[Task] = []
    for outcome in outcomes(executor, compute, tasks):
        if isinstance(outcome, Finished):
            meter.write(outcome.task, outcome.value)
        else:
            again.append(outcome.task)
    for task in again:
        whole = empty(task)
        cells = [Task(task.sweep, task.layout, tuple((i, i + 1) for i in index)) for index in cells_of(task.block)]
        for outcome in outcomes(executor, compute, cells):
            value = outcome.value if isinstance(outcome, Finished) else lost(outcome.task, outcome.reason)
            place = tuple(first - start for (first, _), (start, _) in zip(outcome.task.block, task.block, strict=True))
            for name, array in value.items():
                whole[name][place] = array[(0,) * len(place)]
        meter.write(task, whole)


class _Meter:
    """Writes blocks and says how far it is."""

    def __init__(self, store: Store, progress: Callable[[Progress], None]) -> None:
        self._store, self._progress = store, progress
        counts = store.counts()
        self._cells = sum(counts.values())
        self._before = self._done = self._cells - counts[CellStatus.PENDING]
        self._bad = sum(counts[status] for status in BAD)
        self._started = time.perf_counter()

    def write(self, task: Task, arrays: Arrays) -> None:
        self._store.write(task.block, arrays)
        codes = arrays["status"]
        self._done += codes.size
        self._bad += int(sum((codes == CODES[status]).sum() for status in BAD))
        rate = (self._done - self._before) / max(time.perf_counter() - self._started, 1e-9)
        self._progress(Progress(self._cells, self._done, self._bad, rate))
