"""Options that several commands share: where an experiment comes from, and the system it draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..dynamics.optimizers import OPTIMIZERS
from ..dynamics.schedules import SCHEDULES
from ..dynamics.solvers import SOLVERS
from ..engines import ENGINES
from ..model.starts import STARTS
from ..registry import Registry
from ..task.targets import TARGETS
from . import output

if TYPE_CHECKING:
    import xarray

    from ..engines.executor import Engine
    from ..experiment.compose import Composition

SOURCES, SYSTEM, TRAINING, READING, WRITING, WORK = "Sources", "System", "Training", "Reading", "Writing", "Work"


def option(*names: str, panel: str, help: str) -> Any:
    """Declare an option in its panel."""
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False)


def entries(registry: Registry) -> str:
    """Describe what a registry offers; the registries themselves import nothing."""
    return "; ".join(f"{name}: {registry.summary(name)}" for name in registry) + "."


PresetName = Annotated[
    str | None, option("--preset", panel=SOURCES, help="A set-up of the paper; see 'grokode presets'.")
]
SpecFile = Annotated[Path | None, option("--spec", panel=SOURCES, help="A TOML file with a whole experiment.")]
BundleFile = Annotated[
    Path | None,
    option("--bundle", panel=SOURCES, help="An npz with your own data, initial weights and learning rate."),
]
SavedRun = Annotated[Path | None, option("--from", panel=SOURCES, help="A saved run, to make again or further.")]

Dim = Annotated[int | None, option("--dim", panel=SYSTEM, help="Input dimension D, 40 by default.")]
NTrain = Annotated[str | None, option("--n-train", panel=SYSTEM, help="Training samples P, or inf; 200 by default.")]
NTest = Annotated[
    int | None, option("--n-test", panel=SYSTEM, help="Test points drawn beside the exact test loss, 0 by default.")
]
Width = Annotated[str | None, option("--width", panel=SYSTEM, help="Neurons N, or inf; 500 by default.")]
Sigma = Annotated[
    float | None, option("--sigma", panel=SYSTEM, help="Standard deviation of the initial weights, 1 by default.")
]
Alpha = Annotated[float | None, option("--alpha", panel=SYSTEM, help="Output scale, 1 by default; large is lazy.")]
Eps = Annotated[
    float | None, option("--eps", panel=SYSTEM, help="Weight of the quadratic part of the activation, 0.05 by default.")
]
Hermite = Annotated[
    int | None,
    option(
        "--hermite",
        panel=SYSTEM,
        help="Degree k of an activation h + eps/2 He_k(h), 0 by default: h + eps/2 h^2. From 3 on all neurons are "
        "needed, and the test loss is that of --n-test points.",
    ),
]
Readouts = Annotated[
    str | None,
    option(
        "--readouts",
        panel=SYSTEM,
        help="fixed by default, to 1; or trained, from N(0, 1) at the learning rate of the weights: needs all neurons.",
    ),
]
Centered = Annotated[
    bool | None, option("--centered/--no-centered", panel=SYSTEM, help="Subtract the initial predictor; on by default.")
]
Target = Annotated[
    str | None,
    option("--target", panel=SYSTEM, help=f"NAME or NAME:FIELD=VALUE,..., single_index by default. {entries(TARGETS)}"),
]
Start = Annotated[
    str | None,
    option("--start", panel=SYSTEM, help=f"Law of the initial weights, gaussian by default. {entries(STARTS)}"),
]
Noise = Annotated[
    float | None,
    option("--noise", panel=SYSTEM, help="Standard deviation of the noise on training labels, 0 by default."),
]
Covariance = Annotated[
    str | None,
    option(
        "--covariance",
        panel=SYSTEM,
        help="Covariance of the inputs: a number times I, or an npy file (D,) or (D, D); I/D by default.",
    ),
]
Seed = Annotated[int | None, option("--seed", panel=SYSTEM, help="Seed of data, target and weights, 0 by default.")]
Optimizer = Annotated[
    str | None, option("--optimizer", panel=TRAINING, help=f"gradient_flow by default. {entries(OPTIMIZERS)}")
]
Momentum = Annotated[
    float | None,
    option("--momentum", panel=TRAINING, help="The optimizer's momentum, from 0 to below 1; 0.9 by default, 0 of sgd."),
]
WeightDecay = Annotated[
    float | None,
    option(
        "--weight-decay",
        panel=TRAINING,
        help="torch's: lr times it times w is added to a step, before momentum (finite width, optimizers in steps).",
    ),
]
Decoupled = Annotated[
    bool | None,
    option("--decoupled/--coupled", panel=TRAINING, help="Weight decay beside momentum, as in AdamW."),
]
DecayRate = Annotated[
    float | None,
    option("--decay-rate", panel=TRAINING, help="Weight decay a unit of flow time, weight decay N / alpha^2."),
]
BatchSize = Annotated[
    int | None, option("--batch-size", panel=TRAINING, help="Samples in a batch of sgd, 1 by default.")
]
Lr = Annotated[
    float | None, option("--lr", panel=TRAINING, help="Learning rate on the mean squared residual (finite width).")
]
Dt = Annotated[
    float | None, option("--dt", panel=TRAINING, help="Flow time of a step, lr alpha^2 / N; 0.5 by default.")
]
Schedule = Annotated[
    str | None,
    option(
        "--schedule",
        panel=TRAINING,
        help=f"Of the learning rate, constant by default. {entries(SCHEDULES)} All but "
        "a table take warmup=W, a linear rise before.",
    ),
]
Solver = Annotated[
    str | None, option("--solver", panel=TRAINING, help=f"For flows, auto by default. {entries(SOLVERS)}")
]
Rtol = Annotated[
    float | None, option("--rtol", panel=TRAINING, help="Relative tolerance of the solver, 1e-6 by default.")
]
Threads = Annotated[
    int | None, option("--threads", panel=TRAINING, help="Threads of the linear algebra, 1 by default.")
]
Steps = Annotated[int | None, option("--steps", panel=TRAINING, help="Number of steps.")]
TMax = Annotated[float | None, option("--t-max", panel=TRAINING, help="End of the flow time, 100000 by default.")]
TimeLimit = Annotated[
    float | None,
    option("--time-limit", panel=TRAINING, help="Seconds after which the run ends and keeps what it has."),
]
Guard = Annotated[
    bool | None,
    option(
        "--guard/--no-guard",
        panel=TRAINING,
        help="Run again beside the run, to tell a curve from one that rounding decides; by default where a run "
        "takes milliseconds or has at most 3 neurons.",
    ),
]
Points = Annotated[
    int | None, option("--points", panel=READING, help="Saved times, evenly in log time; 200 by default.")
]
Times = Annotated[
    str | None,
    option("--times", panel=READING, help="Saved times, the last one the end: 0,1,10 or log:0.1:1000:50."),
]
Until = Annotated[
    str | None,
    option("--until", panel=READING, help="end by default, or resolved: stop once every crossing is answered."),
]
EngineName = Annotated[str, option("--engine", panel=WORK, help=f"Where the work is done. {entries(ENGINES)}")]
Workers = Annotated[
    int, option("--workers", panel=WORK, help="Processes of local, or dask without an address; one a processor.")
]
Address = Annotated[
    str, option("--address", panel=WORK, help="Of a dask scheduler, tcp://HOST:PORT; a cluster of its own without.")
]
Json = Annotated[
    str | None, option("--json", panel=WRITING, help="Write one JSON object to a file, or to stdout for -.")
]


def engine_from(name: str, given: Mapping[str, Any]) -> Engine:
    """Make an engine of what was given for it; what it has no use for is refused."""
    from ..errors import InvalidInput

    plain, written = ENGINES.split(name)
    for key, value in given.items():
        if value and key not in ENGINES.parameters(plain):
            raise InvalidInput(f"engine {plain} has no {key}, got {value}; leave out --{key}")
        if value and key in written:
            raise InvalidInput(f"--{key} {value} and engine {name!r} set one thing twice; keep one")
    fields = written | {key: str(value) for key, value in given.items() if value}
    engine: Engine = ENGINES.build(f"{plain}:{','.join(f'{k}={v}' for k, v in fields.items())}" if fields else plain)
    return engine


def assignment(text: str, flag: str) -> tuple[str, str]:
    """Read NAME=VALUE."""
    from ..errors import InvalidInput

    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InvalidInput(f"{flag} {text!r} is not NAME=VALUE; write {flag} alpha=1")
    return name, value


def opened(store: Path) -> xarray.Dataset:
    """Open the store of a sweep to show it, and say what of it is not computed yet."""
    from ..sweep.store import open_sweep
    from ..sweep.words import note_of_pending

    data = open_sweep(store)
    if note := note_of_pending(data):
        output.say(note)
    return data


def experiment_from(
    flags: Mapping[str, Any], preset: str | None, spec: Path | None, saved: Path | None, bundle: Path | None
) -> Composition:
    """Read the sources of an experiment, and lay them over one another."""
    from ..experiment import bundle as bundles
    from ..experiment import files
    from ..experiment.compose import compose
    from ..experiment.sources import load_preset, load_spec

    return compose(
        flags,
        preset=load_preset(preset) if preset is not None else None,
        spec=load_spec(spec) if spec else None,
        saved=files.load(saved) if saved else None,
        bundle=bundles.load(bundle) if bundle else None,
    )
