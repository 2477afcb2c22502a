import dataclasses
import math

import numpy as np
import pytest
from grokode_validate.network import CommitteeMachine, Weights
from grokode_validate.optimizers import TWINS, AdamW, GradientDescent, HeavyBall, Nesterov

STEPS = range(26)
LR = 0.02

with_momentum = pytest.mark.parametrize("optimizer", [HeavyBall, Nesterov])
with_decay = pytest.mark.parametrize("optimizer", [GradientDescent, HeavyBall, Nesterov])


@pytest.fixture
def train():
    """Give a function that trains five neurons and their readouts on seven samples."""
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((7, 3)), rng.standard_normal(7)
    W0, v0 = rng.standard_normal((5, 3)), rng.standard_normal(5)
    machine = CommitteeMachine(alpha=1.3, eps=0.7, trained_readouts=True)

    def run(optimizer, rotation=None):
        turn = np.eye(3) if rotation is None else rotation
        return machine.train(W0 @ turn, X @ turn, y, lr=LR, record=STEPS, optimizer=optimizer, readouts=v0)

    run.gradient = lambda weights: machine.gradient(weights, weights, X, y)
    run.start = Weights(W0, v0)
    return run


def assert_same(one, other, atol):
    assert np.abs(one.weights[-1] - one.weights[0]).max() > 0.1  # it went somewhere
    np.testing.assert_allclose(one.weights, other.weights, rtol=0, atol=atol)
    np.testing.assert_allclose(one.readouts, other.readouts, rtol=0, atol=atol)


# ---- by hand


def two_steps(optimizer):
    """Return w after two steps: one neuron, eps = 0, alpha = x = 1, y = 0, so that L = w^2 and dL/dw = 2 w."""
    machine = CommitteeMachine(alpha=1.0, eps=0.0)
    one, y = np.array([[1.0]]), np.array([0.0])
    return machine.train(one, one, y, lr=0.1, record=(1, 2), optimizer=optimizer).weights.ravel()


BY_HAND = [
    # w = 1 - 0.1 * 2; 0.8 - 0.1 * 1.6
    (GradientDescent(), [0.8, 0.64]),
    # the slope is 2 w + 0.5 w: w = 1 - 0.25; 0.75 - 0.1 * 1.875
    (GradientDescent(weight_decay=0.5), [0.75, 0.5625]),
    # 1 - 0.1 * 0.5 = 0.95: w = 0.95 - 0.2; 0.95 * 0.75 - 0.1 * 1.5
    (GradientDescent(weight_decay=0.5, decoupled=True), [0.75, 0.5625]),
    # u = 2, w = 0.8; u = 1 + 1.6 = 2.6, w = 0.8 - 0.26
    (HeavyBall(momentum=0.5), [0.8, 0.54]),
    # u = 2.5, w = 0.75; u = 1.25 + 2.5 * 0.75 = 3.125, w = 0.75 - 0.3125
    (HeavyBall(momentum=0.5, weight_decay=0.5), [0.75, 0.4375]),
    # u = 2, w = 0.95 - 0.2; u = 1 + 1.5 = 2.5, w = 0.95 * 0.75 - 0.25 = 0.7125 - 0.25
    (HeavyBall(momentum=0.5, weight_decay=0.5, decoupled=True), [0.75, 0.4625]),
    # u = 2, w = 1 - 0.1 (2 + 0.5 * 2) = 0.7; g = 1.4, u = 1 + 1.4 = 2.4, w = 0.7 - 0.1 (1.4 + 1.2)
    (Nesterov(momentum=0.5), [0.7, 0.44]),
    # the slope is 2.5 w: u = 2.5, w = 1 - 0.1 (2.5 + 1.25) = 0.625; slope 1.5625, u = 1.25 + 1.5625 = 2.8125,
    # w = 0.625 - 0.1 (1.5625 + 1.40625) = 0.625 - 0.296875
    (Nesterov(momentum=0.5, weight_decay=0.5), [0.625, 0.328125]),
    # u = 2, w = 0.95 - 0.3 = 0.65; g = 1.3, u = 1 + 1.3 = 2.3, w = 0.95 * 0.65 - 0.1 (1.3 + 1.15) = 0.6175 - 0.245
    (Nesterov(momentum=0.5, weight_decay=0.5, decoupled=True), [0.65, 0.3725]),
    # 1 - 0.1 * 0.1 = 0.99; g = 2: m = 1, m / 0.5 = 2, s = 1, s / 0.25 = 4, w = 0.99 - 0.1 * 2 / (2 + 0.5) = 0.91;
    # g = 1.82: m = 0.5 + 0.91 = 1.41, m / 0.75 = 1.88, s = 0.75 + 0.25 * 3.3124 = 1.5781, over 1 - 0.5625 = 0.4375
    (
        AdamW(beta1=0.5, beta2=0.75, epsilon=0.5, weight_decay=0.1),
        [0.91, 0.99 * 0.91 - 0.1 * 1.88 / (math.sqrt(1.5781 / 0.4375) + 0.5)],
    ),
]


