"""``grokode kernel``: the initial kernel of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from . import options, output
from .options import READING, WRITING, option


def command(
    preset: options.PresetName = None,
    spec: options.SpecFile = None,
    bundle: options.BundleFile = None,
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
    threads: options.Threads = None,
    ridge: Annotated[
        float | None,
        option("--ridge", panel=READING, help="Regress with this ridge too; the learning curve then has it."),
    ] = None,
    sizes: Annotated[
        str | None,
        option(
            "--learning-curve",
            panel=READING,
            help="Numbers of samples of the average learning curve: 50,100 or log:10:1000:8.",
        ),
    ] = None,
    draws: Annotated[
        int | None,
        option(
            "--draws",
            panel=READING,
            help="Training sets drawn at each of them, 0 for theory alone; 5 up to 1000 samples by default.",
        ),
    ] = None,
    json: options.Json = None,
    picture: Annotated[
        Path | None, option("--plot", panel=WRITING, help="Draw spectrum and learning curve (.png, .pdf, .svg).")
    ] = None,
) -> int:
    """Show the initial kernel: spectrum, task difficulty, alignment, kernel regression, learning curve."""
    flags = {
        "dim": dim, "n_train": n_train, "n_test": n_test, "width": width, "sigma": sigma, "alpha": alpha,
        "eps": eps, "hermite": hermite, "readouts": readouts,
        "centered": centered, "target": target, "start": start, "noise": noise,
        "covariance": covariance, "seed": seed, "threads": threads,
    }  # fmt: skip
    import json as encoder

    from ..experiment import files
    from ..experiment.examine import examine
    from ..experiment.grids import parse_grid
    from ..plot.kernel import kernel_picture

    composition = options.experiment_from(flags, preset, spec, saved, bundle)
    output.check(json=json, picture=picture, inputs={"--bundle": bundle, "--from": saved, "--spec": spec})
    for note in composition.notes:
        output.say(note)
    report = examine(
        composition.experiment,
        composition.bundle,
        composition.files,
        ridge=ridge,
        sizes=parse_grid(sizes) if sizes is not None else None,
        draws=draws,
        say=output.say,
    )
    if json:
        output.write_json(encoder.dumps(report.to_dict(), allow_nan=False), json)
    for table in report.tables():
        output.table([*table, ("",) * len(table[0])], to_stderr=json == "-")
    if picture:
        files.save_picture(kernel_picture(report), picture)
        output.table([("picture", str(picture))], to_stderr=json == "-")
    return 0
