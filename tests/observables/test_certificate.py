"""The certificate that a test loss never falls below a threshold: it fires, it is true, and it is withheld."""

import math

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator

import grokode
from grokode.experiment import simulate
from grokode.experiment.guard import Verdict
from grokode.observables import certificate
from grokode.observables.certificate import Certifier, _test_moments, exceeds, never, smallest_eigenvalue

SETUP = {"dim": 8, "n_train": 4, "width": 12, "alpha": 3.0, "eps": 0.1}
LATE = np.geomspace(1.0, 1e4, 25)


@pytest.fixture(scope="module")
def path(make_problem, reference_flow):
    """Follow a run that interpolates four samples and never learns the target: states by SciPy alone."""
    problem = make_problem(**SETUP, n_test=50)
    thetas = reference_flow(problem.train, problem.start.V, LATE)
    return problem, thetas


@pytest.fixture(params=["exact", "sample"])
def watched(request, path):
    """Return the same path with one of its test losses as the one that counts."""
    problem, thetas = path
    tests = {request.param: problem.tests[request.param]}
    return type(problem)(problem.network, problem.start, problem.train, tests, problem.directions), thetas


def test_the_bound_is_respected_along_all_of_the_remaining_run(watched):
    problem, thetas = watched
    test = next(iter(problem.tests.values()))
    roots = np.array([math.sqrt(test.loss(theta)) for theta in thetas])
    threshold = 0.5 * min(roots) ** 2
    certificates = [never(problem, t, theta, threshold) for t, theta in zip(LATE, thetas, strict=True)]
    fired = [index for index, certificate in enumerate(certificates) if certificate]
    assert fired
    assert fired[0] <= 15  # long before nothing moves any more
    assert certificates[fired[0]].bound > 1e-3
    for index in fired:
        certificate = certificates[index]
        moved = np.abs(roots[index:] - roots[index])
        travelled = np.linalg.norm((thetas[index:] - thetas[index]).reshape(len(LATE) - index, -1), axis=1)
        # 1e-9: the reference integrator's own error, once the bound itself is smaller
        assert moved.max() <= certificate.bound + 1e-9
        assert travelled.max() <= certificate.rho + 1e-9
        assert roots[index:].min() ** 2 > threshold


def test_looks_that_would_fail_are_spared_and_no_answer_is_late(watched, monkeypatch):
    problem, thetas = watched
    test = next(iter(problem.tests.values()))
    threshold = 0.5 * min(test.loss(theta) for theta in thetas)
    always = [never(problem, t, theta, threshold) is not None for t, theta in zip(LATE, thetas, strict=True)]
    looks, look = [], Certifier._look
    monkeypatch.setattr(Certifier, "_look", lambda self, t, *rest: looks.append(t) or look(self, t, *rest))
    ask = Certifier(problem)
    asked = []
    for t, theta in zip(LATE, thetas, strict=True):
        asked.append(ask(t, theta, threshold, (problem.train.loss(theta), test.loss(theta))) is not None)
    assert asked.index(True) == always.index(True)
    assert len([t for t in looks if t < LATE[asked.index(True)]]) < asked.index(True)


def test_the_kernel_stays_above_a_quarter_of_the_certified_rate(path):
    problem, thetas = path
    certificates = [never(problem, t, theta, 1e-3) for t, theta in zip(LATE, thetas, strict=True)]
    index = next(i for i, certificate in enumerate(certificates) if certificate)
    X = problem.train.data.X
    for theta in thetas[index:]:
        K = problem.start.at(theta).kernel(problem.network, X, X)
        assert np.linalg.eigvalsh(K)[0] / len(X) >= certificates[index].kappa / 4


def test_its_numbers_are_what_it_says(path):
    problem, thetas = path
    certificate = never(problem, LATE[-1], thetas[-1], 1e-3)
    X, network, state = problem.train.data.X, problem.network, problem.start.at(thetas[-1])
    K = state.kernel(network, X, X)
    assert certificate.t == LATE[-1]
    assert 0.985 <= certificate.kappa * len(X) / np.linalg.eigvalsh(K)[0] <= 1.0
    assert certificate.q == pytest.approx(
        np.linalg.norm(X, axis=1).max() * np.linalg.svd(X, compute_uv=False)[0], rel=1e-12
    )
    assert certificate.rho == pytest.approx(
        2 * math.sqrt(certificate.loss_train / certificate.kappa) / network.alpha, rel=1e-12
    )
    assert certificate.loss_train == problem.train.loss(thetas[-1])
    assert certificate.threshold == 1e-3


def test_a_run_says_never_and_a_much_longer_run_agrees():
    short = grokode.run(**SETUP, t_max=1e6, threshold=0.1, until="resolved")
    assert short.summary["t_test_status"] == "never"
    assert short.summary["t_test"] is None
    assert short.summary["certificate"]["bound"] > 0
    assert short.t[-1] < 1e3
    long = grokode.run(**SETUP, t_max=1e6, threshold=0.1)
    assert long.loss_test_exact.min() > 0.1


