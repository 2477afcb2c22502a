"""A direct run: real neurons as a ``Run``, with the curves that theory has."""

import numpy as np
import pytest
from grokode_validate.direct import direct
from grokode_validate.optimizers import TWINS
from grokode_validate.tolerances import Tolerances
from grokode_validate.training import train

import grokode
from grokode.errors import Diverged
from grokode.experiment.compose import composition_of
from grokode.experiment.simulate import simulate

SMALL = {
    "dim": 4, "n_train": 9, "n_test": 6, "width": 6, "alpha": 0.8, "eps": 0.4, "optimizer": "gradient_descent",
    "dt": 0.1, "steps": 60, "points": 8,
}  # fmt: skip


def experiment(**changed):
    return composition_of(None, {**SMALL, **changed}).experiment


def allowed(name, tolerances):
    """Return what the validation allows a curve; steps are counted, and times are a product."""
    return {"step": 0.0, "t": 1e-14}[name] if name in ("step", "t") else tolerances.of(name)


def bundle(**changed):
    rng = np.random.default_rng(5)
    arrays = {
        "X_train": rng.standard_normal((9, 4)) / 2,
        "y_train": rng.standard_normal(9),
        "X_test": rng.standard_normal((5, 4)) / 2,
        "y_test": rng.standard_normal(5),
        "W0": rng.standard_normal((7, 4)),
        "alpha": 0.8,
        "eps": 0.4,
        "lr": 0.1 * 7 / 0.64,
        "centered": True,
        "step": np.array([3, 10, 40]),
    }
    return grokode.Bundle(**{**arrays, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"width": float("inf")},
        {"n_train": float("inf"), "noise": 0.4, "width": 2},
        {"centered": False, "lazy": True},
    ],
)
def test_a_direct_run_has_the_names_steps_and_values_of_the_theory(changed):
    what = experiment(**changed)
    real, theory, tolerances = direct(what), simulate(what), Tolerances(train(what))
    extras = {name for name in theory.curves if name.startswith(("kernel", "alignment")) or name.endswith("_lazy")}
    assert set(real.curves) == set(theory.curves) - (extras if what.lazy is not True else set())
    for name, curve in real.curves.items():
        assert np.all(np.abs(curve.values - theory.curves[name].values) <= allowed(name, tolerances))
        assert (curve.units, curve.long_name) == (theory.curves[name].units, theory.curves[name].long_name)
        assert curve.origin == "direct"


def test_what_is_read_off_two_neurons_is_what_the_hand_finds():
    """W = [[1, 0], [0, 2]], x = (1, 1): alpha = 1, eps = 1: phi = h + h^2/2 is 3/2 and 4, f = 11/4, slopes 2 and 3."""
    given = bundle(
        X_train=[[1.0, 1.0]], y_train=[2.0], X_test=[[1.0, 0.0]], y_test=[0.5],
        W0=[[1.0, 0.0], [0.0, 2.0]], alpha=1.0, eps=1.0, lr=1e-3, centered=False, step=[0, 1],
    )  # fmt: skip
    run = direct(composition_of(given, {"lazy": True}).experiment, given)
    assert run.loss_train[0] == pytest.approx(0.75**2)
    assert run.loss_test_sample[0] == pytest.approx((1.5 / 2 - 0.5) ** 2)
    assert run.mean_square_weight[0] == pytest.approx(2.5)
    assert (run.M_eigenvalue_1[0], run.M_eigenvalue_2[0]) == pytest.approx((2.0, 0.5))
    # K = N sum_i |(1/N) phi'(h_i) x|^2 = (4 + 9) 2 / 2
    assert run.kernel_norm[0] == pytest.approx(13)
    assert run.kernel_norm_linear[0] == pytest.approx(2)
    assert run.kernel_norm_quadratic[0] == pytest.approx(2 * (1 + 4) / 2)
    # dL/dw_i = 2 (3/4) (1/2) phi' x: steps of 1e-3 times 3/2 and 9/4 in both components
    moved = 1e-3 * np.sqrt(2 * 1.5**2 + 2 * 2.25**2)
    assert run.relative_change[1] == pytest.approx(moved / np.sqrt(5), rel=1e-12)


