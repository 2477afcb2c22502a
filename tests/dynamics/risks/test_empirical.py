"""The risk of a data set, from its samples and from its moments: the same assertions for both."""

import numpy as np
import pytest

from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.tensor import TensorRisk
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.data import Data

SHAPES = {  # (N, P, D)
    "ordinary": (6, 7, 4),
    "one neuron": (1, 5, 3),
    "one sample": (4, 1, 3),
    "one input": (5, 6, 1),
    "all ones": (1, 1, 1),
    "more samples than unknowns": (2, 30, 3),
    "wider than the inputs need": (50, 9, 4),
}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


@pytest.fixture(params=[EmpiricalRisk, TensorRisk])
def case(request, rng):
    """Return a factory of (risk, start, data, network, a state away from the start)."""

    def make(shape, *, centered, alpha=0.8, eps=0.4):
        N, P, D = shape
        network = Network(alpha=alpha, eps=eps, centered=centered)
        start = FactorState.from_neurons(rng.standard_normal((N, D)))
        data = Data(rng.standard_normal((P, D)), rng.standard_normal(P))
        return (
            request.param(network, start, data),
            start,
            data,
            network,
            start.V + 0.5 * rng.standard_normal(start.V.shape),
        )

    return make


@pytest.mark.parametrize("centered", [False, True])
@each_shape
def test_either_risk_equals_the_plain_reference(case, shape, centered):
    risk, start, data, network, theta = case(shape, centered=centered)
    labels = data.y + start.outputs(network, data.X) if centered else data.y
    loss, force = start.at(theta).loss_force(network, data.X, labels)
    np.testing.assert_allclose(risk.loss(theta), loss, rtol=1e-12)
    np.testing.assert_allclose(risk.loss_force(theta)[0], loss, rtol=1e-12)
    scale = np.abs(force).max()
    np.testing.assert_allclose(risk.loss_force(theta)[1], force, atol=1e-12 * scale)
    np.testing.assert_allclose(risk.force(theta), force, atol=1e-12 * scale)
    np.testing.assert_allclose(risk.residual(theta), start.at(theta).outputs(network, data.X) - labels, atol=1e-12)


@each_shape
def test_moments_are_those_of_the_residual_and_give_the_force(case, shape):
    risk, start, data, network, theta = case(shape, centered=True)
    g, G, loss = risk.moments(theta)
    r = risk.residual(theta)
    np.testing.assert_allclose(g, np.mean([rm * x for rm, x in zip(r, data.X, strict=True)], axis=0), atol=1e-13)
    np.testing.assert_allclose(
        G, np.mean([rm * np.outer(x, x) for rm, x in zip(r, data.X, strict=True)], axis=0), atol=1e-13
    )
    np.testing.assert_allclose(loss, np.mean(r**2), rtol=1e-13)
    force = -(2 / network.alpha) * (np.outer(start.a, g) + network.eps * theta @ G)  # (F2)
    np.testing.assert_allclose(risk.force(theta), force, atol=1e-12)


@pytest.mark.parametrize("centered", [False, True])
def test_force_is_minus_the_gradient_over_alpha_squared(case, gradient, centered):
    risk, _, _, network, theta = case(SHAPES["ordinary"], centered=centered)
    np.testing.assert_allclose(risk.force(theta), -gradient(risk.loss, theta) / network.alpha**2, atol=1e-10)


def test_a_centered_predictor_starts_at_zero(case):
    risk, start, data, _, _ = case(SHAPES["ordinary"], centered=True)
    np.testing.assert_array_equal(risk.residual(start.V), -data.y)
    assert risk.loss(start.V) == pytest.approx(risk.mean_square_label, rel=1e-14)


def test_nothing_cancels_at_large_alpha(case):
    """At alpha = 1e8 a move of size 1/alpha changes the predictor by order one: known in extended precision."""
    risk, start, data, network, _ = case(SHAPES["ordinary"], centered=True, alpha=1e8)
    dV = np.random.default_rng(4).standard_normal(start.V.shape) / network.alpha
    X, V0, a, d = (np.longdouble(value) for value in (data.X, start.V, start.a, dV))
    dh, h0 = X @ d.T, X @ V0.T
    residual = network.alpha * np.sum(dh * (a + network.eps * (h0 + dh / 2)), axis=1) - data.y
    force = -(2 / network.alpha) * np.mean(
        residual[:, None, None] * (a + network.eps * (h0 + dh))[:, :, None] * X[:, None, :], axis=0
    )
    loss, moved = risk.loss_force_moved(dV)
    assert loss == pytest.approx(float(np.mean(residual**2)), rel=1e-13)
    np.testing.assert_allclose(moved, force.astype(float), rtol=1e-10, atol=1e-13 * float(np.abs(force).max()))


@each_shape
def test_a_move_and_where_it_leads_give_the_same_force(case, shape):
    risk, start, _, _, theta = case(shape, centered=True)
    for one, other in zip(risk.loss_force_moved(theta - start.V), risk.loss_force(theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


def test_an_answer_is_not_changed_by_the_next_question(case):
    """The scratch arrays stay inside: what was returned stays as it was."""
    risk, start, _, _, theta = case(SHAPES["ordinary"], centered=True)
    residual, force, jacobian = risk.residual(theta), risk.force(theta), risk.jacobian(theta).dense()
    kept, factory = (residual.copy(), force.copy(), jacobian.copy()), risk.jacobian(theta)
    risk.loss_force(start.V)
    for now, before in zip((residual, force, factory.dense()), kept, strict=True):
        np.testing.assert_array_equal(now, before)


def test_scales_of_the_problem_are_means_over_the_samples(case):
    risk, start, data, network, _ = case(SHAPES["ordinary"], centered=True)
    K = start.kernel(network, data.X, data.X)
    assert risk.mean_kernel == pytest.approx(np.trace(K) / len(K), rel=1e-13)
    assert risk.mean_square_input == pytest.approx(np.trace(data.X @ data.X.T) / len(K), rel=1e-13)
    assert risk.mean_square_label == pytest.approx(data.y @ data.y / len(K), rel=1e-13)


def test_residuals_move_by_the_kernel(case, derivative):
    """Along the force dr/dt = -(2/P) K r: the kernel (K1) is the one that drives training."""
    risk, start, data, network, theta = case(SHAPES["ordinary"], centered=True)
    K = start.at(theta).kernel(network, data.X, data.X)
    speed = derivative(risk.residual, theta, risk.force(theta), h=0.1)
    np.testing.assert_allclose(speed, -2 / len(K) * K @ risk.residual(theta), atol=1e-10)
