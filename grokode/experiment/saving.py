"""When the curves of a run are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from .bundle import Bundle
from .spec import MOST, Experiment

Array = NDArray[np.float64]

DECADES = 7
"""Flow curves are saved from t_max / 10^7 on, evenly in log time."""


def saved_points(experiment: Experiment, bundle: Bundle | None, *, takes_steps: bool, dt: float | None) -> NDArray[Any]:
    """Return the steps of a map, or the times of a flow, at which the curves are kept.

    Parameters
    ----------
    experiment : Experiment
    bundle : Bundle or None
    takes_steps : bool
        Whether the optimizer takes steps.
    dt : float or None
        Flow time of a step.

    Raises
    ------
    InvalidInput
        If a step is needed and not known, or there would be too many.
    """
    if takes_steps and dt is None:
        raise InvalidInput(f"{experiment.optimizer} needs a step; give --lr (finite width) or --dt")
    if experiment.steps is not None and dt is None:
        raise InvalidInput(
            f"steps = {experiment.steps} needs the size of a step; give --lr or --dt, or --t-max instead"
        )
    t_max = experiment.t_max if experiment.steps is None else experiment.steps * (dt or 0.0)
    assert t_max is not None
    end = experiment.times[-1] if experiment.times else t_max
    if takes_steps and dt is not None and end > MOST * dt:
        raise InvalidInput(f"t = {end:g} takes {end / dt:.3g} steps of dt = {dt:.3g}; lower --t-max or raise --dt")
    if experiment.points == "bundle":
        if bundle is None or bundle.step is None:
            raise InvalidInput(
                "points = 'bundle' stands for the steps of a bundle; give --bundle FILE.npz, or a number of points"
            )
        logged = np.asarray(bundle.step, dtype=np.int64)
        logged = logged[logged <= (experiment.steps or logged[-1])]
        return logged if takes_steps else np.asarray(logged * (dt or 0.0))
    if experiment.times is not None:
        times = np.array(experiment.times)
        return _whole(times / (dt or 1.0)) if takes_steps else times
    assert experiment.points is not None
    points = int(experiment.points)
    if takes_steps:
        last = experiment.steps or max(1, round(t_max / (dt or 1.0)))
        return _whole(np.r_[0.0, np.geomspace(last, 1, min(points - 1, last))])
    return np.asarray(np.r_[0.0, np.geomspace(t_max, t_max * 10.0**-DECADES, points - 1)[::-1]])


def _whole(steps: Array) -> NDArray[np.int64]:
    """Round to whole steps, each once."""
    return np.unique(np.rint(steps).astype(np.int64))
