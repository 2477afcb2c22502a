"""Optimizers in steps: batches, memories and decay, each against its own definition written out here."""

import math

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.optimizers.sgd import Given, Shuffled
from grokode.dynamics.pace import Pace
from grokode.dynamics.trajectory import start_of

PACE = Pace(0.1, 3.0)


def iterate(text, risk, steps, pace=PACE):
    """Return V after some steps."""
    map = OPTIMIZERS.build(text).on(risk, pace)
    y = start_of(map, np.array(risk.start.V))
    for k in range(steps):
        y = map.step(k, y)
    return y[0]


@pytest.fixture
def risk(make_problem):
    return make_problem().train


# ---- limits


@pytest.mark.parametrize("text", ["heavy_ball:momentum=0", "nesterov:momentum=0", "sgd:batch_size=8"])
def test_without_momentum_and_with_every_sample_it_is_descent(risk, text):
    """A batch of all eight samples is the whole set in another order."""
    np.testing.assert_allclose(iterate(text, risk, 20), iterate("gradient_descent", risk, 20), rtol=1e-12)


@pytest.mark.parametrize("text", ["heavy_ball:momentum=0.7", "nesterov:momentum=0.7"])
def test_sgd_has_both_kinds_of_momentum(risk, text):
    nesterov = str(text.startswith("nesterov")).lower()
    batches = iterate(f"sgd:batch_size=8,momentum=0.7,nesterov={nesterov}", risk, 20)
    np.testing.assert_allclose(batches, iterate(text, risk, 20), rtol=1e-12)


def test_nesterov_is_the_textbooks_seen_from_the_points_ahead(risk):
    """v <- mu v + dt F(V + mu v), V <- V + v: the iterates here are V + mu v (D3)."""
    mu, V, v = 0.8, np.array(risk.start.V), np.zeros_like(risk.start.V)
    for _ in range(15):
        v = mu * v + PACE.dt * risk.force(V + mu * v)
        V = V + v
    np.testing.assert_allclose(iterate("nesterov:momentum=0.8", risk, 15), V + mu * v, rtol=1e-12)


@pytest.mark.parametrize("name", ["gradient_descent", "heavy_ball", "nesterov", "sgd"])
def test_both_units_of_weight_decay_are_the_same_map(risk, name):
    one, other = iterate(f"{name}:weight_decay=0.02", risk, 20), iterate(f"{name}:decay_rate=0.06", risk, 20)
    np.testing.assert_allclose(one, other, rtol=1e-12)
    assert np.linalg.norm(one - iterate(name, risk, 20)) > 1e-3 * np.linalg.norm(one)


@pytest.mark.parametrize("name", ["heavy_ball", "nesterov"])
def test_decoupled_decay_shrinks_and_coupled_decay_is_remembered(make_problem, name):
    """Where no force is, at eps 0 and zero residual: decoupled is (1 - dt rate)^k, coupled is faster, by 1/(1 - mu)."""
    start = grokode.FactorState.from_neurons(np.ones((3, 2)))
    data = grokode.Data(np.zeros((1, 2)), np.zeros(1))
    risk = make_problem().train.__class__(grokode.Network(alpha=1.0, eps=0.0), start, data)
    left = {}
    for decoupled in ("true", "false"):
        V = iterate(f"{name}:momentum=0.5,decay_rate=0.1,decoupled={decoupled}", risk, 200)
        left[decoupled] = float(np.linalg.norm(V) / np.linalg.norm(start.V))
    assert left["true"] == pytest.approx((1 - 0.1 * 0.1) ** 200, rel=1e-12)
    assert math.log(left["false"]) == pytest.approx(2 * math.log(left["true"]), rel=0.03)  # steps of 2 per cent


@pytest.mark.parametrize("name", ["gradient_flow", "gradient_descent"])
def test_decay_alone_ends_at_zero_weights(name):
    """No input has a third coordinate, nor a force: weights there shrink by e^(-rate t), or 1 - dt rate a step."""
    X = np.random.default_rng(0).standard_normal((6, 3)) * [1, 1, 0]
    bundle = grokode.Bundle(
        X_train=X, y_train=np.ones(6), W0=np.ones((4, 3)), alpha=1.0, eps=0.1, lr=0.4, centered=False
    )
    run = grokode.run(bundle, optimizer=f"{name}:decay_rate=0.01", t_max=100.0, points=3, keep_states=True)
    expected = math.exp(-2) if name == "gradient_flow" else (1 - 0.01 * 0.1) ** (2 * 1000)
    # the flow's solver is asked for 1e-6 a step, of some dozens
    assert run.states[-1].M[2, 2] == pytest.approx(expected, rel=1e-4)


