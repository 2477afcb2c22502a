"""Laying logs over the theory: of the user's own run, or of fresh draws where no run is given."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..convention import learning_rate
from ..dynamics.pace import Pace
from ..engines import ENGINES
from ..engines.executor import Engine, Executor
from ..engines.serial import Serial
from ..errors import Diverged, InvalidInput
from ..experiment.bundle import Bundle
from ..experiment.compose import Composition, composition_of
from ..experiment.spec import Experiment
from ..experiment.systems import problem_of
from ..experiment.threads import limited
from ..experiment.training import dt_of, pace_of
from ..experiment.versions import versions
from .compared import Compared, beside, beside_means, line_steps, shared_curves
from .draws import DRAWS, drawn_theories
from .fit import Fit
from .fit import fit as fit_parameters
from .hints import hint
from .log import TEST, TRAIN, Log, LoggedCurve, Whole
from .parameters import at, parse_parameters
from .readers import read_log
from .reading.columns import Columns
from .result import Overlay
from .theory import Theory, steps_of, theory

Progress = Callable[[float], None]
Say = Callable[[str], None]
Source = str | Experiment | Bundle | None


def _silent(_: object) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of an overlay; ``compare`` has the parameters."""

    fit: str = ""
    draws: int | None = None
    loss_scale: float | None = None
    tolerance: float | None = None
    progress: Progress = _silent
    say: Say = _silent
    engine: Engine = field(default_factory=Serial)


def compare(
    logs: Log | str | Path | Sequence[Log | str | Path],
    what: Source | Sequence[Bundle] = None,
    *,
    columns: Columns | None = None,
    fit: str = "",
    draws: int | None = None,
    loss_scale: float | None = None,
    tolerance: float | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
    engine: str = "serial",
    **parameters: Any,
) -> Overlay:
    """Lay logs over the theory of the same training.

    Beside a bundle each log is compared with the theory of its own data and initial weights, without a free
    parameter. Without one the theory is a mean, in log loss, over fresh draws, and so is what is logged.

    Parameters
    ----------
    logs : Log, path, or sequence of them
        Losses as some training logged them.
    what : str, Experiment, Bundle, sequence of Bundle, or None
        The user's own run, or one for each log; or a preset's name or an experiment to draw.
    columns : Columns, optional
        The columns to read; guessed by default.
    fit : str, optional
        Fit these, for instance ``"alpha,lr"``, and lay the logs over the theory at the fitted values.
    draws : int, optional
        Of data and weights, where there is no bundle; 64 by default.
    loss_scale : float, optional
        What is logged is this many times the mean squared residual.
    tolerance : float, optional
        Of the check, on deviations of log loss beyond the resolution of the logs.
    progress, say : callable, optional
        Called with the fraction done, and with lines for people.
    engine : str, optional
        Where draws are trained, ``"local:workers=2"`` for instance; in this process by default. The numbers are the
        same; processes read a script again, so that it starts them under ``if __name__ == "__main__":``.
    **parameters
        Parameters of the experiment, over those of ``what``.

    Returns
    -------
    Overlay

    Raises
    ------
    InvalidInput
        If a log, a parameter or their combination is wrong, or nothing can be compared.
    RunFailed
        If the training diverges in theory.

    Examples
    --------
    >>> import grokode
    >>> overlay = grokode.overlay.compare("log.csv", grokode.bundle.load("bundle.npz"))  # doctest: +SKIP
    """
    given = [logs] if isinstance(logs, (Log, str, Path)) else list(logs)
    read = [log if isinstance(log, Log) else read_log(log, columns) for log in given]
    sources: list[Source] = list(what) if isinstance(what, (list, tuple)) else [what]  # type: ignore[list-item]
    steps = {"steps": last_step(read)}
    asked = Asked(
        fit=fit,
        draws=draws,
        loss_scale=loss_scale,
        tolerance=tolerance,
        progress=progress or _silent,
        say=say or _silent,
        engine=ENGINES.build(engine),
    )
    return lay_over(read, [composition_of(source, parameters | steps) for source in sources], asked)


def last_step(logs: Sequence[Log]) -> int:
    """Return the last step that any log holds, at least 1.

    Raises
    ------
    InvalidInput
        If there is no log.
    """
    if not logs:
        raise InvalidInput("there is no log to compare; give at least one")
    return max(1, *(int(curve.step[-1]) for curve in _curves(logs)))


