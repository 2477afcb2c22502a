"""Limits in which the answer is known: linear networks, small steps, many neurons, real neurons."""

import numpy as np
import pytest
import scipy.linalg

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.pace import Pace
from grokode.dynamics.solvers import SOLVERS
from grokode.experiment.systems import network_of, system_of
from grokode.model.states.factor import FactorState

LINEAR = {"dim": 6, "n_train": 4, "width": 5, "alpha": 0.7, "eps": 0.0}


def linear_residuals(run, propagator):
    """Residuals of a linear network at the saved times; it is linear regression from wbar_0."""
    data = system_of(run.experiment, None).draw(network_of(run.experiment)).train
    f0 = np.zeros(len(data.y))  # centred
    return data, np.array([propagator(data, t) @ (f0 - data.y) for t in run.t])


@pytest.mark.parametrize("solver", list(SOLVERS))
def test_a_linear_network_follows_the_matrix_exponential(promised_error, solver):
    """At eps = 0: dr/dt = -(2/P) X X^T r."""
    run = grokode.run(**LINEAR, solver=solver, t_max=100.0, points=20, rtol=1e-7)
    data, residuals = linear_residuals(run, lambda d, t: scipy.linalg.expm(-2 * t / len(d.y) * d.X @ d.X.T))
    # local errors of 1e-7 over some hundred steps; the promise at the default tolerance is 3e-3
    assert promised_error(run.loss_train, np.mean(residuals**2, axis=1), np.mean(data.y**2)) < 1e-4


def test_gradient_descent_of_a_linear_network_is_a_matrix_power():
    dt = 0.3
    run = grokode.run(**LINEAR, optimizer="gradient_descent", dt=dt, steps=300, points=20)

    def propagator(data, t):
        return np.linalg.matrix_power(np.eye(4) - 2 * dt / 4 * data.X @ data.X.T, round(t / dt))

    _, residuals = linear_residuals(run, propagator)
    np.testing.assert_allclose(run.loss_train, np.mean(residuals**2, axis=1), rtol=1e-9, atol=1e-25)


def test_a_linear_network_learns_no_curvature_from_the_population():
    """At eps = 0 and for a target without linear part: the best predictor is 0, which a centred start already is."""
    run = grokode.run(**{**LINEAR, "n_train": float("inf")}, t_max=100.0, points=5)
    np.testing.assert_allclose(run.loss_train, run.loss_train[0], rtol=1e-12)
    assert run.relative_change.max() < 1e-12


def test_gradient_descent_converges_to_flow_at_order_one(make_problem, reference_flow):
    problem, t = make_problem(), 2.0
    end = reference_flow(problem.train, problem.start.V, [t])[-1]
    errors = []
    for halvings in range(3, 8):
        dt = t / 2**halvings / 8
        map = OPTIMIZERS.build("gradient_descent").on(problem.train, Pace(dt, 1.0))
        y = np.array(problem.start.V)[None]
        for k in range(round(t / dt)):
            y = map.step(k, y)
        errors.append(np.linalg.norm(y[0] - end))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert abs(orders[-1] - 1) < 0.05
    assert np.all(np.abs(np.diff(np.abs(orders - 1))) < 0.1)  # and it settles there


STEPS = {
    "gradient_flow": (0.004, 0.002),
    "modified_flow": (0.05, 0.025),  # a second order is soon below the solver's tolerance
    "midpoint_flow": (0.05, 0.025),
    "momentum_flow": (0.0025, 0.00125),  # and one with momentum begins when 1 / (1 - momentum) steps are short
}


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if not OPTIMIZERS.load(name).steps])
def test_every_flow_is_where_training_goes_as_steps_shrink(name):
    """Through the front door, at an alpha that is not 1: the curves' distance falls with dt at the flow's order."""
    flow, parameters = OPTIMIZERS.load(name), ":momentum=0.5" if "momentum" in OPTIMIZERS.parameters(name) else ""
    setup = {
        "dim": 5,
        "n_train": 8,
        "width": 7,
        "alpha": 0.7,
        "eps": 0.3,
        "times": (2.0, 8.0),
        "lazy": False,
        "guard": False,
    }
    gaps = []
    for dt in STEPS[name]:
        limit = grokode.run(**setup, optimizer=f"{name}{parameters}", rtol=1e-10, dt=dt)
        training = grokode.run(**setup, optimizer=f"{flow.follows}{parameters}", dt=dt)
        gaps.append(np.linalg.norm(training.loss_test_exact - limit.loss_test_exact))
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(flow.order, abs=0.05)


