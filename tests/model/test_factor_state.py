import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.model.network import Network
from grokode.model.starts.gaussian import GaussianStart
from grokode.model.states.factor import FactorState

ROUNDING = 1e-13  # some tens of operations on numbers of order one


def statistics(W):
    """Mean and second moment of real neurons."""
    return W.mean(axis=0), W.T @ W / len(W)


def loss_of_neurons(W, X, y, alpha, eps):
    h = X @ W.T
    f = alpha * np.mean(h + eps / 2 * h**2, axis=1)
    return np.mean((f - y) ** 2)


@pytest.mark.parametrize(("N", "D"), [(1, 1), (1, 4), (3, 5), (5, 4), (6, 5), (50, 3), (2, 40)])
def test_reduction_keeps_mean_and_second_moment(rng, N, D):
    W = rng.standard_normal((N, D))
    state = FactorState.from_neurons(W)
    wbar, M = statistics(W)
    assert state.V.shape == (min(N, D + 1), D)
    np.testing.assert_allclose(state.a @ state.a, 1, rtol=ROUNDING)
    np.testing.assert_allclose(state.wbar, wbar, atol=ROUNDING)
    np.testing.assert_allclose(state.M, M, atol=ROUNDING * N)
    np.testing.assert_allclose(state.mean_square_weight, np.mean(np.sum(W**2, axis=1)), rtol=ROUNDING)


def test_reduction_accepts_rank_deficient_neurons(rng):
    w = rng.standard_normal(6)
    state = FactorState.from_neurons(np.array([w, -w]))
    np.testing.assert_allclose(state.wbar, 0, atol=ROUNDING)
    np.testing.assert_allclose(state.M, np.outer(w, w), atol=ROUNDING)
    assert np.linalg.matrix_rank(np.column_stack([state.a, state.V])) == 2  # M has rank 1 and may rise to 2


def test_reduction_accepts_zero_weights():
    state = FactorState.from_neurons(np.zeros((3, 2)))
    assert not state.M.any()
    np.testing.assert_allclose(state.a @ state.a, 1, rtol=ROUNDING)


@pytest.mark.parametrize("change", [np.float32, np.asfortranarray], ids=["float32", "fortran"])
def test_reduction_does_not_depend_on_dtype_or_memory_order(rng, change):
    W = rng.standard_normal((5, 3)).astype(np.float32)  # so that both hold the same numbers
    state, reference = FactorState.from_neurons(change(W)), FactorState.from_neurons(W.astype(float))
    np.testing.assert_array_equal(state.V, reference.V)
    assert state.V.dtype == float
    assert state.V.flags.c_contiguous


def test_scale_of_neurons_is_the_scale_of_the_factor(rng):
    W = rng.standard_normal((5, 3))
    np.testing.assert_allclose(FactorState.from_neurons(1e150 * W).M, 1e300 * FactorState.from_neurons(W).M, rtol=1e-10)


@pytest.mark.parametrize("W", [np.zeros(3), np.zeros((0, 3)), np.array([[np.nan, 1.0]]), np.array([[np.inf]])])
def test_reduction_refuses_what_is_not_a_matrix_of_numbers(W):
    with pytest.raises(InvalidInput, match=r"W must"):
        FactorState.from_neurons(W)


def test_a_state_refuses_an_a_that_is_not_of_unit_length(rng):
    with pytest.raises(InvalidInput, match="unit length, got 2"):
        FactorState(np.array([2.0, 0.0]), np.ones((2, 3)))
    with pytest.raises(InvalidInput, match="shapes"):
        FactorState(np.array([1.0]), np.ones((2, 3)))


def test_a_state_copies_its_arrays_and_makes_them_read_only():
    V = np.ones((1, 2))
    state = FactorState(np.ones(1), V)
    V[:] = 5
    assert state.V.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        state.V[0, 0] = 3


# ---- back to neurons


@pytest.mark.parametrize("width", [4, 5, 11])
def test_neurons_of_a_factor_have_its_statistics(rng, width):
    state = FactorState.random(dim=3, width=20, sigma=0.7, rng=rng)
    wbar, M = statistics(state.neurons(width, rng))
    np.testing.assert_allclose(wbar, state.wbar, atol=ROUNDING)
    np.testing.assert_allclose(M, state.M, atol=ROUNDING)


