"""Views of a sweep: medians over seeds that know what was not reached."""

import numpy as np
import pytest
import xarray

from grokode.errors import InvalidInput
from grokode.sweep.layout import CROSSINGS
from grokode.sweep.views import view_of

REACHED, OPEN, NEVER = (CROSSINGS.index(name) for name in ("reached", "not_reached", "never"))


def dataset(times, codes):
    """One threshold over (alpha, seed), with a test loss only."""
    dims = ("alpha", "seed", "threshold")
    times, codes = np.array(times, dtype=float)[..., None], np.array(codes, dtype="i1")[..., None]
    alphas, seeds = times.shape[:2]
    return xarray.Dataset(
        {
            "status": (("alpha", "seed"), np.ones((alphas, seeds), "i1"), {"flag_meanings": "pending done"}),
            "t_test": (dims, times, {"units": "flow time"}),
            "t_test_status": (dims, codes, {"flag_meanings": " ".join(CROSSINGS)}),
        },
        {"alpha": np.arange(1.0, alphas + 1), "seed": np.arange(seeds), "threshold": ["0.1"]},
    )


def test_the_median_counts_what_was_not_reached_as_later_than_all():
    """Of five seeds: all reached; two, three beyond the end; three proved never; one not computed."""
    nan = np.nan
    times = [[5, 1, 3, 2, 4], [1, nan, 2, nan, 3], [1, nan, nan, nan, 3], [1, nan, nan, nan, 3], [1, nan, 2, 3, 4]]
    codes = [
        [REACHED] * 5,
        [REACHED, OPEN, REACHED, NEVER, REACHED],
        [REACHED, OPEN, OPEN, NEVER, REACHED],
        [REACHED, NEVER, NEVER, NEVER, REACHED],
        [REACHED, 0, REACHED, REACHED, REACHED],
    ]
    view = view_of(dataset(times, codes), "t_test")
    np.testing.assert_array_equal(view.values, [3, 3, nan, nan, nan])
    np.testing.assert_array_equal(view.open, [False, False, True, False, False])
    np.testing.assert_array_equal(view.never, [False, False, False, True, False])
    np.testing.assert_array_equal(view.low[:3], [2, 2, 3])
    np.testing.assert_array_equal(view.high[:3], [4, np.inf, np.inf])
    assert (view.seeds, view.title, view.label) == (5, "threshold 0.1", "t_test (flow time)")


def test_the_median_is_that_of_kaplan_and_meier():
    """Against the product-limit estimator, written here in full, on times censored at one end."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        drawn = rng.exponential(1.0, 11)
        end = rng.uniform(0.3, 2.0)
        reached = drawn < end
        times = np.where(reached, drawn, np.nan)
        survival, median = 1.0, np.nan
        for k, t in enumerate(np.sort(drawn[reached])):
            survival *= 1 - 1 / (len(drawn) - k)
            if survival <= 0.5 + 1e-12 and np.isnan(median):
                median = t
        view = view_of(dataset([times], [np.where(reached, REACHED, OPEN)]), "t_test")
        np.testing.assert_array_equal(view.values, [median])


def test_the_median_of_an_even_number_is_between_the_two_in_the_middle():
    times = [[1, 5, 2, 4], [1, np.nan, np.nan, 4], [3, 1, 2, np.nan]]
    codes = [[REACHED] * 4, [REACHED, OPEN, OPEN, REACHED], [REACHED, REACHED, REACHED, NEVER]]
    view = view_of(dataset(times, codes), "t_test")
    np.testing.assert_array_equal(view.values, [3, np.nan, 2.5])  # where the later of the two is unknown, so is it
    np.testing.assert_array_equal(view.open, [False, True, False])
    np.testing.assert_array_equal(view.low, [1.5, 2.5, 1.5])


def test_a_value_of_an_axis_may_be_rounded_and_no_more():
    data = dataset([[1.0], [2.0], [3.0]], [[REACHED]] * 3)
    assert view_of(data, "t_test", x="seed", at={"alpha": "2.004"}).title.startswith("alpha = 2.0")
    with pytest.raises(InvalidInput, match="alpha has no value near 2.5; it has 1, 2, 3"):
        view_of(data, "t_test", x="seed", at={"alpha": "2.5"})


def test_one_seed_can_be_looked_at():
    data = dataset([[1, 2], [3, np.nan]], [[REACHED, REACHED], [REACHED, OPEN]])
    view = view_of(data, "t_test", at={"seed": "1"})
    np.testing.assert_array_equal(view.values, [2, np.nan])
    np.testing.assert_array_equal(view.open, [False, True])
    assert view.title == "seed = 1, threshold 0.1"


def test_codes_and_curves_are_no_quantities():
    with pytest.raises(InvalidInput, match="unknown quantity 't_test_status'"):
        view_of(dataset([[1]], [[REACHED]]), "t_test_status")