def test_it_is_not_given_below_the_threshold_or_too_early(path):
    problem, thetas = path
    loss = problem.tests["exact"].loss(thetas[-1])
    assert never(problem, LATE[-1], thetas[-1], 1.01 * loss) is None
    assert never(problem, 0.0, problem.start.V, 1e-3) is None  # nothing is learned yet: the ball is too large
    assert never(problem, LATE[-1], thetas[-1], 0.99 * loss) is not None


def test_it_leaves_room_for_the_error_of_the_integration(path):
    """A threshold that the bound alone would clear, but not by the 3e-3 that a loss may be wrong by."""
    problem, thetas = path
    loss = problem.tests["exact"].loss(thetas[-1])
    certificate = never(problem, LATE[-1], thetas[-1], 0.99 * loss)
    threshold = 0.9995 * loss
    assert math.sqrt(loss) - certificate.bound > math.sqrt(threshold)
    assert never(problem, LATE[-1], thetas[-1], threshold) is None


def test_a_run_at_a_loose_tolerance_is_never_certified():
    setup = {**SETUP, "threshold": 0.1, "t_max": 1e4}
    default, loose = grokode.run(**setup), grokode.run(**setup, rtol=1e-3)
    assert default.summary["t_test_status"] == "never"
    assert loose.summary["t_test_status"] == "not_reached"
    assert loose.summary["certificate"] is None


def test_a_run_that_is_made_again_is_certified_by_its_own_states(monkeypatch):
    """What a certifier has seen of one run is not of the other, though it be at the same time."""
    made = []
    monkeypatch.setattr(simulate, "Certifier", lambda problem: made.append(Certifier(problem)) or made[-1])
    monkeypatch.setattr(simulate, "examine", lambda plain, losses, floors, rtol: Verdict(rtol / 10, 0.0))
    run = grokode.run(**SETUP, threshold=0.1, t_max=1e3, guard=True)
    first, second = (one._seen for one in made)
    assert first.kappa != second.kappa == run.summary["certificate"]["kappa"]


def test_gradient_descent_is_never_certified():
    setup = {**SETUP, "threshold": 0.1, "dt": 0.2, "t_max": 2000.0}
    descent = grokode.run(**setup, optimizer="gradient_descent")
    assert descent.summary["t_test_status"] == "not_reached"
    assert descent.summary["certificate"] is None
    assert grokode.run(**setup, optimizer="gradient_flow").summary["t_test_status"] == "never"


def test_a_population_training_set_is_never_certified(make_problem, reference_flow):
    problem = make_problem(**{**SETUP, "n_train": float("inf")})
    theta = reference_flow(problem.train, problem.start.V, [1.0, 1e3], rtol=1e-8)[-1]
    loss = problem.tests["exact"].loss(theta)
    assert never(problem, 1e3, theta, 1e-3 * loss) is None


@pytest.mark.parametrize("n_train", [30, 20], ids=["P > n", "repeated samples"])
def test_a_singular_kernel_is_never_certified(make_problem, reference_flow, n_train):
    """P > n = N D = 24, or samples that repeat: lambda_min(K) is zero up to rounding."""
    problem = make_problem(**{**SETUP, "n_train": n_train, "width": 3})
    if n_train == 20:
        X, y = np.array(problem.train.data.X), np.array(problem.train.data.y)
        X[1], y[1] = X[0], y[0]
        train = type(problem.train)(problem.network, problem.start, grokode.Data(X, y))
        problem = type(problem)(problem.network, problem.start, train, problem.tests, problem.directions)
    theta = reference_flow(problem.train, problem.start.V, [1.0, 1e5], rtol=1e-8)[-1]
    assert never(problem, 1e5, theta, 1e-6 * problem.tests["exact"].loss(theta)) is None


def test_no_test_loss_no_certificate(path):
    problem, thetas = path
    bare = type(problem)(problem.network, problem.start, problem.train, {}, problem.directions)
    assert never(bare, LATE[-1], thetas[-1], 1e-9) is None


# ---- the operator in the bound


COVARIANCES = {
    "isotropic": np.full(3, 1 / 3),
    "diagonal": np.array([0.2, 1.0, 2.0]),
    "full": np.array([[1.0, 0.4, 0.0], [0.4, 0.7, -0.2], [0.0, -0.2, 0.3]]),
}


