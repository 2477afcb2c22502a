"""``grokode overlay``: logged losses beside the theory of the same training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import CheckFailed
from . import options, output
from .options import READING, SOURCES, WRITING, option

MOVED = "COL@K: the column's values belong K steps later than they stand (Keras's val_loss is val_loss@1)."


def command(
    logs: Annotated[
        list[Path],
        typer.Argument(
            help="Logs: CSV, TSV, JSON lines, npz, Parquet, TensorBoard, exports of W&B, trainer_state.json of Hugging "
            "Face.",
            show_default=False,
        ),
    ],
    bundles: Annotated[
        list[Path] | None,
        option(
            "--bundle",
            panel=SOURCES,
            help="An npz with your own data, initial weights and learning rate: one for all logs, or one for each in "
            "order, the flag repeated. Without it the theory is a mean over fresh draws.",
        ),
    ] = None,
    preset: options.PresetName = None,
    spec: options.SpecFile = None,
    saved: options.SavedRun = None,
    dim: options.Dim = None,
    n_train: options.NTrain = None,
    n_test: options.NTest = None,
    width: options.Width = None,
    sigma: options.Sigma = None,
    alpha: options.Alpha = None,
    eps: options.Eps = None,
    hermite: options.Hermite = None,
    readouts: options.Readouts = None,
    centered: options.Centered = None,
    target: options.Target = None,
    start: options.Start = None,
    noise: options.Noise = None,
    covariance: options.Covariance = None,
    seed: options.Seed = None,
    optimizer: options.Optimizer = None,
    momentum: options.Momentum = None,
    weight_decay: options.WeightDecay = None,
    decoupled: options.Decoupled = None,
    decay_rate: options.DecayRate = None,
    batch_size: options.BatchSize = None,
    lr: options.Lr = None,
    dt: options.Dt = None,
    schedule: options.Schedule = None,
    solver: options.Solver = None,
    rtol: options.Rtol = None,
    threads: options.Threads = None,
    train: Annotated[
        str | None,
        option("--train", panel=READING, help=f"Column of the train loss; found by its name by default. {MOVED}"),
    ] = None,
    test: Annotated[
        str | None,
        option("--test", panel=READING, help=f"Column of the test loss; found by its name by default. {MOVED}"),
    ] = None,
    step: Annotated[
        str | None,
        option(
            "--step",
            panel=READING,
            help="Column of the optimizer steps made before the loss. COL@K: the values of both losses belong K steps "
            "later than they stand.",
        ),
    ] = None,
    loss_scale: Annotated[
        float | None,
        option("--loss-scale", panel=READING, help="The logs hold this many times the mean squared residual."),
    ] = None,
    fit: Annotated[
        str,
        option("--fit", panel=READING, help="Fit these, and compare at the fitted values: alpha,eps,lr,sigma."),
    ] = "",
    draws: Annotated[
        int | None, option("--draws", panel=READING, help="Draws that the theory without a bundle is a mean of; 64.")
    ] = None,
    check: Annotated[
        float | None,
        option(
            "--check",
            panel=READING,
            help="Exit with 4 where a log loss is further than this from the theory, beyond the resolution of its log "
            "(where log or theory are above 1e-10 of the initial loss). Without a bundle the deviation holds the "
            "sampling noise of seeds and draws; the rounding of a centred predictor grows with alpha (about 4e-9 at "
            "1e3).",
        ),
    ] = None,
    engine: options.EngineName = "serial",
    workers: options.Workers = 0,
    address: options.Address = "",
    json: options.Json = None,
    picture: Annotated[
        Path | None,
        option(
            "--plot",
            panel=WRITING,
            help="Where the picture goes (.png, .pdf, .svg); ./grokode-overlay.png by default.",
        ),
    ] = None,
    no_plot: Annotated[
        bool, option("--no-plot", panel=WRITING, help="Write no picture unless --plot names one.")
    ] = False,
) -> int:
    """Lay logged losses over the theory of the same training, and say how far they agree."""
    flags = {
        "dim": dim, "n_train": n_train, "n_test": n_test, "width": width, "sigma": sigma, "alpha": alpha,
        "eps": eps, "hermite": hermite, "readouts": readouts,
        "centered": centered, "target": target, "start": start, "noise": noise,
        "covariance": covariance, "seed": seed, "optimizer": optimizer,
        "momentum": momentum, "weight_decay": weight_decay, "decoupled": decoupled, "decay_rate": decay_rate,
        "batch_size": batch_size, "lr": lr, "dt": dt, "schedule": schedule, "solver": solver,
        "rtol": rtol, "threads": threads,
    }  # fmt: skip
    import json as encoder

    from ..overlay import Columns, read_log
    from ..overlay.comparison import Asked, last_step, lay_over

    inputs: dict[str, Path | None] = {"--from": saved, "--spec": spec}
    inputs |= {f"log {index + 1}": path for index, path in enumerate(logs)}
    inputs |= {f"bundle {index + 1}": path for index, path in enumerate(bundles or [])}
    output.check(json=json, picture=picture, inputs=inputs)
    runner = options.engine_from(engine, {"workers": workers, "address": address})
    read = [read_log(path, Columns(train=train, test=test, step=step)) for path in logs]
    flags["steps"] = last_step(read)
    each: list[Path | None] = [*bundles] if bundles else [None]
    compositions = [options.experiment_from(flags, preset, spec, saved, bundle) for bundle in each]
    for note in dict.fromkeys(note for one in compositions for note in one.notes):
        output.say(note)
    for log in read:
        for note in log.notes:
            output.say(f"{log.name}: {note}")
    with output.progress("comparing") as progress:
        asked = Asked(
            fit=fit,
            draws=draws,
            loss_scale=loss_scale,
            tolerance=check,
            progress=progress,
            say=output.say,
            engine=runner,
        )
        result = lay_over(read, compositions, asked)
    for note in result.notes:
        output.say(note)
    quiet = json == "-"
    if json:
        output.write_json(encoder.dumps(result.to_dict(), allow_nan=False), json)
    output.table(result.rows(), to_stderr=quiet)
    output.table([("theory", result.theory)], to_stderr=quiet)
    if result.fit is not None:
        output.table(result.fit.rows(), to_stderr=quiet)
    if picture or not no_plot:
        from ..plot.overlay import overlay_picture

        output.draw(lambda: overlay_picture(result), picture, Path("grokode-overlay.png"), quiet=quiet)
    if result.fault:
        raise CheckFailed(result.fault)
    return 0
