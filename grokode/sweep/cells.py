"""A block of cells, computed in one process: pure, so that it may be computed again anywhere."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Diverged, GrokodeError, GrokodeWarning, InvalidInput, RunFailed
from ..experiment.result import Run
from ..experiment.simulate import Lean, simulate
from ..experiment.spec import Experiment
from ..experiment.systems import DRAWN, network_of, shares, system_of
from ..model.kernel import Modes, decompose
from ..model.network import Network
from ..model.states.state import State
from ..observables import OBSERVABLES
from ..task.system import Draw
from .layout import CODES, CROSSED, CROSSINGS, GUARD, NUMBERS, SECONDS, STATUS, TEST_LOSSES, CellStatus, Layout
from .specification import KERNEL, LAZY, Block, Index, Sweep, cells_of

Array = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False, slots=True)
class Task:
    """A block of a sweep."""

    sweep: Sweep
    layout: Layout
    block: Block


def compute(task: Task) -> Arrays:
    """Compute the cells of a block.

    Returns
    -------
    dict of str to ndarray
        Every variable of the layout and ``status``, over the block's part of the axes.
    """
    arrays = empty(task)
    shared = _Shared(task.sweep)
    for index in _by_draw(task):
        place = tuple(i - first for i, (first, _) in zip(index, task.block, strict=True))
        started = time.perf_counter()
        for name, value in _cell(task.sweep, task.layout, index, shared).items():
            cell = arrays[name][place]
            if np.ndim(cell):
                cell[: len(value)] = value  # a run may have stopped before its last saved time
            else:
                arrays[name][place] = value
        arrays[SECONDS.name][place] = time.perf_counter() - started
    return arrays


def _by_draw(task: Task) -> list[Index]:
    """Return the cells of a block, those of one draw one after another."""
    drawn = [k for k, axis in enumerate(task.sweep.axes) if axis.name in DRAWN]
    return sorted(cells_of(task.block), key=lambda index: [index[k] for k in drawn])


def empty(task: Task) -> Arrays:
    """Return the arrays of a block with nothing in them."""
    sizes, shape = task.layout.sizes(task.sweep), tuple(end - first for first, end in task.block)
    return {
        variable.name: np.full(
            (*shape, *(sizes[name] for name in variable.dims)),
            variable.fill,
            dtype=object if variable.kind is str else variable.dtype,
        )
        for variable in (*task.layout.variables, STATUS)
    }


def lost(task: Task, reason: str) -> Arrays:
    """Return the arrays of a block whose worker was lost at every try."""
    arrays = empty(task)
    arrays["reason"][...] = reason
    arrays["status"][...] = CODES[CellStatus.FAILED]
    return arrays


def _cell(sweep: Sweep, layout: Layout, index: Index, shared: _Shared) -> Mapping[str, Any]:
    """Run one cell; a failure is what is known of it."""
    try:
        experiment = sweep.cell(index)
        lean = Lean(
            draw=shared.draw(experiment),
            thresholds=sweep.thresholds,
            along=tuple({"losses": None} | dict.fromkeys(name for name in sweep.curves if name in OBSERVABLES)),
            kernel=KERNEL in sweep.curves,
            lazy=LAZY in sweep.curves,
            decompose=shared.decompose,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GrokodeWarning)  # what it would say is in the cell
            return _numbers(simulate(experiment, None, sweep.files, lean=lean), layout)
    except (RunFailed, InvalidInput) as error:
        status = _failure(error)
        return {"status": CODES[status], "reason": str(error)}


def _failure(error: GrokodeError) -> CellStatus:
    if isinstance(error, Diverged):
        return CellStatus.DIVERGED
    return CellStatus.SOLVER_FAILED if isinstance(error, RunFailed) else CellStatus.FAILED


class _Shared:
    """What cells of one draw share: the draw, its data's moments, and the initial kernel, decomposed for all alpha.

    Of one draw at a time.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._files = sweep.files
        self._key: Any = None
        self._modes: dict[Any, Modes] = {}

    def draw(self, experiment: Experiment) -> Draw:
        """Return the draw of a cell."""
        key = shares(experiment)
        if key != self._key:
            self._modes.clear()
            self._key, self._draw = key, system_of(experiment, None, self._files).draw(network_of(experiment))
        return self._draw

    def decompose(self, network: Network, state: State, X: Array) -> Modes:
        """Decompose the kernel of the draw's start on its training set."""
        key = network.eps, network.activation
        if key not in self._modes:
            self._modes[key] = decompose(network, state, X)
        return self._modes[key]


def _numbers(run: Run, layout: Layout) -> dict[str, Any]:
    """Return what is kept of a run, by variable."""
    summary = run.summary
    looked = None if "ill_conditioned" not in summary else bool(summary["ill_conditioned"])
    found: dict[str, Any] = {
        "status": CODES[CellStatus(str(run.status))],
        "peak_loss_test": summary["peak_loss_test"],
        "final_loss_train": summary["final_loss_train"],
        "final_loss_test": summary["final_loss_test"],
        "test_loss": TEST_LOSSES.index(summary["test_loss"]) if summary["test_loss"] else 0,
        "t_reached": run.t[-1],
        "guard": GUARD.index({None: "did_not_look", False: "agrees", True: "ill_conditioned"}[looked]),
        "amplification": summary.get("amplification"),
        "rtol": summary.get("rtol"),
        "nfev": run.work.nfev,
    }
    for variable in CROSSED:
        found[variable.name] = [_crossed(crossed, variable.name) for crossed in run.crossed]
    for name in layout.final:
        value = run.final.get(name)
        found[f"final_{name}"] = run.curves[name].values[-1] if value is None and name in run.curves else value
    found |= {name: run.curves[name].values for name in layout.curves if name in run.curves}
    found |= {variable.name: summary.get(variable.name) for variable in NUMBERS}
    return {name: value for name, value in found.items() if value is not None}


def _crossed(crossed: Mapping[str, Any], name: str) -> Any:
    """Return what a variable has of one threshold."""
    if name.endswith("_status"):
        return CROSSINGS.index(crossed[name]) if crossed[name] else 0
    if name.startswith("certificate_"):
        proof = crossed["certificate"]
        return np.nan if proof is None else proof[name.removeprefix("certificate_")]
    return np.nan if crossed[name] is None else crossed[name]
