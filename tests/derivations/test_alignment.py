"""The alignment in closed form against the package's kernel, averaged exactly on quadrature points."""

import itertools

import numpy as np
import pytest
from grokode_derivations.alignment import (
    A_1,
    A_2,
    ALIGNMENT,
    CLAIMS,
    NUMERATOR,
    OWN_NUMERATOR,
    OWN_SQUARED_KERNEL,
    PRODUCTS,
    SQUARED_KERNEL,
    SQUARED_LABEL,
    c,
    l_1,
    l_2,
    u_1,
    u_2,
)
from grokode_derivations.claim import Outcome
from grokode_derivations.gaussian import numeric
from grokode_derivations.notation import B, D, M, P, Sigma, alpha, b, beta, eps, wbar
from grokode_derivations.spectrum import QUADRATIC, RADIAL

import grokode
from grokode.lazy.alignment import KernelProduct, PopulationAlignment

BY_TAG = {claim.tag: claim for claim in CLAIMS}
DIMS = pytest.mark.parametrize("dim", [1, 2, 3])
EPS = pytest.mark.parametrize("weight", [0.02, 0.6, 30.0])


def population(Sigma, nodes=3):
    """Return points and weights that average polynomials over N(0, Sigma) exactly, to degree 2 nodes - 1."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    dim = len(Sigma)
    grid = np.array(list(itertools.product(points, repeat=dim)))
    weight = np.prod(list(itertools.product(weights / weights.sum(), repeat=dim)), axis=1)
    return grid @ np.linalg.cholesky(Sigma).T, weight


def averages(state, weight, target, Sigma):
    """Average y K y', K^2 and y^2 over the population, from the package's kernel and target."""
    X, p = population(Sigma)
    K, y = state.kernel(grokode.Network(alpha=1.0, eps=weight), X, X), target(X)
    return p * y @ K @ (p * y), p @ K**2 @ p, p @ y**2


def single_index(direction):
    return grokode.QuadraticTarget(0.0, np.zeros(len(direction)), np.outer(direction, direction))


def values(state, weight, direction):
    return {D: len(direction), eps: weight, beta: direction, wbar: state.wbar, M: state.M}


def random_case(dim, weight, rng, width=4):
    state = grokode.FactorState.from_neurons(rng.standard_normal((width, dim)))
    direction = rng.standard_normal(dim)
    return state, direction, values(state, weight, direction)


# ---- over the population


@EPS
@DIMS
def test_the_three_averages_of_the_papers_task_are_those_over_the_population(dim, weight, rng):
    state, direction, at = random_case(dim, weight, rng)
    exact = averages(state, weight, single_index(direction), np.eye(dim) / dim)
    proved = [numeric(BY_TAG[tag].statement.value, at) for tag in ("A2", "A3", "A4")]
    np.testing.assert_allclose(proved, exact, rtol=1e-12)


@EPS
@DIMS
def test_the_alignment_is_the_ratio_of_the_averages(dim, weight, rng):
    state, direction, at = random_case(dim, weight, rng)
    numerator, squared_kernel, squared_label = averages(state, weight, single_index(direction), np.eye(dim) / dim)
    exact = numerator / (np.sqrt(squared_kernel) * squared_label)
    assert numeric(ALIGNMENT, at) == pytest.approx(exact, rel=1e-12, abs=0)


@pytest.mark.parametrize("parts", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)], ids=["c", "b", "B", "all"])
@EPS
@DIMS
def test_the_averages_hold_for_any_covariance_and_any_quadratic_target(dim, weight, parts, rng):
    root, form = rng.standard_normal((2, dim, dim))
    covariance = root @ root.T + 0.1 * np.eye(dim)
    constant, linear, quadratic = 0.7 * parts[0], parts[1] * rng.standard_normal(dim), parts[2] * (form + form.T)
    state, _, at = random_case(dim, weight, rng)
    at |= {c: constant, b: linear, B: quadratic, Sigma: covariance}

    exact = averages(state, weight, grokode.QuadraticTarget(constant, linear, quadratic), covariance)
    proved = [numeric(value, at) for value in BY_TAG["A9"].statement.value]
    # contributions to the numerator have both signs: compare with the bound that Cauchy and Schwarz give it
    scale = np.array([np.sqrt(exact[1]) * exact[2], exact[1], exact[2]])
    np.testing.assert_allclose(proved / scale, exact / scale, rtol=0, atol=1e-12)


@EPS
@DIMS
def test_an_input_paired_with_itself_adds_the_proved_averages(dim, weight, rng):
    state, direction, at = random_case(dim, weight, rng)
    X, p = population(np.eye(dim) / dim, nodes=5)
    own = np.diag(state.kernel(grokode.Network(alpha=1.0, eps=weight), X, X))
    y = single_index(direction)(X)
    assert numeric(OWN_NUMERATOR, at) == pytest.approx(p @ (y**2 * own), rel=1e-12, abs=0)
    assert numeric(OWN_SQUARED_KERNEL, at) == pytest.approx(p @ own**2, rel=1e-12, abs=0)


@EPS
@DIMS
def test_the_package_computes_the_alignment_for_any_covariance_and_any_quadratic_target(dim, weight, rng):
    root, form = rng.standard_normal((2, dim, dim))
    covariance, linear = root @ root.T + 0.1 * np.eye(dim), rng.standard_normal(dim)
    state, _, at = random_case(dim, weight, rng)
    at |= {c: 0.7, b: linear, B: form + form.T, Sigma: covariance}
    numerator, squared_kernel, squared_label = (numeric(value, at) for value in BY_TAG["A9"].statement.value)
    law = grokode.Law(grokode.Gaussian(covariance), grokode.QuadraticTarget(0.7, linear, form + form.T))
    computed = PopulationAlignment(grokode.Network(alpha=1.0, eps=weight), law)(state.wbar, state.M)
    # an alignment is a cosine: 1e-12 of 1
    proved = numerator / (np.sqrt(squared_kernel) * squared_label)
    assert computed == pytest.approx(proved, rel=0, abs=1e-12)


# ---- products of kernels


def any_kernel(number, u, A, weight, X):
    """Evaluate x.x' (l + eps u.(x + x') + eps^2 x^T A x') at all pairs of rows."""
    return (X @ X.T) * (number + weight * np.add.outer(X @ u, X @ u) + weight**2 * X @ A @ X.T)


