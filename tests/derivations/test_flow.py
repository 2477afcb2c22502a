"""The flow in factor and neurons: what is proved of it, against what the package computes."""

import numpy as np
import pytest
import sympy as sp
from grokode_derivations import flow
from grokode_derivations.notation import alpha
from grokode_derivations.words import Column, Letter, Symmetric, T, numeric
from grokode_validate.network import CommitteeMachine, Weights

import grokode
from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.task.data import Data

STATEMENTS = {claim.tag: claim.statement.value for claim in flow.CLAIMS}


def column(vector):
    return np.asarray(vector)[:, None]


@pytest.fixture
def planted(rng):
    """Give a factor, data and the moments g and G, from the definitions."""
    r, P, D = 4, 7, 3
    network = grokode.Network(alpha=1.7, eps=0.6)
    a, V = rng.standard_normal(r), rng.standard_normal((r, D))
    state = grokode.FactorState(a / np.linalg.norm(a), V)
    X, y = rng.standard_normal((P, D)), rng.standard_normal(P)
    residual = np.array([1.7 * (state.a @ V @ x + 0.3 * x @ V.T @ V @ x) for x in X]) - y
    g = sum(r * x for r, x in zip(residual, X, strict=True)) / P
    G = sum(r * np.outer(x, x) for r, x in zip(residual, X, strict=True)) / P
    letters = {"a": column(state.a), "V": V, "g": column(g), "G": G, "α": 1.7, "ε": 0.6}
    return network, state, X, y, residual, letters


def test_the_force_of_the_package_is_the_proved_one(planted):
    network, state, X, y, residual, letters = planted
    loss, force = state.loss_force(network, X, y)
    scale = np.abs(force).max()
    np.testing.assert_allclose(force, numeric(STATEMENTS["F2"], letters), rtol=0, atol=1e-12 * scale)
    assert loss == pytest.approx(np.mean(residual**2), rel=1e-12)

    risk = EmpiricalRisk(network, state, Data(X, y))
    compiled = risk.loss_force_moved(np.zeros_like(state.V))[1]
    np.testing.assert_allclose(compiled, force, rtol=0, atol=1e-12 * scale)
    for ours, name in zip(risk.moments(state.V), ("g", "G"), strict=False):
        np.testing.assert_allclose(ours, np.squeeze(letters[name]), rtol=0, atol=1e-12 * np.abs(ours).max())


def test_moments_move_as_proved(planted):
    network, state, X, y, _, letters = planted
    force = state.loss_force(network, X, y)[1]
    _, dwbar, dM = STATEMENTS["F4"]
    letters |= {"w̄": column(state.wbar), "M": state.M}
    rates = (column(force.T @ state.a), force.T @ state.V + state.V.T @ force)
    for rate, proved in zip(rates, (dwbar, dM), strict=True):
        np.testing.assert_allclose(rate, numeric(proved, letters), rtol=0, atol=1e-12 * np.abs(rate).max())


def test_a_neuron_moves_down_the_gradient_of_backpropagation(planted):
    # alpha^2 dw_i/dt = -N grad, where N neurons are trained and not their factor
    network, state, X, y, _, letters = planted
    W = state.neurons(6, np.random.default_rng(0))
    gradient = CommitteeMachine(alpha=1.7, eps=0.6).gradient(Weights.of(W), Weights.of(W), X, y).W
    moved = np.hstack([numeric(STATEMENTS["F4"][0], dict(w=column(w), **letters)) for w in W]).T
    np.testing.assert_allclose(moved, -6 / 1.7**2 * gradient, rtol=0, atol=1e-12 * np.abs(moved).max())


@pytest.mark.parametrize("laziness", [0.3, 1000.0])
@pytest.mark.parametrize("centered", [True, False])
def test_the_residual_of_the_package_is_the_one_proved_by_differences(planted, laziness, centered, rng):
    _, state, X, y, _, _ = planted
    network = grokode.Network(alpha=laziness, eps=0.6, centered=centered)
    risk = EmpiricalRisk(network, state, Data(X, y))
    start = -y if centered else state.outputs(network, X) - y
    V = state.V + rng.standard_normal(state.V.shape) / laziness
    dV = V - state.V
    letters = {"a": column(state.a), "V₀": state.V, "δV": dV, "α": laziness, "ε": 0.6}
    proved = [
        numeric(flow.MOVED - flow.r0, dict(x=column(x), **letters)).item() + r for x, r in zip(X, start, strict=True)
    ]
    np.testing.assert_allclose(risk.residual(V), proved, rtol=0, atol=1e-12 * np.abs(proved).max())
    assert risk.loss_force_moved(dV)[0] == pytest.approx(np.mean(np.square(proved)), rel=1e-12)


