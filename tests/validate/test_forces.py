"""Forces one by one beside backpropagation."""

import typing

import numpy as np
import pytest
from grokode_validate.forces import COMPARED, SETTINGS, draw, force_checks, frame
from grokode_validate.network import Weights
from grokode_validate.neuron_forces import OF_NEURONS
from grokode_validate.report import validate

from grokode.dynamics import problem
from grokode.model.states.factor import FactorState


@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_a_frame_ties_a_factor_to_neurons_with_its_moments(rng, width):
    state = FactorState.from_neurons(rng.standard_normal((width, 4)))
    Q = frame(state.a, width, rng)
    np.testing.assert_allclose(Q @ Q.T, np.eye(len(state.a)), atol=1e-14)
    np.testing.assert_allclose(state.a @ Q, 1 / np.sqrt(width), atol=1e-15)
    V = rng.standard_normal(state.V.shape)
    W = np.sqrt(width) * Q.T @ V
    np.testing.assert_allclose(W.T @ W / width, V.T @ V, atol=1e-13)
    np.testing.assert_allclose(W.mean(axis=0), state.at(V).wbar, atol=1e-14)


def test_every_force_of_every_risk_and_state_agrees():
    report = validate(force_checks())
    assert report.ok, report.misses
    names = {case.name: set(case.margins) for case in report.cases}
    assert set(names) == {
        "forces of EmpiricalRisk",
        "forces of TensorRisk",
        "forces of PopulationRisk",
        "forces of FactorState",
        "forces of NeuronRisk",
        "forces of WeightedRisk",
        "forces of PopulationRisk on real neurons",
    }
    ways = {"force", "loss_force", "loss_force_moved"}
    assert names["forces of EmpiricalRisk"] == ways | {f"loss of {way}" for way in ways}
    assert names["forces of NeuronRisk"] == {*names["forces of EmpiricalRisk"], "force on a batch"}


def test_every_kind_of_risk_is_compared():
    assert set(typing.get_args(problem.Risk)) <= {*COMPARED, *OF_NEURONS}


def test_a_kind_of_risk_that_nothing_compares_is_a_miss(monkeypatch):
    class AnotherRisk:
        pass

    monkeypatch.setattr(problem, "Risk", problem.Risk | AnotherRisk)
    misses = validate(force_checks()).misses
    assert len(misses) == 1
    assert misses[0].startswith("forces of AnotherRisk: nothing in grokode_validate.forces compares")


def test_states_are_away_from_the_start_and_losses_are_not_small():
    for seed, numbers in enumerate(SETTINGS):
        for source in ("samples", "law"):
            setting = draw(numbers, source, seed)
            loss, force = setting.direct()
            assert np.linalg.norm(setting.V - setting.start.V) > 0.3 * np.linalg.norm(setting.start.V)
            assert min(loss, np.linalg.norm(force)) > 0.01


def test_an_error_of_the_input_is_multiplied_by_less_than_ten(rng):
    """What the tolerance allows beside the hundred roundings of a sum; 2^-30 is far from rounding, and still small."""
    for seed, numbers in enumerate(SETTINGS):
        for source in ("samples", "law"):
            setting = draw(numbers, source, seed)
            points, machine = setting.samples, setting.machine
            W, W0 = (setting.neurons(V).W for V in (setting.V, setting.start.V))
            given = (W, W0, points.X, points.y, points.weights)

            def direct(W, W0, X, y, weights, machine=machine):
                at = (Weights.of(W), Weights.of(W0), X, y, weights)
                return machine.loss(*at), machine.gradient(*at).W

            loss, force = direct(*given)
            for _ in range(10):
                moved = direct(*(a * (1 + 2.0**-30 * rng.choice([-1, 1], a.shape)) for a in given))
                assert abs(moved[0] - loss) < 10 * 2.0**-30 * loss
                assert np.linalg.norm(moved[1] - force) < 10 * 2.0**-30 * np.linalg.norm(force)
