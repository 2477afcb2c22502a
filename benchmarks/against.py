"""Figure 1's curve by grokode, beside training the network and beside general solvers of its equations.

    OPENBLAS_NUM_THREADS=1 python benchmarks/against.py [--plot against.png]
    OPENBLAS_NUM_THREADS=1 python benchmarks/against.py --full

A curve is the train and the test loss at 60 times, evenly in log time from t = 10 to 1e5, which is 100,000 steps of
dt = 1, on one thread of one core. grokode's seconds hold all of it, from the draw to the losses, once compiled. The
others' hold only steps or the integration, without compilation and without losses. Training is timed over ``--steps``
steps and scaled, unless ``--full`` makes all of them: then err of everything is against training in float64 by NumPy,
and else that of flows against Radau at 1e-8.

The general solvers integrate the plain equations of (wbar, M) at rtol 1e-3, atol 1e-6: SciPy's ``solve_ivp`` with its
defaults, and diffrax's Tsit5 under a PIDController, for no more than ``--max-steps`` steps. Kvaerno5 is not tried: it
would factorise a dense matrix of order D (D + 1) = 10,100 at every step. JAX and diffrax are in the extra
``benchmarks``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.integrate
from measuring import (
    CASES,
    DEFAULT,
    POINTS,
    Array,
    Training,
    error,
    losses,
    method_of,
    one_core,
    one_thread,
    reference_of,
    states_of,
)

from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.pace import Pace
from grokode.dynamics.problem import Problem

CASE = CASES["figure1"]
WIDTH, DT = 500, 1.0
STEPS = round(CASE.t_max / DT)
SAVED = [0, *np.rint(np.geomspace(10, STEPS, POINTS)).astype(int).tolist()]
RTOL, ATOL = 1e-3, 1e-6
TIGHT = 6e-9
"""Tolerance at which the midpoint flow is no further from training in float64 than training in float32 is."""
NUMPY = "NumPy, float64"
BATCHES = 3
"""Batches of steps that are timed, of which the fastest counts."""

State = tuple[Any, Any]
"""wbar and M."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; ``curve`` has shape (T, n), no rows where there is none."""

    name: str
    seconds: float
    curve: Array
    remark: str = ""


Made = tuple[float, Array, str]
"""Seconds, curve and remark."""


def no_curve() -> Array:
    return np.empty((0, 2))


# ---- the plain equations


def predictor(X: Any, state: State, alpha: float, eps: float) -> Any:
    """Return f at (wbar, M), shape (P,)."""
    wbar, M = state
    return alpha * (X @ wbar + eps / 2 * ((X @ M) * X).sum(axis=1))


def rate(X: Any, y: Any, f_0: Any, state: State, alpha: float, eps: float) -> State:
    """Return d(wbar, M)/dt, in NumPy or in JAX."""
    wbar, M = state
    r = predictor(X, state, alpha, eps) - f_0 - y
    g, G = X.T @ r / len(y), X.T @ (r[:, None] * X) / len(y)
    outer, product = g[:, None] * wbar, G @ M
    return -2 / alpha * (g + eps * G @ wbar), -2 / alpha * (outer + outer.T + eps * (product + product.T))


@dataclass(frozen=True, slots=True)
class Plain:
    """The problem in terms of (wbar, M), from real neurons."""

    problem: Problem
    W0: Array

    @property
    def arguments(self) -> tuple[Array, Array, Array]:
        """X, y and the predictor at the start."""
        data, network = self.problem.train.data, self.problem.network
        X = np.array(data.X)
        return X, np.array(data.y), predictor(X, self.moments(self.W0), network.alpha, network.eps)

    def moments(self, W: Array) -> State:
        """Return wbar and M of real neurons."""
        return W.mean(axis=0), W.T @ W / len(W)

    def losses(self, states: Iterable[State]) -> Array:
        """Return the train loss and the exact test loss, shape (T, 2)."""
        (X, y, f_0), network = self.arguments, self.problem.network
        law = self.problem.tests["exact"]
        return np.array(
            [
                (np.mean((predictor(X, state, network.alpha, network.eps) - f_0 - y) ** 2), law.terms(*state).total)
                for state in states
            ]
        )


# ---- rows


