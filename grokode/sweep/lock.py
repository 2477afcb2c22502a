"""One coordinator a store: a lock with the host and process that hold it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from ..errors import InvalidInput

NAME = "grokode.lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a store.

    Raises
    ------
    InvalidInput
        If another process that may be alive holds it.
    """
    path, mine = folder / NAME, {"host": socket.gethostname(), "pid": os.getpid()}
    while not _take(path, mine):
        holder = _holder(path)
        if holder is None:  # it has just been given back
            continue
        if holder.get("host") == mine["host"] and not _alive(holder.get("pid")):
            path.unlink(missing_ok=True)
            continue
        raise InvalidInput(
            f"{folder} is being written by process {holder.get('pid')} on {holder.get('host')}; wait for it, or, if it "
            f"is gone, remove {path}"
        )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _take(path: Path, mine: dict[str, object]) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as stream:
        json.dump(mine, stream)
    return True


def _holder(path: Path) -> dict[str, object] | None:
    """Return what a lock says, nothing where there is none; one cut short says nothing of itself."""
    try:
        said = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _alive(pid: object) -> bool:
    if not isinstance(pid, int):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
