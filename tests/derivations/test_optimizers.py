"""Optimizers on the factor, as proved, against the same optimizers on real neurons."""

import numpy as np
import pytest
import scipy.integrate
import sympy as sp
from grokode_derivations import flow, optimizers
from grokode_derivations.flow import V, a
from grokode_derivations.notation import N, alpha, eps
from grokode_derivations.optimizers import F, U, dt, eta, mu, wd
from grokode_derivations.words import Column, Letter, Symmetric, T
from grokode_validate.network import CommitteeMachine, Weights

import grokode
from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.pace import Pace

STATEMENTS = {claim.tag: claim.statement.value for claim in optimizers.CLAIMS}
SETTINGS = {dt: 0.07, mu: 0.8, wd: 0.02, N: 6, alpha: 0.8}  # width and laziness are those of planted_neurons
RATE = SETTINGS[dt] * SETTINGS[N] / SETTINGS[alpha] ** 2
MOMENTUM, DECAY = SETTINGS[mu], SETTINGS[wd]


def proved(value):
    """Return the proved map as a function of V, U and F; none of its words is a product of letters."""
    return sp.lambdify([V, U, F], value.subs(SETTINGS))


def heavy_ball(W, u, gradient):
    u = MOMENTUM * u + gradient(W)
    return W - RATE * u, u


def nesterov(W, u, gradient):
    """Step as PyTorch does."""
    slope = gradient(W)
    u = MOMENTUM * u + slope
    return W - RATE * (slope + MOMENTUM * u), u


def l2(W, u, gradient):
    return W - RATE * (gradient(W) + DECAY * W), u


def decoupled(W, u, gradient):
    moved, u = heavy_ball(W, u, gradient)
    return moved - RATE * DECAY * W, u


@pytest.fixture
def pair(planted_neurons):
    """Give real neurons, their factor, and the map from one to the other."""
    network = grokode.Network(alpha=planted_neurons.alpha, eps=planted_neurons.eps, centered=False)
    machine = CommitteeMachine(alpha=planted_neurons.alpha, eps=planted_neurons.eps)
    state = grokode.FactorState.from_neurons(planted_neurons.W)
    neurons = np.column_stack([np.ones(len(planted_neurons.W)), planted_neurons.W])
    lift = neurons @ np.linalg.inv(np.column_stack([state.a, state.V]))  # sqrt(N) Q^T; [a, V] is square, N > D
    return network, machine, state, lift


@pytest.mark.parametrize(
    ("tag", "on_neurons"),
    [("D2", heavy_ball), ("D3", nesterov), ("D4", l2), ("D5", decoupled)],
)
@pytest.mark.parametrize("batch", [None, 3], ids=["all samples", "mini-batches"])
def test_the_proved_map_of_the_factor_is_training_of_real_neurons(planted_neurons, pair, tag, on_neurons, batch, rng):
    W, X, y = planted_neurons.W, planted_neurons.X, planted_neurons.y
    network, machine, state, lift = pair
    value = STATEMENTS[tag]
    next_U, next_V = map(proved, value if isinstance(value, tuple) else (U, value))
    u, memory, factor = np.zeros_like(W), np.zeros_like(state.V), state.V
    for _ in range(30):
        rows = slice(None) if batch is None else rng.choice(len(y), batch, replace=False)
        W, u = on_neurons(W, u, lambda W, rows=rows: machine.gradient(Weights.of(W), Weights.of(W), X[rows], y[rows]).W)
        force = state.at(factor).loss_force(network, X[rows], y[rows])[1]
        memory, factor = next_U(factor, memory, force), next_V(factor, memory, force)
    assert np.abs(factor - state.V).max() > 0.1
    np.testing.assert_allclose(lift @ factor, W, rtol=0, atol=1e-12 * np.abs(W).max())


