"""The certificate's proved expressions, against its code and against runs."""

import math

import numpy as np
import pytest
import sympy as sp
from grokode_derivations import certificate as proved
from grokode_derivations.gaussian import numeric
from grokode_derivations.notation import P, Sigma, alpha, eps

import grokode
from grokode.observables.certificate import BELOW, _test_moments, never, smallest_eigenvalue

STATEMENTS = {claim.tag: claim.statement.value for claim in proved.CLAIMS}
SETUP = {"dim": 8, "n_train": 4, "width": 12, "alpha": 3.0, "eps": 0.1, "n_test": 50, "centered": True, "seed": 0}
COVARIANCES = {
    "isotropic": np.full(3, 1 / 3),
    "diagonal": np.array([0.2, 1.0, 2.0]),
    "full": np.array([[1.0, 0.4, 0.0], [0.4, 0.7, -0.2], [0.0, -0.2, 0.3]]),
}


def value(expression, numbers):
    return float(sp.N(expression.subs(numbers), 30))


@pytest.fixture(scope="module")
def certified(make_problem):
    """Integrate a run with the package until it is certified; each test loss in turn is the one that counts."""
    run = grokode.run(**SETUP, t_max=1e4, points=400, keep_states=True, rtol=1e-9)
    problem = make_problem(**SETUP)
    thetas = [state.V for state in run.states]
    np.testing.assert_array_equal(thetas[0], problem.start.V)
    found = {}
    for name, test in problem.tests.items():
        one = type(problem)(problem.network, problem.start, problem.train, {name: test}, problem.directions)
        threshold = 0.5 * test.loss(thetas[-1])
        given = (never(one, t, theta, threshold) for t, theta in zip(run.t, thetas, strict=True))
        index, certificate = next((k, certificate) for k, certificate in enumerate(given) if certificate)
        found[name] = (problem, test, thetas[index:], certificate)
    return found


@pytest.fixture(params=["exact", "sample"])
def case(request, certified):
    return certified[request.param]


def test_its_numbers_are_the_proved_expressions(case):
    problem, test, thetas, certificate = case
    rho, bound = STATEMENTS["C1"]
    norm, fourth = _test_moments(problem.network, problem.start.at(thetas[0]), test)
    numbers = {
        alpha: problem.network.alpha,
        eps: problem.network.eps,
        P: len(problem.train.data.y),
        proved.loss: certificate.loss_train,
        proved.kappa: certificate.kappa,
        proved.rho: certificate.rho,
        proved.norm: norm,
        proved.fourth: fourth,
    }
    assert certificate.rho == pytest.approx(value(rho, numbers), rel=1e-12)
    assert certificate.bound == pytest.approx(value(bound, numbers), rel=1e-12)
    ceiling = value(proved.CEILING, numbers)
    assert problem.network.eps * certificate.q * certificate.rho <= ceiling


def test_it_is_withheld_exactly_where_its_condition_fails(make_problem):
    """Scale the residual: rho grows with it, and the condition holds up to one scale and not beyond."""
    problem = make_problem(**SETUP)
    X, y, network, V = problem.train.data.X, problem.train.data.y, problem.network, problem.start.V
    K = problem.start.kernel(network, X, X)
    kappa = BELOW * smallest_eigenvalue(K) / len(y)  # what is proved of it
    q = np.linalg.norm(X, axis=1).max() * np.linalg.norm(X, 2)
    condition = sp.Eq(eps * proved.q * proved.REACH, proved.CEILING)
    (loss,) = sp.solve(condition.subs({alpha: network.alpha, eps: network.eps, P: len(y)}), proved.loss)
    edge = math.sqrt(value(loss, {proved.q: q, proved.kappa: kappa}) / np.mean(y**2))

    # the certificate also needs room above the threshold, so one that any loss clears
    def given(scale):
        scaled = type(problem.train)(network, problem.start, grokode.Data(X, scale * y))
        far = type(problem.tests["exact"])(network, problem.start, grokode.Law(*distant))
        return never(type(problem)(network, problem.start, scaled, {"exact": far}, problem.directions), 0.0, V, 1e-9)

    law = problem.tests["exact"].law
    distant = law.inputs, grokode.QuadraticTarget(c=1e6, b=0 * X[0], B=law.target.B)
    assert given(edge * (1 - 1e-9)) is not None
    assert given(edge * (1 + 1e-9)) is None


