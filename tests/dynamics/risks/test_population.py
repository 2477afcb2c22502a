import numpy as np
import pytest

from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.population import PopulationRisk
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.data import Data
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Law
from grokode.task.targets.quadratic import QuadraticTarget

D = 3
A = np.random.default_rng(11).standard_normal((D, D))
COVARIANCES = {"isotropic": np.full(D, 1 / D), "diagonal": np.array([0.2, 1.0, 2.0]), "full": A @ A.T / D + 0.1}
PARTS = {"c": (1, 0, 0), "b": (0, 1, 0), "B": (0, 0, 1), "all": (1, 1, 1)}
each_covariance = pytest.mark.parametrize("Sigma", COVARIANCES.values(), ids=COVARIANCES)
each_center = pytest.mark.parametrize("centered", [False, True], ids=["plain", "centered"])
each_target = pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)


@pytest.fixture
def case(rng):
    """Return a factory of (risk, start, a state away from it)."""

    def make(Sigma, *, centered, parts=(1, 1, 1), noise=0.0, width=4):
        B = rng.standard_normal((D, D))
        target = QuadraticTarget(0.7 * parts[0], parts[1] * rng.standard_normal(D), parts[2] * (B + B.T))
        start = FactorState.from_neurons(rng.standard_normal((width, D)))
        risk = PopulationRisk(
            Network(alpha=0.8, eps=0.4, centered=centered), start, Law(Gaussian(Sigma), target, noise)
        )
        return risk, start, start.V + 0.5 * rng.standard_normal(start.V.shape)

    return make


def residuals(risk, start, theta, X):
    """Subtract label from predictor at given points: the definition."""
    f = start.at(theta).outputs(risk.network, X)
    return f - risk.network.centered * start.outputs(risk.network, X) - risk.law.target(X)


def within(samples, value, errors=4):
    """Whether the mean over the first axis equals value within that many standard errors."""
    mean, error = samples.mean(axis=0), samples.std(axis=0) / np.sqrt(len(samples))
    return bool(np.all(np.abs(mean - value) <= errors * error + 1e-12))


@each_target
@each_center
@each_covariance
def test_closed_forms_equal_monte_carlo(case, rng, Sigma, centered, parts):
    """g, G, the loss and each of its three terms, within 4 standard errors.

    The terms by what they are: the squared mean of the residual, the power of its odd part, and the
    variance of its even part.
    """
    risk, start, theta = case(Sigma, centered=centered, parts=parts)
    X = risk.law.inputs.draw(100_000, rng)
    r, mirrored = residuals(risk, start, theta, X), residuals(risk, start, theta, -X)
    odd, even = (r - mirrored) / 2, (r + mirrored) / 2
    g, G, loss = risk.moments(theta)
    state = start.at(theta)
    terms = risk.terms(state.wbar, state.M)
    assert within(r[:, None] * X, g)
    assert within(r[:, None, None] * X[:, :, None] * X[:, None, :], G)
    assert within(r**2, loss)
    assert within(odd**2, terms.linear_power)
    assert within((even - even.mean()) ** 2, terms.misalignment_error)
    assert min(abs(even.mean() - s * np.sqrt(terms.variance_error)) for s in (1, -1)) <= 4 * even.std() / np.sqrt(
        len(X)
    )


@each_target
@each_center
@each_covariance
def test_the_three_terms_sum_to_the_loss(case, Sigma, centered, parts):
    risk, start, theta = case(Sigma, centered=centered, parts=parts)
    state = start.at(theta)
    terms = risk.terms(state.wbar, state.M)
    total = terms.variance_error + terms.linear_power + terms.misalignment_error
    assert min(terms.variance_error, terms.linear_power, terms.misalignment_error) >= 0
    assert risk.loss(theta) == pytest.approx(total, rel=1e-12)
    assert risk.loss_force(theta)[0] == pytest.approx(total, rel=1e-12)
    assert risk.moments(theta)[2] == pytest.approx(total, rel=1e-12)


def test_terms_are_the_papers_for_isotropic_inputs(rng):
    """Eq. 6 for Sigma = I/D, uncentred, single index: written out in wbar, M and beta."""
    dim, alpha, eps = 5, 0.6, 0.3
    beta, W = rng.standard_normal(dim), rng.standard_normal((7, dim))
    target = QuadraticTarget.from_directions(beta[None], np.ones(1))
    start = FactorState.from_neurons(W)
    risk = PopulationRisk(Network(alpha=alpha, eps=eps), start, Law(Gaussian.isotropic(dim), target))
    terms = risk.terms(start.wbar, start.M)
    R = alpha * eps * W.T @ W / len(W) - np.outer(beta, beta)
    assert terms.variance_error == pytest.approx((np.trace(R) / (2 * dim)) ** 2, rel=1e-12)
    assert terms.linear_power == pytest.approx(alpha**2 * np.sum(W.mean(axis=0) ** 2) / dim, rel=1e-12)
    assert terms.misalignment_error == pytest.approx(np.sum(R**2) / (2 * dim**2), rel=1e-12)


