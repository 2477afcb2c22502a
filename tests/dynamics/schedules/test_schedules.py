"""Learning rates that change: their formulas, and trainings that follow them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.pace import Pace, ScheduledPace
from grokode.dynamics.schedules import SCHEDULES
from grokode.experiment.compose import compose
from grokode.experiment.exporting import export
from grokode.experiment.training import pace_of

SIZES = {"dim": 4, "n_train": 9, "width": 5, "alpha": 0.7, "eps": 0.4, "points": 6}
STEPS = 40
WRITTEN = ["constant:warmup=7", "cosine:steps=30,final=0.1,warmup=5", "step:every=11,gamma=0.3", "cosine:steps=40"]


def factors(text, steps=STEPS):
    return SCHEDULES.build(text).factors(np.arange(steps))


def test_the_formulas_are_those_of_the_loops_that_define_them():
    """A loop over steps, as torch documents its schedulers."""
    K, F, W, every, gamma = 30, 0.1, 5, 11, 0.3
    cosine, step, rate = [], [], 1.0
    for k in range(STEPS):
        cosine.append((k + 1) / W if k < W else F + (1 - F) * (1 + math.cos(math.pi * min(k - W, K) / K)) / 2)
        rate *= gamma if k and k % every == 0 else 1.0
        step.append(rate)
    np.testing.assert_allclose(factors("cosine:steps=30,final=0.1,warmup=5"), cosine, rtol=1e-14)
    np.testing.assert_allclose(factors("step:every=11,gamma=0.3"), step, rtol=1e-14)
    np.testing.assert_array_equal(factors("constant:warmup=4", 6), [0.25, 0.5, 0.75, 1, 1, 1])


def test_flow_time_is_the_sum_of_the_steps():
    pace = ScheduledPace(0.5, 2.0, 0.5 * factors("step:every=11,gamma=0.3"))
    made = [sum(pace.size(i) for i in range(k)) for k in range(STEPS + 1)]
    np.testing.assert_allclose(pace.times(np.arange(STEPS + 1)), made, rtol=1e-14)
    np.testing.assert_allclose(pace.steps(np.array(made)), np.arange(STEPS + 1), rtol=1e-12)
    assert pace.steps(np.array((made[3] + made[4]) / 2)) == pytest.approx(3.5)


EXACT = [name for name in OPTIMIZERS if OPTIMIZERS.load(name).steps]


@pytest.mark.parametrize(
    "optimizer", [*EXACT, "nesterov:weight_decay=0.01,decoupled=true", "heavy_ball:decay_rate=0.1"]
)
def test_equal_factors_are_no_schedule(tmp_path, optimizer):
    """A table of ones, times dt, is dt; halves of 2 dt are dt too."""
    np.save(tmp_path / "half.npy", np.full(STEPS, 0.5))
    how = SIZES | {"optimizer": optimizer, "steps": STEPS}
    plain = grokode.run(**how, dt=0.2)
    halved = grokode.run(**how, dt=0.4, schedule=f"table:path={tmp_path / 'half.npy'}")
    np.testing.assert_allclose(halved.loss_train, plain.loss_train, rtol=1e-12)
    np.testing.assert_array_equal(halved.step, plain.step)
    np.testing.assert_allclose(halved.t, plain.t, rtol=1e-12)


@pytest.mark.parametrize("schedule", WRITTEN)
def test_a_training_written_out_follows_it(rng, schedule):
    """Plain NumPy, torch's SGD with momentum and coupled decay, at the learning rates of a bundle."""
    D, P, N, alpha, eps, mu, wd = 4, 9, 5, 0.8, 0.4, 0.7, 0.02
    X, y, W = rng.standard_normal((P, D)), rng.standard_normal(P), rng.standard_normal((N, D))
    rates, u, found = 0.3 * factors(schedule), 0.0, []
    arrays = {"X_train": X, "y_train": y, "W0": W, "alpha": alpha, "eps": eps, "centered": False, "momentum": mu}
    bundle = grokode.Bundle(**arrays, lr=rates, weight_decay=wd, step=[0, 1, 7, 39, 40])
    run = grokode.run(bundle)
    for k in range(STEPS + 1):
        h = X @ W.T
        r = alpha / N * np.sum(h + eps / 2 * h**2, axis=1) - y
        if k in (0, 1, 7, 39, 40):
            found.append(np.mean(r**2))
        if k < STEPS:
            u = mu * u + 2 / P * alpha / N * ((1 + eps * h) * r[:, None]).T @ X + wd * W
            W = W - rates[k] * u
    np.testing.assert_allclose(run.loss_train, found, rtol=1e-10)
    np.testing.assert_allclose(run.t, np.cumsum([0, *rates])[[0, 1, 7, 39, 40]] * alpha**2 / N, rtol=1e-12)


