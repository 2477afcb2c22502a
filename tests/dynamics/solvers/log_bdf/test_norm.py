"""The error of a step, each part by itself."""

import math

import pytest

from grokode.dynamics.solvers.log_bdf.norm import Weights

WEIGHTS = Weights(floor=2.0, kernel=0.5, parameters=100.0, relative=3.0, tol=1e-3)


def test_the_predictors_error_is_in_units_of_the_loss():
    assert WEIGHTS.error(0.0, 1e-6, 1.0, 1.0) == pytest.approx(2)
    assert WEIGHTS.error(0.0, 1e-6, 1e-9, 1.0) == pytest.approx(2e3 * math.sqrt(1e-6 / 2e-3))


def test_what_the_training_set_does_not_see_counts_too():
    only = Weights(floor=2.0, kernel=0.5, parameters=100.0, relative=0.0, tol=1e-3)
    assert only.error(1e-8, 0.0, 1.0, 1.0) == pytest.approx(2e3 * math.sqrt(100 * 0.5 * 1e-8))
    assert only.error(1e-8, 0.0, 0.0, 1.0) == pytest.approx(2e3 * math.sqrt(100 * 0.5 * 1e-8 / 6e-3))


def test_relative_changes_of_weights_count_whatever_alpha_is():
    only = Weights(floor=2.0, kernel=0.5, parameters=0.0, relative=3.0, tol=1e-3)
    assert only.error(1e-8, 0.0, 1.0, 0.5) == pytest.approx(2e3 * math.sqrt(3 * 1e-8 / 0.5))
    assert only.error(1e-8, 0.0, 1.0, 0.0) == 0  # weights that are all zero have no relative change


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_no_number_is_too_large(bad):
    assert WEIGHTS.error(bad, 0.0, 1.0, 1.0) == math.inf
    assert WEIGHTS.error(0.0, bad, 1.0, 1.0) == math.inf


def test_what_is_unseen_is_far_below_the_tolerance():
    assert WEIGHTS.error(0.0, WEIGHTS.unseen(0.3) ** 2, 0.3, 1.0) == pytest.approx(0.02)