@pytest.mark.parametrize(("optimizer", "by_hand"), BY_HAND, ids=lambda value: repr(value).replace("\n", ""))
def test_two_steps_are_the_ones_done_by_hand(optimizer, by_hand):
    np.testing.assert_allclose(two_steps(optimizer), by_hand, rtol=1e-14)


# ---- momentum


@with_momentum
@pytest.mark.parametrize("decay", [{}, {"weight_decay": 0.3}, {"weight_decay": 0.3, "decoupled": True}])
def test_without_momentum_it_is_descent(train, optimizer, decay):
    assert_same(train(GradientDescent(**decay)), train(optimizer(momentum=0.0, **decay)), atol=0)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_the_points_ahead_of_textbook_nesterov_are_the_iterates(train, weight_decay):
    # the textbook's: v' = mu v - lr slope(w + mu v), w' = w + v', on the loss and the penalty of weight decay (D3)
    mu = 0.8
    run = train(Nesterov(momentum=mu, weight_decay=weight_decay))
    w, v = train.start, Weights(*map(np.zeros_like, train.start))
    ahead = w
    for k in STEPS:
        np.testing.assert_allclose(run.weights[k], ahead.W, rtol=0, atol=1e-13)
        np.testing.assert_allclose(run.readouts[k], ahead.v, rtol=0, atol=1e-13)
        slope = [g + weight_decay * a for g, a in zip(train.gradient(ahead), ahead, strict=True)]
        v = Weights(*(mu * v - LR * g for v, g in zip(v, slope, strict=True)))
        w = Weights(*(w + v for w, v in zip(w, v, strict=True)))
        ahead = Weights(*(w + mu * v for w, v in zip(w, v, strict=True)))
    assert np.abs(ahead.W - w.W).max() > 1e-3  # the point ahead is another


def test_the_two_kinds_of_momentum_part_at_the_first_step(train):
    # heavy ball goes lr g, Nesterov lr (1 + mu) g
    first = [np.diff(train(optimizer(momentum=0.8)).weights[:2], axis=0) for optimizer in (HeavyBall, Nesterov)]
    np.testing.assert_allclose(first[1], 1.8 * first[0], rtol=1e-12)


# ---- weight decay


def test_coupled_and_decoupled_decay_of_descent_are_the_same(train):
    coupled, decoupled = (train(GradientDescent(weight_decay=0.3, decoupled=choice)) for choice in (False, True))
    assert_same(coupled, decoupled, atol=1e-14)
    assert np.abs(coupled.weights - train(GradientDescent()).weights).max() > 0.01


@with_momentum
def test_coupled_and_decoupled_decay_with_momentum_are_not(train, optimizer):
    coupled, decoupled = (train(optimizer(weight_decay=0.3, decoupled=choice)) for choice in (False, True))
    assert np.abs(coupled.weights - decoupled.weights).max() > 0.01


def test_what_coupled_decay_takes_more_in_two_steps_is_as_proved():
    # one step's decay goes on in the memory: mu lr wd w0 = 0.5 * 0.1 * 0.5 (D5)
    coupled, decoupled = (
        two_steps(HeavyBall(momentum=0.5, weight_decay=0.5, decoupled=choice)) for choice in (False, True)
    )
    np.testing.assert_allclose(decoupled - coupled, [0, 0.025], rtol=0, atol=1e-15)


