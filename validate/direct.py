"""A direct run: what came of really training real neurons, as a ``Run``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grokode.curve import Curve
from grokode.dynamics.problem import Problem
from grokode.experiment.bundle import Bundle
from grokode.experiment.extras import Extras
from grokode.experiment.result import Run
from grokode.experiment.spec import Experiment
from grokode.experiment.summary import summarize
from grokode.experiment.systems import named_arrays, network_of
from grokode.experiment.versions import versions
from grokode.model.states.factor import FactorState
from grokode.model.states.neurons import NeuronState
from grokode.model.states.readouts import ReadoutState
from grokode.model.states.state import State
from grokode.observables import KERNEL_OBSERVABLES, OBSERVABLES
from grokode.observables.column import Column
from grokode.observables.crossings import Threshold
from grokode.observables.lazy import LABELS as LAZY
from grokode.outcome import Crossing, CrossingStatus, Status, Work
from grokode.task.system import Draw

from .training import Trained, train

Array = NDArray[np.float64]

ORIGIN = "direct"
"""What the curves of a direct run say they come from."""


def direct(
    experiment: Experiment,
    bundle: Bundle | None = None,
    files: Mapping[str, Array] | None = None,
    *,
    neurons: int | None = None,
    keep_states: bool = False,
) -> Run:
    """Train a real network on an experiment's own draw, to the experiment's end, and return its curves.

    The curves are those of ``grokode.run`` and have the same names and saved steps; those of the kernel and of the
    linearised network, which cost more than training, come with ``lazy=True``. Crossings are known at saved steps only,
    and neither they nor a time limit end the training.

    Parameters
    ----------
    experiment : Experiment
        Of an optimizer that takes steps and has a twin in ``grokode_validate.optimizers``.
    bundle : Bundle, optional
        The user's own arrays, where the experiment is of those.
    files : mapping of str to ndarray, optional
        Arrays that the experiment names by path.
    neurons : int, optional
        How many, at least r; the experiment's width by default, and D + 1 where that is infinite. Any number of them
        that has the start's factor trains like the experiment's.
    keep_states : bool
        Whether to keep the reduction of the trained neurons at every saved step, as ``run.states``.

    Raises
    ------
    InvalidInput
        If the optimizer takes no steps or has no twin, or the neurons are too few or do not fit into memory.
    Diverged
        If the weights leave all bounds.
    """
    named = named_arrays(experiment, files or {})
    done = train(experiment, bundle, named, neurons=neurons)
    curves = {
        "step": _curve(Column("step", "step"), done.step),
        "t": _curve(Column("t", "flow time t", "flow time"), done.pace.times(done.step)),
    } | {
        column.name: _curve(column, done.values[column.name])
        for column in _columns(done.draw, experiment)
        if column.name in done.values
    }
    test = next((name for name in ("exact", "sample") if name in done.draw.tests), "")
    crossings = {"train": _crossing("train", "train", experiment, done)}
    if test:
        crossings["test"] = _crossing("test", test, experiment, done)
    steps, width = int(done.step[-1]), len(done.start.W)
    how: Any = {"threshold": experiment.threshold, "test_loss": test, "pace": done.pace, "steps": True, "logged": True}
    return Run(
        experiment=experiment,
        curves=curves,
        summary=summarize(curves, crossings, **how) | Extras().no_numbers,
        status=Status.DONE,
        work=Work(
            method=f"{experiment.optimizer} of {width} real neurons",
            nfev=steps,
            njev=0,
            seconds=done.seconds,
            steps=steps,
        ),
        versions=versions(),
        bundle=bundle,
        files=named,
        states=tuple(_states(done)) if keep_states else (),
    )


def _states(done: Trained) -> Iterator[State]:
    """Yield what the reduction knows of the neurons at every saved step: all of them where it does not close."""
    for W, v in zip(done.weights, done.readouts, strict=True):
        if isinstance(done.draw.start, ReadoutState):
            yield ReadoutState.from_neurons(W, v)
        else:
            yield (NeuronState if isinstance(done.draw.start, NeuronState) else FactorState).from_neurons(W)


def _curve(column: Column, values: Array | NDArray[np.int64]) -> Curve:
    return Curve(name=column.name, values=values, units=column.units, long_name=column.long_name, origin=ORIGIN)


def _columns(draw: Draw, experiment: Experiment) -> list[Column]:
    """Return the columns of the theory's curves, whose names and labels ours share."""
    problem = Problem.of(network_of(experiment), draw)
    observables: list[Any] = [OBSERVABLES.build(name) for name in OBSERVABLES]
    observables += [KERNEL_OBSERVABLES.build(name) for name in KERNEL_OBSERVABLES]
    columns = [column for item in observables for column in item.columns(problem)]
    return columns + [Column(name, long_name) for name, long_name in LAZY.values()]


def _crossing(name: str, data: str, experiment: Experiment, done: Trained) -> Crossing:
    """Return the first saved time at which a loss is below its threshold."""
    points = done.samples[data]
    initial = done.machine.loss(done.start, done.start, points.X, points.y, points.weights)
    level = Threshold.parse(experiment.threshold).at(initial)
    below = np.flatnonzero(done.values["loss_train" if data == "train" else f"loss_test_{data}"] < level)
    if initial < level:
        return Crossing(loss=name, threshold=level, status=CrossingStatus.REACHED_AT_START, t=0.0)
    if not len(below):
        return Crossing(loss=name, threshold=level, status=CrossingStatus.NOT_REACHED, t=math.nan)
    return Crossing(
        loss=name, threshold=level, status=CrossingStatus.REACHED, t=done.pace.time(int(done.step[below[0]]))
    )
