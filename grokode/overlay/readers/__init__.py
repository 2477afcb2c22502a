"""Readers of other tools' logs, one format a file; the first registered that claims a log reads it.

Rules of all of them, and a note in the log wherever one was applied:

- Columns are found by name (``reading/names.py``); what could be two is refused, with the flag to give.
- Steps are whole numbers from 0 to 1e15. They are sorted; of a step written twice the last value counts.
- NaN and infinity are dropped, and rows that cannot be read too, unless they are the most. A negative loss is
  refused. No value is ever changed.
- Keras and Lightning write a validation at the step before it: it is moved to one later, unless the user places it.
- A curve of more than 10,000 values is thinned on a logarithmic axis of steps (``reading/thinning.py``).
- Text, events and parquet are read in pieces, in memory that does not grow with the log; JSON documents and
  NumPy arrays whole, or not at all where they do not fit.
- Each value carries its resolution (``reading/resolution.py``), and Hugging Face's ``loss`` how many losses it
  averages.
- Nothing is executed or unpickled; no link or reference inside a log is followed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from ...errors import InvalidInput
from ...registry import Entry, Registry
from ..log import Log
from ..reading.columns import Columns as Columns
from .source import head_of, reading


class Reader(Protocol):
    """What reads one format."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log is of this format, by its name and its first bytes (none of a folder)."""

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""


READERS = Registry(
    "log format",
    {
        "tensorboard": Entry(
            "grokode.overlay.readers.tensorboard:TensorBoard", "a TensorBoard event file, or a folder of them"
        ),
        "parquet": Entry("grokode.overlay.readers.parquet:Parquet", "a parquet table"),
        "npz": Entry("grokode.overlay.readers.npz:Npz", "NumPy arrays by name; a bundle or a saved run too"),
        "hugging_face": Entry(
            "grokode.overlay.readers.hugging_face:HuggingFace", "trainer_state.json of the Hugging Face Trainer"
        ),
        "json_lines": Entry("grokode.overlay.readers.json_lines:JsonLines", "one JSON object a line"),
        "json": Entry(
            "grokode.overlay.readers.json_table:JsonTable",
            "JSON: a list of records, columns and data (W&B), or an object of lists",
        ),
        "table": Entry("grokode.overlay.readers.delimited:Delimited", "CSV or TSV, of W&B, Lightning and Keras too"),
    },
)


def read_log(path: str | Path, columns: Columns | None = None) -> Log:
    """Read the losses of one log.

    Parameters
    ----------
    path : str or Path
        A file, or a folder of TensorBoard's.
    columns : Columns, optional
        What its columns are called, where that cannot be guessed.

    Returns
    -------
    Log

    Raises
    ------
    InvalidInput
        If it cannot be read, or does not say what it holds; one line.
    """
    path = Path(path)
    with reading(path):
        head = b"" if os.path.isdir(path) else _head(path)
        for name in READERS:
            reader: Reader = READERS.build(name)
            if reader.claims(path, head):
                return reader.read(path, columns or Columns())
        known = "; ".join(READERS.summary(name) for name in READERS)
        raise InvalidInput(f"cannot tell the format of log {path}; known are: {known}")


def _head(path: Path) -> bytes:
    """Return the first bytes of a regular file that is not empty."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise InvalidInput(f"cannot read log {path}: it is neither a file nor a folder; save it to a file first")
    head = head_of(path)
    if not head:
        raise InvalidInput(f"log {path} is empty; check the path")
    return head
