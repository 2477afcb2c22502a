"""The system that an experiment draws, or that its bundle gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..model.starts import STARTS
from ..task.data import load_array
from ..task.inputs.gaussian import Gaussian
from ..task.system import DrawnSystem, System
from ..task.targets import TARGETS
from ..task.targets.file import Form, FromFile
from .bundle import Bundle
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
        return bundle.system(experiment.n_test, experiment.seed, declared)
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
    )


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
