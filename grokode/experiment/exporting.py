"""A drawn experiment as a bundle, for training elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dynamics.optimizers.decaying import Decaying
from ..dynamics.optimizers.gradient_flow import GradientFlow
from ..dynamics.optimizers.momentum import WithMomentum
from ..dynamics.optimizers.momentum_flow import MomentumFlow
from ..dynamics.optimizers.nesterov import Nesterov
from ..dynamics.optimizers.sgd import Sgd
from ..dynamics.pace import Pace, ScheduledPace
from ..errors import InvalidInput
from ..model.states.readouts import ReadoutState
from ..task.data import Data
from ..task.streams import Role, stream
from ..task.system import Law
from .bundle import Bundle
from .resources import refuse_run
from .result import Run
from .spec import MOST
from .systems import network_of, system_of
from .training import optimizer_of, pace_of


def export(run: Run, width: int | None = None, dt: float | None = None) -> Bundle:
    """Turn a drawn experiment into a bundle of real neurons, for training elsewhere.

    Parameters
    ----------
    run : Run
    width : int, optional
        Number of real neurons, at least r; the experiment's own by default. Training them with the
        bundle's learning rate gives the run's curves to rounding, whatever the width.
    dt : float, optional
        Flow time of a step, in the place of the experiment's own.

    Returns
    -------
    Bundle

    Raises
    ------
    InvalidInput
        If the training set is infinite, the width is too small or infinite, or no step is known.
    """
    experiment, given = run.experiment, run.bundle
    if width is None:
        if math.isinf(experiment.width):
            raise InvalidInput(f"infinite width has no neurons to export; give --width {experiment.dim + 1} or more")
        width = int(experiment.width)
    if width < 1:
        raise InvalidInput(f"width must be at least 1, got {width}")
    if math.isinf(experiment.n_train):
        raise InvalidInput("n_train = inf has no data to export; run it with a finite --n-train")
    end = float(run.t[-1])
    pace = pace_of(experiment, given, run.files) if dt is None else Pace(dt, experiment.width / experiment.alpha**2)
    if pace is None:
        raise InvalidInput("this experiment has no step; give --dt, the flow time of one")
    if not 0 < pace.dt <= end <= MOST * pace.dt:
        raise InvalidInput(f"dt must be between {end / MOST:.3g} and {end:.6g}, the end of the run, got {pace.dt}")
    if dt is not None and experiment.schedule != "constant" and "step" in run.curves:
        raise InvalidInput(
            f"dt = {dt:g} would take the place of the run's schedule {experiment.schedule!r}; leave it out"
        )
    if not pace.steady and "step" not in run.curves:
        raise InvalidInput("a flow to a time of its own has no steps for a schedule to count; give --dt, one for all")
    saved = run.curves["step"].values if "step" in run.curves and dt is None else pace.steps(run.t)
    rows = min(width, experiment.dim + 1)
    # W0 and the orthonormal columns it is made from, with the copies on the way
    refuse_run(8.0 * width * 3 * (rows + experiment.dim))
    draw = system_of(experiment, given, run.files).draw(network_of(experiment))
    assert isinstance(draw.train, Data)
    if given is not None and width == given.width:
        W0 = np.asarray(given.W0)
    else:
        W0 = draw.start.neurons(width, stream(experiment.seed, Role.WEIGHTS, experiment.dim, width))
    arrays: dict[str, Any] = {
        "X_train": draw.train.X,
        "y_train": draw.train.y,
        "W0": W0,
        "alpha": experiment.alpha,
        "eps": experiment.eps,
        "lr": (pace.sizes if isinstance(pace, ScheduledPace) else pace.dt) * (width / experiment.alpha**2),
        "centered": experiment.centered,
        "noise": experiment.noise,
        **({"hermite": experiment.hermite} if experiment.hermite else {}),
        **({"v0": draw.start.readouts} if isinstance(draw.start, ReadoutState) else {}),
        "step": np.unique(np.rint(saved)).astype(np.int64),
    }
    law, points = draw.tests.get("exact"), draw.tests.get("sample")
    if isinstance(law, Law):
        target = law.target
        arrays |= {"covariance": law.inputs.Sigma, "c": target.c, "b": target.b, "B": target.B}
        if len(target.directions):
            arrays["directions"] = target.directions
    elif given is not None:
        declared = ("covariance", "beta_star", "c", "b", "B")
        arrays |= {name: value for name, value in given.arrays().items() if name in declared}
    if isinstance(points, Data):
        arrays |= {"X_test": points.X, "y_test": points.y}
    return Bundle(**arrays, **_trained(run, pace, width, int(arrays["step"][-1])))


def _trained(run: Run, pace: Pace, width: int, steps: int) -> dict[str, Any]:
    """Return what a bundle states of the optimizer that made a run; of a flow what the training that it follows has."""
    optimizer = optimizer_of(run.experiment, run.bundle)
    stated: dict[str, Any] = {}
    if isinstance(optimizer, GradientFlow) and optimizer.decay_rate:
        stated |= {"weight_decay": optimizer.decay_rate * run.experiment.alpha**2 / width}
    if isinstance(optimizer, Decaying) and optimizer.decays:
        rate = optimizer.rate(pace)
        stated |= {"weight_decay": rate * run.experiment.alpha**2 / width, "decoupled": optimizer.decoupled}
    if isinstance(optimizer, MomentumFlow):
        stated |= {"momentum": optimizer.momentum}
    if isinstance(optimizer, WithMomentum) and optimizer.momentum:
        nesterov = optimizer.nesterov if isinstance(optimizer, Sgd) else isinstance(optimizer, Nesterov)
        stated |= {"momentum": optimizer.momentum, "nesterov": nesterov}
    if isinstance(optimizer, Sgd):
        batches = optimizer.batches(int(run.experiment.n_train))
        refuse_run(8.0 * steps * optimizer.batch_size)
        stated |= {
            "batch_size": optimizer.batch_size,
            "batch_order": np.concatenate([batches.rows(k) for k in range(max(steps, 1))]),
        }
    return stated
