import math

import numpy as np
import pytest

import grokode
from grokode.errors import InvalidInput
from grokode.observables.crossings import CrossingWatch, Threshold, delay
from grokode.outcome import Crossing, CrossingStatus

SETUP = {"dim": 5, "n_train": 12, "width": 7, "alpha": 0.7, "eps": 0.3}


def brute_force_steps(problem, dt, steps):
    """Train and test loss after every step of gradient descent."""
    theta, losses = np.array(problem.start.V), []
    for _ in range(steps + 1):
        losses.append((problem.train.loss(theta), problem.tests["exact"].loss(theta)))
        theta = theta + dt * problem.train.force(theta)
    return np.array(losses).T


def first_below(losses, threshold):
    return int(np.argmax(losses < threshold))


# ---- flows: dense output


@pytest.fixture(scope="module")
def fine(make_problem, reference_flow):
    """Both losses on a grid of 4000 times, by an independent integrator."""
    problem, t = make_problem(**SETUP), np.geomspace(1e-3, 300, 4000)
    thetas = reference_flow(problem.train, problem.start.V, t, rtol=1e-9)
    return (
        t,
        np.array([problem.train.loss(theta) for theta in thetas]),
        np.array([problem.tests["exact"].loss(theta) for theta in thetas]),
    )


@pytest.mark.parametrize("solver", ["bdf", "radau", "ssv2stab", "rk45"])
@pytest.mark.parametrize("threshold", ["50%", "10%", "1%"])
def test_crossings_come_from_dense_output_not_from_saved_points(fine, solver, threshold):
    """Three saved points only, and still right to 1 % (the grid itself is fine to 0.3 %)."""
    t, train, test = fine
    run = grokode.run(**SETUP, solver=solver, t_max=300.0, points=3, threshold=threshold)
    for name, losses in (("train", train), ("test", test)):
        level = run.summary[f"threshold_{name}"]
        assert losses.min() < level < losses[0]
        exact = t[first_below(losses, level)]
        assert run.summary[f"t_{name}_status"] == "reached"
        assert run.summary[f"t_{name}"] == pytest.approx(exact, rel=0.01)
    assert run.summary["delay"] == pytest.approx(run.summary["t_test"] - run.summary["t_train"], rel=1e-12)


@pytest.mark.parametrize("solver", ["bdf", "rk45"])
def test_crossings_scale_with_time_however_short_it_is(solver):
    """Lazy (eps = 0): inputs larger by c, and labels by c^2, make the same flow c^2 times faster."""

    def crossing(c2):
        run = grokode.run(
            dim=5, n_train=4, width=7, eps=0, covariance=c2 / 5, t_max=300 / c2, points=3, threshold="10%",
            rtol=1e-9, solver=solver,
        )  # fmt: skip
        return run.summary["t_train"] * c2

    assert crossing(1e12) == pytest.approx(crossing(1.0), rel=1e-6)


def test_a_relative_threshold_is_of_each_loss_s_own_start():
    run = grokode.run(**SETUP, t_max=1.0, threshold="10%", points=3)
    assert run.summary["threshold_train"] == pytest.approx(0.1 * run.loss_train[0], rel=1e-12)
    assert run.summary["threshold_test"] == pytest.approx(0.1 * run.loss_test_exact[0], rel=1e-12)
    absolute = grokode.run(**SETUP, t_max=1.0, threshold=0.01, points=3)
    assert absolute.summary["threshold_train"] == absolute.summary["threshold_test"] == 0.01


def test_a_threshold_is_used_to_its_last_digit():
    threshold = 0.10711240043757822
    assert grokode.run(**SETUP, t_max=1.0, threshold=threshold, points=3).summary["threshold_train"] == threshold


def test_a_loss_below_its_threshold_at_the_start_is_said_to_be():
    run = grokode.run(**SETUP, t_max=1.0, threshold="200%", points=3)
    for name in ("train", "test"):
        assert run.summary[f"t_{name}_status"] == "reached_at_start"
        assert run.summary[f"t_{name}"] == 0
    assert run.summary["delay"] == 0


