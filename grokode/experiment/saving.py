"""When the curves of a run are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dynamics.pace import Pace
from ..errors import InvalidInput
from .bundle import Bundle
from .spec import MOST, Experiment

Array = NDArray[np.float64]

DECADES = 7
"""Flow curves are saved from t_max / 10^7 on, evenly in log time."""


def saved_points(
    experiment: Experiment, bundle: Bundle | None, *, takes_steps: bool, pace: Pace | None
) -> NDArray[Any]:
    """Return the steps of a map, or the times of a flow, at which the curves are kept.

    Parameters
    ----------
    experiment : Experiment
    bundle : Bundle or None
    takes_steps : bool
        Whether the optimizer takes steps.
    pace : Pace or None
        What steps are worth.

    Raises
    ------
    InvalidInput
        If a step is needed and not known, or there would be too many.
    """
    if takes_steps:
        if pace is None:
            raise InvalidInput(f"{experiment.optimizer} needs a step; give --lr (finite width) or --dt")
        return _steps(experiment, bundle, pace)
    if experiment.steps is None and experiment.points != "bundle":
        return _times(experiment, experiment.t_max)
    if pace is None:
        raise InvalidInput(
            f"steps = {experiment.steps} needs the size of a step; give --lr or --dt, or --t-max instead"
        )
    if experiment.points == "bundle":
        return pace.times(logged_steps(experiment, bundle))
    assert experiment.steps is not None
    return _times(experiment, pace.time(experiment.steps))


def _steps(experiment: Experiment, bundle: Bundle | None, pace: Pace) -> NDArray[np.int64]:
    """Return the steps of a map that are kept."""
    end = experiment.times[-1] if experiment.times else experiment.t_max
    if end is not None and end > MOST * pace.dt:
        raise InvalidInput(
            f"t = {end:g} takes {end / pace.dt:.3g} steps of dt = {pace.dt:.3g}; lower --t-max or raise --dt"
        )
    if experiment.points == "bundle":
        return logged_steps(experiment, bundle)
    if experiment.times is not None:
        return _whole(pace.steps(np.array(experiment.times)))
    assert experiment.points is not None
    last = experiment.steps or max(1, round(float(pace.steps(np.array(end)))))
    return _whole(np.r_[0.0, np.geomspace(last, 1, min(int(experiment.points) - 1, last))])


def _times(experiment: Experiment, end: float | None) -> Array:
    """Return the times of a flow that are kept."""
    if experiment.times is not None:
        return np.array(experiment.times)
    assert experiment.points is not None
    assert end is not None  # of times, steps and t_max one says it
    return np.asarray(np.r_[0.0, np.geomspace(end, end * 10.0**-DECADES, int(experiment.points) - 1)[::-1]])


def logged_steps(experiment: Experiment, bundle: Bundle | None) -> NDArray[np.int64]:
    """Return the steps at which a bundle's curves were logged, as far as the experiment goes."""
    if bundle is None or bundle.step is None:
        raise InvalidInput(
            "points = 'bundle' stands for the steps of a bundle; give --bundle FILE.npz, or a number of points"
        )
    logged = np.asarray(bundle.step, dtype=np.int64)
    end = experiment.steps or logged[-1]
    return np.union1d(logged[logged <= end], [end])  # the end that is asked for is kept, logged or not


def _whole(steps: Array) -> NDArray[np.int64]:
    """Round to whole steps, each once."""
    return np.unique(np.rint(steps).astype(np.int64))
