"""The kernel of a state, its terms, its map and its tangents, against gradients of real neurons."""

import numpy as np
import pytest

from grokode.model.network import Network
from grokode.model.quadratic import QuadraticFunctions
from grokode.model.states.factor import FactorState

ROUNDING = 1e-12  # some tens of operations on numbers of order one, relative to the largest
EPS = pytest.mark.parametrize("eps", [0.0, 0.05, 0.4, 3.0])


def gradients(W, alpha, eps, X):
    """Gradients of f by every neuron's weights, shape (P, N, D): df/dw_i = alpha/N (1 + eps w_i.x) x."""
    return np.array([[alpha / len(W) * (1 + eps * (w @ x)) * x for w in W] for x in X])


def kernel_of_neurons(W, alpha, eps, X1, X2):
    """K = N/alpha^2 sum_i df/dw_i . df'/dw_i, shape (P1, P2)."""
    # p q samples, n neuron, d input
    products = np.einsum("pnd,qnd->pq", gradients(W, alpha, eps, X1), gradients(W, alpha, eps, X2))
    return len(W) / alpha**2 * products


def close(found, direct):
    np.testing.assert_allclose(found, direct, rtol=ROUNDING, atol=ROUNDING * np.abs(direct).max())


@EPS
def test_the_kernels_terms_sum_to_the_inner_products_of_the_neurons_gradients(planted_neurons, rng, eps):
    p, X2 = planted_neurons, rng.standard_normal((5, 4))
    terms = FactorState.from_neurons(p.W).kernel_terms(Network(alpha=p.alpha, eps=eps), p.X, X2)
    close(sum(terms), kernel_of_neurons(p.W, p.alpha, eps, p.X, X2))


@EPS
def test_each_term_of_the_kernel_is_one_order_in_eps(planted_neurons, rng, eps):
    """The gradients' products are a polynomial of degree two in eps: its coefficients, from values at -1, 0 and 1."""
    p, X2 = planted_neurons, rng.standard_normal((5, 4))
    low, middle, high = (kernel_of_neurons(p.W, p.alpha, value, p.X, X2) for value in (-1.0, 0.0, 1.0))
    orders = middle, eps * (high - low) / 2, eps**2 * ((high + low) / 2 - middle)
    terms = FactorState.from_neurons(p.W).kernel_terms(Network(alpha=p.alpha, eps=eps), p.X, X2)
    for term, order in zip(terms, orders, strict=True):
        np.testing.assert_allclose(term, order, rtol=0, atol=ROUNDING * np.abs(order).max())


@EPS
def test_weighted_sums_of_the_kernel_are_linear_and_quadratic_functions(planted_neurons, rng, eps):
    p, points, weights = planted_neurons, rng.standard_normal((5, 4)), rng.standard_normal((7, 3))
    sums = FactorState.from_neurons(p.W).kernel_functions(Network(alpha=p.alpha, eps=eps), p.X, weights)
    np.testing.assert_array_equal(sums.S, sums.S.transpose(0, 2, 1))
    close(sums(points), kernel_of_neurons(p.W, p.alpha, eps, points, p.X) @ weights)


@EPS
def test_the_kernels_map_takes_sums_over_any_points(planted_neurons, rng, eps):
    """Written out: p = sum w x and T = sum w x x^T, of two sets of weights."""
    p, points, weights = planted_neurons, rng.standard_normal((5, 4)), rng.standard_normal((2, 7))
    sums = QuadraticFunctions(
        np.array([sum(w * x for w, x in zip(row, p.X, strict=True)) for row in weights]),
        np.array([sum(w * np.outer(x, x) for w, x in zip(row, p.X, strict=True)) for row in weights]),
    )
    mapped = FactorState.from_neurons(p.W).kernel_map(Network(alpha=p.alpha, eps=eps), sums)
    close(mapped(points), kernel_of_neurons(p.W, p.alpha, eps, points, p.X) @ weights.T)


@EPS
@pytest.mark.parametrize("width", [1, 2, 4, 9])
def test_inner_products_of_tangents_are_the_kernel(rng, eps, width):
    W, X1, X2 = rng.standard_normal((width, 3)), rng.standard_normal((5, 3)), rng.standard_normal((4, 3))
    state, network = FactorState.from_neurons(W), Network(alpha=0.8, eps=eps)
    tangents = [state.tangents(network, X) for X in (X1, X2)]
    assert tangents[0].shape == (5, min(width, 4) * 3)
    close(tangents[0] @ tangents[1].T, kernel_of_neurons(W, 0.8, eps, X1, X2))


@EPS
def test_tangents_are_derivatives_of_the_outputs(planted_neurons, derivative, eps):
    """By every entry of V, alpha out; outputs are quadratic in V, so the difference is exact."""
    p, network = planted_neurons, Network(alpha=planted_neurons.alpha, eps=eps)
    state = FactorState.from_neurons(p.W)
    for k, step in enumerate(np.eye(state.V.size)):
        d = step.reshape(state.V.shape)
        slope = derivative(lambda V: state.at(V).outputs(network, p.X), np.array(state.V), d) / p.alpha
        np.testing.assert_allclose(state.tangents(network, p.X)[:, k], slope, rtol=1e-11, atol=1e-11)


@EPS
def test_tangent_functions_are_what_steps_of_V_change_the_linearised_predictor_by(
    planted_neurons, rng, derivative, eps
):
    p, network, points = planted_neurons, Network(alpha=planted_neurons.alpha, eps=eps), rng.standard_normal((5, 4))
    state = FactorState.from_neurons(p.W)
    steps = rng.standard_normal((3, *state.V.shape))
    slopes = [
        derivative(lambda V: state.at(V).outputs(network, points), np.array(state.V), step) / p.alpha for step in steps
    ]
    functions = state.tangent_functions(network, steps.reshape(3, -1).T)
    np.testing.assert_array_equal(functions.S, functions.S.transpose(0, 2, 1))
    np.testing.assert_allclose(functions(points).T, slopes, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(
        functions(points), state.tangents(network, points) @ steps.reshape(3, -1).T, rtol=1e-11, atol=1e-11
    )
