"""``grokode sweep``: experiments on a grid, into a store."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..errors import InvalidInput
from . import options, output
from .options import READING, SYSTEM, TRAINING, WORK, WRITING, option

NUMBERS = "A value, or a grid: 0.1,1,10 or log:0.01:100:9 or lin:0.4:5.6:14."
WORDS = "As for run; given several times, an axis."

Dim = Annotated[str | None, option("--dim", panel=SYSTEM, help=f"Input dimension D. {NUMBERS}")]
NTrain = Annotated[str | None, option("--n-train", panel=SYSTEM, help=f"Training samples P, or inf. {NUMBERS}")]
Width = Annotated[str | None, option("--width", panel=SYSTEM, help=f"Neurons N, or inf. {NUMBERS}")]
Sigma = Annotated[str | None, option("--sigma", panel=SYSTEM, help=f"Scale of the initial weights. {NUMBERS}")]
Alpha = Annotated[str | None, option("--alpha", panel=SYSTEM, help=f"Output scale; large is lazy. {NUMBERS}")]
Eps = Annotated[str | None, option("--eps", panel=SYSTEM, help=f"Weight of the quadratic part. {NUMBERS}")]
Noise = Annotated[str | None, option("--noise", panel=SYSTEM, help=f"Of the training labels. {NUMBERS}")]
Lr = Annotated[str | None, option("--lr", panel=TRAINING, help=f"Learning rate. {NUMBERS}")]
Dt = Annotated[str | None, option("--dt", panel=TRAINING, help=f"Flow time of a step. {NUMBERS}")]
Target = Annotated[list[str] | None, option("--target", panel=SYSTEM, help=WORDS)]
Start = Annotated[list[str] | None, option("--start", panel=SYSTEM, help=WORDS)]
Optimizer = Annotated[list[str] | None, option("--optimizer", panel=TRAINING, help=WORDS)]


class Once(TyperCommand):
    """A command that refuses an option given twice, where the parser would drop the first without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the command's name."""
        given = [word.partition("=")[0] for word in itertools.takewhile(lambda word: word != "--", args)]
        for parameter in self.params:
            names = {*parameter.opts, *parameter.secondary_opts}
            if not getattr(parameter, "multiple", True) and sum(word in names for word in given) > 1:
                name = parameter.opts[0]
                raise InvalidInput(f"{name} is given more than once; give it once, several values as {name} 1,2,3")
        return super().parse_args(ctx, args)


def command(
    spec: Annotated[Path | None, typer.Argument(help="A TOML file: an experiment, and [grid].")] = None,
    preset: options.PresetName = None,
    dim: Dim = None,
    n_train: NTrain = None,
    n_test: options.NTest = None,
    width: Width = None,
    sigma: Sigma = None,
    alpha: Alpha = None,
    eps: Eps = None,
    hermite: options.Hermite = None,
    readouts: options.Readouts = None,
    centered: options.Centered = None,
    target: Target = None,
    start: Start = None,
    noise: Noise = None,
    covariance: options.Covariance = None,
    seeds: Annotated[str | None, option("--seeds", panel=SYSTEM, help="Seeds: 0:20 (0 to 19), or 1,5,9.")] = None,
    optimizer: Optimizer = None,
    momentum: options.Momentum = None,
    weight_decay: options.WeightDecay = None,
    decoupled: options.Decoupled = None,
    decay_rate: options.DecayRate = None,
    batch_size: options.BatchSize = None,
    lr: Lr = None,
    dt: Dt = None,
    schedule: options.Schedule = None,
    steps: options.Steps = None,
    t_max: options.TMax = None,
    solver: options.Solver = None,
    rtol: options.Rtol = None,
    time_limit: options.TimeLimit = None,
    guard: options.Guard = None,
    points: options.Points = None,
    times: options.Times = None,
    threshold: Annotated[
        str | None,
        option("--threshold", panel=READING, help="Losses or parts of the initial one, one or several: 0.05,0.1,10%."),
    ] = None,
    until: options.Until = None,
    quantities: Annotated[
        str,
        option(
            "--quantities",
            panel=READING,
            help="Kept beside the scalars: losses, terms, weights, features, kernel, lazy; scalars alone for none.",
        ),
    ] = "losses",
    out: Annotated[Path, option("--out", panel=WRITING, help="The store; grokode-sweep.zarr by default.")] = Path(
        "grokode-sweep.zarr"
    ),
    resume: Annotated[bool, option("--resume", panel=WORK, help="Go on with a store that exists.")] = False,
    engine: options.EngineName = "local",
    workers: options.Workers = 0,
    address: options.Address = "",
    dry_run: Annotated[
        bool,
        option("--dry-run", panel=WORK, help="Say how many cells, how long (some are timed), how large; keep nothing."),
    ] = False,
) -> int:
    """Run experiments on a grid of parameters, and keep their answers in a store."""
    flags = {
        "dim": dim, "n_train": n_train, "n_test": n_test, "width": width, "sigma": sigma, "alpha": alpha, "eps": eps,
        "hermite": hermite, "readouts": readouts, "centered": centered, "target": target, "start": start,
        "noise": noise, "covariance": covariance, "seed": seeds, "optimizer": optimizer, "momentum": momentum,
        "weight_decay": weight_decay, "decoupled": decoupled, "decay_rate": decay_rate, "batch_size": batch_size,
        "lr": lr, "dt": dt, "schedule": schedule, "steps": steps, "t_max": t_max, "solver": solver, "rtol": rtol,
        "time_limit": time_limit, "guard": guard, "points": points, "times": times, "until": until,
    }  # fmt: skip
    from ..errors import Interrupted
    from ..experiment.sources import load_preset, load_spec
    from ..sweep.conduct import conduct
    from ..sweep.estimate import estimate
    from ..sweep.layout import layout_of
    from ..sweep.specification import sweep_of
    from ..sweep.store import Store
    from ..sweep.words import rows_of_plan, rows_of_store

    sweep, notes = sweep_of(
        flags,
        preset=load_preset(preset) if preset is not None else None,
        spec=load_spec(spec) if spec else None,
        thresholds=() if threshold is None else threshold.split(","),
        quantities=quantities.split(","),
    )
    runner = options.engine_from(engine, {"workers": workers, "address": address})
    for note in notes:
        output.say(note)
    layout = layout_of(sweep)
    if dry_run:
        output.table(rows_of_plan(sweep, layout, estimate(sweep, layout)), to_stderr=False)
        return 0
    try:
        with output.cells("sweeping") as progress:
            conduct(sweep, layout, out, runner, resume=resume, progress=progress, say=output.say)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what is finished is kept, and --resume goes on with it") from None
    store = Store(out)
    output.table(rows_of_store(store), to_stderr=False)
    return 3 if store.bad else 0
