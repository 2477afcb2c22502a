"""``grokode plot``: the picture of a saved run, or of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options, output

SWEEP = "Of a sweep"


def command(
    what: Annotated[
        Path, typer.Argument(help="A run saved by 'grokode run --out', or the store of a sweep.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the picture goes (.png, .pdf, .svg); beside it by default.")
    ] = None,
    quantity: Annotated[
        str, typer.Option("--quantity", rich_help_panel=SWEEP, help="A number that every cell has.")
    ] = "delay",
    x: Annotated[str | None, typer.Option("--x", rich_help_panel=SWEEP, help="An axis; the first by default.")] = None,
    y: Annotated[
        str | None, typer.Option("--y", rich_help_panel=SWEEP, help="Another, for a heat map; the second by default.")
    ] = None,
    threshold: Annotated[
        str | None, typer.Option("--threshold", rich_help_panel=SWEEP, help="One of the sweep's; the first by default.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", rich_help_panel=SWEEP, help="AXIS=VALUE of an axis that is not shown, or of a seed."),
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", rich_help_panel=SWEEP, help="Fit a power law over one axis, with its interval.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            rich_help_panel=SWEEP,
            help="Another store, of the same training by another optimizer: say how far the crossings are apart.",
        ),
    ] = None,
) -> int:
    """Draw a saved run, or one number of a sweep over an axis or two."""
    from ..experiment import files

    path = files.check_picture(out or what.with_suffix(".png"))
    rows = [("picture", str(path))]
    if what.is_dir():
        from ..plot.sweep import sweep_picture
        from ..sweep.against import distance
        from ..sweep.scaling import power_law
        from ..sweep.store import open_sweep
        from ..sweep.views import view_of

        places = dict(options.assignment(text, "--at") for text in at or ())
        data = options.opened(what)
        view = view_of(data, quantity, x=x, y=y, threshold=threshold, at=places)
        law = power_law(view) if fit else None
        notes = [str(distance(data, open_sweep(against), threshold))] if against is not None else []
        rows += [("against", note) for note in notes] + (law.rows() if law is not None else [])
        figure = sweep_picture(view, law=law, notes=notes)
    else:
        from ..plot.figure import picture

        figure = picture(files.load(what))
    files.save_picture(figure, path)
    output.table(rows, to_stderr=False)
    return 0