def grokode_flow(name: str, solver: str, rtol: float, dt: float | None = None) -> Row:
    """Return a flow's curve with everything in the clock, the fastest of three after one that compiles."""
    taken = []
    for _ in range(1 + BATCHES):
        started = time.perf_counter()
        problem = CASE.problem()
        method = method_of(problem, solver, rtol, CASE.t_max, dt)
        thetas, _ = states_of(problem, method, [float(DT * k) for k in SAVED], dt=dt)
        curve = losses(problem, thetas)
        taken.append(time.perf_counter() - started)
    return Row(name=name, seconds=min(taken[1:]), curve=curve, remark=f"{method.name}, rtol {rtol:.0e}")


Train = Callable[[Any, int], Any]


def trained(train: Train, start: Any, steps: int, curve_of: Callable[[list[Any]], Array], full: bool) -> Made:
    """Return a training, all of it or a part that is scaled; ``train(W, k)`` makes k steps."""
    train(start, 2)
    if full:
        states, taken = [start], 0.0
        for k_old, k in zip(SAVED, SAVED[1:], strict=False):
            before = time.perf_counter()
            states.append(train(states[-1], k - k_old))
            taken += time.perf_counter() - before
        return taken, curve_of(states), f"all {SAVED[-1]} steps"
    batches = []
    for _ in range(BATCHES):
        before = time.perf_counter()
        train(start, steps)
        batches.append(time.perf_counter() - before)
    return min(batches) / steps * STEPS, no_curve(), f"{steps} steps, scaled"


def grokode_descent(problem: Problem, steps: int, full: bool) -> Made:
    descent = GradientDescent().on(problem.train, Pace(DT, 1.0))

    def train(y: Array, k: int) -> Array:
        return descent.advance(0, k, y)

    start = np.array(problem.start.theta)[None]
    return trained(train, start, steps, lambda ys: losses(problem, [y[0] for y in ys]), full)


def numpy_training(plain: Plain, steps: int, full: bool) -> Made:
    X, y, f_0 = plain.arguments
    network = plain.problem.network
    lr = DT * WIDTH / network.alpha**2
    training = Training(X=X, y=y, alpha=network.alpha, eps=network.eps, lr=lr, f_0=f_0)
    curve = lambda Ws: plain.losses(plain.moments(W) for W in Ws)  # noqa: E731
    return trained(training.train, plain.W0, steps, curve, full)


def jax_training(plain: Plain, dtype: str, steps: int, full: bool) -> Made:
    """Return training by autodiff under jit, all steps of a call in one compiled loop."""
    import jax

    network = plain.problem.network
    alpha, eps, lr = network.alpha, network.eps, DT * WIDTH / network.alpha**2
    X, y, W0 = (jax.numpy.asarray(array, dtype) for array in (*plain.arguments[:2], plain.W0))

    def f(W: Any) -> Any:
        H = X @ W.T
        return alpha / WIDTH * (H + eps / 2 * H**2).sum(axis=1)

    f_0 = f(W0)
    slope = jax.grad(lambda W: ((f(W) - f_0 - y) ** 2).mean())
    loop = jax.jit(lambda W, k: jax.lax.fori_loop(0, k, lambda _, W: W - lr * slope(W), W))
    curve = lambda Ws: plain.losses(plain.moments(np.asarray(W, float)) for W in Ws)  # noqa: E731
    train = lambda W, k: loop(W, k).block_until_ready()  # noqa: E731
    return trained(train, W0, steps, curve, full)


class TooLong(Exception):
    """The limit has passed."""


def scipy_default(plain: Plain, times: Sequence[float], limit: float) -> Made:
    network, D, deadline = plain.problem.network, plain.W0.shape[1], time.perf_counter() + limit
    arguments = plain.arguments

    def split(z: Array) -> State:
        return z[:D], z[D:].reshape(D, D)

    def slope(t: float, z: Array) -> Array:
        if time.perf_counter() > deadline:
            raise TooLong(f"stopped after {limit:.0f} s at t = {t:.3g}")
        d_wbar, dM = rate(*arguments, split(z), network.alpha, network.eps)
        return np.concatenate([d_wbar, dM.ravel()])

    wbar, M = plain.moments(plain.W0)
    started = time.perf_counter()
    try:
        solution = scipy.integrate.solve_ivp(
            slope, (0.0, times[-1]), np.concatenate([wbar, M.ravel()]), t_eval=times, rtol=RTOL, atol=ATOL
        )
    except TooLong as reason:
        return np.inf, no_curve(), str(reason)
    taken = time.perf_counter() - started
    curve = plain.losses(split(z) for z in solution.y.T)
    return taken, curve, f"{solution.nfev} evaluations"