@with_decay
def test_coupled_decay_is_a_penalty_of_the_loss(train, optimizer):
    def penalised(weights):
        return Weights(*(g + 0.3 * w for g, w in zip(train.gradient(weights), weights, strict=True)))

    coupled, plain = optimizer(weight_decay=0.3), optimizer()
    one, other = (train.start, coupled.start(train.start)), (train.start, plain.start(train.start))
    for k in range(10):
        one = coupled.step(one[0], train.gradient, one[1], LR, k)
        other = plain.step(other[0], penalised, other[1], LR, k)
        for part in (0, 1):
            np.testing.assert_allclose(one[0][part], other[0][part], rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", TWINS)
def test_decoupled_decay_only_shrinks_where_a_step_starts_from(train, name):
    decoupled = {} if name == "adamw" else {"decoupled": True}  # it is always so in AdamW
    decaying, plain = TWINS[name](weight_decay=0.3, **decoupled), TWINS[name](weight_decay=0.0)
    memory, weights = plain.start(train.start), train.start
    for k in range(3):
        shrunk, remembered = decaying.step(weights, train.gradient, memory, LR, k)
        moved, memory = plain.step(weights, train.gradient, memory, LR, k)
        for part in (0, 1):
            np.testing.assert_allclose(shrunk[part] - moved[part], -LR * 0.3 * weights[part], rtol=0, atol=1e-15)
        np.testing.assert_equal(remembered, memory)
        weights = moved


# ---- Adam


def test_the_first_step_of_adam_is_the_sign_of_the_gradient_after_decay(train):
    first, slope = train(AdamW()), train.gradient(train.start)
    # g / (|g| + 1e-8) is short of a sign by 1e-8 / |g|
    short = LR * 1e-8 / min(np.abs(part).min() for part in slope)
    for recorded, w, g in zip((first.weights, first.readouts), train.start, slope, strict=True):
        np.testing.assert_allclose(recorded[1], (1 - LR * 0.01) * w - LR * np.sign(g), rtol=0, atol=2 * short)


def test_adam_does_not_see_the_scale_of_the_gradient(train):
    adam = AdamW(epsilon=0.0)
    ends = []
    for scale in (1.0, 1000.0):
        weights, memory = train.start, adam.start(train.start)
        for k in range(10):
            weights, memory = adam.step(
                weights, lambda w, s=scale: Weights(*(s * g for g in train.gradient(w))), memory, LR, k
            )
        ends.append(weights)
    np.testing.assert_allclose(ends[0].W, ends[1].W, rtol=0, atol=1e-13)


# ---- all of them


@pytest.mark.parametrize("name", TWINS)
def test_only_adam_depends_on_the_axes_of_the_inputs(train, name):
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    there, back = train(TWINS[name]()), train(TWINS[name](), rotation).weights @ rotation.T
    if name == "adamw":
        assert np.abs(there.weights - back).max() > 0.01
    else:
        np.testing.assert_allclose(there.weights, back, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", TWINS)
def test_no_step_writes_into_what_it_was_given(train, name):
    optimizer = TWINS[name]()
    before = Weights(*(part.copy() for part in train.start))
    memory = optimizer.start(train.start)
    first = optimizer.step(train.start, train.gradient, memory, LR, 0)
    np.testing.assert_equal(tuple(train.start), tuple(before))
    np.testing.assert_equal(first, optimizer.step(train.start, train.gradient, memory, LR, 0))


def test_the_defaults_are_torchs_and_nothing_decays_unasked():
    defaults = {name: dataclasses.asdict(twin()) for name, twin in TWINS.items()}
    no_decay = {"weight_decay": 0.0, "decoupled": False}
    assert defaults == {
        "gradient_descent": no_decay,
        "heavy_ball": {"momentum": 0.9, **no_decay},
        "nesterov": {"momentum": 0.9, **no_decay},
        "sgd": {"momentum": 0.0, "nesterov": False, **no_decay},
        "adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
    }