def test_the_force_is_the_gradient_of_the_loss_over_alpha_squared(planted, gradient):
    network, state, X, y, _, _ = planted
    risk = EmpiricalRisk(network, state, Data(X, y))
    downhill = -gradient(risk.loss, state.V) / network.alpha**2
    # 1e-11: differences of the loss at h = 1/2 lose a digit
    np.testing.assert_allclose(risk.force(state.V), downhill, rtol=0, atol=1e-11 * np.abs(downhill).max())


def test_the_rank_of_M_rises_from_one_to_that_of_the_factor_and_no_further(rng, reference_flow):
    # four rows, but a and the columns of V_0 span two dimensions; orthogonal to each other, they start M at rank 1
    network = grokode.Network(alpha=0.7, eps=0.5)
    a, direction = np.linalg.qr(rng.standard_normal((4, 2)))[0].T
    state = grokode.FactorState(a, np.outer(direction, rng.standard_normal(3)))
    risk = EmpiricalRisk(network, state, Data(rng.standard_normal((6, 3)), rng.standard_normal(6)))
    for V in reference_flow(risk, state.V, [0.1, 1.0]):
        values = np.linalg.svd(V, compute_uv=False)
        assert values[1] > 1e-3 * values[0]
        assert values[2] < 1e-12 * values[0]


def test_a_pair_of_opposite_neurons_has_rank_two_after_any_step(planted, rng):
    network, _, X, y, _, _ = planted
    w = rng.standard_normal(3)
    pair = grokode.FactorState.from_neurons(np.array([w, -w]))
    assert np.linalg.matrix_rank(pair.M) == 1
    dt = 1e-3
    force = pair.loss_force(network, X, y)[1]
    W = pair.at(pair.V + dt * force).neurons(2, rng)
    g = X.T @ (pair.outputs(network, X) - y) / len(y)
    area = 16 * dt**2 / network.alpha**2 * (w @ w * (g @ g) - (w @ g) ** 2)
    assert np.linalg.det(W @ W.T) == pytest.approx(area, rel=0.05)  # the next order is 5 dt |F|, a percent


def test_neurons_and_factor_move_equally_far(make_problem):
    problem = make_problem(width=7, dim=5)
    risk, start = problem.train, problem.start
    W0 = start.neurons(7, np.random.default_rng(1))
    network, dt = problem.network, 0.05
    machine = CommitteeMachine(alpha=network.alpha, eps=network.eps, centered=network.centered)
    W = machine.train(W0, risk.data.X, risk.data.y, lr=dt * 7 / network.alpha**2, record=[0, 40]).weights[-1]
    V = start.V
    for _ in range(40):
        V = V + dt * risk.force(V)
    letters = {"V": V, "V₀": start.V}
    proved = np.trace(numeric(STATEMENTS["F7"], letters))
    assert np.sum((W - W0) ** 2) / 7 == pytest.approx(proved, rel=1e-12)


# ---- the Jacobian


@pytest.fixture(params=[5, 40], ids=["through the kernel", "dense"])  # samples; there are 12 numbers in V
def jacobian(request, rng):
    network = grokode.Network(alpha=0.8, eps=0.5)
    a = rng.standard_normal(4)
    state = grokode.FactorState(a / np.linalg.norm(a), rng.standard_normal((4, 3)))
    X, y = rng.standard_normal((request.param, 3)), rng.standard_normal(request.param)
    return network, state, X, y, EmpiricalRisk(network, state, Data(X, y)).jacobian(state.V)


def test_the_jacobian_is_the_proved_one_sample_by_sample(jacobian, rng):
    network, state, X, y, J = jacobian
    d = rng.standard_normal(state.V.shape)
    residual = state.outputs(network, X) - y
    proved = np.mean(
        [
            numeric(flow.JACOBIAN, dict(c=column(state.a + 0.5 * state.V @ x), x=column(x), r=r, δ=d, α=0.8, ε=0.5))
            for x, r in zip(X, residual, strict=True)
        ],
        axis=0,
    )
    for product in (J.times(d.ravel()), J.dense() @ d.ravel()):
        np.testing.assert_allclose(product, proved.ravel(), rtol=0, atol=1e-12 * np.abs(proved).max())