@pytest.mark.parametrize("Sigma", COVARIANCES.values(), ids=COVARIANCES)
@pytest.mark.parametrize("eps", [0.05, 0.7, 10.0])
def test_the_bound_on_the_population_operator_is_above_the_dense_one_by_wick(make_problem, Sigma, eps):
    r"""T = <(c x^T)(c x^T)^T>, c = a + eps V x; indices i j pseudo-neurons, p q k l inputs."""
    problem = make_problem(dim=3, width=4, eps=eps, covariance=Sigma)
    state, eps = problem.start, problem.network.eps
    S = problem.tests["exact"].law.inputs.matrix
    fourth = np.einsum("kl,pq->klpq", S, S) + np.einsum("kp,lq->klpq", S, S) + np.einsum("kq,lp->klpq", S, S)
    T = np.einsum("i,j,pq->ipjq", state.a, state.a, S) + eps**2 * np.einsum(
        "ik,jl,klpq->ipjq", state.V, state.V, fourth
    )
    n = state.V.size
    norm, mean_fourth = _test_moments(problem.network, state, problem.tests["exact"])
    truth = np.linalg.eigvalsh(T.reshape(n, n))[-1]
    assert truth <= norm <= 2.5 * truth
    assert mean_fourth == pytest.approx(np.einsum("kkpp", fourth), rel=1e-12)


def test_the_bound_on_the_population_operator_is_met_by_one_neuron_along_one_input(make_problem):
    """D = N = 1: T = S + eps^2 w^2 3 S^2."""
    problem = make_problem(dim=1, width=1, eps=0.5)
    w = problem.start.V[0, 0] * problem.start.a[0]
    norm, fourth = _test_moments(problem.network, problem.start, problem.tests["exact"])
    assert norm == pytest.approx(1 + 0.5**2 * w**2 * 3, rel=1e-12)
    assert fourth == pytest.approx(3, rel=1e-12)


@pytest.mark.parametrize("Sigma", COVARIANCES.values(), ids=COVARIANCES)
def test_the_population_operator_bounds_the_sample_one_of_many_points(make_problem, rng, Sigma):
    problem = make_problem(dim=3, width=4, eps=0.7, covariance=Sigma)
    law = problem.tests["exact"].law
    X = law.inputs.draw(200_000, rng)
    many = type(problem.train)(problem.network, problem.start, grokode.Data(X, law.target(X)))
    exact, sampled = (_test_moments(problem.network, problem.start, test) for test in (problem.tests["exact"], many))
    # moments of order up to four of 2e5 points: 1 % each is 4 standard errors of the heaviest
    assert 0.5 * exact[0] < sampled[0] < 1.02 * exact[0]
    assert sampled[1] == pytest.approx(exact[1], rel=0.02)


def test_the_sample_operator_is_the_test_points_kernel_over_their_number(make_problem):
    problem = make_problem(n_test=9)
    X = problem.tests["sample"].data.X
    K = problem.start.kernel(problem.network, X, X)
    norm, fourth = _test_moments(problem.network, problem.start, problem.tests["sample"])
    truth = np.linalg.eigvalsh(K)[-1] / len(X)
    assert truth <= norm <= 1.02 * truth
    assert fourth == pytest.approx(np.mean(np.linalg.norm(X, axis=1) ** 4), rel=1e-12)


@pytest.mark.parametrize("order", [1, 2, 11, 150])
@pytest.mark.parametrize("condition", [1.0, 1e3, 1e8])
def test_the_smallest_eigenvalue_is_found_from_above_and_what_is_proved_lies_below_it(rng, order, condition):
    Q = np.linalg.qr(rng.standard_normal((order, order)))[0]
    K = Q * np.geomspace(1.0, condition, order) @ Q.T
    K = (K + K.T) / 2
    assert 1.0 - 1e-6 <= smallest_eigenvalue(K) <= 1.005
    assert exceeds(K, 0.99)
    assert not exceeds(K, 1.01)


def test_what_the_iteration_finds_is_not_believed_without_its_proof(path, monkeypatch):
    problem, thetas = path
    assert never(problem, LATE[-1], thetas[-1], 1e-3) is not None
    monkeypatch.setattr(certificate, "smallest_eigenvalue", lambda K: 1.02 * np.linalg.eigvalsh(K)[0])
    assert never(problem, LATE[-1], thetas[-1], 1e-3) is None


def test_the_largest_eigenvalue_is_found_beside_a_near_one(rng):
    """An upper bound adds 1 % to it, so it may not settle on the second one, here 2 % below."""
    for _ in range(20):
        values = np.concatenate([[1.0, 0.98, 0.97], rng.uniform(0, 0.96, 300)])
        operator = LinearOperator((303, 303), matvec=lambda d, values=values: values * d, dtype=float)
        assert 0.999 <= certificate._largest_eigenvalue(operator, krylov=20, tol=1e-4) <= 1 + 1e-12


def test_a_matrix_that_is_not_positive_has_no_smallest_eigenvalue_to_speak_of(rng):
    B = rng.standard_normal((40, 20))
    for K in (B @ B.T - 1e-9 * np.eye(40), np.diag([1.0, -1.0])):
        assert smallest_eigenvalue(K) == 0.0
        assert not exceeds(K, 0.0)
    assert not exceeds(B @ B.T, 0.0)  # singular: up to rounding is not enough
