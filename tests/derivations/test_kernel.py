"""The kernel against the package, against gradients taken by differences, and against operators in numbers."""

import itertools

import numpy as np
import pytest
from grokode_derivations.claim import Outcome
from grokode_derivations.gaussian import numeric
from grokode_derivations.kernel import (
    CLAIMS,
    INITIAL,
    KERNEL,
    LINEAR,
    PRODUCTS,
    RADIAL,
    TRACELESS,
    WITH_READOUTS,
    E,
    Ep,
    rho,
    u,
    up,
)
from grokode_derivations.notation import D, M, N, P, Sigma, alpha, eps, sigma, wbar, x, xp
from grokode_derivations.words import numeric as word

import grokode
from grokode.lazy import alignment, sample_kernel
from grokode.model.kernel import FeatureModes, MonomialFeatures, SampleModes, TangentFeatures
from grokode.model.quadratic import QuadraticFunctions

BY_TAG = {claim.tag: claim for claim in CLAIMS}
SHAPES = pytest.mark.parametrize(("width", "dim"), [(1, 3), (2, 5), (7, 3), (40, 2)])


def network(eps, alpha=1.7, **others):
    return grokode.Network(alpha=alpha, eps=eps, **others)


def outputs(W, X, alpha, eps):
    """Evaluate eq. 3 as it stands."""
    H = X @ W.T
    return alpha * np.mean(H + eps / 2 * H**2, axis=1)


def gradients(function, theta):
    """Differentiate by central differences: exact, up to rounding, where each number enters quadratically at most."""
    steps = np.eye(theta.size).reshape(-1, *theta.shape)
    return np.array([(function(theta + step) - function(theta - step)) / 2 for step in steps]).T


def matrix(expression, values, X1, X2):
    """Evaluate a kernel at all pairs of rows."""
    first, second = np.repeat(X1, len(X2), axis=0), np.tile(X2, (len(X1), 1))
    return np.reshape(numeric(expression, {**values, x: first, xp: second}), (len(X1), len(X2)))


