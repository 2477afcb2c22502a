"""Work against accuracy of every solver, and of CVODE, on figures 1, 3e and 4.

    OPENBLAS_NUM_THREADS=1 python benchmarks/work_precision.py [--plot work.png]
    OPENBLAS_NUM_THREADS=1 python benchmarks/work_precision.py --cases figure1,figure4 --solvers auto --rtols 1e-6

One row a case, solver and tolerance: evaluations (products with a Jacobian are none), steps, seconds of the integration
alone (losses are computed outside the clock), the same in equivalents (eq), that is in right-hand sides timed in turns
with it, and err, the largest |L - L_ref| / max(L_ref, 1e-3 min(L_ref(0), mean y^2)) over 60 saved times, train and
test, against Radau at 1e-8 with the exact Jacobian. What takes longer than ``--limit`` is named, and not asked for a
tighter tolerance. ``auto`` at its default tolerance has a goal: 200 equivalents on figure 1, 250 on each corner of
figure 3e. Figure 4 also has the 50,000 steps of gradient descent, which is another curve than the flow's. Exits 4 where
``auto`` fails, or its err, at its default tolerance or below, is more than 3e-3.

CVODE is SUNDIALS' BDF through scikit-sundae (the extra ``benchmarks``), with GMRES on exact products with the Jacobian;
``cvode_structured`` is preconditioned by the exact structured solve.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from measuring import (
    CASES,
    DEFAULT,
    HEAD,
    Array,
    Case,
    cost,
    dgemm_fraction,
    error,
    losses,
    method_of,
    one_thread,
    reference_of,
    states_of,
)
from promise import PROMISE

import grokode
from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.pace import Pace
from grokode.dynamics.plan import ceiling, tolerances
from grokode.dynamics.problem import Problem
from grokode.dynamics.risks.jacobian import Jacobian
from grokode.dynamics.solvers import SOLVERS
from grokode.dynamics.trajectory import Control, Unwatched, iterate
from grokode.outcome import Status

CVODE = ("cvode_gmres", "cvode_structured")
SOLVER_NAMES = [*SOLVERS, *CVODE]
REPEATABLE = 2.0
"""Seconds beyond which one run is enough."""


class TooLong(Exception):
    """The limit has passed."""


@dataclass(slots=True)
class Outcome:
    """What one integration gave."""

    seconds: float
    evaluations: int
    steps: int
    thetas: list[Array]


Integration = Callable[[], Outcome]


def by_grokode(problem: Problem, case: Case, solver: str, rtol: float, limit: float) -> tuple[str, Integration]:
    """Return the name of the method, and the integration: planning is in the clock."""
    method = method_of(problem, solver, rtol, case.t_max)
    if method.jacobian == "dense" and method.seconds > limit:  # one factorisation cannot be interrupted
        raise TooLong(f"not run: estimated to take {method.seconds:.0f} s")

    def integration() -> Outcome:
        started = time.perf_counter()
        thetas, trajectory = states_of(problem, method_of(problem, solver, rtol, case.t_max), case.times, limit)
        taken = time.perf_counter() - started
        if trajectory.status is Status.TIME_LIMIT:
            raise TooLong(f"stopped after {limit:.0f} s at t = {trajectory.t_end:.3g}")
        return Outcome(taken, trajectory.work.nfev, trajectory.work.steps, thetas)

    return method.name, integration


class Linear:
    """What CVODE asks about the Jacobian."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._J = self._preconditioned = self._at(np.zeros(problem.start.V.size))
        self._solve = self._J.times

    def _at(self, z: Array) -> Jacobian:
        start = self._problem.start.V
        return self._problem.train.jacobian(start + z.reshape(start.shape) / self._problem.network.alpha)

    def set_product(self, t: float, z: Array, dz: Array) -> None:
        """Take the state at which products will be asked for."""
        self._J = self._at(z)

    def product(self, t: float, z: Array, dz: Array, v: Array, Jv: Array) -> None:
        """Fill Jv with J v."""
        Jv[:] = self._J.times(v)

    def set_solve(self, t: float, z: Array, dz: Array, jok: bool, jnew: list[bool], gamma: float) -> None:
        """Factorise I - gamma J, at an old state where CVODE allows it."""
        jnew[0] = not jok
        if not jok:
            self._preconditioned = self._at(z)
        self._solve = self._preconditioned.factor(1 / gamma)

    def solve(self, t: float, z: Array, dz: Array, R: Array, d: Array, gamma: float, delta: float, lr: int) -> None:
        """Fill d with the solution of (I - gamma J) d = R."""
        d[:] = self._solve(np.array(R) / gamma)


def by_cvode(problem: Problem, case: Case, name: str, rtol: float, limit: float) -> tuple[str, Integration]:
    """Return CVODE in the coordinates z = alpha (V - V_0), at the tolerances that other methods are given."""
    from sksundae.cvode import CVODE as Solver
    from sksundae.cvode import CVODEJacTimes, CVODEPrecond

    risk, start, alpha = problem.train, problem.start.V, problem.network.alpha
    scaled, atol = tolerances(risk, risk.loss(start), rtol)

    def integration() -> Outcome:
        linear, evaluations, started = Linear(problem), 0, time.perf_counter()

        def force(t: float, z: Array, dz: Array) -> None:
            nonlocal evaluations
            evaluations += 1
            if time.perf_counter() - started > limit:
                raise TooLong(f"stopped after {limit:.0f} s at t = {t:.3g}")
            dz[:] = alpha * risk.loss_force_moved(z.reshape(start.shape) / alpha)[1].ravel()

        options = {"precond": CVODEPrecond(linear.set_solve, linear.solve)} if name == "cvode_structured" else {}
        products = CVODEJacTimes(linear.set_product, linear.product)
        solver = Solver(
            force, rtol=scaled, atol=atol, linsolver="gmres", jactimes=products, max_num_steps=10**6, **options
        )
        solution = solver.solve(np.array(case.times), np.zeros(start.size))
        if not solution.success:
            raise TooLong(f"gave up: {solution.message}")
        thetas = [start + z.reshape(start.shape) / alpha for z in solution.y]
        return Outcome(time.perf_counter() - started, evaluations, 0, thetas)  # it does not tell its steps

    return "cvode", integration