def test_gradient_descent_of_the_package_is_the_proved_map_and_training_of_real_neurons(make_problem):
    problem = make_problem(width=6, dim=4, alpha=0.8, eps=0.4)
    risk, V0 = problem.train, problem.start.V
    step = GradientDescent().on(risk, Pace(SETTINGS[dt], 1.0)).step(0, V0[None])[0]
    one, other = Letter("a gᵀ"), Letter("V G")
    words = sp.expand(STATEMENTS["D1"]).subs({a * T(flow.g): one, V * flow.G: other})
    g, G, _ = risk.moments(V0)
    expected = sp.lambdify([V, one, other], words.subs({eps: 0.4} | SETTINGS))(V0, np.outer(problem.start.a, g), V0 @ G)
    np.testing.assert_allclose(step, expected, rtol=0, atol=1e-12 * np.abs(V0).max())

    machine = CommitteeMachine(alpha=0.8, eps=0.4, centered=True)
    W0 = problem.start.neurons(6, np.random.default_rng(0))
    W = machine.train(W0, risk.data.X, risk.data.y, lr=RATE, record=[1]).weights[-1]
    np.testing.assert_allclose(W.mean(axis=0), step.T @ problem.start.a, rtol=0, atol=1e-12)
    np.testing.assert_allclose(W.T @ W / 6, step.T @ step, rtol=0, atol=1e-12 * np.sum(step**2))


def test_a_batch_moves_neurons_by_the_mean_of_what_is_proved_for_its_samples(planted_neurons, pair):
    W, X, y = planted_neurons.W, planted_neurons.X[2:5], planted_neurons.y[2:5]
    network, machine, state, lift = pair
    one, other = Letter("a xᵀ"), Letter("V x xᵀ")
    words = sp.expand(STATEMENTS["D8"]).subs({a * T(flow.x): one, V * flow.x * T(flow.x): other})
    moved = sp.lambdify([V, flow.r, one, other], words.subs({eps: planted_neurons.eps} | SETTINGS))
    residual = state.outputs(network, X) - y
    samples = [
        moved(state.V, r, np.outer(state.a, x), state.V @ np.outer(x, x)) for r, x in zip(residual, X, strict=True)
    ]
    trained = W - RATE * machine.gradient(Weights.of(W), Weights.of(W), X, y).W
    np.testing.assert_allclose(lift @ np.mean(samples, axis=0), trained, rtol=0, atol=1e-12 * np.abs(W).max())


def test_the_points_ahead_of_the_textbook_are_the_iterates_of_pytorch(planted_neurons, pair):
    _, machine, _, _ = pair

    def slope(W):
        return machine.gradient(Weights.of(W), Weights.of(W), planted_neurons.X, planted_neurons.y).W

    theta, u = planted_neurons.W, np.zeros_like(planted_neurons.W)
    W, velocity = theta, np.zeros_like(theta)
    for _ in range(20):
        theta, u = nesterov(theta, u, slope)
        velocity = MOMENTUM * velocity - RATE * slope(W + MOMENTUM * velocity)
        W = W + velocity
        np.testing.assert_allclose(W + MOMENTUM * velocity, theta, rtol=0, atol=1e-12 * np.abs(theta).max())


def test_adam_takes_two_networks_of_one_state_apart_and_gradient_descent_does_not():
    X, y = np.array([[1.3], [-1.3]]), np.array([-0.5, -0.5])
    networks = [np.array([[-3.0], [1], [1], [1]]), np.array([[3.0], [-1], [-1], [-1]])]
    machine = CommitteeMachine(alpha=0.8, eps=0.4)
    slopes = [machine.gradient(Weights.of(W), Weights.of(W), X, y).W for W in networks]
    np.testing.assert_allclose(*(machine.output(Weights.of(W), X) for W in networks), rtol=1e-15)

    adam = [W - 0.1 * slope / (np.sqrt(slope**2) + 1e-14) for W, slope in zip(networks, slopes, strict=True)]
    claimed = [float(value.subs(eta, 0.1)) for value in STATEMENTS["D6"]]
    np.testing.assert_allclose([W.mean() for W in adam], claimed, rtol=1e-12)
    descent = [W - 0.1 * slope for W, slope in zip(networks, slopes, strict=True)]
    for power in (1, 2):
        assert np.mean(descent[0] ** power) == pytest.approx(np.mean(descent[1] ** power), abs=1e-15)


