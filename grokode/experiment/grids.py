"""Grids of numbers as text: ``0.1,1,10``, ``log:0.01:100:9``, ``lin:0.4:5.6:14``; whole numbers ``0:20``."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidInput

FORMS = "write 0.1,1,10 or log:0.01:100:9 (low:high:count) or lin:0.4:5.6:14"
MOST = 1_000_000
"""The longest grid."""


def parse_grid(text: str) -> list[float]:
    """Read a grid.

    Raises
    ------
    InvalidInput
        If the text is none of the three forms, a logarithmic one is not positive, or there are too many numbers.
    """
    kind, _, rest = text.partition(":")
    try:
        if kind not in ("log", "lin"):
            return [float(part) for part in text.split(",")]
        low, high, count = (number(part) for number, part in zip((float, float, int), rest.split(":"), strict=True))
    except ValueError:
        raise InvalidInput(f"{text!r} is not a grid; {FORMS}") from None
    if not 1 <= count <= MOST:
        raise InvalidInput(f"{text!r} has {count} numbers; ask for 1 to {MOST}")
    if kind == "log" and not (low > 0 and high > 0):
        raise InvalidInput(f"{text!r} is not a grid: log: needs positive numbers, got {min(low, high):g}; {FORMS}")
    if kind == "log":
        return [float(value) for value in np.geomspace(low, high, count)]
    return [float(f"{value:.15g}") for value in np.linspace(low, high, count)]  # 3.2, not 3.1999999999999997


def parse_range(text: str) -> list[int]:
    """Read whole numbers: ``0:20`` (0 to 19) or ``1,5,9``.

    Raises
    ------
    InvalidInput
        If the text is neither, or there are too many numbers.
    """
    try:
        if ":" not in text:
            return [int(part) for part in text.split(",")]
        first, end = (int(part) for part in text.split(":"))
    except ValueError:
        raise InvalidInput(f"{text!r} is not a range; write 0:20 (0 to 19) or 1,5,9") from None
    if not 1 <= end - first <= MOST:
        raise InvalidInput(f"{text!r} has {max(end - first, 0)} numbers; ask for 1 to {MOST}, like 0:20 (0 to 19)")
    return list(range(first, end))
