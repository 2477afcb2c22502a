"""Parameters of a fit: which there are, where they start, and what an experiment with other values is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grokode import InvalidInput
from grokode.experiment.compose import composition_of
from grokode.experiment.training import dt_of
from grokode.overlay.parameters import PARAMETERS, at, parse_parameters, start_of


def experiment(**flags):
    return composition_of(None, {"width": 8, "steps": 10} | flags).experiment


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("alpha", ("alpha",)),
        ("lr,alpha", ("alpha", "lr")),
        (" sigma , eps ", ("eps", "sigma")),
        ("sigma,lr,eps,alpha", PARAMETERS),
    ],
)
def test_parameters_are_read_in_any_order_and_reported_in_one(text, names):
    assert parse_parameters(text) == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alpa", "cannot fit 'alpa'.*alpha"),
        ("", "cannot fit ''"),
        ("alpha,", "cannot fit ''"),
        ("Alpha", "cannot fit 'Alpha'"),
        ("width", "cannot fit 'width'"),
        ("alpha lr", "cannot fit 'alpha lr'"),
        ("lr,alpha,lr", "'lr,alpha,lr' names a parameter twice"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(text, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        parse_parameters(text)
    assert "\n" not in str(caught.value)


def test_a_fit_starts_at_the_values_of_the_experiment():
    found = start_of(experiment(alpha=2.0, eps=0.3, lr=0.7, sigma=1.5), PARAMETERS, given=False)
    assert np.exp(found) == pytest.approx([2.0, 0.3, 0.7, 1.5], rel=1e-14)


def test_a_step_stated_as_flow_time_starts_at_its_learning_rate():
    found = start_of(experiment(alpha=2.0, dt=0.25), ("lr",), given=False)
    assert math.exp(found[0]) == pytest.approx(0.25 * 8 / 2.0**2, rel=1e-14)  # dt = lr alpha^2 / N


@pytest.mark.parametrize(
    ("flags", "names", "given", "says"),
    [
        ({}, ("sigma",), True, "beside a bundle"),
        ({"eps": 0.0}, ("alpha", "eps"), False, "eps = 0 cannot start.*--eps"),
        ({"sigma": 0.0}, ("sigma",), False, "sigma = 0 cannot start.*--sigma"),
        ({"width": math.inf}, ("lr",), False, "--width and --lr"),
    ],
)
def test_a_start_that_is_none_is_refused_in_one_line(flags, names, given, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        start_of(experiment(**flags), names, given=given)
    assert "\n" not in str(caught.value)


def test_what_is_not_fitted_may_be_zero_and_a_bundle_fixes_sigma_alone():
    assert start_of(experiment(eps=0.0, sigma=0.0), ("alpha",), given=False) == pytest.approx([0.0])
    assert len(start_of(experiment(eps=0.2), ("alpha", "eps", "lr"), given=True)) == 3


def test_other_values_take_the_place_of_the_old_and_nothing_else_changes():
    before = experiment(alpha=2.0, dt=0.25, eps=0.3)
    after = at(before, {"alpha": 4.0, "eps": 0.1})
    assert after == before.model_copy(update={"alpha": 4.0, "eps": 0.1})
    assert dt_of(after) == 0.25  # a flow time that is not fitted stays


def test_a_fitted_learning_rate_takes_the_place_of_a_flow_time():
    after = at(experiment(alpha=2.0, dt=0.25), {"lr": 0.6})
    assert (after.lr, after.dt) == (0.6, None)
    assert dt_of(after) == pytest.approx(0.6 * 2.0**2 / 8, rel=1e-14)
