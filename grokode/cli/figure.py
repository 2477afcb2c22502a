"""``grokode figure``: the paper's figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..figures import FIGURES
from . import options, output

if TYPE_CHECKING:
    from ..engines.executor import Engine
    from ..experiment.result import Run
    from ..figures.make import Task

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
        bool, typer.Option("--claims", help="Measure the paper's claims on fresh draws, by gradient flow; minutes.")
    ] = False,
    fresh: Annotated[int | None, typer.Option("--draws", help="Of --claims; 100 by default.")] = None,
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
    import json as encoder
    import sys
    import time

    from ..errors import InvalidInput
    from ..experiment.files import write_text
    from ..experiment.storage import check_suffix
    from ..figures.claims import measure
    from ..figures.make import chosen, deviation, picture_of, run_all, runs_of, tasks_of
    from ..figures.page import Shown, page_of
    from ..sweep.export import export

    output.check_json(json)
    if listed:
        output.table(_rows_of_list(), to_stderr=json == "-")
        if json:
            entries = [{"name": name, "summary": FIGURES.summary(name)} for name in FIGURES]
            output.write_json(encoder.dumps({"schema": "grokode.figure/1", "figures": entries}), json)
        return 0
    runner = options.engine_from(engine, {"workers": workers, "address": address})
    if fresh is not None and not claims:
        raise InvalidInput(f"--draws {fresh} is of --claims; a figure's are --seeds 0:K")
    if claims and names:
        raise InvalidInput(f"--claims measures all of them, and figure {names[0]} is named too; give --all or no name")
    if page is not None:
        check_suffix(page, ".md", "a page must end in .md")
    if claims and not everything:
        return _claims(100 if fresh is None else fresh, runner, json)
    wanted = chosen(names or [], list(FIGURES), everything)
    kinds = format.split(",")
    for kind in kinds:
        if kind not in FORMATS:
            raise InvalidInput(f"unknown format {kind!r}; choose of {', '.join(FORMATS)}")
    if data is not None:
        if len(wanted) > 1:
            raise InvalidInput(f"--data writes the numbers of one figure, got {len(wanted)}; name one")
        check_suffix(data, ".nc", "the numbers go to a file that ends in .nc")
    draws = _seeds(seeds)
    _make_folder(out)
    figures = {name: FIGURES.build(name) for name in wanted}
    tasks = {name: tasks_of(figure, quick=quick, seeds=draws) for name, figure in figures.items()}
    started = time.perf_counter()
    with runner.open() as executor, output.progress("running") as progress:
        found = run_all(list(tasks.values()), executor, progress=progress)
        points = {name: _direct(tasks[name], executor) for name in wanted} if direct else {}
        measured = measure(100 if fresh is None else fresh, executor) if claims else []
    seconds = time.perf_counter() - started
    rows: list[tuple[str, str]] = []
    told: list[dict[str, Any]] = []
    shown: list[Shown] = []
    for name, figure in figures.items():
        runs, notes = runs_of(tasks[name], found, name)
        for note in notes:
            output.say(note)
        numbers = figure.data(runs)
        beside = figure.data(points[name]) if points.get(name) else None
        paths = _draw(picture_of(figure, numbers, beside), out, name, kinds)
        rows += [(name, figure.title), ("", ", ".join(map(str, paths)))]
        one = {"name": name, "title": figure.title, "claim": figure.claim, "files": [str(path) for path in paths]}
        one |= {"runs": _numbers(runs)}
        off = None if beside is None else deviation(numbers, beside)
        if off is not None:
            one["deviation"] = off
            rows.append(("", f"largest deviation of trained networks {off:.2g}"))
        told.append(one)
        shown.append(Shown(name=name, figure=figure, picture=paths[0], runs=runs, deviation=off))
        if data is not None:
            export(numbers, data, "netcdf")
            rows.append(("", str(data)))
    if page is not None:
        write_text(page_of(shown, measured, page, " ".join(["grokode", *sys.argv[1:]])), page)
        rows.append(("", str(page)))
    if json:
        found_all = {"schema": "grokode.figure/1", "seconds": seconds, "figures": told}
        found_all |= {"claims": [result.to_dict() for result in measured]} if claims else {}
        output.write_json(encoder.dumps(found_all), json)
    output.table([*rows, ("", f"{seconds:.3g} s of runs")], to_stderr=json == "-")
    return 0


def _claims(draws: int, runner: Engine, json: str | None) -> int:
    import json as encoder

    from ..figures.claims import measure

    with runner.open() as executor, output.progress("measuring") as progress:
        results = measure(draws, executor, progress=progress)
    if json:
        told = [result.to_dict() for result in results]
        output.write_json(encoder.dumps({"schema": "grokode.figure/1", "draws": draws, "claims": told}), json)
    rows = [("claim", "holds in", "control", "draw 0")]
    rows += [one.row for one in results]
    output.table(rows, to_stderr=json == "-")
    return 0


def _rows_of_list() -> list[tuple[str, str, str]]:
    """Say of every figure what it is, and for how long it computes on one core, by counts of operations."""
    from ..figures.make import tasks_of
    from ..sweep.specification import seconds_of

    rows = []
    for name in FIGURES:
        figure = FIGURES.build(name)
        quick, whole = (
            sum(seconds_of(task.experiment) for task in tasks_of(figure, quick=quick, seeds=[0]).values())
            for quick in (True, False)
        )
        rows.append((name, FIGURES.summary(name), f"about {quick:.2g} s quick, {whole:.2g} s"))
    return rows


def _seeds(text: str | None) -> list[int]:
    """Read 0:K, or one seed."""
    from ..experiment.grids import parse_range

    return [0] if text is None else [int(seed) for seed in parse_range(text)]


def _make_folder(out: Path) -> None:
    from ..errors import InvalidInput

    if not out.parent.is_dir() or (out.exists() and not out.is_dir()):
        raise InvalidInput(f"{out} cannot be a folder of pictures; name one in a folder that exists")
    out.mkdir(exist_ok=True)


def _draw(picture: Any, out: Path, name: str, kinds: list[str]) -> list[Path]:
    from ..experiment import files

    paths = [out / f"figure-{name}.{kind}" for kind in kinds]
    for path in paths:
        files.save_picture(picture, path)
    return paths


def _numbers(runs: Any) -> list[dict[str, Any]]:
    """Return what a summary has of every run."""
    names = ("t_train", "t_train_status", "t_test", "t_test_status", "delay", "peak_loss_test", "final_loss_test")
    return [
        {"run": label, "seed": seed, **{name: run.summary[name] for name in names}}
        for (label, seed), run in runs.items()
    ]


def _direct(tasks: Any, executor: Any) -> dict[tuple[str, int], Run]:
    """Train the networks of a figure's experiments; a flow's as the descent whose steps it has."""
    from ..figures.make import run_all, runs_of

    found = run_all([tasks], executor, train_task)
    return dict(runs_of(tasks, found, "by training")[0])


def train_task(task: Task) -> Run | str:
    """Really train a task's network."""
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