def test_a_decaying_flow_is_where_decaying_descent_goes():
    setup = {"dim": 5, "n_train": 8, "width": 7, "alpha": 0.7, "eps": 0.3, "times": (0.5, 2.0, 8.0)}
    flow = grokode.run(**setup, optimizer="gradient_flow:decay_rate=0.2", rtol=1e-9)
    gaps = [
        np.abs(
            grokode.run(**setup, optimizer="gradient_descent:decay_rate=0.2", dt=dt).loss_test_exact
            - flow.loss_test_exact
        )
        for dt in (0.004, 0.002)
    ]
    np.testing.assert_allclose(np.log2(gaps[0] / gaps[1]), 1, atol=0.05)
    assert "loss_train_lazy" not in flow.curves


def test_momentum_moves_linear_modes_as_its_closed_form_says():
    run = grokode.run(
        dim=6, n_train=5, width=5, alpha=0.7, eps=0.0, optimizer="heavy_ball:momentum=0.9", dt=0.2, steps=300, points=30
    )
    np.testing.assert_allclose(run.loss_train_lazy, run.loss_train, rtol=1e-8, atol=1e-13 * run.loss_train[0])


# ---- batches


def test_an_epoch_sees_every_sample_once_and_the_next_in_another_order():
    order = Shuffled(n_train=12, batch_size=4, seed=3)
    epochs = [np.concatenate([order.rows(3 * epoch + k) for k in range(3)]) for epoch in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(12))
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], np.concatenate([Shuffled(12, 4, 4).rows(k) for k in range(3)]))


def test_what_does_not_fill_a_batch_is_left_out_of_its_epoch():
    order = Shuffled(n_train=11, batch_size=4, seed=0)
    assert len(set(np.concatenate([order.rows(0), order.rows(1)]))) == 8
    assert len(order.rows(2)) == 4


def test_an_order_is_a_function_of_the_step_alone():
    one, other = Shuffled(20, 3, 1), Shuffled(20, 3, 1)
    later = [one.rows(k).tolist() for k in (40, 2, 17, 2)]
    assert later == [other.rows(k).tolist() for k in (40, 2, 17, 2)]
    assert later[1] == later[3]


def test_a_given_order_begins_again_at_its_end():
    order = Given(np.array([4, 3, 2, 1, 0]), 2)
    assert [order.rows(k).tolist() for k in range(4)] == [[4, 3], [2, 1], [0, 4], [3, 2]]


def test_the_force_of_a_batch_is_that_of_its_samples_alone(make_problem):
    problem = make_problem(alpha=3.0, centered=False)
    risk, rows = problem.train, np.array([5, 1, 6])
    alone = risk.__class__(problem.network, problem.start, grokode.Data(risk.data.X[rows], risk.data.y[rows]))
    theta = problem.start.V + 0.1
    np.testing.assert_allclose(risk.force_on(theta, rows), alone.force(theta), rtol=1e-13)


# ---- a user's run


