"""``grokode status``: how far a sweep is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options, output


def command(
    store: Annotated[Path, typer.Argument(help="The store of a sweep.", show_default=False)],
    json: options.Json = None,
) -> int:
    """Say how many cells of a sweep are done, and what they answered."""
    import json as encoder

    from ..sweep.store import Store
    from ..sweep.words import rows_of_store

    output.check_json(json)
    opened = Store(store)
    if json:
        found = {"schema": "grokode.status/1", "store": str(store), "cells": opened.counts()}
        found |= {"crossings": opened.crossings(), "config": opened.config}
        output.write_json(encoder.dumps(found, allow_nan=False), json)
    output.table(rows_of_store(opened), to_stderr=json == "-")
    return 0
