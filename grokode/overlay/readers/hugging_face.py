"""trainer_state.json, in which the Hugging Face Trainer keeps its log."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InvalidInput
from ..log import Array, Log, LoggedCurve, Whole
from ..reading.cells import NUMBER, of_text
from ..reading.columns import Columns, choose
from ..reading.gathering import Gathering
from ..reading.names import shown
from ..reading.resolution import EXACT, Digits, half_unit
from .json_table import Table, of_records
from .json_text import document, numeric
from .source import is_text

DECIMALS = 4
"""To which the Trainer rounds its ``loss``, and no other number."""


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """The log of a Trainer: ``loss``, the mean since the last report, and ``eval_loss``."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log looks like one."""
        return path.name == "trainer_state.json" or (
            is_text(head) and b'"log_history"' in head and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
        )

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""
        where = f"log {path}"
        state = document(path)
        history = state.get("log_history") if isinstance(state, dict) else None
        if not isinstance(history, list) or not all(isinstance(record, dict) for record in history):
            raise InvalidInput(
                f"{where} has no log_history of records; give trainer_state.json as the Trainer writes it"
            )
        return _of_history(path, of_records(history), columns)


def _of_history(path: Path, table: Table, columns: Columns) -> Log:
    where = f"log {path}"
    choice = choose(list(table), columns, where, numeric(table.items()))
    gathering = Gathering(choice, where)
    step = of_text(table[choice.step.name])
    gathering.add(step, {role: of_text(table[column.name]) for role, column in choice.losses.items()})
    averaged = [role for role, column in choice.losses.items() if column.name == "loss"]
    notes = tuple(
        f"{column.name} is the mean of the losses since the last report, each before its step"
        if role in averaged
        else f"{shown(column.name)} is the loss at its step"
        for role, column in choice.losses.items()
    )
    log = gathering.log(path, "Hugging Face Trainer", notes=notes, resolve=dict.fromkeys(averaged, _rounded))
    curves = dict(log.curves)
    for role in averaged:
        if role in curves:
            moved = (choice.losses[role].offset or 0) + (choice.step.offset or 0)
            reported = _reported(table["loss"], step.values, step.kind == NUMBER)
            curves[role] = _averaged(curves[role], reported + moved, moved)
    return dataclasses.replace(log, curves=curves)


def _rounded(values: Array, digits: Digits | None, dtype: np.dtype[Any]) -> Array:
    """Return the resolution of a loss that was rounded to four decimals, as some versions of the Trainer do."""
    if digits is not None and digits.decimals <= DECIMALS:
        digits = Digits(DECIMALS, EXACT, DECIMALS)
    return half_unit(values, digits, dtype)


def _reported(loss: Sequence[Any], step: Array, known: Any) -> Whole:
    """Return the steps at which a loss was reported, whatever it was."""
    there = np.array([cell is not None for cell in loss], dtype=bool)
    return np.unique(step[there & known]).astype(np.int64)


def _averaged(curve: LoggedCurve, reported: Whole, first: int) -> LoggedCurve:
    """Return a curve whose values are means since the report before."""
    since = np.diff(reported, prepend=first)
    return dataclasses.replace(curve, window=since[np.searchsorted(reported, curve.step)])
