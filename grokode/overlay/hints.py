"""Whether a log that disagrees with the theory would agree under another convention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..dynamics.problem import Problem
from ..errors import InvalidInput, RunFailed
from ..experiment.compose import Composition
from ..experiment.spec import Experiment
from ..experiment.systems import problem_of
from .agreement import measure
from .compared import Compared, measured
from .log import Log, Whole
from .theory import Theory, steps_of, theory

LARGE = 1e-3
"""A deviation of log loss beyond which another convention is looked for."""

MOVED = 0.3
"""The early part goes on until a loss has moved by this much in log loss: before, every step size agrees."""

EARLY = 20_000
"""Steps within which that must happen, so that looking stays cheap."""

BETTER = 0.01
"""Another convention is named where it leaves at most this part of the deviation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Another reading of a log and its experiment.

    Parameters
    ----------
    words : str
        What it says.
    step, loss : float
        Factors of the step size, and of the mean square in what is logged.
    flip : bool
        Whether centring is the other way round.
    offset : int
        Steps made beyond those that the log counts.
    """

    words: str
    step: float = 1.0
    loss: float = 1.0
    flip: bool = False
    offset: int = 0


def hint(one: Composition, log: Log, stated: list[Compared]) -> str | None:
    """Say under which other convention a log agrees with the theory, if there is one.

    Parameters
    ----------
    one : Composition
        What the log is of, as it is stated.
    log : Log
    stated : list of Compared
        The log beside the theory as it stands.

    Returns
    -------
    str or None
        One line; None where the log agrees as it stands, or no convention that is known explains it.
    """
    ends = [end for one in stated if (end := _early(one)) is not None]
    if not ends or min(ends) > EARLY:
        return None
    early = _until(log, min(ends))
    steps = steps_of(early.curves.values())
    steps = np.unique(np.concatenate([[0], steps, steps + 1, np.maximum(steps - 1, 0)]))
    problem = problem_of(one.experiment, one.bundle, one.files)
    try:
        known = theory(problem, one.experiment, steps, bundle=one.bundle, files=one.files)
    except InvalidInput:  # the user's learning rates end with the log, and a step beyond it has none
        return None
    before = _deviation(early, known, Reading(words=""))
    trained: dict[tuple[float, bool], Theory | None] = {}
    for reading in _readings(one.experiment):
        key = reading.step, reading.flip
        if key not in trained:
            trained[key] = _train(problem, one, reading, steps)
        found = trained[key]
        if found is not None and (left := _deviation(early, found, reading)) <= BETTER * before:
            return f"{log.name} agrees to {max(left, 1e-15):.1g} up to step {min(ends)} {reading.words}"
    return None


def _early(one: Compared) -> int | None:
    """Return the step by which a loss has both moved and deviated, or None."""
    kept = one.compared
    if one.agreement.max_log_beyond_resolution < LARGE or not kept.any():
        return None
    data = one.data.values[kept]
    far = np.maximum.accumulate(np.abs(np.log(data / one.theory[kept]))) > LARGE
    moved = np.maximum.accumulate(np.abs(np.log(data / data[0]))) > MOVED
    return int(one.data.step[kept][far & moved][0]) if (far & moved).any() else None


def _until(log: Log, last: int) -> Log:
    """Return a log up to a step."""
    curves = {name: curve.rows(curve.step <= last) for name, curve in log.curves.items()}
    return replace(log, curves={name: curve for name, curve in curves.items() if len(curve.step)})


def _train(problem: Problem, one: Composition, reading: Reading, steps: Whole) -> Theory | None:
    """Train under another reading; None where that diverges."""
    size = _size(one.experiment)
    other = one.experiment.model_copy(update={size: reading.step * getattr(one.experiment, size)})
    if reading.flip:
        other = other.model_copy(update={"centered": not one.experiment.centered})
        problem = problem_of(other, one.bundle, one.files)
    try:
        return theory(problem, other, steps, bundle=one.bundle, files=one.files)
    except RunFailed:
        return None


def _deviation(early: Log, found: Theory, reading: Reading) -> float:
    """Return the largest deviation of log loss under a reading, beyond the resolution of the log."""
    largest = 0.0
    for name, curve in early.curves.items():
        if name not in found.losses or len(curve.step) == 0:
            continue
        read = curve.moved(reading.offset).divided(reading.loss)
        if (read.step - read.window).min() < 0:
            return np.inf
        expected, initial = found.as_logged(name, read), float(found.losses[name][0])
        largest = max(largest, measure(measured(read), expected, initial).max_log_beyond_resolution)
    return largest


def _size(experiment: Experiment) -> str:
    return "dt" if experiment.lr is None else "lr"


def _readings(experiment: Experiment) -> Iterator[Reading]:
    """Yield other readings, those that change one thing first."""
    n_train, width = float(experiment.n_train), float(experiment.width)
    of_loss = {"1/2": 0.5, "P": n_train, "P/2": n_train / 2, "1/P": 1 / n_train, "2": 2.0}
    of_step = of_loss | {"N": width, "1/N": 1 / width}
    of_loss, of_step = (
        {text: x for text, x in some.items() if 0 < x < np.inf and x != 1} for some in (of_loss, of_step)
    )
    size, advice = _size(experiment), "see 'grokode convention'"
    scale = "see --loss-scale, and loss_scale_train of bundles"
    stated = f"{getattr(experiment, size):g}"
    yield Reading(offset=-1, words="if its losses are from one step before those that it names; --step COL@-1")
    yield Reading(offset=1, words="if its losses are from one step after those that it names; --step COL@1")
    for text, factor in of_step.items():
        value = factor * getattr(experiment, size)
        yield Reading(step=factor, words=f"with {size} = {text} x {stated}, --{size} {value:.6g}; {advice}")
    for text, factor in of_loss.items():
        yield Reading(loss=factor, words=f"if what it logs is {text} x what is stated; {scale}")
    other = "without" if experiment.centered else "with"
    yield Reading(flip=True, words=f"{other} centring; is the initial predictor subtracted?")
    for text_loss, loss in of_loss.items():
        for text, step in of_step.items():
            words = f"with {size} = {text} x {stated}, if what it logs is {text_loss} x what is stated; {advice}"
            yield Reading(step=step, loss=loss, words=words)
