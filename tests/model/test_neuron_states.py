"""States of real neurons: the function and the kernel of the neurons that they hold."""

import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.model.activations import Hermite
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.model.states.neurons import NeuronState
from grokode.model.states.readouts import ReadoutState

ALPHA, EPS = 0.8, 0.4


def output(W, v, X, k=0):
    """F from its definition, a neuron at a time."""
    f = np.zeros(len(X))
    for w, readout in zip(W, v, strict=True):
        h = X @ w
        q = {0: h**2, 3: h**3 - 3 * h}[k]
        f += ALPHA / len(W) * readout * (h + EPS / 2 * q)
    return f


@pytest.mark.parametrize("k", [0, 3])
def test_outputs_are_those_of_the_neurons(planted_neurons, rng, k):
    W, X, v = planted_neurons.W, planted_neurons.X, rng.standard_normal(6)
    how = {"activation": Hermite(k)} if k else {}
    network = Network(alpha=ALPHA, eps=EPS, **how)
    np.testing.assert_allclose(ReadoutState.from_neurons(W, v).outputs(network, X), output(W, v, X, k), rtol=1e-12)
    np.testing.assert_allclose(NeuronState.from_neurons(W).outputs(network, X), output(W, np.ones(6), X, k), rtol=1e-12)


@pytest.mark.parametrize("k", [0, 3])
@pytest.mark.parametrize("trained", [False, True])
def test_the_kernel_is_the_product_of_the_slopes_of_f(planted_neurons, rng, derivative, k, trained):
    W, X, v = planted_neurons.W, planted_neurons.X, rng.standard_normal(6)
    how = {"activation": Hermite(k)} if k else {}
    network = Network(alpha=ALPHA, eps=EPS, **how)
    state = ReadoutState.from_neurons(W, v) if trained else NeuronState.from_neurons(W)
    basis = np.eye(state.theta.size).reshape(-1, *state.theta.shape)
    slopes = np.array([derivative(lambda theta: state.at(theta).outputs(network, X), state.theta, e) for e in basis])
    np.testing.assert_allclose(state.kernel(network, X, X[:3]), slopes.T @ slopes[:, :3] / ALPHA**2, rtol=1e-10)


def test_readouts_of_one_on_a_square_are_a_factor(planted_neurons, rng):
    """The two reductions of one network: f, and what of its kernel the weights make."""
    W, X = planted_neurons.W, planted_neurons.X
    network, factor = Network(alpha=ALPHA, eps=EPS), FactorState.from_neurons(planted_neurons.W)
    state = ReadoutState.from_neurons(W, np.ones(6))
    np.testing.assert_allclose(state.wbar, factor.wbar, atol=1e-14)
    np.testing.assert_allclose(state.M, factor.M, atol=1e-14)
    np.testing.assert_allclose(state.outputs(network, X), factor.outputs(network, X), atol=1e-13)
    np.testing.assert_allclose(
        NeuronState.from_neurons(W).kernel(network, X, X), factor.kernel(network, X, X), rtol=1e-11, atol=1e-13
    )
    assert state.mean_square_weight == pytest.approx(factor.mean_square_weight, rel=1e-13)


def test_f_is_the_quadratic_function_of_the_weighted_moments(planted_neurons, rng):
    network, X = Network(alpha=ALPHA, eps=EPS), planted_neurons.X
    state = ReadoutState.from_neurons(planted_neurons.W, rng.standard_normal(6))
    quadratic = ALPHA * (X @ state.wbar + EPS / 2 * np.sum((X @ state.M) * X, axis=1))
    np.testing.assert_allclose(state.outputs(network, X), quadratic, rtol=1e-11)


def test_moments_move_as_their_differences_and_derivatives(planted_neurons, rng, derivative):
    state = ReadoutState.from_neurons(planted_neurons.W, rng.standard_normal(6))
    change = rng.standard_normal(state.theta.shape)
    there = state.at(state.theta + change)
    for moved, difference in zip(state.moved(change), (there.wbar - state.wbar, there.M - state.M), strict=True):
        np.testing.assert_allclose(moved, difference, atol=1e-12)
    for index, moving in enumerate(state.moving(there.theta, change)):
        along = derivative(lambda theta, i=index: (state.at(theta).wbar, state.at(theta).M)[i], there.theta, change)
        np.testing.assert_allclose(moving, along, atol=1e-11)


def test_the_mean_kernel_is_that_of_many_inputs(planted_neurons, rng):
    network, Sigma = Network(alpha=ALPHA, eps=EPS), np.diag([0.5, 0.2, 0.2, 0.1])
    state = ReadoutState.from_neurons(planted_neurons.W, rng.standard_normal(6))
    X = rng.standard_normal((200_000, 4)) * np.sqrt(np.diag(Sigma))
    values, C = state.slopes(network, X)
    sampled = np.sum(values**2, axis=1) + np.sum(C**2, axis=1) * np.sum(X**2, axis=1)
    error = np.std(sampled) / np.sqrt(len(X))
    assert abs(state.mean_kernel(network, Sigma) - np.mean(sampled)) < 5 * error


def test_neurons_are_given_back_and_no_others():
    W = np.arange(6.0).reshape(3, 2)
    state = NeuronState.from_neurons(W)
    np.testing.assert_allclose(state.neurons(3, np.random.default_rng(0)), W, rtol=1e-15)
    with pytest.raises(InvalidInput, match="3 real neurons, and no others train like them; got 4"):
        state.neurons(4, np.random.default_rng(0))


def test_wrong_shapes_and_numbers_are_refused():
    with pytest.raises(InvalidInput, match=r"shapes \(N, D\) and \(N,\), got \(3, 2\) and \(2,\)"):
        ReadoutState.from_neurons(np.zeros((3, 2)), np.zeros(2))
    with pytest.raises(InvalidInput, match="finite"):
        NeuronState(np.full((2, 2), np.nan))
    with pytest.raises(InvalidInput, match=r"one row a neuron, got shape \(2, 1\)"):
        ReadoutState(np.ones((2, 1)))
