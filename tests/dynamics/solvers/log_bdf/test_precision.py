"""The working precision: what it misses is measured, and given up for good."""

import numpy as np
import pytest

from grokode.dynamics.risks.residuals import Residuals
from grokode.dynamics.solvers.log_bdf.precision import EVERY, Precision


@pytest.fixture
def residuals(make_problem):
    risk = make_problem(alpha=0.7, eps=0.4).train
    return lambda dtype: Residuals(risk, dtype)


def test_what_single_precision_misses_is_its_rounding(residuals, rng):
    precision = Precision(residuals, single=True)
    z = rng.standard_normal(precision.exact.n)
    here = precision.at(z)
    missed = precision.rounding(here, z)
    difference = here.residual - residuals(np.float64).at(z).residual
    assert missed == pytest.approx(np.mean(difference**2))
    size = np.mean(here.residual**2)
    assert 0 < missed < (100 * np.finfo(np.float32).eps) ** 2 * max(size, 1.0)


def test_double_precision_misses_nothing_and_is_never_looked_at(residuals, rng):
    precision = Precision(residuals, single=False)
    z = rng.standard_normal(precision.exact.n)
    assert precision.rounding(precision.at(z), z) == 0
    assert not any(precision.due() for _ in range(3 * EVERY))


def test_single_precision_is_looked_at_once_in_a_while_until_it_is_given_up(residuals, rng):
    precision = Precision(residuals, single=True)
    assert [precision.due() for _ in range(2 * EVERY)] == ([True] + [False] * (EVERY - 1)) * 2
    precision.give_up()
    z = rng.standard_normal(precision.exact.n)
    np.testing.assert_array_equal(precision.at(z).residual, residuals(np.float64).at(z).residual)
    assert not any(precision.due() for _ in range(2 * EVERY))
