"""Which step an optimizer can take at the start, in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..convention import learning_rate
from ..dynamics.optimizers.decaying import Decaying
from ..dynamics.optimizers.momentum import WithMomentum
from ..dynamics.pace import Pace, ScheduledPace
from ..dynamics.problem import Problem
from ..dynamics.risks.jacobian import spectral_radius
from .spec import Experiment

ITERATIONS = 50
"""Of the power method that finds the fastest mode."""


def stable_dt(problem: Problem, rate: float = 0.0) -> float:
    """Return the flow time below which a step of descent is stable at the start, infinite where nothing moves.

    Parameters
    ----------
    problem : Problem
    rate : float
        Weight decay a unit of flow time.
    """
    theta0 = np.array(problem.start.theta)
    direction = np.random.default_rng(0).standard_normal(theta0.size)
    radius, _ = spectral_radius(problem.train.jacobian(theta0), direction, ITERATIONS)
    return 2 / (radius + rate) if radius + rate else math.inf


def too_large(experiment: Experiment, optimizer: Any, problem: Problem, pace: Pace) -> str:
    """Say why steps blew up, and what would not; with momentum no stable step is known."""
    size = "dt" if experiment.lr is None else "lr"
    longest = float(np.max(pace.sizes)) if isinstance(pace, ScheduledPace) else pace.dt
    given = f"{size} {getattr(experiment, size) * longest / pace.dt:.6g}"
    given += "" if pace.steady else f", the largest of the schedule {experiment.schedule!r},"
    rate = optimizer.rate(pace) if isinstance(optimizer, Decaying) else 0.0
    if longest * rate > 2:
        return f"the decay takes {longest * rate:.3g} times the weights a step ({given}); lower it, or --{size}"
    dt = stable_dt(problem, rate)
    if rate and longest < dt:
        return (
            f"the decay (a part {rate:.3g} a unit of flow time) moves the predictor further than labels are; lower it"
        )
    if isinstance(optimizer, WithMomentum) and optimizer.momentum:
        return f"{given} is too large; lower --{size}"
    stable = dt if size == "dt" else learning_rate(dt, experiment.alpha, experiment.width)
    return f"{given} is too large (at the start, stable is below {stable:.3g}); lower --{size}"
