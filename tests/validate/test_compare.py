"""The comparison: what it takes for a curve to be a miss."""

import dataclasses
import math

import numpy as np
import pytest
from grokode_validate.case import Case, stable_step
from grokode_validate.compare import compare, margin
from grokode_validate.named import BASE, KNOBS, OWN, named_cases
from grokode_validate.network import Weights
from grokode_validate.results import CaseResult, Kind, Margin
from grokode_validate.stability import sharpness
from grokode_validate.tolerances import of_loss
from grokode_validate.training import train

from grokode.curve import Curve
from grokode.experiment.compose import composition_of
from grokode.experiment.simulate import simulate

PLAIN = {**BASE, "optimizer": "gradient_descent", "dt": 0.1, "width": 4, "steps": 100}


@pytest.fixture(scope="module")
def pair():
    """Give a run and the neurons it is of."""
    experiment = composition_of(None, PLAIN).experiment
    return simulate(experiment, keep_states=True), train(experiment)


def changed(run, name, factor):
    curve = run.curves[name]
    values = curve.values * factor
    return dataclasses.replace(run, curves={**run.curves, name: dataclasses.replace(curve, values=values)})


def test_theory_and_real_neurons_agree_on_every_curve_and_on_M(pair):
    margins = compare(*pair)
    assert set(margins) == set(pair[0].curves) - {"step", "t"} | {"M", "wbar", "dt_lambda"}
    assert all(found.ok for found in margins.values())
    # not by accident of generous tolerances: no curve is allowed more than 1e-8 of its own size
    for name, found in margins.items():
        if name != "dt_lambda":
            size = np.max(np.abs(pair[1].values.get(name, 1.0)))
            assert found.tolerance <= 1e-8 * size


def test_a_change_of_one_part_in_a_million_of_any_curve_is_seen(pair):
    """Far beyond rounding, and far below what a figure or a float32 would show."""
    theory, direct = pair
    for name in theory.curves:
        if name not in ("step", "t"):
            missed = {key for key, found in compare(changed(theory, name, 1 + 1e-6), direct).items() if not found.ok}
            assert missed == {name}


def test_a_change_of_a_state_is_seen_in_M_and_in_the_mean_weight(pair):
    theory, direct = pair
    states = [state.at(state.V * (1 + 1e-6)) for state in theory.states]
    margins = compare(dataclasses.replace(theory, states=states), direct)
    assert {name for name, found in margins.items() if not found.ok} == {"M", "wbar"}


def test_a_number_that_is_none_and_a_curve_that_nothing_reads_are_misses(pair):
    theory, direct = pair
    assert not compare(changed(theory, "loss_train", np.nan), direct)["loss_train"].ok
    new = Curve(name="new", values=theory.t, units="1", long_name="an observable of tomorrow")
    assert not compare(dataclasses.replace(theory, curves={**theory.curves, "new": new}), direct)["new"].ok


def test_a_curve_that_the_theory_drops_is_a_miss(pair):
    theory, direct = pair
    for name in theory.curves:
        if name not in ("step", "t"):
            rest = {key: curve for key, curve in theory.curves.items() if key != name}
            margins = compare(dataclasses.replace(theory, curves=rest), direct)
            assert {key for key, found in margins.items() if not found.ok} == {name}


def test_linearised_curves_are_dropped_by_none_but_an_optimizer_without_a_decay(pair, register):
    theory, direct = pair
    rest = {name: curve for name, curve in theory.curves.items() if not name.endswith("_lazy")}
    without = dataclasses.replace(theory, curves=rest)
    missed = {name for name, found in compare(without, direct).items() if not found.ok}
    assert missed == theory.curves.keys() - rest.keys() != set()

    register("undecayed", dataclasses.make_dataclass("Undecayed", []))
    other = theory.experiment.model_copy(update={"optimizer": "undecayed"})
    assert all(found.ok for found in compare(dataclasses.replace(without, experiment=other), direct).values())


@pytest.mark.parametrize("centered", [True, False])
def test_labels_of_a_tenth_of_f_over_alpha_are_within_the_bound_at_the_end_of_alpha(centered):
    """The smallest labels that the bound is for, where the rounding of a centred predictor is largest beside them."""

    def arrays():
        rng = np.random.default_rng(0)
        X, W0 = rng.standard_normal((12, 5)) / math.sqrt(5), rng.standard_normal((7, 5))
        h, y = X @ W0.T, rng.standard_normal(12)
        f, dt = np.mean(h + 0.15 * h**2, axis=1), stable_step(1e4, 0.3)
        y *= 0.1 * np.linalg.norm(f) / np.linalg.norm(y)
        return {"X_train": X, "y_train": y, "W0": W0, "alpha": 1e4, "eps": 0.3, "centered": centered, "lr": 7e-8 * dt}

    case = Case(name="small labels", parameters={"steps": 300, "points": 12, "lazy": False}, arrays=arrays)
    margins = case.under("gradient_descent").result().margins
    assert margins["loss_train"].ok


