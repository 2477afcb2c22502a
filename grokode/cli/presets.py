"""``grokode presets``: the set-ups in the package."""

from __future__ import annotations

from typing import Annotated

import typer

from . import output


def command(
    json: Annotated[
        str | None, typer.Option("--json", help="Write one JSON object to a file, or to stdout for -.")
    ] = None,
) -> int:
    """List the presets."""
    import json as encoder

    from ..experiment.sources import load_preset, preset_names

    output.check_json(json)
    presets = {name: load_preset(name) for name in preset_names()}
    if json:
        listed = [
            {"name": name, "summary": preset.summary, "experiment": preset.parameters, "grid": preset.grid}
            for name, preset in presets.items()
        ]
        output.write_json(encoder.dumps({"schema": "grokode.presets/1", "presets": listed}), json)
    output.table([(name, preset.summary) for name, preset in presets.items()], to_stderr=json == "-")
    return 0