@pytest.mark.parametrize("optimizer", ["gradient_flow", "gradient_descent"])
def test_a_loss_above_its_threshold_is_not_reached(optimizer):
    run = grokode.run(**SETUP, optimizer=optimizer, dt=0.1, t_max=1.0, threshold=1e-6, points=3)
    for name in ("train", "test"):
        assert run.summary[f"t_{name}_status"] == "not_reached"
        assert run.summary[f"t_{name}"] is None
    assert run.summary["delay"] is None


def test_the_run_stops_when_both_crossings_are_known():
    run = grokode.run(**SETUP, t_max=1e4, threshold="10%", until="resolved")
    assert run.status == "stopped"
    assert run.t[-1] < 100
    assert run.summary["t_test"] <= run.t[-1]
    whole = grokode.run(**SETUP, t_max=1e4, threshold="10%")
    assert whole.status == "done"
    assert whole.t[-1] == 1e4
    assert run.summary["t_test"] == pytest.approx(whole.summary["t_test"], rel=1e-9)


def test_nothing_is_integrated_where_both_are_below_at_the_start_and_nothing_else_is_asked():
    run = grokode.run(**SETUP, t_max=1e4, threshold="200%", until="resolved")
    assert run.status == "stopped"
    assert run.work.steps == 1  # a watch looks after the first step


# ---- maps: the exact step


@pytest.mark.parametrize("threshold", ["60%", "10%", "1%"])
def test_gradient_descents_crossing_is_the_first_step_below(make_problem, threshold):
    """Saved at 3 points; looked at less often than every step beyond step 400; compared with every step."""
    dt, steps = 0.05, 6000
    train, test = brute_force_steps(make_problem(**SETUP), dt, steps)
    run = grokode.run(**SETUP, optimizer="gradient_descent", dt=dt, steps=steps, points=3, threshold=threshold)
    for name, losses in (("train", train), ("test", test)):
        k = first_below(losses, run.summary[f"threshold_{name}"])
        assert 0 < k < steps
        assert run.summary[f"step_{name}"] == k
        assert run.summary[f"t_{name}"] == k * dt


def test_the_first_step_below_is_found_at_the_edge_of_stability_too(make_problem):
    """With dt lambda_max close to 2 losses of odd and even steps alternate."""
    problem = make_problem(**{**SETUP, "alpha": 3.0})
    rates = -np.linalg.eigvalsh(problem.train.jacobian(problem.start.V).dense())
    dt, steps = 1.98 / rates.max(), 3000
    train, test = brute_force_steps(problem, dt, steps)
    assert np.sum(np.diff(train) > 0) > 20  # it does alternate
    for threshold in ("30%", "3%", "0.5%"):
        run = grokode.run(
            **{**SETUP, "alpha": 3.0}, optimizer="gradient_descent", dt=float(dt), steps=steps, points=3,
            threshold=threshold,
        )  # fmt: skip
        for name, losses in (("train", train), ("test", test)):
            level = run.summary[f"threshold_{name}"]
            if losses.min() < level:
                assert run.summary[f"step_{name}"] == first_below(losses, level)
            else:
                assert run.summary[f"t_{name}_status"] == "not_reached"


def test_a_map_stops_when_both_crossings_are_known():
    run = grokode.run(
        **SETUP, optimizer="gradient_descent", dt=0.05, steps=10**6, points=3, threshold="10%", until="resolved"
    )
    assert run.status == "stopped"
    assert run.work.steps < 5000
    assert run.step[-1] >= max(run.summary["step_train"], run.summary["step_test"])


# ---- pieces


@pytest.mark.parametrize(
    ("text", "value", "relative"), [("0.1", 0.1, False), ("10%", 0.1, True), ("1e-3", 1e-3, False), ("250%", 2.5, True)]
)
def test_thresholds_are_losses_or_percentages(text, value, relative):
    threshold = Threshold.parse(text)
    assert threshold.value == pytest.approx(value, rel=1e-15)
    assert threshold.relative is relative
    assert threshold.at(4.0) == pytest.approx(4 * value if relative else value, rel=1e-15)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "abc", "%", "1%%", "-5%", ""])
def test_what_is_no_threshold_is_refused(text):
    with pytest.raises(InvalidInput, match="threshold must be a positive loss"):
        Threshold.parse(text)


