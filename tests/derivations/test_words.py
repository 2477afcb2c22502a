"""Matrix words, against matrices of numbers."""

import numpy as np
import pytest
import sympy as sp
from grokode_derivations.gaussian import Inner
from grokode_derivations.notation import M, N, eps, wbar, x
from grokode_derivations.words import Column, Letter, Symmetric, T, along, numeric, reduce, scalars

W, Q = Letter("W"), Letter("Q")
G = Symmetric("G")
one, g, point = Column("1"), Column("g"), Column("x")


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((3, 3))
    return {
        "W": rng.standard_normal((5, 3)),
        "1": np.ones((5, 1)),
        "g": rng.standard_normal((3, 1)),
        "x": rng.standard_normal((3, 1)),
        "G": root + root.T,
        "N": 5,
    }


def test_transposing_reverses_and_transposes_each_letter(values):
    word = one * T(g) * G**2 + 3 * W * G
    assert T(word) == sp.expand(G**2 * g * T(one) + 3 * G * T(W))
    assert T(T(word)) == sp.expand(word)
    np.testing.assert_allclose(numeric(T(word), values), numeric(word, values).T)


def test_letters_do_not_commute():
    assert sp.expand(W * G - G * W) != 0


def test_rules_hold_for_numbers_and_apply_wherever_they_fit(values):
    Mw, w = Symmetric("M"), Column("w̄")
    rules = {T(W) * W: N * Mw, T(W) * one: N * w, T(one) * W: N * T(w), T(one) * one: N}
    values |= {"M": values["W"].T @ values["W"] / 5, "w̄": values["W"].T @ values["1"] / 5}
    word = G * T(W) * W * G + T(W) * one * T(one) * W
    reduced = reduce(word, rules)
    assert not reduced.has(W)
    np.testing.assert_allclose(numeric(reduced, values), numeric(word, values), rtol=1e-13)


def test_derivative_along_a_direction_is_the_limit_of_differences(values):
    d = Letter("d")
    function = T(point) * T(W) * W * G * point
    derivative = along(function, W, d)
    values["d"] = np.random.default_rng(1).standard_normal((5, 3))
    step = 1e-6
    ahead, behind = ({**values, "W": values["W"] + sign * step * values["d"]} for sign in (1, -1))
    difference = (numeric(function, ahead) - numeric(function, behind)) / (2 * step)
    np.testing.assert_allclose(numeric(derivative, values), difference, rtol=1e-8)


def test_a_stretch_from_row_to_column_is_a_number():
    w = Column("w̄")
    Mw = Symmetric("M")
    assert scalars(T(w) * point * T(point) * Mw * point) == Inner(wbar, x) * Inner(x, M, x)
    assert scalars(eps * T(point) * point) == eps * Inner(x, x)


@pytest.mark.parametrize("word", [W * point, point * T(point), T(point) * T(point)])
def test_what_is_no_number_is_refused(word):
    with pytest.raises(ValueError, match="starts at a row and ends at a column"):
        scalars(word)
