"""The network's formulas, against the package, against neurons one by one, and in their limits."""

from functools import reduce

import numpy as np
import pytest
import scipy.linalg
import sympy as sp
from grokode_derivations.gaussian import Vector, numeric
from grokode_derivations.network import (
    CLAIMS,
    FACTOR,
    M0,
    TARGET,
    beta_1,
    beta_2,
    c,
    eta_0,
    r,
    slope,
    w,
    wbar0,
)
from grokode_derivations.notation import B, D, M, N, P, alpha, b, beta, eps, sigma, wbar, x
from grokode_validate.network import CommitteeMachine, Weights

import grokode
from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.targets import TARGETS

STATED = {claim.tag: claim.statement.value for claim in CLAIMS if hasattr(claim, "statement")}
SHAPES = pytest.mark.parametrize(("width", "dim"), [(1, 1), (1, 4), (3, 5), (9, 4)])


def at(word, numbers, **arrays):
    """Put numbers in the place of a word's symbols and arrays in the place of its letters; a column is (n, 1)."""
    arrays |= {f"{name}ᵀ": array.T for name, array in arrays.items()}
    total = 0.0
    for term in sp.Add.make_args(sp.expand(word)):
        factors, letters = term.args_cnc()
        total = total + float(sp.Mul(*factors).subs(numbers)) * reduce(np.matmul, (arrays[d.name] for d in letters))
    return total


def neuron_by_neuron(alpha, eps, W, X, readouts=None):
    """Return f at the rows of X as eq. 3 (or 21) has it, in two loops."""
    v = np.ones(len(W)) if readouts is None else readouts
    f = np.zeros(len(X))
    for mu, point in enumerate(X):
        for i, weights in enumerate(W):
            h = sum(weights[j] * point[j] for j in range(len(point)))
            f[mu] += alpha / len(W) * v[i] * (h + eps / 2 * h**2)
    return f


def close(computed, expected):
    """Agree to 1e-12 of the largest number: the terms of f may cancel each other at a single input."""
    np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-12 * np.max(np.abs(expected)))


# ---- moments and factor


@SHAPES
def test_the_predictor_in_moments_is_that_of_the_neurons_and_of_the_package(rng, width, dim):
    W, X = rng.standard_normal((width, dim)), rng.standard_normal((20, dim))
    values = {alpha: 1.7, eps: 0.6, wbar: W.mean(axis=0), M: W.T @ W / width, x: X}
    proved = numeric(STATED["F1"], values)
    close(proved, neuron_by_neuron(1.7, 0.6, W, X))
    close(CommitteeMachine(alpha=1.7, eps=0.6).output(Weights.of(W), X), proved)
    close(FactorState.from_neurons(W).outputs(Network(alpha=1.7, eps=0.6), X), proved)


@pytest.mark.parametrize(("rows", "dim"), [(1, 3), (3, 2), (4, 3)])
def test_the_predictor_in_the_factor_is_what_the_package_computes(rng, rows, dim):
    direction = rng.standard_normal(rows)
    state = FactorState(direction / np.linalg.norm(direction), rng.standard_normal((rows, dim)))
    X = rng.standard_normal((20, dim))
    numbers, a = {alpha: 1.7, eps: 0.6}, state.a[:, None]
    proved = [at(FACTOR, numbers, a=a, V=state.V, x=point[:, None]).item() for point in X]
    close(state.outputs(Network(alpha=1.7, eps=0.6), X), proved)


@SHAPES
def test_the_factor_of_neurons_has_their_moments_and_a_unit_vector(rng, width, dim):
    W = rng.standard_normal((width, dim))
    state = FactorState.from_neurons(W)
    assert len(state.a) == min(width, dim + 1)
    mean, moment, length = STATED["F0"]
    proved_mean = at(mean, {}, a=state.a[:, None], V=state.V)[:, 0]
    proved_moment = at(moment, {}, V=state.V)
    close(proved_mean, W.mean(axis=0))
    close(proved_moment, W.T @ W / width)
    close(state.wbar, proved_mean)
    close(state.M, proved_moment)
    assert state.a @ state.a == pytest.approx(float(length), rel=1e-15)


