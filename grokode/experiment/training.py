"""How an experiment trains: its optimizer, and what a step is worth."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..convention import flow_time
from ..dynamics.optimizers import OPTIMIZERS
from ..dynamics.optimizers.sgd import Sgd, SgdInOrder
from ..dynamics.pace import Pace
from ..errors import InvalidInput
from .bundle import Bundle
from .spec import Experiment


def pace_of(experiment: Experiment) -> Pace | None:
    """Return what a step is worth, where the experiment states one."""
    dt = dt_of(experiment)
    return None if dt is None else Pace(dt, experiment.width / experiment.alpha**2)


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
    """Return the flow time of a step, where the experiment states one."""
    if experiment.lr is not None:
        return flow_time(experiment.lr, experiment.alpha, experiment.width)
    return experiment.dt
