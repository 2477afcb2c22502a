"""Orders of convergence, and the statistics behind their tolerances."""

import math
from functools import partial

import numpy as np
import pytest
from grokode_validate import orders
from grokode_validate.flows import STEPPED
from grokode_validate.orders import Measured, followed, mean_at_origin, order_checks, slope
from grokode_validate.report import validate

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.experiment.compose import composition_of
from grokode.experiment.simulate import simulate


def constant(values):
    return [lambda some, value=value: value for value in values]


def test_the_slope_is_the_power():
    assert slope((1, 4, 16), constant((3.0, 1.5, 0.75)), 5).order == pytest.approx(0.5)
    assert slope((1, 10, 100), constant((2e-3, 2e-4, 2e-5)), 5).order == pytest.approx(1)


def test_the_tolerance_is_four_times_what_repeated_draws_scatter_by(rng):
    sizes, draws = (32, 128, 512), 80

    def spread(values, some):
        return float(np.std(values[some]))

    found = [
        slope(sizes, [partial(spread, rng.standard_normal(draws) / np.sqrt(size)) for size in sizes], draws)
        for _ in range(200)
    ]
    # 200 slopes know their scatter to 5 %: three of those
    error = np.sqrt(np.mean([(each.tolerance / 4) ** 2 for each in found]))
    assert error == pytest.approx(np.std([each.order for each in found]), rel=0.15)
    assert np.mean([each.order for each in found]) == pytest.approx(0.5, abs=0.02)


def test_draws_that_say_nothing_allow_no_more_than_half_of_what_orders_are_apart(rng):
    values = rng.standard_normal((3, 8))
    assert slope((1, 2, 4), [lambda some, v=v: float(abs(np.mean(v[some]))) for v in values], 8).tolerance == 0.25


def test_what_is_linear_in_the_start_is_taken_out_of_the_mean(rng):
    starts = rng.standard_normal((50, 3)) + 0.3  # their own mean is off by more than what is looked for
    values = 1.5 + starts @ np.array([[2.0, -1.0], [0.0, 3.0], [1.0, 1.0]])
    np.testing.assert_allclose(mean_at_origin(values, starts), [1.5, 1.5], rtol=1e-12)


@pytest.mark.parametrize("check", order_checks(full=False), ids=lambda check: check.name)
def test_every_order_is_as_expected(check):
    report = validate([check])
    assert report.ok, report.misses
    assert report.orders[0].tolerance < 0.24  # of its own: the bound that keeps neighbouring orders out is not needed


@pytest.mark.parametrize(("planted", "ok"), [(1.0, True), (0.5, False), (0.75, False), (1.5, False)])
def test_a_planted_order_of_the_mean_is_a_miss(monkeypatch, planted, ok):
    """The real draws, their means moved to where the first would be after falling with the planted power."""
    infinite = composition_of(None, {**orders.SMALL, "width": math.inf}).experiment
    limit = simulate(infinite, keep_states=True).states[-1].M
    original = orders.trained_starts

    def moved(starts):
        found = original(starts)
        off = mean_at_origin(*found[0]) - limit
        return [
            (M + off * ((starts[0][0] / width) ** planted - starts[0][0] / width), at_start)
            for width, (M, at_start) in zip(starts[0], found, strict=True)
        ]

    monkeypatch.setattr(orders, "trained_starts", moved)
    (check,) = (check for check in order_checks(full=False) if check.name.startswith("mean"))
    assert validate([check]).ok == ok


@pytest.mark.parametrize(("planted", "ok"), [(0.5, True), (0.25, False), (0.75, False), (1.0, False)])
def test_a_planted_order_of_the_spread_is_a_miss(monkeypatch, planted, ok):
    original = orders.trained_starts

    def stretched(starts):
        found = zip(starts[0], original(starts), strict=True)
        return [(M * width ** (0.5 - planted), at_start) for width, (M, at_start) in found]

    monkeypatch.setattr(orders, "trained_starts", stretched)
    (check,) = (check for check in order_checks(full=False) if check.name.startswith("spread"))
    assert validate([check]).ok == ok


def test_every_flow_of_the_registry_is_checked_as_a_limit_of_descent():
    flows = {name for name in OPTIMIZERS if not OPTIMIZERS.load(name).steps}
    names = " ".join(check.name for check in order_checks(full=False))
    assert flows == {written.partition(":")[0] for written in STEPPED}
    assert all(f"real {followed(written)} to {written}, in dt" in names for written in STEPPED)


def test_an_order_that_is_not_as_expected_is_a_miss(monkeypatch):
    monkeypatch.setattr(orders, "order_of_descent", lambda name: Measured(0.9376, 0.05))
    (check, *_) = order_checks(full=False)
    (miss,) = validate([check]).misses
    assert miss == "real gradient_descent to gradient_flow, in dt: the order is 0.9376, not 1 to 0.05"