def coefficients(dim, rng):
    """Return (u, A) of two kernels, A symmetric and of either sign, by the proof's letters."""
    vectors, forms = rng.standard_normal((2, dim)), rng.standard_normal((2, dim, dim))
    forms = forms + forms.transpose(0, 2, 1)
    return {u_1: vectors[0], u_2: vectors[1], A_1: forms[0], A_2: forms[1]}


@pytest.mark.parametrize("full", [True, False], ids=["covariance", "variances"])
@EPS
@DIMS
def test_the_package_computes_the_proved_products_of_kernels(dim, weight, full, rng):
    root, at = rng.standard_normal((dim, dim)), coefficients(dim, rng)
    covariance = root @ root.T if full else rng.uniform(0.1, 2, dim)
    matrix = covariance if full else np.diag(covariance)
    at |= {l_1: 1.0, l_2: 1.0, eps: weight, Sigma: matrix}
    proved = [numeric(value, at) for value in PRODUCTS]
    product = KernelProduct(grokode.Gaussian(covariance), weight)
    computed = product.linear, product.cross(at[u_1], at[u_2]), product.quadratic(at[A_1], at[A_2])
    # contributions have both signs: compare with the bound that Cauchy and Schwarz give
    squares = (
        [numeric(value, at | {u_1: at[u], u_2: at[u], A_1: at[A], A_2: at[A]}) for value in PRODUCTS]
        for u, A in ((u_1, A_1), (u_2, A_2))
    )
    scale = np.sqrt(np.prod(list(squares), axis=0))
    np.testing.assert_allclose(computed / scale, proved / scale, rtol=0, atol=1e-12)