def quadrature(dim, nodes):
    """Return points and weights that average polynomials over N(0, I) exactly, to degree 2 nodes - 1 a coordinate."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.array(list(itertools.product(points, repeat=dim)))
    return grid, np.prod(list(itertools.product(weights / weights.sum(), repeat=dim)), axis=1)


def assert_equal(computed, proved):
    """Compare at 1e-12 of the largest entry: products of both signs cancel in the small ones."""
    np.testing.assert_allclose(computed, proved, rtol=0, atol=1e-12 * np.abs(proved).max())


# ---- at any weights


@SHAPES
def test_the_package_computes_the_proved_kernel(width, dim, rng):
    W, X1, X2 = rng.standard_normal((width, dim)), rng.standard_normal((6, dim)), rng.standard_normal((4, dim))
    values = {eps: 0.6, wbar: W.mean(0), M: W.T @ W / width}
    computed = grokode.FactorState.from_neurons(W).kernel(network(0.6), X1, X2)
    assert_equal(computed, matrix(KERNEL, values, X1, X2))


@SHAPES
def test_the_product_of_gradients_by_differences_has_the_factor_that_eq_5_lacks(width, dim, rng):
    W, X = rng.standard_normal((width, dim)), rng.standard_normal((6, dim))
    J = gradients(lambda W: outputs(W, X, 1.7, 0.6), W)
    values = {alpha: 1.7, eps: 0.6, N: width, wbar: W.mean(0), M: W.T @ W / width}
    claim = BY_TAG["K5"]
    assert_equal(J @ J.T, matrix(claim.statement.value, values, X, X))
    assert_equal(width / 1.7**2 * J @ J.T, matrix(claim.printed.value, values, X, X))


@pytest.mark.parametrize("centered", [False, True], ids=["plain", "centered"])
@SHAPES
def test_the_kernel_moves_the_residual_in_flow_time(width, dim, centered, rng):
    net = network(0.6, centered=centered)
    start = grokode.FactorState.from_neurons(rng.standard_normal((width, dim)))
    state = start.at(start.V + 0.3 * rng.standard_normal(start.V.shape))
    X, y, X_test = rng.standard_normal((5, dim)), rng.standard_normal(5), rng.standard_normal((4, dim))
    labels = y + centered * start.outputs(net, X)
    _, force = state.loss_force(net, X, labels)

    for points in (X, X_test):
        # outputs are quadratic in V: this difference is the derivative
        ahead, behind = (state.at(state.V + sign * force).outputs(net, points) for sign in (1, -1))
        K = matrix(KERNEL, {eps: 0.6, wbar: state.wbar, M: state.M}, points, X)
        expected = -2 / len(X) * K @ (state.outputs(net, X) - labels)
        # relative to the two numbers that are subtracted
        np.testing.assert_allclose((ahead - behind) / 2, expected, rtol=0, atol=1e-12 * np.abs(ahead).max())


# ---- wide networks


@pytest.mark.parametrize("dim", [1, 3, 8])
def test_an_infinitely_wide_start_has_the_kernel_of_eq_10(dim, rng):
    X1, X2 = rng.standard_normal((6, dim)), rng.standard_normal((4, dim))
    computed = grokode.FactorState.infinite_width(dim, 1.0).kernel(network(0.6), X1, X2)
    assert_equal(computed, matrix(INITIAL, {eps: 0.6}, X1, X2))


@pytest.mark.parametrize(("dim", "width", "spread"), [(40, 2, 1.0), (5, 3, 0.4), (3, 500, 1.5)])
def test_random_starts_of_finite_width_miss_the_infinite_one_by_the_proved_amounts(dim, width, spread, rng):
    states = [grokode.FactorState.random(dim, width, spread, rng) for _ in range(4000)]
    missed = np.array(
        [(state.wbar @ state.wbar, np.sum((state.M - spread**2 * np.eye(dim)) ** 2)) for state in states]
    )  # fmt: skip
    proved = [float(value.subs({D: dim, N: width, sigma: spread})) for value in BY_TAG["K12"].statement.value]
    error = missed.std(0) / np.sqrt(len(missed))
    assert np.all(np.abs(missed.mean(0) - proved) < 5 * error)


def test_only_a_network_much_wider_than_its_inputs_starts_at_the_identity():
    relative = BY_TAG["K12"].statement.value[1] / D
    assert relative.subs({sigma: 1, D: 100, N: 500}) > 0.2
    assert relative.subs({sigma: 1, D: 40, N: 2}) > 20
    assert relative.subs({sigma: 1, D: 40, N: 40_000}) < 2e-3


# ---- rank and trace


@pytest.mark.parametrize(
    ("dim", "width", "samples"),
    [(40, 2, 120), (3, 50, 40), (4, 3, 60), (6, 5, 60), (4, 50, 5), (2, 1, 30), (1, 4, 10)],
    ids=["figure 4", "features", "three neurons", "five neurons", "samples", "one neuron", "one dimension"],
)
def test_the_rank_of_the_kernel_is_the_proved_one_and_within_the_simple_bounds(dim, width, samples, rng):
    state = grokode.FactorState.from_neurons(rng.standard_normal((width, dim)))
    X = rng.standard_normal((samples, dim))
    found = np.linalg.matrix_rank(state.kernel(network(0.6), X, X))
    at = {D: dim, N: width, P: samples, rho: min(width, dim + 1)}
    assert found == BY_TAG["K15"].statement.value.subs(at)
    assert found <= min(bound.subs(at) for bound in BY_TAG["K8"].statement.value)


def test_neurons_that_depend_on_each_other_count_once(rng):
    w = rng.standard_normal(3)
    W = np.array([w, -w, w, 0 * w])  # with the column of ones: rank 2
    X = rng.standard_normal((60, 3))
    found = np.linalg.matrix_rank(grokode.FactorState.from_neurons(W).kernel(network(0.6), X, X))
    assert found == BY_TAG["K15"].statement.value.subs({D: 3, P: 60, rho: 2}) == 6


@pytest.mark.parametrize("dim", [1, 3, 6])
def test_the_mean_of_the_diagonal_is_what_the_population_risk_says(dim, rng):
    root = rng.standard_normal((dim, dim))
    state = grokode.FactorState.from_neurons(rng.standard_normal((4, dim)))
    law = grokode.Law(grokode.Gaussian(root @ root.T), grokode.QuadraticTarget(0.0, np.zeros(dim), np.eye(dim)))
    values = {eps: 0.6, M: state.M, Sigma: root @ root.T}
    computed = grokode.PopulationRisk(network(0.6), state, law).mean_kernel
    assert computed == pytest.approx(numeric(BY_TAG["K9"].statement.value, values), rel=1e-12, abs=0)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_mean_of_the_diagonal_agrees_with_quadrature(dim, rng):
    root = rng.standard_normal((dim, dim))
    state = grokode.FactorState.from_neurons(rng.standard_normal((4, dim)))
    points, weights = quadrature(dim, nodes=3)
    diagonal = np.diag(state.kernel(network(0.6), points @ root.T, points @ root.T))
    values = {eps: 0.6, M: state.M, Sigma: root @ root.T}
    assert numeric(BY_TAG["K9"].statement.value, values) == pytest.approx(weights @ diagonal, rel=1e-12, abs=0)


# ---- functions made of kernels


@SHAPES
def test_the_package_maps_sums_over_samples_to_the_proved_function(width, dim, rng):
    state = grokode.FactorState.from_neurons(rng.standard_normal((width, dim)))
    X, weights, others = rng.standard_normal((6, dim)), rng.standard_normal((6, 2)), rng.standard_normal((4, dim))
    sums = QuadraticFunctions(weights.T @ X, np.einsum("mk,mi,mj->kij", weights, X, X))
    mapped = state.kernel_map(network(0.6), sums)
    assert_equal(mapped(others), state.kernel(network(0.6), others, X) @ weights)
    for k in range(2):
        values = {"ε": 0.6, "w̄": state.wbar[:, None], "M": state.M, "p": sums.b[k, :, None], "T": sums.S[k]}
        b, S = (word(value, values) for value in BY_TAG["K16"].statement.value)
        assert_equal(mapped.b[k], b[:, 0])
        assert_equal(mapped.S[k], S)


def test_from_the_samples_themselves_the_package_finds_the_same_functions(rng):
    state = grokode.FactorState.from_neurons(rng.standard_normal((5, 3)))
    X, weights, others = rng.standard_normal((6, 3)), rng.standard_normal((6, 2)), rng.standard_normal((4, 3))
    functions = state.kernel_functions(network(0.6), X, weights)
    assert_equal(functions(others), state.kernel(network(0.6), others, X) @ weights)


# samples and neurons: features that depend on each other, and more of them than samples, and fewer
FEATURES = pytest.mark.parametrize("features", [TangentFeatures, MonomialFeatures])
SAMPLES = pytest.mark.parametrize(("width", "samples"), [(2, 4), (2, 30), (20, 4), (20, 30)])


@SAMPLES
@FEATURES
def test_the_eigenvectors_of_the_package_are_those_of_the_kernel(features, width, samples, rng):
    state = grokode.FactorState.from_neurons(rng.standard_normal((width, 3)))
    X, others = rng.standard_normal((samples, 3)), rng.standard_normal((5, 3))
    modes = FeatureModes.of(features(network(0.6), state), X)
    K = state.kernel(network(0.6), X, X)
    vectors = modes.combine(np.eye(len(modes.eigenvalues)))
    np.testing.assert_allclose(K @ vectors, vectors * modes.eigenvalues, rtol=0, atol=1e-12 * modes.eigenvalues[0])
    # a length is known up to rounding over the eigenvalue
    rounding = 1e-13 * modes.eigenvalues[0] / modes.eigenvalues[-1]
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(vectors.T)), rtol=0, atol=rounding)

    extended = modes.functions(np.eye(len(modes.eigenvalues)))(others)
    expected = state.kernel(network(0.6), others, X) @ vectors / modes.eigenvalues
    np.testing.assert_allclose(extended, expected, rtol=0, atol=rounding * np.abs(expected).max())

    found = SampleModes.of(network(0.6), state, X).eigenvalues
    rank = min(samples, 6 if width == 2 else 9)
    assert len(found) == len(modes.eigenvalues) == rank
    np.testing.assert_allclose(modes.eigenvalues, found, rtol=0, atol=1e-12 * found[0])


@SAMPLES
@FEATURES
def test_any_root_of_the_moments_gives_the_proved_eigenvectors(features, width, samples, rng):
    """Their own matrix, transposed, is one: of full rank or not, square or not."""
    state = grokode.FactorState.from_neurons(rng.standard_normal((width, 3)))
    X, other = rng.standard_normal((samples, 3)), rng.standard_normal((1, 3))
    chosen = features(network(0.6), state)
    rows, Q = chosen.rows(X), chosen.map(np.eye(chosen.size))
    modes = FeatureModes.of(chosen, X)
    eigenvalue, e = (value[..., -1] for value in np.linalg.eigh(rows @ Q @ rows.T))
    values = {"Ψ": rows, "L": rows.T, "Q": Q, "e": e[:, None], "ψ": chosen.rows(other).T, "λ": eigenvalue}
    image, _, extended = BY_TAG["K17"].statement.value
    assert eigenvalue == pytest.approx(modes.eigenvalues[0], rel=1e-12)
    first = modes.combine(np.eye(len(modes.eigenvalues))[:, :1])
    sign = np.sign(first[0, 0] * e[0])
    np.testing.assert_allclose(word(image, values), sign * eigenvalue * first, rtol=0, atol=1e-12 * eigenvalue)
    computed = modes.functions(np.eye(len(modes.eigenvalues))[:, :1])(other)
    np.testing.assert_allclose(word(extended, values), sign * computed, rtol=1e-11)


# ---- products of kernels on a sample


def over_pairs_of(X, product, values):
    """Sum what a pair of samples adds over all pairs."""
    return float(np.sum(matrix(product, values, X, X)))


def test_the_proved_products_are_those_of_moments_in_numbers(rng):
    X, (i, j) = rng.standard_normal((7, 3)), rng.standard_normal((2, 3))
    first, second = (form + form.T for form in rng.standard_normal((2, 3, 3)))
    two, three = np.einsum("ma,mb->ab", X, X), np.einsum("ma,mb,mc->abc", X, X, X)
    four = np.einsum("ma,mb,mc,md->abcd", X, X, X, X)
    computed = (
        np.einsum("ab,ab", two, two),
        2 * np.einsum("abi,ab,i", three, two, i),
        2 * np.einsum("abij,ab,i,j", four, two, i, j) + 2 * np.einsum("abi,abj,i,j", three, three, i, j),
        np.einsum("abi,abj,ij", three, three, first),
        2 * np.einsum("abki,abj,ij,k", four, three, first, i),
        np.einsum("abik,abjl,ij,kl", four, four, first, second),
    )
    values = {u: i, up: j, E: first, Ep: second}
    scale = np.einsum("abcd,abcd", four, four)
    proved = [over_pairs_of(X, product, values) for product in PRODUCTS]
    np.testing.assert_allclose(computed, proved, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("space", [True, False], ids=["samples", "monomials"])
@pytest.mark.parametrize("samples", [3, 40])
@SHAPES
def test_the_package_reads_the_proved_norms_from_a_sample(width, dim, samples, space, rng, monkeypatch):
    monkeypatch.setattr(sample_kernel, "in_samples", lambda *_: space)
    start = grokode.FactorState.from_neurons(rng.standard_normal((width, dim)))
    state = start.at(start.V + 0.5 * rng.standard_normal(start.V.shape))
    X, y, weight = rng.standard_normal((samples, dim)), rng.standard_normal(samples), 0.6
    reading = sample_kernel.SampleKernel(network(weight), start, X, y).read(state)

    def terms(vector, form):
        values = {u: vector, up: vector, E: form, Ep: form}
        products = [over_pairs_of(X, product, values) for product in PRODUCTS]
        return products * weight ** np.array([0, 1, 2, 2, 3, 4])

    linear, with_cross, cross, with_quadratic, between, quadratic = terms(state.wbar, state.M)
    norms = reading.norm_linear, reading.norm_cross, reading.norm_quadratic, reading.norm
    squared = linear + cross + quadratic + 2 * (with_cross + with_quadratic + between)
    np.testing.assert_allclose(norms, np.sqrt([linear, cross, quadratic, squared]), rtol=1e-12)
    _, _, cross, _, between, quadratic = terms(state.wbar - start.wbar, state.M - start.M)
    assert reading.drift == pytest.approx(np.sqrt(cross + quadratic + 2 * between), rel=1e-12)

    K0, K = (at.kernel(network(weight), X, X) for at in (start, state))
    assert reading.norm == pytest.approx(np.linalg.norm(K), rel=1e-12)
    assert reading.drift == pytest.approx(np.linalg.norm(K - K0), rel=1e-12)
    nearest = np.vdot(K, K0) / np.vdot(K0, K0)
    assert reading.drift_scale == pytest.approx((nearest - 1) * np.linalg.norm(K0), rel=0, abs=1e-12 * reading.norm)
    assert reading.drift_rotation == pytest.approx(np.linalg.norm(K - nearest * K0), rel=1e-11)
    expected = [
        function(K, y)
        for function in (
            alignment.sample_alignment,
            alignment.column_centered_alignment,
            alignment.centered_alignment,
        )
    ]
    computed = reading.alignment_sample, reading.alignment_column_centered, reading.alignment_centered
    np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-12)


# ---- trained readouts


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_kernel_with_readouts_is_the_average_product_of_gradients(dim, rng):
    X = rng.standard_normal((5, dim))

    def one_neuron(theta):
        h = X @ theta[1:]
        return theta[0] * (h + 0.6 / 2 * h**2)

    thetas, weights = quadrature(dim + 1, nodes=3)
    products = [J @ J.T for J in (gradients(one_neuron, theta) for theta in thetas)]
    assert_equal(np.tensordot(weights, products, axes=1), matrix(WITH_READOUTS, {eps: 0.6}, X, X))


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
@pytest.mark.parametrize("weight", [0.25, 2.0])
def test_the_spectrum_with_readouts_is_that_of_the_operator_in_numbers(dim, weight):
    points, weights = quadrature(dim, nodes=3)
    X = points / np.sqrt(dim)
    root = np.sqrt(weights)
    operator = root[:, None] * matrix(WITH_READOUTS, {eps: weight}, X, X) * root
    linear, traceless, radial = (float(value.subs({D: dim, eps: weight})) for value in (LINEAR, TRACELESS, RADIAL))
    stated = [linear] * dim + [traceless] * (dim * (dim + 1) // 2 - 1) + [radial]

    found = np.sort(np.linalg.eigvalsh(operator))
    np.testing.assert_allclose(found[-len(stated) :], np.sort(stated), rtol=0, atol=1e-12 * max(stated))
    np.testing.assert_allclose(found[: -len(stated)], 0, atol=1e-12 * max(stated))


def test_the_radial_function_overtakes_the_linear_ones_as_the_dimension_grows():
    above = [dim for dim in range(1, 400) if (RADIAL - LINEAR).subs({D: dim, eps: 0.25}) > 0]
    assert above == list(range(120, 400))
    assert "from D = 120 on" in BY_TAG["K6"].effect()


def test_the_kernel_with_readouts_depends_on_more_than_the_two_moments(rng):
    w, X = rng.standard_normal(3), rng.standard_normal((2, 3))
    kernels = []
    for v in (1.0, 2.0):
        theta = np.array([[v, *w], [-v, *w]])

        def two_neurons(theta):
            H = X @ theta[:, 1:].T
            return (H + 0.6 / 2 * H**2) @ theta[:, 0]

        np.testing.assert_allclose(two_neurons(theta), 0, atol=1e-15)
        J = gradients(two_neurons, theta)
        kernels.append(J @ J.T)
    assert abs(kernels[1] - kernels[0]).min() > 0.1


def test_the_misprints_of_this_topic_are_a_unit_and_an_order():
    wrong = {tag for tag, claim in BY_TAG.items() if claim.prove().outcome is Outcome.PAPER_WRONG}
    assert wrong == {"K5", "K6"}
