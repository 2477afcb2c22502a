"""Parquet tables, by pyarrow (an extra)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InvalidInput
from ...memory import refuse
from ..log import Log
from ..reading.cells import Cells, of_numbers
from ..reading.columns import FLAGS, STEP, Columns, choose
from ..reading.gathering import Gathering
from ..reading.names import shown
from ..reading.placement import of_table
from .source import has_suffix

ROWS = 1 << 16
"""Rows in memory at a time, beside the pages they are decoded from."""


@dataclass(frozen=True, slots=True)
class Parquet:
    """A table of columns, as pandas or W&B write it."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log looks like one."""
        return has_suffix(path, ".parquet", ".pq") or head[:4] == b"PAR1"

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise InvalidInput(f"log {path} is parquet, which needs pyarrow; pip install pyarrow") from None
        try:
            with pyarrow.parquet.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
                return self._gathered(path, file, columns)
        except (pyarrow.ArrowException, ValueError, TypeError, KeyError, IndexError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise InvalidInput(f"cannot read log {path}: {reason}; write it again") from None

    def _gathered(self, path: Path, file: Any, columns: Columns) -> Log:
        where = f"log {path}"
        fields = list(file.schema_arrow)
        choice = choose(
            [field.name for field in fields], columns, where, [field.name for field in fields if _is_number(field.type)]
        )
        for role, column in {STEP: choice.step, **choice.losses}.items():
            if not _is_number(kind := fields[column.index].type):
                raise InvalidInput(
                    f"{where}: column {shown(column.name)} is {kind}, not numbers; name another with {FLAGS[role]}"
                )
        groups = [file.metadata.row_group(index).total_byte_size for index in range(file.num_row_groups)]
        refuse(max(groups, default=0), where, "write it in smaller row groups, or as CSV")
        gathering = Gathering(choice, where)
        wanted = {column.name for column in (choice.step, *choice.losses.values())}
        for batch in file.iter_batches(ROWS, columns=sorted(wanted), use_threads=False):
            losses = {role: _cells(batch.column(column.name)) for role, column in choice.losses.items()}
            gathering.add(_cells(batch.column(choice.step.name)), losses)
        moved, notes = of_table(gathering, [field.name for field in fields])
        return gathering.log(path, "parquet", notes=notes, moved=moved)


def _is_number(kind: Any) -> bool:
    import pyarrow.types

    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind))


def _cells(column: Any) -> Cells:
    """Return the cells of a column; a null is an absent one."""
    absent = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    values = column.fill_null(0).to_numpy(zero_copy_only=False)
    return of_numbers(values, absent)
