"""Logs beside the theory: the numbers of their agreement, means over draws, and conventions that would explain it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from grokode_validate.network import CommitteeMachine

import grokode
from grokode.errors import Diverged, InvalidInput
from grokode.overlay import Log, LoggedCurve, compare
from grokode.overlay.agreement import Measured, drop_shift, measure, pooled
from grokode.overlay.compared import shared_curves
from grokode.overlay.draws import drawn_theories

D, P, N, STEPS = 6, 20, 5, 300


def measured(values, resolution=0.0, step=None):
    values = np.array(values, dtype=float)
    low, high = np.maximum(values - resolution, 0), values + resolution
    return Measured(step=np.arange(len(values)) if step is None else np.array(step), values=values, low=low, high=high)


def curve(step, values, resolution=0.0, window=0):
    step = np.array(step)
    full = np.broadcast_to(resolution, step.shape)
    return LoggedCurve(step=step, values=np.array(values), resolution=full, window=np.full(len(step), window))


def log_of(name="log", **curves):
    return Log(name=name, origin="test", curves=curves)


# ---- the numbers


def test_deviations_are_of_log_loss_on_the_logged_steps():
    found = measure(measured([2.0, 1.0, 0.5], step=[0, 10, 40]), np.array([2.0, math.e, 0.5]), 2.0)
    assert (found.points, found.left_out, found.step) == (3, 0, 10)
    assert found.max_log == pytest.approx(1.0, rel=1e-15)
    assert found.rms_log == pytest.approx(1 / math.sqrt(3), rel=1e-15)
    assert found.max_log_beyond_resolution == found.max_log
    assert found.resolution_log == 0
    assert found.max_standard_errors is None


def test_points_count_while_either_curve_is_above_its_floor():
    data, theory = [1.0, 1e-12, 1e-12, 1e-9], np.array([1.0, 1e-13, 1e-9, 1e-13])
    found = measure(measured(data), theory, 1.0)
    assert found.points == 3  # at step 1 both are below 1e-10 of the start
    assert found.step == 3
    assert found.max_log == pytest.approx(math.log(1e4), rel=1e-12)
    assert measure(measured(data[:2]), theory[:2], 1.0).max_log == 0


def test_beyond_resolution_is_the_distance_to_what_the_log_leaves_open():
    found = measure(measured([0.010, 0.010, 0.010], 0.002), np.array([0.011, 0.015, 0.002]), 1.0)
    assert found.resolution_log == pytest.approx(0.2, rel=1e-12)
    assert found.max_log == pytest.approx(math.log(5), rel=1e-12)
    assert found.max_log_beyond_resolution == pytest.approx(math.log(0.008 / 0.002), rel=1e-12)
    assert measure(measured([0.010], 0.002), np.array([0.015]), 1.0).max_log_beyond_resolution == pytest.approx(
        math.log(15 / 12), rel=1e-12
    )
    assert measure(measured([0.010], 0.002), np.array([0.0119]), 1.0).max_log_beyond_resolution == 0


def test_a_value_no_larger_than_its_resolution_is_left_out_but_still_an_upper_bound():
    data = measured([1.0, 0.0, 0.00005], 0.00005)
    agrees = measure(data, np.array([1.0, 3e-5, 9e-5]), 1.0)
    assert (agrees.points, agrees.left_out, agrees.max_log_beyond_resolution) == (1, 2, 0)
    above = measure(data, np.array([1.0, 1e-3, 1e-4]), 1.0)
    assert above.max_log_beyond_resolution == pytest.approx(math.log(1e-3 / 5e-5), rel=1e-12)
    assert above.max_log == 0


def test_a_loss_logged_as_nothing_is_far_from_one_that_is_something():
    found = measure(measured([1.0, 0.0]), np.array([1.0, 0.5]), 1.0)
    assert math.isfinite(found.max_log_beyond_resolution)
    assert found.max_log_beyond_resolution > 100
    nothing = measure(measured([0.0]), np.array([0.5]), 1.0)
    assert (nothing.max_log, nothing.rms_log, nothing.step, nothing.points) == (None, None, None, 0)


def test_pooling_keeps_the_worst_and_the_mean_square_over_all_points():
    one = measure(measured([1.0, 1.0]), np.exp([0.1, -0.3]), 1.0)
    other = measure(measured([1.0], 1e-3), np.exp([0.2]), 1.0)
    empty = measure(measured([0.0], 1e-3), np.array([0.5]), 1.0)
    both = pooled([one, other, empty])
    assert both.max_log == pytest.approx(0.3, rel=1e-12)
    assert (both.step, both.points, both.left_out) == (1, 3, 1)
    assert both.rms_log == pytest.approx(math.sqrt((0.01 + 0.09 + 0.04) / 3), rel=1e-12)
    assert both.resolution_log == pytest.approx(1e-3, rel=1e-12)
    assert both.max_log_beyond_resolution == empty.max_log_beyond_resolution > 5
    assert pooled([one]) == one


def test_pooling_loses_nothing_where_no_log_can_be_compared():
    unread = measure(measured([0.0], 1.0), np.array([0.5]), 1.0)
    beyond = measure(measured([0.0, 0.0], 1.0), np.full(2, math.exp(6.0)), 1.0)
    assert unread.max_log_beyond_resolution == 0
    for order in ([unread, beyond], [beyond, unread]):
        both = pooled(order)
        assert both.max_log_beyond_resolution == pytest.approx(6.0, rel=1e-12)
        assert (both.points, both.left_out) == (0, 3)
        assert (both.max_log, both.rms_log, both.step, both.resolution_log, both.max_standard_errors) == (None,) * 5


def test_pooling_takes_the_largest_number_of_standard_errors_not_that_of_the_largest_deviation():
    far = measure(measured([1.0]), np.exp([0.4]), 1.0, np.array([0.4]))
    sure = measure(measured([1.0]), np.exp([0.1]), 1.0, np.array([0.02]))
    for order in ([far, sure], [sure, far]):
        both = pooled(order)
        assert both.max_log == pytest.approx(0.4, rel=1e-12)
        assert both.max_standard_errors == pytest.approx(5.0, rel=1e-12)


# ---- the drop of the test loss


def test_a_curve_that_runs_slower_by_a_factor_is_shifted_by_its_logarithm():
    t = np.geomspace(1, 1e4, 400)

    def loss(t):
        return 1e-3 + 1 / (1 + (t / 50) ** 2)

    # log-log interpolation between 400 points is good to their spacing squared
    assert drop_shift(t, loss(t / 3), loss(t)) == pytest.approx(math.log(3), abs=1e-3)
    assert drop_shift(t, loss(t), loss(t)) == 0


def test_the_drop_is_after_the_peak_and_interpolated_in_both_logarithms():
    t, data = np.array([0.0, 1.0, 10.0, 100.0]), np.array([0.1, 1.0, 1.0, 0.01])
    # both fall to 0.1, the geometric mean of 1 and 0.01: data half-way from 10 to 100 in log time, theory at 10
    shift = drop_shift(t, data, np.array([0.5, 1.0, 0.1, 0.01]))
    assert shift == pytest.approx(math.log(10) / 2, rel=1e-12)


def test_a_drop_that_begins_at_the_start_is_interpolated_in_time():
    t, data = np.array([0.0, 10.0]), np.array([1.0, 0.01])
    assert drop_shift(t, data, np.array([1.0, 0.001])) == pytest.approx(math.log(0.5 / (1 / 3)), rel=1e-12)


@pytest.mark.parametrize(
    ("data", "theory"),
    [
        ([1.0, 0.9, 0.6], [1.0, 0.9, 0.1]),
        ([0.1, 0.5, 1.0], [1.0, 0.9, 0.1]),
        ([1.0, 0.5, 0.1], [1.0, 0.9, 0.8]),
        ([], []),
    ],
    ids=["less than a factor 2", "rising", "no drop in theory", "nothing"],
)
def test_without_a_drop_there_is_no_shift(data, theory):
    assert drop_shift(np.arange(len(data)) * 1.0, np.array(data), np.array(theory)) is None


# ---- a real network, from the definition


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(8)
    X, X_test = rng.standard_normal((P, D)) / np.sqrt(D), rng.standard_normal((30, D)) / np.sqrt(D)
    beta = rng.standard_normal(D)
    return {
        "X_train": X, "y_train": (X @ beta) ** 2 / 2, "W0": rng.standard_normal((N, D)), "alpha": 1.3, "eps": 0.3,
        "lr": 2.0, "centered": True, "X_test": X_test, "y_test": (X_test @ beta) ** 2 / 2,
    }  # fmt: skip


def trained(arrays):
    """Return the losses of real training after 0, 1, ... steps."""
    machine = CommitteeMachine(alpha=arrays["alpha"], eps=arrays["eps"], centered=arrays["centered"])
    training = machine.train(
        arrays["W0"], arrays["X_train"], arrays["y_train"], lr=arrays["lr"], record=range(STEPS + 1),
        tests={"test": (arrays["X_test"], arrays["y_test"])},
    )  # fmt: skip
    return {"loss_train": training.loss_train, "loss_test": training.loss_test["test"]}


@pytest.fixture(scope="module")
def losses(arrays):
    return trained(arrays)


LOGGED = np.unique(np.r_[0:20, np.geomspace(20, STEPS, 40).astype(int)])


@pytest.fixture(scope="module")
def log(losses):
    return log_of("real", **{name: curve(LOGGED, values[LOGGED]) for name, values in losses.items()})


@pytest.fixture(scope="module")
def bundle(arrays):
    return grokode.Bundle(**arrays)


EXACT = 1e-9
"""What an exact map promises; three hundred steps of rounding stay far below."""


def largest(overlay):
    return max(found.max_log for found in overlay.agreement.values())


def test_a_real_network_agrees_without_a_free_parameter(log, bundle):
    overlay = compare(log, bundle)
    assert largest(overlay) < EXACT
    assert [found.points for found in overlay.agreement.values()] == [len(LOGGED)] * 2
    assert abs(overlay.drop_shift) < EXACT
    assert overlay.status == "done"
    assert overlay.notes == []
    assert overlay.experiments[0].steps == STEPS


def test_residuals_are_in_units_of_the_data_and_absent_where_nothing_is_compared(losses, bundle):
    """With the resolution of the log in the same units."""
    steps, values = [0, 10, 20], 1.25 * losses["loss_train"][[0, 10, 20]]
    logged = LoggedCurve(
        step=np.array(steps), values=values, resolution=values * [0.1, 0.01, 1.0], window=np.zeros(3, dtype=int)
    )
    one = compare(log_of(loss_train=logged), bundle).compared[0]
    np.testing.assert_allclose(one.residual, [0.2, 0.2, np.nan], rtol=1e-12)
    np.testing.assert_allclose(one.resolution, [0.1, 0.01, np.nan], rtol=1e-12)
    np.testing.assert_allclose(one.t, np.array(steps) * 2.0 * 1.3**2 / N, rtol=1e-15)


def test_each_log_meets_its_own_bundle_in_order(log, bundle, arrays):
    rng = np.random.default_rng(6)
    other = arrays | {"W0": rng.standard_normal((N, D)), "lr": 1.0}
    second = log_of("real", **{name: curve(LOGGED, values[LOGGED]) for name, values in trained(other).items()})
    bundles = [bundle, grokode.Bundle(**other)]
    overlay = compare([log, second], bundles)
    assert largest(overlay) < EXACT
    assert [one.log for one in overlay.compared] == ["real (1)"] * 2 + ["real (2)"] * 2  # one name is not enough
    assert largest(compare([second, log], bundles)) > 0.1
    with pytest.raises(InvalidInput, match=r"2 bundles beside 3 logs.*in order"):
        compare([log, second, log], bundles)
    # of two logs beside one bundle one agrees, and each is compared by itself
    mixed = compare([log, second], bundle)
    assert [one.agreement.max_log < EXACT for one in mixed.compared] == [True, True, False, False]
    assert mixed.worst.log == "real (2)"
    assert mixed.agreement["loss_train"].points == 2 * len(LOGGED)


def test_means_over_steps_are_compared_with_means(losses, bundle):
    """As a trainer reports: after steps 10, 20, ... the mean of the ten losses before each."""
    ends = np.arange(10, STEPS + 1, 10)
    means = losses["loss_train"][:STEPS].reshape(-1, 10).mean(axis=1)
    averaged = log_of(loss_train=curve(ends, means, window=10), loss_test=curve(ends, losses["loss_test"][ends]))
    overlay = compare(averaged, bundle)
    assert largest(overlay) < EXACT
    assert largest(compare(log_of(loss_train=curve(ends, means)), bundle)) > 0.01


def test_a_rounded_log_agrees_within_its_resolution_and_a_wrong_one_does_not(losses, bundle):
    rounded = log_of(**{name: curve(LOGGED, np.round(v[LOGGED], 3), 0.0005) for name, v in losses.items()})
    overlay = compare(rounded, bundle, tolerance=1e-6)
    assert overlay.status == "agrees"
    assert largest(overlay) > 1e-3
    assert "within its resolution" in overlay.headline
    assert "left out" not in overlay.rows()[0]
    assert compare(rounded, bundle, tolerance=1e-6, lr=2.02).status == "beyond_tolerance"


def test_logs_of_another_multiple_of_the_mean_square_are_divided_by_it(losses, bundle, arrays):
    half = log_of(**{name: curve(LOGGED, v[LOGGED] / 2, 1e-3) for name, v in losses.items()})
    overlay = compare(half, bundle, loss_scale=0.5)
    assert largest(overlay) < EXACT
    np.testing.assert_array_equal(overlay.logs[0].curves["loss_train"].resolution, 2e-3)
    stating = grokode.Bundle(**arrays, loss_scale_train=0.5)
    found = compare(half, stating).agreement
    assert found["loss_train"].max_log < EXACT
    assert found["loss_test"].max_log == pytest.approx(math.log(2), rel=EXACT)  # the bundle speaks of train alone
    with pytest.raises(InvalidInput, match="loss scale 0.5 is given beside a bundle that states its own"):
        compare(half, stating, loss_scale=0.5)


def test_a_loss_that_the_theory_does_not_have_is_named_and_not_compared(log, arrays):
    no_test = grokode.Bundle(**{name: value for name, value in arrays.items() if "test" not in name})
    overlay = compare(log, no_test)
    assert list(overlay.agreement) == ["loss_train"]
    assert [line for line in overlay.notes if "test loss is not compared" in line and "X_test" in line] == overlay.notes
    assert overlay.drop_shift is None
    with pytest.raises(InvalidInput, match="test loss is not compared"):
        compare(log_of(loss_test=log.curves["loss_test"]), no_test)


def test_nothing_above_its_resolution_is_refused(bundle):
    with pytest.raises(InvalidInput, match="no logged value is above"):
        compare(log_of(loss_train=curve([0, 10], [0.1, 0.0], 1.0)), bundle)


def test_a_step_that_is_too_long_says_which_learning_rate_was_taken(log, bundle):
    with pytest.raises(Diverged, match=r"lr 200 that of the mean squared residual.*grokode convention"):
        compare(log, bundle, lr=200.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"draws": 5}, "would draw what the bundle gives"),
        ({"tolerance": -1.0}, "tolerance must be zero or positive"),
        ({"tolerance": math.nan}, "tolerance must be zero or positive"),
        ({"loss_scale": 0.0}, "loss scale must be positive"),
        ({"fit": "beta"}, "cannot fit 'beta'"),
        ({"width": 4}, "contradicts the bundle"),
        ({"step": 4}, "unknown parameter 'step'"),
    ],
)
def test_what_has_no_meaning_is_refused(log, bundle, changes, said):
    with pytest.raises(InvalidInput, match=said):
        compare(log, bundle, **changes)
    with pytest.raises(InvalidInput, match="no log to compare"):
        compare([], bundle)


def test_the_object_of_json_is_strict_and_whole(log, bundle):
    record = json.loads(json.dumps(compare([log, log], bundle, tolerance=1e-6).to_dict(), allow_nan=False))
    assert record["schema"] == "grokode.overlay/1"
    assert (record["status"], record["tolerance"], record["fit"], record["draws"]) == ("agrees", 1e-6, None, None)
    assert set(record["agreement"]) == {"loss_train", "loss_test"}
    assert set(record["agreement"]["loss_train"]) >= {"max_log", "rms_log", "points"}
    assert [one["name"] for one in record["logs"]] == ["real (1)", "real (2)"]
    assert record["logs"][0]["curves"]["loss_train"]["step"] == LOGGED.tolist()
    assert len(record["theory"]) == 4
    assert record["theory"][0]["values"] == pytest.approx(record["theory"][0]["data"], rel=EXACT)
    assert record["experiments"][0]["lr"] == 2.0
    assert "grokode" in record["versions"]
    assert record["work"]["seconds"] > 0


def test_a_fit_is_reported_and_the_logs_are_compared_at_its_values(log, bundle):
    overlay = compare(log, bundle, fit="lr", lr=1.7)
    assert overlay.experiments[0].lr == pytest.approx(2.0, rel=1e-6)
    assert largest(overlay) < 1e-6  # where least squares stops, not rounding
    assert overlay.to_dict()["fit"]["parameters"]["lr"]["value"] == pytest.approx(2.0, rel=1e-6)


# ---- means over logs beside means over draws


def test_a_curve_is_cut_moved_and_divided_with_all_that_belongs_to_it():
    whole = curve([2, 4, 6], [3.0, 2.0, 1.0], [0.3, 0.2, 0.1], window=2)
    kept = whole.rows(np.array([True, False, True])).moved(3).divided(0.5)
    assert kept.step.tolist() == [5, 9]
    assert kept.values.tolist() == [6.0, 2.0]
    assert kept.resolution.tolist() == [0.6, 0.2]
    assert kept.window.tolist() == [2, 2]


def test_logs_share_steps_or_have_no_mean():
    logs = [
        log_of(loss_train=curve([0, 5, 10], [3.0, 2.0, 1.0])),
        log_of(loss_train=curve([5, 7, 10], [8.0, 9.0, 4.0])),
    ]
    assert shared_curves(logs)["loss_train"].step.tolist() == [5, 10]
    with pytest.raises(InvalidInput, match="share 1 steps of loss_train"):
        shared_curves([logs[0], log_of(loss_train=curve([7, 10], [9.0, 4.0]))])
    with pytest.raises(InvalidInput, match="no loss is in every log"):
        shared_curves([logs[0], log_of(loss_test=curve([0, 5], [9.0, 4.0]))])
    # a mean over ten steps is another number than the loss at its end
    with pytest.raises(InvalidInput, match="share 0 steps"):
        shared_curves([logs[0], log_of(loss_train=curve([0, 5, 10], [3.0, 2.0, 1.0], window=5))])


DRAWN = {"dim": 5, "n_train": 10, "width": 8, "alpha": 1.0, "eps": 0.3, "dt": 0.5, "optimizer": "gradient_descent"}


@pytest.fixture(scope="module")
def seeds():
    """Logs of eight trainings, each of data and weights of its own that the theory's draws do not share."""
    step = np.array([0, 3, 10, 30, 100])
    experiment = grokode.Experiment(**DRAWN, steps=100, points=10, seed=12345)
    drawn = drawn_theories(experiment, {}, step, 8)
    return [
        log_of(f"seed {k}", **{n: curve(step, v, 1e-4 * v) for n, v in one.losses.items()})
        for k, one in enumerate(drawn)
    ]


