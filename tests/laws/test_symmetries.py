"""What no choice of optimizer or solver may break."""

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.solvers import SOLVERS
from grokode.model.states.factor import FactorState

WRITTEN = {name: "sgd:batch_size=6" if name == "sgd" else name for name in OPTIMIZERS}
each_optimizer = pytest.mark.parametrize("optimizer", WRITTEN.values(), ids=WRITTEN)
each_of_the_whole_set = pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "sgd"])
each_solver = pytest.mark.parametrize("solver", list(SOLVERS))

D, P, N = 5, 8, 7
IDENTITY, IN_ORDER = np.eye(D), np.arange(P)
UNGUARDED = {"guard": False}  # these are laws of one integration; the guard makes three
RUN = UNGUARDED | {"steps": 40, "points": 15, "rtol": 1e-8}


@pytest.fixture
def bundle(rng):
    """Return a factory of bundles: one experiment, rotated, or with neurons reordered or copied."""
    X, W0, beta = rng.standard_normal((P, D)), rng.standard_normal((N, D)), rng.standard_normal(D)
    y = (X @ beta) ** 2 / 2

    def make(*, rotation=IDENTITY, neurons=None, samples=IN_ORDER, **changes):
        W = W0 if neurons is None else W0[neurons]
        return grokode.Bundle(
            **{
                "X_train": X[samples] @ rotation.T,
                "y_train": y[samples],
                "W0": W @ rotation.T,
                "beta_star": rotation @ beta,
                "covariance": np.eye(D),
                "alpha": 0.8,
                "eps": 0.3,
                "lr": 0.1 * len(W) / 0.8**2,
                "centered": True,
                **changes,
            }
        )

    return make


def assert_same_losses(one, other, rtol):
    for name in ("loss_train", "loss_test_exact"):
        values, reference = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(values, reference, rtol=rtol, atol=rtol * reference[0])


def close(optimizer):
    """Choose a tolerance: amplified rounding for maps, some hundred times 1e-8 for solvers."""
    return 1e-9 if OPTIMIZERS.build(optimizer).steps else 1e-5


@each_optimizer
def test_rotating_inputs_weights_and_target_changes_no_loss(bundle, rng, optimizer):
    rotation = np.linalg.qr(rng.standard_normal((D, D)))[0]
    plain, rotated = (grokode.run(bundle(rotation=R), optimizer=optimizer, **RUN) for R in (np.eye(D), rotation))
    assert_same_losses(rotated, plain, close(optimizer))
    np.testing.assert_allclose(rotated.target_overlap, plain.target_overlap, rtol=close(optimizer))
    np.testing.assert_allclose(rotated.M_eigenvalue_1, plain.M_eigenvalue_1, rtol=close(optimizer))


@each_solver
def test_no_solver_prefers_a_direction(bundle, rng, solver):
    rotation = np.linalg.qr(rng.standard_normal((D, D)))[0]
    plain, rotated = (grokode.run(bundle(rotation=R), solver=solver, **RUN) for R in (np.eye(D), rotation))
    assert_same_losses(rotated, plain, 1e-5)


@each_optimizer
@pytest.mark.parametrize("neurons", [np.arange(N)[::-1], np.repeat(np.arange(N), 3)], ids=["reordered", "tripled"])
def test_reordering_or_copying_neurons_changes_no_loss(bundle, optimizer, neurons):
    plain, changed = (grokode.run(bundle(neurons=k), optimizer=optimizer, **RUN) for k in (None, neurons))
    assert_same_losses(changed, plain, close(optimizer))


@each_of_the_whole_set
def test_reordering_samples_changes_no_loss(bundle, optimizer):
    plain, changed = (
        grokode.run(bundle(samples=k), optimizer=optimizer, **RUN) for k in (np.arange(P), np.arange(P)[::-1])
    )
    assert_same_losses(changed, plain, close(optimizer))


@each_optimizer
def test_a_centered_predictor_scales_with_alpha_at_eps_zero(bundle, optimizer):
    """At eps = 0 a centred predictor does not know alpha, in flow time."""
    runs = [
        grokode.run(bundle(eps=0.0, alpha=alpha, lr=0.1 * N / alpha**2), optimizer=optimizer, **RUN)
        for alpha in (0.5, 50.0)
    ]
    assert_same_losses(*runs, close(optimizer))