def test_any_number_of_neurons_trains_alike():
    what = experiment(width=float("inf"))
    few, many = (direct(what, neurons=neurons) for neurons in (5, 23))
    tolerances = Tolerances(train(what, neurons=23))
    for name in few.curves:  # each is within the tolerance of the theory
        assert np.all(np.abs(few.curves[name].values - many.curves[name].values) <= 2 * allowed(name, tolerances))
    assert "23 real neurons" in many.work.method


def test_states_are_the_reduction_of_the_neurons():
    run = direct(experiment(), keep_states=True)
    trained = train(experiment())
    assert len(run.states) == len(run.t)
    for state, W in zip(run.states, trained.weights, strict=True):
        np.testing.assert_allclose(state.M, W.T @ W / len(W), atol=1e-13)
    assert direct(experiment()).states == ()


def test_a_users_own_neurons_are_trained_at_the_users_steps():
    given = bundle()
    trained = train(composition_of(given, {}).experiment, given)
    assert trained.step.tolist() == [3, 10, 40]
    np.testing.assert_array_equal(trained.start.W, given.W0)
    run = direct(composition_of(given, {}).experiment, given)
    theory = grokode.run(given)
    np.testing.assert_allclose(run.loss_test_sample, theory.loss_test_sample, rtol=1e-11)
    assert run.bundle is given


def test_a_direct_run_is_saved_loaded_and_tabulated(tmp_path):
    run = direct(experiment())
    grokode.save(run, tmp_path / "direct.npz")
    again = grokode.load(tmp_path / "direct.npz")
    assert {curve.origin for curve in again.curves.values()} == {"direct"}
    np.testing.assert_array_equal(again.loss_train, run.loss_train)
    assert again.rows() == run.rows()


def test_a_crossing_is_the_first_saved_step_below_the_threshold():
    run = direct(experiment(steps=400, threshold="50%", points=30))
    level = 0.5 * run.loss_train[0]
    first = int(np.argmax(run.loss_train < level))
    assert first > 0
    assert run.summary["t_train"] == run.t[first]
    assert run.summary["step_train"] == run.step[first]
    assert run.summary["t_train_status"] == "reached"
    assert direct(experiment(threshold="1e-9")).summary["t_train_status"] == "not_reached"
    assert direct(experiment(threshold="1e9")).summary["t_train_status"] == "reached_at_start"


def test_a_percentage_is_of_the_start_where_the_start_is_not_saved():
    given = bundle(lr=0.4 * 7 / 0.64, step=np.array([60, 200]))
    run, theory = (
        direct(composition_of(given, {"threshold": "90%"}).experiment, given),
        grokode.run(given, threshold="90%"),
    )
    assert run.summary["threshold_train"] == pytest.approx(theory.summary["threshold_train"])
    assert run.loss_train[0] < 0.9 * theory.summary["threshold_train"]  # the first saved loss is not the start's


# ---- what cannot be trained


def test_a_flow_takes_no_steps_that_neurons_could_take():
    with pytest.raises(grokode.InvalidInput, match="'gradient_flow' takes no steps .* name one of: gradient_descent"):
        direct(experiment(optimizer="gradient_flow"))


def test_an_optimizer_without_a_twin_is_refused(monkeypatch):
    monkeypatch.delitem(TWINS, "gradient_descent")
    with pytest.raises(grokode.InvalidInput, match="'gradient_descent' has no twin"):
        direct(experiment())


@pytest.mark.parametrize(("neurons", "message"), [(3, "need a width of at least 5, got 3"), (0, "got 0")])
def test_too_few_neurons_are_refused(neurons, message):
    with pytest.raises(grokode.InvalidInput, match=message):
        direct(experiment(), neurons=neurons)


def test_neurons_that_do_not_fit_into_memory_are_refused():
    with pytest.raises(grokode.InvalidInput, match="GiB are free"):
        direct(experiment(), neurons=10**12)


def test_a_network_that_blows_up_is_an_error():
    with pytest.raises(Diverged, match="6 real neurons diverged; lower --dt"):
        direct(experiment(dt=50.0))
