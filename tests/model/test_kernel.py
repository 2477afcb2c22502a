"""The kernel on a sample, decomposed in each of the three spaces, against the P x P matrix of real neurons."""

import tracemalloc

import numpy as np
import pytest

import grokode
from grokode.experiment.systems import network_of, problem_of
from grokode.model import features as features_module
from grokode.model.kernel import (
    FeatureModes,
    MonomialFeatures,
    SampleModes,
    TangentFeatures,
    condition,
    decompose,
    eigenpairs,
    needed_bytes,
    smallest_space,
)
from grokode.model.network import Network
from grokode.model.quadratic import Monomials
from grokode.model.states.factor import FactorState

SPACES = {
    "samples": SampleModes.of,
    "tangents": lambda network, state, X: FeatureModes.of(TangentFeatures(network, state), X),
    "monomials": lambda network, state, X: FeatureModes.of(MonomialFeatures(network, state), X),
}
each_feature_space = pytest.mark.parametrize("space", ["tangents", "monomials"])
each_space = pytest.mark.parametrize("space", list(SPACES))


class Case:
    """Real neurons on a sample, with the matrix of their gradients' inner products, decomposed by NumPy."""

    def __init__(self, rng, dim, width, n, eps, repeat=1):
        self.W = rng.standard_normal((width, dim))
        self.X = np.tile(rng.standard_normal((n // repeat, dim)), (repeat, 1))
        self.r = rng.standard_normal(len(self.X))
        self.points = rng.standard_normal((6, dim))
        self.eps, self.state, self.network = eps, FactorState.from_neurons(self.W), Network(alpha=0.7, eps=eps)
        self.K = self.kernel(self.X, self.X)
        values, vectors = np.linalg.eigh(self.K)
        kept = values > 1e-11 * values[-1]  # nonzero ones are above 1e-6, rounding is below 1e-14
        self.values, self.vectors = values[kept][::-1], vectors[:, kept][:, ::-1]

    def kernel(self, X1, X2):
        slopes = [1 + self.eps * X @ self.W.T for X in (X1, X2)]
        return (X1 @ X2.T) * (slopes[0] @ slopes[1].T) / len(self.W)


CASES = {
    # fewer samples than monomials and tangents: full rank
    "samples": {"dim": 4, "width": 30, "n": 9, "eps": 0.6},
    # more samples than monomials, and more tangents: rank F
    "monomials": {"dim": 3, "width": 30, "n": 25, "eps": 0.6},
    # few neurons: ranks N D and below, whatever the sample
    "one_neuron": {"dim": 4, "width": 1, "n": 25, "eps": 0.6},
    "two_neurons": {"dim": 4, "width": 2, "n": 25, "eps": 0.6},
    "three_neurons": {"dim": 4, "width": 3, "n": 11, "eps": 0.6},
    # a linear kernel has rank D
    "linear": {"dim": 3, "width": 5, "n": 8, "eps": 0.0},
    "one_input": {"dim": 1, "width": 3, "n": 4, "eps": 0.6},
    "one_sample": {"dim": 3, "width": 3, "n": 1, "eps": 0.6},
    "repeated": {"dim": 4, "width": 30, "n": 10, "eps": 0.6, "repeat": 2},
}


@pytest.fixture(params=list(CASES))
def case(request, rng):
    return Case(rng, **CASES[request.param])


ranks = {"samples": 9, "monomials": 9, "one_neuron": 4, "linear": 3, "one_input": 2, "one_sample": 1, "repeated": 5}


@pytest.mark.parametrize("name", list(ranks))
def test_the_reference_has_the_rank_that_is_expected(rng, name):
    assert len(Case(rng, **CASES[name]).values) == ranks[name]


@each_space
def test_every_space_has_the_matrixs_nonzero_eigenvalues(case, space):
    modes = SPACES[space](case.network, case.state, case.X)
    # the condition number, up to 1e5 here, is squared at the worst by the detour over features
    np.testing.assert_allclose(modes.eigenvalues, case.values, rtol=1e-9)
    assert condition(modes.eigenvalues) == pytest.approx(case.values[0] / case.values[-1], rel=1e-9, abs=0)


@each_space
def test_every_space_has_the_matrixs_eigenvectors(case, space):
    """As the projector of each: signs are free, and no two eigenvalues are equal."""
    modes = SPACES[space](case.network, case.state, case.X)
    found = modes.combine(np.eye(len(case.values)))
    np.testing.assert_allclose(found.T @ found, np.eye(len(case.values)), atol=1e-8)
    for mine, theirs in zip(found.T, case.vectors.T, strict=True):
        np.testing.assert_allclose(np.outer(mine, mine), np.outer(theirs, theirs), atol=1e-8)


@each_space
def test_labels_are_split_into_eigenvectors_and_a_remainder(case, space, rng):
    modes = SPACES[space](case.network, case.state, case.X)
    found = modes.combine(np.eye(len(case.values)))
    np.testing.assert_allclose(modes.project(case.r), found.T @ case.r, rtol=1e-8, atol=1e-8)
    coefficients = rng.standard_normal((len(case.values), 2))
    np.testing.assert_allclose(modes.combine(coefficients), found @ coefficients, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        modes.remainder(case.r), case.r - case.vectors @ (case.vectors.T @ case.r), rtol=1e-8, atol=1e-8
    )


@each_space
def test_eigenvectors_extend_to_all_inputs_by_the_kernel(case, space, rng):
    """K(x, X) u_k / lambda_k, of several combinations at a time."""
    modes = SPACES[space](case.network, case.state, case.X)
    coefficients = rng.standard_normal((len(case.values), 2))
    u = modes.combine(np.eye(len(case.values)))
    direct = case.kernel(case.points, case.X) @ u @ (coefficients / case.values[:, None])
    found = modes.functions(coefficients)(case.points)
    np.testing.assert_allclose(found, direct, rtol=1e-8, atol=1e-8 * np.abs(direct).max())


@each_space
@pytest.mark.parametrize("block", [1, 20, 50])
def test_samples_are_taken_in_blocks_of_any_size(rng, monkeypatch, space, block):
    """Below the features of one sample, of two samples, of a few."""
    case, coefficients = Case(rng, **CASES["monomials"]), rng.standard_normal((9, 2))
    whole = SPACES[space](case.network, case.state, case.X)
    u, components, combined, remainder = (
        whole.combine(np.eye(9)), whole.project(case.r), whole.combine(coefficients), whole.remainder(case.r)
    )  # fmt: skip
    monkeypatch.setattr(features_module, "BLOCK", block)
    parts = SPACES[space](case.network, case.state, case.X)
    np.testing.assert_allclose(parts.eigenvalues, whole.eigenvalues, rtol=1e-10)
    signs = np.sign(np.sum(parts.combine(np.eye(9)) * u, axis=0))
    np.testing.assert_allclose(parts.project(case.r), signs * components, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(parts.combine(signs[:, None] * coefficients), combined, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(parts.remainder(case.r), remainder, atol=1e-8)


def test_the_metric_of_monomials_is_the_kernel_between_them(rng):
    """phi(x)^T Q phi(x') for enough x to fix every entry."""
    case = Case(rng, **CASES["monomials"])
    phi = Monomials(3).rows(case.X)
    inverse = np.linalg.pinv(phi)
    Q = MonomialFeatures(case.network, case.state).map(np.eye(9))
    np.testing.assert_allclose(Q, inverse @ case.K @ inverse.T, atol=1e-10 * np.abs(case.K).max())
    np.testing.assert_allclose(Q, Q.T, rtol=1e-13, atol=1e-13)


@each_space
def test_a_kernel_that_vanishes_has_no_eigenvectors(space):
    state = FactorState.from_neurons(np.ones((3, 2)))
    modes = SPACES[space](Network(alpha=1.0, eps=0.3), state, np.zeros((4, 2)))
    assert modes.eigenvalues.shape == (0,)
    assert modes.cut == 0
    assert condition(modes.eigenvalues) == 1
    np.testing.assert_array_equal(modes.remainder(np.arange(4.0)), np.arange(4.0))
    assert modes.project(np.arange(4.0)).shape == (0,)
    assert not modes.functions(np.zeros((0, 2)))(np.ones((3, 2))).any()


# ---- the cut


@each_space
@pytest.mark.parametrize("name", ["samples", "monomials", "two_neurons"])
def test_an_eigenvalue_counts_as_zero_from_the_rounding_of_the_larger_matrix_on(rng, name, space):
    case = Case(rng, **CASES[name])
    order = {"samples": len(case.X), "tangents": case.state.V.size, "monomials": Monomials(case.X.shape[1]).size}[space]
    modes = SPACES[space](case.network, case.state, case.X)
    assert modes.cut == pytest.approx(max(len(case.X), order) * 2.0**-52 * case.values[0], rel=1e-9, abs=0)
    assert modes.eigenvalues[-1] > modes.cut


def test_eigenvalues_are_kept_above_the_cut_and_not_at_it():
    size = 7
    cut = size * 2.0**-52
    values, vectors, found = eigenpairs(np.diag([cut, 1.0, 1.01 * cut, -1e-3, 0.0, 0.3]), size)
    assert found == cut
    np.testing.assert_allclose(values, [1.0, 0.3, 1.01 * cut], rtol=1e-14)
    np.testing.assert_allclose(np.abs(vectors), np.eye(6)[:, [1, 5, 2]], atol=1e-14)


# ---- which space


@pytest.mark.parametrize(
    ("dim", "width", "n", "expected"),
    [
        (4, 30, 13, ("samples", 13)),
        (4, 30, 15, ("monomials", 14)),
        (4, 2, 9, ("tangents", 8)),
        (4, 2, 7, ("samples", 7)),
        (4, 4, 100, ("monomials", 14)),
        (4, 3, 100, ("tangents", 12)),
        (1, 9, 100, ("tangents", 2)),
    ],
)
def test_the_smallest_space_is_chosen(rng, dim, width, n, expected):
    state = FactorState.from_neurons(rng.standard_normal((width, dim)))
    assert smallest_space(state, n) == expected
    modes = decompose(Network(alpha=1.0, eps=0.2), state, rng.standard_normal((n, dim)))
    found = {SampleModes: "samples"}.get(type(modes)) or {
        TangentFeatures: "tangents",
        MonomialFeatures: "monomials",
    }[type(modes.features)]
    assert found == expected[0]
    assert len(modes.eigenvalues) <= expected[1]


def test_figure_4s_kernel_has_rank_80():
    """N D = 80 tangents, 120 samples."""
    experiment = grokode.Experiment(dim=40, n_train=120, width=2, eps=0.5)
    problem = problem_of(experiment, None, {})
    assert network_of(experiment).eps == 0.5
    assert len(problem.modes.eigenvalues) == 80
    assert problem.modes is problem.modes  # decomposed once


def test_an_infinite_training_set_has_no_matrix(make_problem):
    with pytest.raises(grokode.InvalidInput, match="no kernel matrix"):
        _ = make_problem(n_train=float("inf")).modes


# ---- rounding


@each_feature_space
@pytest.mark.parametrize("eps", [0.02, 1e-4])
def test_eigenvectors_are_orthonormal_whatever_the_condition(rng, space, eps):
    """Up to 5e9 here: dividing by an eigenvalue would lose as many digits."""
    X, state = rng.standard_normal((200, 5)), FactorState.from_neurons(rng.standard_normal((9, 5)))
    modes = SPACES[space](Network(alpha=1.0, eps=eps), state, X)
    u = modes.combine(np.eye(len(modes.eigenvalues)))
    assert u.shape == (200, 20)
    np.testing.assert_allclose(u.T @ u, np.eye(20), atol=1e-12)


@each_feature_space
@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1e4, 1e8])
def test_the_unit_of_the_inputs_does_not_matter(rng, space, unit):
    """x -> s x with w -> w/s makes every h what it was, and the kernel s^2 times what it was."""
    X, W, network = rng.standard_normal((60, 4)), rng.standard_normal((9, 4)), Network(alpha=1.0, eps=0.3)
    plain = SPACES[space](network, FactorState.from_neurons(W), X).eigenvalues
    scaled = SPACES[space](network, FactorState.from_neurons(W / unit), unit * X).eigenvalues
    np.testing.assert_allclose(scaled / unit**2, plain, rtol=1e-10)


@each_feature_space
def test_eigenvectors_extend_to_points_that_the_samples_do_not_span(rng, space):
    X, r = rng.standard_normal((40, 4)) * [1, 1, 0, 0], rng.standard_normal(40)
    state, network = FactorState.from_neurons(rng.standard_normal((9, 4))), Network(alpha=1.0, eps=0.3)
    modes, points = SPACES[space](network, state, X), rng.standard_normal((6, 4))
    assert len(modes.eigenvalues) == 5
    K = state.kernel(network, X, X)
    direct = state.kernel(network, points, X) @ np.linalg.pinv(K, rcond=1e-10, hermitian=True) @ r
    np.testing.assert_allclose(modes.functions(modes.project(r)[:, None])(points)[:, 0], direct, rtol=1e-9, atol=1e-9)


# ---- memory


def test_no_matrix_of_samples_is_formed_beyond_the_monomials(rng):
    """P = 6000 in 4 dimensions: 14 numbers a sample are enough, where P^2 would take 288 MB."""
    P, state, network = 6000, FactorState.random(4, 30, 1.0, rng), Network(alpha=1.0, eps=0.3)
    X, r = rng.standard_normal((P, 4)), rng.standard_normal(P)
    tracemalloc.start()
    modes = decompose(network, state, X)
    modes.functions(modes.project(r)[:, None])(X)
    modes.combine(np.eye(len(modes.eigenvalues)))
    modes.remainder(r)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * P**2 / 50


@pytest.mark.parametrize("space", ["samples", "monomials"])
def test_a_decomposition_takes_no_more_memory_than_it_says(rng, space):
    """At order 860 of D = 40, or as many samples; less a margin for what Python holds."""
    P = {"samples": 860, "monomials": 2000}[space]
    state, network = FactorState.random(40, 100, 1.0, rng), Network(alpha=1.0, eps=0.3)
    X = rng.standard_normal((P, 40)) / 6
    tracemalloc.start()
    SPACES[space](network, state, X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * needed_bytes(space, 860) < peak < needed_bytes(space, 860)


def test_a_block_holds_no_more_numbers_than_it_may(rng, monkeypatch):
    monkeypatch.setattr(features_module, "BLOCK", 100)
    features = MonomialFeatures(Network(alpha=1.0, eps=0.3), FactorState.random(4, 30, 1.0, rng))
    X = rng.standard_normal((31, 4))
    parts = list(features_module.blocks(features, X))
    assert [len(rows) for _, rows in parts] == [7, 7, 7, 7, 3]  # 98 of 100 numbers
    np.testing.assert_array_equal(np.concatenate([X[part] for part, _ in parts]), X)
    monkeypatch.setattr(features_module, "BLOCK", 3)
    assert [len(rows) for _, rows in features_module.blocks(features, X[:4])] == [1, 1, 1, 1]  # at least one sample


@pytest.mark.parametrize(("block", "width"), [(3, 1), (16, 1), (40, 2), (1000, 14)])
def test_the_metric_takes_as_many_matrices_at_a_time_as_fit_a_block(rng, monkeypatch, block, width):
    """Of 16 numbers each, for 14 monomials."""
    state, network, held = FactorState.random(4, 30, 1.0, rng), Network(alpha=1.0, eps=0.3), []
    whole = MonomialFeatures(network, state).map(np.eye(14))
    plain = FactorState.kernel_map
    monkeypatch.setattr(features_module, "BLOCK", block)
    monkeypatch.setattr(
        FactorState, "kernel_map", lambda self, network, sums: held.append(len(sums.b)) or plain(self, network, sums)
    )
    np.testing.assert_allclose(MonomialFeatures(network, state).map(np.eye(14)), whole, rtol=1e-13)
    assert held == [width] * (14 // width)


def test_sums_of_features_take_one_set_of_labels_or_several(rng, monkeypatch):
    case = Case(rng, **CASES["monomials"])
    features, several = MonomialFeatures(case.network, case.state), rng.standard_normal((25, 3))
    phi = features.rows(case.X)
    for block in (features_module.BLOCK, 20):
        monkeypatch.setattr(features_module, "BLOCK", block)
        np.testing.assert_allclose(
            features_module.projected(features, case.X, case.r), phi.T @ case.r, rtol=1e-12, atol=1e-12
        )
        np.testing.assert_allclose(
            features_module.projected(features, case.X, several), phi.T @ several, rtol=1e-12, atol=1e-12
        )
        np.testing.assert_allclose(features_module.gram(features, case.X), phi.T @ phi, rtol=1e-12, atol=1e-12)


def test_what_does_not_fit_into_memory_is_refused(rng, monkeypatch):
    state, X = FactorState.random(4, 30, 1.0, rng), rng.standard_normal((100, 4))
    space, order = smallest_space(state, 100)
    needed = needed_bytes(space, order)
    monkeypatch.setattr("grokode.memory.free_memory", lambda: needed - 1)
    with pytest.raises(grokode.InvalidInput, match="the kernel of 100 samples needs about"):
        decompose(Network(alpha=1.0, eps=0.3), state, X)
    monkeypatch.setattr("grokode.memory.free_memory", lambda: needed)
    assert len(decompose(Network(alpha=1.0, eps=0.3), state, X).eigenvalues) == 14
