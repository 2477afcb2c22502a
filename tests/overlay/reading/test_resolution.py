"""A stored value is within its resolution of the true one, and the resolution is not coarser than it must be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokode.overlay.reading.cells import of_text
from grokode.overlay.reading.resolution import Digits, half_ulp, half_unit, single

FLOAT = np.dtype(float)
ULP, ULP32 = 2.0**-53, 2.0**-24
"""Half the spacing just above 1."""


def of_column(texts):
    parsed = of_text(texts)
    return half_unit(parsed.values, parsed.digits, FLOAT)


BY_HAND = [
    # decimals: all values are known as finely as the one with the most
    (["0.5", "0.4321", "12.3456"], [5e-5, 5e-5, 5e-5]),
    (["3", "2", "0"], [0.5, 0.5, 0.5]),
    # significant digits: half a unit of the last of them, which is coarse where a value is large
    (["1.23457e+00", "1.23457e-04", "1.23457e+03"], [5e-6, 5e-10, 5e-3]),
    (["1.5e3", "2e3"], [50.0, 50.0]),
    # %g drops zeros behind: 3 was written as finely as 1.23457
    (["3", "1.23457", "0.000123457"], [5e-6, 5e-6, 5e-10]),
    # a zero has no digits of its own
    (["0.00", "1.25"], [5e-3, 5e-3]),
    # repr of float64
    (["1.0", "0.30000000000000004"], [ULP, ULP / 4]),
    # repr of Python floats that were float32
    (["1.0", "0.10000000149011612"], [ULP32, ULP32 / 16]),
    # a fixed number of places, however many: a small value is known no better
    (["1.0000000000000000", "0.0000000000010000"], [ULP, 5e-17]),
    # repr of float32: the last of its digits may be finer than the number was
    (["1.0", "4194304.5", "0.12345679"], [ULP32, 0.25, 5e-9]),
    (["1.0", "0.123456791"], [5e-9, 5e-10]),  # the shortest text of no float32, so the digits are meant
]


@pytest.mark.parametrize(("texts", "expected"), BY_HAND)
def test_resolution_by_hand(texts, expected):
    np.testing.assert_allclose(of_column(texts), expected, rtol=1e-12)  # powers of ten round


TRUE = st.lists(st.floats(1e-12, 1e6), min_size=1, max_size=12)


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(TRUE, st.integers(0, 16), st.sampled_from("efg"))
def test_the_truth_is_within_the_resolution_of_any_format(true, places, kind):
    texts = [f"{value:.{places}{kind}}" for value in true]
    stored = np.array(list(map(float, texts)))
    resolution = of_column(texts)
    # what is stored is a float64 itself, up to half a spacing from what was written
    assert (np.abs(stored - true) <= resolution + np.spacing(stored) / 2).all()


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(TRUE, st.sampled_from([lambda value: repr(float(value)), str]))
def test_the_truth_is_within_the_resolution_of_float32(true, written):
    rounded = np.array(true, dtype=np.float32)
    texts = [written(value) for value in rounded]
    stored = np.array(list(map(float, texts)))
    # a text of float32's shortest kind differs from the float32 by up to as much again
    assert (np.abs(stored - true) <= 2 * of_column(texts)).all()


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(st.lists(st.integers(10**5, 10**6 - 1).filter(lambda n: n % 10), min_size=3, max_size=12), st.integers(-9, 9))
def test_six_digits_are_known_to_half_a_unit_of_the_sixth(numbers, power):
    texts = [f"{number / 1e5}e{power}" for number in numbers]
    np.testing.assert_allclose(of_column(texts), 0.5 * 10.0 ** (power - 5), rtol=1e-12)


def test_exact_text_is_known_to_half_a_spacing(rng):
    values = rng.random(50)
    np.testing.assert_array_equal(of_column([repr(value) for value in values.tolist()]), np.spacing(values) / 2)


def test_binary_columns_are_known_to_half_a_spacing_of_their_type(rng):
    values = rng.random(50)
    np.testing.assert_array_equal(half_unit(values, None, FLOAT), np.spacing(values) / 2)
    narrow = values.astype(np.float32)
    for stored in (np.dtype(np.float32), FLOAT):  # said so, or a float64 array of float32 numbers
        np.testing.assert_array_equal(half_unit(narrow.astype(float), None, stored), np.spacing(narrow) / 2)
    half = values.astype(np.float16)
    np.testing.assert_array_equal(half_unit(half.astype(float), None, half.dtype), np.spacing(half) / 2)


def test_short_decimals_are_not_taken_for_float32():
    values = np.array([0.5, 0.25, 3.0])
    assert not single(values, None)
    np.testing.assert_array_equal(half_unit(values, None, FLOAT), np.spacing(values) / 2)


def test_resolution_is_never_zero():
    tiny = np.array([0.0, 5e-324, 1e-300])
    assert (half_ulp(tiny, FLOAT) > 0).all()
    assert (of_column(["0", "1e-400", "5e-324"]) > 0).all()
    assert (half_unit(np.array([1e300]), Digits(-300, 1, -300), FLOAT) < np.inf).all()


def test_integers_are_exact():
    np.testing.assert_array_equal(half_ulp(np.array([1.0, 4.0]), np.dtype(np.int32)), [ULP, ULP * 4])