def test_the_jacobian_is_the_derivative_of_the_force_and_symmetric(jacobian, derivative, rng):
    network, state, X, y, J = jacobian
    risk = EmpiricalRisk(network, state, Data(X, y))
    d = rng.standard_normal(state.V.shape)
    change = derivative(risk.force, state.V, d).ravel()
    np.testing.assert_allclose(J.times(d.ravel()), change, rtol=0, atol=1e-11 * np.abs(change).max())
    np.testing.assert_allclose(J.dense(), J.dense().T, rtol=0, atol=1e-12 * np.abs(J.dense()).max())


@pytest.mark.parametrize("shift", [30.0, 30.0 + 40.0j])
def test_the_shifted_solve_is_the_proved_one(jacobian, shift, rng):
    network, state, X, y, J = jacobian
    P, D = X.shape
    C = np.array([state.a + 0.5 * state.V @ x for x in X])
    residual = state.outputs(network, X) - y
    S = np.linalg.inv(shift * np.eye(D) + 2 * 0.5 / 0.8 * (X.T @ np.diag(residual) @ X) / P)
    R = rng.standard_normal(state.V.shape)

    # the terms of the proved system, one pair of samples at a time
    solution, term = STATEMENTS["J2"]
    assert solution == Letter("R")
    slopes, inputs = flow.numbers(T(flow.c) * Column("c_ν")), flow.numbers(T(flow.x) * Symmetric("S") * Column("x_ν"))
    entry = sp.lambdify([slopes, inputs, sp.Symbol("u_ν")], term)
    system = np.array([[entry(C[n] @ C[m], X[m] @ S @ X[n], 1) for n in range(P)] for m in range(P)])
    system = system + P / 2 * np.eye(P)
    u = np.linalg.solve(system, [c @ R @ S @ x for c, x in zip(C, X, strict=True)])
    proved = ((R - C.T @ np.diag(u) @ X) @ S).ravel()

    solved = J.factor(shift)(R.ravel())
    np.testing.assert_allclose(solved, proved, rtol=0, atol=1e-12 * np.abs(proved).max())
    back = shift * solved - J.times(solved.real) - 1j * J.times(solved.imag)
    np.testing.assert_allclose(back, R.ravel(), rtol=0, atol=1e-12 * np.abs(R).max())


# ---- trained readouts


def readout_outputs(v, W, X):
    h = X @ W.T
    return 0.8 / len(v) * (h + 0.2 * h**2) @ v


def test_readouts_and_weights_move_down_the_gradient(planted_neurons, gradient, rng):
    W, X, y, N = planted_neurons.W, planted_neurons.X, planted_neurons.y, len(planted_neurons.W)
    v = rng.standard_normal(N)
    residual = readout_outputs(v, W, X) - y
    letters = {"g": column(X.T @ residual / len(y)), "G": X.T @ (residual[:, None] * X) / len(y), "α": 0.8, "ε": 0.4}
    proved = [[numeric(word, dict(v=v[i], w=column(W[i]), **letters)) for i in range(N)] for word in STATEMENTS["F8"]]

    # quartic in W at fixed v and quadratic in v at fixed W: differences are exact but for rounding
    down_W = -N / 0.8**2 * gradient(lambda W: np.mean((readout_outputs(v, W, X) - y) ** 2), W)
    down_v = -N / 0.8**2 * gradient(lambda v: np.mean((readout_outputs(v, W, X) - y) ** 2), v)
    np.testing.assert_allclose(np.hstack(proved[0]).T, down_W, rtol=0, atol=1e-11 * np.abs(down_W).max())
    np.testing.assert_allclose(np.ravel(proved[1]), down_v, rtol=0, atol=1e-11 * np.abs(down_v).max())


def test_two_networks_with_trained_readouts_and_one_predictor_part_at_the_proved_speeds(gradient):
    X, y = np.array([[0.5], [2.0]]), np.array([1.0, -3.0])
    networks = [(np.array([1.0, 1.0]), np.array([[1.0], [-1.0]])), (np.array([0.25, 0.25]), np.array([[2.0], [-2.0]]))]
    outputs = [readout_outputs(v, W, X) for v, W in networks]
    np.testing.assert_allclose(*outputs, rtol=1e-15)
    g = np.mean((outputs[0] - y) * X[:, 0])
    for (v, W), speed in zip(networks, STATEMENTS["F9"], strict=True):
        scale = -2 / 0.8**2
        dW = scale * gradient(lambda W, v=v: np.mean((readout_outputs(v, W, X) - y) ** 2), W)
        dv = scale * gradient(lambda v, W=W: np.mean((readout_outputs(v, W, X) - y) ** 2), v)
        proved = float(speed.subs({alpha: 0.8, sp.Symbol("g"): g}))
        assert np.mean(dv * W[:, 0] + v * dW[:, 0]) == pytest.approx(proved, rel=1e-10)
