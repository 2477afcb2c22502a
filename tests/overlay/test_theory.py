"""The theory of a log: losses of the right training at the logged steps, averaged as the log averages."""

from __future__ import annotations

import numpy as np
import pytest
from grokode_validate.network import CommitteeMachine

import grokode
from grokode import Bundle, InvalidInput
from grokode.errors import Diverged
from grokode.experiment.compose import composition_of
from grokode.experiment.systems import problem_of
from grokode.overlay.log import TEST, TRAIN, LoggedCurve
from grokode.overlay.theory import Theory, steps_of, theory

D, P, N = 5, 9, 6
STEPS = np.array([0, 1, 2, 7, 30, 111, 250])
DESCENT = {"dim": D, "n_train": P, "width": N, "eps": 0.4, "optimizer": "gradient_descent", "dt": 0.2, "steps": 250}


def arrays(**others):
    rng = np.random.default_rng(3)
    X, X_test = rng.standard_normal((P, D)) / np.sqrt(D), rng.standard_normal((20, D)) / np.sqrt(D)
    beta = rng.standard_normal(D)
    given = {
        "X_train": X, "y_train": (X @ beta) ** 2 / 2, "W0": rng.standard_normal((N, D)), "alpha": 0.7, "eps": 0.4,
        "lr": 0.5, "centered": True, "X_test": X_test, "y_test": (X_test @ beta) ** 2 / 2,
    }  # fmt: skip
    return given | others


def of_bundle(bundle, steps=STEPS, **flags):
    experiment = composition_of(bundle, {"steps": int(steps[-1])} | flags).experiment
    return theory(problem_of(experiment, bundle), experiment, np.asarray(steps), bundle=bundle)


def of_drawn(steps=STEPS, **flags):
    experiment = composition_of(None, DESCENT | flags).experiment
    return theory(problem_of(experiment, None), experiment, np.asarray(steps))


def curve(step, window=0):
    step = np.array(step)
    nothing = np.zeros(len(step))
    windows = np.broadcast_to(window, step.shape)
    return LoggedCurve(step=step, values=nothing + 1, resolution=nothing, window=windows)


# ---- of which training


@pytest.mark.parametrize("centered", [True, False])
def test_a_descent_has_the_losses_of_a_run_of_the_same_bundle(centered):
    bundle = Bundle(**arrays(centered=centered, step=STEPS))
    run, found = grokode.run(bundle), of_bundle(bundle)
    assert np.array_equal(run.step, STEPS)
    # the same map from the same start: only how a loss is summed may differ
    assert found.losses[TRAIN] == pytest.approx(run.loss_train, rel=1e-13)
    assert found.losses[TEST] == pytest.approx(run.loss_test_sample, rel=1e-13)


@pytest.mark.parametrize("centered", [True, False])
def test_a_descent_has_the_losses_of_a_really_trained_network(centered):
    given = arrays(centered=centered)
    machine = CommitteeMachine(alpha=given["alpha"], eps=given["eps"], centered=centered)
    points = {"points": (given["X_test"], given["y_test"])}
    trained = machine.train(
        given["W0"], given["X_train"], given["y_train"], lr=given["lr"], record=STEPS.tolist(), tests=points
    )
    found = of_bundle(Bundle(**given))
    # 250 steps of rounding, of losses that stay above a thousandth of the first one
    assert found.losses[TRAIN] == pytest.approx(trained.loss_train, rel=1e-11)
    assert found.losses[TEST] == pytest.approx(trained.loss_test["points"], rel=1e-11)


def test_a_drawn_experiment_has_the_losses_of_its_run():
    run = grokode.run(**DESCENT, n_test=12, points=15, seed=5)
    found = of_drawn(run.step, n_test=12, seed=5)
    assert found.losses[TRAIN] == pytest.approx(run.loss_train, rel=1e-13)
    assert found.losses[TEST] == pytest.approx(run.loss_test_sample, rel=1e-13)


