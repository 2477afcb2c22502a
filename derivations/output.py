"""Streams and files of the command: the table, the progress bar, files that are whole or not there."""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import Proof

STDOUT = "-"
ROOM_FOR_TITLES = 110
"""Columns of a terminal from which on the table has the titles too."""
WIDE = 200
"""Columns where there is no terminal to be narrow."""


class BadInput(Exception):
    """What was asked for cannot be done: the message says what, and the fix."""

    exit_code = 2


# ---- files


def check(outputs: Mapping[str, str | None]) -> None:
    """Refuse outputs that cannot be written, or would replace each other, before any work is done.

    Parameters
    ----------
    outputs : mapping
        Name of the option -> file, or ``-`` for stdout; None where it is not asked for.

    Raises
    ------
    BadInput
    """
    seen: dict[str, str] = {}
    for option, where in outputs.items():
        if where is None:
            continue
        real = where if where == STDOUT else os.path.realpath(where)
        if real in seen and (where == STDOUT or not _is_device(where)):
            raise BadInput(f"{option} {where} is also {seen[real]}; name another file")
        seen[real] = option
        if where != STDOUT:
            _check_file(where)


def _is_device(path: str) -> bool:
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _check_file(path: str) -> None:
    if _is_device(path):
        return
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not path:
        raise BadInput(f"cannot write {path or 'a file without a name'}: it is a folder; name a file")
    if not os.path.isdir(folder):
        raise BadInput(f"cannot write {path}: no folder {folder}; make it first")
    try:  # the one sure test; permissions say nothing to root, on read-only media or of long names
        handle, temporary = _beside(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise BadInput(f"cannot write {path}: {error.strerror}; choose another path") from None
    os.close(handle)
    os.unlink(temporary)


def _beside(path: str) -> tuple[int, str]:
    """Open a temporary file in the folder where the path really is."""
    real = os.path.realpath(path)
    return tempfile.mkstemp(dir=os.path.dirname(real), prefix=f".{os.path.basename(real)}.")


def write(text: str, where: str) -> None:
    """Write a text file under a temporary name, then rename it; or print it, for ``-``."""
    text = text.removesuffix("\n") + "\n"
    if where == STDOUT:
        print(text, end="")
        return
    if _is_device(where):
        Path(where).write_text(text, encoding="utf-8")
        return
    handle, temporary = _beside(where)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, os.path.realpath(where))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# ---- streams


def table(proofs: Sequence[Proof], *, to_stderr: bool) -> None:
    """Print a row a claim, under its topic."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    stream = sys.stderr if to_stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    console = Console(stderr=to_stderr, width=width, highlight=False, markup=False, emoji=False)
    rows = [
        (p.claim.tag, p.claim.equation, str(p.verdict.outcome), f"{p.seconds:.2f} s", p.claim.title) for p in proofs
    ]
    if console.width < ROOM_FOR_TITLES:
        rows = [row[:-1] for row in rows]
    widest = [max(cell_len(row[column]) for row in rows) for column in range(4)]
    widest[1] = min(widest[1], console.width // 3)
    with console.capture() as drawn:  # rich has an exit code of its own for a reader that leaves
        for topic, group in groupby(zip(proofs, rows, strict=True), key=lambda pair: pair[0].topic):
            grid = Table.grid(padding=(0, 2))
            for column, size in enumerate(widest):
                grid.add_column(width=size, justify="right" if column == 3 else "left", no_wrap=column != 1)
            if len(rows[0]) > len(widest):
                grid.add_column()
            for _, row in group:
                grid.add_row(*row)
            console.print(topic, style="bold")
            console.print(grid)
            console.print()
    print(re.sub(" +$", "", drawn.get(), flags=re.MULTILINE), end="", file=stream)


def forget_stdout() -> None:
    """Send what is still to be printed nowhere: its reader has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on stderr where that is a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("proving", total=total)
        yield lambda: bar.advance(task)
