"""The command ``validate``: compares the theory with really trained networks. NumPy is imported when it runs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .report import Report

MISSED = 4
"""Exit code where something is not as the theory says."""

STDOUT = "-"
WIDE = 160
"""Columns where there is no terminal to be narrow."""


def validate(
    full: Annotated[
        bool,
        typer.Option("--full/--quick", help="Every case under every optimizer, random and long ones too; minutes."),
    ] = False,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write one JSON object to a file, or to stdout for -.")
    ] = None,
) -> int:
    """Compare the theory with networks that are really trained."""
    from grokode.experiment.files import write_text
    from grokode.experiment.storage import check_writable

    if json not in (None, STDOUT):
        check_writable(Path(str(json)))

    from . import report

    with _progress() as step:
        done = report.validate(full=full, progress=step)
    if json not in (None, STDOUT):  # files first: a reader of stdout that leaves must not cost them
        write_text(done.to_json() + "\n", Path(str(json)))
    try:
        if json == STDOUT:
            print(done.to_json())
        _print(done, to_stderr=json == STDOUT)
        sys.stdout.flush()
    except BrokenPipeError:  # what is still to be printed goes nowhere, and the exit code is still the answer
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    for miss in done.misses:
        print(f"grokode: error: {' '.join(miss.split())}", file=sys.stderr)
    return 0 if done.ok else MISSED


def _print(report: Report, *, to_stderr: bool) -> None:
    """Print the tables, and how many cases there were."""
    from rich.console import Console
    from rich.table import Table

    stream = sys.stderr if to_stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    console = Console(stderr=to_stderr, width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as drawn:  # rich has an exit code of its own for a reader that leaves
        for title, rows in report.tables():
            grid = Table.grid(padding=(0, 2))
            for index in range(len(rows[0])):
                grid.add_column(justify="right" if 0 < index < 4 else "left", no_wrap=index < 4)
            for row in rows:
                grid.add_row(*row)
            console.print(title, style="bold")
            console.print(grid)
            console.print()
        console.print(report.counts())
    print(re.sub(" +$", "", drawn.get(), flags=re.MULTILINE), end="", file=stream)


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Show a progress bar on stderr where that is a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda fraction: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)
