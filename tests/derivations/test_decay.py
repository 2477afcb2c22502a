"""What optimizers leave of a mode: the package against the proved expressions, and both against steps in numbers."""

import numpy as np
import pytest
import sympy as sp
from grokode_derivations import lazy
from grokode_derivations.decay import APART, CLAIMS, TOGETHER, gamma, h, k, z, z1, z2
from grokode_derivations.notation import P
from grokode_derivations.optimizers import dt, mu

from grokode.dynamics import decay
from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.pace import Pace

BY_TAG = {claim.tag: claim for claim in CLAIMS}
DESCENT = sp.lambdify([gamma, k, dt], BY_TAG["Z6"].statement.value)
FLOW = sp.lambdify([lazy.lam, lazy.t, P, lazy.rho0], lazy.decay())
SUM, PRODUCT = (sp.lambdify([h, mu], value) for value in BY_TAG["Z7"].statement.value[:2])
TWO_ROOTS, ONE_ROOT = sp.lambdify([h, k, z1, z2], APART), sp.lambdify([h, k, z], TOGETHER)
STEPS = np.arange(1, 60)


def proved_heavy_ball(reach, steps, momentum):
    """Evaluate what is proved at its two roots, as they are computed from their sum and product."""
    first, second = np.roots([1, -SUM(reach, momentum), PRODUCT(reach, momentum)]).astype(complex)
    return np.real(TWO_ROOTS(reach, steps, first, second))


def stepped(rates, n_steps, step, momentum):
    """Return what is left of every mode after 0, 1, ..., n_steps, one step after the other."""
    rho, u, left = np.ones_like(rates), np.zeros_like(rates), [np.ones_like(rates)]
    for _ in range(n_steps):
        u = momentum * u - step * rates * rho
        rho = rho + u
        left.append(rho)
    return np.array(left)


# ---- the package


def test_the_package_leaves_after_gradient_descent_what_is_proved(rng):
    rates = rng.uniform(0, 4, 20)
    computed = decay.descent(rates, STEPS, 0.5)
    np.testing.assert_allclose(computed, DESCENT(rates, STEPS[:, None], 0.5), rtol=1e-12)
    np.testing.assert_allclose(computed, stepped(rates, STEPS[-1], 0.5, 0.0)[1:], rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9, 0.99])
def test_the_package_leaves_after_heavy_ball_what_is_proved(momentum, rng):
    rates = rng.uniform(0.01, 4 * (1 + momentum), 20)  # up to where modes stop to decay, at a step of 1/2
    computed = decay.heavy_ball(rates, STEPS, 0.5, momentum)
    proved = np.column_stack([proved_heavy_ball(0.5 * rate, STEPS, momentum) for rate in rates])
    np.testing.assert_allclose(computed, proved, rtol=0, atol=1e-12)
    np.testing.assert_allclose(computed, stepped(rates, STEPS[-1], 0.5, momentum)[1:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("root", [0.25, 0.5, 0.875, -0.25, -0.5])
def test_where_the_roots_meet_the_package_leaves_the_proved_limit(root):
    reach, momentum = (1 - root) ** 2, root**2  # exact in floating point: all are multiples of 1/64
    computed = decay.heavy_ball(np.array([reach]), STEPS, 1.0, momentum)[:, 0]
    np.testing.assert_allclose(computed, ONE_ROOT(reach, STEPS, root), rtol=1e-12)
    expected = stepped(np.array([reach]), STEPS[-1], 1.0, momentum)[1:, 0]
    np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-12)


def test_the_limit_is_missed_in_proportion_to_the_square_of_the_distance_of_the_roots():
    root, distances = 0.7, np.array([1e-1, 1e-2, 1e-3])
    missed = []
    for s in distances:
        first, second = root + s / 2, root - s / 2
        reach = 1 + first * second - 2 * root
        missed.append(abs(TWO_ROOTS(reach, 9, first, second) - ONE_ROOT(reach, 9, root)))
    np.testing.assert_allclose(np.diff(np.log10(missed)), -2, atol=0.02)


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9])
def test_before_the_first_step_nothing_has_decayed(momentum, rng):
    rates = rng.uniform(0.1, 3, 8)
    np.testing.assert_allclose(decay.heavy_ball(rates, np.array([0]), 0.5, momentum), 1, rtol=1e-12)
    assert np.all(decay.descent(rates, np.array([0]), 0.5) == 1)
    assert np.all(decay.flow(rates, np.array([0.0])) == 1)


def test_without_momentum_heavy_ball_is_gradient_descent(rng):
    rates = rng.uniform(0.01, 4, 20)
    left = decay.heavy_ball(rates, STEPS, 0.5, 0.0)
    np.testing.assert_allclose(left, decay.descent(rates, STEPS, 0.5), rtol=0, atol=1e-12)


def test_the_package_leaves_after_a_flow_what_is_proved(rng):
    eigenvalues, times = rng.uniform(0, 5, 20), np.linspace(0, 10, 7)
    computed = decay.flow(2 * eigenvalues / 9, times)
    np.testing.assert_allclose(computed, FLOW(eigenvalues, times[:, None], 9, 1.0), rtol=1e-12)


# ---- steps of V


@pytest.fixture
def linear(rng):
    """Return B, the residual at the start, and eigenpairs of B B^T."""
    B = rng.standard_normal((6, 11))
    return B, rng.standard_normal(6), np.linalg.eigh(B @ B.T)


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("scale", [0.7, 30.0])
def test_steps_of_v_leave_in_every_mode_what_is_proved(linear, momentum, scale):
    B, r0, (eigenvalues, vectors) = linear
    n = len(r0)
    step = 0.8 * n / eigenvalues[-1]  # the fastest mode changes sign, none grows
    d, memory = np.zeros(B.shape[1]), np.zeros(B.shape[1])
    for done in range(1, 40):
        force = -2 / (scale * n) * B.T @ (r0 + scale * B @ d)
        memory = momentum * memory - force  # (D2)
        d = d - step * memory
        left = [proved_heavy_ball(step * 2 * value / n, done, momentum) for value in eigenvalues]
        proved = vectors @ (left * (vectors.T @ r0))
        np.testing.assert_allclose(r0 + scale * B @ d, proved, rtol=0, atol=1e-12 * np.linalg.norm(r0))


def test_gradient_descent_of_the_package_becomes_the_linearised_one_in_proportion_to_one_over_alpha(make_problem):
    errors = []
    for scale in (1e2, 1e3, 1e4):
        problem = make_problem(alpha=scale, eps=0.6)
        start, X, risk = problem.start, problem.train.data.X, problem.train
        r0, eigen = risk.residual(start.V), np.linalg.eigh(start.kernel(problem.network, X, X))
        left = DESCENT(2 * eigen.eigenvalues / len(X), 50, 0.3)
        optimizer, theta = GradientDescent().on(risk, Pace(0.3, 1.0)), start.V[None]
        for done in range(50):
            theta = optimizer.step(done, theta)
        linearised = eigen.eigenvectors @ (left * (eigen.eigenvectors.T @ r0))
        errors.append(np.linalg.norm(risk.residual(theta[0]) - linearised))
    np.testing.assert_allclose(np.diff(np.log10(errors)), -1, atol=0.02)
