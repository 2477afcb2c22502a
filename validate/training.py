"""Real neurons, really trained on the system that an experiment draws."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.optimizers.decaying import Decaying
from grokode.dynamics.optimizers.sgd import Sgd
from grokode.dynamics.pace import Pace, ScheduledPace
from grokode.errors import Diverged, InvalidInput
from grokode.experiment.bundle import Bundle
from grokode.experiment.resources import refuse_run
from grokode.experiment.saving import saved_points
from grokode.experiment.spec import Experiment
from grokode.experiment.systems import network_of, system_of
from grokode.experiment.training import optimizer_of, pace_of
from grokode.model.states.neurons import RealNeurons
from grokode.observables.lazy import LABELS as LAZY
from grokode.task.streams import Role, stream
from grokode.task.system import Draw, Law

from .activations import Hermite, Square
from .linearized import train_linearized
from .network import CommitteeMachine, Weights
from .optimizers import TWINS, Optimizer
from .readings import Readings
from .samples import Samples, samples_of

Array = NDArray[np.float64]


OURS = ("batch_size", "decay_rate", "seed")
"""Parameters of optimizers that are told otherwise to a twin: its batches are handed over, its decay is torch's."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """A network after training, and what it was trained on.

    Parameters
    ----------
    machine : CommitteeMachine
    start : Weights
    draw : Draw
    samples : mapping of str to Samples
        ``train``, and the tests by name.
    pace : Pace
        What its steps are worth.
    step : ndarray of int, shape (n,)
    weights : ndarray, shape (n, N, D)
    readouts : ndarray, shape (n, N)
    values : mapping of str to ndarray, shape (n,)
        The curves by name.
    scales : mapping of str to ndarray, shape (n,)
        What tolerances need beside them.
    seconds : float
        That training took.
    """

    machine: CommitteeMachine
    start: Weights
    draw: Draw
    samples: Mapping[str, Samples]
    pace: Pace
    step: NDArray[np.int64]
    weights: Array
    readouts: Array
    values: Mapping[str, Array]
    scales: Mapping[str, Array]
    seconds: float


def train(
    experiment: Experiment,
    bundle: Bundle | None = None,
    files: Mapping[str, Array] | None = None,
    *,
    neurons: int | None = None,
    optimizer: Callable[[float], Optimizer] | None = None,
) -> Trained:
    """Train real neurons on an experiment's own draw, to its end; ``direct`` has the parameters.

    ``optimizer``, from the learning rate of a unit of flow time, takes the place of the experiment's twin.
    """
    pace = pace_of(experiment, bundle, files)
    known = optimizer_of(experiment, bundle)
    record = saved_points(experiment, bundle, takes_steps=True, pace=pace)
    assert pace is not None  # steps without one were refused
    draw = system_of(experiment, bundle, files).draw(network_of(experiment))
    samples = {name: samples_of(source) for name, source in {"train": draw.train, **draw.tests}.items()}
    points, width = samples["train"], _width(experiment, neurons)
    _refuse(samples, width, len(record), kernel=experiment.lazy is True)
    start = _start(experiment, bundle, draw, width)
    ratio = width / experiment.alpha**2
    rule = optimizer(ratio) if optimizer else twin(experiment.optimizer, pace, ratio)
    machine = CommitteeMachine(
        alpha=experiment.alpha,
        eps=experiment.eps,
        centered=experiment.centered,
        activation=Hermite(experiment.hermite) if experiment.hermite else Square(),
        trained_readouts=experiment.readouts == "trained",
    )
    sizes = pace.sizes if isinstance(pace, ScheduledPace) else pace.dt
    how: Any = {"lr": sizes * ratio, "record": record, "optimizer": rule}
    batches = known.batches(len(points.y)).rows if isinstance(known, Sgd) else None
    with threadpool_limits(limits=experiment.threads), np.errstate(over="ignore", invalid="ignore"):
        began = time.perf_counter()
        weighed = {"sample_weights": points.weights} if batches is None else {"batches": batches}
        training = machine.train(start.W, points.X, points.y, readouts=start.v, **weighed, **how)
        seconds = time.perf_counter() - began
        if not np.isfinite(training.weights).all():
            raise Diverged(f"{experiment.optimizer} of {width} real neurons diverged; lower --dt or --lr")
        readings = Readings(machine, start, draw, samples, kernel=experiment.lazy is True)
        rows = [readings.at(Weights(W, v)) for W, v in zip(training.weights, training.readouts, strict=True)]
        values, scales = _columns([row.values for row in rows]), _columns([row.scales for row in rows])
        if experiment.lazy and batches is None and pace.steady and not _on_law(draw):
            losses = train_linearized(machine, start, samples, **how)
            values |= {LAZY[name][0]: loss for name, loss in losses.items()}
    return Trained(
        machine=machine,
        start=start,
        draw=draw,
        samples=samples,
        pace=pace,
        step=training.step,
        weights=training.weights,
        readouts=training.readouts,
        values=values,
        scales=scales,
        seconds=seconds,
    )


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, Array]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def twin(optimizer: str, pace: Pace, ratio: float) -> Optimizer:
    """Return the independent twin of an optimizer, with the same parameters.

    Parameters
    ----------
    optimizer : str
        As the experiment has it.
    pace : Pace
        Of the experiment.
    ratio : float
        N / alpha^2 of the neurons that are trained: what turns a decay a unit of flow time into a weight decay.

    Raises
    ------
    InvalidInput
        If it takes no steps, or has no twin.
    """
    name, known = optimizer.partition(":")[0], OPTIMIZERS.build(optimizer)
    trainable = ", ".join(n for n in OPTIMIZERS if OPTIMIZERS.load(n).steps and n in TWINS)
    if not known.steps:
        raise InvalidInput(f"optimizer {name!r} takes no steps that real neurons could take; name one of: {trainable}")
    if name not in TWINS:
        raise InvalidInput(f"optimizer {name!r} has no twin that trains real neurons; name one of: {trainable}")
    fields = {key: value for key, value in dataclasses.asdict(known).items() if key not in OURS}
    if isinstance(known, Decaying):
        fields["weight_decay"] = known.rate(pace) / ratio
    built: Optimizer = TWINS[name](**fields)
    return built


def _width(experiment: Experiment, neurons: int | None) -> int:
    if neurons is not None:
        return neurons
    return experiment.dim + 1 if math.isinf(experiment.width) else int(experiment.width)


def _on_law(draw: Draw) -> bool:
    """Whether real neurons are trained on a whole law, of which the theory knows no linearised losses."""
    return isinstance(draw.start, RealNeurons) and isinstance(draw.train, Law)


def _start(experiment: Experiment, bundle: Bundle | None, draw: Draw, width: int) -> Weights:
    """Return the user's own neurons, or as many as wanted that have the start's factor, or the start's own."""
    if bundle is not None and width == bundle.width:
        v = None if bundle.v0 is None else np.asarray(bundle.v0, dtype=float)
        return Weights.of(np.asarray(bundle.W0, dtype=float), v)
    W = draw.start.neurons(width, stream(experiment.seed, Role.WEIGHTS, experiment.dim, width))
    return Weights.of(W, draw.start.readouts if isinstance(draw.start, RealNeurons) else None)


def _refuse(samples: Mapping[str, Samples], width: int, records: int, *, kernel: bool) -> None:
    """Refuse a training that does not fit into memory."""
    P, dim = max(points.X.shape for points in samples.values())
    weights, slopes = width * dim * (records + 6), P * width * (4 + dim * kernel)
    refuse_run(8.0 * (weights + slopes))
