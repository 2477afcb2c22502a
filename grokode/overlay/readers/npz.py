"""NumPy archives: arrays by name, a bundle or a saved run among them."""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ...experiment.storage import DAMAGED
from ...memory import refuse
from ..log import Log
from ..reading.cells import of_numbers
from ..reading.columns import Columns, choose
from ..reading.gathering import Gathering
from ..reading.names import shown
from .source import has_suffix

TIMES = 12
"""Bytes in memory for a byte of an array: masks, float64 copies, the sorting of all steps."""


@dataclass(frozen=True, slots=True)
class Npz:
    """Vectors of equal length: steps and losses."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Tell whether a log looks like one."""
        return has_suffix(path, ".npz") or head[:4] == b"PK\x03\x04"

    def read(self, path: Path, columns: Columns) -> Log:
        """Read a log."""
        where = f"log {path}"
        # a damaged header may be one that NumPy warns of before it refuses it
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")
            sizes = _sizes(path)
            archive = _archive(path, stream)
            choice = choose(list(sizes), columns, where, sizes)
            chosen = [choice.step, *choice.losses.values()]
            refuse(TIMES * sum(sizes[column.name] for column in chosen), where, "write CSV or JSON lines")
            step, *losses = [_vector(archive, column.name, where) for column in chosen]
        gathering = Gathering(choice, where)
        cells = map(of_numbers, losses)
        gathering.add(of_numbers(step), dict(zip(choice.losses, cells, strict=True)))
        return gathering.log(path, "NumPy arrays")


def _sizes(path: Path) -> dict[str, int]:
    """Return the names of the arrays and their sizes in bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            items = [item for item in archive.infolist() if item.filename.endswith(".npy")]
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise InvalidInput(f"cannot read log {path}: it is no npz file, or cut short; write it again") from None
    return {item.filename.removesuffix(".npy"): item.file_size for item in items}


def _archive(path: Path, stream: Any) -> Any:
    try:
        archive = np.load(stream, allow_pickle=False)
    except ValueError:
        archive = None
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise InvalidInput(f"cannot read log {path}: it is no npz file; write it with numpy.savez")
    return archive


def _vector(archive: Any, name: str, where: str) -> NDArray[Any]:
    """Return one array, which must be a vector of real numbers."""
    try:
        array = archive[name]
    except (ValueError, *DAMAGED):
        raise InvalidInput(
            f"{where}: array {shown(name)} is damaged or holds Python objects, which are never loaded; save numbers"
        ) from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf" or array.ndim != 1:
        kind = f"shape {array.shape} and type {array.dtype}" if isinstance(array, np.ndarray) else "no numbers"
        raise InvalidInput(f"{where}: array {shown(name)} has {kind}; a log holds vectors of real numbers")
    return array
