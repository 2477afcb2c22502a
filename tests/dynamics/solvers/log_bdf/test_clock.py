"""Logarithmic time: an inverse, a derivative, and equal steps that are decades."""

import numpy as np
import pytest

from grokode.dynamics.solvers.log_bdf.clock import LogTime

TAUS = (0.0, 1e-9, 0.3, 5.0, 40.0)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 3e4])
@pytest.mark.parametrize("tau", TAUS)
def test_both_ways_are_inverse(unit, tau):
    clock = LogTime(unit)
    assert clock.tau(clock.t(tau)) == pytest.approx(tau, rel=1e-14)


@pytest.mark.parametrize("tau", TAUS)
def test_the_rate_is_the_derivative(tau):
    clock, h = LogTime(0.7), 1e-5
    assert clock.rate(tau) == pytest.approx((clock.t(tau + h) - clock.t(tau - h)) / (2 * h), rel=1e-9)


def test_time_is_linear_at_first_and_equal_steps_are_equal_factors_later():
    clock = LogTime(2.0)
    assert clock.t(1e-12) == pytest.approx(2e-12, rel=1e-10)  # nothing cancels
    late = [clock.t(tau) for tau in np.arange(30.0, 40.0)]
    np.testing.assert_allclose(np.diff(np.log(late)), 1.0, rtol=1e-12)
