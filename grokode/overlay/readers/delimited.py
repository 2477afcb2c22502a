"""Tables of text: CSV, TSV, and what W&B, Lightning and Keras write so."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path

from ...errors import InvalidInput
from ..log import Log
from ..reading.cells import UNREADABLE, of_text
from ..reading.columns import Columns, choose
from ..reading.gathering import Gathering
from ..reading.placement import of_table
from .source import has_suffix, is_text, lines

ROWS = 1 << 14
"""Rows in memory at a time."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """A line of names, then a line of numbers a row, parted by commas, tabs, semicolons or spaces."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log looks like one; any text does."""
        return is_text(head) or has_suffix(path, ".csv", ".tsv")

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""
        source = lines(path)
        first = next(source, "").removeprefix("#").strip(" ")
        delimiter = max(",\t;", key=first.count)
        if delimiter not in first:
            delimiter = " "
        try:
            names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter, skipinitialspace=True), [])]
            rows = csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)
            return self._gathered(path, names, rows, columns)
        except csv.Error as error:
            raise InvalidInput(f"cannot read log {path}: {error}; write a plain table of numbers") from None

    def _gathered(self, path: Path, names: list[str], rows: Iterator[list[str]], columns: Columns) -> Log:
        where = f"log {path}"
        piece = list(islice(rows, ROWS))
        if not piece:
            raise InvalidInput(f"{where} holds no rows below a line of names; write one row a step")
        if all(kind != UNREADABLE for kind in of_text(names).kind):
            raise InvalidInput(
                f"{where} starts with numbers; write a line of names first, like step,loss_train,loss_test"
            )
        gathering = Gathering(choose(names, columns, where, _numeric(names, piece)), where)
        step, losses = gathering.choice.step, gathering.choice.losses
        pick = itemgetter(step.index, *(column.index for column in losses.values()))
        while piece:
            full = [row for row in piece if len(row) == len(names)]
            gathering.miss(len(piece) - len(full))
            if full:
                steps, *values = zip(*map(pick, full), strict=True)
                gathering.add_text(steps, dict(zip(losses, values, strict=True)))
            piece = list(islice(rows, ROWS))
        moved, notes = of_table(gathering, names, sparse=True)
        kind = "W&B CSV export" if any(" - " in column.name for column in losses.values()) else "table"
        return gathering.log(path, kind, notes=notes, moved=moved)


def _numeric(names: Sequence[str], rows: list[list[str]]) -> list[str]:
    """Return the columns that are not mostly words in the first rows."""
    full = [row for row in rows[:1000] if len(row) == len(names)]
    words = [(of_text([row[index] for row in full]).kind == UNREADABLE).sum() for index in range(len(names))]
    return [name for name, count in zip(names, words, strict=True) if 2 * count <= len(full)]