def test_the_tolerance_of_losses_is_the_bound_for_exact_maps():
    loss = np.array([2.0, 1e-3, 1e-20])
    np.testing.assert_allclose(of_loss(loss, 0.5), [2e-9, 1e-12, 1e-9 * 1e-10 * 2])
    np.testing.assert_allclose(of_loss(loss, 1e4), [2e-9, 1e-12, 1e-9 * 2e-4])  # 1e-10 * 1e4^1.5 = 1e-4


def test_the_margin_is_where_the_error_is_largest_beside_its_tolerance():
    assert margin(np.array([1.0, 3.0, 0.0]), np.array([10.0, 100.0, 0.0])) == Margin(1.0, 10.0)
    assert margin(np.array([1.0, 1e-30]), np.array([10.0, 0.0])).share == math.inf
    assert not margin(np.array([0.0, np.nan]), np.ones(2)).ok
    assert Margin(0.0, 0.0).ok


def test_a_miss_names_the_worst_curve_with_its_numbers():
    margins = {"a": Margin(1.0, 1.0), "b": Margin(3e-9, 1e-9), "c": Margin(math.nan, 1.0)}
    case = CaseResult(name="x", kind=Kind.MAP, margins=margins)
    assert case.miss == "c is off by nan, beyond 1, and 1 more"
    assert CaseResult(name="x", kind=Kind.MAP, margins={"b": margins["b"]}).miss == "b is off by 3e-09, beyond 1e-09"
    assert CaseResult(name="x", kind=Kind.MAP, margins={"a": margins["a"]}).ok


def test_a_case_that_compares_nothing_is_a_miss():
    empty = CaseResult(name="x", kind=Kind.MAP)
    assert (empty.ok, empty.miss) == (False, "nothing was compared")


# ---- stability


def test_sharpness_is_the_rate_of_the_fastest_mode():
    """Of a linear network: 2/P times the largest eigenvalue of X^T X; of any, the curvature that the Jacobian has."""
    for eps in (0.0, 0.4):
        experiment = composition_of(None, {**PLAIN, "eps": eps, "n_train": 3, "dt": 0.05, "lazy": False}).experiment
        theory, direct = simulate(experiment, keep_states=True), train(experiment)
        X = direct.samples["train"].X
        for state, W in list(zip(theory.states, direct.weights, strict=True))[::5]:
            if eps:
                J = _jacobian(experiment, state)
                fastest = np.abs(np.linalg.eigvalsh(J)).max()
            else:
                fastest = 2 / len(X) * np.linalg.eigvalsh(X.T @ X)[-1]
            assert sharpness(direct, Weights.of(W)) == pytest.approx(
                fastest, rel=0.05
            )  # 15 powers; it grows from below


def _jacobian(experiment, state):
    from grokode.experiment.systems import problem_of

    return problem_of(experiment, None).train.jacobian(state.V).dense()


def test_a_step_that_is_too_long_makes_a_case_no_test():
    parameters = {**PLAIN, "alpha": 0.1, "dt": 0.2, "steps": 4, "lazy": False}
    assert not Case(name="wild", parameters=parameters).result().margins["dt_lambda"].ok


# ---- the named cases


@pytest.mark.parametrize("case", named_cases(), ids=lambda case: case.name)
def test_every_case_is_stable_and_something_is_learned(case):
    """Half of the full matrix's own statement, without the curves that cost most."""
    case = dataclasses.replace(case, parameters={**case.parameters, "lazy": False}).under("gradient_descent")
    given = case.bundle()
    composition = composition_of(given, case.parameters)
    direct = train(composition.experiment, given, case.files)
    loss = direct.values["loss_train"]
    assert loss[-1] < 0.7 * loss[0]
    assert direct.pace.dt * sharpness(direct, Weights(direct.weights[-1], direct.readouts[-1])) < 1


def test_the_named_cases_span_what_the_theory_claims():
    parameters = [{**BASE, **changed} for changed in KNOBS.values()]
    widths = {p["width"] for p in parameters}
    assert {1, 2, math.inf} < widths
    assert any(width < p["dim"] for p, width in ((p, p["width"]) for p in parameters))
    assert any(p["dim"] + 1 < p["width"] < math.inf for p in parameters)
    assert {1e-2, 1e4} < {p["alpha"] for p in parameters}
    for key, values in {"centered": {True, False}, "n_train": {math.inf, 12}}.items():
        assert values <= {p.get(key, True) for p in parameters}
    assert {0.0} < {p.get("noise", 0.0) for p in parameters} & {
        p.get("noise", 0.0) for p in parameters if math.isinf(p["n_train"])
    }
    assert {"variances", "full"} < {p.get("covariance") for p in parameters}
    ranks = {name: np.linalg.matrix_rank(make()["W0"]) for name, make in OWN.items()}
    assert sorted(set(ranks.values())) == [1, 2, 5]  # rank-deficient starts beside full ones