@EPS
@DIMS
def test_the_products_of_kernels_are_those_over_the_population(dim, weight, rng):
    root, at = rng.standard_normal((dim, dim)), coefficients(dim, rng)
    covariance = root @ root.T + 0.1 * np.eye(dim)
    at |= {l_1: 0.7, l_2: -1.3, eps: weight, Sigma: covariance}
    X, p = population(covariance)
    first = any_kernel(at[l_1], at[u_1], at[A_1], weight, X)
    second = any_kernel(at[l_2], at[u_2], at[A_2], weight, X)
    scale = np.sqrt((p @ first**2 @ p) * (p @ second**2 @ p))
    proved = numeric(BY_TAG["A13"].statement.value, at)
    assert proved / scale == pytest.approx(p @ (first * second) @ p / scale, rel=0, abs=1e-12)


# ---- special cases


@pytest.mark.parametrize("weight", [0.02, 0.6, 30.0, 1e4])
@pytest.mark.parametrize("dim", [1, 2, 5, 40])
def test_the_alignment_is_a_cosine_and_never_negative(dim, weight, rng):
    for width in (1, 3, 50):
        _, _, at = random_case(dim, weight, rng, width)
        assert 0 <= numeric(ALIGNMENT, at) <= 1


def test_as_printed_the_alignment_would_exceed_one():
    state = grokode.FactorState(np.array([1.0, 0.0]), np.array([[0.0], [1.0]]))
    at = values(state, 1e4, np.array([2.0]))
    assert numeric(ALIGNMENT, at) == pytest.approx(1, rel=1e-7, abs=0)  # K is y y' but for a part of order 1/eps^4
    printed = numeric(BY_TAG["A2"].printed.value, at)
    assert printed / numeric(NUMERATOR, at) * numeric(ALIGNMENT, at) == pytest.approx(4, rel=1e-7, abs=0)


@pytest.mark.parametrize("dim", [1, 2, 7, 100])
@EPS
def test_the_initial_alignment_is_that_of_the_target_in_eigenfunctions(dim, weight):
    # y is a traceless form with eigenvalue QUADRATIC plus |beta|^2/(2 D) |x|^2 with RADIAL, of these mean squares
    radial = (dim + 2) / (4 * dim)  # in units of |beta|^4/D^2, where <y^2> is 3/4
    shares = np.array([3 / 4 - radial, radial])
    quadratic, radial = (float(value.subs({D: dim, eps: weight})) for value in (QUADRATIC, RADIAL))
    squared = dim * (1 / dim) ** 2 + (dim * (dim + 1) / 2 - 1) * quadratic**2 + radial**2
    expected = shares @ [quadratic, radial] / (np.sqrt(squared) * 3 / 4)
    stated = float(BY_TAG["A10"].statement.value.subs({D: dim, eps: weight}))
    assert stated == pytest.approx(expected, rel=1e-12, abs=0)

    state = grokode.FactorState.infinite_width(dim, 1.0)
    assert numeric(ALIGNMENT, values(state, weight, np.ones(dim))) == pytest.approx(expected, rel=1e-12, abs=0)


def test_what_turns_the_weights_to_the_target_raises_the_alignment_and_lowers_the_misalignment_error():
    direction = np.array([2.0, 0.0, 0.0])
    target, network = single_index(direction), grokode.Network(alpha=0.7, eps=0.6)
    law = grokode.Law(grokode.Gaussian.isotropic(3), target)
    alignments, errors = [], []
    for angle in np.linspace(np.pi / 2, 0, 8):
        w = np.array([np.cos(angle), np.sin(angle), 0.0])
        state = grokode.FactorState(np.array([1.0, 0.0]), np.array([np.zeros(3), w]))
        alignments.append(numeric(ALIGNMENT, values(state, 0.6, direction)))
        errors.append(grokode.PopulationRisk(network, state, law).terms(state.wbar, state.M).misalignment_error)
    assert np.all(np.diff(alignments) > 0)
    assert np.all(np.diff(errors) < 0)

    # both are linear in beta^T M beta, with the coefficients that are proved; the normalization stays as w turns
    at = values(state, 0.6, direction) | {alpha: 0.7}
    in_numerator, in_error = (numeric(value, at) for value in BY_TAG["A6"].statement.value)
    normalization = np.sqrt(numeric(SQUARED_KERNEL, at)) * numeric(SQUARED_LABEL, at)
    slopes = np.diff(errors) / (np.diff(alignments) * normalization)
    np.testing.assert_allclose(slopes, in_error / in_numerator, rtol=1e-9)