def test_a_flow_keeps_its_promise_at_the_flow_times_of_the_steps(reference_flow, promised_error):
    experiment = composition_of(None, DESCENT | {"optimizer": "gradient_flow", "seed": 4}).experiment
    problem = problem_of(experiment, None)
    found = theory(problem, experiment, STEPS)
    states = reference_flow(problem.train, problem.start.theta, 0.2 * STEPS)
    for name, risk in ((TRAIN, problem.train), (TEST, problem.tests["exact"])):
        reference = [risk.loss(theta) for theta in states]
        # the promise of the README at the default tolerance
        assert promised_error(found.losses[name], reference, problem.train.mean_square_label) < 3e-3


def test_steps_are_of_the_learning_rate_and_width_that_are_stated():
    slow, fast = of_drawn(dt=None, lr=0.3), of_drawn(dt=0.3 * 1.0**2 / N)
    assert slow.losses[TRAIN] == pytest.approx(fast.losses[TRAIN], rel=1e-13)


# ---- which losses


def test_the_test_loss_is_over_test_points_where_they_are_known_and_else_the_exact_one():
    last = {"steps": 250, "points": 2}
    sampled, exact = of_drawn(n_test=12), of_drawn()
    run = grokode.run(**DESCENT | last, n_test=12)
    assert abs(run.loss_test_exact[-1] / run.loss_test_sample[-1] - 1) > 0.01  # so that they can be told apart
    assert sampled.losses[TEST][-1] == pytest.approx(run.loss_test_sample[-1], rel=1e-13)
    assert exact.losses[TEST][-1] == pytest.approx(run.loss_test_exact[-1], rel=1e-13)


def test_without_test_points_and_target_there_is_no_test_loss():
    found = of_bundle(Bundle(**arrays(X_test=None, y_test=None)))
    assert list(found.losses) == [TRAIN]


# ---- at which steps


@pytest.mark.parametrize("optimizer", ["gradient_descent", "gradient_flow"])
def test_losses_do_not_depend_on_which_other_steps_are_kept(optimizer):
    # a flow is interpolated between its solver's own steps, whose last one ends with the last kept time
    tolerance = 1e-13 if optimizer == "gradient_descent" else 1e-4
    every, some = of_drawn(np.arange(251), optimizer=optimizer), of_drawn(STEPS[3:], optimizer=optimizer)
    assert np.array_equal(some.step, STEPS[3:])
    for name in (TRAIN, TEST):
        assert some.losses[name] == pytest.approx(every.losses[name][STEPS[3:]], rel=tolerance)


