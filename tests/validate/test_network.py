import itertools
from functools import cache

import numpy as np
import pytest
from grokode_validate.network import CommitteeMachine

import grokode

DIM, P, P_TEST = 6, 20, 50
WIDTHS = (1, 2, DIM, DIM + 1, 3 * DIM)
ALPHAS = (0.1, 1.0, 30.0)
RECORD = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 350, 500)
DT = 0.1  # stable: dt lambda_max(K)/P stays below 0.51; at 0.3 it passes 1 (alpha = 0.1, widths 7 and 18) and descent
#           is chaotic: the real network alone, its start moved by 1e-15, is then elsewhere after 200 steps


@cache
def trained(width, alpha, centered):
    """Train one network directly and in the reduction: the pair to compare."""
    rng = np.random.default_rng([width, int(10 * alpha), centered])
    X, X_test = rng.standard_normal((P, DIM)) / np.sqrt(DIM), rng.standard_normal((P_TEST, DIM)) / np.sqrt(DIM)
    beta_star = rng.standard_normal(DIM)
    y, y_test = (X @ beta_star) ** 2 / 2, (X_test @ beta_star) ** 2 / 2
    W0, eps, lr = rng.standard_normal((width, DIM)), 0.5, DT * width / alpha**2

    machine = CommitteeMachine(alpha=alpha, eps=eps, centered=centered)
    direct = machine.train(W0, X, y, lr=lr, record=RECORD, tests={"sample": (X_test, y_test)})
    bundle = grokode.Bundle(
        X_train=X,
        y_train=y,
        W0=W0,
        alpha=alpha,
        eps=eps,
        lr=lr,
        centered=centered,
        X_test=X_test,
        y_test=y_test,
        step=RECORD,
    )
    return direct, grokode.run(bundle, optimizer="gradient_descent", keep_states=True)


over_every_network = pytest.mark.parametrize(
    ("width", "alpha", "centered"), list(itertools.product(WIDTHS, ALPHAS, (False, True)))
)


def tolerance(loss, alpha):
    """Exact maps: rounding of a centred predictor grows with alpha."""
    return 1e-9 * np.maximum(loss, 1e-10 * max(1.0, alpha) ** 1.5 * loss[0])


@over_every_network
def test_descent_in_the_factor_equals_the_trained_network(width, alpha, centered):
    direct, run = trained(width, alpha, centered)
    np.testing.assert_array_equal(run.step, direct.step)
    assert (np.abs(run.loss_train - direct.loss_train) <= tolerance(direct.loss_train, alpha)).all()
    sample = direct.loss_test["sample"]
    assert (np.abs(run.loss_test_sample - sample) <= tolerance(sample, alpha)).all()
    assert (np.diff(direct.loss_train) < 0).all()  # stable, so that rounding does not grow
    assert direct.loss_train[-1] < 0.8 * direct.loss_train[0]  # and something was learned


@over_every_network
def test_the_trained_weights_have_the_moments_of_the_factor(width, alpha, centered):
    direct, run = trained(width, alpha, centered)
    assert len(run.states) == len(direct.weights)
    for state, W in zip(run.states, direct.weights, strict=True):
        np.testing.assert_allclose(state.M, W.T @ W / width, rtol=0, atol=1e-11 * np.trace(state.M))
        np.testing.assert_allclose(state.wbar, W.mean(axis=0), rtol=0, atol=1e-11 * np.sqrt(np.trace(state.M)))


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("width", [1, 4])
def test_backpropagation_is_the_slope_of_the_loss(width, centered):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((7, 3)), rng.standard_normal(7)
    W0, W = rng.standard_normal((2, width, 3))
    machine = CommitteeMachine(alpha=1.3, eps=0.7, centered=centered)

    slope, h = np.empty_like(W), 1e-5  # central differences of a quartic: error h^2 L''' / 6 and rounding 1e-16 L / h
    for index in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[index] = h
        slope[index] = (machine.loss(W + step, W0, X, y) - machine.loss(W - step, W0, X, y)) / (2 * h)
    np.testing.assert_allclose(machine.gradient(W, W0, X, y), slope, rtol=1e-7, atol=1e-7)


def test_one_step_is_the_one_done_by_hand():
    # alpha = 2, eps = 1/2, W0 = 3, x = 2, y = 20: h = 6, phi = 6 + 36/4 = 15, f = 30, r = 10, L = 100,
    # phi' = 1 + 6/2 = 4, dL/dW = 2 r alpha phi' x = 2 * 10 * 2 * 4 * 2 = 320, W = 3 - 0.01 * 320 = -0.2;
    # there h = -0.4, phi = -0.4 + 0.16/4 = -0.36, f = -0.72, r = -20.72, L = 429.3184
    machine = CommitteeMachine(alpha=2.0, eps=0.5)
    W0, X, y = np.array([[3.0]]), np.array([[2.0]]), np.array([20.0])
    direct = machine.train(W0, X, y, lr=0.01, record=(0, 1))
    np.testing.assert_allclose(direct.weights.ravel(), [3.0, -0.2], rtol=1e-14)
    np.testing.assert_allclose(direct.loss_train, [100.0, 429.3184], rtol=1e-14)


def test_one_centered_step_is_the_one_done_by_hand():
    # the same, but f - f0 = 0 at the start: r = -20, L = 400, dL/dW = 2 * (-20) * 2 * 4 * 2 = -640, W = 9.4;
    # there h = 18.8, phi = 18.8 + 353.44/4 = 107.16, f - f0 = 214.32 - 30 = 184.32, r = 164.32
    machine = CommitteeMachine(alpha=2.0, eps=0.5, centered=True)
    W0, X, y = np.array([[3.0]]), np.array([[2.0]]), np.array([20.0])
    direct = machine.train(W0, X, y, lr=0.01, record=(0, 1))
    np.testing.assert_allclose(direct.weights.ravel(), [3.0, 9.4], rtol=1e-14)
    np.testing.assert_allclose(direct.loss_train, [400.0, 164.32**2], rtol=1e-14)
