"""What the benchmarks of speed share: cases, one thread, integrations without losses, and a right-hand side's time.

An *equivalent* is the time of one float64 right-hand side of the case on one thread. Only ``grokode`` and NumPy are
needed; other packages are imported by the benchmarks that compare with them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import grokode
from grokode.dynamics.optimizers.gradient_flow import GradientFlow
from grokode.dynamics.optimizers.midpoint_flow import MidpointFlow
from grokode.dynamics.pace import Pace
from grokode.dynamics.plan import plan
from grokode.dynamics.problem import Problem
from grokode.dynamics.protocols import Flow, Method
from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.solvers import SOLVERS
from grokode.dynamics.trajectory import Control, Trajectory, Unwatched, integrate
from grokode.experiment.guard import distance
from grokode.memory import free_memory

Array = NDArray[np.float64]
DEFAULT = float(grokode.Experiment.model_fields["rtol"].default)
POINTS = 60
TURN = 25
"""Right-hand sides timed before and after an integration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A set-up, its flow time, and the equivalents that ``auto`` may cost."""

    preset: str
    parameters: Mapping[str, float]
    t_max: float
    goal: float = np.inf

    @property
    def times(self) -> list[float]:
        """0 and 60 times, evenly in log time over the seven decades that a run saves by default."""
        return [0.0, *np.geomspace(1e-7 * self.t_max, self.t_max, POINTS).tolist()]

    def problem(self) -> Problem:
        """Draw it."""
        return grokode.problem(self.preset, **self.parameters)


CASES = {
    "figure1": Case(preset="kumar-fig1", parameters={}, t_max=1e5, goal=200),
    **{
        f"corner:{alpha}:{eps}": Case(
            preset="kumar-fig3e", parameters={"alpha": alpha, "eps": eps}, t_max=2.2e6, goal=250
        )
        for alpha, eps in ((0.4, 0.02), (5.6, 0.02), (0.4, 0.28), (5.6, 0.28))
    },
    "figure4": Case(preset="kumar-fig4", parameters={}, t_max=25_000.0),
}


def one_thread() -> None:
    """Use one thread for matrix products."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)


def one_core() -> None:
    """Keep this process, and every thread that it starts later, on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def seconds(call: Callable[[], object], budget: float = 0.5) -> float:
    """Return the lowest decile of many calls: other work on the machine only adds."""
    call()
    taken, started = [], time.perf_counter()
    while time.perf_counter() - started < budget or len(taken) < 3:
        before = time.perf_counter()
        call()
        taken.append(time.perf_counter() - before)
    return float(np.quantile(taken, 0.1))


# ---- losses


def losses(problem: Problem, thetas: Sequence[Array]) -> Array:
    """Return the train loss and every test loss, shape (T, n)."""
    risks = [problem.train, *problem.tests.values()]
    return np.array([[risk.loss(theta) for risk in risks] for theta in thetas])


def error(problem: Problem, ours: Array, reference: Array) -> float:
    """Return err at the times that ``ours`` has, the first of the reference's."""
    floors = np.minimum(reference[0], problem.train.mean_square_label)
    return distance(ours, reference[: len(ours)], floors)


# ---- integrations


def flow_of(problem: Problem, dt: float | None) -> Flow:
    """Return the gradient flow, or the flow that follows descent with a step."""
    return MidpointFlow().on(problem.train, Pace(dt, 1.0)) if dt else GradientFlow().on(problem.train)


def method_of(problem: Problem, solver: str, rtol: float, t_max: float, dt: float | None = None) -> Method:
    """Choose the method as a run does."""
    theta0, built = np.array(problem.start.theta), SOLVERS.build(solver)
    return plan(flow_of(problem, dt), problem.train, theta0, built, rtol=rtol, t_max=t_max, memory=free_memory())


def states_of(
    problem: Problem, method: Method, times: Sequence[float], limit: float = np.inf, dt: float | None = None
) -> tuple[list[Array], Trajectory]:
    """Integrate with nobody watching; return theta at the times, and what the trajectory says of the work."""
    thetas: list[Array] = []
    control = Control(
        keep=lambda t, theta: thetas.append(np.array(theta)),
        watch=Unwatched(),
        time_limit=limit,
        progress=lambda part: None,
    )
    theta0 = np.array(problem.start.theta)
    return thetas, integrate(flow_of(problem, dt), theta0, problem.network.alpha, times, method, control)


