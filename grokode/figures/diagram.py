"""Diagrams over two parameters: one run a cell, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..experiment.result import Run
from ..plot.sweep import sweep_picture
from ..sweep.layout import CODES, CROSSINGS, CellStatus
from ..sweep.views import view_of
from .figure import dataset, experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure as Picture

    from ..experiment.spec import Experiment

BARE = {"lazy": False, "guard": False, "until": "resolved", "points": 60}
"""What a cell leaves out; crossings come from the steps, not from the saved points."""


def cells(
    preset: str, quick: bool, x: str, y: str, places: Mapping[str, Sequence[Any]], **more: Any
) -> dict[str, Experiment]:
    """Return an experiment for every cell, labelled by its place."""
    return {
        label(a, b): experiment(preset, quick, **{x: a, y: b, **BARE, **more}) for a in places[x] for b in places[y]
    }


def label(a: Any, b: Any) -> str:
    """Return the label of a cell."""
    return f"{a:g}, {b:g}"


def of_cells(runs: Mapping[tuple[str, int], Run], x: str, y: str) -> xarray.Dataset:
    """Return crossings over both parameters; the median over seeds is taken where it is drawn."""
    seeds = sorted({seed for _, seed in runs})
    places = {name: sorted({getattr(run.experiment, name) for run in runs.values()}) for name in (x, y)}
    shape = (len(places[x]), len(places[y]), len(seeds))
    times = {name: np.full(shape, np.nan) for name in ("t_train", "t_test", "delay")}
    codes = {name: np.zeros(shape, "i1") for name in ("t_train_status", "t_test_status")}
    done = np.full(shape, CODES[CellStatus.DONE], "i1")
    for (_, seed), run in runs.items():
        place = (*(places[name].index(getattr(run.experiment, name)) for name in (x, y)), seeds.index(seed))
        for name, array in times.items():
            value = run.summary[name]
            array[place] = np.nan if value is None else value
        for name, code in codes.items():
            code[place] = CROSSINGS.index(run.summary[name])
    dims = (x, y, "seed")
    units, words = {"units": "flow time"}, {"flag_meanings": " ".join(CROSSINGS)}
    variables: dict[str, Any] = {name: (dims, array, units) for name, array in times.items()}
    variables |= {name: (dims, array, words) for name, array in codes.items()}
    variables["status"] = (dims, done, {"flag_meanings": " ".join(CellStatus)})
    return dataset(variables, {**places, "seed": seeds})


def delay_map(data: xarray.Dataset, x: str, y: str, *, title: str, notes: Sequence[str] = ()) -> Picture:
    """Draw the delay: hatched where it is proved never to end, circles where the run ended first."""
    view = replace(view_of(data, x=x, y=y), title=title, label="grokking delay t_test - t_train (flow time)")
    return sweep_picture(view, notes=notes)
