"""Run an experiment: draw, bind, integrate, observe."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curve import Curve
from ..dynamics.plan import FLOPS, ceiling, plan
from ..dynamics.problem import EVALUATIONS
from ..dynamics.protocols import Method
from ..dynamics.solvers import SOLVERS
from ..dynamics.trajectory import Control, Trajectory, Unwatched, integrate, iterate, start_of
from ..errors import Diverged, GrokodeWarning, RunFailed
from ..memory import free_memory
from ..model.kernel import Decompose, decompose
from ..observables import KERNEL_OBSERVABLES, OBSERVABLES
from ..observables.certificate import Certifier
from ..observables.column import Observable
from ..observables.crossings import CrossingWatch, Threshold
from ..outcome import Certificate, Crossing, Status
from ..task.system import Draw
from .bundle import Bundle
from .compose import composition_of
from .extras import Extras, asked_extras, choose_extras
from .guard import FEW, QUICK, Verdict, examine, floors_of, measure
from .recorder import Recorder
from .result import Run
from .saving import logged_steps, saved_points
from .spec import Experiment
from .stability import stable_dt, too_large
from .summary import crossed, summarize
from .systems import named_arrays, problem_of, rows_of
from .threads import limited
from .training import optimizer_of, pace_of
from .versions import versions

Array = NDArray[np.float64]
LONG = 60.0
"""Seconds beyond which an estimated time is said before starting."""

DECADES = 6
"""Decades of time, in units of the kernel's, that a method's estimate stands for."""

STEP = 5e-6
"""Assumed seconds of a step beside its force, for estimates of time."""

GREW = 100.0
"""A descent that ends this far above its start is worth a warning."""


def run(
    what: str | Experiment | Bundle | None = None,
    *,
    keep_states: bool = False,
    progress: Callable[[float], None] | None = None,
    say: Callable[[str], None] | None = None,
    **parameters: Any,
) -> Run:
    """Run one experiment and return its curves.

    Parameters
    ----------
    what : str, Experiment, Bundle or None
        The name of a preset, a whole experiment, a user's own run, or nothing for the defaults.
    keep_states : bool
        Whether to keep the state at every saved time, as ``run.states``; 8 r D bytes each.
    progress : callable, optional
        Called with the fraction done.
    say : callable, optional
        Called with a line where something should be known before a long run.
    **parameters
        Parameters of the experiment, over those of ``what``.

    Returns
    -------
    Run

    Raises
    ------
    InvalidInput
        If a parameter is wrong.
    RunFailed
        If the run diverged or its solver gave up.

    Examples
    --------
    >>> import grokode
    >>> run = grokode.run("kumar-fig1", alpha=4, t_max=100)
    """
    composition = composition_of(what, parameters)
    return simulate(
        composition.experiment,
        composition.bundle,
        composition.files,
        keep_states=keep_states,
        progress=progress,
        say=say,
    )


def simulate(
    experiment: Experiment,
    bundle: Bundle | None = None,
    files: Mapping[str, Array] | None = None,
    *,
    keep_states: bool = False,
    progress: Callable[[float], None] | None = None,
    say: Callable[[str], None] | None = None,
    lean: Lean | None = None,
) -> Run:
    """Run a whole experiment; ``run`` has the parameters, and ``lean`` makes it one of many."""
    # an overflow is told by the checks for numbers that are not finite, in one line, not by NumPy's warnings
    with limited(experiment.threads), np.errstate(over="ignore", invalid="ignore"):
        return _Simulation(
            experiment, bundle, files or {}, keep_states, progress or _silent, say or _silent, lean
        ).run()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lean:
    """How one of many runs is made: no more is read along it than is kept.

    Parameters
    ----------
    draw : Draw
        Data and start, which may be those of other runs too.
    thresholds : sequence of str
        In the place of the experiment's.
    along : sequence of str
        Observables that are read at every saved time; the others, and the population alignment, are read at the end.
    kernel, lazy : bool
        Whether the kernel is read at every saved time, and whether the linearised network is solved.
    decompose : callable
        What decomposes the initial kernel.
    """

    draw: Draw
    thresholds: Sequence[str]
    along: Sequence[str]
    kernel: bool = False
    lazy: bool = False
    decompose: Decompose = decompose


def _silent(_: object) -> None:
    """Say nothing."""


class _Simulation:
    """One experiment under way."""

    def __init__(
        self,
        experiment: Experiment,
        bundle: Bundle | None,
        files: Mapping[str, Array],
        keep_states: bool,
        progress: Callable[[float], None],
        say: Callable[[str], None],
        lean: Lean | None,
    ) -> None:
        self.experiment, self.bundle, self.files = experiment, bundle, named_arrays(experiment, files)
        self.keep_states, self.progress, self.say = keep_states, progress, say
        self.lean = lean
        self.thresholds = (experiment.threshold,) if lean is None else tuple(lean.thresholds)
        self.levels = [Threshold.parse(text) for text in self.thresholds]
        self.optimizer, self.pace = optimizer_of(experiment, bundle), pace_of(experiment, bundle, self.files)
        self.solver = SOLVERS.build(experiment.solver)
        self.saved = saved_points(experiment, bundle, takes_steps=self.optimizer.steps, pace=self.pace)
        self.free = free_memory()
        self.deadline = math.inf
        dim, rows = experiment.dim, rows_of(experiment)
        numbers = rows * dim + dim**2 + dim if keep_states else 40  # V, M and wbar; columns of a row
        evaluations = float(self.saved[-1]) if self.optimizer.steps else EVALUATIONS
        kept = len(self.saved) * numbers
        self.problem = problem_of(
            experiment,
            bundle,
            self.files,
            kept=kept,
            evaluations=evaluations,
            draw=None if lean is None else lean.draw,
            decompose=decompose if lean is None else lean.decompose,
        )
        self.trained = self.problem.trained
        self.training = self.optimizer.on(self.trained, self.pace)  # refuses what it cannot train

    def run(self) -> Run:
        """Integrate, look whether the curve can be trusted, and collect what was observed."""
        experiment = self.experiment
        if self.bundle is not None and self.bundle.step is not None and experiment.points != "bundle":
            self.say(f"the curves are saved at {len(self.saved)} points of this run, not at the bundle's step")
        method = None if self.optimizer.steps else self._method(experiment.rtol)
        if method and self.optimizer.order > 1:
            self._warn_of_step()
        if not (self.problem.tests or self.bundle or self.lean):
            self.say("no test loss: over the law of the inputs it is not known here; --n-test draws points")
        extras = self._extras(method)
        self.deadline = time.perf_counter() + (experiment.time_limit or math.inf)
        if method:
            self.solver = SOLVERS.build(method.name)  # tighter runs beside it are made by the same method
        observed = self._observe(method, extras)
        guarded: dict[str, Any] = {}
        if self._guards(method) and observed.trajectory.status is not Status.TIME_LIMIT:
            try:
                verdict = self._examine(observed)
                if method and verdict.rtol < experiment.rtol:
                    observed = self._again(verdict.rtol, extras)
                guarded = verdict.summary() | ({"rtol": verdict.rtol} if method else {})
                if verdict.ill_conditioned:
                    warnings.warn(f"ill-conditioned: {verdict}", GrokodeWarning, stacklevel=2)
            except _OutOfTime:
                pass  # what is there is whole, and nobody looked at it twice
            except RunFailed as failure:
                warnings.warn(
                    f"not looked at twice: a run beside this one failed ({failure})", GrokodeWarning, stacklevel=2
                )
        recorder, trajectory = observed.recorder, observed.trajectory
        beside, numbers = self._beside(extras, np.array(recorder.t))
        curves = recorder.curves() | beside
        if self.optimizer.steps or experiment.points == "bundle":
            steps = self._steps(curves["t"].values)
            curves = {"step": Curve(name="step", values=steps, units="1", long_name="step"), **curves}
        told = {"pace": self.pace, "steps": self.optimizer.steps, "logged": "step" in curves}
        return Run(
            experiment=experiment,
            curves=curves,
            summary=summarize(
                curves,
                observed.crossings[0],
                test_loss=self.problem.test_loss,
                threshold=self.thresholds[0],
                **told,
            )
            | guarded
            | extras.no_numbers
            | numbers,
            status=trajectory.status,
            work=dataclasses.replace(trajectory.work, seconds=trajectory.work.seconds - recorder.seconds),
            versions=versions(),
            bundle=self.bundle,
            files=self.files,
            states=tuple(recorder.states),
            crossed=[
                crossed(crossings, threshold=text, **told)
                for crossings, text in zip(observed.crossings, self.thresholds, strict=True)
            ],
            final={} if self.lean is None else self._final(recorder.theta),
        )

    def _observe(self, method: Method | None, extras: Extras) -> _Observed:
        """Integrate once under the eyes of a recorder and a watch."""
        along = OBSERVABLES if self.lean is None else self.lean.along
        read = [*(OBSERVABLES.build(name) for name in along), *extras.observables]
        recorder = Recorder(self.problem, self.keep_states, read)
        watch = CrossingWatch(
            self.problem,
            self.levels,
            monotone_train=self.optimizer.monotone,
            until_resolved=self.experiment.until == "resolved",
            certify=functools.partial(self._certify, Certifier(self.problem)),
        )
        control = Control(
            keep=recorder.keep,
            watch=watch,
            time_limit=max(self.deadline - time.perf_counter(), 0.0),
            progress=self.progress,
            lift=self.trained.lift,
        )
        trajectory = self._flow(method, control) if method else self._descend(control, recorder)
        certify = trajectory.status is not Status.TIME_LIMIT
        return _Observed(recorder, trajectory, watch.finish(recorder.t[-1], recorder.theta, certify=certify))

    # ---- before

    def _extras(self, method: Method | None) -> Extras:
        """Return what is computed beside the run: what it can afford, or of one of many what was asked for."""
        parts = self.problem, self.optimizer, self.pace
        if self.lean is not None:
            return asked_extras(*parts, kernel=self.lean.kernel, lazy=self.lean.lazy)
        return choose_extras(
            *parts,
            readings=len(self.saved),
            seconds=min(self._estimate(method), self.experiment.time_limit or math.inf),
            free=self.free,
            wanted=self.experiment.lazy,
            say=self.say,
        )

    def _method(self, rtol: float) -> Method:
        return plan(
            self.training,
            self.trained,
            np.array(self.trained.start.theta),
            self.solver,
            rtol=rtol,
            t_max=float(self.saved[-1]),
            memory=self.free,
        )

    def _estimate(self, method: Method | None) -> float:
        """Estimate the seconds of the run from its operations."""
        if method is not None:  # a method's estimate is that of a run over many decades of time
            decades = math.log10(1 + 2 * self.trained.mean_kernel * float(self.saved[-1]))
            return method.seconds * min(1.0, decades / DECADES)
        return float(self.saved[-1] * (STEP + self.trained.flops / FLOPS))

    # ---- during

    def _flow(self, method: Method, control: Control) -> Trajectory:
        theta0 = np.array(self.trained.start.theta)
        self._say_long(method.seconds, f"{method.name}, {theta0.size} unknowns")
        return integrate(self.training, theta0, self.experiment.alpha, self.saved.tolist(), method, control)

    def _descend(self, control: Control, recorder: Recorder) -> Trajectory:
        train, name = self.trained, self.experiment.optimizer.partition(":")[0]
        theta0 = np.array(train.start.theta)
        descent = self.training
        loss = train.loss(theta0)
        y, steps = start_of(descent, theta0), int(self.saved[-1])
        self._say_long(steps * _seconds(lambda: descent.step(0, y)), f"{steps} steps of {name}")
        try:
            bound = train.loss, ceiling(train, theta0)
            trajectory = iterate(descent, theta0, bound, self.saved.tolist(), name, control)
        except Diverged as error:
            raise Diverged(f"{error}; {self._too_large()}") from None
        last = self.problem.train.loss(recorder.theta)
        if last > GREW * max(loss, train.mean_square_label):
            message = f"the train loss ended at {last:.3g}, far above its start {loss:.3g}: {self._too_large()}"
            warnings.warn(message, GrokodeWarning, stacklevel=2)
        return trajectory

    def _steps(self, t: NDArray[Any]) -> NDArray[Any]:
        """Return the steps of the kept times: all but the last are as planned, where a run may have stopped early."""
        assert self.pace is not None  # steps without one were refused
        planned: NDArray[Any] = self.saved if self.optimizer.steps else logged_steps(self.experiment, self.bundle)
        if len(t) == len(planned):
            return planned
        last = float(self.pace.steps(t[-1]))
        return np.append(planned[: len(t) - 1], round(last) if self.optimizer.steps else last)

    def _warn_of_step(self) -> None:
        """Warn where a flow that corrects for a step says what no descent does."""
        assert self.pace is not None  # such a flow without a step was refused
        stable = stable_dt(self.problem) * (1 + getattr(self.optimizer, "momentum", 0.0))
        if self.pace.dt > stable:
            warnings.warn(
                f"dt {self.pace.dt:.6g} is too large for {self.optimizer.follows} (at the start, stable is below "
                f"{stable:.3g}), which does not do what {self.experiment.optimizer} says; lower the step",
                GrokodeWarning,
                stacklevel=2,
            )

    def _too_large(self) -> str:
        assert self.pace is not None  # steps without one were refused
        return too_large(self.experiment, self.optimizer, self.problem, self.pace)

    # ---- the guard

    def _guards(self, method: Method | None) -> bool:
        experiment = self.experiment
        if experiment.guard is not None:
            return experiment.guard
        return method is not None and (method.seconds <= QUICK or experiment.width <= FEW)

    def _examine(self, observed: _Observed) -> Verdict:
        """Judge the run by others at the same saved times."""
        problem, trained, recorder = self.problem, self.trained, observed.recorder
        risks = [problem.train, *problem.tests.values()]
        theta0 = np.array(trained.start.theta)

        def losses(rtol: float, part: float, direction: int) -> Array:
            moved = np.random.default_rng(direction).standard_normal(theta0.shape)
            moved *= part * np.linalg.norm(theta0) / np.linalg.norm(moved)
            rows: list[list[float]] = []
            control = Control(
                keep=lambda t, theta: rows.append([risk.loss(theta) for risk in risks]),
                watch=Unwatched(),
                time_limit=max(self.deadline - time.perf_counter(), 0.0),
                progress=_silent,
                lift=trained.lift,
            )
            if self.optimizer.steps:
                bound = trained.loss, ceiling(trained, theta0)
                steps = self._steps(np.array(recorder.t)).tolist()  # a stopped run's own end is the last
                trajectory = iterate(self.training, theta0 + moved, bound, steps, self.experiment.optimizer, control)
            else:
                method = self._method(rtol)
                trajectory = integrate(self.training, theta0, self.experiment.alpha, recorder.t, method, control, moved)
            if trajectory.status is Status.TIME_LIMIT:
                raise _OutOfTime
            return np.array(rows)

        plain = recorder.losses(["loss_train", *(f"loss_test_{name}" for name in problem.tests)])
        judge = measure if self.optimizer.steps else examine  # a map has no tolerance
        return judge(plain, losses, floors_of(plain[0], problem.train.mean_square_label), self.experiment.rtol)

    def _again(self, rtol: float, extras: Extras) -> _Observed:
        """Integrate again at a tighter tolerance; a run that is whole is not given up for one that is not."""
        observed = self._observe(self._method(rtol), extras)
        if observed.trajectory.status is Status.TIME_LIMIT:
            raise _OutOfTime
        return observed

    def _final(self, theta: Array) -> dict[str, float]:
        """Read at the end what was not read along the run."""
        assert self.lean is not None
        rest: list[Observable] = [OBSERVABLES.build(name) for name in OBSERVABLES if name not in self.lean.along]
        if not self.lean.kernel:
            rest.append(KERNEL_OBSERVABLES.build("population"))
        recorder = Recorder(self.problem, False, rest)
        recorder.keep(0.0, theta)
        return {name: float(curve.values[0]) for name, curve in recorder.curves().items() if name != "t"}

    def _beside(self, extras: Extras, t: Array) -> tuple[dict[str, Curve], dict[str, Any]]:
        """Return the curves that need no state, and the numbers that come with them."""
        curves: dict[str, Curve] = {}
        numbers: dict[str, Any] = {}
        for item in extras.curves:
            known = item.on(self.problem)
            found = known.at(self.optimizer, t, None if self.pace is None else self.pace.dt)
            if not found:
                self.say(f"no curves of {item.title}: the step is too long for its fastest mode, and they diverge")
            curves |= {curve.name: curve for curve in found}
            numbers |= known.summary()
        return curves, numbers

    def _certify(
        self, certifier: Certifier, t: float, theta: Array, threshold: float, losses: tuple[float, float] | None
    ) -> Certificate | None:
        # a tolerance looser than the default promises nothing that a proof could stand on
        if not self.optimizer.certified or self.experiment.rtol > Experiment.model_fields["rtol"].default:
            return None
        return certifier(t, theta, threshold, losses)

    def _say_long(self, seconds: float, what: str) -> None:
        limit = self.experiment.time_limit
        if seconds > LONG and (limit is None or limit > LONG):
            self.say(
                f"this may take about {_duration(seconds)} ({what}); "
                "--time-limit SECONDS ends it and keeps what is there"
            )


class _OutOfTime(Exception):
    """No time is left to look at a run twice."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Observed:
    """One integration, and what was seen of it."""

    recorder: Recorder
    trajectory: Trajectory
    crossings: Sequence[Mapping[str, Crossing]]


def _seconds(call: Callable[[], object]) -> float:
    """Measure one call, after one that may compile."""
    call()
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _duration(seconds: float) -> str:
    """Write a time for people."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
