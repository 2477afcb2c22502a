"""What each part of the error control is for: a set-up of the random law that is worse, or dearer, without it."""

import dataclasses

import numpy as np
import pytest

import grokode
from grokode.dynamics.risks.residuals import Residuals
from grokode.dynamics.solvers import logarithmic
from grokode.dynamics.solvers.log_bdf import iteration

PROMISE = 3e-3
SMALL_ALPHA = {
    "dim": 10, "n_train": 15, "width": 2, "alpha": 0.0256, "eps": 0.5396, "centered": False, "seed": 1659672534,
}  # fmt: skip
FAR_START = {
    "dim": 9, "n_train": 4, "width": float("inf"), "alpha": 467.9325, "eps": 0.0588, "centered": False,
    "seed": 2466199,
}  # fmt: skip
GROWING = {
    "dim": 17, "n_train": 9, "width": 2, "alpha": 240.4883, "eps": 0.1192, "centered": False, "seed": 1635176339,
}  # fmt: skip
NO_INTERPOLATION = {
    "dim": 27, "n_train": 87, "width": float("inf"), "alpha": 0.0897, "eps": 1.2709, "centered": False,
    "seed": 1613650040,
}  # fmt: skip
COMMON = {"t_max": 1e6, "points": 41, "lazy": False, "guard": False, "n_test": 100}


@pytest.fixture(scope="module")
def reference():
    """Return Radau's run of a set-up, made once."""
    made = {}

    def of(parameters):
        key = tuple(parameters.items())
        if key not in made:
            made[key] = grokode.run(**parameters, **COMMON, solver="radau", rtol=1e-9)
        return made[key]

    return of


@pytest.fixture
def measured(reference, promised_error):
    """Return err and evaluations of a set-up as it is integrated now."""

    def of(parameters):
        run, exact = grokode.run(**parameters, **COMMON, solver="log_bdf"), reference(parameters)
        label = grokode.problem(**parameters).train.mean_square_label
        losses = ("loss_train", "loss_test_exact", "loss_test_sample")
        errors = [promised_error(getattr(run, name), getattr(exact, name), label) for name in losses]
        return max(errors), run.work.nfev

    return of


@pytest.fixture
def without(monkeypatch):
    """Take a weight out of every class of problems."""

    def take(**changed):
        for name in ("TINY", "FEW_UNKNOWNS", "MANY_UNKNOWNS"):
            monkeypatch.setattr(logarithmic, name, dataclasses.replace(getattr(logarithmic, name), **changed))

    return take


def test_relative_changes_of_weights_are_what_counts_at_small_alpha(measured, without):
    assert measured(SMALL_ALPHA)[0] <= PROMISE
    without(relative=0.0)
    assert measured(SMALL_ALPHA)[0] > PROMISE


def test_the_floor_of_the_error_is_the_labels_where_the_start_is_far_from_them(measured, monkeypatch):
    assert measured(FAR_START)[0] <= PROMISE

    monkeypatch.setattr(Residuals, "mean_square_label", np.inf)  # min(L(0), .) is then L(0)
    assert measured(FAR_START)[0] > PROMISE


def test_modes_that_the_training_set_does_not_see_yet_are_followed(measured, monkeypatch):
    error, _ = measured(GROWING)
    assert error <= PROMISE
    monkeypatch.setattr(logarithmic, "UNSEEN_MODES", 0.0)
    assert measured(GROWING)[0] > 5 * error


def test_curvature_is_implicit_where_the_network_cannot_interpolate(measured, monkeypatch):
    error, evaluations = measured(NO_INTERPOLATION)
    assert error <= PROMISE
    monkeypatch.setattr(iteration, "STIFF", np.inf)
    assert measured(NO_INTERPOLATION)[1] > 2 * evaluations
