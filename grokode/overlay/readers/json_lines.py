"""JSON lines: one record a line, read in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ...errors import InvalidInput
from ..log import Log
from ..reading.cells import UNREADABLE, of_text
from ..reading.columns import Columns, choose
from ..reading.gathering import Gathering
from ..reading.placement import of_table
from .json_text import DECODER
from .source import has_suffix, is_text, lines

ROWS = 1 << 13
"""Records in memory at a time."""

MOST_NAMES = 10_000

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One JSON object a line."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log looks like one: two lines that are objects, or a name that says so."""
        if has_suffix(path, ".jsonl", ".ndjson"):
            return True
        rows = [row for row in head.lstrip(b"\xef\xbb\xbf").splitlines() if row.strip()][:2]
        return (
            is_text(head)
            and len(rows) == 2
            and _record(rows[0].decode("utf-8", "replace")) is not None
            and (rows[1].lstrip().startswith(b"{"))
        )

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""
        where = f"log {path}"
        names = _names(path)
        choice = choose(list(names), columns, where, [name for name, able in names.items() if able])
        gathering = Gathering(choice, where)
        rows = lines(path)
        while piece := list(islice(rows, ROWS)):
            records = [record for row in piece if (record := _record(row)) is not None]
            gathering.miss(len(piece) - len(records))
            gathering.add_text(
                [record.get(choice.step.name) for record in records],
                {role: [record.get(column.name) for record in records] for role, column in choice.losses.items()},
            )
        moved, notes = of_table(gathering, list(names))
        return gathering.log(path, "JSON lines", notes=notes, moved=moved)


def _names(path: Path) -> dict[str, bool]:
    """Return the names of all records, and whether what stands there first can be a number."""
    names: dict[str, bool] = {}
    for record in _records(path):
        if record.keys() <= names.keys():
            continue
        new = [name for name in record if name not in names]
        names |= {name: bool(of_text([record[name]]).kind[0] != UNREADABLE) for name in new}
        if len(names) > MOST_NAMES:
            raise InvalidInput(f"log {path} has more than {MOST_NAMES} names; write one object of few names a line")
    if not names:
        raise InvalidInput(f"log {path} holds no JSON objects; write one a line")
    return names


def _records(path: Path) -> Iterator[Record]:
    for row in lines(path):
        record = _record(row)
        if record is not None:
            yield record


def _record(row: str) -> Record | None:
    """Return the object of a line, None if it is not one."""
    try:
        record = DECODER.decode(row)
    except (json.JSONDecodeError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
