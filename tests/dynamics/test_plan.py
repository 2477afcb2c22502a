"""The tolerances that a promise on the losses asks of z."""

import numpy as np
import pytest

from grokode.dynamics.plan import TIGHTEST, tolerances


def asked(problem, rtol):
    """Return the tolerances at the start, with what they are measured in."""
    risk = problem.train
    loss = risk.loss(problem.start.V)
    return (
        tolerances(risk, loss, rtol),
        np.sqrt(loss / risk.mean_square_label),
        np.sqrt(risk.mean_square_label / risk.mean_kernel),
    )


def test_a_start_no_larger_than_the_labels_is_integrated_at_the_tolerance_given(make_problem):
    (rtol, atol), ratio, unit = asked(make_problem(alpha=1e4), 1e-6)
    assert ratio == pytest.approx(1, rel=1e-12)
    assert rtol == pytest.approx(1e-6, rel=1e-12)
    assert atol == pytest.approx(1e-7 * unit, rel=1e-12)


@pytest.mark.parametrize("alpha", [1e2, 1e4])
def test_the_relative_tolerance_shrinks_by_the_labels_over_the_start(make_problem, alpha):
    (rtol, _), ratio, _ = asked(make_problem(centered=False, alpha=alpha), 1e-4)
    assert ratio > 10
    assert rtol == pytest.approx(1e-4 / ratio, rel=1e-12)


def test_the_relative_tolerance_has_a_floor(make_problem):
    (rtol, _), ratio, _ = asked(make_problem(centered=False, alpha=1e8), 1e-6)
    assert 1e-6 / ratio < TIGHTEST
    assert rtol == TIGHTEST


def test_the_absolute_tolerance_stays_above_the_rounding_of_an_uncentered_start(make_problem):
    """The predictor, ratio times the labels, is rounded at eps: 1e4 times that is above rtol / 10 here."""
    (_, atol), ratio, unit = asked(make_problem(centered=False, alpha=1e4), 1e-9)
    floor = 1e4 * np.finfo(float).eps * ratio
    assert floor > 10 * 1e-10
    assert atol == pytest.approx(floor * unit, rel=1e-12)