def test_neurons_are_an_isometry_of_the_factor_that_sends_a_to_the_constant_vector(rng):
    """W = sqrt(N) Q^T V with Q Q^T = I and a^T Q = 1/sqrt(N), for any V: V = e_i reads off Q."""
    r, width = 4, 9
    a = rng.standard_normal(r)
    state = FactorState(a / np.linalg.norm(a), np.eye(r))
    Q = state.neurons(width, rng).T / np.sqrt(width)
    np.testing.assert_allclose(Q @ Q.T, np.eye(r), atol=ROUNDING)
    np.testing.assert_allclose(state.a @ Q, np.full(width, 1 / np.sqrt(width)), atol=ROUNDING)


def test_neurons_refuse_a_width_below_the_number_of_rows(rng):
    with pytest.raises(InvalidInput, match="4 pseudo-neurons need a width of at least 4, got 3"):
        FactorState.infinite_width(3, 1.0).neurons(3, rng)


# ---- the law of the start


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 12])
def test_random_factor_has_the_law_of_gaussian_neurons(rng, width):
    """D = 3; widths below, at and above D + 1. Every statistic up to joint fourth order, within 5 standard errors."""
    D, sigma, draws = 3, 1.3, 4000
    states = [FactorState.random(D, width, sigma, rng) for _ in range(draws)]
    ours = features(np.array([s.wbar for s in states]), np.array([s.M for s in states]))
    W = sigma * rng.standard_normal((draws, width, D))
    theirs = features(W.mean(axis=1), np.einsum("sni,snj->sij", W, W) / width)  # s draw, n neuron, i j inputs
    gap = np.abs(ours.mean(axis=0) - theirs.mean(axis=0))
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / draws)
    assert np.all(gap <= 5 * error + 1e-12)


def features(wbar, M):
    """Statistics of many draws, shape (draws, number of statistics)."""
    i, j = np.triu_indices(wbar.shape[1])
    entries = M[:, i, j]
    return np.column_stack(
        [
            wbar,
            wbar[:, i] * wbar[:, j],
            entries,
            entries**2,
            entries[:, :1] * entries,  # covariances with M_00
            np.einsum("si,sij,sj->s", wbar, M, wbar),  # ties wbar to M
            np.linalg.det(M - wbar[:, :, None] * wbar[:, None, :]),
        ]
    )


@pytest.mark.parametrize("width", [2, 4, 40])
def test_random_factor_has_the_moments_of_wishart(rng, width):
    r"""N M is Wishart: mean sigma^2, variance sigma^4 (1 + delta_ij) / N; wbar has variance sigma^2 / N."""
    D, sigma, draws = 4, 0.8, 4000
    states = [FactorState.random(D, width, sigma, rng) for _ in range(draws)]
    M, wbar = np.array([s.M for s in states]), np.array([s.wbar for s in states])
    variance = sigma**4 * (1 + np.eye(D)) / width
    centered = (M - sigma**2 * np.eye(D)) ** 2
    assert np.all(np.abs(M.mean(axis=0) - sigma**2 * np.eye(D)) <= 5 * np.sqrt(variance / draws))
    assert np.all(np.abs(centered.mean(axis=0) - variance) <= 5 * centered.std(axis=0) / np.sqrt(draws))
    assert np.all(np.abs(np.mean(wbar**2, axis=0) - sigma**2 / width) <= 5 * sigma**2 / width * np.sqrt(2 / draws))


def test_a_single_random_neuron_is_its_own_mean(rng):
    state = FactorState.random(dim=4, width=1, sigma=1.0, rng=rng)
    assert state.V.shape == (1, 4)
    np.testing.assert_allclose(state.M, np.outer(state.wbar, state.wbar), rtol=ROUNDING)


@pytest.mark.parametrize("width", [1, 3, 6, 7, 1000])
def test_random_factor_has_as_many_rows_as_real_neurons_would_need(rng, width):
    assert len(FactorState.random(dim=6, width=width, sigma=1.0, rng=rng).V) == min(width, 7)


def test_a_huge_width_is_close_to_the_infinite_one(rng):
    D, width, sigma = 5, 10**9, 0.9
    wide, infinite = FactorState.random(D, width, sigma, rng), FactorState.infinite_width(D, sigma)
    five_errors = 5 * np.sqrt(2 / width)  # the largest standard deviation among the entries of M / sigma^2
    np.testing.assert_allclose(wide.M, infinite.M, atol=five_errors)
    np.testing.assert_allclose(wide.wbar, infinite.wbar, atol=five_errors)
    np.testing.assert_allclose(infinite.M, sigma**2 * np.eye(D), atol=ROUNDING)
    assert not infinite.wbar.any()