@pytest.mark.parametrize(
    ("stated", "optimizer"),
    [
        ({}, "gradient_descent"),
        ({"momentum": 0.9}, "heavy_ball:momentum=0.9"),
        ({"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, "nesterov:momentum=0.9,weight_decay=0.01"),
        ({"weight_decay": 0.01}, "gradient_descent:weight_decay=0.01"),
        ({"nesterov": False}, ""),
        ({"momentum": 0.9, "nesterov": False, "decoupled": False}, "heavy_ball:momentum=0.9"),
        ({"momentum": 0.0}, "heavy_ball:momentum=0.0"),
        ({"batch_order": [0, 1, 2, 3], "batch_size": 2}, "sgd:batch_size=2"),
        (
            {
                "batch_order": [0, 1],
                "batch_size": 2,
                "momentum": 0.5,
                "nesterov": True,
                "weight_decay": 0.1,
                "decoupled": True,
            },
            "sgd:batch_size=2,momentum=0.5,nesterov=true,weight_decay=0.1,decoupled=true",
        ),
    ],
)
def test_a_bundle_says_how_it_was_trained(tmp_path, rng, stated, optimizer):
    arrays = {
        "X_train": rng.standard_normal((6, 3)), "y_train": rng.standard_normal(6), "W0": rng.standard_normal((4, 3)),
        "alpha": 1.0, "eps": 0.3, "lr": 0.2, "centered": True,
    }  # fmt: skip
    grokode.bundle.save(tmp_path / "b.npz", **arrays, **stated)
    run = grokode.run(grokode.bundle.load(tmp_path / "b.npz"), steps=5, points=3)
    assert run.experiment.optimizer == (optimizer or "gradient_descent")


def test_a_batch_size_that_contradicts_a_bundles_order_is_refused(rng):
    arrays = {"X_train": rng.standard_normal((6, 3)), "y_train": rng.standard_normal(6), "W0": np.ones((4, 3))}
    bundle = grokode.Bundle(
        **arrays, alpha=1.0, eps=0.3, lr=0.2, centered=True, batch_order=[0, 1, 2, 3, 4, 5], batch_size=3
    )
    with pytest.raises(grokode.InvalidInput, match="batch_size = 2 contradicts the bundle's order, .* batches of 3"):
        grokode.run(bundle, optimizer="sgd:batch_size=2", steps=5, points=2)
    stated, plain = (grokode.run(bundle, optimizer=name, steps=5, points=2) for name in ("sgd:batch_size=3", "sgd"))
    np.testing.assert_array_equal(stated.loss_train, plain.loss_train)  # the order's own size, unless it is said


def test_a_users_own_batches_with_momentum_and_decay_are_followed_exactly(rng):
    """torch's SGD, written out: u <- mu u + g + wd w, w <- w - lr (g + wd w + mu u), on a list of indices."""
    D, P, N, alpha, eps, lr, mu, wd, B = 4, 9, 5, 0.8, 0.4, 0.3, 0.7, 0.02, 4
    X, y, W = rng.standard_normal((P, D)), rng.standard_normal(P), rng.standard_normal((N, D))
    order, X_test = rng.integers(0, P, 27), rng.standard_normal((7, D))
    bundle = grokode.Bundle(
        X_train=X, y_train=y, W0=W, alpha=alpha, eps=eps, lr=lr, centered=False, momentum=mu, nesterov=True,
        weight_decay=wd, batch_order=order, batch_size=B, X_test=X_test, y_test=np.ones(7), step=[0, 1, 7, 100],
    )  # fmt: skip
    run, found, u = grokode.run(bundle), [], np.zeros_like(W)

    def f(W, X):
        h = X @ W.T
        return alpha / N * np.sum(h + eps / 2 * h**2, axis=1)

    for k in range(101):
        if k in (0, 1, 7, 100):
            found.append((np.mean((f(W, X) - y) ** 2), np.mean((f(W, X_test) - 1) ** 2)))
        rows = order[(k * B + np.arange(B)) % len(order)]
        h, r = X[rows] @ W.T, f(W, X[rows]) - y[rows]
        g = 2 / B * alpha / N * ((1 + eps * h) * r[:, None]).T @ X[rows] + wd * W
        u = mu * u + g
        W = W - lr * (g + mu * u)
    np.testing.assert_allclose(np.stack([run.loss_train, run.loss_test_sample], axis=1), found, rtol=1e-9)


def test_a_training_in_another_convention_is_followed_with_its_decay_and_batches(tmp_path, rng):
    """The loss is half the sum over the batch, of a network over sqrt(N); lr and decay are for that."""
    D, P, N, alpha, eps, lr, mu, wd, B = 4, 8, 5, 0.8, 0.4, 0.02, 0.5, 0.3, 4
    X, y, W = rng.standard_normal((P, D)), rng.standard_normal(P), rng.standard_normal((N, D))
    order, start, u = np.arange(P)[::-1], W.copy(), np.zeros_like(W)

    def f(W, X):
        h = X @ W.T
        return alpha / np.sqrt(N) * np.sum(h + eps / 2 * h**2, axis=1)

    for k in range(40):
        rows = order[(k * B + np.arange(B)) % P]
        h, r = X[rows] @ W.T, f(W, X[rows]) - y[rows]
        u = mu * u + alpha / np.sqrt(N) * ((1 + eps * h) * r[:, None]).T @ X[rows] + wd * W
        W = W - lr * u
    grokode.bundle.save(
        tmp_path / "b.npz", X_train=X, y_train=y, W0=start, alpha=alpha, eps=eps, lr=lr, centered=False, momentum=mu,
        weight_decay=wd, batch_order=order, batch_size=B, loss="sum", half=True, output_scale="1/sqrt(N)",
    )  # fmt: skip
    run = grokode.run(grokode.bundle.load(tmp_path / "b.npz"), steps=40, points=2)
    assert run.loss_train[-1] == pytest.approx(np.mean((f(W, X) - y) ** 2), rel=1e-10)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1, got 1"),
        ({"weight_decay": -1.0}, "weight_decay must be zero or positive, got -1"),
        ({"nesterov": True}, "nesterov needs a momentum above 0, got 0"),
        ({"nesterov": 2}, "nesterov must be true or false, got 2"),
        ({"batch_size": 2}, "batch_order is missing"),
        ({"batch_order": [0, 1]}, "batch_size is missing"),
        ({"batch_order": [0, 6], "batch_size": 1}, "indices from 0 to 5, got 0 to 6"),
        ({"batch_order": [0.5, 1], "batch_size": 1}, "batch_order must be whole numbers"),
        ({"batch_order": [0, 1], "batch_size": 0}, "batch_size must be a whole number, at least 1, got 0"),
    ],
)
def test_a_bundle_that_cannot_be_is_refused(rng, stated, message):
    arrays = {"X_train": rng.standard_normal((6, 3)), "y_train": rng.standard_normal(6), "W0": np.ones((4, 3))}
    with pytest.raises(grokode.InvalidInput, match=message):
        grokode.Bundle(**arrays, alpha=1.0, eps=0.3, lr=0.2, centered=True, **stated)