def test_a_schedule_and_the_same_rates_in_a_bundle_are_one_training():
    how = SIZES | {"optimizer": "heavy_ball:momentum=0.6", "lr": 1.0, "steps": STEPS, "n_test": 3}
    run = grokode.run(**how, schedule=WRITTEN[1])
    again = grokode.run(export(run))
    assert again.experiment.schedule == "given"
    for name in ("step", "t", "loss_train", "loss_test_sample"):
        np.testing.assert_allclose(getattr(again, name), getattr(run, name), rtol=1e-9)


def test_descent_with_small_steps_goes_to_the_flow_at_its_own_time():
    how = SIZES | {"schedule": "cosine:steps=400,final=0.05,warmup=50", "steps": 400, "dt": 0.02}
    descent, flow = (grokode.run(**how, optimizer=name) for name in ("gradient_descent", "gradient_flow"))
    assert flow.t[-1] == pytest.approx(descent.t[-1], rel=1e-12)
    coarse = abs(descent.loss_train[-1] / flow.loss_train[-1] - 1)
    how |= {"schedule": "cosine:steps=800,final=0.05,warmup=100", "steps": 800, "dt": 0.01}
    descent, flow = (grokode.run(**how, optimizer=name) for name in ("gradient_descent", "gradient_flow"))
    assert 0 < abs(descent.loss_train[-1] / flow.loss_train[-1] - 1) < 0.6 * coarse < 0.01


def test_a_run_to_a_time_makes_the_steps_that_reach_it():
    run = grokode.run(**SIZES, optimizer="gradient_descent", dt=0.5, schedule="step:every=100,gamma=0.5", t_max=80.0)
    assert run.step[-1] == 240  # 50 and 25, and 40 steps of an eighth
    assert run.t[-1] == pytest.approx(80.0)


def test_crossings_count_scheduled_steps():
    run = grokode.run(
        **SIZES,
        optimizer="gradient_descent",
        dt=0.5,
        schedule="cosine:steps=3000,final=0.01",
        steps=2000,
        threshold="30%",
    )
    sizes = 0.5 * factors("cosine:steps=3000,final=0.01", 2000)
    step = run.summary["step_train"]
    assert 0 < step < 2000
    assert run.summary["t_train"] == pytest.approx(sizes[:step].sum(), rel=1e-10)


def test_no_linearised_curves_under_a_schedule_but_those_of_the_flow():
    how = SIZES | {"steps": STEPS, "dt": 0.1, "schedule": WRITTEN[0]}
    assert "loss_train_lazy" not in grokode.run(**how, optimizer="gradient_descent").curves
    assert "loss_train_lazy" in grokode.run(**how, optimizer="gradient_flow").curves


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"schedule": "cosin"}, "unknown schedule 'cosin'; did you mean 'cosine'"),
        ({"schedule": "cosine"}, "schedule 'cosine' needs steps: write cosine:steps=..."),
        ({"schedule": "cosine:steps=0"}, "steps of cosine must be at least 1, got 0"),
        ({"schedule": "cosine:steps=9,final=1.5"}, "final must be between 0 and 1"),
        ({"schedule": "step:every=0"}, "every must be at least 1, got 0"),
        ({"schedule": "step:every=3,gamma=0"}, "gamma must be positive and finite, got 0"),
        ({"schedule": "constant:warmup=-1"}, "warmup must be zero or positive, got -1"),
        ({"schedule": "table:path=nowhere.npy"}, "schedule: no file nowhere.npy"),
        ({"schedule": "given"}, "stands for a bundle's lr, one value a step; give --bundle"),
        (
            {"schedule": "cosine:steps=9", "optimizer": "modified_flow"},
            "modified_flow corrects for one step, and the schedule is .*; use --schedule constant",
        ),
        (
            {"schedule": "step:every=10", "t_max": 100.0},
            r"steps of this schedule take t = 5\.5\d*, not 100; give --steps",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(parameters, message):
    with pytest.raises(grokode.InvalidInput, match=message) as refusal:
        grokode.run(**SIZES | {"optimizer": "gradient_descent", "dt": 0.5, "t_max": 5.0} | parameters)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((3, 2)), r"one factor a step, shape \(n,\), got shape \(3, 2\)"),
        (np.array([1.0, -1.0]), "zero or positive, not all 0, got -1 to 1"),
        (np.zeros(3), "zero or positive, not all 0, got 0 to 0"),
        (np.ones(3), "has 3 values, one a step, and step 40 is asked for; add values, or lower --steps"),
    ],
)
def test_a_table_that_does_not_do_is_refused(tmp_path, values, message):
    np.save(tmp_path / "t.npy", values)
    with pytest.raises(grokode.InvalidInput, match=message):
        grokode.run(**SIZES, optimizer="gradient_descent", schedule=f"table:path={tmp_path / 't.npy'}", steps=STEPS)