def test_the_remaining_path_and_the_test_loss_stay_within_the_bounds(case):
    """Chords are shorter than the path, by little at 400 points."""
    _, test, thetas, certificate = case
    chords = np.linalg.norm(np.diff(thetas, axis=0).reshape(len(thetas) - 1, -1), axis=1)
    roots = np.array([math.sqrt(test.loss(theta)) for theta in thetas])
    assert 0 < chords.sum() <= certificate.rho
    assert 0 < np.abs(roots - roots[0]).max() <= certificate.bound


def test_the_price_of_a_path_is_reached_by_the_slowest_mode(make_problem):
    problem = make_problem(**SETUP)
    X, network, start = problem.train.data.X, problem.network, problem.start
    values, vectors = np.linalg.eigh(start.kernel(network, X, X))
    for mode in range(len(X)):
        risk = type(problem.train)(network, start, grokode.Data(X, 0.3 * vectors[:, mode]))
        loss, force = risk.loss_force(start.V)
        step = 1e-4 * force
        fall = math.sqrt(risk.loss(start.V - step)) - math.sqrt(risk.loss(start.V + step))
        price = 2 * np.linalg.norm(step) / fall
        # central difference of a smooth function: error of order 1e-8
        assert price == pytest.approx(1 / (network.alpha * math.sqrt(values[mode] / len(X))), rel=1e-6)
        assert price <= (1 + 1e-6) / (network.alpha * math.sqrt(values[0] / len(X)))


def tangents(state, network, X):
    """Return B, shape (P, r D)."""
    return (state.slopes(network, X)[:, :, None] * X[:, None, :]).reshape(len(X), -1)


def test_tangents_turn_no_faster_than_eps_q_and_the_kernel_keeps_a_quarter(case, rng):
    problem, _, thetas, certificate = case
    X, network = problem.train.data.X, problem.network
    B = tangents(problem.start.at(thetas[0]), network, X)
    for _ in range(20):
        d = rng.standard_normal(thetas[0].shape)
        d *= certificate.rho / np.linalg.norm(d)
        moved = tangents(problem.start.at(thetas[0] + d), network, X)
        assert np.linalg.norm(moved - B, 2) <= network.eps * certificate.q * certificate.rho
        assert np.linalg.svd(moved, compute_uv=False)[-1] ** 2 / len(X) >= certificate.kappa / 4


def test_one_sample_turns_its_tangent_at_the_full_rate(rng):
    """The bound on the tangents is sharp: for one sample, and d and e along it in one row."""
    network, X = grokode.Network(alpha=1.0, eps=0.7), rng.standard_normal((1, 4))
    state = grokode.FactorState(np.eye(3)[0], rng.standard_normal((3, 4)))
    d = np.outer(np.eye(3)[1], X[0] / np.linalg.norm(X))
    turn = tangents(state.at(state.V + d), network, X) - tangents(state, network, X)
    q = np.linalg.norm(X[0]) * np.linalg.norm(X, 2)
    assert np.linalg.norm(turn, 2) == pytest.approx(network.eps * q, rel=1e-12)


def test_no_step_of_length_rho_moves_a_test_loss_by_more_than_the_bound(case, rng):
    problem, test, thetas, certificate = case
    here = math.sqrt(test.loss(thetas[0]))
    captured = operator_of(problem.network, problem.start.at(thetas[0]), test)
    worst = np.linalg.eigh(captured)[1][:, -1].reshape(thetas[0].shape)
    for d in (worst, -worst, *rng.standard_normal((20, *thetas[0].shape))):
        moved = test.loss(thetas[0] + certificate.rho * d / np.linalg.norm(d))
        assert abs(math.sqrt(moved) - here) <= certificate.bound


# ---- the population's ingredients