@pytest.mark.parametrize("width", [1, 2, 5, 400])
def test_a_factor_drawn_without_neurons_has_the_proved_mean_and_variance(rng, width):
    draws, size = 4000, 0.7
    squares = np.array([np.diag(grokode.FactorState.random(4, width, size, rng).M) for _ in range(draws)])
    (statement,) = (claim.statement.value for claim in CLAIMS if claim.tag == "F10")
    mean, variance = (float(value.subs({sigma: size, N: width})) for value in statement)
    assert np.abs(squares.mean(axis=0) - mean).max() < 5 * np.sqrt(variance / draws)
    # a chi square of N degrees of freedom has the kurtosis 3 + 12/N, so this is the error of its sample variance
    spread = variance * np.sqrt((2 + 12 / width) / draws)
    assert np.abs(squares.var(axis=0, ddof=1) - variance).max() < 5 * spread


@SHAPES
def test_the_trace_of_M_is_the_mean_square_weight(rng, width, dim):
    W = rng.standard_normal((width, dim))
    shares = [numeric(STATED["N11"], {w: row, D: dim, N: width}) for row in W]
    assert sum(shares) == pytest.approx(np.sum(W**2) / (dim * width), rel=1e-13)
    assert FactorState.from_neurons(W).mean_square_weight / dim == pytest.approx(sum(shares), rel=1e-12)


@SHAPES
def test_readouts_enter_through_the_weighted_moments_alone(rng, width, dim):
    W, X, v = rng.standard_normal((width, dim)), rng.standard_normal((20, dim)), rng.standard_normal(width)
    values = {alpha: 1.7, eps: 0.6, wbar: v @ W / width, M: W.T @ (v[:, None] * W) / width, x: X}
    close(numeric(STATED["N9"], values), neuron_by_neuron(1.7, 0.6, W, X, readouts=v))


@SHAPES
def test_what_the_linearisation_leaves_out_is_the_square_of_the_change(rng, derivative, width, dim):
    machine = CommitteeMachine(alpha=1.7, eps=0.6)
    W0, change, X = rng.standard_normal((width, dim)), rng.standard_normal((width, dim)), rng.standard_normal((6, dim))

    def output(W):
        return machine.output(Weights.of(W), X)

    linear = output(W0) + derivative(output, W0, change)
    numbers = {alpha: 1.7, eps: 0.6, N: width}
    proved = [at(STATED["N3"], numbers, δ=change, x=point[:, None]).item() for point in X]
    left_out = output(W0 + change) - linear
    np.testing.assert_allclose(left_out, proved, rtol=0, atol=1e-12 * np.abs(linear).max())


# ---- targets


def test_the_general_target_is_the_packages(rng):
    dim = 5
    root, linear, X = rng.standard_normal((dim, dim)), rng.standard_normal(dim), rng.standard_normal((20, dim))
    proved = numeric(TARGET, {c: 0.7, b: linear, B: root + root.T, x: X})
    close(grokode.QuadraticTarget(0.7, linear, root + root.T)(X), proved)


@pytest.mark.parametrize(
    ("name", "special", "directions"),
    [("single_index", 0, (beta,)), ("multi_index:k=2,weights=1.5:-0.5", 1, (beta_1, beta_2))]
    + [("product", 2, (beta_1, beta_2))],
)
def test_the_packages_targets_are_the_special_cases(rng, name, special, directions):
    target, X = TARGETS.build(name).draw(4, rng), rng.standard_normal((20, 4))
    weights = {sp.Symbol("ω_1"): 1.5, sp.Symbol("ω_2"): -0.5}
    values = dict(zip(directions, target.directions, strict=True))
    close(target(X), numeric(STATED["T1"][special], values | weights | {x: X}))


# ---- the output scale


