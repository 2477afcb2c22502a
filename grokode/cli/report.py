"""``grokode report``: the page of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options, output


def command(
    store: Annotated[Path, typer.Argument(help="The store of a sweep.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The page (.html); beside the store by default.")
    ] = None,
) -> int:
    """Write one HTML page of a sweep that needs no other file and no network."""
    from ..report.page import check_page, write_page

    path = out or store.with_suffix(".html")
    check_page(path)
    write_page(options.opened(store), path, store.stem)
    output.table([("page", str(path)), ("size", f"{path.stat().st_size / 1e6:.2f} MB")], to_stderr=False)
    return 0
