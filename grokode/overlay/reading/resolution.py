"""How far a true loss can lie from the stored one: half a unit of its last digit, decimal or binary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..log import Array

EXACT = 17
"""Significant digits that tell every float64 from its neighbours."""

SINGLE = 9
"""Significant digits that tell every float32 from its neighbours."""

PLAIN = b" +-.0123456789Ee"
"""Letters of a plain number."""


@dataclass(frozen=True, slots=True)
class Digits:
    """The digits that the numbers of a column are written with.

    A trailing zero may have been left out, so one number alone does not tell how finely it was written.

    Parameters
    ----------
    decimals : int
        The most places after the point, negative where even the units are missing.
    significant : int
        The most digits from the first that is not zero.
    fewest : int
        The fewest places after the point.
    """

    decimals: int
    significant: int
    fewest: int

    @staticmethod
    def of(number: str) -> Digits:
        """Count the digits of one number."""
        mantissa, _, exponent = number.lower().partition("e")
        whole, _, fraction = mantissa.strip().lstrip("+-").partition(".")
        decimals = len(fraction) - max(-_FAR, min(int(exponent or 0), _FAR))
        return Digits(decimals, len((whole + fraction).lstrip("0")), decimals)

    def __or__(self, other: Digits) -> Digits:
        """Return the digits of two columns put together."""
        return Digits(
            max(self.decimals, other.decimals),
            max(self.significant, other.significant),
            min(self.fewest, other.fewest),
        )

    @property
    def exact(self) -> bool:
        """Whether the column holds float64 in full: as many digits as it takes, not as many places."""
        return self.significant >= EXACT and self.fewest < self.decimals


def half_unit(values: Array, digits: Digits | None, dtype: np.dtype[Any]) -> Array:
    """Return half a unit of the last place that is known of each value, shape (n,).

    A fixed number of decimals and a fixed number of significant digits both leave their mark on a column of
    text; what is known of a value is the coarser of the two. Nothing is finer than the floating-point numbers
    that were written: float32 where the values say so (see ``single``), float64 otherwise.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Not negative.
    digits : Digits or None
        Of the column, where it is text.
    dtype : dtype
        What a binary column is stored as.
    """
    if dtype == np.dtype(float) and single(values, digits):
        dtype = np.dtype(np.float32)
    binary = half_ulp(values, dtype)
    if digits is None or digits.exact:
        return binary
    decimal = np.full(len(values), 0.5 * _power(-digits.decimals))
    positive = values > 0
    leading = np.floor(np.log10(values[positive])).astype(int)
    decimal[positive] = np.maximum(decimal[positive], 0.5 * _power(leading + 1 - digits.significant))
    coarser: Array = np.maximum(binary, decimal)
    return coarser


def half_ulp(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return half the spacing of floating-point numbers at each value, never zero; of float64 for integers."""
    if dtype.kind != "f" or dtype.itemsize >= 8:
        dtype = np.dtype(float)
    half: Array = np.maximum(0.5 * np.spacing(values.astype(dtype)).astype(float), np.finfo(float).smallest_subnormal)
    return half


def single(values: Array, digits: Digits | None) -> bool:
    """Tell whether all values were float32 before they were written.

    Either each equals its own float32 rounding, or each is the shortest text of a float32. Short decimals
    always are one of the two; in text their digits decide then, and as float64 they are taken for float64.
    """
    if not len(values) or values.max() > np.finfo(np.float32).max:
        return False
    rounded = values.astype(np.float32)
    if (rounded == values).all():
        return digits is not None or max(Digits.of(repr(value)).significant for value in values.tolist()) > SINGLE
    if digits is None or digits.significant > SINGLE:
        return False
    return all(float(str(number)) == value for number, value in zip(rounded, values.tolist(), strict=True))


def written(text: NDArray[np.bytes_]) -> Digits:
    """Count the digits of many numbers at once.

    Parameters
    ----------
    text : ndarray of bytes, shape (n,)
        Not empty; numbers of no other letters than ``PLAIN``.
    """
    byte = text.view(np.uint8).reshape(len(text), -1)
    digit, point, exponent = _DIGIT[byte], byte == ord("."), (byte | 32) == ord("e")
    scale = np.zeros(len(text), dtype=int)
    if exponent.any():
        behind = np.logical_or.accumulate(exponent, axis=1)
        scale = _scale(byte, digit & behind, behind)
        digit &= ~behind
    decimals = (digit & np.logical_or.accumulate(point, axis=1)).sum(axis=1) - scale
    started = np.logical_or.accumulate(digit & (byte != ord("0")), axis=1)
    significant = (digit & started).sum(axis=1)
    return Digits(int(decimals.max()), int(significant.max()), int(decimals.min()))


def _scale(byte: NDArray[np.uint8], digit: NDArray[np.bool_], behind: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the powers of ten behind the letter e, shape (n,)."""
    scale = np.zeros(len(byte), dtype=np.int64)
    for column in range(byte.shape[1]):
        more = np.minimum(10 * scale + (byte[:, column] - ord("0")), _FAR)
        scale = np.where(digit[:, column], more, scale)
    negative = (behind & (byte == ord("-"))).any(axis=1)
    return np.where(negative, -scale, scale)


def _power(exponent: Any) -> Any:
    """Return a power of ten that is neither zero nor infinite."""
    return 10.0 ** np.clip(exponent, -_FAR, 307)


_FAR = 323
"""No float64 has a digit further behind the point."""

_DIGIT = np.isin(np.arange(256), list(b"0123456789"))
