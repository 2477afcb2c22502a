"""The one place that integrates: what it keeps, how it ends, and that it never ends in silence."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.integrate

from grokode.dynamics import trajectory
from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.optimizers.gradient_flow import GradientFlow, SampleGradientFlowOn
from grokode.dynamics.pace import Pace
from grokode.dynamics.plan import plan
from grokode.dynamics.protocols import Method
from grokode.dynamics.risks.residuals import Residuals
from grokode.dynamics.solvers import SOLVERS
from grokode.dynamics.trajectory import Control, DenseInterval, integrate, iterate
from grokode.errors import Diverged, SolverFailed
from grokode.outcome import Status

TIMES = [0.0, 0.3, 1.0, 30.0]


class Record:
    """Everything a run shows: what it kept, how far it said it was, and what a watch saw."""

    def __init__(self, *, stop_after=np.inf, time_limit=np.inf):
        self.t, self.theta, self.fractions, self.intervals, self._stop_after = [], [], [], [], stop_after
        self.control = Control(keep=self.keep, watch=self, time_limit=time_limit, progress=self.fractions.append)

    def keep(self, t, theta):
        self.t.append(t)
        self.theta.append(np.array(theta))

    def see(self, interval):
        self.intervals.append((interval.t_old, [t for t, _ in (*interval.inside(), interval.end())]))
        return len(self.intervals) >= self._stop_after


@pytest.fixture
def problem(make_problem):
    return make_problem()


@pytest.fixture(scope="module")
def reference(make_problem, reference_flow):
    """Integrate ``problem`` by SciPy alone."""
    problem = make_problem()
    return reference_flow(problem.train, problem.start.V, TIMES)


def go(problem, record, *, solver="bdf", flow=None, times=TIMES, rtol=1e-8, method=None):
    flow = flow or GradientFlow().on(problem.train)
    theta0 = np.array(problem.start.V)
    method = method or plan(flow, problem.train, theta0, SOLVERS.build(solver), rtol=rtol, t_max=times[-1], memory=1e10)
    return integrate(flow, theta0, problem.network.alpha, times, method, record.control)


@pytest.mark.parametrize("solver", list(SOLVERS))
def test_every_solver_keeps_exactly_the_times_asked_for(problem, reference, solver):
    record = Record()
    result = go(problem, record, solver=solver)
    assert record.t == TIMES
    assert result.status is Status.DONE
    assert result.t_end == pytest.approx(TIMES[-1], rel=1e-12)
    assert result.work.nfev > 0
    assert result.work.steps == len(record.intervals)
    np.testing.assert_array_equal(record.theta[0], problem.start.V)
    # dense output between steps is of lower order than the steps: 1e-8 asked, 1e-4 certain
    np.testing.assert_allclose(record.theta, reference, atol=1e-4)


def test_every_evaluation_is_counted(problem):
    counted = []

    class CountingResiduals(Residuals):
        def at(self, z):
            counted.append(z)
            return super().at(z)

        def compiled_step(self, z, *step):
            counted.append(z)
            return super().compiled_step(z, *step)

    class Counting(SampleGradientFlowOn):
        def __call__(self, t, y):
            counted.append(t)
            return super().__call__(t, y)

        def residuals(self, dtype):
            return CountingResiduals(problem.train, dtype)

    flow = Counting(problem.train)
    for solver in SOLVERS:
        method = plan(flow, problem.train, problem.start.V, SOLVERS.build(solver), rtol=1e-5, t_max=30.0, memory=1e10)
        counted.clear()
        assert go(problem, Record(), flow=flow, method=method).work.nfev == len(counted)


def test_intervals_cover_the_run_without_gaps(problem):
    record = Record()
    go(problem, record)
    ends = [probes[-1] for _, probes in record.intervals]
    assert record.intervals[0][0] == 0
    np.testing.assert_array_equal([start for start, _ in record.intervals[1:]], ends[:-1])
    assert ends[-1] == TIMES[-1]
    assert record.fractions == sorted(record.fractions)
    assert record.fractions[-1] == 1


def test_what_is_kept_does_not_depend_on_what_else_is_kept(problem):
    few, many = Record(), Record()
    go(problem, few)
    go(problem, many, times=sorted({*TIMES, *np.linspace(0.01, 29, 57)}))
    for t, theta in zip(few.t, few.theta, strict=True):
        np.testing.assert_array_equal(many.theta[many.t.index(t)], theta)


def test_a_watch_ends_the_run_and_the_curve_ends_there(problem):
    record = Record(stop_after=3)
    result = go(problem, record)
    assert result.status is Status.STOPPED
    assert result.work.steps == 3
    assert record.t[-1] == result.t_end == record.intervals[-1][1][-1]


def test_a_watch_that_stops_at_the_very_end_leaves_the_run_done(problem):
    whole = Record()
    go(problem, whole)
    again = Record(stop_after=len(whole.intervals))
    assert go(problem, again).status is Status.DONE
    assert again.t == TIMES


def test_the_time_limit_keeps_what_was_computed(problem, monkeypatch):
    ticks = iter(range(10**9))
    monkeypatch.setattr(trajectory, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    record = Record(time_limit=40.5)  # a clock that ticks at every look: the 40th evaluation is too late
    method = plan(
        GradientFlow().on(problem.train), problem.train, problem.start.V, SOLVERS.build("bdf"),
        rtol=1e-8, t_max=TIMES[-1], memory=1e10,
    )  # fmt: skip
    result = go(problem, record, method=method)
    assert result.status is Status.TIME_LIMIT
    assert 0 < result.t_end < TIMES[-1]
    assert record.t[-1] == result.t_end
    assert record.t[:-1] == [t for t in TIMES if t < result.t_end]


# ---- failures


@pytest.mark.parametrize("solver", list(SOLVERS))
def test_a_force_that_is_no_number_is_a_failure(problem, reference, solver):
    moved_by_1 = 0.99 * problem.network.alpha * np.linalg.norm(reference[2] - problem.start.V)

    class PoisonedResiduals(Residuals):
        def at(self, z):
            here = super().at(z)
            if np.linalg.norm(z) > moved_by_1:
                here.loss = np.nan
            return here

        def compiled_step(self, z, *step):
            return super().compiled_step(z, *step) if np.linalg.norm(z) <= moved_by_1 else None

    class Poisoned(SampleGradientFlowOn):
        def __call__(self, t, y):
            return super().__call__(t, y) * (np.nan if t > 1 else 1)

        def residuals(self, dtype):
            return PoisonedResiduals(problem.train, dtype)

    record = Record()
    with pytest.raises(SolverFailed, match=r"gave up at t = .*try another --solver"):
        go(problem, record, solver=solver, flow=Poisoned(problem.train), rtol=1e-5)
    assert max(record.t) <= 1


class Quitter(scipy.integrate.RK45):
    """Fails at its fourth step, as a solver does: a status and fewer points, no exception."""

    def _step_impl(self):
        self.made = getattr(self, "made", 0) + 1
        return (False, "enough") if self.made == 4 else super()._step_impl()


class Dreamer(scipy.integrate.RK45):
    """Says all is well and returns infinity."""

    def _step_impl(self):
        done = super()._step_impl()
        self.y = self.y * np.inf
        return done


@pytest.mark.parametrize(("cls", "word"), [(Quitter, "enough"), (Dreamer, "not finite")])
def test_a_solver_that_fails_is_an_error_and_never_a_shorter_curve(problem, cls, word):
    method = Method("broken", cls, "none", {"rtol": 1e-5, "atol": 1e-8}, 0.0)
    with pytest.raises(SolverFailed, match=f"broken gave up at t = .*{word}"):
        go(problem, Record(), method=method)


# ---- maps


def test_a_map_is_its_own_loop(problem):
    map = GradientDescent().on(problem.train, Pace(0.2, 1.0))
    steps, record, theta = [0, 1, 2, 7, 500, 1203], Record(), np.array(problem.start.V)
    result = iterate(map, theta, (problem.train.loss, np.inf), steps, "gd", record.control)
    for k in range(steps[-1] + 1):
        if k in steps:
            np.testing.assert_array_equal(record.theta[steps.index(k)], theta)
            assert record.t[steps.index(k)] == pytest.approx(0.2 * k, rel=1e-15)
        theta = theta + 0.2 * problem.train.force(theta)
    assert result.status is Status.DONE
    assert result.work.steps == steps[-1]
    assert record.fractions[-1] == 1


def test_a_map_is_looked_at_densely(problem):
    """Every step up to LOOKS, then at least every 1/LOOKS of the steps made."""
    record = Record()
    map = GradientDescent().on(problem.train, Pace(0.01, 1.0))
    iterate(map, problem.start.V, (problem.train.loss, np.inf), [5000], "gd", record.control)
    looks = np.rint([probes[-1] / 0.01 for _, probes in record.intervals]).astype(int)
    gaps = np.diff(looks)
    assert np.all(gaps[looks[1:] <= trajectory.LOOKS] == 1)
    assert np.all(gaps <= np.maximum(1, looks[:-1] // trajectory.LOOKS))


def test_a_map_can_be_stopped_and_limited(problem):
    map = GradientDescent().on(problem.train, Pace(0.1, 1.0))
    bound = problem.train.loss, np.inf
    stopped = Record(stop_after=5)
    result = iterate(map, problem.start.V, bound, [0, 100], "gd", stopped.control)
    assert (result.status, result.t_end, stopped.t) == (Status.STOPPED, map.time(5), [0.0, map.time(5)])
    limited = Record(time_limit=-1.0)
    result = iterate(map, problem.start.V, bound, [0, 100], "gd", limited.control)
    assert (result.status, result.t_end, limited.t) == (Status.TIME_LIMIT, 0.0, [0.0])


@pytest.mark.parametrize("factor", [10.0, np.nan], ids=["growing", "not a number"])
def test_a_map_that_leaves_its_bounds_has_diverged(problem, factor):
    map = SimpleNamespace(memories=0, step=lambda k, y: y * (factor if k > 3 else 1), time=lambda k: float(k))
    with pytest.raises(Diverged, match=r"gd diverged by step \d+"):
        iterate(map, problem.start.V, (lambda theta: float(np.sum(theta**2)), 1e9), [0, 100], "gd", Record().control)


# ---- pieces


def test_a_dip_between_the_ends_of_a_step_is_seen():
    interval = DenseInterval(0.0, 4.0, lambda t: np.array([[t]]))
    assert [t for t, _ in interval.inside()] == [1.0, 2.0, 3.0]
    assert interval.end()[0] == 4.0
    # the loss (t - 1.5)^2 + 0.1 falls below 0.5 at 1.5 - sqrt(0.4)
    crossing = interval.refine(lambda theta: float((theta[0, 0] - 1.5) ** 2 + 0.1), 0.5, (0.0, 2.35), (1.0, 0.35))
    assert crossing == pytest.approx(1.5 - np.sqrt(0.4), rel=1e-8)


@pytest.mark.parametrize("scale", [1e-15, 1e-12, 1.0, 1e12])
def test_a_crossing_is_found_to_the_same_digits_at_every_scale_of_time(scale):
    interval = DenseInterval(0.0, 4.0 * scale, lambda t: np.array([[t / scale]]))
    seen = []

    def loss(theta):
        seen.append(theta[0, 0])
        return float(np.exp(-theta[0, 0]))

    crossing = interval.refine(loss, 0.5, (0.0, 1.0), (4.0 * scale, np.exp(-4.0)))
    assert crossing == pytest.approx(np.log(2) * scale, rel=1e-8, abs=0)
    assert all(1e-9 < t < 4 - 1e-9 for t in seen)  # what is known at the ends is not computed again


def test_the_tolerance_shrinks_where_the_start_dwarfs_the_labels(make_problem):
    """Uncentred at large alpha: an error small beside f_0 would be large beside y."""

    def planned(problem):
        flow = GradientFlow().on(problem.train)
        solver = SOLVERS.build("rk45")
        options = plan(flow, problem.train, problem.start.V, solver, rtol=1e-5, t_max=1.0, memory=1e10).options
        return options["rtol"]

    plain, centered = make_problem(centered=False, alpha=100.0), make_problem(alpha=100.0)
    ratio = np.sqrt(plain.train.mean_square_label / plain.train.loss(plain.start.V))
    assert ratio < 0.1
    assert planned(plain) == pytest.approx(1e-5 * ratio, rel=1e-12)
    assert planned(centered) == 1e-5


def test_a_run_out_of_time_starts_no_product_with_the_jacobian(make_problem):
    problem = make_problem()
    flow = trajectory.ScaledFlow(
        GradientFlow().on(problem.train), problem.start.V, 1.0, float("-inf"), lambda theta: theta
    )
    late = trajectory.TimedJacobian(problem.train.jacobian(problem.start.V), flow.check)
    for call in (lambda: late.times(np.ones(problem.start.V.size)), lambda: late.factor(1.0)):
        with pytest.raises(trajectory._TimeUp):
            call()