@each_center
@each_covariance
def test_force_is_minus_the_gradient_over_alpha_squared(case, gradient, Sigma, centered):
    risk, _, theta = case(Sigma, centered=centered)
    np.testing.assert_allclose(risk.force(theta), -gradient(risk.loss, theta) / risk.network.alpha**2, atol=1e-10)


@each_center
@each_covariance
def test_a_move_and_where_it_leads_give_the_same_force(case, Sigma, centered):
    risk, start, theta = case(Sigma, centered=centered)
    for one, other in zip(risk.loss_force_moved(theta - start.V), risk.loss_force(theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@each_covariance
def test_nothing_cancels_at_large_alpha(case, rng, Sigma):
    """At alpha = 1e8 a move of size 1/alpha changes the predictor by order one: (P1) in extended precision."""
    small, start, _ = case(Sigma, centered=True)
    alpha, eps = 1e8, 0.4
    risk = PopulationRisk(Network(alpha=alpha, eps=eps, centered=True), start, small.law)
    dV = rng.standard_normal(start.V.shape) / alpha
    d, V0, a, S = (np.longdouble(value) for value in (dV, start.V, start.a, risk.law.inputs.matrix))
    target = risk.law.target
    u = alpha * (d.T @ a) - target.b
    RS = (alpha * eps * (V0.T @ d + d.T @ V0 + d.T @ d) - target.B) @ S
    T = np.trace(RS) / 2 - target.c
    loss, force = risk.loss_force_moved(dV)
    assert loss == pytest.approx(float(T**2 + u @ S @ u + np.trace(RS @ RS) / 2), rel=1e-12)
    G = T * S + S @ RS
    expected = (-(2 / alpha) * (np.outer(a, S @ u) + eps * (V0 + d) @ G)).astype(float)
    np.testing.assert_allclose(force, expected, atol=1e-13 * np.abs(expected).max())


@each_center
@each_covariance
def test_jacobian_is_the_derivative_of_the_force(case, derivative, rng, Sigma, centered):
    risk, _, theta = case(Sigma, centered=centered)
    d = rng.standard_normal(theta.shape)
    J = risk.jacobian(theta)
    truth = derivative(risk.force, theta, d).ravel()
    np.testing.assert_allclose(risk.force_jvp(theta, d).ravel(), truth, atol=1e-10)
    np.testing.assert_allclose(J.times(d.ravel()), truth, atol=1e-10)
    np.testing.assert_allclose(J.dense() @ d.ravel(), truth, atol=1e-10)
    np.testing.assert_allclose(J.dense(), J.dense().T, atol=1e-12)
    for shift in (5.0, 2.0 + 1.0j):
        A = shift * np.eye(d.size) - J.dense()
        np.testing.assert_allclose(A @ J.factor(shift)(d.ravel()), d.ravel(), atol=1e-10)


def test_noise_adds_its_variance_to_the_loss_and_moves_nothing(case, rng):
    risk, start, theta = case(COVARIANCES["full"], centered=True)
    noisy = PopulationRisk(risk.network, start, Law(risk.law.inputs, risk.law.target, 0.5))
    assert noisy.loss(theta) == pytest.approx(risk.loss(theta) + 0.25, rel=1e-13)
    assert noisy.loss_force(theta)[0] == pytest.approx(risk.loss(theta) + 0.25, rel=1e-13)
    np.testing.assert_array_equal(noisy.force(theta), risk.force(theta))
    assert noisy.mean_square_label == pytest.approx(risk.mean_square_label + 0.25, rel=1e-13)


@each_covariance
def test_scales_of_the_problem_equal_monte_carlo(case, rng, Sigma):
    risk, start, _ = case(Sigma, centered=True, noise=0.3)
    X = risk.law.inputs.draw(100_000, rng)
    y = risk.law.target(X) + 0.3 * rng.standard_normal(len(X))
    slopes = start.slopes(risk.network, X)
    assert within(y**2, risk.mean_square_label)
    assert within(np.sum(X**2, axis=1), risk.mean_square_input)
    assert within(np.sum(slopes**2, axis=1) * np.sum(X**2, axis=1), risk.mean_kernel)


@each_covariance
def test_many_samples_are_the_population_at_rate_one_half(case, rng, Sigma):
    """The root mean square of loss and force differences falls as P^-1/2: slope within 0.1 over two decades."""
    risk, start, theta = case(Sigma, centered=True)
    counts = np.array([100, 1000, 10_000])
    gaps = []
    for P in counts:
        squares = []
        for _ in range(40):
            X = risk.law.inputs.draw(int(P), rng)
            empirical = EmpiricalRisk(risk.network, start, Data(X, risk.law.target(X)))
            loss, force = empirical.loss_force(theta)
            squares.append(np.r_[loss - risk.loss(theta), (force - risk.force(theta)).ravel()] ** 2)
        gaps.append(np.sqrt(np.mean(squares, axis=0)))
    slopes = np.polyfit(np.log(counts), np.log(gaps), 1)[0]
    # 40 draws know a root mean square to 11 %: the slope over ln(100) to about 0.035 for each entry
    assert abs(np.mean(slopes) + 0.5) < 0.05
    assert np.all(np.abs(slopes + 0.5) < 0.15)
