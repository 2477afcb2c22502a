"""Sources: files opened for reading, plain or gzipped, with one line for everything that can go wrong."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ...errors import InvalidInput
from ...memory import refuse

HEAD = 1 << 16
"""Bytes by which a format is told."""

LONGEST_LINE = 1 << 20
"""Characters of a line, beyond which a file is no table."""

BLOCK = 1 << 20


@contextlib.contextmanager
def reading(path: Path, what: str = "log") -> Iterator[None]:
    """Turn the errors of reading a file into one line.

    Raises
    ------
    InvalidInput
    """
    try:
        yield
    except InvalidInput:
        raise
    except FileNotFoundError:
        raise InvalidInput(f"no {what} {path}; check the path") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"cannot read {what} {path}: byte {error.object[error.start] if error.object else 0} is not UTF-8 text; "
            "save it as UTF-8"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
        raise InvalidInput(f"cannot read {what} {path}: it is cut short or damaged; write it again") from None
    except (MemoryError, RecursionError):
        raise InvalidInput(f"cannot read {what} {path}: it does not fit in memory; write CSV or JSON lines") from None
    except OSError as error:
        reason = (error.strerror or str(error)).splitlines()[0]
        raise InvalidInput(f"cannot read {what} {path}: {reason}; check the path") from None


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, decompressed."""
    with opened(path) as stream:
        return stream.read(HEAD)


def opened(path: Path) -> io.BufferedReader | gzip.GzipFile:
    """Open a file, plain or gzipped."""
    stream = path.open("rb")
    if stream.peek(2)[:2] != b"\x1f\x8b":
        return stream
    stream.close()
    return gzip.open(path)


def whole(path: Path, times: float) -> bytes:
    """Read a whole file that needs ``times`` its size in memory.

    Raises
    ------
    InvalidInput
        If that is more than there is.
    """
    blocks, size = [], os.path.getsize(path)
    refuse(times * size, f"log {path}", "write CSV or JSON lines, which are read in pieces")
    with opened(path) as stream:
        while block := stream.read(16 * BLOCK):
            blocks.append(block)
            if (read := sum(map(len, blocks))) > size:  # gzipped
                refuse(times * read, f"log {path}", "write CSV or JSON lines, which are read in pieces")
    return b"".join(blocks)


def text(content: bytes) -> str:
    """Decode UTF-8, with a mark in front or without."""
    return content.decode("utf-8-sig")


def has_suffix(path: Path, *known: str) -> bool:
    """Tell whether a name ends in a suffix, compressed or not."""
    return any(suffix.lower() in known for suffix in path.suffixes[-2:])


def is_text(head: bytes) -> bool:
    """Tell whether a file that starts like this can be text."""
    return b"\0" not in head


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file that are not blank, without their ends.

    Raises
    ------
    InvalidInput
        If the file is not text, or has a line that no table has.
    """
    with opened(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig") as decoded:
        rest = ""
        if not is_text(stream.peek(1)):
            raise InvalidInput(f"cannot read log {path}: it holds zero bytes and is not UTF-8 text; save it as UTF-8")
        while block := decoded.read(BLOCK):
            *ended, rest = (rest + block).split("\n")
            if len(rest) > LONGEST_LINE:
                raise InvalidInput(
                    f"cannot read log {path}: a line is longer than {LONGEST_LINE} characters; write a row a line"
                )
            yield from filter(str.strip, ended)
        if rest.strip():
            yield rest