def operator_of(network, state, test):
    """Return the tangent operator as a matrix: over a law that of C3, on points the mean of their tangents' squares."""
    if hasattr(test, "data"):
        B = tangents(state, network, test.data.X)
        return B.T @ B / len(B)
    S, V = test.law.inputs.matrix, state.V
    images = []
    for e in np.eye(V.size):
        d = e.reshape(V.shape)
        A = (V.T @ d + d.T @ V) / 2
        image = np.outer(state.a, S @ d.T @ state.a) + network.eps**2 * V @ (np.trace(A @ S) * S + 2 * S @ A @ S)
        images.append(image.ravel())
    return np.transpose(images)


@pytest.mark.parametrize("covariance", COVARIANCES.values(), ids=COVARIANCES)
def test_the_population_operator_is_the_proved_one(make_problem, rng, covariance):
    problem = make_problem(dim=3, width=4, eps=0.7, covariance=covariance)
    state, test = problem.start, problem.tests["exact"]
    a, V, S = state.a, state.V, test.law.inputs.matrix
    coded = operator_of(problem.network, state, test)
    for _ in range(5):
        d = rng.standard_normal(V.shape)
        shared = {proved.gv: d.T @ a, proved.Av: (V.T @ d + d.T @ V) / 2, Sigma: S, eps: problem.network.eps}
        image = [
            [
                numeric(STATEMENTS["C3"], {**shared, proved.ua: a[i], proved.pv: V[i], proved.vv: np.eye(3)[j]})
                for j in range(3)
            ]
            for i in range(len(a))
        ]
        np.testing.assert_allclose(
            (coded @ d.ravel()).reshape(V.shape), image, rtol=0, atol=1e-12 * np.abs(image).max()
        )


@pytest.mark.parametrize("covariance", COVARIANCES.values(), ids=COVARIANCES)
def test_the_operator_is_the_mean_square_of_the_linear_change_of_f(make_problem, rng, covariance):
    """Exactly, by Gauss-Hermite quadrature: the square is a polynomial of degree four in x."""
    problem = make_problem(dim=3, width=4, eps=0.7, covariance=covariance)
    state, network, test = problem.start, problem.network, problem.tests["exact"]
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    X = np.array(np.meshgrid(nodes, nodes, nodes)).reshape(3, -1).T @ np.linalg.cholesky(test.law.inputs.matrix).T
    w = np.array(np.meshgrid(weights, weights, weights)).reshape(3, -1).prod(axis=0) / (2 * np.pi) ** 1.5
    d = rng.standard_normal(state.V.shape)
    change = np.sum(state.slopes(network, X) * (X @ d.T), axis=1)
    quadratic = d.ravel() @ operator_of(network, state, test) @ d.ravel()
    assert quadratic == pytest.approx(w @ change**2, rel=1e-12)

    fourth = numeric(STATEMENTS["C2"], {Sigma: test.law.inputs.matrix})
    assert fourth == pytest.approx(w @ np.sum(X**2, axis=1) ** 2, rel=1e-12)
    assert _test_moments(network, state, test)[1] == pytest.approx(fourth, rel=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCES.values(), ids=COVARIANCES)
@pytest.mark.parametrize("size", [0.05, 0.7, 10.0])
def test_the_norm_of_the_operator_is_within_the_proved_bound_that_the_package_has(make_problem, covariance, size):
    problem = make_problem(dim=3, width=4, eps=size, covariance=covariance)
    state, network, test = problem.start, problem.network, problem.tests["exact"]
    VS = state.V @ test.law.inputs.matrix
    numbers = {
        eps: network.eps,
        proved.largest: np.linalg.eigvalsh(test.law.inputs.matrix)[-1],
        proved.weight: np.sum(VS**2),
        proved.stretch: np.linalg.norm(VS @ state.V.T, 2),
    }
    bound = value(STATEMENTS["C4"], numbers)
    assert _test_moments(network, state, test)[0] == pytest.approx(bound, rel=1e-12)
    assert np.linalg.eigvalsh(operator_of(network, state, test))[-1] <= bound