def test_random_factor_refuses_a_width_of_zero(rng):
    with pytest.raises(InvalidInput, match="width must be at least 1, got 0"):
        FactorState.random(3, 0, 1.0, rng)


def test_gaussian_start_uses_no_random_numbers_at_infinite_width(rng):
    before = rng.bit_generator.state
    state = GaussianStart().draw(3, float("inf"), 2.0, rng)
    assert rng.bit_generator.state == before
    np.testing.assert_array_equal(state.V, FactorState.infinite_width(3, 2.0).V)


# ---- formulas, against real neurons


def test_outputs_are_the_sum_over_neurons(planted_neurons):
    p = planted_neurons
    network = Network(alpha=p.alpha, eps=p.eps)
    direct = np.zeros(len(p.X))
    for w in p.W:
        for mu, x in enumerate(p.X):
            h = w @ x
            direct[mu] += p.alpha / len(p.W) * (h + p.eps / 2 * h**2)
    np.testing.assert_allclose(FactorState.from_neurons(p.W).outputs(network, p.X), direct, rtol=1e-12)


def test_kernel_equals_its_closed_form(planted_neurons, rng):
    p = planted_neurons
    wbar, M = statistics(p.W)
    X2 = rng.standard_normal((5, p.X.shape[1]))
    cross = (p.X @ wbar)[:, None] + (X2 @ wbar)[None, :]
    closed = (p.X @ X2.T) * (1 + p.eps * cross + p.eps**2 * p.X @ M @ X2.T)  # (K1)
    K = FactorState.from_neurons(p.W).kernel(Network(alpha=p.alpha, eps=p.eps), p.X, X2)
    np.testing.assert_allclose(K, closed, rtol=1e-12, atol=1e-12)


def test_kernel_equals_the_inner_products_of_the_neurons_gradients(planted_neurons):
    """K = N / alpha^2 * sum_i df/dw_i . df'/dw_i, with df/dw_i = alpha/N phi'(w_i.x) x."""
    p = planted_neurons
    N = len(p.W)
    gradients = p.alpha / N * (1 + p.eps * p.X @ p.W.T)[:, :, None] * p.X[:, None, :]  # (P, N, D)
    flat = gradients.reshape(len(p.X), -1)
    K = FactorState.from_neurons(p.W).kernel(Network(alpha=p.alpha, eps=p.eps), p.X, p.X)
    np.testing.assert_allclose(K, N / p.alpha**2 * flat @ flat.T, rtol=1e-12)


def test_loss_is_that_of_the_neurons(planted_neurons):
    p = planted_neurons
    loss, _ = FactorState.from_neurons(p.W).loss_force(Network(alpha=p.alpha, eps=p.eps), p.X, p.y)
    np.testing.assert_allclose(loss, loss_of_neurons(p.W, p.X, p.y, p.alpha, p.eps), rtol=1e-12)


def test_force_is_minus_the_gradient_over_alpha_squared(planted_neurons, gradient):
    p = planted_neurons
    network, state = Network(alpha=p.alpha, eps=p.eps), FactorState.from_neurons(p.W)
    slope = gradient(lambda V: state.at(V).loss_force(network, p.X, p.y)[0], np.array(state.V))
    _, force = state.loss_force(network, p.X, p.y)
    np.testing.assert_allclose(force, -slope / p.alpha**2, atol=1e-10)  # the five-point rule is exact here


def test_force_moves_the_factor_as_the_gradient_moves_the_neurons(planted_neurons, gradient):
    """-N/alpha^2 grad_W L moves (wbar, M) at the rate that the factor's force does."""
    p = planted_neurons
    N = len(p.W)
    dW = -N / p.alpha**2 * gradient(lambda W: loss_of_neurons(W, p.X, p.y, p.alpha, p.eps), p.W)
    state = FactorState.from_neurons(p.W)
    _, dV = state.loss_force(Network(alpha=p.alpha, eps=p.eps), p.X, p.y)
    np.testing.assert_allclose(dV.T @ state.a, dW.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(dV.T @ state.V + state.V.T @ dV, (dW.T @ p.W + p.W.T @ dW) / N, atol=1e-10)
    np.testing.assert_allclose(np.sum(dV**2), np.sum(dW**2) / N, rtol=1e-9)
