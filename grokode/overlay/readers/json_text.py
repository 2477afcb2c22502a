"""JSON whose numbers keep the text that they were written with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ...errors import InvalidInput
from ..reading.cells import UNREADABLE, of_text
from .source import text, whole

TIMES = 50
"""Bytes in memory for a byte of a file, at most: where it is a list of numbers of three letters each."""

DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def document(path: Path) -> Any:
    """Read a whole file; its numbers are strings.

    Raises
    ------
    InvalidInput
        If it is not JSON, cut short, or too large for the memory.
    """
    content = text(whole(path, TIMES))
    try:
        return DECODER.decode(content)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"cannot read log {path}: {error.msg} at line {error.lineno}, it is not JSON or cut short; write it again"
        ) from None


def numeric(columns: Iterable[tuple[str, Sequence[Any]]]) -> list[str]:
    """Return the names of columns whose first cells are not mostly something other than numbers."""
    able = []
    for name, cells in columns:
        first = cells[:100]
        if 2 * int((of_text(first).kind == UNREADABLE).sum()) <= len(first):
            able.append(name)
    return able
