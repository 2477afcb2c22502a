"""How an experiment trains: its optimizer, and what a step is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..convention import flow_time
from ..dynamics.optimizers import OPTIMIZERS
from ..dynamics.optimizers.sgd import Sgd, SgdInOrder
from ..dynamics.pace import Pace, ScheduledPace
from ..dynamics.schedules import SCHEDULES
from ..dynamics.schedules.constant import Constant
from ..dynamics.schedules.table import FromTable, Table
from ..dynamics.schedules.warmed import Warmed
from ..errors import InvalidInput
from .bundle import Bundle
from .spec import GIVEN, Experiment

Array = NDArray[np.float64]


LONGEST = 10**7
"""Steps of a schedule that are tabulated at most."""


def pace_of(
    experiment: Experiment,
    bundle: Bundle | None = None,
    files: Mapping[str, Array] | None = None,
    steps: int | None = None,
) -> Pace | None:
    """Return what steps are worth, where the experiment states it.

    Parameters
    ----------
    experiment : Experiment
    bundle : Bundle, optional
        Whose learning rates are followed.
    files : mapping of str to ndarray, optional
        Arrays that came with a saved run, by path: their files are not read again.
    steps : int, optional
        How many are needed; the experiment's own by default.

    Raises
    ------
    InvalidInput
        If the schedule is wrong, has no step to multiply, or does not last.
    """
    dt, schedule = dt_of(experiment), schedule_of(experiment, bundle, files or {})
    if schedule == Constant():
        return None if dt is None else Pace(dt, experiment.width / experiment.alpha**2)
    if dt is None:
        raise InvalidInput(f"schedule = {experiment.schedule!r} needs a step to multiply; give --lr or --dt")
    optimizer = OPTIMIZERS.build(experiment.optimizer)
    if not optimizer.steps and optimizer.order > 1:
        raise InvalidInput(
            f"{experiment.optimizer} corrects for one step, and the schedule is "
            f"{'one lr a step' if experiment.schedule == GIVEN else repr(experiment.schedule)}; use --schedule constant"
        )
    steps = experiment.steps if steps is None else steps
    if steps is None and not optimizer.steps:
        steps = 0  # a flow to a time of its own makes none
    sizes = dt * (_factors_until(experiment, schedule, dt) if steps is None else _factors(schedule, steps))
    return ScheduledPace(dt, experiment.width / experiment.alpha**2, sizes)


def schedule_of(experiment: Experiment, bundle: Bundle | None, files: Mapping[str, Array]) -> Warmed | Table:
    """Return the schedule; ``pace_of`` has the parameters.

    Raises
    ------
    InvalidInput
        If its name, a parameter or a file is wrong.
    """
    if experiment.schedule != GIVEN:
        schedule = SCHEDULES.build(experiment.schedule)
        if not isinstance(schedule, FromTable):
            assert isinstance(schedule, Warmed)
            return schedule
        return Table(files[schedule.path], schedule.path) if schedule.path in files else schedule.read()
    if bundle is None or np.ndim(bundle.lr) == 0:
        raise InvalidInput(
            f"schedule = {GIVEN!r} stands for a bundle's lr, one value a step; give --bundle FILE.npz, or name a "
            "schedule"
        )
    rates = np.asarray(bundle.lr)
    return Table(rates / rates.max(), "the bundle's lr")


def _factors(schedule: Warmed | Table, steps: int) -> Array:
    if steps > LONGEST:
        raise InvalidInput(f"steps = {steps} are more than the {LONGEST} that a schedule can have; lower --steps")
    return schedule.factors(np.arange(steps))


def _factors_until(experiment: Experiment, schedule: Warmed | Table, dt: float) -> Array:
    """Return the factors of as many steps as take an experiment to its end."""
    end = experiment.times[-1] if experiment.times else experiment.t_max
    assert end is not None  # of steps and t_max one is set
    if isinstance(schedule, Table):
        after = np.cumsum(dt * schedule.values)
        if after[-1] < end:
            raise InvalidInput(
                f"the {len(after)} values of {schedule.source} take t = {after[-1]:.6g}, not {end:.6g}; add values, or "
                "lower --t-max"
            )
        return schedule.values[: int(np.searchsorted(after, end)) + 1]
    steps = 1024
    while True:
        factors = _factors(schedule, min(steps, LONGEST))
        after = np.cumsum(dt * factors)
        if after[-1] >= end:
            return np.asarray(factors[: int(np.searchsorted(after, end)) + 1])
        if steps >= LONGEST or after[-1] == after[len(after) // 2]:  # there are none left, or none that count
            raise InvalidInput(
                f"{len(after)} steps of this schedule take t = {after[-1]:.6g}, not {end:.6g}; give --steps, or lower "
                "--t-max"
            )
        steps *= 2


def optimizer_of(experiment: Experiment, bundle: Bundle | None = None) -> Any:
    """Return the optimizer, which follows the batches of a bundle where that has an order of its own.

    Raises
    ------
    InvalidInput
        If the optimizer's name or a parameter is wrong.
    """
    optimizer = OPTIMIZERS.build(experiment.optimizer)
    if isinstance(optimizer, Sgd) and bundle is not None and bundle.batch_order is not None:
        size, given = int(np.asarray(bundle.batch_size)), OPTIMIZERS.split(experiment.optimizer)[1]
        if "batch_size" in given and optimizer.batch_size != size:
            raise InvalidInput(
                f"batch_size = {optimizer.batch_size} contradicts the bundle's order, which is of batches of {size}; "
                "leave it out"
            )
        if "seed" in given:
            raise InvalidInput(
                f"sgd:seed={optimizer.seed} would shuffle batches whose order the bundle gives; leave it out"
            )
        return SgdInOrder(
            **dataclasses.asdict(optimizer) | {"batch_size": size}, indices=np.asarray(bundle.batch_order)
        )
    return optimizer


def dt_of(experiment: Experiment) -> float | None:
    """Return the flow time of a step before any schedule, where the experiment states one."""
    if experiment.lr is not None:
        return flow_time(experiment.lr, experiment.alpha, experiment.width)
    return experiment.dt