def centred(scale, statistics, start, X):
    """Return the proved centred predictor from (wbar, M) now and at the start."""
    values = {alpha: scale, eps: 0.4, x: X, wbar: statistics[0], M: statistics[1], wbar0: start[0], M0: start[1]}
    return numeric(STATED["N5"], values)


@pytest.mark.parametrize("scale", [0.03, 1.0, 300.0])
def test_the_centred_predictor_is_the_real_networks_and_the_packages(planted_neurons, rng, scale):
    W0, X, y = planted_neurons.W, planted_neurons.X, planted_neurons.y
    W = W0 + rng.standard_normal(W0.shape)
    machine = CommitteeMachine(alpha=scale, eps=0.4, centered=True)
    tolerance = 1e-12 * np.abs(machine.output(Weights.of(W), X)).max()  # of f: f and f_0 may cancel
    proved = centred(scale, (W.mean(axis=0), W.T @ W / len(W)), (W0.mean(axis=0), W0.T @ W0 / len(W0)), X)
    np.testing.assert_allclose(
        machine.residual(Weights.of(W), Weights.of(W0), X, y) + y, proved, rtol=0, atol=tolerance
    )

    start = FactorState.from_neurons(W0)
    moved = start.at(start.V + rng.standard_normal(start.V.shape))
    risk = EmpiricalRisk(Network(alpha=scale, eps=0.4, centered=True), start, grokode.Data(X, y))
    proved = centred(scale, (moved.wbar, moved.M), (start.wbar, start.M), X)
    np.testing.assert_allclose(risk.residual(moved.V) + y, proved, rtol=0, atol=1e-12 * np.abs(proved).max())


@pytest.fixture
def first_slope(planted_neurons, derivative):
    """Return a function: what the first step of descent does to a network's f at one new input, to first order."""

    def measure(learning_rate, scale, prefactor=1.0):
        # prefactor (f - f_0) is the centred network at another scale
        machine = CommitteeMachine(alpha=prefactor * scale, eps=0.4, centered=True)
        W, X, y = planted_neurons.W, planted_neurons.X, planted_neurons.y
        step = -learning_rate * machine.gradient(Weights.of(W), Weights.of(W), X, y).W
        return derivative(lambda W: machine.output(Weights.of(W), np.ones((1, 4))).item(), W, step)

    return measure


def test_the_first_slope_is_the_sum_over_the_training_points(planted_neurons, first_slope):
    W, X, y = planted_neurons.W, planted_neurons.X, planted_neurons.y
    values = {alpha: 0.8, eps: 0.4, N: len(W), P: len(y), eta_0: 1.0, wbar: W.mean(axis=0), M: W.T @ W / len(W)}
    values |= {x: np.ones(4), Vector("x′"): X, r: -y}
    assert first_slope(0.3, 0.8) == pytest.approx(np.sum(numeric(slope(0.3 * eta_0), values)), rel=1e-12)


def test_the_paper_s_learning_rate_makes_the_first_slope_independent_of_alpha(first_slope):
    rate = sp.lambdify([eta_0, alpha], STATED["N6"])
    slopes = [first_slope(rate(0.5, scale), scale) for scale in (2**-5, 1.0, 32.0)]
    np.testing.assert_allclose(slopes, slopes[1], rtol=1e-11)


def test_as_printed_the_first_slope_goes_as_alpha_squared(first_slope):
    rate = sp.lambdify([eta_0, alpha], STATED["N6"])
    slopes = [first_slope(rate(0.5, scale), scale, prefactor=scale) for scale in (2**-5, 1.0, 32.0)]
    np.testing.assert_allclose(np.array(slopes) / slopes[1], [2.0**-10, 1.0, 2.0**10], rtol=1e-11)


