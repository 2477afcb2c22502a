"""The text of the figures: what the paper claims, what ours shows, in numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..experiment.result import Run
from ..plot.curves import short
from .make import Made
from .measured import COLUMNS, LEGEND, Result

MOST = 12
"""Runs of a figure up to which each has a row."""


def page_of(
    made: Sequence[Made], pictures: Mapping[str, Path], results: Sequence[Result], path: Path, command: str
) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    made : sequence of Made
    pictures : mapping of str to Path
        By the names of the figures.
    results : sequence of Result
        What is known of claims, by figure.
    path : Path
        Where the page will be: pictures are named from there.
    command : str
        What made it, for the reader who will make it again.
    """
    parts = [
        "# The paper's figures, from theory\n",
        f"Made by `{command}`: the numbers in tables and the counts of draws are of that run. What stands under "
        '"ours" was read from these pictures and 100 draws.\n',
    ]
    for one in made:
        parts.append(f"## {one.figure.title}\n")
        parts.append(f"![{one.figure.title}]({os.path.relpath(pictures[one.name], path.parent)})\n")
        parts.append(f"The paper: {one.figure.claim}.\n\nOurs: {one.figure.remark}.\n")
        parts += [_sentence(result) for result in results if result.claim.figure == one.name]
        if one.deviation is not None:
            parts.append(f"Really trained networks deviate by at most {one.deviation:.2g} (relative).\n")
        parts.append(_table(one.runs))
    if results:
        shown = {one.name for one in made}
        parts += ["## The claims, measured\n", f"{LEGEND}\n"]
        parts += [_sentence(result) for result in results if result.claim.figure not in shown]
        parts.append(_claims(results))
    return "\n".join(parts)


def _sentence(result: Result) -> str:
    """Say in a sentence what was measured of a claim."""
    claim = result.claim
    return f"{result.verdict}: {claim.sentence}: {result.measured}; control ({claim.without}): {result.control}.\n"


def _table(runs: Mapping[tuple[str, int], Run]) -> str:
    """Return the crossings of every run, or how many of many there are of each kind."""
    if len(runs) > MOST:
        counts: dict[str, int] = {}
        for run in runs.values():
            status = str(run.summary["t_test_status"]).replace("_", " ")
            counts[status] = counts.get(status, 0) + 1
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        return f"{len(runs)} runs; test loss {told}.\n"
    rows = ["| run | optimizer | threshold | t_train | t_test | final test loss |", "|---|---|---|---|---|---|"]
    for (label, seed), run in runs.items():
        summary = run.summary
        name = label if seed == 0 else f"{label}, seed {seed}"
        cells = [name, run.experiment.optimizer.partition(":")[0], str(summary["threshold"])]
        cells += [_crossing(summary, which) for which in ("train", "test")]
        cells.append("" if summary["final_loss_test"] is None else f"{summary['final_loss_test']:.3g}")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _crossing(summary: Mapping[str, Any], which: str) -> str:
    t, status = summary[f"t_{which}"], summary[f"t_{which}_status"]
    return short(t) if t is not None else str(status or "no test loss").replace("_", " ")


def _claims(results: Sequence[Result]) -> str:
    rows = [" | ".join(COLUMNS), "|".join("---" for _ in COLUMNS), *(" | ".join(one.row) for one in results)]
    return "\n".join(f"| {row} |" for row in rows) + "\n"
