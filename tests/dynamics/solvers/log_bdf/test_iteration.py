"""One solve with I - c J, through the samples and through the unknowns, against the dense one."""

import numpy as np
import pytest

from grokode.dynamics.risks.residuals import Residuals
from grokode.dynamics.solvers.log_bdf import iteration
from grokode.dynamics.solvers.log_bdf.iteration import (
    LAGGING,
    STIFF,
    AtTheEdge,
    ThroughSamples,
    ThroughUnknowns,
    lagging,
)
from grokode.dynamics.solvers.log_bdf.linear import TooLong

AGE = 3


@pytest.fixture
def here(make_problem, rng):
    """Residuals where the curvature is no small part, and a right-hand side."""
    residuals = Residuals(make_problem(alpha=0.7, eps=0.4).train)
    return residuals.at(0.5 * rng.standard_normal(residuals.n)), rng.standard_normal(residuals.n)


def dense(here, R, c):
    J = here.hessian().dense()
    return np.linalg.solve(np.eye(len(R)) - c * J, R)


def stiff(here):
    """A c at which the curvature must be implicit, and no mode grows too fast to follow."""
    lowest = -np.linalg.eigvalsh(here.hessian().dense())[-1]
    c = 1.5 * STIFF / here.curvature_norm()
    assert 1 + c * lowest > 0
    return c


@pytest.mark.parametrize("way", [ThroughSamples, ThroughUnknowns])
def test_a_fresh_solve_is_the_dense_one(here, way):
    linearization, R = here
    c = stiff(linearization)
    d, Bd = way(AGE).solve(linearization, R, c, 1e-12 * np.linalg.norm(R))
    exact = dense(linearization, R, c)
    close = 1e-3 if way is ThroughUnknowns else 1e-9  # that one leaves a part of its right-hand side
    np.testing.assert_allclose(d, exact, atol=close * np.abs(exact).max())
    np.testing.assert_allclose(Bd, linearization.jvp(d), atol=1e-9 * np.abs(Bd).max())


def test_curvature_that_is_not_stiff_is_left_to_the_next_iteration(here):
    linearization, R = here
    c = 0.5 * STIFF / linearization.curvature_norm()
    d, _ = ThroughSamples(AGE).solve(linearization, R, c, 1e-12)
    B = np.array([linearization.vjp(row) for row in np.eye(len(linearization.residual))])
    gauss_newton = np.linalg.solve(np.eye(len(R)) + 2 * c / len(B) * B.T @ B, R)
    np.testing.assert_allclose(d, gauss_newton, atol=1e-9 * np.abs(d).max())
    assert np.abs(d - dense(linearization, R, c)).max() > 1e-6 * np.abs(d).max()


def test_curvature_is_not_measured_where_its_bound_is_not_stiff(here, monkeypatch):
    linearization, R = here
    monkeypatch.setattr(type(linearization), "curvature_norm", lambda self: pytest.fail("measured"))
    ThroughSamples(AGE).solve(linearization, R, 0.5 * STIFF / linearization.curvature_at_most, 1e-12)


@pytest.mark.parametrize("way", [ThroughSamples, ThroughUnknowns])
def test_a_jacobian_serves_its_age_and_no_longer(here, way):
    linearization, R = here
    iteration, c = way(AGE), 0.1 * STIFF / linearization.curvature_norm()
    assert iteration.outdated
    for _ in range(AGE):
        iteration.solve(linearization, R, c, 1e-9)
        served = iteration.outdated
    assert served
    iteration.solve(linearization, R, c, 1e-9)
    assert not iteration.outdated
    iteration.renew()
    assert iteration.outdated


@pytest.mark.parametrize("way", [ThroughSamples, ThroughUnknowns])
def test_a_step_longer_than_a_mode_grows_is_refused(here, way):
    linearization, R = here
    growth = np.linalg.eigvalsh(linearization.hessian().dense())[-1]
    assert growth > 0
    with pytest.raises(TooLong):
        way(AGE).solve(linearization, R, 2 / growth, 1e-9)


def test_a_step_shorter_than_the_lag_is_solved_by_products(here, monkeypatch):
    linearization, R = here
    edge = -1 / np.linalg.eigvalsh(linearization.hessian().dense())[0]
    for c in (-0.3 * edge, -0.9 * edge):
        d, Bd = lagging(linearization, R, c)
        left = R - d + c * linearization.times(d)
        assert np.linalg.norm(left) <= 1.01 * LAGGING * np.linalg.norm(R)
        np.testing.assert_allclose(Bd, linearization.jvp(d), atol=1e-12 * np.abs(Bd).max())
    monkeypatch.setattr(iteration, "EDGE", 2)
    monkeypatch.setattr(iteration, "LAGGING", 1e-12)
    with pytest.raises(AtTheEdge):
        lagging(linearization, R, -0.9 * edge)