def test_the_mean_of_many_seeds_is_that_of_fresh_draws_within_its_standard_error(seeds):
    overlay = compare(seeds, None, **DRAWN, draws=40)
    assert overlay.draws == 40
    assert [one.log for one in overlay.compared] == ["mean of 8 logs"] * 2
    for found in overlay.agreement.values():
        assert found.points == 5
        assert 0 < found.max_standard_errors < 4  # five points of one mean; 4 has a probability of 3e-4
        assert found.max_log > 10 * EXACT
    wrong = compare(seeds, None, **DRAWN | {"dt": 0.02}, draws=40)
    assert max(found.max_standard_errors for found in wrong.agreement.values()) > 6


def test_a_mean_is_geometric_and_so_is_its_interval(seeds):
    one = compare(seeds, None, **DRAWN, draws=3).compared[0]
    logs = np.log([log.curves["loss_train"].values for log in seeds])
    np.testing.assert_allclose(one.data.values, np.exp(logs.mean(axis=0)), rtol=1e-14)
    np.testing.assert_allclose(one.data.high / one.data.values, 1 + 1e-4, rtol=1e-12)
    np.testing.assert_allclose(one.data.low / one.data.values, 1 - 1e-4, rtol=1e-12)
    np.testing.assert_allclose(one.spread, logs.std(axis=0, ddof=1), rtol=1e-12)


