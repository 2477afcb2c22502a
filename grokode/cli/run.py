"""``grokode run``: one experiment, its curves and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..dynamics.optimizers import OPTIMIZERS
from ..dynamics.solvers import SOLVERS
from ..model.starts import STARTS
from ..registry import Registry
from ..task.targets import TARGETS
from . import output

DEFAULT_PICTURE = Path("grokode-run.png")
SOURCES, SYSTEM, TRAINING, READING, WRITING = "Sources", "System", "Training", "Reading", "Writing"


def _option(*names: str, panel: str, help: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False)


def _entries(registry: Registry) -> str:
    """Describe what a registry offers; the registries themselves import nothing."""
    return "; ".join(f"{name}: {registry.summary(name)}" for name in registry) + "."


def command(
    preset: Annotated[
        str | None, _option("--preset", panel=SOURCES, help="A set-up of the paper; see 'grokode presets'.")
    ] = None,
    spec: Annotated[Path | None, _option("--spec", panel=SOURCES, help="A TOML file with a whole experiment.")] = None,
    bundle: Annotated[
        Path | None,
        _option("--bundle", panel=SOURCES, help="An npz with your own data, initial weights and learning rate."),
    ] = None,
    saved: Annotated[
        Path | None, _option("--from", panel=SOURCES, help="A saved run, to make again or further.")
    ] = None,
    show_spec: Annotated[
        bool, _option("--show-spec", panel=SOURCES, help="Print the experiment in force as TOML and exit.")
    ] = False,
    dim: Annotated[int | None, _option("--dim", panel=SYSTEM, help="Input dimension D.")] = None,
    n_train: Annotated[str | None, _option("--n-train", panel=SYSTEM, help="Training samples P, or inf.")] = None,
    n_test: Annotated[
        int | None, _option("--n-test", panel=SYSTEM, help="Test points drawn beside the exact test loss.")
    ] = None,
    width: Annotated[str | None, _option("--width", panel=SYSTEM, help="Neurons N, or inf.")] = None,
    sigma: Annotated[
        float | None, _option("--sigma", panel=SYSTEM, help="Standard deviation of the initial weights.")
    ] = None,
    alpha: Annotated[float | None, _option("--alpha", panel=SYSTEM, help="Output scale; large is lazy.")] = None,
    eps: Annotated[
        float | None, _option("--eps", panel=SYSTEM, help="Weight of the quadratic part of the activation.")
    ] = None,
    centered: Annotated[
        bool | None, _option("--centered/--no-centered", panel=SYSTEM, help="Subtract the initial predictor.")
    ] = None,
    target: Annotated[
        str | None,
        _option("--target", panel=SYSTEM, help=f"NAME or NAME:FIELD=VALUE,... {_entries(TARGETS)}"),
    ] = None,
    start: Annotated[
        str | None, _option("--start", panel=SYSTEM, help=f"Law of the initial weights. {_entries(STARTS)}")
    ] = None,
    noise: Annotated[
        float | None, _option("--noise", panel=SYSTEM, help="Standard deviation of the noise on training labels.")
    ] = None,
    covariance: Annotated[
        str | None,
        _option(
            "--covariance",
            panel=SYSTEM,
            help="Covariance of the inputs: a number times I, or an npy file (D,) or (D, D); I/D by default.",
        ),
    ] = None,
    seed: Annotated[int | None, _option("--seed", panel=SYSTEM, help="Seed of data, target and weights.")] = None,
    optimizer: Annotated[str | None, _option("--optimizer", panel=TRAINING, help=_entries(OPTIMIZERS))] = None,
    lr: Annotated[
        float | None, _option("--lr", panel=TRAINING, help="Learning rate on the mean squared residual (finite width).")
    ] = None,
    dt: Annotated[float | None, _option("--dt", panel=TRAINING, help="Flow time of a step, lr alpha^2 / N.")] = None,
    steps: Annotated[int | None, _option("--steps", panel=TRAINING, help="Number of steps.")] = None,
    t_max: Annotated[float | None, _option("--t-max", panel=TRAINING, help="End of the flow time.")] = None,
    solver: Annotated[
        str | None,
        _option("--solver", panel=TRAINING, help=f"For flows. {_entries(SOLVERS)}"),
    ] = None,
    rtol: Annotated[
        float | None, _option("--rtol", panel=TRAINING, help="Relative tolerance of the solver, 1e-6 by default.")
    ] = None,
    threads: Annotated[
        int | None, _option("--threads", panel=TRAINING, help="Threads of the linear algebra, 1 by default.")
    ] = None,
    time_limit: Annotated[
        float | None,
        _option("--time-limit", panel=TRAINING, help="Seconds after which the run ends and keeps what it has."),
    ] = None,
    points: Annotated[int | None, _option("--points", panel=READING, help="Saved times, evenly in log time.")] = None,
    times: Annotated[
        str | None,
        _option("--times", panel=READING, help="Saved times, the last one the end: 0,1,10 or log:0.1:1000:50."),
    ] = None,
    threshold: Annotated[
        str | None, _option("--threshold", panel=READING, help="A loss (0.1), or a part of the initial one (10%).")
    ] = None,
    until: Annotated[
        str | None, _option("--until", panel=READING, help="end, or resolved: stop once every crossing is answered.")
    ] = None,
    json: Annotated[
        str | None, _option("--json", panel=WRITING, help="Write one JSON object to a file, or to stdout for -.")
    ] = None,
    out: Annotated[Path | None, _option("--out", panel=WRITING, help="Save the run to an npz file.")] = None,
    picture: Annotated[
        Path | None,
        _option(
            "--plot", panel=WRITING, help="Where the picture goes (.png, .pdf, .svg); ./grokode-run.png by default."
        ),
    ] = None,
    no_plot: Annotated[
        bool, _option("--no-plot", panel=WRITING, help="Write no picture unless --plot names one.")
    ] = False,
) -> int:
    """Compute the train and test loss curves of one experiment."""
    flags = {
        "dim": dim, "n_train": n_train, "n_test": n_test, "width": width, "sigma": sigma, "alpha": alpha,
        "eps": eps, "centered": centered, "target": target, "start": start, "noise": noise,
        "covariance": covariance, "seed": seed, "optimizer": optimizer, "lr": lr, "dt": dt, "steps": steps,
        "t_max": t_max, "solver": solver, "rtol": rtol, "threads": threads, "time_limit": time_limit,
        "points": points, "times": times, "threshold": threshold, "until": until,
    }  # fmt: skip
    from ..experiment import bundle as bundles
    from ..experiment import files
    from ..experiment.compose import compose
    from ..experiment.simulate import simulate
    from ..experiment.sources import load_preset, load_spec, to_toml
    from ..experiment.storage import refuse_overlap

    composition = compose(
        flags,
        preset=load_preset(preset) if preset is not None else None,
        spec=load_spec(spec) if spec else None,
        saved=files.load(saved) if saved else None,
        bundle=bundles.load(bundle) if bundle else None,
    )
    if show_spec:
        print(to_toml(composition.experiment), end="")
        return 0
    refuse_overlap(
        {"--out": out, "--json": Path(json) if json and json != "-" else None, "--plot": picture},
        {"--bundle": bundle, "--from": saved, "--spec": spec},
    )
    output.check_json(json)
    if out:
        files.check_run_file(out)
    if picture:
        files.check_picture(picture)
    for note in composition.notes:
        output.say(note)
    with output.progress("integrating") as progress:
        result = simulate(
            composition.experiment, composition.bundle, composition.files, progress=progress, say=output.say
        )
    if out:  # first of all: a reader of stdout that leaves must not cost the run
        files.save(result, out)
    if json:
        output.write_json(files.to_json(result), json)
    quiet = json == "-"
    output.table(result.rows(), to_stderr=quiet)
    if picture or not no_plot:
        _draw(result, picture, quiet)
    return 1 if result.status == "time_limit" else 0


def _draw(result: Any, picture: Path | None, quiet: bool) -> None:
    """Write the picture; the one nobody asked for does not spoil a run whose folder is read-only."""
    from ..errors import InvalidInput
    from ..experiment import files
    from ..plot.figure import picture as draw

    path = picture or DEFAULT_PICTURE
    try:
        files.save_picture(draw(result), path)
    except InvalidInput as error:
        if picture:
            raise
        output.say(f"no picture: {error}")
        return
    output.table([("picture", str(path) if picture else f"./{path}")], to_stderr=quiet)