def test_a_centred_network_deviates_from_its_linearisation_by_the_inverse_of_alpha(make_problem, reference_flow):
    t, deviations = 3.0, []
    for scale in (100.0, 200.0, 400.0, 800.0):
        problem = make_problem(alpha=scale, n_train=6)
        data, start = problem.train.data, problem.start
        kernel = start.kernel(problem.network, data.X, data.X)
        linearised = scipy.linalg.expm(-2 * t / len(data.y) * kernel) @ -data.y
        end = reference_flow(problem.train, start.V, [t])[-1]
        deviations.append(np.linalg.norm(problem.train.residual(end) - linearised))
    orders = np.log2(np.array(deviations[:-1]) / deviations[1:])
    assert np.abs(orders - 1).max() < 0.05


def test_dividing_the_labels_by_alpha_trains_the_same_weights_as_multiplying_the_output(planted_neurons):
    W, X, y = planted_neurons.W, planted_neurons.X, planted_neurons.y
    for centered in (False, True):
        scaled = CommitteeMachine(alpha=5.0, eps=0.4, centered=centered)
        plain = CommitteeMachine(alpha=1.0, eps=0.4, centered=centered)
        small = y * float(STATED["N8"].subs(alpha, 5))
        a = scaled.train(W, X, y, lr=0.01, record=[0, 1, 100])
        b = plain.train(W, X, small, lr=0.25, record=[0, 1, 100])
        np.testing.assert_allclose(a.weights, b.weights, rtol=1e-11)
        np.testing.assert_allclose(a.loss_train, 25 * b.loss_train, rtol=1e-11)


# ---- the scale of the weights


def scaled_twin(scale, weight, size):
    """Return the (alpha, eps) of the network with weights u that is the one with weights size u."""
    values = {alpha: scale, eps: weight, sigma: size}
    return {"alpha": float(STATED["N15"][0].subs(values)), "eps": float(STATED["N15"][1].subs(values))}


@pytest.mark.parametrize("size", [1 / 8, 0.7, 2.0])
def test_a_weight_scale_is_another_pair_of_alpha_and_eps(rng, size):
    state, X = FactorState.from_neurons(rng.standard_normal((6, 4))), rng.standard_normal((20, 4))
    large = state.at(size * state.V).outputs(Network(alpha=1.3, eps=0.4), X)
    close(state.outputs(Network(**scaled_twin(1.3, 0.4, size)), X), large)


@pytest.mark.parametrize("centered", [False, True])
def test_a_network_with_scaled_weights_trains_like_its_twin(planted_neurons, centered):
    W, X, y, size = planted_neurons.W, planted_neurons.X, planted_neurons.y, 0.6
    large = CommitteeMachine(alpha=1.3, eps=0.4, centered=centered)
    twin = CommitteeMachine(**scaled_twin(1.3, 0.4, size), centered=centered)
    a = large.train(size * W, X, y, lr=0.2, record=[0, 1, 50])
    b = twin.train(W, X, y, lr=0.2 / size**2, record=[0, 1, 50])
    np.testing.assert_allclose(a.weights, size * b.weights, rtol=0, atol=1e-11)
    np.testing.assert_allclose(a.loss_train, b.loss_train, rtol=1e-10)
    assert large.alpha**2 * 0.2 == pytest.approx(twin.alpha**2 * 0.2 / size**2)  # the same step in t


@pytest.mark.parametrize("size", [1 / 8, 0.5, 2.0])
def test_at_fixed_sigma_squared_alpha_the_even_part_of_f_stays_and_the_odd_part_goes_as_the_inverse_of_sigma(rng, size):
    state, X = FactorState.from_neurons(rng.standard_normal((6, 4))), rng.standard_normal((20, 4))
    scale = float(STATED["N12"].subs(sigma, size))
    network, moved = Network(alpha=scale, eps=0.4), state.at(size * state.V)

    def parts(state, network):
        plus, minus = state.outputs(network, X), state.outputs(network, -X)
        return (plus + minus) / 2, (plus - minus) / 2

    even, odd = parts(moved, network)
    even_at_1, odd_at_1 = parts(state, Network(alpha=1.0, eps=0.4))
    close(even, even_at_1)
    close(odd, odd_at_1 / size)
