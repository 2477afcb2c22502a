"""The exact Jacobian of a finite training set: products, the whole matrix, and solves."""

import copy

import numpy as np
import pytest

from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.jacobian import EmpiricalJacobian, factor_dense, spectral_radius
from grokode.dynamics.risks.tensor import TensorRisk
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.data import Data

CASES = {  # N, P, D, eps
    "n > P": (6, 7, 4, 0.4),
    "n <= P": (2, 30, 3, 0.4),
    "n = P": (2, 8, 4, 0.4),
    "linear": (6, 7, 4, 0.0),
    "linear, n <= P": (2, 12, 4, 0.0),
    "one of each": (1, 1, 1, 0.4),
    "singular kernel": (3, 9, 4, 0.4),  # samples come in equal pairs: n = 12 > P = 9, rank below P
}
each_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture(params=[EmpiricalRisk, TensorRisk])
def risk_at(request, rng):
    def make(name, *, residual_scale=1.0):
        N, P, D, eps = CASES[name]
        start = FactorState.from_neurons(rng.standard_normal((N, D)))
        X, y = rng.standard_normal((P, D)), residual_scale * rng.standard_normal(P) ** 2
        if name == "singular kernel":
            X[1::2] = X[: len(X[1::2]) * 2 : 2]
        risk = request.param(Network(alpha=0.8, eps=eps, centered=True), start, Data(X, y))
        return risk, start.V + 0.3 * rng.standard_normal(start.V.shape)

    return make


def numerical(risk, theta, derivative):
    """Make the Jacobian column by column, from the force alone."""
    basis = np.eye(theta.size).reshape(theta.size, *theta.shape)
    return np.array([derivative(risk.force, theta, e).ravel() for e in basis]).T


@each_case
def test_products_are_derivatives_of_the_force(risk_at, derivative, rng, name):
    risk, theta = risk_at(name)
    d = rng.standard_normal(theta.shape)
    np.testing.assert_allclose(
        risk.jacobian(theta).times(d.ravel()), derivative(risk.force, theta, d).ravel(), atol=1e-10
    )


@each_case
def test_the_whole_matrix_is_symmetric_and_its_columns_are_products(risk_at, name):
    risk, theta = risk_at(name)
    J = risk.jacobian(theta)
    dense = J.dense()
    np.testing.assert_allclose(dense, np.array([J.times(e) for e in np.eye(theta.size)]).T, atol=1e-13)
    np.testing.assert_allclose(dense, dense.T, atol=1e-13)


@pytest.mark.parametrize("shift", [3.0, 1e3, 2.0 + 1.5j], ids=["real", "large", "complex"])
@each_case
def test_solves_leave_no_residual(risk_at, rng, name, shift):
    risk, theta = risk_at(name)
    J, dense = risk.jacobian(theta), risk.jacobian(theta).dense()
    R = rng.standard_normal(theta.size)
    A = shift * np.eye(theta.size) - dense
    d = J.factor(shift)(R)
    assert np.linalg.norm(A @ d - R) <= 1e-11 * np.linalg.cond(A) * np.linalg.norm(R)
    np.testing.assert_allclose(d, np.linalg.solve(A, R), rtol=0, atol=1e-11 * np.linalg.cond(A) * np.linalg.norm(d))


@pytest.mark.parametrize("name", ["n > P", "n <= P"])
def test_solves_work_where_the_matrix_is_indefinite(risk_at, rng, name):
    """A step longer than the growth time of some mode: shift I - J has eigenvalues of both signs."""
    risk, theta = risk_at(name, residual_scale=30.0)
    J = risk.jacobian(theta)
    eigenvalues = np.linalg.eigvalsh(J.dense())
    shift = 0.3 * eigenvalues[-1]
    assert eigenvalues[-1] > 0
    A = shift * np.eye(theta.size) - J.dense()
    signs = np.sign(np.linalg.eigvalsh(A))
    assert signs.min() < 0 < signs.max()
    R = rng.standard_normal(theta.size)
    assert np.linalg.norm(A @ J.factor(shift)(R) - R) <= 1e-11 * np.linalg.cond(A) * np.linalg.norm(R)


def test_one_factorisation_serves_many_right_hand_sides(risk_at, rng):
    risk, theta = risk_at("n > P")
    solve, A = risk.jacobian(theta).factor(2.0), 2 * np.eye(theta.size) - risk.jacobian(theta).dense()
    for _ in range(3):
        R = rng.standard_normal(theta.size)
        np.testing.assert_allclose(A @ solve(R), R, atol=1e-11)
    R = rng.standard_normal(theta.size) + 1j * rng.standard_normal(theta.size)  # Radau asks with complex ones too
    np.testing.assert_allclose(A @ solve(R), R, atol=1e-11)


def test_the_checks_above_see_a_planted_mistake(risk_at, derivative, rng):
    """Without the curvature term d G', or with it twice, products no longer are derivatives of the force."""
    risk, theta = risk_at("n > P")
    J, d = risk.jacobian(theta), rng.standard_normal(theta.size)
    truth = derivative(risk.force, theta, d.reshape(theta.shape)).ravel()
    for factor in (0.0, 2.0):
        wrong = copy.copy(J)
        wrong._G = factor * J._G
        assert np.linalg.norm(wrong.times(d) - truth) > 1e-2 * np.linalg.norm(truth)


@each_case
def test_the_numerical_jacobian_agrees_entry_by_entry(risk_at, derivative, name):
    risk, theta = risk_at(name)
    np.testing.assert_allclose(risk.jacobian(theta).dense(), numerical(risk, theta, derivative), atol=1e-10)


def test_dense_solves_take_real_and_complex_shifts(rng):
    J = rng.standard_normal((5, 5))
    J = J + J.T
    R = rng.standard_normal(5)
    for shift in (20.0, 0.1, 1 + 2j):
        A = shift * np.eye(5) - J
        np.testing.assert_allclose(factor_dense(J, shift)(R), np.linalg.solve(A, R), rtol=1e-10)


def test_the_spectral_radius_is_found_from_below(risk_at, rng):
    risk, theta = risk_at("n > P")
    J = risk.jacobian(theta)
    truth = np.abs(np.linalg.eigvalsh(J.dense())).max()
    radius, direction = spectral_radius(J, rng.standard_normal(theta.size), 60)
    assert radius <= truth * (1 + 1e-12)
    assert radius == pytest.approx(truth, rel=0.01)
    assert spectral_radius(J, direction, 4)[0] >= radius * (1 - 1e-12)  # a warm start does not lose what was found


def test_the_spectral_radius_of_nothing_is_zero(rng):
    J = EmpiricalJacobian(np.zeros((2, 2)), np.zeros((2, 3)), np.zeros((3, 3)))
    assert spectral_radius(J, rng.standard_normal(6), 5)[0] == 0
