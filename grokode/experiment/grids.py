"""Grids of numbers as text: ``0.1,1,10``, ``log:0.01:100:9``, ``lin:0.4:5.6:14``."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidInput


def parse_grid(text: str) -> list[float]:
    """Read a grid.

    Raises
    ------
    InvalidInput
        If the text is none of the three forms.
    """
    kind, _, rest = text.partition(":")
    try:
        if kind not in ("log", "lin"):
            return [float(part) for part in text.split(",")]
        low, high, count = rest.split(":")
        space = np.geomspace if kind == "log" else np.linspace
        return [float(value) for value in space(float(low), float(high), int(count))]
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not a grid; write 0.1,1,10 or log:0.01:100:9 (low:high:count) or lin:0.4:5.6:14"
        ) from None