def test_a_standard_error_has_the_logs_and_the_draws_in_it(seeds):
    few, many = (compare(logs, None, **DRAWN, draws=5).compared[0] for logs in (seeds[:1], seeds))
    np.testing.assert_allclose(
        few.standard_error / many.standard_error, np.sqrt((1 + 1 / 5) / (1 / 8 + 1 / 5)), rtol=1e-12
    )
    assert few.spread is None
    assert few.log == "seed 0"


def test_one_loss_of_nothing_makes_a_mean_of_nothing(seeds):
    curves = dict(seeds[0].curves)
    values = curves["loss_train"].values.copy()
    values[-1] = 0.0
    curves["loss_train"] = replace(curves["loss_train"], values=values, resolution=np.full(5, 1.0))
    found = compare([replace(seeds[0], curves=curves), *seeds[1:]], None, **DRAWN, draws=3)
    assert found.compared[0].data.values[-1] == 0
    assert found.rows()[0][-2:] == ("left out", "in std errors")
    assert found.compared[0].agreement.left_out == 5  # a resolution of 1 in one of them reaches to nothing in all


# ---- conventions that would explain it


def as_logged(losses, factor=1.0, shift=0):
    steps = LOGGED[(LOGGED + shift >= 0) & (LOGGED + shift <= STEPS)]
    return log_of("real", **{name: curve(steps, factor * v[steps + shift]) for name, v in losses.items()})


