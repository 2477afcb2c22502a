"""Power laws through lines of a sweep."""

from dataclasses import replace

import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.sweep.scaling import power_law
from grokode.sweep.views import View


def view(x, values):
    values = np.asarray(values, dtype=float)
    none = np.zeros(values.shape, bool)
    return View(
        quantity="delay", label="delay", title="", axes={"alpha": np.asarray(x)}, values=values,
        low=values, high=values, never=none, open=np.isnan(values), seeds=1,
    )  # fmt: skip


def test_an_exact_power_is_found_without_an_interval():
    x = np.geomspace(0.1, 10, 8)
    law = power_law(view(x, 3 * x**-1.7))
    assert (law.exponent, law.low, law.high) == pytest.approx((-1.7,) * 3, abs=1e-9)
    assert law.prefactor == pytest.approx(3)
    places, values = law.curve()
    assert (places[0], places[-1]) == pytest.approx((0.1, 10))
    np.testing.assert_allclose(values, 3 * places**-1.7)


def test_the_interval_holds_the_exponent_as_often_as_it_says():
    """95 % of 2,000 noisy laws of five points, to three standard errors (1.5 %)."""
    rng, x = np.random.default_rng(3), np.geomspace(1, 10, 5)
    laws = [power_law(view(x, x**0.5 * np.exp(0.3 * rng.standard_normal(5)))) for _ in range(2000)]
    assert np.mean([law.low <= 0.5 <= law.high for law in laws]) == pytest.approx(0.95, abs=0.015)


def test_what_was_not_reached_is_no_point():
    x = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0])
    law = power_law(view(x, [5.0, 1.0, 4.0, 16.0, np.nan, -1.0]))
    assert (law.exponent, law.points, law.left_out) == (pytest.approx(2), 3, 3)
    assert law.label == "∝ alpha^2 [2, 2], 3 of 6 points"
    assert dict(law.rows())["points"] == "3, 3 left out"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"values": np.array([1.0, 2.0, np.nan])}, "needs 3 points with positive values, delay over alpha has 2"),
        ({"axes": {"alpha": np.arange(3.0), "eps": np.arange(2.0)}}, "of one axis, got alpha, eps"),
        ({"axes": {"target": np.array(["a", "b", "c"])}}, "axis of numbers, got target"),
    ],
)
def test_what_has_no_power_law_is_refused(changed, words):
    with pytest.raises(InvalidInput, match=words):
        power_law(replace(view(np.arange(1.0, 4.0), np.ones(3)), **changed))
