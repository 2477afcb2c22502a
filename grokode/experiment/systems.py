"""The system that an experiment draws, or that its bundle gives."""

from __future__ import annotations

from pathlib import Path

from ..errors import InvalidInput
from ..model.starts import STARTS
from ..task.data import load_array
from ..task.inputs.gaussian import Gaussian
from ..task.system import DrawnSystem, System
from ..task.targets import TARGETS
from .bundle import Bundle
from .spec import GIVEN, Experiment


def system_of(experiment: Experiment, bundle: Bundle | None) -> System:
    """Return the system that an experiment draws, or that its bundle gives.

    Raises
    ------
    InvalidInput
        If a target, start or covariance is wrong.
    """
    if bundle is not None:
        declared = None if experiment.covariance is None else _inputs(experiment)
        return bundle.system(experiment.n_test, experiment.seed, declared)
    if GIVEN in (experiment.target, experiment.start):
        raise InvalidInput(
            f"{'target' if experiment.target == GIVEN else 'start'} = {GIVEN!r} stands for a bundle's own arrays; "
            "give --bundle FILE.npz, or name a target and a start"
        )
    return DrawnSystem(
        inputs=_inputs(experiment),
        target=TARGETS.build(experiment.target),
        start=STARTS.build(experiment.start),
        n_train=experiment.n_train,
        n_test=experiment.n_test,
        width=experiment.width,
        sigma=experiment.sigma,
        noise=experiment.noise,
        seed=experiment.seed,
    )


def _inputs(experiment: Experiment) -> Gaussian:
    if experiment.covariance is None:
        return Gaussian.isotropic(experiment.dim)
    if isinstance(experiment.covariance, float):
        return Gaussian.isotropic(experiment.dim, experiment.covariance)
    covariance = load_array(Path(experiment.covariance), "covariance")
    if covariance.ndim == 0:
        return Gaussian.isotropic(experiment.dim, float(covariance))
    if covariance.shape not in ((experiment.dim,), (experiment.dim, experiment.dim)):
        raise InvalidInput(
            f"covariance {experiment.covariance} has shape {covariance.shape}; dim {experiment.dim} needs "
            f"({experiment.dim},) or ({experiment.dim}, {experiment.dim}); set --dim"
        )
    return Gaussian(covariance)