@pytest.mark.parametrize(
    ("changes", "logged", "said"),
    [
        ({"lr": 4.0}, {}, "with lr = 1/2 x 4, --lr 2; see 'grokode convention'"),
        ({"lr": 1.0}, {}, "with lr = 2 x 1, --lr 2;"),
        ({"lr": 2.0 / P}, {}, f"with lr = P x {2 / P:g}, --lr 2;"),
        ({"lr": 4.0 / P}, {}, f"with lr = P/2 x {4 / P:g}, --lr 2;"),
        ({"lr": 2.0 / N}, {}, f"with lr = N x {2 / N:g}, --lr 2;"),
        ({"centered": False}, {}, "with centring"),
        ({}, {"shift": 1}, "one step after those that it names; --step COL@1"),
        ({}, {"shift": -1}, "one step before those that it names; --step COL@-1"),
        ({}, {"factor": 0.5}, "if what it logs is 1/2 x what is stated; see --loss-scale"),
        ({}, {"factor": P}, "if what it logs is P x what is stated"),
        ({"lr": 4.0}, {"factor": 0.5}, "with lr = 1/2 x 4, if what it logs is 1/2 x what is stated"),
        ({"lr": 2.0 / P}, {"factor": P}, f"with lr = P x {2 / P:g}, if what it logs is P x what is stated"),
    ],
)
def test_another_convention_that_explains_a_log_is_named(losses, bundle, changes, logged, said):
    overlay = compare(as_logged(losses, **logged), bundle, **changes)
    assert len(overlay.notes) == 1
    assert overlay.notes[0].startswith("real agrees to ")
    assert said in overlay.notes[0]


@pytest.mark.parametrize("changes", [{}, {"lr": 2.02}, {"alpha": 1.5}, {"eps": 0.35}], ids=str)
def test_no_convention_is_named_where_none_explains_it(losses, bundle, changes):
    assert compare(as_logged(losses), bundle, **changes).notes == []


def test_a_flow_time_of_a_step_is_explained_as_one(losses, bundle):
    dt = 2.0 * 1.3**2 / N
    assert f"with dt = 1/2 x {2 * dt:g}" in compare(as_logged(losses), bundle, dt=2 * dt).notes[0]