# ---- words


def test_a_momentum_that_diverges_is_not_told_the_stable_step_of_descent():
    with pytest.raises(grokode.RunFailed, match=r"dt 5 is too large; lower --dt"):
        grokode.run(dim=5, n_train=20, width=4, optimizer="heavy_ball", dt=5.0, steps=1000)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"optimizer": "adam"}, "'adam' cannot be had: each coordinate"),
        (
            {"momentum": 0.9},
            "'gradient_flow' has no momentum, got 0.9; these have: momentum_flow, heavy_ball, nesterov, sgd",
        ),
        ({"weight_decay": 0.1}, "'gradient_flow' has no weight_decay, .*it has decay_rate, a unit of flow time"),
        (
            {"optimizer": "gradient_descent", "weight_decay": 0.1, "width": math.inf},
            "weight_decay = 0.1 has no meaning at infinite width; give decay_rate",
        ),
        (
            {"optimizer": "heavy_ball", "decay_rate": 1.0, "weight_decay": 0.1},
            "weight_decay = 0.1 and decay_rate = 1.0 say the same thing",
        ),
        ({"optimizer": "heavy_ball:momentum=-0.1"}, "momentum must be at least 0"),
        ({"optimizer": "sgd", "batch_size": 21}, "batch_size = 21 is more than the 20 training samples"),
        ({"optimizer": "sgd:batch_size=0"}, "batch_size must be at least 1, got 0"),
        ({"optimizer": "sgd:nesterov=true"}, "sgd with nesterov=true needs a momentum above 0"),
        ({"optimizer": "sgd:seed=-1"}, "seed of batches must be zero or positive"),
        ({"optimizer": "sgd", "n_train": math.inf}, "sgd takes batches of a finite training set"),
        ({"optimizer": "heavy_ball:decoupled=perhaps"}, "must be true or false, got 'perhaps'"),
        ({"decay_rate": -1.0}, "decay_rate must be zero or positive"),
        (
            {"optimizer": "nesterov", "decoupled": True},
            "decoupled says how weights decay, and they do not; give weight_",
        ),
        (
            {"optimizer": "sgd:batch_size=3", "batch_size": 5},
            "batch_size = 5 and sgd:batch_size=3 set the same parameter; keep one",
        ),
        ({"optimizer": "heavy_ball:momentum"}, "'momentum' is not field=value; write heavy_ball:momentum=..."),
        (
            {"optimizer": "heavy_ball:"},
            "'heavy_ball:' ends with its colon; write heavy_ball:weight_decay=..., or leave",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(parameters, message):
    with pytest.raises(grokode.InvalidInput, match=message) as refusal:
        grokode.run(**{"dim": 5, "n_train": 20, "width": 4, "t_max": 1.0} | parameters)
    assert "\n" not in str(refusal.value)


def test_shorthands_set_fields_of_the_optimizer_in_force():
    stated = grokode.Experiment(
        dim=5, n_train=20, width=4, optimizer="sgd:batch_size=3,momentum=0.2,decay_rate=0.1", dt=0.5, steps=3, points=2
    )
    run = grokode.run(stated, momentum=0.5, batch_size=5, decoupled=True, weight_decay=1e-3)
    assert run.experiment.optimizer == "sgd:momentum=0.5,weight_decay=0.001,decoupled=true,batch_size=5"
