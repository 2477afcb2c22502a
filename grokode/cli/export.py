"""``grokode export``: a saved run as a bundle, for training elsewhere; a sweep in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InvalidInput
from . import options, output

RUN, SWEEP = "Of a run", "Of a sweep"


def command(
    what: Annotated[
        Path, typer.Argument(help="A run saved by 'grokode run --out', or the store of a sweep.", show_default=False)
    ],
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", rich_help_panel=RUN, help="The npz file to write.", show_default=False),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option("--width", rich_help_panel=RUN, help="Real neurons N; the run's own width by default."),
    ] = None,
    dt: Annotated[
        float | None, typer.Option("--dt", rich_help_panel=RUN, help="Flow time of a step; the run's own by default.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", rich_help_panel=SWEEP, help="netcdf or json, all of it; csv or parquet, its scalars."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", rich_help_panel=SWEEP, help="The file; beside the store by default.")
    ] = None,
) -> int:
    """Write a run's data, real initial weights, learning rate and steps; or all of a sweep."""
    if (bundle is None) == (to is None):
        raise InvalidInput("export writes a run to --bundle FILE.npz, or a sweep --to FORMAT; give one of them")
    rows = _run(what, bundle, width, dt) if bundle is not None else _sweep(what, str(to), out)
    output.table(rows, to_stderr=False)
    return 0


def _run(run: Path, bundle: Path, width: int | None, dt: float | None) -> list[tuple[str, str]]:
    import numpy as np

    from ..experiment import bundle as bundles
    from ..experiment import exporting, files
    from ..experiment.storage import refuse_overlap

    refuse_overlap({"--bundle": bundle}, {"the run": run})
    files.check_run_file(bundle)
    made = exporting.export(files.load(run), width=width, dt=dt)
    bundles.save(bundle, made)
    return [("bundle", str(bundle)), ("neurons", str(made.width)), ("lr", f"{float(np.max(made.lr)):.6g}")]


def _sweep(store: Path, to: str, out: Path | None) -> list[tuple[str, str]]:
    from ..sweep.export import export

    path = out or store.with_suffix({"netcdf": ".nc"}.get(to, f".{to}"))
    export(options.opened(store), path, to)
    return [("file", str(path))]