@each_optimizer
@pytest.mark.parametrize("width", [1, 2, 3, 40])
def test_M_stays_positive_semidefinite_and_gains_no_rank(optimizer, width):
    """In formulas rank M(t) <= rank [a, V_0]; dim 6 is above the first widths, so some directions must stay empty."""
    run = grokode.run(
        dim=6, n_train=20, width=width, alpha=0.5, eps=0.5, optimizer=optimizer, dt=0.1, steps=300, points=12,
        keep_states=True, **UNGUARDED,
    )  # fmt: skip
    start = run.states[0]
    ceiling = np.linalg.matrix_rank(np.column_stack([start.a, start.V]))
    assert np.linalg.norm(run.states[-1].V - start.V) > 0.1  # it did move
    for state in run.states:
        values = np.linalg.eigvalsh(state.M)
        assert values[0] >= -1e-13 * values[-1]
        assert np.sum(values > 1e-12 * values[-1]) <= ceiling
        np.testing.assert_array_equal(state.a, start.a)


@each_optimizer
def test_rank_may_rise_to_that_of_a_and_the_start(optimizer, rng):
    """W = (w, -w): M begins with rank 1 and ends with 2."""
    w, X = rng.standard_normal(4), rng.standard_normal((6, 4))
    bundle = grokode.Bundle(
        X_train=X, y_train=X[:, 0] ** 2, W0=np.array([w, -w]), alpha=1.0, eps=0.5, lr=0.1, centered=False
    )
    run = grokode.run(bundle, optimizer=optimizer, steps=100, points=5, keep_states=True, **UNGUARDED)
    ranks = [np.linalg.matrix_rank(state.M, tol=1e-9) for state in run.states]
    assert ranks[0] == 1
    assert ranks[-1] == 2


@each_optimizer
def test_every_run_begins_at_its_start(optimizer, make_problem):
    run = grokode.run(
        dim=5, n_train=8, width=7, alpha=0.7, eps=0.3, optimizer=optimizer, dt=0.1, steps=10, points=5,
        keep_states=True, **UNGUARDED,
    )  # fmt: skip
    problem = make_problem()
    assert run.t[0] == 0
    np.testing.assert_array_equal(run.states[0].V, problem.start.V)
    assert run.loss_train[0] == pytest.approx(problem.train.loss(problem.start.V), rel=1e-13)
    assert run.relative_change[0] == 0


@each_of_the_whole_set
def test_small_steps_do_not_raise_the_train_loss(optimizer):
    run = grokode.run(
        dim=5, n_train=8, width=7, alpha=0.7, eps=0.3, optimizer=optimizer, dt=0.01, steps=5000, points=300,
        **UNGUARDED,
    )  # fmt: skip
    assert np.all(np.diff(run.loss_train) <= 1e-12 * run.loss_train[0])
    assert run.loss_train[-1] < 0.01 * run.loss_train[0]


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("n_train", [8, 40, float("inf")])
def test_gradient_flow_never_raises_the_train_loss(alpha, n_train):
    run = grokode.run(dim=5, n_train=n_train, width=7, alpha=alpha, eps=0.4, t_max=1e4, points=300, **UNGUARDED)
    # what the default tolerance leaves near a minimum, where the loss itself is stationary
    assert np.all(np.diff(run.loss_train) <= 1e-6 * run.loss_train[0])


@each_optimizer
def test_a_perfect_start_stays(optimizer, rng):
    """Labels equal to the uncentred predictor: nothing to learn, nothing moves."""
    X, W0 = rng.standard_normal((P, D)), rng.standard_normal((N, D))
    y = FactorState.from_neurons(W0).outputs(grokode.Network(alpha=0.8, eps=0.3), X)
    bundle = grokode.Bundle(X_train=X, y_train=y, W0=W0, alpha=0.8, eps=0.3, lr=1.0, centered=False)
    run = grokode.run(bundle, optimizer=optimizer, steps=200, points=5, **UNGUARDED)
    assert run.relative_change.max() < 1e-12
    assert run.loss_train.max() < 1e-25


def test_the_loss_first_falls_at_the_rate_of_the_squared_force(make_problem, derivative):
    """dL/dt = -alpha^2 |F|^2 along the flow, for finite and infinite data, centred or not."""
    for n_train in (8, float("inf")):
        for centered in (False, True):
            problem = make_problem(n_train=n_train, centered=centered)
            risk, V0 = problem.train, np.array(problem.start.V)
            rate = -(problem.network.alpha**2) * np.sum(risk.force(V0) ** 2)
            assert derivative(risk.loss, V0, risk.force(V0), h=0.1) == pytest.approx(rate, rel=1e-9)
            t = 1e-5
            run = grokode.run(
                dim=5, n_train=n_train, width=7, alpha=0.7, eps=0.3, centered=centered, times=(0.0, t, 2 * t),
                rtol=1e-9, **UNGUARDED,
            )  # fmt: skip
            slope = (-3 * run.loss_train[0] + 4 * run.loss_train[1] - run.loss_train[2]) / (2 * t)
            # the first step's own error, seen through a difference of losses that is 1e-6 of them
            assert slope == pytest.approx(rate, rel=1e-5)
