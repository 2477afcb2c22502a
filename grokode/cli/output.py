"""Streams: the table, the JSON object, the progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..sweep.conduct import Progress


def table(rows: Sequence[Sequence[str]], *, to_stderr: bool) -> None:
    """Print rows in aligned columns; of more than two, whatever the terminal's width, so that no number is cut."""
    from rich.console import Console
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    columns = len(rows[0]) if rows else 0
    for index in range(columns):
        grid.add_column(style="bold" if index == 0 else None, no_wrap=index == 0 or columns > 2)
    for row in rows:
        grid.add_row(*row)
    console = Console(stderr=to_stderr, highlight=False, markup=False, soft_wrap=False)
    if columns > 2:
        needed = console.measure(grid, options=console.options.update(max_width=10_000)).maximum
        console.width = max(console.width, needed)
    console.print(grid)


def say(line: str) -> None:
    """Print a line for people on stderr."""
    print(f"grokode: {line}", file=sys.stderr)


def write_json(text: str, where: str) -> None:
    """Write one JSON object to a file, or to stdout for ``-``."""
    if where == "-":
        print(text)
        return
    from ..experiment.files import write_text

    write_text(text + "\n", Path(where))


def check_json(where: str | None) -> None:
    """Refuse a JSON file that cannot be written, before any work is done."""
    if where not in (None, "-"):
        from ..experiment.storage import check_writable

        check_writable(Path(str(where)))


def check(
    *, json: str | None, picture: Path | None, inputs: Mapping[str, Path | None], run: Path | None = None
) -> None:
    """Refuse outputs that cannot be written, or that would replace each other or an input, before any work is done."""
    from ..experiment import files
    from ..experiment.storage import refuse_overlap

    refuse_overlap({"--out": run, "--json": Path(json) if json and json != "-" else None, "--plot": picture}, inputs)
    check_json(json)
    if run:
        files.check_run_file(run)
    if picture:
        files.check_picture(picture)


def draw(make: Callable[[], Figure], picture: Path | None, default: Path, *, quiet: bool) -> None:
    """Write a picture, and say where; one nobody asked for does not spoil a run whose folder is read-only.

    Parameters
    ----------
    make : callable
        Draws it.
    picture : Path or None
        Where it was asked for.
    default : Path
        Where it goes otherwise.
    quiet : bool
        Whether stdout is not for people.
    """
    from ..errors import InvalidInput
    from ..experiment import files

    try:
        files.save_picture(make(), picture or default)
    except InvalidInput as error:
        if picture:
            raise
        say(f"no picture: {error}")
        return
    table([("picture", str(picture or f"./{default}"))], to_stderr=quiet)


@contextmanager
def cells(label: str) -> Iterator[Callable[[Progress], None]]:
    """Show how far a sweep is on stderr where that is a terminal: cells, rate, time left, failures."""
    if not sys.stderr.isatty():
        yield lambda how_far: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[far]}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=1.0, far="")

        def show(how_far: Progress) -> None:
            bad = f", {how_far.bad} failed" if how_far.bad else ""
            far = f"{how_far.done} of {how_far.cells} cells, {how_far.rate:.3g} a second{bad}"
            bar.update(task, completed=how_far.fraction, far=far)

        yield show


@contextmanager
def progress(label: str) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on stderr where that is a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda fraction: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)