def by_descent(problem: Problem, case: Case, steps: int) -> Integration:
    """Return gradient descent to the end of the case in so many steps."""

    def integration() -> Outcome:
        thetas: list[Array] = []
        dt, theta0 = case.t_max / steps, np.array(problem.start.theta)
        saved = np.unique(np.rint(np.array(case.times) / dt).astype(int)).tolist()
        keep = Control(
            keep=lambda t, theta: thetas.append(np.array(theta)),
            watch=Unwatched(),
            time_limit=np.inf,
            progress=lambda part: None,
        )
        bound = problem.train.loss, ceiling(problem.train, theta0)
        started = time.perf_counter()
        made = iterate(
            GradientDescent().on(problem.train, Pace(dt, 1.0)), theta0, bound, saved, "gradient_descent", keep
        )
        return Outcome(time.perf_counter() - started, made.work.nfev, made.work.steps, thetas)

    return integration


Points = dict[str, list[tuple[float, float]]]
"""err and equivalents by solver."""


def measure(name: str, options: argparse.Namespace) -> tuple[Points, bool]:
    """Print the rows of a case; return its points, and whether auto kept its promise."""
    case, kept = CASES[name], True
    points: Points = {}
    problem = case.problem()
    rhs, fraction = dgemm_fraction(problem)
    print(f"{name}: a right-hand side takes {1e3 * rhs:.4f} ms = {100 * fraction:.1f} % of the DGEMM rate", flush=True)
    reference = reference_of(problem, case.times)
    for solver in options.solvers:
        for rtol in options.rtols:
            row = f"  {solver:16s} {rtol:7.0e}"
            choose = by_cvode if solver in CVODE else by_grokode
            try:
                method, integration = choose(problem, case, solver, rtol, options.limit)
                outcome = integration()
                repeats = options.repeats if outcome.seconds < REPEATABLE else 1
                paid = cost(problem, lambda run=integration: run().seconds, repeats)
            except TooLong as reason:
                print(f"{row} {reason}", flush=True)
                kept &= solver != "auto"
                break  # a tighter tolerance takes longer
            except grokode.RunFailed as reason:
                print(f"{row} {reason}", flush=True)
                kept &= solver != "auto"
                continue
            except ModuleNotFoundError:
                print(f"  {solver:16s} not installed: pip install '.[benchmarks]'")
                break
            err = error(problem, losses(problem, outcome.thetas), reference)
            points.setdefault(solver, []).append((err, paid.median))
            goal = f"{case.goal:6.0f}" if solver == "auto" and rtol == DEFAULT and np.isfinite(case.goal) else ""
            print(
                f"{row} {method:9s} {outcome.evaluations:7d} {outcome.steps or '-':>6} {paid}  {err:.1e} {goal}",
                flush=True,
            )
            kept &= not (solver == "auto" and rtol <= DEFAULT and err > PROMISE)
    if name == "figure4":
        integration = by_descent(problem, case, 50_000)
        outcome = integration()
        paid = cost(problem, lambda: integration().seconds, options.repeats)
        print(f"  gradient_descent                 {outcome.evaluations:9d} {outcome.steps:6d} {paid}  not the flow")
    return points, kept


def draw(measured: dict[str, Points], path: str) -> None:
    """Draw err against equivalents, one panel a case."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(3 * len(measured) + 2, 3.6), layout="constrained")
    axes = figure.subplots(1, len(measured), squeeze=False, sharey=True)[0]
    colors = dict(zip(SOLVER_NAMES, matplotlib.colormaps["tab20"].colors, strict=False))
    lines = {}
    for ax, (name, points) in zip(axes, measured.items(), strict=True):
        for solver, pairs in points.items():
            errors, paid = np.array(pairs).T
            (lines[solver],) = ax.loglog(paid, errors, "o-", color=colors[solver])
        ax.axhline(PROMISE, color="0.6", linewidth=1)
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set(title=name, xlabel="time (right-hand sides)")
    axes[0].set(ylabel="err")
    figure.legend(list(lines.values()), list(lines), loc="outside right upper")
    figure.savefig(path)


def listed(text: str) -> list[str]:
    return text.split(",")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=listed, default=list(CASES), help=f"of {','.join(CASES)}")
    parser.add_argument("--solvers", type=listed, default=SOLVER_NAMES, help=f"of {','.join(SOLVER_NAMES)}")
    parser.add_argument(
        "--rtols", type=lambda text: [float(part) for part in listed(text)], default=[1e-3, 1e-4, 1e-5, DEFAULT, 1e-7]
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=30.0, help="seconds an integration")
    parser.add_argument("--plot", help="file of the picture")
    options = parser.parse_args()
    one_thread()
    print(f"  {'solver':16s} {'rtol':>7s} {'method':9s} {'evals':>7s} {'steps':>6s} {HEAD}  err      goal (med. eq)")
    measured, good = {}, True
    for name in options.cases:
        measured[name], kept = measure(name, options)
        good &= kept
    if options.plot:
        draw(measured, options.plot)
    sys.exit(0 if good else 4)


if __name__ == "__main__":
    main()
