"""``grokode export``: a saved run as a bundle, for training elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output


def command(
    run: Annotated[Path, typer.Argument(help="A run saved by 'grokode run --out'.", show_default=False)],
    bundle: Annotated[Path, typer.Option("--bundle", help="The npz file to write.", show_default=False)],
    width: Annotated[
        int | None, typer.Option("--width", help="Real neurons N; the run's own width by default.")
    ] = None,
    dt: Annotated[float | None, typer.Option("--dt", help="Flow time of a step; the run's own by default.")] = None,
) -> int:
    """Write a run's data, real initial weights, learning rate and steps."""
    import numpy as np

    from ..experiment import bundle as bundles
    from ..experiment import exporting, files
    from ..experiment.storage import refuse_overlap

    refuse_overlap({"--bundle": bundle}, {"the run": run})
    files.check_run_file(bundle)
    made = exporting.export(files.load(run), width=width, dt=dt)
    bundles.save(bundle, made)
    output.table(
        [("bundle", str(bundle)), ("neurons", str(made.width)), ("lr", f"{float(np.max(made.lr)):.6g}")],
        to_stderr=False,
    )
    return 0