def test_progress_ends_with_all_of_it():
    seen = []
    experiment = composition_of(None, DESCENT).experiment
    theory(problem_of(experiment, None), experiment, STEPS, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_a_step_beyond_stability_is_a_divergence():
    with pytest.raises(Diverged, match="gradient_descent diverged by step"):
        of_drawn(dt=50.0)


def test_steps_without_a_size_are_refused():
    experiment = composition_of(None, DESCENT).experiment.model_copy(update={"dt": None})
    with pytest.raises(InvalidInput, match="--lr"):
        theory(problem_of(experiment, None), experiment, STEPS)


# ---- as logged


def test_values_at_steps_are_the_losses_there():
    values = np.random.default_rng(1).random(len(STEPS))
    known = Theory(step=STEPS, losses={TRAIN: values, TEST: values**2})
    logged = curve(STEPS[[1, 3, 6]])
    assert np.array_equal(known.as_logged(TRAIN, logged), values[[1, 3, 6]])
    assert np.array_equal(known.as_logged(TEST, logged), values[[1, 3, 6]] ** 2)


# averages since the last report; with the value at the start before them; over windows that overlap or leave gaps
WINDOWS = [
    ([10, 20, 35, 36], [10, 10, 15, 1]),
    ([0, 10, 20], [0, 10, 10]),
    ([5, 9, 40], [5, 8, 2]),
    ([3, 8, 9, 30], [0, 5, 0, 21]),
]


@pytest.mark.parametrize(("step", "window"), WINDOWS)
def test_an_average_is_the_mean_of_the_losses_after_the_steps_of_its_window(step, window):
    logged = curve(step, window)
    needed = steps_of([logged])
    losses = np.random.default_rng(2).random(100)
    known = Theory(step=needed, losses={TRAIN: losses[needed]})
    expected = [losses[k] if n == 0 else np.mean(losses[k - n : k]) for k, n in zip(step, window, strict=True)]
    assert known.as_logged(TRAIN, logged) == pytest.approx(expected, rel=1e-14)


def test_averages_late_in_a_run_are_not_lost_in_the_sum_of_the_early_losses():
    losses = np.where(np.arange(2000) < 1000, 1.0, 1e-14)
    known = Theory(step=np.arange(2000), losses={TRAIN: losses})
    assert known.as_logged(TRAIN, curve([1000, 1500, 1999], [1000, 500, 499])) == pytest.approx(
        [1, 1e-14, 1e-14], rel=1e-12
    )


def test_an_average_of_a_training_is_the_mean_of_its_losses_step_by_step():
    logged = curve([4, 12, 60], [4, 8, 48])
    one_by_one = of_drawn(np.arange(61)).losses[TEST]
    found = of_drawn(steps_of([logged])).as_logged(TEST, logged)
    expected = [one_by_one[a:b].mean() for a, b in ((0, 4), (4, 12), (12, 60))]
    assert found == pytest.approx(expected, rel=1e-13)


def test_the_steps_of_logs_are_those_that_hold_a_value_and_all_that_an_average_needs():
    assert steps_of([curve([0, 5, 90])]).tolist() == [0, 5, 90]
    assert steps_of([curve([5, 90]), curve([1, 5])]).tolist() == [1, 5, 90]
    assert steps_of([curve([10, 14], [2, 4]), curve([3])]).tolist() == [3, *range(8, 15)]


def test_a_bundles_own_batches_and_momentum_are_followed(tmp_path, rng):
    """A log of a run in batches of an order of its own agrees with the theory of its bundle to rounding."""
    arrays = {
        "X_train": rng.standard_normal((9, 4)), "y_train": rng.standard_normal(9), "W0": rng.standard_normal((5, 4)),
        "alpha": 0.8, "eps": 0.3, "lr": 0.2, "centered": True, "step": [0, 5, 20, 60],
    }  # fmt: skip
    how = {"momentum": 0.6, "weight_decay": 0.01, "batch_order": rng.integers(0, 9, 22), "batch_size": 4}
    bundle = grokode.Bundle(**arrays, **how)
    run = grokode.run(bundle)
    grokode.save(run, tmp_path / "log.npz")
    agreement = grokode.overlay.compare([tmp_path / "log.npz"], bundle).compared[0].agreement
    assert agreement.max_log <= 1e-12
    others = grokode.Bundle(**arrays, **{**how, "batch_order": np.arange(9)})
    assert grokode.overlay.compare([tmp_path / "log.npz"], others).compared[0].agreement.max_log > 1e-3


@pytest.mark.parametrize("optimizer", ["gradient_descent", "gradient_flow"])
def test_learning_rates_of_a_bundle_are_followed_at_its_steps(optimizer):
    rates = np.r_[0.0, np.linspace(0.1, 1.0, 120), np.linspace(1.0, 0.1, 129)]  # the first step is none
    bundle = Bundle(**arrays(lr=rates, step=STEPS))
    run, found = grokode.run(bundle, optimizer=optimizer), of_bundle(bundle, optimizer=optimizer)
    assert found.losses[TRAIN] == pytest.approx(run.loss_train, rel=1e-13 if optimizer == "gradient_descent" else 1e-5)
    assert run.loss_train[1] == run.loss_train[0] > run.loss_train[2]
    assert np.array_equal(run.step, STEPS)
