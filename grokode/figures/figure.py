"""What a figure is, and the labelled data of its runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..experiment.compose import compose
from ..experiment.result import Run
from ..experiment.sources import load_preset
from ..experiment.spec import Experiment
from ..sweep.layout import CROSSED, NUMBERS, SCALARS
from ..sweep.specification import seconds_of

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure as Picture

    from ..plot.sheet import Sheet

Array = NDArray[np.float64]

FLOW, DESCENT, FOLLOWING = "gradient_flow", "gradient_descent", "midpoint_flow"

LONG = 30.0
"""Estimated seconds beyond which descent is followed rather than made."""

KEPT = (
    "t_train",
    "t_test",
    "delay",
    "t_train_status",
    "t_test_status",
    "peak_loss_test",
    "kernel_regression_loss_exact",
    "kernel_regression_loss_sample",
)
"""What is kept of a run's summary, under the names and with the words that a sweep has for it."""


class Figure(Protocol):
    """One figure; ``claim`` is what the paper says it shows, ``remark`` what ours shows, and why where it differs."""

    title: ClassVar[str]
    claim: ClassVar[str]
    remark: ClassVar[str]

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return the experiments by the labels of their runs; quick ones are flows."""
        ...

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return the numbers behind every panel, from the runs by label and seed."""
        ...


@runtime_checkable
class OfPanels(Figure, Protocol):
    """A figure of panels with lines, over which points of another source can be laid."""

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Return the panels."""
        ...


@runtime_checkable
class Drawn(Figure, Protocol):
    """A figure that draws itself."""

    def draw(self, data: xarray.Dataset) -> Picture:
        """Draw it."""
        ...


def experiment(preset: str, quick: bool, **parameters: Any) -> Experiment:
    """Return a preset's experiment with some parameters changed; a quick one is a gradient flow.

    Of a gradient descent that would take long the flow that follows it to second order in its step is returned.
    """
    flow = {"optimizer": FLOW} if quick else {}
    found = compose({**flow, **parameters}, preset=load_preset(preset)).experiment
    return found if "optimizer" in parameters else followed(found)


def followed(descent: Experiment) -> Experiment:
    """Return the experiment itself, or where it is a descent that would take long the flow that follows it."""
    if descent.optimizer == DESCENT and seconds_of(descent) > LONG:
        return descent.model_copy(update={"optimizer": FOLLOWING})
    return descent


def of_runs(runs: Mapping[tuple[str, int], Run], curves: Sequence[str]) -> xarray.Dataset:
    """Return curves over (run, seed, time), with the crossings of every run.

    Parameters
    ----------
    runs : mapping of (str, int) to Run
    curves : sequence of str
        What a run does not have is NaN, and so is what follows a run's end.

    Raises
    ------
    InvalidInput
        If xarray is not installed.
    """
    labels, seeds = list(dict.fromkeys(label for label, _ in runs)), sorted({seed for _, seed in runs})
    times = max(len(run.t) for run in runs.values())
    shape = (len(labels), len(seeds))
    arrays = {name: np.full((*shape, times), np.nan) for name in ("t", *curves)}
    kept = [variable for variable in (*CROSSED, *SCALARS, *NUMBERS) if variable.name in KEPT]
    scalars = {one.name: np.full(shape, np.nan) for one in kept if not one.meanings}
    words = {one.name: np.full(shape, "", dtype=object) for one in kept if one.meanings}
    units, names = {"t": "flow time"}, {"t": "flow time t"}
    for (label, seed), run in runs.items():
        place = labels.index(label), seeds.index(seed)
        for name, array in arrays.items():
            if name in run.curves:
                array[place][: len(run.t)] = run.curves[name].values
                units[name], names[name] = run.curves[name].units, run.curves[name].long_name
        for name, scalar in scalars.items():
            value = run.summary.get(name)
            scalar[place] = np.nan if value is None else value
        for name, word in words.items():
            word[place] = run.summary[name] or ""
    found: dict[str, Any] = {
        name: (("run", "seed", "time"), array, {"units": units.get(name, "1"), "long_name": names.get(name, name)})
        for name, array in arrays.items()
        if np.isfinite(array).any()
    }
    told = {one.name: {"units": one.units, "long_name": one.long_name} for one in kept}
    found |= {name: (("run", "seed"), values, told[name]) for name, values in (scalars | words).items()}
    made = {label: next(run.experiment for (name, _), run in runs.items() if name == label) for label in labels}
    attributes = {
        "experiments": json.dumps(
            {label: one.model_dump(mode="json", exclude_none=True) for label, one in made.items()}
        ),
        "optimizers": ", ".join(sorted({one.optimizer.partition(":")[0] for one in made.values()})),
    }
    return dataset(found, {"run": labels, "seed": seeds}, **attributes)


def dataset(variables: Mapping[str, Any], coordinates: Mapping[str, Any], **attributes: Any) -> xarray.Dataset:
    """Make a data set.

    Raises
    ------
    InvalidInput
        If xarray, which an extra brings, is not installed.
    """
    try:
        import xarray
    except ModuleNotFoundError:
        raise InvalidInput("figures need xarray, which is not installed; pip install 'grokode[figures]'") from None
    return xarray.Dataset(variables, coordinates, attributes)


def spread(data: xarray.Dataset, name: str, run: str) -> tuple[Array, Array, tuple[Array, Array] | None]:
    """Return times, the median of a curve over seeds, and its quartiles where there are several."""
    one = data.sel(run=run)
    values = one[name].transpose("seed", "time").values
    t = one["t"].transpose("seed", "time").values[0]
    if len(values) == 1:
        return t, values[0], None
    low, middle, high = np.nanquantile(values, (0.25, 0.5, 0.75), axis=0)
    return t, middle, (low, high)