def lay_over(logs: Sequence[Log], compositions: Sequence[Composition], asked: Asked) -> Overlay:
    """Lay logs over experiments, one for all or one for each."""
    names = parse_parameters(asked.fit) if asked.fit else ()
    _refuse(logs, compositions, asked)
    if names:
        _refuse_fit(compositions)
    scaled = _scaled(logs, compositions, asked.loss_scale)
    # an overflow is told by the checks for numbers that are not finite, in one line, not by NumPy's warnings
    with (
        limited(compositions[0].experiment.threads),
        np.errstate(over="ignore", invalid="ignore"),
        asked.engine.open() as executor,
    ):
        job = _Job(scaled, list(compositions), asked, executor)
        if not names:
            return job.overlay()
        fitted = job.fit(names)
        return job.at_fitted(fitted, names).overlay(fitted)


@dataclass(frozen=True, eq=False)
class _Job:
    """Logs in units of the mean squared residual, the experiments they are of, and what is asked."""

    logs: list[Log]
    compositions: list[Composition]
    asked: Asked
    executor: Executor

    @property
    def draws(self) -> int:
        """Of data and weights, where nothing is given."""
        return DRAWS if self.asked.draws is None else self.asked.draws

    def overlay(self, fitted: Fit | None = None) -> Overlay:
        """Compute the theory, and compare."""
        drawn, started = self.compositions[0].bundle is None, time.perf_counter()
        compared = self._means() if drawn else self._own()
        seconds = time.perf_counter() - started
        notes = [_missing(name) for name in (TRAIN, TEST) if self._is_missing(name, compared)]
        if not any(one.agreement.points for one in compared):
            raise InvalidInput(
                "; ".join(notes)
                or "no logged value is above both its own resolution and 1e-10 of the initial loss; log more digits"
            )
        overlay = Overlay(
            experiments=[one.experiment for one in self.compositions],
            logs=self.logs,
            compared=compared,
            notes=notes,
            tolerance=self.asked.tolerance,
            versions=versions(),
            seconds=seconds,
            draws=self.draws if drawn else None,
            fit=fitted,
        )
        return overlay if drawn or fitted else replace(overlay, notes=[*notes, *self._hint(overlay)])

    def fit(self, names: Sequence[str]) -> Fit:
        """Fit parameters to all logs."""
        first = self.compositions[0]
        bundles = [one.bundle for one in self.compositions if one.bundle is not None]
        return fit_parameters(
            first.experiment, bundles, first.files, self.logs, names,
            draws=self.draws, say=self.asked.say, executor=self.executor,
        )  # fmt: skip

    def at_fitted(self, fitted: Fit, names: Sequence[str]) -> _Job:
        """Return the job with every experiment at the fitted values."""
        values = {name: getattr(fitted.experiment, name) for name in names}
        compositions = [replace(one, experiment=at(one.experiment, values)) for one in self.compositions]
        return replace(self, compositions=compositions)

    def _own(self) -> list[Compared]:
        """Compare each log with the theory of its bundle."""
        compared, parts = [], len(self.compositions)
        for index, one in enumerate(self.compositions):
            logs = self.logs if parts == 1 else [self.logs[index]]
            found = self._train(one, logs, lambda part, done=index: self.asked.progress((done + part) / parts))  # type: ignore[misc]
            for log in logs:
                compared += beside(log, found, _pace(one))
        return compared

    def _train(self, one: Composition, logs: list[Log], progress: Progress) -> Theory:
        """Compute the theory of a bundle at the steps of logs."""
        problem = problem_of(one.experiment, one.bundle, one.files)
        try:
            return theory(problem, one.experiment, _steps(_curves(logs)), progress, one.bundle, one.files)
        except Diverged as error:
            raise Diverged(f"{error}; {_stated(one.experiment)}") from None

    def _means(self) -> list[Compared]:
        """Compare the mean over the logs with that over draws."""
        one, shared = self.compositions[0], shared_curves(self.logs)
        steps = _steps(shared.values())
        found = drawn_theories(one.experiment, one.files, steps, self.draws, self.asked.progress, self.executor)
        return beside_means(self.logs, shared, found, _pace(one))

    def _is_missing(self, name: str, compared: list[Compared]) -> bool:
        return any(name in log.curves for log in self.logs) and name not in {one.name for one in compared}

    def _hint(self, overlay: Overlay) -> list[str]:
        """Look for another convention under which the log that is furthest off agrees."""
        index = next(i for i, log in enumerate(self.logs) if log.name == overlay.worst.log)
        one = self.compositions[index if len(self.compositions) > 1 else 0]
        stated = [found for found in overlay.compared if found.log == overlay.worst.log]
        line = hint(one, self.logs[index], stated)
        return [line] if line else []