# ---- finite steps as a flow


def modified(risk, step):
    """Return the right-hand side that is proved, with the package's force and Jacobian."""
    force, product = Column("F"), Column("F′F")
    proved = sp.lambdify([force, product], STATEMENTS["D7"].subs(Symmetric("F′") * force, product).subs(dt, step))

    def rate(t, y):
        theta = y.reshape(risk.start.V.shape)
        force = risk.force(theta).ravel()
        return proved(force, risk.jacobian(theta).times(force))

    return rate


def test_gradient_descent_follows_the_modified_flow_at_order_two(make_problem):
    risk = make_problem(alpha=0.7, eps=0.4).train
    end, errors = 4.0, []
    for step in (0.04, 0.02, 0.01):
        V = risk.start.V
        for _ in range(round(end / step)):
            V = V + step * risk.force(V)
        solution = scipy.integrate.solve_ivp(
            modified(risk, step), (0, end), risk.start.V.ravel(), method="DOP853", rtol=1e-13, atol=1e-13
        )
        errors.append(np.linalg.norm(V.ravel() - solution.y[:, -1]))
    assert errors[-1] > 1e-9  # well above rounding and the integrator's error
    orders = -np.diff(np.log2(errors))
    assert np.abs(orders - 2).max() < 0.1


def test_the_modified_flow_goes_down_the_modified_loss(make_problem, rng):
    risk = make_problem(alpha=0.7, eps=0.4).train
    step, laziness = 0.3, risk.network.alpha

    def modified_loss(V):
        gradient = -(laziness**2) * risk.force(V)
        return risk.loss(V) + step / (4 * laziness**2) * np.sum(gradient**2)

    d = rng.standard_normal(risk.start.V.shape)
    # the modified loss is a polynomial of degree six in V: seven points give its derivative, but for rounding
    weights, h = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60, 0.25
    slope = sum(w * modified_loss(risk.start.V + k * h * d) for w, k in zip(weights, range(-3, 4), strict=True)) / h
    rate = modified(risk, step)(0, risk.start.V.ravel())
    assert -slope / laziness**2 == pytest.approx(rate @ d.ravel(), rel=1e-10)


# ---- weight decay and the kernel


def test_the_kernel_drifts_under_weight_decay_as_proved(make_problem, rng):
    problem = make_problem(alpha=0.7, eps=0.4)
    state, network, decay = problem.start, problem.network, 0.3
    x, other = rng.standard_normal((2, 1, 5))

    def kernel(scale):
        return state.at(scale * state.V).kernel(network, x, other).item()

    # V = e^(-decay t) V_0, and K is quadratic in that factor: this difference is its derivative there
    drift = -decay * (kernel(1 + 1) - kernel(1 - 1)) / 2
    numbers = {"(xᵀ x′)": x @ other.T, "(xᵀ M x′)": x @ state.M @ other.T, "(w̄ᵀ x)": state.wbar @ x.T}
    numbers |= {"(w̄ᵀ x′)": state.wbar @ other.T, "ε": 0.4, "κ": decay}
    names = sorted(optimizers.DRIFT.free_symbols, key=str)
    proved = sp.lambdify(names, optimizers.DRIFT)(*(np.asarray(numbers[str(name)]).item() for name in names))
    assert drift == pytest.approx(proved, rel=1e-12)


def test_decay_alone_makes_the_kernel_of_a_quadratic_network_fall_at_twice_its_rate(make_problem, rng):
    network = grokode.Network(alpha=1.0, eps=1e6)  # the part in eps^2 is all that is left, to 1e-6
    state, X = make_problem().start, rng.standard_normal((3, 5))
    decay, time = 0.3, 2.0
    shrunk = state.at(np.exp(-decay * time) * state.V).kernel(network, X, X)
    np.testing.assert_allclose(shrunk, np.exp(-2 * decay * time) * state.kernel(network, X, X), rtol=1e-4)