# ---- on samples


def sample_sums(state, weight, direction, n, rng):
    """Return y^T K y, |K|^2 and |y|^2 of a sample, over n^2, n^2 and n."""
    X = rng.standard_normal((n, len(direction))) / np.sqrt(len(direction))
    K, y = state.kernel(grokode.Network(alpha=1.0, eps=weight), X, X), single_index(direction)(X)
    return y @ K @ y / n**2, np.sum(K**2) / n**2, y @ y / n


@pytest.mark.parametrize("n", [1, 2, 10])
def test_sums_over_small_samples_have_the_proved_averages(n, rng):
    state, direction, at = random_case(2, 0.6, rng)
    sums = np.array([sample_sums(state, 0.6, direction, n, rng) for _ in range(5000)])
    proved = [numeric(value, at | {P: n}) for value in BY_TAG["A12"].statement.value]
    error = sums.std(0) / np.sqrt(len(sums))
    assert np.all(np.abs(sums.mean(0) - [*proved, numeric(SQUARED_LABEL, at)]) < 5 * error)


def test_the_alignment_of_a_sample_tends_to_that_of_the_population_as_the_root_of_its_size(rng):
    state, direction, at = random_case(2, 1.5, rng)
    sizes = np.array([125, 500, 2000])
    missed = []
    for n in sizes:
        sums = np.array([sample_sums(state, 1.5, direction, n, rng) for _ in range(60)])
        alignments = sums[:, 0] / (np.sqrt(sums[:, 1]) * sums[:, 2])
        missed.append(np.sqrt(np.mean((alignments - numeric(ALIGNMENT, at)) ** 2)))
    slope = np.polyfit(np.log(sizes), np.log(missed), 1)[0]
    assert abs(slope + 0.5) < 0.15  # 60 draws fix each spread to 9 %


def test_at_figure_1s_parameters_a_sample_pairs_its_points_mostly_with_themselves(rng):
    # 1000 points: the alignment of the sample is hundreds of times that of the population
    dim, n, weight = 100, 1000, 0.02
    state = grokode.FactorState.random(dim, 500, 1.0, rng)
    direction = rng.standard_normal(dim)
    at = values(state, weight, direction)
    own, pairs = numeric(OWN_NUMERATOR, at) / n, numeric(NUMERATOR, at)
    assert own > 500 * pairs
    sums = np.array([sample_sums(state, weight, direction, n, rng) for _ in range(10)])
    spread = sums[:, 0].std() / np.sqrt(len(sums))
    assert abs(sums[:, 0].mean() - own - pairs * (1 - 1 / n)) < 5 * spread


def test_eigenvectors_align_in_the_order_of_their_eigenvalues(rng):
    state, _, _ = random_case(3, 0.6, rng)
    X = rng.standard_normal((12, 3))
    K = state.kernel(grokode.Network(alpha=1.0, eps=0.6), X, X)
    eigenvalues, vectors = np.linalg.eigh(K)
    alignments = [7 * v @ K @ (7 * v) / (np.linalg.norm(K) * (7 * v) @ (7 * v)) for v in vectors.T]
    np.testing.assert_allclose(alignments, eigenvalues / np.linalg.norm(K), atol=1e-13)


def test_the_misprints_of_this_topic_are_a_quarter_twice_and_an_exponent():
    outcomes = {tag: claim.prove().outcome for tag, claim in BY_TAG.items()}
    assert {tag for tag, outcome in outcomes.items() if outcome is Outcome.PAPER_WRONG} == {"A1", "A2"}
    assert {tag for tag, outcome in outcomes.items() if outcome is Outcome.TRANSCRIPTION} == {"A8"}
    for tag in ("A1", "A2"):
        assert (BY_TAG[tag].printed.value / BY_TAG[tag].statement.value).simplify() == 4
