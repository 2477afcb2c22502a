"""``grokode plot``: the picture of a saved run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output


def command(
    run: Annotated[Path, typer.Argument(help="A run saved by 'grokode run --out'.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the picture goes (.png, .pdf, .svg); beside the run by default.")
    ] = None,
) -> int:
    """Draw a saved run."""
    from ..experiment import files
    from ..plot.figure import picture

    result = files.load(run)
    path = files.check_picture(out or run.with_suffix(".png"))
    files.save_picture(picture(result), path)
    output.table([("picture", str(path))], to_stderr=False)
    return 0
