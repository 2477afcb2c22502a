"""TensorBoard's event files, by its own package (an extra), without TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InvalidInput
from ..log import Log
from ..reading.cells import of_numbers
from ..reading.columns import Columns, Found, choose, is_candidate
from ..reading.gathering import Gathering, Series, whole_steps
from ..reading.names import is_loss, normal, shown
from ..reading.placement import Placed, hugging_face, keras, lightning

EVENTS = 1 << 14
"""Events of a curve in memory at a time, and how many are counted as one piece."""

DEEPEST = 4
"""Folders below the one that is named."""

MOST_NAMES = 10_000

_FRAME = 16
"""Bytes around a record: its length, and two checksums."""

STEP = Found(-1, "each event", "step")


@dataclass(frozen=True, slots=True)
class TensorBoard:
    """An event file, or a folder of them: one run, continued from file to file, a part of it in each folder."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log looks like one; every folder does."""
        return not head or "tfevents" in path.name

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""
        try:
            from tensorboard.backend.event_processing import event_file_loader  # noqa: F401
        except ImportError:
            raise InvalidInput(
                f"log {path} is TensorBoard's, which needs tensorboard; pip install tensorboard"
            ) from None
        where = f"log {path}"
        scalars = Scalars(columns, where)
        notes = tuple(note for file in _files(path) if (note := scalars.read(file, _folder(path, file))))
        choice = choose(
            list(scalars.aliases), columns, where, scalars.aliases, aliases=list(scalars.aliases.values()), step=STEP
        )
        chosen = {role: scalars.series[column.name].done() for role, column in choice.losses.items()}
        gathering = Gathering(choice, where, chosen)
        if columns.step is not None:
            notes = (*notes, f"events carry their own step; --step {shown(columns.step)} not used")
        moved, said = _placed(gathering, scalars)
        return gathering.log(path, "TensorBoard", notes=(*said, *notes), moved=moved)


class Scalars:
    """The scalars of a run: the names of all, the values of those that could be losses.

    Parameters
    ----------
    columns : Columns
    where : str
        The log, for errors.
    """

    def __init__(self, columns: Columns, where: str) -> None:
        self.aliases: dict[str, str] = {}
        self.series: dict[str, Events] = {}
        self._columns, self._where = columns, where

    def read(self, file: Path, folder: str) -> str:
        """Read one file, and say so where it is cut short."""
        size, read = os.path.getsize(file), 0
        for length, values in _events(file):
            read += length
            for step, tag, number in values:
                self._add(f"{folder}/{tag}" if folder else tag, folder, tag, step, number)
        if read < size:
            return f"{file.name} is damaged or cut short at byte {read} of {size}; what stands before is kept"
        return ""

    def _add(self, name: str, folder: str, tag: str, step: int, value: Any) -> None:
        if name not in self.aliases:
            if len(self.aliases) >= MOST_NAMES:
                raise InvalidInput(f"{self._where} has more than {MOST_NAMES} scalars; name a folder of one run")
            self.aliases[name] = _alias(folder, tag)
            if is_candidate(self.aliases[name], name, self._columns):
                self.series[name] = Events(f"{self._where}: {shown(name)}")
        if name in self.series:
            self.series[name].add(step, value)


class Events:
    """The values of one scalar, put into its series by the piece."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._series = Series()
        self._pending: list[tuple[int, Any]] = []

    def add(self, step: int, value: Any) -> None:
        """Take one value, a scalar of NumPy's."""
        self._pending.append((step, value))
        if len(self._pending) >= EVENTS:
            self.done()

    def done(self) -> Series:
        """Return the series of all that was taken."""
        if self._pending:
            steps = whole_steps(np.array([step for step, _ in self._pending], dtype=float), self._where)
            cells = of_numbers(np.array([value for _, value in self._pending]))
            self._series.add(steps, cells, np.ones(len(steps), dtype=bool))
            self._pending.clear()
        return self._series


def _placed(gathering: Gathering, scalars: Scalars) -> Placed:
    """Place the losses of trainers that can be told by their scalars."""
    if averaged := hugging_face(gathering, scalars.aliases):
        return {}, averaged
    names = [normal(column.alias) for column in gathering.choice.losses.values()]
    if len(names) == 2 and names[0] == "train_epoch_loss" and names[1] == "validation_epoch_loss":
        return keras(gathering)
    if {"epoch", "hp_metric"} <= scalars.aliases.keys():
        return lightning(gathering)
    return {}, ()


def _files(path: Path) -> list[Path]:
    """Return the event files of a log, in the order of their names, which begin with the time."""
    if not os.path.isdir(path):
        return [path]
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        if len(Path(folder).relative_to(path).parts) >= DEEPEST:
            folders.clear()
        files = (Path(folder) / name for name in sorted(names) if "tfevents" in name)
        found += [file for file in files if os.path.isfile(file)]
    if not found:
        raise InvalidInput(f"log {path} is a folder without TensorBoard event files; name a file, or another folder")
    return sorted(found)


def _folder(path: Path, file: Path) -> str:
    """Return the folder of a file within a log, which TensorBoard calls the run."""
    return "" if file == path else "/".join(file.relative_to(path).parts[:-1])


def _alias(folder: str, tag: str) -> str:
    """Return a name without the folders in front that say nothing of which loss it is."""
    parts = [part for part in folder.split("/") if part]
    while parts and not is_loss(f"{parts[0]}/loss"):
        parts.pop(0)
    return "/".join([*parts, tag])


def _events(file: Path) -> Iterator[tuple[int, list[tuple[int, str, Any]]]]:
    """Yield the bytes of each record and its scalars (step, tag, number), up to the first that is damaged."""
    from google.protobuf.message import DecodeError
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    records = RawEventFileLoader(os.path.abspath(file)).Load()
    try:
        for record in records:
            event = Event.FromString(record)
            yield _FRAME + len(record), list(_scalars(event))
    except (DecodeError, OverflowError, MemoryError):  # right checksums around something else, or a length beyond all
        return


def _scalars(event: Any) -> Iterator[tuple[int, str, Any]]:
    """Yield the scalars of an event: numbers of TensorFlow 1 and PyTorch, tensors of TensorFlow 2."""
    for value in event.summary.value:
        if value.HasField("simple_value"):
            yield event.step, value.tag, np.float32(value.simple_value)
        elif value.HasField("tensor") and (number := _of_tensor(value.tensor)) is not None:
            yield event.step, value.tag, number


def _of_tensor(tensor: Any) -> Any:
    """Return the one real number of a tensor, None where it is something else."""
    from tensorboard.compat.proto.types_pb2 import DT_DOUBLE, DT_FLOAT, DT_HALF

    kinds: dict[int, type[np.floating[Any]]] = {DT_FLOAT: np.float32, DT_DOUBLE: np.float64, DT_HALF: np.float16}
    kind = kinds.get(tensor.dtype)
    if kind is None or any(dim.size != 1 for dim in tensor.tensor_shape.dim):
        return None
    if tensor.tensor_content:
        content = np.frombuffer(tensor.tensor_content, np.uint8)
        return content.view(kind)[0] if len(content) == np.dtype(kind).itemsize else None
    numbers = {DT_FLOAT: tensor.float_val, DT_DOUBLE: tensor.double_val, DT_HALF: tensor.half_val}[tensor.dtype]
    if len(numbers) != 1:
        return None
    return np.array(numbers[0]).astype(np.uint16).view(kind)[()] if kind is np.float16 else kind(numbers[0])
