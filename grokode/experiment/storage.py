"""Files, safely: read without executing anything, written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..memory import refuse


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under a temporary name beside it, then rename; a symbolic link is followed.

    What exists and is no regular file (a device, a pipe) is written to as it is.

    Raises
    ------
    InvalidInput
        If the folder does not exist or cannot be written.
    """
    check_writable(path)
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            write(stream)
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def umask() -> int:
    """Return what permissions new files lack; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_writable(path: Path) -> None:
    """Refuse an output path before any work is done.

    Raises
    ------
    InvalidInput
        If it is a folder, or its folder does not exist or cannot be written.
    """
    folder = path.parent
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        return  # a device or a pipe
    if os.path.isdir(path):  # unlike Path.is_dir, False for a name too long to exist
        raise InvalidInput(f"cannot write {path}: it is a folder; name a file")
    if not os.path.isdir(folder):
        raise InvalidInput(f"cannot write {path}: no folder {folder}; make it first")
    try:  # the one sure test; permissions say nothing to root, on read-only media or of long names
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.realpath(path)), prefix=f".{path.name}.")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise InvalidInput(f"cannot write {path}: {error.strerror}; choose another path") from None
    os.close(handle)
    os.unlink(temporary)


def check_suffix(path: Path, suffix: str, rule: str) -> None:
    """Refuse an output path of another kind, or that cannot be written, before any work is done.

    Raises
    ------
    InvalidInput
        With the rule: ``a page must end in .md``.
    """
    if path.suffix != suffix:
        raise InvalidInput(f"{rule}, got {path}; rename it")
    check_writable(path)


def refuse_overlap(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None]) -> None:
    """Refuse two outputs in one file, and an output that would replace an input.

    Raises
    ------
    InvalidInput
    """
    seen = {os.path.realpath(path): name for name, path in inputs.items() if path}
    for name, path in outputs.items():
        if path is None or not os.path.isfile(path) and os.path.exists(path):
            continue
        real = os.path.realpath(path)
        if real in seen:
            raise InvalidInput(f"{name} {path} is also {seen[real]}; name another file")
        seen[real] = name


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to an npz file, whole or not at all."""
    write_atomically(path, lambda stream: np.savez_compressed(stream, **arrays))


DAMAGED = (TypeError, KeyError, SyntaxError, OverflowError, NotImplementedError, tokenize.TokenError)
"""What NumPy raises, beside ValueError, over an array in an archive whose header is damaged."""


def read_npz(path: Path, what: str) -> dict[str, NDArray[Any]]:
    """Read every array of an npz file.

    Raises
    ------
    InvalidInput
        If the file is missing, truncated, not an npz, holds pickled objects, or does not fit into memory.
    """
    try:
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InvalidInput(f"{what} {path} holds a single array; write it with numpy.savez")
            size = sum(entry.file_size for entry in zipfile.ZipFile(stream).infolist())
            refuse(size, f"{what} {path}", "keep in it only what it needs")
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InvalidInput(f"no {what} {path}; check the path") from None
    except OSError as error:
        raise InvalidInput(f"cannot read {what} {path}: {error.strerror or error}; check the path") from None
    except ValueError as error:
        if "pickle" in str(error).lower() and zipfile.is_zipfile(path):
            reason = "it holds Python objects, which are never loaded; save plain numeric arrays"
        else:
            reason = "it is not an npz file, or cut short; write it with numpy.savez"
        raise InvalidInput(f"cannot read {what} {path}: {reason}") from None
    except (EOFError, zipfile.BadZipFile, zlib.error, *DAMAGED):
        raise InvalidInput(
            f"cannot read {what} {path}: it is not an npz file, or cut short; write it with numpy.savez"
        ) from None
