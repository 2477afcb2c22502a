r"""Matrix algebra with the shapes left open: identities that hold for every N, D and r.

A letter is a matrix, a product of letters is a word, and nothing commutes. What two adjacent letters make
(:math:`W^T W = N M`, :math:`1^T 1 = N`) is a rule that replaces them. An identity that holds as words holds
for matrices of any size, so neither N nor D ever gets a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from .gaussian import Inner, Matrix, Vector


class Letter(sp.Symbol):
    """A matrix of any shape."""

    def __new__(cls, name: str) -> Letter:
        """Make a letter that does not commute."""
        return super().__new__(cls, name, commutative=False)


class Symmetric(Letter):
    """A matrix that is its own transpose."""


class Column(Letter):
    """A column vector."""


class Row(Letter):
    """A row vector, the transpose of a column."""


def T(expression: sp.Expr) -> sp.Expr:
    """Transpose: every word is read backwards, letter by letter transposed."""
    total = sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(expression)):
        numbers, letters = term.args_cnc()
        total += sp.Mul(*numbers, *(_transposed(letter) for letter in reversed(letters)))
    return total


def _transposed(letter: sp.Expr) -> sp.Expr:
    if letter.is_Pow:
        return _transposed(letter.base) ** letter.exp
    if isinstance(letter, Symmetric):
        return letter
    if letter.name.endswith("ᵀ"):
        return (Column if isinstance(letter, Row) else Letter)(letter.name.removesuffix("ᵀ"))
    return (Row if isinstance(letter, Column) else Letter)(letter.name + "ᵀ")


def reduce(expression: sp.Expr, rules: Mapping[sp.Expr, sp.Expr]) -> sp.Expr:
    """Expand, and apply the rules wherever their left side stands in a word, until none does."""
    expression = sp.expand(expression)
    while (after := sp.expand(expression.subs(list(rules.items())))) != expression:
        expression = after
    return expression


def along(expression: sp.Expr, letter: Letter, direction: sp.Expr) -> sp.Expr:
    """Return the derivative at ``letter`` along ``direction``: the part linear in s of letter + s direction."""
    s = sp.Symbol("s")
    moved = expression.subs(
        {letter: letter + s * direction, _transposed(letter): _transposed(letter) + s * T(direction)}, simultaneous=True
    )
    return sp.expand(moved).coeff(s, 1)


def scalars(expression: sp.Expr) -> sp.Expr:
    """Read every stretch from a row to a column as a number, an ``Inner`` product, which commutes."""
    total = sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(expression)):
        numbers, powers = term.args_cnc()
        letters = [letter for power in powers for letter in _repeated(power)]
        stretch: list[sp.Symbol] = []
        for letter in letters:
            if isinstance(letter, Row) == bool(stretch):
                raise ValueError(f"a number starts at a row and ends at a column, got {term}")
            if isinstance(letter, (Row, Column)):
                stretch.append(Vector(letter.name.removesuffix("ᵀ")))
            else:
                stretch.append(Matrix(letter.name))
            if isinstance(letter, Column):
                numbers.append(Inner(*stretch))
                stretch = []
        total += sp.Mul(*numbers)
    return total


def _repeated(power: sp.Expr) -> list[sp.Expr]:
    return [power.base] * int(power.exp) if power.is_Pow else [power]


def numbers(expression: sp.Expr) -> sp.Expr:
    """Read every stretch from a row to a column as a number: it commutes, and is its own transpose.

    Unlike ``scalars`` it takes matrices of any kind, and the rest of a word may be no number.
    """
    total = sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(expression)):
        coefficients, letters = term.args_cnc()
        before: list[sp.Expr] = []
        stretch: list[sp.Expr] = []
        for letter in letters:
            (stretch if stretch or isinstance(letter, Row) else before).append(letter)
            if stretch and isinstance(letter, Column):
                word = min(map(str, (sp.Mul(*stretch), T(sp.Mul(*stretch)))))
                coefficients.append(sp.Symbol(f"({word.replace('*', ' ')})"))
                stretch = []
        total += sp.Mul(*coefficients, *before, *stretch)
    return sp.expand(total)


def gradient(form: sp.Expr, direction: Letter) -> sp.Expr:
    """Gradient of a number linear in a direction: u·δv = tr(δᵀ u vᵀ), so it is u vᵀ."""
    total = sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(form)):
        coefficients, letters = (term if term.has(direction) else T(term)).args_cnc()
        at = letters.index(direction)
        total += sp.Mul(*coefficients) * T(sp.Mul(*letters[:at])) * T(sp.Mul(*letters[at + 1 :]))
    return sp.expand(total)


def numeric(expression: sp.Expr, values: Mapping[str, Any]) -> Any:
    """Put numbers and arrays in the place of symbols and letters, by their names.

    Parameters
    ----------
    expression : Expr
    values : mapping
        A column is (n, 1); a transposed letter is found by the name of what it transposes.

    Returns
    -------
    ndarray
    """
    total: Any = 0
    for term in sp.Add.make_args(sp.expand(expression)):
        numbers, powers = term.args_cnc()
        factor = sp.Mul(*numbers)
        product = float(factor.subs({symbol: values[symbol.name] for symbol in factor.free_symbols}))
        letters = [letter for power in powers for letter in _repeated(power)]
        arrays = [values[letter.name] if letter.name in values else values[letter.name[:-1]].T for letter in letters]
        total = total + product * (np.linalg.multi_dot(arrays) if len(arrays) > 1 else arrays[0])
    return total