def reference_of(problem: Problem, times: Sequence[float]) -> Array:
    """Return the losses of Radau with the exact Jacobian at a relative tolerance of 1e-8."""
    thetas, _ = states_of(problem, method_of(problem, "radau", 1e-8, times[-1]), times)
    return losses(problem, thetas)


# ---- the unit


def moved(problem: Problem) -> Array:
    """Return a change of the weights, to time right-hand sides at."""
    return 1e-3 * np.random.default_rng(0).standard_normal(problem.start.V.shape)


def right_hand_side(problem: Problem, rounds: int = TURN) -> list[float]:
    """Return the seconds of some right-hand sides."""
    dV, taken = moved(problem), []
    for _ in range(rounds):
        started = time.perf_counter()
        problem.train.loss_force_moved(dV)
        taken.append(time.perf_counter() - started)
    return taken


def dgemm_fraction(problem: Problem, rounds: int = 400) -> tuple[float, float]:
    """Return seconds of one right-hand side, and its rate over that of its two products alone, timed in turns."""
    assert isinstance(problem.train, EmpiricalRisk)
    X = np.array(problem.train.data.X)
    XT = np.ascontiguousarray(X.T)
    dV = moved(problem)
    H, F = np.empty((len(dV), len(X))), np.empty_like(dV)
    ours, products = [], []
    for _ in range(rounds):
        ours += right_hand_side(problem, 1)
        started = time.perf_counter()
        np.dot(dV, XT, out=H)
        np.dot(H, X, out=F)
        products.append(time.perf_counter() - started)
    return float(np.median(ours)), float(np.median(products) / np.median(ours))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds of some repeats, and the equivalents of each by right-hand sides timed around it."""

    seconds: list[float]
    equivalents: list[float]

    def __str__(self) -> str:
        equivalents = f"{np.min(self.equivalents):8.0f} {self.median:8.0f}"
        return f"{np.min(self.seconds):9.4f} {np.median(self.seconds):9.4f} {equivalents}"

    @property
    def median(self) -> float:
        """Median of the equivalents."""
        return float(np.median(self.equivalents))


HEAD = f"{'min s':>9s} {'median s':>9s} {'min eq':>8s} {'med. eq':>8s}"


def cost(problem: Problem, call: Callable[[], float], repeats: int, budget: float = 20.0) -> Cost:
    """Time a call that returns its seconds, in turns with right-hand sides; no new repeat begins after the budget."""
    taken, equivalents = [], []
    while len(taken) < repeats and sum(taken) <= budget:
        before = right_hand_side(problem)
        taken.append(call())
        equivalents.append(taken[-1] / float(np.median(before + right_hand_side(problem))))
    return Cost(seconds=taken, equivalents=equivalents)


# ---- training as it is done without a theory


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Training:
    """Full-batch descent of real neurons, in plain NumPy without needless passes over (P, N) arrays."""

    X: Array
    y: Array
    alpha: float
    eps: float
    lr: float
    f_0: Array | float = 0.0

    def f(self, H: Array) -> Array:
        """Return the predictor from the preactivations, shape (P,)."""
        squares = np.einsum("pn,pn->p", H, H)  # no temporary of H's size
        return self.alpha / H.shape[1] * (H.sum(axis=1) + self.eps / 2 * squares)

    def train(self, W: Array, steps: int) -> Array:
        """Return the weights, shape (N, D), after some steps."""
        W, scale = W.copy(), 2 * self.lr * self.alpha / len(W) / len(self.y)
        for _ in range(steps):
            H = self.X @ W.T
            residual = self.f(H) - self.f_0 - self.y
            H *= self.eps
            H += 1
            H *= (scale * residual)[:, None]
            W -= H.T @ self.X
        return W

    def loss(self, W: Array) -> float:
        """Return the mean squared residual."""
        return float(np.mean((self.f(self.X @ W.T) - self.f_0 - self.y) ** 2))