def test_a_saved_run_needs_its_table_no_more(tmp_path):
    np.save(tmp_path / "t.npy", np.linspace(1, 0, STEPS))
    table = f"table:path={tmp_path / 't.npy'}"
    run = grokode.run(**SIZES, optimizer="gradient_descent", dt=0.5, schedule=table, steps=STEPS)
    grokode.save(run, tmp_path / "run.npz")
    (tmp_path / "t.npy").unlink()
    saved = grokode.load(tmp_path / "run.npz")
    pace, whole = pace_of(saved.experiment, None, saved.files), pace_of(run.experiment, None, run.files)
    assert isinstance(pace, ScheduledPace)
    assert isinstance(whole, ScheduledPace)
    np.testing.assert_array_equal(pace.sizes, whole.sizes)


def test_no_schedule_is_the_plain_pace():
    experiment = grokode.Experiment(**SIZES, optimizer="gradient_descent", dt=0.5, t_max=5.0)
    assert pace_of(experiment) == Pace(0.5, 5 / 0.7**2)


def test_learning_rates_of_a_bundle_are_converted_and_checked(tmp_path, rng):
    arrays = {"X_train": rng.standard_normal((6, 3)), "y_train": np.ones(6), "W0": np.ones((4, 3)), "centered": True}
    rates = np.array([0.0, 0.5, 0.25])
    grokode.bundle.save(tmp_path / "b.npz", **arrays, alpha=1.0, eps=0.3, lr=rates, half=True)
    np.testing.assert_allclose(grokode.bundle.load(tmp_path / "b.npz").lr, rates / 2)
    for wrong in ([0.0, 0.0], [0.1, -0.1], np.ones((2, 2))):
        with pytest.raises(grokode.InvalidInput, match="bundle: lr must be"):
            grokode.Bundle(**arrays, alpha=1.0, eps=0.3, lr=wrong)


def test_a_table_that_ends_before_the_time_says_how_far_it_goes(tmp_path):
    np.save(tmp_path / "t.npy", np.ones(4))
    with pytest.raises(
        grokode.InvalidInput, match=r"the 4 values of .* take t = 2, not 5; add values, or lower --t-max"
    ):
        grokode.run(
            **SIZES, optimizer="gradient_descent", dt=0.5, schedule=f"table:path={tmp_path / 't.npy'}", t_max=5.0
        )


def test_what_trains_is_said(rng):
    run = grokode.run(**SIZES, optimizer="gradient_descent", dt=0.5, schedule="step:every=9", steps=20)
    assert dict(run.rows())["training"] == "gradient_descent, dt up to 0.5, step:every=9"
    arrays = {"X_train": rng.standard_normal((6, 3)), "y_train": np.ones(6), "W0": np.ones((4, 3)), "centered": True}
    bundle = grokode.Bundle(**arrays, alpha=1.0, eps=0.3, lr=np.linspace(0.1, 0.4, 30))
    own = grokode.run(bundle)
    assert dict(own.rows())["training"] == "gradient_descent, lr up to 0.4, one a step"
    assert own.step[-1] == 30  # as many as there are rates
    notes = compose({"lr": 0.2}, bundle=bundle).notes
    assert len(notes) == 1
    assert "--lr 0.2 is the largest of the bundle's lr" in notes[0]


def test_what_blew_up_is_the_largest_step():
    with pytest.raises(
        grokode.RunFailed, match=r"dt 24\.3, the largest of the schedule 'step:every=20,gamma=3', is too"
    ):
        grokode.run(**SIZES, optimizer="gradient_descent", dt=0.1, schedule="step:every=20,gamma=3", steps=101)


def test_a_schedule_is_not_exported_under_another_step():
    run = grokode.run(**SIZES, optimizer="gradient_descent", dt=0.5, schedule="step:every=9", steps=20)
    with pytest.raises(grokode.InvalidInput, match="dt = 0.1 would take the place of the run's schedule"):
        export(run, dt=0.1)
