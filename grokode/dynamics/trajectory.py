"""The one place that integrates: it steps solvers and maps, keeps what is asked, and lets watches look."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..errors import Diverged, SolverFailed
from ..outcome import Status, Work
from .protocols import Flow, LeastSquares, Linearization, Map, Method, Residuals
from .risks.jacobian import Jacobian, Solve

Array = NDArray[np.float64]
Loss = Callable[[Array], float]
Reading = tuple[float, float]
"""A time, and the loss there."""

Keep = Callable[[float, Array], None]
Progress = Callable[[float], None]
Lift = Callable[[Array], Array]


def _same(theta: Array) -> Array:
    """Return theta itself."""
    return theta


class Interval(Protocol):
    """A stretch of the trajectory between two looks."""

    @property
    def t_old(self) -> float:
        """Where it starts."""
        ...

    @property
    def smooth(self) -> bool:
        """Whether what lies inside is between the ends, but for a small part of it."""
        ...

    @property
    def loss(self) -> float | None:
        """The train loss where it ends, but for a small part of it; None where the method does not know it."""
        ...

    def end(self) -> tuple[float, Array]:
        """Return time and theta where it ends."""
        ...

    def inside(self) -> Iterator[tuple[float, Array]]:
        """Yield times and thetas before the end at which a watch should look."""
        ...

    def refine(self, loss: Loss, threshold: float, above: Reading, below: Reading) -> float:
        """Return the first time after ``above``, up to ``below``, at which the loss is below the threshold."""
        ...


class Watch(Protocol):
    """Something that sees every interval and may stop the run."""

    def see(self, interval: Interval) -> bool:
        """Look at an interval; True stops the run."""
        ...


class Unwatched:
    """A watch that looks at nothing."""

    def see(self, interval: Interval) -> bool:
        """Let the run go on."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """What came of an integration; the kept numbers are with the caller's ``keep``."""

    status: Status
    t_end: float
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How far, how long and under whose eyes.

    Parameters
    ----------
    keep : callable
        Called with (t, theta) at every saved time.
    watch : Watch
    time_limit : float
        Seconds of wall clock; infinity for none.
    progress : callable
        Called with the fraction done.
    lift : callable
        From what is integrated to the theta that is kept and watched; the same by default.
    """

    keep: Keep
    watch: Watch
    time_limit: float
    progress: Progress
    lift: Lift = _same


# ---- flows


SMALLEST = float(np.finfo(float).tiny)
"""Absolute tolerance of a crossing time: only the relative one counts, whatever the unit of time."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseInterval:
    """One step of a solver with its dense output."""

    t_old: float
    t_new: float
    theta: Callable[[float], Array]
    loss: float | None = None
    smooth: ClassVar[bool] = True

    def end(self) -> tuple[float, Array]:
        """Return time and theta where it ends."""
        return self.t_new, self.theta(self.t_new)

    def inside(self) -> Iterator[tuple[float, Array]]:
        """Yield three interior points: a dip shorter than a step is seen too."""
        for fraction in (0.25, 0.5, 0.75):
            t = self.t_old + fraction * (self.t_new - self.t_old)
            yield t, self.theta(t)

    def refine(self, loss: Loss, threshold: float, above: Reading, below: Reading) -> float:
        """Solve for the crossing in the dense output."""
        known = dict((above, below))

        def excess(t: float) -> float:
            return (known[t] if t in known else loss(self.theta(t))) - threshold

        return float(brentq(excess, above[0], below[0], xtol=SMALLEST, rtol=1e-9))


class ScaledFlow:
    """A flow in the coordinates z = alpha y, whose errors are errors of the predictor."""

    def __init__(self, flow: Flow, theta0: Array, alpha: float, deadline: float, lift: Lift) -> None:
        self._flow, self._theta0, self._alpha, self._deadline, self._lift = flow, theta0, alpha, deadline, lift
        self._shape = (1 + flow.memories, *theta0.shape)
        self.n = (1 + flow.memories) * theta0.size
        self.nfev = self.njev = 0

    def unscaled(self, z: Array) -> Array:
        """Return y, shape (1 + memories, r, D)."""
        return z.reshape(self._shape) / self._alpha

    def theta(self, z: Array) -> Array:
        """Return theta as it is kept, shape (r, D)."""
        return self._lift(self._theta0 + self.unscaled(z)[0])

    def between(self, solver: Any) -> Callable[[float], Array]:
        """Return theta as a function of the times in the last step of a solver."""
        end, y = solver.t, solver.y
        dense = functools.cache(solver.dense_output)  # made where something is read before the end
        return lambda t: self.theta(y if t == end else dense()(t))

    def __call__(self, t: float, z: Array) -> Array:
        """Return dz/dt."""
        self.check()
        self.nfev += 1
        return self._alpha * self._flow(t, self.unscaled(z)).ravel()

    def jacobian(self, t: float, z: Array) -> TimedJacobian:
        """Return the Jacobian object, the same in z as in y."""
        self.check()
        self.njev += 1
        return TimedJacobian(self._flow.jacobian(t, self.unscaled(z)), self.check)

    def residuals(self, dtype: type[np.floating[Any]]) -> TimedResiduals:
        """Return the residuals whose mean square moves the flow."""
        assert isinstance(self._flow, LeastSquares)  # the plan has chosen a method for it
        return TimedResiduals(self._flow.residuals(dtype), self)

    def check(self) -> None:
        """End the run when its time is up."""
        if time.perf_counter() > self._deadline:
            raise _TimeUp

    def dense_jacobian(self, t: float, z: Array) -> Array:
        """Return the Jacobian as a matrix."""
        return self.jacobian(t, z).dense()


