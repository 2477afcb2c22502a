"""Run an experiment: draw, bind, integrate, observe."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..curve import Curve
from ..dynamics.optimizers import OPTIMIZERS
from ..dynamics.problem import Problem
from ..dynamics.risks.jacobian import spectral_radius
from ..dynamics.solvers import SOLVERS
from ..dynamics.trajectory import Control, Trajectory, integrate, iterate, plan
from ..errors import Diverged, InvalidInput, SolverFailed
from ..model.network import Network
from ..model.starts import STARTS
from ..model.states.factor import FactorState
from ..observables import OBSERVABLES
from ..observables.certificate import never
from ..observables.column import Column
from ..observables.crossings import CrossingWatch, Threshold, delay
from ..outcome import Crossing
from ..task.data import load_array
from ..task.inputs.gaussian import Gaussian
from ..task.system import DrawnSystem, System
from ..task.targets import TARGETS
from .bundle import Bundle, dt_of
from .compose import compose
from .resources import free_memory, needed_memory, refuse_too_large
from .result import Run, number
from .spec import GIVEN, MOST, Experiment, Preset, load_preset

Array = NDArray[np.float64]
LONG = 60.0
"""Seconds beyond which an estimated time is said before starting."""


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
    if not (what is None or isinstance(what, (str, Experiment, Bundle))):
        raise InvalidInput(f"cannot run a {type(what).__name__}; give a preset's name, an Experiment or a Bundle")
    whole = what.model_dump(exclude_none=True) if isinstance(what, Experiment) else {}
    composition = compose(
        parameters,
        preset=load_preset(what) if isinstance(what, str) else None,
        spec=Preset(name="the experiment", summary="", parameters=whole, grid={}),
        bundle=what if isinstance(what, Bundle) else None,
    )
    return simulate(composition.experiment, composition.bundle, keep_states=keep_states, progress=progress, say=say)


def system_of(experiment: Experiment, bundle: Bundle | None) -> System:
    """Return the system that an experiment draws, or that its bundle gives.

    Raises
    ------
    InvalidInput
        If a target, start or covariance is wrong.
    """
    if bundle is not None:
        declared = None if experiment.covariance is None else _inputs(experiment)
        return bundle.system(experiment.n_test, experiment.seed, declared)
    if GIVEN in (experiment.target, experiment.start):
        raise InvalidInput(
            f"{'target' if experiment.target == GIVEN else 'start'} = {GIVEN!r} stands for a bundle's own arrays; "
            "give --bundle FILE.npz, or name a target and a start"
        )
    return DrawnSystem(
        inputs=_inputs(experiment),
        target=TARGETS.build(experiment.target),
        start=STARTS.build(experiment.start),
        n_train=experiment.n_train,
        n_test=experiment.n_test,
        width=experiment.width,
        sigma=experiment.sigma,
        noise=experiment.noise,
        seed=experiment.seed,
    )


def _inputs(experiment: Experiment) -> Gaussian:
    if experiment.covariance is None:
        return Gaussian.isotropic(experiment.dim)
    if isinstance(experiment.covariance, float):
        return Gaussian.isotropic(experiment.dim, experiment.covariance)
    covariance = load_array(Path(experiment.covariance), "covariance")
    if covariance.ndim == 0:
        return Gaussian.isotropic(experiment.dim, float(covariance))
    if covariance.shape not in ((experiment.dim,), (experiment.dim, experiment.dim)):
        raise InvalidInput(
            f"covariance {experiment.covariance} has shape {covariance.shape}; dim {experiment.dim} needs "
            f"({experiment.dim},) or ({experiment.dim}, {experiment.dim}); set --dim"
        )
    return Gaussian(covariance)


def simulate(
    experiment: Experiment,
    bundle: Bundle | None = None,
    *,
    keep_states: bool = False,
    progress: Callable[[float], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Run:
    """Run a whole experiment; ``run`` has the parameters."""
    # an overflow is told by the checks for numbers that are not finite, in one line, not by NumPy's warnings
    with threadpool_limits(limits=experiment.threads), np.errstate(over="ignore", invalid="ignore"):
        return _Simulation(experiment, bundle, keep_states, progress or _silent, say or _silent).run()


def _silent(_: object) -> None:
    """Say nothing."""


class _Simulation:
    """One experiment under way."""

    def __init__(
        self,
        experiment: Experiment,
        bundle: Bundle | None,
        keep_states: bool,
        progress: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        self.experiment, self.bundle = experiment, bundle
        self.keep_states, self.progress, self.say = keep_states, progress, say
        self.threshold = Threshold.parse(experiment.threshold)
        self.optimizer = OPTIMIZERS.build(experiment.optimizer)
        self.solver = SOLVERS.build(experiment.solver)
        self.dt = dt_of(experiment)
        self.saved = self._saved()
        self.free = free_memory()
        self._refuse_too_large()
        network = Network(alpha=experiment.alpha, eps=experiment.eps, centered=experiment.centered)
        self.problem = Problem.of(network, system_of(experiment, bundle).draw())
        loss, kernel = self.problem.train.loss(np.array(self.problem.start.theta)), self.problem.train.mean_kernel
        if not loss + kernel < HUGE:
            raise InvalidInput(
                f"train loss {loss:.3g} and kernel {kernel:.3g} at the start are beyond what float64 can square; "
                "lower --alpha, --eps, --sigma, or the data"
            )

    def run(self) -> Run:
        """Integrate, and collect what was observed."""
        recorder = _Recorder(self.problem, self.keep_states)
        watch = CrossingWatch(
            self.problem,
            self.threshold,
            monotone_train=self.experiment.optimizer == "gradient_flow",
            until_resolved=self.experiment.until == "resolved",
            certify=self._certify,
        )
        control = Control(
            keep=recorder.keep,
            watch=watch,
            time_limit=self.experiment.time_limit or math.inf,
            progress=self.progress,
        )
        trajectory = self._descend(control) if self.optimizer.steps else self._flow(control)
        crossings = watch.finish(recorder.t[-1], recorder.theta)
        curves = self._with_steps(recorder.curves())
        return Run(
            experiment=self.experiment,
            curves=curves,
            summary=self._summary(curves, crossings),
            status=trajectory.status,
            work=trajectory.work,
            versions=versions(),
            bundle=self.bundle,
            states=tuple(recorder.states),
        )

    # ---- before

    def _saved(self) -> NDArray[Any]:
        """Return the steps (a map's) or the times (a flow's) at which the curves are kept."""
        experiment, dt = self.experiment, self.dt
        if self.optimizer.steps and dt is None:
            raise InvalidInput(f"{experiment.optimizer} needs a step; give --lr (finite width) or --dt")
        if experiment.steps is not None and dt is None:
            raise InvalidInput(
                f"steps = {experiment.steps} needs the size of a step; give --lr or --dt, or --t-max instead"
            )
        t_max = experiment.t_max if experiment.steps is None else experiment.steps * (dt or 0.0)
        assert t_max is not None
        end = experiment.times[-1] if experiment.times else t_max
        if self.optimizer.steps and dt is not None and end > MOST * dt:
            raise InvalidInput(f"t = {end:g} takes {end / dt:.3g} steps of dt = {dt:.3g}; lower --t-max or raise --dt")
        if experiment.points == "bundle":
            if self.bundle is None or self.bundle.step is None:
                raise InvalidInput("points = 'bundle' needs a bundle with step; give a number of points")
            steps = np.asarray(self.bundle.step, dtype=np.int64)
            return steps if self.optimizer.steps else np.asarray(steps * (dt or 0.0))
        if experiment.times is not None:
            times = np.array(experiment.times)
            return _whole(times / (dt or 1.0)) if self.optimizer.steps else times
        assert experiment.points is not None
        points = int(experiment.points)
        if self.optimizer.steps:
            last = experiment.steps or max(1, round(t_max / (dt or 1.0)))
            return _whole(np.r_[0.0, np.geomspace(1, last, min(points, last))])
        return np.asarray(np.r_[0.0, np.geomspace(t_max, t_max * 10.0**-DECADES, points - 1)[::-1]])

    def _refuse_too_large(self) -> None:
        experiment = self.experiment
        rows = experiment.dim + 1 if math.isinf(experiment.width) else min(experiment.dim + 1, int(experiment.width))
        n_train = 0 if math.isinf(experiment.n_train) else experiment.n_train
        kept = len(self.saved) * (rows * experiment.dim if self.keep_states else 20)
        needed = needed_memory(dim=experiment.dim, rows=rows, n_train=n_train, n_test=experiment.n_test, saved=kept)
        refuse_too_large(needed, self.free)

    # ---- during

    def _flow(self, control: Control) -> Trajectory:
        problem, experiment = self.problem, self.experiment
        flow = self.optimizer.on(problem.train)
        theta0 = np.array(problem.start.theta)
        method = plan(
            flow,
            problem.train,
            theta0,
            self.solver,
            rtol=experiment.rtol,
            t_max=float(self.saved[-1]),
            memory=self.free,
        )
        self._say_long(method.seconds, f"{method.name}, {theta0.size} unknowns")
        return integrate(flow, theta0, experiment.alpha, self.saved.tolist(), method, control)

    def _descend(self, control: Control) -> Trajectory:
        problem, name = self.problem, self.experiment.optimizer
        theta0 = np.array(problem.start.theta)
        map = self.optimizer.on(problem.train, self.dt)
        loss = problem.train.loss(theta0)
        # a catapult may lift the loss by about alpha^2 and come back; nothing comes back from a million times that
        ceiling = 1e6 * max(1.0, self.experiment.alpha**2) * max(loss, problem.train.mean_square_label, 1e-30)
        self._say_long(
            int(self.saved[-1]) * _seconds(lambda: map.step(0, theta0[None])), f"{self.saved[-1]} steps of {name}"
        )
        try:
            return iterate(map, theta0, (problem.train.loss, ceiling), self.saved.tolist(), name, control)
        except Diverged as error:
            raise Diverged(f"{error}; {self._stability()}") from None

    def _certify(self, t: float, theta: Array, threshold: float) -> Any:
        # a tolerance looser than the default promises nothing that a proof could stand on
        if (
            self.experiment.optimizer != "gradient_flow"
            or self.experiment.rtol > Experiment.model_fields["rtol"].default
        ):
            return None
        return never(self.problem, t, theta, threshold)

    def _stability(self) -> str:
        """Say which step would be stable at the start."""
        theta0 = np.array(self.problem.start.theta)
        direction = np.random.default_rng(0).standard_normal(theta0.size)
        radius, _ = spectral_radius(self.problem.train.jacobian(theta0), direction, 50)
        dt = 2 / radius if radius else math.inf
        if self.experiment.lr is None:
            return f"dt {self.experiment.dt:.6g} is too large (at the start, stable is below {dt:.3g}); lower --dt"
        scale = self.experiment.width / self.experiment.alpha**2
        return f"lr {self.experiment.lr:.6g} is too large (at the start, stable is below {dt * scale:.3g}); lower --lr"

    def _say_long(self, seconds: float, what: str) -> None:
        limit = self.experiment.time_limit
        if seconds > LONG and (limit is None or limit > LONG):
            self.say(
                f"this may take about {_duration(seconds)} ({what}); "
                "--time-limit SECONDS ends it and keeps what is there"
            )

    # ---- after

    def _with_steps(self, curves: dict[str, Curve]) -> dict[str, Curve]:
        """Put ``step`` first where steps exist."""
        if self.dt is None or not (self.optimizer.steps or self.experiment.points == "bundle"):
            return curves
        steps = np.rint(curves["t"].values / self.dt).astype(np.int64)
        return {"step": Curve(name="step", values=steps, units="1", long_name="step"), **curves}

    def _summary(self, curves: dict[str, Curve], crossings: dict[str, Crossing]) -> dict[str, Any]:
        train, test = crossings["train"], crossings.get("test")
        kind = self.problem.test_loss
        test_curve = curves[f"loss_test_{kind}"].values if kind else None
        certificate = test.certificate if test else None
        text = self.experiment.threshold
        summary: dict[str, Any] = {
            "threshold": text if text.endswith("%") else float(text),
            "threshold_train": train.threshold,
            "threshold_test": test.threshold if test else None,
            "test_loss": kind or None,
            "t_train": number(train.t),
            "t_train_status": str(train.status),
            "t_test": number(test.t) if test else None,
            "t_test_status": str(test.status) if test else None,
            "certificate": dataclasses.asdict(certificate) if certificate else None,
            "delay": number(delay(train, test)) if test else None,
            "peak_loss_test": None if test_curve is None else float(test_curve.max()),
            "final_loss_train": float(curves["loss_train"].values[-1]),
            "final_loss_test": None if test_curve is None else float(test_curve[-1]),
        }
        if "step" in curves and self.dt is not None:
            for name in ("train", "test"):
                t = summary[f"t_{name}"]
                step = None if t is None else t / self.dt
                summary[f"step_{name}"] = step if step is None or not self.optimizer.steps else round(step)
        return summary


HUGE = 1e60
"""Losses and kernels beyond it overflow once squared."""

DECADES = 7
"""Flow curves are saved from t_max / 10^7 on, evenly in log time."""


class _Recorder:
    """Keeps the observed numbers of every saved time, and the states where they are wanted."""

    def __init__(self, problem: Problem, keep_states: bool) -> None:
        self.t: list[float] = []
        self.states: list[FactorState] = []
        self.theta = np.array(problem.start.theta)
        self._start, self._keep_states = problem.start, keep_states
        observables = [OBSERVABLES.build(name) for name in OBSERVABLES]
        self._columns: list[Column] = [column for item in observables for column in item.columns(problem)]
        self._readings = [item.on(problem) for item in observables if item.columns(problem)]
        self._rows: list[tuple[float, ...]] = []

    def keep(self, t: float, theta: Array) -> None:
        """Read every observable at a saved time."""
        state = self._start.at(theta)
        self.t.append(t)
        self.theta = np.array(theta)
        self._rows.append(tuple(value for read in self._readings for value in read(state)))
        if self._keep_states:
            self.states.append(state)

    def curves(self) -> dict[str, Curve]:
        """Return t and every column as curves."""
        table = np.array(self._rows).reshape(len(self.t), len(self._columns))
        if not np.isfinite(table).all():
            name = self._columns[int(np.argmin(np.isfinite(table).all(axis=0)))].name
            raise SolverFailed(f"{name} is not a finite number; bring --alpha, --eps or --sigma nearer to 1")
        curves = {"t": Curve(name="t", values=np.array(self.t), units="flow time", long_name="flow time t")}
        for column, values in zip(self._columns, table.T, strict=True):
            curves[column.name] = Curve(name=column.name, values=values, units=column.units, long_name=column.long_name)
        return curves


def _whole(steps: Array) -> NDArray[np.int64]:
    """Round to whole steps, each once."""
    return np.unique(np.rint(steps).astype(np.int64))


def _seconds(call: Callable[[], object]) -> float:
    """Measure one call, after one that may compile."""
    import time

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


def versions() -> dict[str, str]:
    """Return the versions that a number depends on."""
    names = ("grokode", "numpy", "scipy", "numba", "extensisq")
    return {**{name: importlib.metadata.version(name) for name in names}, "python": platform.python_version()}
