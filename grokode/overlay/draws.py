"""The theory of an experiment over fresh draws of its data and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..engines.executor import Executor, values_of
from ..engines.serial import SerialExecutor
from ..errors import InvalidInput
from ..experiment.spec import Experiment
from ..experiment.systems import problem_of
from .log import Array, Whole
from .theory import Theory, theory

DRAWS = 64
"""Draws that a mean is over: they add 1 part in 64 to the variance of one seed's log loss."""

STREAM = 0x6772
"""Keeps the seeds of these draws apart from those that a user may have drawn data with."""


def drawn_theories(
    experiment: Experiment,
    files: Mapping[str, Array],
    steps: Whole,
    draws: int = DRAWS,
    progress: Callable[[float], None] = lambda _: None,
    executor: Executor | None = None,
) -> list[Theory]:
    """Return the theory of an experiment for fresh draws of data and weights.

    Equal seeds give equal draws whatever alpha, eps and the step, so that means over draws are smooth in them.

    Parameters
    ----------
    experiment : Experiment
    files : mapping of str to ndarray
        The arrays that the experiment names by path.
    steps : ndarray of int, shape (n,)
        Increasing.
    draws : int
        At least 2.
    progress : callable, optional
        Called with the fraction done.
    executor : Executor, optional
        Where the draws are trained; in this process by default. The numbers are the same.

    Raises
    ------
    EngineLost
        If a worker is lost again and again.
    InvalidInput
        If there are fewer than two draws, or the experiment cannot be drawn.
    RunFailed
        If a training diverges, or a solver gives up.
    """
    if draws < 2:
        raise InvalidInput(f"draws must be at least 2 to have a spread, got {draws}")
    seeds = np.random.SeedSequence((experiment.seed, STREAM)).generate_state(draws)
    tasks = [_Draw(experiment.model_copy(update={"seed": int(seed)}), files, steps) for seed in seeds]
    return values_of(executor or SerialExecutor(), _trained, tasks, what="a draw", progress=progress)


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """One fresh draw of an experiment."""

    experiment: Experiment
    files: Mapping[str, Array]
    steps: Whole


def _trained(draw: _Draw) -> Theory:
    """Train a draw in theory."""
    # an overflow is told by the checks for numbers that are not finite, in one line, not by NumPy's warnings
    with np.errstate(over="ignore", invalid="ignore"):
        return theory(problem_of(draw.experiment, None, draw.files), draw.experiment, draw.steps, files=draw.files)