class TimedJacobian:
    """A Jacobian that looks at the clock before each product or factorisation."""

    def __init__(self, J: Jacobian, check: Callable[[], None]) -> None:
        self._J, self._check = J, check

    def times(self, d: Array) -> Array:
        """Return J d, shape (n,)."""
        self._check()
        return self._J.times(d)

    def dense(self) -> Array:
        """Return J, shape (n, n)."""
        return self._J.dense()

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J) d = R."""
        self._check()
        return self._J.factor(shift)


class TimedResiduals:
    """Residuals that look at the clock and count, once an evaluation."""

    def __init__(self, residuals: Residuals, flow: ScaledFlow) -> None:
        self._residuals, self._flow = residuals, flow
        self.n, self.samples, self.small = residuals.n, residuals.samples, residuals.small
        self.mean_square_label = residuals.mean_square_label

    def size(self, z: Array) -> float:
        """Scale of the relative changes of theta, in units of z^2."""
        return self._residuals.size(z)

    def at(self, z: Array) -> Linearization:
        """Return the residuals and their derivative at z, shape (n,)."""
        self._flow.check()
        self._flow.nfev += 1
        return self._residuals.at(z)

    def compiled_step(
        self, z: Array, history: Array, c: float, implicit: float
    ) -> tuple[Linearization, Array, Array] | None:
        """Solve the linearised step at z in one compiled call."""
        self._flow.check()
        self._flow.nfev += 1
        return self._residuals.compiled_step(z, history, c, implicit)


class _TimeUp(Exception):
    """The wall-clock limit has passed."""


def integrate(
    flow: Flow,
    theta0: Array,
    alpha: float,
    times: Sequence[float],
    method: Method,
    control: Control,
    moved: Array | float = 0.0,
) -> Trajectory:
    """Integrate a flow and keep it at the given times.

    Parameters
    ----------
    flow : Flow
    theta0 : ndarray, shape (r, D)
    alpha : float
        Output scale, the unit of the error.
    times : sequence of float
        Increasing, from 0 on.
    method : Method
    control : Control
    moved : ndarray, shape (r, D), or float
        By how much theta is not theta0 at time 0.

    Returns
    -------
    Trajectory

    Raises
    ------
    SolverFailed
        If the solver gives up or produces a number that is not finite.
    """
    started = time.perf_counter()
    scaled = ScaledFlow(flow, theta0, alpha, started + control.time_limit, control.lift)
    jac: dict[str, dict[str, Any]] = {
        "none": {},
        "dense": {"jac": scaled.dense_jacobian},
        "structured": {"jac": scaled.jacobian},
        "residuals": {"residuals": scaled.residuals},
    }
    z0 = alpha * flow.start(np.zeros_like(theta0) + moved)
    status, t, steps, saved = Status.DONE, 0.0, 0, 0
    try:
        while saved < len(times) and times[saved] <= 0:
            control.keep(0.0, control.lift(theta0 + moved))
            saved += 1
        if saved < len(times):
            options = {**method.options, **jac[method.jacobian]}
            solver = method.cls(scaled, 0.0, z0.ravel(), times[-1], **options)
        while saved < len(times):
            message = solver.step()
            if solver.status == "failed" or not np.isfinite(solver.y).all():
                raise SolverFailed(
                    f"{method.name} gave up at t = {solver.t:.6g} ({message or 'not finite'}); "
                    "try another --solver, or another --rtol"
                )
            steps += 1
            t = solver.t
            known = solver.loss if method.jacobian == "residuals" else None
            interval = DenseInterval(solver.t_old, t, scaled.between(solver), known)
            while saved < len(times) and (times[saved] <= t or solver.status == "finished"):
                control.keep(times[saved], interval.theta(min(times[saved], t)))
                saved += 1
            control.progress(t / times[-1])
            if control.watch.see(interval):
                status = Status.STOPPED if saved < len(times) else Status.DONE
                break
    except _TimeUp:
        status = Status.TIME_LIMIT
    if status is not Status.DONE and (not saved or times[saved - 1] < t):
        # a curve that ends early ends where the run did
        control.keep(t, scaled.theta(solver.y) if steps else control.lift(theta0 + moved))
    seconds = time.perf_counter() - started
    work = Work(method=method.name, nfev=scaled.nfev, njev=scaled.njev, seconds=seconds, steps=steps)
    return Trajectory(status=status, t_end=t, work=work)


# ---- maps


@dataclass(frozen=True, slots=True, eq=False)
class StepInterval:
    """A stretch of steps, made again where a watch asks for what lies inside."""

    map: Map
    k_old: int
    y_old: Array
    last_two: tuple[tuple[int, Array], ...]
    lift: Lift = _same
    smooth: ClassVar[bool] = False
    loss: ClassVar[None] = None

    @property
    def t_old(self) -> float:
        """Where it starts."""
        return self.map.time(self.k_old)

    def end(self) -> tuple[float, Array]:
        """Return time and theta where it ends."""
        k, y = self.last_two[-1]
        return self.map.time(k), self.lift(y[0])

    def inside(self) -> Iterator[tuple[float, Array]]:
        """Yield the last step but one: near the edge of stability a loss alternates between odd and even ones."""
        for k, y in self.last_two[:-1]:
            yield self.map.time(k), self.lift(y[0])

    def refine(self, loss: Loss, threshold: float, above: Reading, below: Reading) -> float:
        """Step again to the first step below the threshold."""
        k, y = self.k_old, self.y_old
        while self.map.time(k) < below[0]:
            y = self.map.step(k, y)
            k += 1
            if loss(self.lift(y[0])) < threshold:
                break
        return self.map.time(k)


LOOKS = 400
"""A map is looked at every step up to this one, then every 1/400 of the steps made."""


BURST = 100
"""Steps between two looks at the clock."""


def start_of(map: Map, theta0: Array) -> Array:
    """Return the y of a map at the start, its memories empty."""
    y = np.zeros((1 + map.memories, *theta0.shape))
    y[0] = theta0
    return y


def iterate(
    map: Map, theta0: Array, bound: tuple[Loss, float], steps: Sequence[int], name: str, control: Control
) -> Trajectory:
    """Iterate a map and keep it at the given steps.

    Parameters
    ----------
    map : Map
    theta0 : ndarray, shape (r, D)
    bound : (callable, float)
        The train loss, and the value beyond which it has diverged.
    steps : sequence of int
        Increasing, from 0 on.
    name : str
        The optimizer's, reported as the method.
    control : Control

    Returns
    -------
    Trajectory

    Raises
    ------
    Diverged
        If the train loss passes its bound or is not finite.
    """
    started = time.perf_counter()
    deadline = started + control.time_limit
    y = start_of(map, theta0)
    loss, ceiling = bound
    status, k, saved = Status.DONE, 0, 0
    if steps[0] == 0:
        control.keep(0.0, control.lift(theta0))
        saved = 1
    try:
        while saved < len(steps):
            k_old, y_old = k, y
            end = min(k + max(1, k // LOOKS), steps[saved])
            with np.errstate(over="ignore", invalid="ignore"):  # the ceiling below speaks of divergence
                for ahead in (*range(k + BURST, end - 1, BURST), end - 1):
                    if time.perf_counter() > deadline:
                        raise _TimeUp
                    if ahead > k:
                        y, k = map.advance(k, ahead, y), ahead
                y_before, y, k = y, map.step(k, y), end
            value = loss(y[0])
            if not value <= ceiling:
                raise Diverged(f"{name} diverged by step {k} (t = {map.time(k):.6g}, train loss {value:.3g})")
            if k == steps[saved]:
                control.keep(map.time(k), control.lift(y[0]))
                saved += 1
            control.progress(k / steps[-1])
            last = ((k, y),) if k - k_old == 1 else ((k - 1, y_before), (k, y))
            if control.watch.see(StepInterval(map, k_old, y_old, last, control.lift)):
                status = Status.STOPPED if saved < len(steps) else Status.DONE
                break
    except _TimeUp:
        status = Status.TIME_LIMIT
    if status is not Status.DONE and (not saved or steps[saved - 1] < k):
        control.keep(map.time(k), control.lift(y[0]))
    work = Work(method=name, nfev=k, njev=0, seconds=time.perf_counter() - started, steps=k)
    return Trajectory(status=status, t_end=map.time(k), work=work)
