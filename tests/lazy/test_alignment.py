"""Alignments in each convention, against formulas with the centring matrix and exact averages over the law."""

import numpy as np
import pytest

import grokode
from grokode.lazy import PopulationAlignment, centered_alignment, column_centered_alignment, sample_alignment
from grokode.lazy.alignment import KernelProduct, cosine

CLOSE = 1e-11  # sums of some thousand products


def centring(P):
    return np.eye(P) - np.ones((P, P)) / P


def by_matrices(K, y):
    """Each convention, with H written out."""
    H = centring(len(y))
    return {
        sample_alignment: y @ K @ y / (np.linalg.norm(K) * y @ y),
        column_centered_alignment: y @ H @ K @ y / (np.linalg.norm(H @ K) * y @ y),
        centered_alignment: y @ H @ K @ H @ y / (np.linalg.norm(H @ K @ H) * (H @ y) @ (H @ y)),
    }


conventions = pytest.mark.parametrize("alignment", [sample_alignment, column_centered_alignment, centered_alignment])


@pytest.fixture
def matrix(rng):
    """Return a kernel's matrix and labels, neither of zero mean."""
    A = rng.standard_normal((6, 4)) + 0.5
    return A @ A.T, rng.standard_normal(6) + 0.7


@conventions
def test_every_convention_is_its_formula(matrix, alignment):
    assert alignment(*matrix) == pytest.approx(by_matrices(*matrix)[alignment], rel=1e-13, abs=0)


def test_the_columns_are_centred_and_not_the_rows(rng):
    """Seen on a matrix that is not symmetric."""
    K, y = rng.standard_normal((5, 5)), rng.standard_normal(5) + 1
    for alignment, expected in by_matrices(K, y).items():
        assert alignment(K, y) == pytest.approx(expected, rel=1e-12, abs=0)


def test_the_conventions_differ(matrix):
    found = [alignment(*matrix) for alignment in by_matrices(*matrix)]
    assert min(np.abs(np.subtract.outer(found, found)[np.triu_indices(3, 1)])) > 0.01


@conventions
def test_no_convention_knows_the_scale_of_kernel_or_labels(matrix, alignment):
    K, y = matrix
    assert alignment(3.7 * K, -2.2 * y) == pytest.approx(alignment(K, y), rel=1e-13, abs=0)


def test_the_centred_one_knows_no_constants(matrix, rng):
    """Neither one in the labels nor one in a row and column of the kernel."""
    K, y = matrix
    u = rng.standard_normal(6)
    assert centered_alignment(K + np.add.outer(u, u), y + 5) == pytest.approx(
        centered_alignment(K, y), rel=1e-11, abs=0
    )


@conventions
def test_labels_align_fully_with_their_own_outer_product(alignment, rng):
    y = rng.standard_normal(5)
    y -= y.mean() if alignment is column_centered_alignment else 0  # which centres the kernel and not the labels
    assert alignment(np.outer(y, y), y) == pytest.approx(1, rel=1e-13, abs=0)


@conventions
def test_what_vanishes_is_aligned_with_nothing(alignment):
    assert alignment(np.zeros((3, 3)), np.ones(3)) == 0
    assert alignment(np.eye(3), np.zeros(3)) == 0
    assert centered_alignment(np.eye(3), np.ones(3)) == 0
    assert cosine(0.0, -1e-20, 1.0) == 0  # rounding of a square


def test_what_centring_leaves_of_equal_samples_is_aligned_with_nothing(rng):
    """Though it is rounding and not zero; beyond rounding it counts."""
    for scale in rng.random(60) * np.repeat([1e-8, 1.0, 1e8], 20):
        constant, y = np.full((7, 7), scale), rng.standard_normal(7)
        assert column_centered_alignment(constant, y) == centered_alignment(constant, y) == 0
        assert centered_alignment(np.eye(7), np.full(7, scale)) == 0
        A = rng.standard_normal((7, 7))
        nearly = constant + 1e-9 * scale * (A + A.T)
        assert column_centered_alignment(nearly, y) == pytest.approx(
            by_matrices(nearly, y)[column_centered_alignment], abs=1e-6
        )
        assert centered_alignment(nearly, y) == pytest.approx(by_matrices(A + A.T, y)[centered_alignment], abs=1e-6)


@conventions
def test_the_matrix_must_be_square_and_as_large_as_the_labels(alignment):
    for shape in ((3, 4), (4, 3), (3, 3)):
        with pytest.raises(grokode.InvalidInput, match="K and y must have shapes"):
            alignment(np.ones(shape), np.ones(4))


def test_rounding_takes_no_cosine_beyond_one():
    assert cosine(1.0 + 1e-15, 1.0, 1.0) == 1
    assert cosine(-1.0 - 1e-15, 1.0, 1.0) == -1


def test_a_cosine_is_its_quotient():
    assert cosine(3.0, 4.0, 5.0) == pytest.approx(3 / (2 * 5), rel=1e-15, abs=0)


# ---- over the law


def statistics(rng, dim):
    A = rng.standard_normal((dim, dim))
    return rng.standard_normal(dim), A + A.T


def kernels(eps, u, A, X):
    """Linear, cross and quadratic term between all points, written out."""
    G = X @ X.T
    return G, eps * G * ((X @ u)[:, None] + (X @ u)[None, :]), eps**2 * G * (X @ A @ X.T)


