"""Residuals as a function of z = alpha (V - V_0): their derivative, their loss, their curvature, either precision."""

import numpy as np
import pytest

from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.residuals import Residuals, negative_eigenvalues
from grokode.task.data import Data

PRECISION = {np.float64: 1e-10, np.float32: 3e-5}
each_precision = pytest.mark.parametrize("dtype", PRECISION)


@pytest.fixture(params=[True, False], ids=["centred", "not centred"])
def risk(request, make_problem):
    return make_problem(alpha=0.7, eps=0.4, centered=request.param).train


@each_precision
def test_residuals_and_loss_are_those_of_the_risk(risk, rng, dtype):
    residuals = Residuals(risk, dtype)
    z = rng.standard_normal(residuals.n)
    V = risk.start.V + z.reshape(risk.start.V.shape) / risk.network.alpha
    here = residuals.at(z)
    np.testing.assert_allclose(here.residual, risk.residual(V), atol=PRECISION[dtype])
    assert here.loss == pytest.approx(risk.loss(V), rel=PRECISION[dtype])
    descent = risk.network.alpha * risk.force(V).ravel()
    np.testing.assert_allclose(here.descent, descent, atol=PRECISION[dtype] * np.abs(descent).max())


@each_precision
def test_the_products_are_those_of_the_derivative(risk, rng, dtype):
    residuals = Residuals(risk, dtype)
    z, d = rng.standard_normal((2, residuals.n))
    w = rng.standard_normal(residuals.samples)
    here, exact, h = residuals.at(z), Residuals(risk), 1e-5
    difference = (exact.at(z + h * d).residual - exact.at(z - h * d).residual) / (2 * h)
    close = max(PRECISION[dtype], 1e-8)
    np.testing.assert_allclose(here.jvp(d), difference, atol=close * np.abs(difference).max())
    assert w @ here.jvp(d) == pytest.approx(here.vjp(w) @ d, rel=10 * close)
    kernel = np.array([here.jvp(here.vjp(e)) for e in np.eye(len(w))])
    np.testing.assert_allclose(np.tril(here.kernel()), np.tril(kernel), atol=10 * close * np.abs(kernel).max())
    assert here.trace == pytest.approx(np.trace(here.kernel()), rel=10 * close)


def test_the_curvature_is_what_gauss_newton_leaves(risk, rng):
    residuals = Residuals(risk)
    z, d = rng.standard_normal((2, residuals.n))
    here, h = residuals.at(z), 1e-5
    change = (residuals.at(z + h * d).descent - residuals.at(z - h * d).descent) / (2 * h)
    gauss_newton = -2 / residuals.samples * here.vjp(here.jvp(d))
    curved = -(d.reshape(risk.start.V.shape) @ here.curvature).ravel()
    np.testing.assert_allclose(change, gauss_newton + curved, atol=1e-7 * np.abs(change).max())
    np.testing.assert_allclose(here.times(d), gauss_newton + curved, atol=1e-12 * np.abs(change).max())
    largest = np.abs(np.linalg.eigvalsh(here.curvature)).max()
    assert largest * (1 - 1e-12) <= here.curvature_norm() <= largest * len(here.curvature) ** 0.125 * (1 + 1e-12)
    assert largest <= here.curvature_at_most


def test_the_bound_on_the_curvature_is_its_size_where_all_samples_are_one(make_problem, rng):
    problem = make_problem(n_train=1, alpha=0.7, eps=0.4)
    X, y = problem.train.data.X, problem.train.data.y
    residuals = Residuals(EmpiricalRisk(problem.network, problem.start, Data(np.repeat(X, 3, axis=0), np.repeat(y, 3))))
    here = residuals.at(rng.standard_normal(residuals.n))
    assert here.curvature_at_most == pytest.approx(np.abs(np.linalg.eigvalsh(here.curvature)).max(), rel=1e-12)


def test_nothing_cancels_at_large_alpha(make_problem, rng):
    """The change of f is as exact at alpha 1e6 as at 1, in float32 too."""
    for alpha in (1.0, 1e6):
        residuals = [Residuals(make_problem(alpha=alpha, eps=0.4).train, dtype) for dtype in (np.float64, np.float32)]
        z = rng.standard_normal(residuals[0].n)
        double, single = (of.at(z).residual - of.at(0 * z).residual for of in residuals)
        np.testing.assert_allclose(single, double, atol=3e-5 * np.abs(double).max())


@pytest.mark.parametrize("found", range(4))
def test_negative_eigenvalues_are_counted(rng, found):
    Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    values = np.r_[-np.ones(found), np.arange(1, 7 - found)]
    assert negative_eigenvalues((Q * values) @ Q.T) == found


# ---- the compiled step


@pytest.mark.parametrize(("n_train", "width"), [(8, 7), (30, 2)], ids=["through the samples", "through the unknowns"])
@pytest.mark.parametrize("lag", [0.0, 0.3])
def test_the_compiled_step_is_the_dense_solve_with_the_exact_jacobian(make_problem, rng, n_train, width, lag):
    residuals = Residuals(make_problem(n_train=n_train, width=width, alpha=0.7, eps=0.4).train)
    z, history = 0.5 * rng.standard_normal((2, residuals.n))
    exact, J = residuals.at(z), residuals.at(z).hessian().dense()
    implicit = 0.5 / np.linalg.eigvalsh(J)[-1]  # no mode grows faster than this
    c = implicit + lag
    here, d, moved = residuals.compiled_step(z, history, c, implicit)
    solved = np.linalg.solve(np.eye(len(z)) - implicit * J, c * exact.descent - history)
    np.testing.assert_allclose(d, solved, atol=1e-11 * np.abs(solved).max())
    np.testing.assert_allclose(moved, exact.jvp(solved), atol=1e-11 * np.abs(moved).max())
    assert here.loss == pytest.approx(exact.loss, rel=1e-13)
    np.testing.assert_allclose(here.jvp(d), moved, atol=1e-11 * np.abs(moved).max())


@pytest.mark.parametrize(("n_train", "width"), [(8, 7), (30, 2)], ids=["through the samples", "through the unknowns"])
def test_a_step_longer_than_a_growth_time_is_left_to_a_closer_look(make_problem, rng, n_train, width):
    residuals = Residuals(make_problem(n_train=n_train, width=width, alpha=0.7, eps=0.4).train)
    z, history = 0.5 * rng.standard_normal((2, residuals.n))
    here = residuals.at(z)
    growth = max(np.linalg.eigvalsh(here.hessian().dense())[-1], -np.linalg.eigvalsh(here.curvature)[0])
    assert residuals.compiled_step(z, history, 2 / growth, 2 / growth) is None
