"""What a sweep computes: one experiment, the axes over it, and what is kept of every cell."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dynamics.optimizers import OPTIMIZERS
from ..dynamics.plan import CALL, FLOPS
from ..errors import InvalidInput
from ..experiment.compose import compose
from ..experiment.simulate import STEP
from ..experiment.sources import Preset
from ..experiment.spec import EXCLUSIVE, Experiment, merge
from ..experiment.systems import named_arrays, rows_of
from ..experiment.training import dt_of
from ..observables import OBSERVABLES
from ..observables.crossings import Threshold
from ..registry import nearest
from .axes import Axis, in_order, split

MOST = 1_000_000
"""Cells of a sweep."""

BLOCK = 2.5
"""Estimated seconds of the cells that are computed together."""

EVALUATIONS = 150.0
"""Forces that a flow is assumed to take, for the estimate of its time."""

COSMETIC = ("threads",)
"""Fields that change no number."""

KERNEL, LAZY = "kernel", "lazy"

QUANTITIES = ("scalars", *OBSERVABLES, KERNEL, LAZY)
"""What can be kept of a cell: scalars always, curves by the names of their observables, all that is known of the kernel
along the run, and the linearised network with kernel regression."""

Index = tuple[int, ...]
Block = tuple[tuple[int, int], ...]
"""First and last but one index along every axis."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sweep:
    """A grid of experiments.

    Parameters
    ----------
    base : Experiment
        What every cell has, but for its place on the axes.
    axes : tuple of Axis
        In the order of the store's dimensions.
    thresholds : tuple of str
    curves : tuple of str
        Of ``QUANTITIES``, those that are kept along the run.
    files : mapping of str to ndarray
        Arrays that the experiments name by path.
    """

    base: Experiment
    axes: tuple[Axis, ...]
    thresholds: tuple[str, ...]
    curves: tuple[str, ...]
    files: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along every axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def cell(self, index: Index) -> Experiment:
        """Return the experiment of a cell.

        Raises
        ------
        InvalidInput
            If its parameters exclude each other.
        """
        place = {axis.name: axis.values[i] for axis, i in zip(self.axes, index, strict=True)}
        base = self.base.model_dump(exclude_none=True)
        return merge([("the experiment", base), ("the grid", place)])

    @cached_property
    def block_shape(self) -> tuple[int, ...]:
        """Cells that are computed together along every axis, fixed by counts of operations: a chunk of the store.

        First along the axes on which cells share a draw, and in parts as equal as can be.
        """
        left = max(1, round(BLOCK / self.seconds))
        shape = dict.fromkeys(range(len(self.axes)), 1)
        shared = [k for k, axis in enumerate(self.axes) if axis.name in ("alpha", "eps")]
        for k in (*shared, *(k for k in reversed(shape) if k not in shared)):
            length = len(self.axes[k].values)
            parts = math.ceil(length / min(left, length))
            shape[k] = math.ceil(length / parts)
            left = max(1, left // shape[k])
        return tuple(shape.values())

    @property
    def seconds(self) -> float:
        """Estimated time of a cell, the mean over the corners of the grid."""
        return float(np.mean([seconds_of(self.cell(index)) for index in self.corners()]))

    def corners(self) -> Iterator[Index]:
        """Yield the cells whose places are first or last on every axis."""
        yield from itertools.product(*({0, length - 1} for length in self.shape))

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks, in the order of the array."""
        steps = zip(self.shape, self.block_shape, strict=True)
        parts = [[(first, min(first + step, length)) for first in range(0, length, step)] for length, step in steps]
        yield from itertools.product(*parts)

    @cached_property
    def config(self) -> dict[str, Any]:
        """All that fixes the numbers, as plain data."""
        swept = {axis.name for axis in self.axes}
        swept |= {key for pair in EXCLUSIVE for key in pair if swept & set(pair)}
        experiment = self.base.model_dump(mode="json", exclude_none=True, exclude={*COSMETIC, *swept, "threshold"})
        return {
            "experiment": experiment,
            "axes": {axis.name: [_plain(value) for value in axis.values] for axis in self.axes},
            "thresholds": list(self.thresholds),
            "curves": list(self.curves),
            "files": {path: hashlib.sha256(array.tobytes()).hexdigest() for path, array in self.files.items()},
        }

    @property
    def config_json(self) -> str:
        """``config`` as text, the same for the same sweep."""
        return json.dumps(self.config, sort_keys=True, allow_nan=False)

    @property
    def config_sha256(self) -> str:
        """What a store is recognised by."""
        return hashlib.sha256(self.config_json.encode()).hexdigest()


def cells_of(block: Block) -> Iterator[Index]:
    """Yield the cells of a block, in the order of the array."""
    yield from itertools.product(*(range(first, end) for first, end in block))


def sweep_of(
    flags: Mapping[str, Any],
    *,
    preset: Preset | None = None,
    spec: Preset | None = None,
    thresholds: Sequence[str] = (),
    quantities: Sequence[str] = ("losses",),
) -> tuple[Sweep, tuple[str, ...]]:
    """Compose a sweep, and what should be said of it.

    Parameters
    ----------
    flags : mapping
        Parameters of the experiment, each one value or a grid; None where one is not given.
    preset, spec : Preset, optional
        With their grids, of which flags replace axes.
    thresholds : sequence of str
        Those of the experiment if there are none.
    quantities : sequence of str
        Of ``QUANTITIES``.

    Raises
    ------
    InvalidInput
        If anything is wrong, in any cell.
    """
    single, axes = split(flags, "the flags")
    replaced = {key for pair in EXCLUSIVE for key in pair if set(pair) & {*single, *axes}}
    for source in (spec, preset):
        if source is not None:
            fixed, more = split(source.grid, source.name)
            single = {key: value for key, value in fixed.items() if key not in axes and key not in replaced} | single
            axes = {key: axis for key, axis in more.items() if key not in single and key not in replaced} | axes
    layers = [Preset(name=s.name, summary="", parameters=s.parameters, grid={}) if s else None for s in (preset, spec)]
    first = {axis.name: axis.values[0] for axis in axes.values()}
    composition = compose(first | single, preset=layers[0], spec=layers[1])
    size = math.prod(len(axis.values) for axis in axes.values())
    if not axes:
        raise InvalidInput(
            "there is nothing to sweep; give a grid, like --alpha log:0.1:10:5 (with --resume that of the store), or "
            "use 'grokode run'"
        )
    if size > MOST:
        raise InvalidInput(f"the grid has {size:.3g} cells; ask for at most {MOST}, or split it")
    for name in quantities:
        if name not in QUANTITIES:
            raise InvalidInput(f"unknown quantity {name!r}; {nearest(name, list(QUANTITIES))}")
    thresholds = tuple(thresholds) or (composition.experiment.threshold,)
    if len({Threshold.parse(text) for text in thresholds}) < len(thresholds):
        raise InvalidInput(f"a threshold is given twice in {', '.join(thresholds)}; list each once")
    sweep = Sweep(
        base=composition.experiment,
        axes=in_order(list(axes.values())),
        thresholds=thresholds,
        curves=tuple(name for name in QUANTITIES if name in quantities and name != "scalars"),
    )
    files: dict[str, NDArray[np.float64]] = {}
    for index in one_by_one(sweep):
        files |= named_arrays(sweep.cell(index), files)
    return replace(sweep, files=files), composition.notes


def one_by_one(sweep: Sweep) -> set[Index]:
    """Return cells in which every value of every axis is found, and every corner."""
    first = tuple(0 for _ in sweep.axes)
    along = {first[:k] + (i,) + first[k + 1 :] for k, length in enumerate(sweep.shape) for i in range(length)}
    return along | set(sweep.corners()) | {first}


def seconds_of(experiment: Experiment) -> float:
    """Estimate the time of a run on one core from its operations."""
    samples = experiment.n_train if math.isfinite(experiment.n_train) else experiment.dim
    force = CALL + 8.0 * samples * experiment.dim * rows_of(experiment) / FLOPS
    if not OPTIMIZERS.build(experiment.optimizer).steps:
        return EVALUATIONS * force
    end = experiment.t_max or (experiment.times or (0.0,))[-1]
    return (experiment.steps or end / (dt_of(experiment) or 1.0)) * (STEP + force - CALL)


def _plain(value: Any) -> Any:
    return "inf" if value == math.inf else value
