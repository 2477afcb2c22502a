"""The midpoint flow: its equation, its Jacobian, how it is integrated, and where it ends."""

from __future__ import annotations

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.optimizers.midpoint_flow import fastest_decay
from grokode.dynamics.pace import Pace
from grokode.dynamics.risks.jacobian import DenseJacobian
from grokode.dynamics.solvers import SOLVERS
from grokode.errors import BeyondStability

SIZES = {"dim": 6, "n_train": 10, "width": 7, "alpha": 0.7, "eps": 0.3, "lazy": False}
DT = 0.3


@pytest.fixture
def flow(make_problem):
    return OPTIMIZERS.build("midpoint_flow").on(make_problem(alpha=0.7, eps=0.3).train, Pace(DT, 1.0))


def test_the_equation_is_the_one_proved(flow, rng):
    """The speed at V is the force at V - dt/2 times it."""
    V = 0.3 * rng.standard_normal(flow._risk.start.V.shape)
    speed = flow(0.0, V[None])[0]
    np.testing.assert_allclose(speed, flow._risk.loss_force_moved(V - DT / 2 * speed)[1], rtol=1e-11)
    assert np.linalg.norm(speed - flow._risk.loss_force_moved(V)[1]) > 0.05 * np.linalg.norm(speed)


def test_the_jacobian_is_the_derivative_and_solves(flow, rng):
    y, d = 0.3 * rng.standard_normal((2, 1, *flow._risk.start.V.shape))
    J, h = flow.jacobian(0.0, y), 1e-5
    difference = (flow(0.0, y + h * d) - flow(0.0, y - h * d)) / (2 * h)
    np.testing.assert_allclose(J.times(d.ravel()), difference.ravel(), rtol=1e-6, atol=1e-6 * np.abs(difference).max())
    np.testing.assert_allclose(J.dense() @ d.ravel(), J.times(d.ravel()), rtol=1e-9, atol=1e-10)
    for shift in (0.3, 2 / DT, 20.0, 2.0 + 3.0j):
        found = J.factor(shift)(d.ravel())
        np.testing.assert_allclose(shift * found - J.dense() @ found, d.ravel(), rtol=1e-9, atol=1e-9)


def test_every_solver_gives_the_same_curve():
    """Also the one in log time, which never looks for the point half a step behind."""
    how = SIZES | {
        "optimizer": "midpoint_flow",
        "dt": 0.4,
        "times": (0.5, 2.0, 8.0, 40.0),
        "rtol": 1e-7,
        "guard": False,
    }
    runs = {solver: grokode.run(**how, solver=solver) for solver in SOLVERS}
    assert runs["log_bdf"].work.method == "log_bdf"
    for solver, run in runs.items():
        np.testing.assert_allclose(run.loss_test_exact, runs["radau"].loss_test_exact, rtol=2e-4, err_msg=solver)
    plain = grokode.run(**how | {"optimizer": "gradient_flow"})
    assert np.abs(plain.loss_test_exact / runs["radau"].loss_test_exact - 1).max() > 2e-3


def test_a_step_beyond_the_edge_of_stability_is_refused():
    with (
        pytest.warns(grokode.GrokodeWarning, match="too large for gradient_descent"),
        pytest.raises(grokode.RunFailed, match=r"dt 50, is beyond the edge of stability; lower it, or use --optimizer"),
    ):
        grokode.run(**SIZES, optimizer="midpoint_flow", dt=50.0, t_max=1000.0)


@pytest.mark.parametrize("solver", ["auto", "bdf", "radau"])
def test_it_is_refused_where_the_problem_is_linear_too(solver):
    """At alpha 1e4 half a step behind always has a solution, beyond the edge one on which modes grow."""
    problem = grokode.problem(**{**{k: v for k, v in SIZES.items() if k != "lazy"}, "alpha": 1e4})
    edge = 2 / fastest_decay(problem.train.jacobian(problem.start.V), problem.start.V.size)
    how = SIZES | {"alpha": 1e4, "optimizer": "midpoint_flow", "t_max": 10.0, "points": 4, "solver": solver}
    grokode.run(**how, dt=0.98 * edge)
    with (
        pytest.warns(grokode.GrokodeWarning, match="too large for gradient_descent"),
        pytest.raises(BeyondStability, match="beyond the edge of stability; lower it"),
    ):
        grokode.run(**how, dt=1.02 * edge)


def test_training_that_comes_to_the_edge_is_told_and_a_mode_that_grows_is_none():
    """At small alpha the fastest mode becomes several times faster than it was at the start."""
    sharpening = {"dim": 10, "n_train": 22, "width": float("inf"), "alpha": 0.02, "eps": 0.08, "seed": 693715271}
    how = {**sharpening, "optimizer": "midpoint_flow", "t_max": 20.0, "points": 4, "lazy": False}
    with pytest.raises(BeyondStability, match=r"comes to the edge of stability at t = [\d.]+: the step"):
        grokode.run(**how, dt=0.28)
    run = grokode.run(**how, dt=0.02)
    problem = grokode.problem(**sharpening)
    modes = np.linalg.eigvalsh(problem.train.jacobian(problem.start.V).dense())
    assert modes[-1] > -modes[0] / 20  # some mode grows
    assert run.status == "done"


def test_the_bound_on_the_fastest_decay_is_one(make_problem, rng):
    """Above the dense Jacobian's lowest eigenvalue, and within a factor of the mean's share of the spectrum."""
    for seed in range(20):
        risk = make_problem(seed=seed, alpha=0.3 + seed / 10, eps=0.5).train
        J = risk.jacobian(risk.start.theta + 0.5 * rng.standard_normal(risk.start.theta.shape))
        fastest = -np.linalg.eigvalsh(J.dense())[0]
        assert fastest <= J.fastest_at_most() < 10 * fastest


def test_the_fastest_decay_is_not_hidden_by_faster_growth(rng):
    Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    for values, rate in (([-3.0, -1, 0, 1, 2, 9], 3.0), ([1.0, 1, 2, 3, 4, 5], 0.0), ([-7.0, -1, -1, 0, 0, 0], 7.0)):
        assert fastest_decay(DenseJacobian((Q * values) @ Q.T), 6) == pytest.approx(rate, rel=2e-3)
    assert fastest_decay(DenseJacobian(np.array([[-2.0]])), 1) == 2.0
