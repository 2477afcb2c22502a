"""Runs the experiments of figures, each once, and draws what came of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..engines.executor import Executor, values_of
from ..errors import GrokodeWarning, InvalidInput, RunFailed
from ..experiment.result import Run
from ..experiment.simulate import simulate
from ..experiment.spec import Experiment
from ..plot.sheet import sheet_picture
from ..registry import nearest
from . import FIGURES
from .figure import Drawn, Figure, OfPanels

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure as Picture

Runs = Mapping[tuple[str, int], Run]

FLOOR = 1e-3
"""Of the initial loss, below which deviations are not relative to the loss any more."""


@dataclass(frozen=True, slots=True)
class Task:
    """One experiment to be run, and whether its states are kept."""

    experiment: Experiment
    states: bool = False


def run_task(task: Task) -> Run | str:
    """Run a task; of one that fails return the reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GrokodeWarning)  # of steps near the edge of stability, which figures are about
        try:
            return simulate(task.experiment, keep_states=task.states)
        except RunFailed as error:
            return str(error)


def tasks_of(figure: Figure, *, quick: bool, seeds: Sequence[int]) -> dict[tuple[str, int], Task]:
    """Return the tasks of a figure by label and seed."""
    states = bool(getattr(figure, "states", False))
    if len(seeds) == 1:
        seeds = range(seeds[0], seeds[0] + getattr(figure, "draws", 1))
    return {
        (label, seed): Task(one.model_copy(update={"seed": seed}), states)
        for label, one in figure.experiments(quick).items()
        for seed in seeds
    }


def run_all(
    figures: Iterable[Mapping[tuple[str, int], Task]],
    executor: Executor,
    run: Callable[[Task], Run | str] = run_task,
    progress: Callable[[float], None] = lambda _: None,
) -> dict[Task, Run | str]:
    """Run all tasks of several figures, those that they share once.

    Raises
    ------
    EngineLost
        If a worker is lost again and again.
    """
    tasks = list(dict.fromkeys(task for one in figures for task in one.values()))
    return dict(zip(tasks, values_of(executor, run, tasks, what="a run", progress=progress), strict=True))


def runs_of(
    tasks: Mapping[tuple[str, int], Task], found: Mapping[Task, Run | str], name: str
) -> tuple[Runs, list[str]]:
    """Return the runs of a figure, and what is to be said of those that failed.

    Raises
    ------
    RunFailed
        If none is left.
    """
    runs: dict[tuple[str, int], Run] = {}
    notes = []
    for (label, seed), task in tasks.items():
        value = found[task]
        if isinstance(value, str):
            notes.append(f"figure {name}, {label}, seed {seed}: {value}")
        else:
            runs[label, seed] = value
    if not runs:
        raise RunFailed(f"no run of figure {name} was finished: {notes[0]}")
    return runs, notes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Made:
    """What came of a figure.

    Parameters
    ----------
    name : str
    figure : Figure
    runs : mapping of (str, int) to Run
    data : xarray.Dataset
        The numbers behind every panel.
    points : xarray.Dataset, optional
        Those of really trained networks.
    deviation : float, optional
        The largest of them from the theory.
    notes : list of str
        What is to be said of runs that failed.
    """

    name: str
    figure: Figure
    runs: Runs
    data: xarray.Dataset
    points: xarray.Dataset | None
    deviation: float | None
    notes: list[str]


def make(
    names: Sequence[str],
    executor: Executor,
    *,
    quick: bool,
    seeds: Sequence[int],
    train: Callable[[Task], Run | str] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[list[Made], list[str]]:
    """Run the experiments of figures, what they share once, and label what came of them.

    Parameters
    ----------
    names : sequence of str
    executor : Executor
    quick : bool
        By gradient flow, on fewer cells of a diagram.
    seeds : sequence of int
    train : callable, optional
        Really trains the network of a task.
    progress : callable, optional
        Called with the fraction that is done.

    Returns
    -------
    made : list of Made
    lost : list of str
        Why others of them are not there: none of their runs was finished.

    Raises
    ------
    EngineLost
        If a worker is lost again and again.
    RunFailed
        If no figure is left.
    InvalidInput
        If xarray is not installed.
    """
    figures = {name: FIGURES.build(name) for name in names}
    tasks = {name: tasks_of(figure, quick=quick, seeds=seeds) for name, figure in figures.items()}
    found = run_all(list(tasks.values()), executor, progress=progress)
    trained = {} if train is None else run_all(list(tasks.values()), executor, train)
    made: list[Made] = []
    lost: list[str] = []
    for name in figures:
        try:
            made.append(_made(name, figures[name], tasks[name], found, trained))
        except RunFailed as error:
            lost.append(str(error))
    if not made:
        raise RunFailed(lost[0])
    return made, lost


def _made(
    name: str,
    figure: Figure,
    tasks: Mapping[tuple[str, int], Task],
    found: Mapping[Task, Run | str],
    trained: Mapping[Task, Run | str],
) -> Made:
    runs, notes = runs_of(tasks, found, name)
    data, points, apart = figure.data(runs), None, None
    if trained:
        networks, more = runs_of(tasks, trained, f"{name}, trained")
        points = figure.data(networks)
        apart, notes = deviation(data, points), notes + more
    return Made(name=name, figure=figure, runs=runs, data=data, points=points, deviation=apart, notes=notes)


def picture_of(figure: Figure, data: xarray.Dataset, points: xarray.Dataset | None = None) -> Picture:
    """Draw a figure, with points of another source over its lines where they are given."""
    if isinstance(figure, OfPanels):
        sheet = figure.sheet(data)
        sheet = replace(sheet, note=f"{sheet.note}; {data.attrs['optimizers'].replace('_', ' ')}")
        return sheet_picture(sheet, figure.title, None if points is None else figure.sheet(points))
    assert isinstance(figure, Drawn)
    return figure.draw(data)


def deviation(data: xarray.Dataset, points: xarray.Dataset) -> float:
    """Return the largest deviation of losses, relative to them or to a thousandth of their start.

    Theory is interpolated between its saved times in logarithms where the others are saved.
    """
    largest = 0.0
    for name in (str(name) for name in points.data_vars if str(name).startswith("loss_") and name in data):
        for label in points["run"].values.tolist():
            for seed in points["seed"].values.tolist():
                ours, theirs = (one.sel(run=label, seed=seed) for one in (data, points))
                t, loss = theirs["t"].values, theirs[name].values
                known = np.isfinite(loss) & (t > 0)
                base = np.isfinite(ours[name].values) & (ours["t"].values > 0)
                if not known.any() or not base.any():
                    continue
                at = np.interp(np.log(t[known]), np.log(ours["t"].values[base]), np.log(ours[name].values[base]))
                scale = np.maximum(np.exp(at), FLOOR * ours[name].values[0])
                largest = max(largest, float(np.max(np.abs(loss[known] - np.exp(at)) / scale)))
    return largest


def chosen(names: Sequence[str], known: Sequence[str], everything: bool) -> list[str]:
    """Return the names of the figures that are asked for.

    Raises
    ------
    InvalidInput
        If there is none, or one is unknown.
    """
    if everything:
        if names:
            raise InvalidInput(f"--all draws every figure, and {', '.join(names)} is named too; leave out one of both")
        return list(known)
    if not names:
        raise InvalidInput("name a figure, like 'grokode figure 3a'; --list shows them, --all draws them all")
    for name in names:
        if name not in known:
            raise InvalidInput(f"unknown figure {name!r}; {nearest(name, list(known))}")
    return list(dict.fromkeys(names))
