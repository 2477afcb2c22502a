"""The midpoint flow: its equation, its Jacobian, how it is integrated, and where it ends."""

from __future__ import annotations

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.pace import Pace
from grokode.dynamics.solvers import SOLVERS

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
    how = SIZES | {"optimizer": "midpoint_flow", "dt": 0.4, "times": (0.5, 2.0, 8.0, 40.0), "rtol": 1e-8}
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
