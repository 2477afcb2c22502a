"""The lazy limit's proved expressions, against linear integrations, the package's flow and kernel regression."""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import sympy as sp
from grokode_derivations import lazy as proved
from grokode_derivations.gaussian import numeric
from grokode_derivations.notation import P

STATEMENTS = {claim.tag: claim.statement.value for claim in proved.CLAIMS if claim.tag != "Z3"}
MODE, TEST_MODE = (
    sp.lambdify([proved.lam, proved.t, P, proved.rho0, proved.rstar0, proved.k], value) for value in STATEMENTS["Z1"]
)


class Linearised:
    """A problem's tangents: B on the training set and on other points, and the residual at the start."""

    def __init__(self, problem, others):
        self.problem, self.network, self.start, self.risk = problem, problem.network, problem.start, problem.train
        self.X, self.others = problem.train.data.X, others
        self.B, self.B_others = self.tangents(self.X), self.tangents(others)
        self.r0 = problem.train.residual(problem.start.V)
        self.K0 = self.B @ self.B.T

    def tangents(self, X):
        return (self.start.slopes(self.network, X)[:, :, None] * X[:, None, :]).reshape(len(X), -1)

    def integrated(self, t):
        """Return d = V - V_0 at time t of dd/dt = -(2/(alpha P)) B^T (r_0 + alpha B d), by an augmented exponential."""
        n = self.B.shape[1]
        rate = np.zeros((n + 1, n + 1))
        rate[:n, :n] = -2 / len(self.X) * self.B.T @ self.B
        rate[:n, n] = -2 / (self.network.alpha * len(self.X)) * self.B.T @ self.r0
        return scipy.linalg.expm(rate * t)[:n, n]

    def curves(self, t, r_others):
        """Return the proved residuals on the training set and on the others, mode by mode."""
        values, vectors = np.linalg.eigh(self.K0)
        rho0, k = vectors.T @ self.r0, vectors.T @ (self.B @ self.B_others.T)
        train = vectors @ MODE(values, t, len(self.X), rho0, 0.0, 0.0)
        moves = TEST_MODE(values[:, None], t, len(self.X), rho0[:, None], 0.0, k)
        return train, r_others + moves.sum(axis=0)


@pytest.fixture
def make_linear(make_problem, rng):
    def make(**setup):
        problem = make_problem(**setup)
        return Linearised(problem, problem.tests["exact"].law.inputs.draw(6, rng))

    return make


def test_the_product_of_the_tangents_is_the_kernel_of_the_package(make_linear):
    linear = make_linear(alpha=3.0, eps=0.6)
    K = linear.start.kernel(linear.network, linear.X, linear.X)
    np.testing.assert_allclose(linear.K0, K, rtol=0, atol=1e-12 * np.abs(K).max())


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("t", [0.0, 0.7, 20.0, 1e3])
def test_each_mode_decays_and_test_points_follow(make_linear, centered, t):
    linear = make_linear(alpha=3.0, eps=0.6, centered=centered)
    r_others = np.linspace(-1, 1, 6)
    d = linear.integrated(t)
    train, others = linear.curves(t, r_others)
    # relative to the residual at the start; the rounding of an exponential grows with its argument
    atol = 1e-12 * np.abs(linear.r0).max() * max(1, t * np.linalg.norm(linear.K0, 2))
    np.testing.assert_allclose(linear.r0 + linear.network.alpha * linear.B @ d, train, rtol=0, atol=atol)
    expected = r_others + linear.network.alpha * linear.B_others @ d
    np.testing.assert_allclose(others, expected, rtol=0, atol=atol)


def scaled_flow(linear, t_end):
    """Integrate z = alpha (V - V_0) with the package's force, to t_end."""
    scale, shape = linear.network.alpha, linear.start.V.shape

    def force(_, z):
        return scale * linear.risk.loss_force_moved(z.reshape(shape) / scale)[1].ravel()

    def jacobian(_, z):
        return linear.risk.jacobian(linear.start.V + z.reshape(shape) / scale).dense()

    z0 = np.zeros(linear.start.V.size)
    result = scipy.integrate.solve_ivp(force, (0, t_end), z0, method="Radau", jac=jacobian, rtol=1e-11, atol=1e-12)
    assert result.status == 0
    return result.y[:, -1]


ALPHAS = np.array([1e2, 1e3, 1e4])


@pytest.mark.parametrize("t", [0.7, 20.0])
def test_the_flow_of_the_package_becomes_the_linearised_one_in_proportion_to_one_over_alpha(make_linear, t):
    errors = []
    for scale in ALPHAS:
        linear = make_linear(alpha=scale, eps=0.6)
        residual = linear.risk.residual(linear.start.V + scaled_flow(linear, t).reshape(linear.start.V.shape) / scale)
        errors.append(np.linalg.norm(residual - linear.curves(t, np.zeros(6))[0]))
    np.testing.assert_allclose(np.diff(np.log10(errors)), -1, atol=0.02)


def test_the_distance_becomes_the_difficulty_in_proportion_to_one_over_alpha(make_linear):
    errors = []
    for scale in ALPHAS:
        linear = make_linear(alpha=scale, eps=1.0, n_train=6)
        y, K0 = linear.risk.data.y, linear.K0
        slowest = np.linalg.eigvalsh(K0)[0] / len(y)
        z = scaled_flow(linear, 60 / slowest)  # exp(-2 * 60) is left of the slowest mode
        errors.append(abs(z @ z / (y @ np.linalg.solve(K0, y)) - 1))
    powers = np.diff(np.log10(errors))
    # c/alpha + c'/alpha^2: the measured powers -0.979, -0.998 are off by 2/alpha
    assert np.all(np.abs(powers + 1) < 3 / ALPHAS[:-1])