def test_the_delay_is_signed_and_needs_both_times():
    def at(t, status=CrossingStatus.REACHED):
        return Crossing(loss="x", threshold=0.1, status=status, t=t)

    assert delay(at(2.0), at(5.0)) == 3
    assert delay(at(5.0), at(2.0)) == -3
    assert delay(at(0.0, CrossingStatus.REACHED_AT_START), at(2.0)) == 2
    assert math.isnan(delay(at(2.0), at(math.nan, CrossingStatus.NOT_REACHED)))
    assert math.isnan(delay(at(2.0), at(math.nan, CrossingStatus.NEVER)))


def trained(problem):
    """Return where 4000 steps of descent end."""
    theta = np.array(problem.start.V)
    for _ in range(4000):
        theta = theta + 0.2 * problem.train.force(theta)
    return theta


class Path:
    """A smooth step along a straight line of weights, there and back as far as ``rest``; it counts where it is seen."""

    t_old, smooth, loss = 0.0, True, None

    def __init__(self, start, turn, rest):
        self._start, self._turn, self._rest, self.seen = start, turn, rest, []

    def theta(self, t):
        self.seen.append(t)
        return self._start + (4 * t * (1 - t) + self._rest * t) * (self._turn - self._start)

    def end(self):
        return 1.0, self.theta(1.0)

    def inside(self):
        return ((t, self.theta(t)) for t in (0.25, 0.5, 0.75))

    def refine(self, loss, threshold, above, below):
        return below[0]


@pytest.mark.parametrize(
    ("part", "rest", "found"),
    [(0.8, 0.0, True), (0.3, 0.0, False), (0.3, 0.35, True)],
    ids=["near", "far and level", "far but falling"],
)
def test_a_step_is_looked_into_where_its_ends_are_near_a_threshold(make_problem, part, rest, found):
    """The middle is at the end of training, below every threshold."""
    problem = make_problem(**SETUP)
    start = np.array(problem.start.V)
    turn = trained(problem)
    loss = problem.tests["exact"].loss
    assert loss(turn) < 0.2 * loss(start)
    path = Path(start, turn, rest)
    assert loss(path.theta(1.0)) > 1.5 * part * loss(start) or part > 0.6
    path.seen.clear()
    watch = CrossingWatch(
        problem, [Threshold(part, relative=True)], monotone_train=True, until_resolved=False, certify=lambda *_: None
    )
    watch.see(path)
    crossing = watch.finish(1.0, start, certify=False)[0]["test"]
    assert (crossing.status is CrossingStatus.REACHED) is found
    assert path.seen == ([1.0, 0.25, 0.5, 0.75] if found else [1.0])


def test_certificates_are_asked_for_with_the_losses_along_a_run_and_without_at_its_end(make_problem):
    problem, asked = make_problem(**{**SETUP, "n_train": 4}), []
    learned = trained(problem)
    train, test = problem.train.loss(learned), problem.tests["exact"].loss(learned)
    level = Threshold(test / 2, relative=False)
    assert train < level.value / 2
    watch = CrossingWatch(
        problem, [level], monotone_train=True, until_resolved=True, certify=lambda *given: asked.append(given)
    )
    path = Path(learned, learned, 0.0)
    watch.see(path)
    path.end, path.loss = lambda: (2.0, learned), 1.01 * train
    watch.see(path)
    watch.finish(2.0, learned, certify=True)
    assert [t for t, *_ in asked] == [1.0, 2.0, 2.0]
    assert [losses for *_, losses in asked] == [(train, test), (1.01 * train, test), None]


@pytest.mark.parametrize(
    ("told", "reads"), [(1.6, 0), (1.4, 1), (0.9, 1), (None, 1)], ids=["far", "near", "below", "not told"]
)
def test_a_train_loss_that_the_method_knows_to_be_far_above_is_not_read_again(make_problem, monkeypatch, told, reads):
    problem = make_problem(**SETUP)
    start = np.array(problem.start.V)
    at_start, seen = problem.train.loss(start), []
    watch = CrossingWatch(
        problem, [Threshold(0.5, relative=True)], monotone_train=True, until_resolved=False, certify=lambda *_: None
    )
    path = Path(start, start, 0.0)
    path.loss = told and told * 0.5 * at_start
    read = type(problem.train).loss
    monkeypatch.setattr(type(problem.train), "loss", lambda self, theta: seen.append(theta) or read(self, theta))
    watch.see(path)
    assert len(seen) == reads
