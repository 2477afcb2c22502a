"""The system that an experiment draws, or that its bundle gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dynamics.problem import Problem
from ..dynamics.schedules import SCHEDULES
from ..dynamics.schedules.table import FromTable
from ..errors import InvalidInput
from ..model.activations import Hermite, Square
from ..model.kernel import Decompose, decompose
from ..model.network import Network
from ..model.starts import STARTS
from ..task.data import load_array
from ..task.inputs.gaussian import Gaussian
from ..task.system import AimedStartLaw, Draw, DrawnSystem, LabelLaw, System
from ..task.targets import TARGETS
from ..task.targets.file import Form, FromFile
from .bundle import Bundle
from .resources import needed_memory, refuse_run
from .spec import GIVEN, Experiment

Array = NDArray[np.float64]


def named_arrays(experiment: Experiment, known: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays that an experiment names by path, by that path.

    Parameters
    ----------
    experiment : Experiment
    known : mapping of str to ndarray
        Arrays that came with a saved run: its files are not read again.

    Raises
    ------
    InvalidInput
        If a file is not a readable array.
    """
    named: dict[str, Array] = {}
    if isinstance(path := experiment.covariance, str):
        named[path] = known[path] if path in known else load_array(Path(path), "covariance")
    if experiment.target != GIVEN and isinstance(law := TARGETS.build(experiment.target), FromFile):
        named[law.path] = known[law.path] if law.path in known else law.read().B
    if experiment.schedule != GIVEN and isinstance(table := SCHEDULES.build(experiment.schedule), FromTable):
        named[table.path] = known[table.path] if table.path in known else table.read().values
    return named


def system_of(experiment: Experiment, bundle: Bundle | None, known: Mapping[str, Array] | None = None) -> System:
    """Return the system that an experiment draws, or that its bundle gives; ``known`` as in ``named_arrays``.

    Raises
    ------
    InvalidInput
        If a target, start or covariance is wrong.
    """
    files = named_arrays(experiment, known or {})
    if bundle is not None:
        declared = None if experiment.covariance is None else _inputs(experiment, files)
        return bundle.system(experiment.n_test, experiment.seed, declared, network_of(experiment))
    if GIVEN in (experiment.target, experiment.start):
        raise InvalidInput(
            f"{'target' if experiment.target == GIVEN else 'start'} = {GIVEN!r} stands for a bundle's own arrays; "
            "give --bundle FILE.npz, or name a target and a start"
        )
    law = TARGETS.build(experiment.target)
    return DrawnSystem(
        inputs=_inputs(experiment, files),
        target=Form(law.path, files[law.path]) if isinstance(law, FromFile) else law,
        start=STARTS.build(experiment.start),
        n_train=experiment.n_train,
        n_test=experiment.n_test,
        width=experiment.width,
        sigma=experiment.sigma,
        noise=experiment.noise,
        seed=experiment.seed,
        trained_readouts=experiment.readouts == "trained",
    )


DRAWN = (
    "dim",
    "n_train",
    "n_test",
    "width",
    "sigma",
    "hermite",
    "readouts",
    "target",
    "start",
    "noise",
    "covariance",
    "seed",
)
"""Fields of an experiment that its draw depends on."""

LOOKED_AT = ("alpha", "eps", "centered")
"""Those too where labels or the start look at the network."""


def shares(experiment: Experiment) -> tuple[Any, ...]:
    """Return what an experiment's draw depends on: equal keys, equal draws."""
    target, start = TARGETS.build(experiment.target), STARTS.build(experiment.start)
    looks = isinstance(target, LabelLaw) or isinstance(start, AimedStartLaw)
    fields = (*DRAWN, *(LOOKED_AT if looks else ()))
    return tuple(getattr(experiment, name) for name in fields)


HUGE = 1e60
"""Losses and kernels beyond it overflow once squared."""


def problem_of(
    experiment: Experiment,
    bundle: Bundle | None,
    known: Mapping[str, Array] | None = None,
    *,
    kept: int = 0,
    evaluations: float = 0.0,
    draw: Draw | None = None,
    decompose: Decompose = decompose,
) -> Problem:
    """Draw an experiment, or take its bundle, and bind it to its network.

    Parameters
    ----------
    experiment : Experiment
    bundle : Bundle or None
    known : mapping of str to ndarray
        As in ``named_arrays``.
    kept : int
        Numbers that will be kept along a run.
    evaluations : float
        Forces that a run will take; decides how those of many samples are computed.
    draw : Draw, optional
        What the system draws, where that is known.
    decompose : callable
        What decomposes the initial kernel.

    Raises
    ------
    InvalidInput
        If a part is wrong, the problem does not fit into memory, or the numbers at the start are too large.
    """
    _refuse(experiment, bundle, kept)
    network = network_of(experiment)
    draw = draw or system_of(experiment, bundle, known).draw(network)
    problem = replace(Problem.of(network, draw, evaluations), decompose=decompose)
    loss, kernel = problem.train.loss(np.array(problem.start.theta)), problem.train.mean_kernel
    if not loss + kernel < HUGE:
        raise InvalidInput(
            f"train loss {loss:.3g} and kernel {kernel:.3g} at the start are beyond what float64 can square; "
            "lower --alpha, --eps, --sigma, or the data"
        )
    return problem


def _refuse(experiment: Experiment, bundle: Bundle | None, kept: int) -> None:
    """Refuse an experiment that does not fit into memory, before it is drawn."""
    rows = rows_of(experiment)
    n_train = 0 if math.isinf(experiment.n_train) else experiment.n_train
    needed = needed_memory(dim=experiment.dim, rows=rows, n_train=n_train, n_test=experiment.n_test, saved=kept)
    law = None if bundle or experiment.target == GIVEN else TARGETS.build(experiment.target)
    if isinstance(law, LabelLaw):
        needed += law.needed_bytes(n_train + experiment.n_test)
    refuse_run(needed)


def rows_of(experiment: Experiment) -> int:
    """Return how many rows a state of an experiment has: pseudo-neurons, or real ones."""
    rows = min(experiment.dim + 1, experiment.width)
    real = experiment.readouts == "trained" or not network_of(experiment).closes
    return int(experiment.width if real and math.isfinite(experiment.width) else rows)


def network_of(experiment: Experiment) -> Network:
    """Return the network of an experiment."""
    activation = Hermite(experiment.hermite) if experiment.hermite else Square()
    return Network(alpha=experiment.alpha, eps=experiment.eps, centered=experiment.centered, activation=activation)


def _inputs(experiment: Experiment, files: Mapping[str, Array]) -> Gaussian:
    if experiment.covariance is None:
        return Gaussian.isotropic(experiment.dim)
    if isinstance(experiment.covariance, float):
        return Gaussian.isotropic(experiment.dim, experiment.covariance)
    covariance = files[experiment.covariance]
    if covariance.ndim == 0:
        return Gaussian.isotropic(experiment.dim, float(covariance))
    if covariance.shape not in ((experiment.dim,), (experiment.dim, experiment.dim)):
        raise InvalidInput(
            f"covariance {experiment.covariance} has shape {covariance.shape}; dim {experiment.dim} needs "
            f"({experiment.dim},) or ({experiment.dim}, {experiment.dim}); set --dim"
        )
    return Gaussian(covariance)