def diffrax_tsit5(plain: Plain, times: Sequence[float], max_steps: int) -> Made:
    import diffrax
    import jax

    network = plain.problem.network
    X, y, f_0 = (jax.numpy.asarray(array) for array in plain.arguments)
    term = diffrax.ODETerm(lambda t, state, _: rate(X, y, f_0, state, network.alpha, network.eps))

    def solve(state: State) -> Any:
        return diffrax.diffeqsolve(
            term,
            diffrax.Tsit5(),
            0.0,
            times[-1],
            None,
            state,
            saveat=diffrax.SaveAt(ts=jax.numpy.asarray(times)),
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL),
            max_steps=max_steps,
            throw=False,
        )

    start = tuple(jax.numpy.asarray(part) for part in plain.moments(plain.W0))
    compiled = jax.jit(solve).lower(start).compile()
    started = time.perf_counter()
    solution = jax.block_until_ready(compiled(start))
    taken = time.perf_counter() - started
    steps = int(solution.stats["num_steps"])
    if solution.result != diffrax.RESULTS.successful:
        return np.inf, no_curve(), f"stopped after {steps} steps, {taken:.0f} s"
    curve = plain.losses(zip(*(np.asarray(part) for part in solution.ys), strict=True))
    return taken, curve, f"{steps} steps"


# ---- the table


def rows(options: argparse.Namespace, problem: Problem) -> Iterator[Row]:
    """Make one row after the other; what is not installed is said."""
    start = problem.start
    plain = Plain(problem, start.neurons(WIDTH, np.random.default_rng(0)))
    times = [float(DT * k) for k in SAVED]
    yield grokode_flow("grokode, gradient flow", "auto", DEFAULT)
    yield grokode_flow("grokode, midpoint flow", "auto", DEFAULT, DT)
    yield grokode_flow("grokode, midpoint flow", "log_bdf", TIGHT, DT)
    for name, make in {
        "grokode, descent": lambda: grokode_descent(problem, options.steps, options.full),
        NUMPY: lambda: numpy_training(plain, options.steps, options.full),
        "JAX, float64": lambda: jax_training(plain, "float64", options.steps, options.full),
        "JAX, float32": lambda: jax_training(plain, "float32", options.steps, options.full),
        "SciPy, solve_ivp (RK45)": lambda: scipy_default(plain, times, options.limit),
        "diffrax, Tsit5": lambda: diffrax_tsit5(plain, times, options.max_steps),
    }.items():
        try:
            seconds, curve, remark = make()
        except ModuleNotFoundError:
            seconds, curve, remark = np.inf, no_curve(), "not installed: pip install '.[benchmarks]'"
        yield Row(name=name, seconds=seconds, curve=curve, remark=remark)


def draw(made: Sequence[Row], path: str) -> None:
    """Draw the seconds as bars."""
    from matplotlib.figure import Figure

    shown = [row for row in made if np.isfinite(row.seconds)]
    figure = Figure(figsize=(6, 0.4 * len(shown) + 1), layout="constrained")
    ax = figure.subplots()
    bars = ax.barh([row.name for row in shown], [row.seconds for row in shown])
    ax.bar_label(bars, [f"{row.seconds:.3g} s" for row in shown], padding=3)
    ax.set(xscale="log", xlabel="seconds of one curve of figure 1, one thread")
    ax.margins(x=0.2)
    ax.invert_yaxis()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=500, help="steps of training that are timed")
    parser.add_argument("--full", action="store_true", help="train all 100,000 steps, about twenty minutes")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds of solve_ivp")
    parser.add_argument("--max-steps", type=int, default=20_000, help="of diffrax")
    parser.add_argument("--plot", help="file of the picture")
    options = parser.parse_args()
    # as JAX is imported
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    one_core()
    one_thread()
    problem = CASE.problem()
    made = []
    for row in rows(options, problem):
        print(f"{row.name:24s} {row.seconds:10.3f} s  {row.remark}", flush=True)
        made.append(row)
    known = {row.name: row for row in made}
    reference = known[NUMPY].curve if options.full else reference_of(problem, [DT * k for k in SAVED])
    print(f"\n{'':24s} {'seconds':>10s} {'ratio':>9s}  err against {'training' if options.full else 'Radau'}")
    for row in made:
        err = f"{error(problem, row.curve, reference):.1e}" if len(row.curve) else "-"
        print(f"{row.name:24s} {row.seconds:10.3f} {row.seconds / made[0].seconds:9.0f}  {err:8s} {row.remark}")
    if options.plot:
        draw(made, options.plot)


if __name__ == "__main__":
    main()
