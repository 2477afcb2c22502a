"""What the theory says a log should hold: losses at its steps, averaged where the log averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..dynamics.plan import ceiling, plan
from ..dynamics.problem import Problem
from ..dynamics.solvers import SOLVERS
from ..dynamics.trajectory import Control, Unwatched, integrate, iterate
from ..errors import InvalidInput
from ..experiment.bundle import Bundle
from ..experiment.spec import Experiment
from ..experiment.training import optimizer_of, pace_of
from ..memory import free_memory
from .log import TEST, TRAIN, Array, LoggedCurve, Whole


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Theory:
    """The losses of one training at certain steps.

    Parameters
    ----------
    step : ndarray of int, shape (n,)
        Increasing.
    losses : mapping of str to ndarray, shape (n,)
        ``loss_train``, and ``loss_test`` where there is one.
    """

    step: Whole
    losses: Mapping[str, Array]

    def as_logged(self, name: str, curve: LoggedCurve) -> Array:
        """Return what a logged curve should hold, shape (n,)."""
        values = self.losses[name]
        at = np.searchsorted(self.step, curve.step)
        if not curve.window.any():
            return values[at]
        # every step is there where a log averages; a sum of no values is that at the step itself
        first = np.searchsorted(self.step, curve.step - curve.window)
        sums = np.add.reduceat(values, np.column_stack([first, at]).ravel())[::2]
        return np.asarray(sums / np.maximum(curve.window, 1))


def steps_of(curves: Iterable[LoggedCurve]) -> Whole:
    """Return the steps at which logged curves need the theory."""
    needed = []
    for curve in curves:
        needed.append(curve.step)
        if curve.window.any():
            needed.append(np.arange(int((curve.step - curve.window).min()), int(curve.step.max()) + 1))
    return np.unique(np.concatenate(needed))


def theory(
    problem: Problem,
    experiment: Experiment,
    steps: Whole,
    progress: Callable[[float], None] = lambda _: None,
    bundle: Bundle | None = None,
    files: Mapping[str, Array] | None = None,
) -> Theory:
    """Train a problem in theory, and keep its losses at certain steps.

    Parameters
    ----------
    problem : Problem
    experiment : Experiment
        Whose optimizer and step are used.
    steps : ndarray of int, shape (n,)
        Increasing.
    progress : callable, optional
        Called with the fraction done.
    bundle : Bundle, optional
        Whose batches and learning rates are followed.
    files : mapping of str to ndarray, optional
        The arrays that the experiment names by path.

    Raises
    ------
    InvalidInput
        If the experiment has no step.
    RunFailed
        If the training diverges, or a solver gives up.
    """
    pace, optimizer = pace_of(experiment, bundle, files, int(steps[-1])), optimizer_of(experiment, bundle)
    if pace is None:
        raise InvalidInput("steps have no flow time without a step size; give --lr or --dt")
    risks = {TRAIN: problem.train}
    for name in ("sample", "exact"):  # a log's test loss is over test points where they are known
        if name in problem.tests:
            risks.setdefault(TEST, problem.tests[name])
    rows: list[list[float]] = []

    def keep(t: float, theta: Array) -> None:
        rows.append([risk.loss(theta) for risk in risks.values()])

    control = Control(keep=keep, watch=Unwatched(), time_limit=math.inf, progress=progress)
    theta0, train = np.array(problem.start.theta), problem.train
    if optimizer.steps:
        bound = train.loss, ceiling(train, theta0)
        iterate(optimizer.on(train, pace), theta0, bound, steps.tolist(), experiment.optimizer, control)
    else:
        times, solver, flow = pace.times(steps), SOLVERS.build(experiment.solver), optimizer.on(train, pace)
        method = plan(flow, train, theta0, solver, rtol=experiment.rtol, t_max=float(times[-1]), memory=free_memory())
        integrate(flow, theta0, experiment.alpha, times.tolist(), method, control)
    columns: NDArray[np.float64] = np.array(rows).reshape(len(steps), len(risks))
    return Theory(step=steps, losses=dict(zip(risks, columns.T, strict=True)))
