"""Cells of a log: numbers, and what stands where a number should be."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..log import Array
from .resolution import PLAIN, Digits, written

ABSENT, NUMBER, NOT_FINITE, UNREADABLE = range(4)

LONGEST = 64
"""Characters of the longest number that is read."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_NOTHING = frozenset({"", "none", "null", "na", "n/a"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cells:
    """Part of one column.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN where there is no finite number.
    kind : ndarray of int, shape (n,)
        ``ABSENT``, ``NUMBER``, ``NOT_FINITE`` or ``UNREADABLE``.
    digits : Digits or None
        Of the numbers, where they are text.
    dtype : dtype
        What numbers that are not text are stored as.
    unreadable : str or None
        The first cell that is neither a number nor nothing.
    """

    values: Array
    kind: NDArray[np.uint8]
    digits: Digits | None = None
    dtype: np.dtype[Any] = np.dtype(float)
    unreadable: str | None = None


def of_numbers(values: NDArray[Any], absent: NDArray[np.bool_] | None = None) -> Cells:
    """Return cells that are numbers already."""
    kind = np.where(np.isfinite(values), NUMBER, NOT_FINITE).astype(np.uint8)
    if absent is not None:
        kind[absent] = ABSENT
    return Cells(values=np.where(kind == NUMBER, values, np.nan).astype(float), kind=kind, dtype=values.dtype)


def of_text(cells: Sequence[Any], *, count: bool = True) -> Cells:
    """Parse cells of text; None is an absent one, and what is neither is not readable.

    Parameters
    ----------
    cells : sequence
    count : bool, optional
        Whether to count digits.
    """
    blank = np.zeros(len(cells), dtype=bool)
    present = cells
    if None in cells or "" in cells:
        blank = np.array([cell is None or cell == "" for cell in cells], dtype=bool)
        present = [cell for cell in cells if cell is not None and cell != ""]
    plain = _plain(present, count)
    if plain is None:
        return _one_by_one(cells)
    numbers, digits = plain
    values, kind = np.full(len(cells), np.nan), np.full(len(cells), ABSENT, dtype=np.uint8)
    values[~blank] = np.where(np.isfinite(numbers), numbers, np.nan)  # 1e999
    kind[~blank] = np.where(np.isfinite(numbers), NUMBER, NOT_FINITE)
    return Cells(values=values, kind=kind, digits=digits)


def _plain(cells: Sequence[Any], count: bool) -> tuple[Array, Digits | None] | None:
    """Parse cells that are all plain numbers, many times faster than one by one; None if they are not."""
    if not len(cells):
        return np.empty(0), None
    try:
        values = np.fromiter(map(float, cells), float, len(cells))
        letters = "".join(cells).encode("ascii")
    except (ValueError, TypeError, OverflowError):  # a word, a list, letters beyond ASCII
        return None
    if letters.translate(None, PLAIN) or max(map(len, cells)) > LONGEST:
        return None  # nan, 1_000 and the like are numbers to Python
    return values, written(np.array(cells, dtype="S")) if count else None


def _one_by_one(cells: Sequence[Any]) -> Cells:
    """Parse cells of all kinds."""
    values, kind = np.full(len(cells), np.nan), np.full(len(cells), ABSENT, dtype=np.uint8)
    digits, unreadable = None, None
    for index, cell in enumerate(cells):
        values[index], kind[index], found = _one(cell)
        if found is not None:
            digits = found if digits is None else digits | found
        if kind[index] == UNREADABLE and unreadable is None:
            unreadable = str(cell)
    return Cells(values=values, kind=kind, digits=digits, unreadable=unreadable)


def _one(cell: Any) -> tuple[float, int, Digits | None]:
    """Parse one cell: its value, its kind, its digits."""
    if cell is None:
        return math.nan, ABSENT, None
    text = cell.strip() if isinstance(cell, str) and len(cell) <= LONGEST else None
    if text is None:
        return math.nan, UNREADABLE, None
    if text.lower() in _NOTHING:
        return math.nan, ABSENT, None
    if _NUMBER.fullmatch(text):
        value = float(text)
        return (value, NUMBER, Digits.of(text)) if math.isfinite(value) else (math.nan, NOT_FINITE, None)
    return math.nan, NOT_FINITE if _NOT_FINITE.fullmatch(text) else UNREADABLE, None
