"""Tables in one JSON document, as W&B, pandas and people write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InvalidInput
from ..log import Log
from ..reading.columns import Columns, choose
from ..reading.gathering import Gathering
from ..reading.placement import of_table
from .json_text import document, numeric
from .source import has_suffix, is_text

Table = dict[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class JsonTable:
    """A list of records, ``columns`` and ``data``, or an object of columns."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log looks like one."""
        return has_suffix(path, ".json") or (is_text(head) and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["))

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""
        where = f"log {path}"
        table = _table(document(path), where)
        choice = choose(list(table), columns, where, numeric(table.items()))
        gathering = Gathering(choice, where)
        losses = {role: table[column.name] for role, column in choice.losses.items()}
        gathering.add_text(table[choice.step.name], losses)
        moved, notes = of_table(gathering, list(table))
        return gathering.log(path, "JSON", notes=notes, moved=moved)


def of_records(records: Sequence[Any]) -> Table:
    """Return the columns of records, None where a record has no such name."""
    names = dict.fromkeys(name for record in records if isinstance(record, dict) for name in record)
    return {name: [record.get(name) if isinstance(record, dict) else None for record in records] for name in names}


def _table(content: Any, where: str) -> Table:
    """Return the columns of a document."""
    if isinstance(content, dict) and _is_records(content.get("data")) and "columns" not in content:
        content = content["data"]  # pandas, orient="table"
    if _is_records(content):
        return of_records(content)
    if isinstance(content, dict):
        names, rows = content.get("columns"), content.get("data")
        if isinstance(names, list) and isinstance(rows, list):
            return _transposed(names, rows, where)
        columns: Table = {name: list(cells.values()) for name, cells in content.items() if isinstance(cells, dict)}
        columns |= {name: cells for name, cells in content.items() if isinstance(cells, list)}
        if columns:
            return columns
    raise InvalidInput(f"{where} is JSON but no table; write a list of records, or an object of lists of numbers")


def _transposed(names: list[Any], rows: list[Any], where: str) -> Table:
    """Return the columns of rows below names."""
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise InvalidInput(f"{where}: a row of 'data' has not {len(names)} values like 'columns'; write it again")
    labels = [name if isinstance(name, str) else repr(name) for name in names]
    return {label: [row[index] for row in rows] for index, label in enumerate(labels)}


def _is_records(content: Any) -> bool:
    return isinstance(content, list) and any(isinstance(record, dict) for record in content)
