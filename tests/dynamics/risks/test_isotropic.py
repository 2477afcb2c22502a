"""Training on the population from an isotropic start, on k + 1 numbers: it is the whole training."""

from __future__ import annotations

import math

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.problem import Problem
from grokode.dynamics.risks.isotropic import IsotropicRisk
from grokode.experiment.compose import composition_of
from grokode.experiment.systems import problem_of

SIZES = {"dim": 6, "n_train": math.inf, "width": math.inf, "alpha": 0.7, "eps": 0.3, "sigma": 0.8, "noise": 0.2}
TARGETS = ["single_index", "multi_index:k=3,weights=1:-0.5:2", "product"]


def problem(**changes):
    return problem_of(composition_of(None, SIZES | changes).experiment, None)


@pytest.fixture(params=[(target, centered, 2) for target in TARGETS for centered in (True, False)]
                + [("single_index", False, 0)], ids=str)  # fmt: skip
def both(request):
    target, centered, hermite = request.param
    found = problem(target=target, centered=centered, hermite=hermite)
    assert isinstance(found.trained, IsotropicRisk)
    return found.trained, found.train


@pytest.fixture
def moved(both, rng):
    few, _ = both
    return few.start.theta * (1 + 0.4 * rng.standard_normal(few.start.theta.shape))


def test_loss_and_force_are_those_of_the_lifted_weights(both, moved):
    few, whole = both
    V = few.lift(moved)
    assert few.loss(moved) == pytest.approx(whole.loss(V), rel=1e-12)
    assert few.loss_force(moved)[0] == pytest.approx(whole.loss(V), rel=1e-12)
    # the lift is linear in theta, so a small step along one force is lifted to one along the other
    h = 1e-3
    step = (few.lift(moved + h * few.force(moved)) - V) / h
    np.testing.assert_allclose(step, whole.force(V), atol=1e-10 * np.abs(step).max())


def test_the_numbers_are_in_units_of_the_weights(both, moved):
    """One norm, so that momentum, decay and tolerances mean the same."""
    few, whole = both
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(few.lift(moved)), rel=1e-12)
    np.testing.assert_allclose(few.lift(few.start.theta), whole.start.theta, atol=1e-15)


def test_the_jacobian_is_symmetric_and_the_derivative(both, moved, rng):
    few, _ = both
    d, h = rng.standard_normal(moved.shape), 1e-6
    J = few.jacobian(moved)
    np.testing.assert_allclose(J.dense(), J.dense().T, atol=1e-14)
    difference = (few.force(moved + h * d) - few.force(moved - h * d)) / (2 * h)
    np.testing.assert_allclose(J.times(d.ravel()), difference.ravel(), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    "optimizer",
    [*(name for name in OPTIMIZERS if name != "sgd"), "nesterov:decay_rate=0.02,decoupled=true",
     "gradient_flow:decay_rate=0.02"],
)  # fmt: skip
@pytest.mark.parametrize("alpha", [0.7, 30.0])
def test_every_optimizer_trains_as_on_the_whole(monkeypatch, optimizer, alpha):
    how = SIZES | {"alpha": alpha, "optimizer": optimizer, "dt": 0.1, "steps": 100, "points": 12, "rtol": 1e-9}
    run = grokode.run(**how, guard=False)
    monkeypatch.setattr(Problem, "trained", property(lambda self: self.train))
    whole = grokode.run(**how, guard=False)
    assert run.curves.keys() == whole.curves.keys()
    close = 1e-10 if OPTIMIZERS.build(optimizer).steps else 1e-6
    for name in whole.curves:
        expected = getattr(whole, name)
        np.testing.assert_allclose(getattr(run, name), expected, atol=close * np.abs(expected).max(), err_msg=name)
    assert run.summary["t_train_status"] == whole.summary["t_train_status"]


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 5},  # a mean weight and a covariance of its own
        {"n_train": 20},
        {"readouts": "trained", "width": 9},
        {"start": "interpolated:s=0.5"},
    ],
)
def test_others_are_trained_on_the_whole(changes):
    found = problem(**changes)
    assert found.trained is found.train


def test_inputs_that_prefer_a_direction_are_trained_on_the_whole(tmp_path):
    np.save(tmp_path / "variances.npy", np.linspace(0.1, 0.3, 6))
    found = problem(covariance=str(tmp_path / "variances.npy"))
    assert found.trained is found.train


def test_a_target_with_a_linear_part_is_trained_on_the_whole():
    network = grokode.Network(alpha=1.0, eps=0.3)
    start = grokode.FactorState.infinite_width(4, 1.0)
    law = grokode.Law(grokode.Gaussian.isotropic(4), grokode.QuadraticTarget(0.0, np.ones(4), np.eye(4)))
    risk = grokode.PopulationRisk(network, start, law)
    found = Problem(network, start, risk, {}, np.zeros((0, 4)))
    assert found.trained is risk
