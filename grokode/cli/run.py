"""``grokode run``: one experiment, its curves and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from . import options, output
from .options import READING, SOURCES, WRITING, option


def command(
    preset: options.PresetName = None,
    spec: options.SpecFile = None,
    bundle: options.BundleFile = None,
    saved: options.SavedRun = None,
    show_spec: Annotated[
        bool, option("--show-spec", panel=SOURCES, help="Print the experiment in force as TOML and exit.")
    ] = False,
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
    steps: options.Steps = None,
    t_max: options.TMax = None,
    solver: options.Solver = None,
    rtol: options.Rtol = None,
    threads: options.Threads = None,
    time_limit: options.TimeLimit = None,
    guard: options.Guard = None,
    lazy: Annotated[
        bool | None,
        option(
            "--lazy/--no-lazy",
            panel=READING,
            help="The linearised network and the kernel along the run: all, or none; by default what takes no longer "
            "than the run.",
        ),
    ] = None,
    points: options.Points = None,
    times: options.Times = None,
    threshold: Annotated[
        str | None,
        option("--threshold", panel=READING, help="A loss, 0.1 by default, or a part of the initial one (10%)."),
    ] = None,
    until: options.Until = None,
    json: options.Json = None,
    out: Annotated[Path | None, option("--out", panel=WRITING, help="Save the run to an npz file.")] = None,
    picture: Annotated[
        Path | None,
        option(
            "--plot", panel=WRITING, help="Where the picture goes (.png, .pdf, .svg); ./grokode-run.png by default."
        ),
    ] = None,
    no_plot: Annotated[
        bool, option("--no-plot", panel=WRITING, help="Write no picture unless --plot names one.")
    ] = False,
) -> int:
    """Compute the train and test loss curves of one experiment."""
    flags = {
        "dim": dim, "n_train": n_train, "n_test": n_test, "width": width, "sigma": sigma, "alpha": alpha,
        "eps": eps, "hermite": hermite, "readouts": readouts,
        "centered": centered, "target": target, "start": start, "noise": noise,
        "covariance": covariance, "seed": seed, "optimizer": optimizer,
        "momentum": momentum, "weight_decay": weight_decay, "decoupled": decoupled, "decay_rate": decay_rate,
        "batch_size": batch_size, "lr": lr, "dt": dt, "schedule": schedule, "steps": steps,
        "t_max": t_max, "solver": solver, "rtol": rtol, "threads": threads, "time_limit": time_limit,
        "points": points, "times": times, "threshold": threshold, "until": until, "guard": guard, "lazy": lazy,
    }  # fmt: skip
    from ..experiment import files
    from ..experiment.simulate import simulate
    from ..experiment.sources import to_toml

    composition = options.experiment_from(flags, preset, spec, saved, bundle)
    if show_spec:
        print(to_toml(composition.experiment), end="")
        return 0
    inputs = {"--bundle": bundle, "--from": saved, "--spec": spec}
    output.check(json=json, picture=picture, inputs=inputs, run=out)
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
        from ..plot.figure import picture as drawn

        output.draw(lambda: drawn(result), picture, Path("grokode-run.png"), quiet=quiet)
    return 1 if result.status == "time_limit" else 0