def _refuse(logs: Sequence[Log], compositions: Sequence[Composition], asked: Asked) -> None:
    """Refuse combinations that have no meaning."""
    if len(compositions) not in (1, len(logs)):
        raise InvalidInput(
            f"{len(compositions)} bundles beside {len(logs)} logs; give one for all of them, or one for each, in order"
        )
    if len(compositions) > 1 and any(one.bundle is None for one in compositions):
        raise InvalidInput("several experiments must be bundles, one for each log")
    if asked.draws is not None and compositions[0].bundle is not None:
        raise InvalidInput(f"draws = {asked.draws} would draw what the bundle gives; leave it out")
    if asked.engine != Serial() and compositions[0].bundle is not None:
        raise InvalidInput("an engine trains fresh draws, and a bundle gives its own; leave out --engine")
    if asked.tolerance is not None and not 0 <= asked.tolerance < math.inf:
        raise InvalidInput(f"the tolerance must be zero or positive, got {asked.tolerance}")


def _refuse_fit(compositions: Sequence[Composition]) -> None:
    """Refuse to fit one set of parameters to trainings of several."""
    for name in ("alpha", "eps", "lr", "dt", "width", "centered"):
        values = {getattr(one.experiment, name) for one in compositions}
        if len(values) > 1:
            raise InvalidInput(f"the bundles differ in {name} ({', '.join(map(str, values))}); fit them one by one")


def _scaled(logs: Sequence[Log], compositions: Sequence[Composition], loss_scale: float | None) -> list[Log]:
    """Return logs in units of the mean squared residual, each under a name of its own."""
    if loss_scale is not None and not 0 < loss_scale < math.inf:
        raise InvalidInput(f"the loss scale must be positive, got {loss_scale}")
    scaled = []
    for index, log in enumerate(logs):
        bundle = compositions[index if len(compositions) > 1 else 0].bundle
        stated = {} if bundle is None else _stated_scales(bundle)
        if stated and loss_scale is not None:
            raise InvalidInput(
                f"the loss scale {loss_scale:g} is given beside a bundle that states its own ({stated}); leave it out, "
                "or change the bundle's"
            )
        factors = dict.fromkeys((TRAIN, TEST), loss_scale or 1.0) | stated
        curves = {name: curve.divided(factors[name]) for name, curve in log.curves.items()}
        alone = sum(other.name == log.name for other in logs) == 1  # log.csv in a folder a seed is common
        scaled.append(replace(log, curves=curves, name=log.name if alone else f"{log.name} ({index + 1})"))
    return scaled


def _stated_scales(bundle: Bundle) -> dict[str, float]:
    """Return what a bundle says its logs hold, in units of the mean squared residual."""
    scales = {TRAIN: bundle.loss_scale_train, TEST: bundle.loss_scale_test}
    return {name: float(np.asarray(scale)) for name, scale in scales.items() if scale is not None}


def _curves(logs: Iterable[Log]) -> list[LoggedCurve]:
    return [curve for log in logs for curve in log.curves.values()]


def _steps(curves: Iterable[LoggedCurve]) -> Whole:
    """Return the steps of the theory: those of the logs, the start, and those of a line to draw."""
    needed = steps_of(list(curves))
    return np.union1d(needed, line_steps(int(needed[-1])))


def _pace(one: Composition) -> Pace:
    pace = pace_of(one.experiment, one.bundle, one.files)
    assert pace is not None  # the theory has asked for it
    return pace


def _stated(experiment: Experiment) -> str:
    """Say which learning rate the theory took, and where to learn of conventions."""
    lr = experiment.lr or learning_rate(dt_of(experiment) or math.nan, experiment.alpha, float(experiment.width))
    return f"is lr {lr:g} that of the mean squared residual without 1/2? see 'grokode convention'"


def _missing(name: str) -> str:
    """Say why a logged loss is not compared."""
    if name == TRAIN:
        return "the train loss is not in every log, and is not compared"
    return (
        "the logged test loss is not compared: give the bundle X_test and y_test, or covariance and beta_star (or c, b "
        "and B); or log it in every log"
    )
