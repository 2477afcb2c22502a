"""``grokode figure``: the paper's figures."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..figures import FIGURES
from . import options, output

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

    from ..engines.executor import Engine
    from ..experiment.result import Run
    from ..figures.make import Made, Task
    from ..figures.measured import Result

FORMATS = ("png", "svg", "pdf")


def command(
    names: Annotated[list[str] | None, typer.Argument(help="Names of figures; --list shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every figure.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the figures, and about how long they take.")] = False,
    out: Annotated[Path, typer.Option("--out", help="The folder that pictures go to.")] = Path("figures"),
    format: Annotated[str, typer.Option("--format", help="Of the pictures: png, svg, pdf, one or several.")] = "png",
    data: Annotated[
        Path | None, typer.Option("--data", help="Write the numbers behind one figure to a netCDF file.")
    ] = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="Train the networks too, and lay them over the theory as points; minutes.")
    ] = False,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Draws, 0:K; medians and quartiles. Seed 0 alone by default.")
    ] = None,
    claims: Annotated[
        bool, typer.Option("--claims", help="Measure the paper's claims on draws, beside controls; 20 minutes.")
    ] = False,
    draws: Annotated[int | None, typer.Option("--draws", help="Of --claims; 100 by default, seeds 0 to 99.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="By gradient flow, on fewer cells of a diagram.")] = False,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="Write pictures and numbers as a Markdown page; with --claims, those too."),
    ] = None,
    json: options.Json = None,
    engine: options.EngineName = "local",
    workers: options.Workers = 0,
    address: options.Address = "",
) -> int:
    """Draw figures of the paper from theory."""
    from ..errors import InvalidInput
    from ..figures.make import chosen

    output.check_json(json)
    if listed:
        return _list(json)
    runner = options.engine_from(engine, {"workers": workers, "address": address})
    if draws is not None and not claims:
        raise InvalidInput(f"--draws {draws} is of --claims; a figure's are --seeds 0:K")
    if draws is not None and draws < 1:
        raise InvalidInput(f"draws must be at least 1, got {draws}")
    if claims and names:
        raise InvalidInput(f"--claims measures all of them, and figure {names[0]} is named too; give --all or no name")
    count = (100 if draws is None else draws) if claims else None
    _check_page(page)
    if count is not None and not everything:
        given = {"--direct": direct, "--quick": quick, "--seeds": seeds, "--data": data, "--format": format != "png"}
        for flag in (flag for flag, value in given.items() if value):
            raise InvalidInput(f"{flag} is of figures, and --claims alone draws none; leave it out, or add --all")
        return _claims(count, runner, json, page)
    wanted = chosen(names or [], list(FIGURES), everything)
    _check_data(data, len(wanted))
    files = _Files(out, _formats(format), page, data)
    return _figures(wanted, files, runner, json, quick=quick, direct=direct, seeds=_seeds(seeds), draws=count)


SCHEMA = "grokode.figure/1"
START = 5.0
"""Seconds until workers run."""


@dataclass(frozen=True, slots=True)
class _Files:
    """Where figures go."""

    out: Path
    kinds: list[str]
    page: Path | None
    data: Path | None


def _figures(
    wanted: list[str],
    files: _Files,
    runner: Engine,
    json: str | None,
    *,
    quick: bool,
    direct: bool,
    seeds: list[int],
    draws: int | None,
) -> int:
    """Make figures, measure claims on so many draws, and write and say what came of both."""
    from ..figures.make import make, picture_of
    from ..figures.measured import measure

    _make_folder(files.out)
    started = time.perf_counter()
    results: list[Result] = []
    with runner.open() as executor:
        with output.progress("running") as progress:
            train = train_task if direct else None
            made, lost = make(wanted, executor, quick=quick, seeds=seeds, train=train, progress=progress)
        if draws is not None:
            with output.progress("measuring") as progress:
                results = measure(draws, executor, progress=progress)
    seconds = time.perf_counter() - started
    pictures = {one.name: _draw(picture_of(one.figure, one.data, one.points), files, one.name) for one in made}
    for note in (*lost, *(note for one in made for note in one.notes)):
        output.say(note)
    if files.page is not None:
        _write_page(made, {name: paths[0] for name, paths in pictures.items()}, results, files.page)
    _report(made, results, pictures, files, json, seconds=seconds, draws=draws)
    return 1 if lost else 0


def _report(
    made: list[Made],
    results: list[Result],
    pictures: dict[str, list[Path]],
    files: _Files,
    json: str | None,
    *,
    seconds: float,
    draws: int | None,
) -> None:
    """Write the numbers, and say where everything is."""
    import json as encoder

    from ..sweep.export import export

    rows: list[tuple[str, str]] = []
    for one in made:
        rows += [(one.name, one.figure.title), ("", ", ".join(map(str, pictures[one.name])))]
        if one.deviation is not None:
            rows.append(("", f"largest deviation of trained networks {one.deviation:.2g}"))
    if files.data is not None:
        export(made[0].data, files.data, "netcdf")
    rows += [("", str(path)) for path in (files.data, files.page) if path is not None]
    if json:
        told = {"schema": SCHEMA, "seconds": seconds, "figures": [_told(one, pictures[one.name]) for one in made]}
        told |= {"draws": draws, "claims": [one.to_dict() for one in results]} if draws is not None else {}
        output.write_json(encoder.dumps(told), json)
    output.table([*rows, ("", f"{seconds:.3g} s of runs")], to_stderr=json == "-")


def _claims(draws: int, runner: Engine, json: str | None, page: Path | None) -> int:
    """Measure claims alone."""
    import json as encoder

    from ..figures.measured import COLUMNS, LEGEND, measure

    with runner.open() as executor, output.progress("measuring") as progress:
        results = measure(draws, executor, progress=progress)
    if page is not None:
        _write_page([], {}, results, page)
    if json:
        told = [result.to_dict() for result in results]
        output.write_json(encoder.dumps({"schema": SCHEMA, "draws": draws, "claims": told}), json)
    output.table([COLUMNS, *(one.row for one in results)], to_stderr=json == "-")
    output.say(LEGEND)
    return 0


def _write_page(made: list[Made], pictures: dict[str, Path], results: list[Result], page: Path) -> None:
    from ..experiment.files import write_text
    from ..figures.page import page_of

    command = shlex.join(["grokode", *sys.argv[1:]])
    write_text(page_of(made, pictures, results, page, command), page)


def _list(json: str | None) -> int:
    """Say of every figure what it is, and about how long it takes on one core, by counts of operations."""
    import json as encoder

    from ..figures.make import tasks_of
    from ..sweep.specification import seconds_of

    rows, entries = [("figure", "what it shows", "--quick", "whole")], []
    for name in FIGURES:
        quick, whole = (
            START
            + sum(
                seconds_of(task.experiment) for task in tasks_of(FIGURES.build(name), quick=quick, seeds=[0]).values()
            )
            for quick in (True, False)
        )
        rows.append((name, FIGURES.summary(name), f"{quick:.0f} s", f"{whole:.0f} s"))
        entries.append({"name": name, "summary": FIGURES.summary(name), "seconds_quick": quick, "seconds": whole})
    output.table(rows, to_stderr=json == "-")
    if json:
        output.write_json(encoder.dumps({"schema": SCHEMA, "figures": entries}), json)
    return 0


def _check_page(page: Path | None) -> None:
    from ..experiment.storage import check_suffix

    if page is not None:
        check_suffix(page, ".md", "a page must end in .md")


def _check_data(data: Path | None, figures: int) -> None:
    from ..errors import InvalidInput
    from ..experiment.storage import check_suffix

    if data is not None:
        if figures > 1:
            raise InvalidInput(f"--data writes the numbers of one figure, got {figures}; name one")
        check_suffix(data, ".nc", "the numbers go to a file that ends in .nc")


def _formats(text: str) -> list[str]:
    from ..errors import InvalidInput

    kinds = text.split(",")
    for kind in kinds:
        if kind not in FORMATS:
            raise InvalidInput(f"unknown format {kind!r}; choose of {', '.join(FORMATS)}")
    return kinds


def _seeds(text: str | None) -> list[int]:
    """Read 0:K, or one seed."""
    from ..experiment.grids import parse_range

    return [0] if text is None else [int(seed) for seed in parse_range(text)]


def _make_folder(out: Path) -> None:
    from ..errors import InvalidInput

    if not out.parent.is_dir():
        raise InvalidInput(f"cannot write to {out}: no folder {out.parent}; make it first")
    if (out.exists() and not out.is_dir()) or out.suffix.lstrip(".") in FORMATS:
        raise InvalidInput(f"--out names the folder of the pictures, got {out}; their kind is --format")
    out.mkdir(exist_ok=True)


def _draw(picture: Picture, files: _Files, name: str) -> list[Path]:
    from ..experiment.files import save_picture

    paths = [files.out / f"figure-{name}.{kind}" for kind in files.kinds]
    for path in paths:
        save_picture(picture, path)
    return paths


NUMBERS = (
    "threshold",
    "t_train",
    "t_train_status",
    "t_test",
    "t_test_status",
    "delay",
    "peak_loss_test",
    "final_loss_test",
)
"""What JSON has of a run's summary."""


def _told(made: Made, files: list[Path]) -> dict[str, Any]:
    """Return a figure as plain data."""
    runs = [
        {
            "run": label,
            "seed": seed,
            "optimizer": run.experiment.optimizer,
            **{name: run.summary[name] for name in NUMBERS},
        }
        for (label, seed), run in made.runs.items()
    ]
    figure = made.figure
    told: dict[str, Any] = {"name": made.name, "title": figure.title, "claim": figure.claim, "remark": figure.remark}
    told |= {"files": [str(path) for path in files], "runs": runs}
    return told | ({} if made.deviation is None else {"deviation": made.deviation})


def train_task(task: Task) -> Run | str:
    """Really train a task's network; a flow's as the descent whose steps it has."""
    from grokode_validate.direct import direct

    from ..dynamics.optimizers import OPTIMIZERS
    from ..errors import GrokodeError

    experiment = task.experiment
    if not OPTIMIZERS.build(experiment.optimizer).steps:
        experiment = experiment.model_copy(update={"optimizer": "gradient_descent"})
    try:
        trained: Run = direct(experiment, keep_states=task.states)
    except GrokodeError as error:
        return str(error)
    return trained