# ---- real neurons


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("width", [1, 3, 6, 20])
def test_a_really_trained_network_is_the_map_to_rounding(rng, width, centered):
    """Gradient descent on W, written here in full, against the reduction after 2000 steps."""
    D, P, alpha, eps, lr_flow = 5, 7, 0.6, 0.4, 0.1
    X, y, W = rng.standard_normal((P, D)), rng.standard_normal(P), rng.standard_normal((width, D))
    lr = lr_flow * width / alpha**2
    bundle = grokode.Bundle(X_train=X, y_train=y, W0=W, alpha=alpha, eps=eps, lr=lr, centered=centered)
    saved = [0, 1, 10, 100, 2000]
    run = grokode.run(bundle, optimizer="gradient_descent", times=tuple(k * lr_flow for k in saved))
    f0, losses = 0.0, []
    for k in range(saved[-1] + 1):
        h = X @ W.T
        f = alpha / width * np.sum(h + eps / 2 * h**2, axis=1)
        f0 = f if k == 0 and centered else f0
        r = f - f0 - y
        if k in saved:
            losses.append(np.mean(r**2))
        W = W - lr * (2 / P) * (alpha / width) * ((1 + eps * h) * r[:, None]).T @ X
    assert run.step.tolist() == saved
    # the README, "How accurate"'s bound for exact maps, at alpha below 1
    assert np.all(np.abs(run.loss_train - losses) <= 1e-9 * np.maximum(losses, 1e-10 * losses[0]))


def test_neurons_of_a_factor_train_like_the_factor(make_problem, rng):
    """From an infinite-width start: eleven real neurons are enough to follow it, and any more do the same."""
    problem = make_problem(width=float("inf"))
    runs = []
    for width in (6, 11):
        W0 = problem.start.neurons(width, rng)
        data = problem.train.data
        bundle = grokode.Bundle(
            X_train=data.X, y_train=data.y, W0=W0, alpha=0.7, eps=0.3, lr=0.1 * width / 0.7**2, centered=True
        )
        runs.append(grokode.run(bundle, optimizer="gradient_descent", steps=300, points=10))
    whole = grokode.run(
        dim=5,
        n_train=8,
        width=float("inf"),
        alpha=0.7,
        eps=0.3,
        optimizer="gradient_descent",
        dt=0.1,
        steps=300,
        points=10,
    )
    for run in runs:
        np.testing.assert_allclose(run.loss_train, whole.loss_train, rtol=1e-9)
        np.testing.assert_allclose(run.mean_square_weight, whole.mean_square_weight, rtol=1e-11)


# ---- many neurons


def final_loss(problem, start, steps=150, dt=0.1):
    """Test loss after some steps of descent from another start, on the same data."""
    train = type(problem.train)(problem.network, start, problem.train.data)
    test = type(problem.tests["exact"])(problem.network, start, problem.tests["exact"].law)
    V = np.array(start.V)
    for _ in range(steps):
        V = V + dt * train.force(V)
    return test.loss(V)


def test_spread_over_random_starts_falls_as_the_root_of_the_width(make_problem, rng):
    problem, widths, draws = make_problem(), np.array([100, 1000, 10_000, 100_000]), 60
    spread = [
        np.std([final_loss(problem, FactorState.random(5, int(width), 1.0, rng)) for _ in range(draws)])
        for width in widths
    ]
    # 60 draws know each spread to 9 %: the slope over ln(1000) to 0.02
    assert abs(np.polyfit(np.log(widths), np.log(spread), 1)[0] + 0.5) < 0.1


def test_infinite_width_is_the_limit_of_large_widths(make_problem, rng):
    problem = make_problem()
    limit = final_loss(problem, FactorState.infinite_width(5, 1.0))
    gaps = []
    for width in (10**3, 10**5, 10**7):
        losses = np.array([final_loss(problem, FactorState.random(5, width, 1.0, rng)) for _ in range(20)])
        assert abs(losses.mean() - limit) <= 5 * losses.std() / np.sqrt(20) + 10 * limit / width
        gaps.append(np.sqrt(np.mean((losses - limit) ** 2)))
    np.testing.assert_allclose(gaps[:-1] / np.array(gaps[1:]), 10, rtol=0.6)  # 20 draws: 16 % each, twice


def test_an_infinite_run_agrees_with_a_run_of_a_billion_neurons():
    setup = {"dim": 5, "n_train": 8, "alpha": 0.7, "eps": 0.3, "t_max": 10.0, "points": 8, "rtol": 1e-9}
    finite, infinite = (grokode.run(**setup, width=width) for width in (10**9, float("inf")))
    np.testing.assert_allclose(finite.loss_test_exact, infinite.loss_test_exact, rtol=1e-3)
    np.testing.assert_allclose(finite.mean_square_weight, infinite.mean_square_weight, rtol=1e-3)


# ---- many samples


def test_many_training_samples_are_the_population():
    setup = {"dim": 4, "width": 6, "alpha": 0.7, "eps": 0.3, "t_max": 10.0, "points": 8}
    population = grokode.run(**setup, n_train=float("inf"))
    np.testing.assert_allclose(population.loss_train, population.loss_test_exact, rtol=1e-12)
    gaps = [
        np.max(np.abs(grokode.run(**setup, n_train=n_train).loss_test_exact - population.loss_test_exact))
        for n_train in (300, 30_000)
    ]
    # P^-1/2 is a factor of 10; one draw each, so between 2 and 50 (risks/test_population.py has the rate)
    assert 2 < gaps[0] / gaps[1] < 50