@pytest.mark.parametrize("kind", ["full", "diagonal", "isotropic"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_products_of_kernels_are_their_averages_over_two_inputs(rng, population, dim, kind):
    """Of two different kernels each, and between terms: those are orthogonal."""
    root, eps = rng.standard_normal((dim, dim)), 0.7
    Sigma = {
        "full": root @ root.T + 0.1 * np.eye(dim),
        "diagonal": np.diag(1.0 + np.arange(dim)),
        "isotropic": np.eye(dim),
    }[kind]
    (u1, A1), (u2, A2) = statistics(rng, dim), statistics(rng, dim)
    X, p = population(Sigma)
    mean = lambda K1, K2: p @ (K1 * K2) @ p  # noqa: E731
    one, other = kernels(eps, u1, A1, X), kernels(eps, u2, A2, X)
    product = KernelProduct(grokode.Gaussian(Sigma), eps)
    # products of both signs: relative to what Cauchy and Schwarz allow
    for found, k in (
        (product.linear, 0),
        (product.cross(u1, u2), 1),
        (product.quadratic(A1, A2), 2),
    ):
        bound = np.sqrt(mean(one[k], one[k]) * mean(other[k], other[k]))
        assert found == pytest.approx(mean(one[k], other[k]), rel=0, abs=CLOSE * bound)
    for j, k in ((0, 1), (0, 2), (1, 2)):
        bound = np.sqrt(mean(one[j], one[j]) * mean(other[k], other[k]))
        assert abs(mean(one[j], other[k])) < CLOSE * bound


def test_products_of_kernels_are_symmetric(rng):
    root = rng.standard_normal((3, 3))
    product = KernelProduct(grokode.Gaussian(root @ root.T), 0.4)
    (u1, A1), (u2, A2) = statistics(rng, 3), statistics(rng, 3)
    assert product.cross(u1, u2) == pytest.approx(product.cross(u2, u1), rel=1e-12, abs=0)
    assert product.quadratic(A1, A2) == pytest.approx(product.quadratic(A2, A1), rel=1e-12, abs=0)


PARTS = {"c": (1, 0, 0), "b": (0, 1, 0), "B": (0, 0, 1), "all": (1, 1, 1)}


@pytest.mark.parametrize("parts", list(PARTS.values()), ids=list(PARTS))
@pytest.mark.parametrize("eps", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_populations_alignment_is_its_averages(make_task, rng, dim, eps, parts):
    form = rng.standard_normal((dim, dim))
    target = grokode.QuadraticTarget(0.7 * parts[0], parts[1] * rng.standard_normal(dim), parts[2] * (form + form.T))
    task = make_task(dim=dim, eps=eps, target=target, width=4)
    K, y, p = task.neurons.kernel(task.points, task.points), target(task.points), task.weights
    direct = (p * y) @ K @ (p * y) / (np.sqrt(p @ K**2 @ p) * (p @ y**2))
    found = PopulationAlignment(task.problem.network, task.problem.tests["exact"].law)
    state = task.problem.start
    assert found(state.wbar, state.M) == pytest.approx(direct, rel=0, abs=CLOSE)


def test_the_populations_alignment_reads_any_state_and_no_noise(make_task, rng):
    task = make_task()
    moved = task.problem.start.at(task.problem.start.V + rng.standard_normal(task.problem.start.V.shape))
    K = moved.kernel(task.problem.network, task.points, task.points)
    y, p, law = task.target(task.points), task.weights, task.problem.tests["exact"].law
    direct = (p * y) @ K @ (p * y) / (np.sqrt(p @ K**2 @ p) * (p @ y**2))
    noisy = PopulationAlignment(task.problem.network, grokode.Law(law.inputs, law.target, 2.0))
    assert noisy(moved.wbar, moved.M) == pytest.approx(direct, rel=0, abs=CLOSE)


def test_a_target_that_vanishes_is_aligned_with_nothing(make_task):
    task = make_task(target=grokode.QuadraticTarget(0.0, np.zeros(3), np.zeros((3, 3))))
    state = task.problem.start
    assert PopulationAlignment(task.problem.network, task.problem.tests["exact"].law)(state.wbar, state.M) == 0


def test_the_populations_alignment_is_that_of_drawn_pairs(make_task, rng):
    """Monte Carlo in five dimensions: every x with every x' of two sets of points, within five standard errors."""
    task = make_task(dim=5, width=4)
    law, state, network, batches = task.problem.tests["exact"].law, task.problem.start, task.problem.network, []
    for _ in range(60):
        X1, X2 = law.inputs.draw(700, rng), law.inputs.draw(700, rng)
        K, y1, y2 = state.kernel(network, X1, X2), law.target(X1), law.target(X2)
        batches.append([y1 @ K @ y2 / K.size, np.mean(K**2), np.mean(y1**2)])
    mean = np.mean(batches, axis=0)
    expected = mean[0] / (np.sqrt(mean[1]) * mean[2])
    # error of the ratio, to first order in those of its three averages
    influence = batches / mean @ np.array([1.0, -0.5, -1.0])
    error = influence.std() / np.sqrt(len(batches))
    assert error < 0.02
    found = PopulationAlignment(network, law)(state.wbar, state.M)
    assert abs(found / expected - 1) < 5 * error


def test_the_samples_alignment_tends_to_the_populations(make_task):
    """Every sample is paired with itself: the gap falls as 1/P."""
    task = make_task(dim=2, width=4)
    law, state, network = task.problem.tests["exact"].law, task.problem.start, task.problem.network
    limit, gaps = PopulationAlignment(network, law)(state.wbar, state.M), []
    for n in (50, 800):
        found = []
        for seed in range(60):
            X = law.inputs.draw(n, np.random.default_rng(seed))
            found.append(sample_alignment(state.kernel(network, X, X), law.target(X)))
        gaps.append(np.sqrt(np.mean((np.array(found) - limit) ** 2)))
    assert gaps[1] < 0.05
    np.testing.assert_allclose(gaps[0] / gaps[1], 4, rtol=0.4)  # P^-1/2; 60 draws know each spread to 9 %
