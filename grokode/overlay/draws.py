"""The theory of an experiment over fresh draws of its data and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

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

    Raises
    ------
    InvalidInput
        If there are fewer than two draws, or the experiment cannot be drawn.
    RunFailed
        If a training diverges, or a solver gives up.
    """
    if draws < 2:
        raise InvalidInput(f"draws must be at least 2 to have a spread, got {draws}")
    theories = []
    for done, seed in enumerate(np.random.SeedSequence((experiment.seed, STREAM)).generate_state(draws)):
        one = experiment.model_copy(update={"seed": int(seed)})
        theories.append(theory(problem_of(one, None, files), one, steps, files=files))
        progress((done + 1) / draws)
    return theories
