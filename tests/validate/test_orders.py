"""Orders of convergence, and the statistics behind their tolerances."""

import numpy as np
import pytest
from grokode_validate import orders
from grokode_validate.orders import mean_at_origin, order_checks, slope, slope_error
from grokode_validate.report import validate

from grokode.dynamics.optimizers import OPTIMIZERS


def test_the_slope_is_the_power():
    assert slope((1, 4, 16), (3.0, 1.5, 0.75)) == pytest.approx(0.5)
    assert slope((1, 10, 100), (2e-3, 2e-4, 2e-5)) == pytest.approx(1)


def test_the_error_of_a_slope_is_what_repeated_draws_scatter_by(rng):
    sizes, draws = (32, 128, 512), 40
    slopes = [slope(sizes, [np.std(rng.standard_normal(draws)) / np.sqrt(size) for size in sizes]) for _ in range(600)]
    # 600 slopes know their scatter to 3 %, and 1/sqrt(2 (S - 1)) is a large-sample formula, good to about 1/S
    assert np.std(slopes) == pytest.approx(slope_error(sizes, draws), rel=0.12)
    assert np.mean(slopes) == pytest.approx(0.5, abs=0.02)


def test_what_is_linear_in_the_start_is_taken_out_of_the_mean(rng):
    starts = rng.standard_normal((50, 3)) + 0.3  # their own mean is off by more than what is looked for
    values = 1.5 + starts @ np.array([[2.0, -1.0], [0.0, 3.0], [1.0, 1.0]])
    np.testing.assert_allclose(mean_at_origin(values, starts), [1.5, 1.5], rtol=1e-12)


@pytest.mark.parametrize("check", order_checks(full=False), ids=lambda check: check.name)
def test_every_order_is_as_expected(check):
    report = validate([check])
    assert report.ok, report.misses
    assert report.orders[0].tolerance < 0.4 * report.orders[0].expected  # so that no neighbouring order would pass


def test_every_flow_of_the_registry_is_checked_as_a_limit_of_descent():
    flows = [name for name in OPTIMIZERS if not OPTIMIZERS.load(name).steps]
    names = [check.name for check in order_checks(full=False)]
    assert flows
    assert all(f"real descent to {name}, in dt" in names for name in flows)


def test_an_order_that_is_not_as_expected_is_a_miss(monkeypatch):
    monkeypatch.setattr(orders, "order_of_descent", lambda name: 0.9876)
    monkeypatch.setitem(orders.FLOW_ORDERS, "gradient_flow", 2)
    (check, *_) = order_checks(full=False)
    (miss,) = validate([check]).misses
    assert miss.startswith("real descent to gradient_flow, in dt: the order is 0.9876")
    assert miss.endswith("not 2 to 0.05")