def test_the_difficulty_is_that_of_the_neurons_and_of_their_kernel_as_eq_2_has_it(make_linear, rng):
    """Real neurons, derivatives of f by differences: nothing of the factor is used."""
    linear = make_linear(alpha=3.0, eps=0.6)
    width, X, y = 40, linear.X, linear.risk.data.y
    W0 = linear.start.neurons(width, rng)
    scale, weight = linear.network.alpha, linear.network.eps

    def f(W, points):
        h = points @ W.T
        return scale / width * np.sum(h + weight / 2 * h**2, axis=1)

    step = 1e-3  # f is quadratic in W: a central difference is exact
    unit = np.eye(W0.size).reshape(-1, *W0.shape)
    J = np.array([(f(W0 + step * e, X) - f(W0 - step * e, X)) / (2 * step) for e in unit])
    K = J.T @ J
    np.testing.assert_allclose(K, scale**2 / width * linear.K0, rtol=0, atol=1e-9 * np.abs(K).max())

    moved = J @ np.linalg.solve(K, y)  # of least length among those that fit: where gradient flow ends
    letters = {proved.yv: y, proved.K_eq2_inv: np.linalg.inv(K)}
    assert numeric(STATEMENTS["Z2"], letters) == pytest.approx(moved @ moved, rel=1e-8)
    in_factor = y @ np.linalg.solve(linear.K0, y) * width / scale**2
    assert moved @ moved == pytest.approx(in_factor, rel=1e-8)


@pytest.mark.parametrize("centered", [True, False])
def test_a_singular_kernel_leaves_a_floor(make_linear, centered):
    """2 neurons, 3 dimensions: 6 unknowns for 9 samples."""
    linear = make_linear(dim=3, width=2, n_train=9, alpha=3.0, eps=0.6, centered=centered)
    plus = np.linalg.pinv(linear.K0, rcond=1e-10)
    assert np.linalg.matrix_rank(linear.K0, tol=1e-10) == 6
    floor, squared = STATEMENTS["Z4"]
    letters = {proved.r0v: linear.r0, proved.projector: linear.K0 @ plus, proved.K0_plus: plus, P: 9}
    # the best linear fit, by least squares
    d = np.linalg.lstsq(linear.network.alpha * linear.B, -linear.r0, rcond=1e-10)[0]
    left = linear.r0 + linear.network.alpha * linear.B @ d
    assert numeric(floor, letters) == pytest.approx(np.mean(left**2), rel=1e-9)
    assert numeric(squared, letters) == pytest.approx(linear.network.alpha**2 * d @ d, rel=1e-9)
    assert np.mean(left**2) > 1e-3


def test_a_centred_predictor_ends_as_kernel_regression_and_another_one_adds_its_start(make_linear):
    for centered in (True, False):
        linear = make_linear(alpha=3.0, eps=1.0, n_train=6, centered=centered)
        y, network, start = linear.risk.data.y, linear.network, linear.start
        f0, f0_others = (0 if centered else start.outputs(network, X) for X in (linear.X, linear.others))
        k = start.kernel(network, linear.X, linear.others)
        regression = f0_others + k.T @ np.linalg.solve(linear.K0, y - f0)
        late = linear.curves(1e9, f0_others)[1]
        np.testing.assert_allclose(late, regression, rtol=0, atol=1e-9 * np.abs(regression).max())


@pytest.mark.parametrize("centered", [True, False])
def test_the_linear_moments_give_the_loss_of_the_linearised_predictor(make_problem, rng, centered):
    """Exactly, by Gauss-Hermite quadrature: the squared residual is a polynomial of degree four in x."""
    problem = make_problem(dim=3, alpha=2.0, eps=0.7, centered=centered, covariance=np.array([0.2, 0.5, 1.0]))
    start, network, risk = problem.start, problem.network, problem.tests["exact"]
    d = rng.standard_normal(start.V.shape)
    values = {"V₀": start.V, "V₀ᵀ": start.V.T, "d": d, "dᵀ": d.T, "a": start.a[:, None]}
    wbar, M = (word_value(word, values) for word in STATEMENTS["Z5"])
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    X = np.array(np.meshgrid(nodes, nodes, nodes)).reshape(3, -1).T * np.sqrt(risk.law.inputs.Sigma)
    w = np.array(np.meshgrid(weights, weights, weights)).reshape(3, -1).prod(axis=0) / (2 * np.pi) ** 1.5
    f = network.alpha * np.sum(start.slopes(network, X) * (X @ d.T), axis=1)
    if not centered:
        f += start.outputs(network, X)
    expected = w @ (f - risk.law.target(X)) ** 2
    assert risk.terms(wbar[:, 0], M).total == pytest.approx(expected, rel=1e-12)
    exact = start.at(start.V + d)
    assert risk.terms(exact.wbar, exact.M).total != pytest.approx(expected, rel=1e-3)


def word_value(word, values):
    return sum(np.linalg.multi_dot([values[letter.name] for letter in term.args]) for term in sp.Add.make_args(word))
