import itertools
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from grokode_validate.activations import Hermite, Square
from grokode_validate.network import CommitteeMachine, Weights
from grokode_validate.optimizers import TWINS, GradientDescent, HeavyBall

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


# ---- the network


@pytest.fixture
def sample():
    """Draw a few labelled points, and a network of five neurons with readouts of both signs, at the start and now."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((7, 3)), rng.standard_normal(7)
    start, weights = (Weights(rng.standard_normal((5, 3)) / 2, rng.standard_normal(5)) for _ in range(2))
    return X, y, start, weights


def general(**settings):
    return CommitteeMachine(**{"alpha": 1.3, "eps": 0.7} | settings)


def weighing(y):
    """Return sample weights as a cubature rule may have them: their sum is 1, and some are negative."""
    c = np.linspace(-1, 3, len(y))
    return c / c.sum()


every_activation = pytest.mark.parametrize("activation", [Square(), *(Hermite(k) for k in (2, 3, 4))], ids=repr)
either_way = pytest.mark.parametrize("centered", [False, True], ids=["as it is", "centred"])


@every_activation
def test_the_output_is_the_sum_over_neurons(sample, activation):
    X, _, _, weights = sample
    outputs = []
    for x in X:
        z = [sum(w_d * x_d for w_d, x_d in zip(w, x, strict=True)) for w in weights.W]
        phi = [z_i + 0.7 / 2 * float(activation.q(np.array(z_i))) for z_i in z]
        outputs.append(1.3 / 5 * sum(v * p for v, p in zip(weights.v, phi, strict=True)))
    np.testing.assert_allclose(general(activation=activation).output(weights, X), outputs, rtol=1e-13, atol=1e-14)


@every_activation
@either_way
@pytest.mark.parametrize("trained_readouts", [False, True], ids=["fixed", "trained"])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_backpropagation_is_the_slope_of_the_loss(sample, activation, centered, trained_readouts, weighted):
    X, y, start, weights = sample
    machine = general(activation=activation, centered=centered, trained_readouts=trained_readouts)
    c = weighing(y) if weighted else None

    def loss(part, index, h):
        moved = Weights(weights.W.copy(), weights.v.copy())
        moved[part][index] += h
        return machine.loss(moved, start, X, y, c)

    h = 1e-5  # central differences: an error h^2 L''' / 6 and rounding 1e-16 L / h, 6e-10 at most of the largest slope
    slope = Weights(*map(np.zeros_like, weights))
    for part in (0, 1) if trained_readouts else (0,):
        for index in np.ndindex(weights[part].shape):
            slope[part][index] = (loss(part, index, h) - loss(part, index, -h)) / (2 * h)
    gradient = machine.gradient(weights, start, X, y, c)
    np.testing.assert_allclose(gradient.W, slope.W, rtol=0, atol=1e-8 * np.abs(slope.W).max())
    np.testing.assert_allclose(gradient.v, slope.v, rtol=0, atol=1e-8 * np.abs(slope.v).max())


def test_readouts_that_are_not_trained_have_no_gradient(sample):
    X, y, start, weights = sample
    fixed, trained = (general(trained_readouts=choice).gradient(weights, start, X, y) for choice in (False, True))
    assert (fixed.v == 0).all()
    assert (trained.v != 0).all()
    np.testing.assert_array_equal(fixed.W, trained.W)


def test_both_layers_of_a_linear_network_pull_alike(sample):
    # phi(z) = z is homogeneous, so f is the same for (s w_i, v_i / s), and w_i . dL/dw_i = v_i dL/dv_i
    X, y, start, weights = sample
    gradient = general(eps=0.0, trained_readouts=True).gradient(weights, start, X, y)
    np.testing.assert_allclose((weights.W * gradient.W).sum(axis=1), weights.v * gradient.v, rtol=1e-12)


@either_way
def test_the_machine_of_the_second_hermite_polynomial_is_the_square_one_less_a_constant(sample, centered):
    X, y, _, weights = sample
    square, hermite = (general(activation=q, centered=centered) for q in (Square(), Hermite(2)))
    constant = 1.3 * 0.7 / 2 * weights.v.mean()  # alpha/N sum_i v_i eps/2
    np.testing.assert_allclose(hermite.output(weights, X), square.output(weights, X) - constant, rtol=0, atol=1e-14)

    moved = y if centered else y - constant  # centring takes the constant away
    settings = {"lr": 0.05, "record": (0, 1, 30), "readouts": weights.v}
    one, other = square.train(weights.W, X, y, **settings), hermite.train(weights.W, X, moved, **settings)
    assert np.ptp(one.loss_train) > 0.1
    np.testing.assert_allclose(one.weights, other.weights, rtol=0, atol=1e-13)
    np.testing.assert_allclose(one.loss_train, other.loss_train, rtol=1e-12)


def test_importing_the_network_loads_none_of_what_it_checks():
    code = "import sys, grokode_validate.network; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "grokode_validate" in loaded
    assert not {"grokode", "grokode_derivations", "scipy", "numba", "sympy", "torch"} & set(loaded)


# ---- the samples


def test_sample_weights_are_how_often_a_sample_counts(sample):
    X, y, start, weights = sample
    often = np.array([1, 2, 1, 3, 1, 1, 1])
    again = np.repeat(np.arange(7), often)
    machine = general(centered=True, trained_readouts=True)
    weighted, repeated = (X, y, often / 10), (X[again], y[again])
    assert machine.loss(weights, start, *weighted) == pytest.approx(machine.loss(weights, start, *repeated), rel=1e-14)
    gradients = machine.gradient(weights, start, *weighted), machine.gradient(weights, start, *repeated)
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13 * np.abs(one).max())

    settings = {"lr": 0.05, "record": (0, 1, 30), "readouts": start.v}
    one = machine.train(start.W, X, y, sample_weights=often / 10, **settings)
    other = machine.train(start.W, X[again], y[again], **settings)
    np.testing.assert_allclose(one.weights, other.weights, rtol=0, atol=1e-13)
    np.testing.assert_allclose(one.loss_train, other.loss_train, rtol=1e-12)


def test_sample_weights_are_equal_unless_given(sample):
    X, y, start, weights = sample
    mean = np.mean(general().residual(weights, start, X, y) ** 2)
    assert general().loss(weights, start, X, y) == pytest.approx(mean, rel=1e-14)
    assert general().loss(weights, start, X, y) == general().loss(weights, start, X, y, np.full(7, 1 / 7))


def test_a_negative_sample_weight_subtracts(sample):
    X, y, start, weights = sample
    losses = [general().loss(weights, start, X[k : k + 1], y[k : k + 1]) for k in (0, 1)]
    together = general().loss(weights, start, X[:2], y[:2], np.array([1.5, -0.5]))
    assert together == pytest.approx(1.5 * losses[0] - 0.5 * losses[1], rel=1e-13)


def test_a_test_set_has_its_own_sample_weights(sample):
    X, y, start, _ = sample
    machine, c = general(centered=True), weighing(y)
    run = machine.train(start.W, X, y, lr=0.05, record=(0, 20), tests={"equal": (X, y), "rule": (X, y, c)})
    np.testing.assert_array_equal(run.loss_test["equal"], run.loss_train)
    wanted = [machine.loss(Weights.of(W), Weights.of(start.W), X, y, c) for W in run.weights]
    np.testing.assert_array_equal(run.loss_test["rule"], wanted)


@either_way
def test_gradients_of_disjoint_batches_weigh_up_to_that_of_all(sample, centered):
    X, y, start, weights = sample
    machine = general(centered=centered, trained_readouts=True)
    batches = [0, 4], [1, 2, 3, 6], [5]
    parts = [machine.gradient(weights, start, X[rows], y[rows]) for rows in batches]
    whole = machine.gradient(weights, start, X, y)
    for part in (0, 1):
        total = sum(len(rows) / 7 * gradient[part] for rows, gradient in zip(batches, parts, strict=True))
        np.testing.assert_allclose(total, whole[part], rtol=0, atol=1e-13 * np.abs(whole[part]).max())


@either_way
@pytest.mark.parametrize("optimizer", TWINS)
def test_a_batch_of_all_samples_is_the_full_batch_in_any_order(sample, centered, optimizer):
    X, y, start, _ = sample
    machine, order = general(centered=centered, trained_readouts=True), np.random.default_rng(0)
    settings = {"lr": 0.02, "record": (0, 1, 30), "optimizer": TWINS[optimizer](), "readouts": start.v}
    full = machine.train(start.W, X, y, **settings)
    batches = machine.train(start.W, X, y, batches=lambda k: order.permutation(7), **settings)
    np.testing.assert_allclose(batches.weights, full.weights, rtol=0, atol=1e-12)  # sums in another order
    np.testing.assert_allclose(batches.loss_train, full.loss_train, rtol=1e-11)


@either_way
def test_a_step_on_a_batch_goes_down_the_gradient_of_its_rows(sample, centered):
    X, y, start, _ = sample
    machine = general(centered=centered, trained_readouts=True)
    rows = [np.array(batch) for batch in ([0, 4], [1, 2, 3, 6], [5], [2, 0])]
    asked = []

    def batches(k):
        asked.append(k)
        return rows[k]

    tests = {"third": (X[2:], y[2:])}
    settings = {"lr": 0.05, "record": (0, 2, 3, 4), "readouts": start.v}
    run = machine.train(start.W, X, y, batches=batches, tests=tests, **settings)
    assert asked == [0, 1, 2, 3]  # once a step, and not after the last record
    path = [start]
    for batch in rows:
        slope = machine.gradient(path[-1], start, X[batch], y[batch])
        path.append(Weights(path[-1].W - 0.05 * slope.W, path[-1].v - 0.05 * slope.v))
    np.testing.assert_array_equal(run.step, (0, 2, 3, 4))
    for recorded, k in enumerate(run.step):
        np.testing.assert_allclose(run.weights[recorded], path[k].W, rtol=0, atol=1e-14)
        np.testing.assert_allclose(run.readouts[recorded], path[k].v, rtol=0, atol=1e-14)
        assert run.loss_train[recorded] == pytest.approx(machine.loss(path[k], start, X, y), rel=1e-12)
        assert run.loss_test["third"][recorded] == pytest.approx(machine.loss(path[k], start, X[2:], y[2:]), rel=1e-12)


def test_batches_with_sample_weights_are_refused(sample):
    X, y, start, _ = sample
    with pytest.raises(ValueError, match="not both"):
        general().train(start.W, X, y, lr=0.1, record=(1,), batches=lambda k: [k], sample_weights=np.full(7, 1 / 7))


# ---- readouts


@pytest.mark.parametrize("optimizer", [GradientDescent, HeavyBall])
@pytest.mark.parametrize("decoupled", [False, True])
def test_weight_decay_moves_trained_readouts_and_no_others(sample, optimizer, decoupled):
    X, y, start, _ = sample
    settings = {"lr": 0.05, "record": (0, 5), "optimizer": optimizer(weight_decay=0.5, decoupled=decoupled)}
    fixed = general().train(start.W, X, y, readouts=start.v, **settings)
    np.testing.assert_array_equal(fixed.readouts, [start.v, start.v])

    still = np.zeros_like(X), np.zeros_like(y)  # nothing to learn: all weights decay by one factor
    decayed = general(trained_readouts=True).train(start.W, *still, readouts=start.v, **settings)
    assert (np.abs(decayed.readouts[1]) < np.abs(start.v)).all()
    np.testing.assert_allclose(decayed.readouts[1] / start.v, (decayed.weights[1] / start.W)[:, 0], rtol=1e-13)


def test_readouts_start_at_one_unless_given(sample):
    X, y, start, _ = sample
    settings = {"lr": 0.1, "record": (0,)}
    np.testing.assert_array_equal(general().train(start.W, X, y, **settings).readouts, np.ones((1, 5)))
    np.testing.assert_array_equal(general().train(start.W, X, y, readouts=start.v, **settings).readouts, [start.v])


# ---- by hand


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


def test_one_step_of_both_layers_is_the_one_done_by_hand():
    # the same with v = 2: f = 2 * 2 * 15 = 60, r = 40, L = 1600, dL/df = 80,
    # dL/dW = 80 alpha v phi' x = 80 * 2 * 2 * 4 * 2 = 2560, dL/dv = 80 alpha phi = 80 * 2 * 15 = 2400;
    # W = 3 - 0.001 * 2560 = 0.44, v = 2 - 2.4 = -0.4; there h = 0.88, phi = 0.88 + 0.7744/4 = 1.0736,
    # f = 2 * (-0.4) * 1.0736 = -0.85888, r = -20.85888
    machine = CommitteeMachine(alpha=2.0, eps=0.5, trained_readouts=True)
    W0, X, y = np.array([[3.0]]), np.array([[2.0]]), np.array([20.0])
    direct = machine.train(W0, X, y, lr=0.001, record=(0, 1), readouts=np.array([2.0]))
    np.testing.assert_allclose(direct.weights.ravel(), [3.0, 0.44], rtol=1e-14)
    np.testing.assert_allclose(direct.readouts.ravel(), [2.0, -0.4], rtol=1e-14)
    np.testing.assert_allclose(direct.loss_train, [1600.0, 20.85888**2], rtol=1e-14)


def test_one_step_of_a_cubic_network_is_the_one_done_by_hand():
    # q = z^3 - 3 z, alpha = 2, eps = 1/2, W0 = 1, x = 2, y = 4: z = 2, q = 2, phi = 2.5, f = 5, r = 1, L = 1,
    # q' = 9, phi' = 1 + 9/4 = 3.25, dL/dW = 2 r alpha phi' x = 2 * 2 * 3.25 * 2 = 26, W = 1 - 0.26 = 0.74;
    # there z = 1.48, q = 3.241792 - 4.44 = -1.198208, phi = 1.48 - 0.299552 = 1.180448, f = 2.360896
    machine = CommitteeMachine(alpha=2.0, eps=0.5, activation=Hermite(3))
    W0, X, y = np.array([[1.0]]), np.array([[2.0]]), np.array([4.0])
    direct = machine.train(W0, X, y, lr=0.01, record=(0, 1))
    np.testing.assert_allclose(direct.weights.ravel(), [1.0, 0.74], rtol=1e-14)
    np.testing.assert_allclose(direct.loss_train, [1.0, 1.639104**2], rtol=1e-14)
