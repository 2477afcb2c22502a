"""``grokode validate``: the theory beside networks that are really trained."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from ..errors import CheckFailed
from . import options, output


def command(
    full: Annotated[
        bool,
        typer.Option("--full/--quick", help="Every case under every optimizer, random and long ones too; minutes."),
    ] = False,
    json: options.Json = None,
) -> None:
    """Compare the theory with networks that are really trained."""
    output.check_json(json)

    from grokode_validate import report

    with output.progress("training") as step:
        done = report.validate(full=full, progress=step)
    try:
        if json:
            output.write_json(done.to_json(), json)
        print(done.to_text(), file=sys.stderr if json == "-" else sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:  # what is still to be printed goes nowhere, and the exit code is still the answer
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not done.ok:
        raise CheckFailed(done.verdict())
