"""A cell is a number, nothing, not finite, or not readable; the fast way and the slow way agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokode.overlay.reading import cells
from grokode.overlay.reading.cells import ABSENT, NOT_FINITE, NUMBER, UNREADABLE, of_numbers, of_text
from grokode.overlay.reading.resolution import Digits

KINDS = {
    NUMBER: ["0", "-0.0", "+1.5", ".5", "5.", "1e3", "1E-3", " 2 ", "\t3", "00.10"],
    ABSENT: [None, "", "  ", "None", "null", "NA", "n/a"],
    NOT_FINITE: ["nan", "NaN", "-inf", "Infinity", "1e999", "+INF"],
    UNREADABLE: ["x", "1,5", "1e", ".", "e5", "0x10", "--1", "1 2", "1" * 65, True, 1.5, [], {}],
}


@pytest.mark.parametrize(("kind", "cell"), [(kind, cell) for kind, some in KINDS.items() for cell in some])
def test_what_a_cell_is(kind, cell):
    for column in ([cell], ["1.5", cell, "2.5"], ["x", cell]):  # alone, among numbers, among words
        parsed = of_text(column)
        at = column.index(cell)
        assert parsed.kind[at] == kind
        assert np.isnan(parsed.values[at]) == (kind != NUMBER)


@pytest.mark.parametrize("cell", ["1_000", "٣", "１２", "1\x00"])
def test_what_only_python_takes_for_a_number_is_none(cell):
    assert of_text([cell]).kind[0] == UNREADABLE
    assert of_text(["1.5", cell]).kind.tolist() == [NUMBER, UNREADABLE]


def test_the_first_unreadable_cell_is_kept():
    assert of_text(["1", "a", "b"]).unreadable == "a"
    assert of_text(["1", ""]).unreadable is None


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.tuples(st.floats(-1e9, 1e9), st.integers(0, 20), st.sampled_from("efgEG")).map(
        lambda f: f"{f[0]:.{f[1]}{f[2]}}"
    ),
    st.integers(-(10**18), 10**18).map(str),
    st.sampled_from(["", "0", "-0.000", "0e-5", "1e-400", " 7", "1e+05"]),
)


@settings(deadline=None, derandomize=True, database=None, max_examples=80)
@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_many_at_once_and_one_by_one_agree(texts):
    fast, slow = of_text(texts), cells._one_by_one(texts)
    assert fast.unreadable is slow.unreadable is None
    np.testing.assert_array_equal(fast.values, slow.values)
    np.testing.assert_array_equal(fast.kind, slow.kind)
    assert fast.digits == slow.digits


def test_digits_are_counted_only_where_asked():
    assert of_text(["0.25", "1"]).digits == Digits(2, 2, 0)
    assert of_text(["0.25", "1"], count=False).digits is None


def test_numbers_keep_their_type_and_lose_what_is_not_finite():
    parsed = of_numbers(np.array([1.5, np.nan, np.inf, 2.5], dtype=np.float32), np.array([0, 0, 0, 1], dtype=bool))
    assert parsed.kind.tolist() == [NUMBER, NOT_FINITE, NOT_FINITE, ABSENT]
    assert parsed.dtype == np.float32
    assert parsed.values[0] == 1.5
    assert np.isnan(parsed.values[1:]).all()
