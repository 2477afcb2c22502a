"""Log losses less their theory, of trainings that are given or of an experiment that is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from ..dynamics.optimizers import OPTIMIZERS
from ..engines.executor import Executor
from ..errors import InvalidInput
from ..experiment.bundle import Bundle
from ..experiment.spec import Experiment
from ..experiment.systems import problem_of
from .agreement import FLOOR, log_of
from .compared import shared_curves
from .draws import drawn_theories
from .log import Array, Log, LoggedCurve, Whole
from .theory import Theory, steps_of, theory

GRID = 24
"""Points of each curve that a fit looks at, evenly in log step: neighbours say the same."""

FLAT = 1e-3
"""Part of the largest variance below which a direction of the covariance counts as no smaller."""

SPARE = 3
"""Seeds, or draws, needed beyond the parameters for the scatter of their scores to be told from them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Seeds:
    """Several logs on the steps they share.

    Parameters
    ----------
    curves : mapping of str to LoggedCurve
        The shared steps of each loss.
    values : ndarray, shape (K, n)
        Log losses, one row a log, the losses after one another.
    resolution : float
        Root mean square of the relative resolution.
    """

    curves: Mapping[str, LoggedCurve]
    values: Array
    resolution: float

    @classmethod
    def of(cls, logs: Sequence[Log]) -> Seeds:
        """Take from logs what a fit looks at.

        Raises
        ------
        InvalidInput
            If they share too little, or nothing above its resolution.
        """
        curves, values, resolution = {}, [], []
        for name, curve in shared_curves(logs).items():
            each = [log.curves[name] for log in logs]
            at = [np.searchsorted(one.step, curve.step) for one in each]
            losses = np.array([one.values[k] for one, k in zip(each, at, strict=True)])
            relative = np.array([one.resolution[k] for one, k in zip(each, at, strict=True)])
            with np.errstate(divide="ignore", invalid="ignore"):
                relative = relative / losses
            fine = (losses > FLOOR * losses.max(axis=1, keepdims=True)).all(axis=0) & (relative < 0.5).all(axis=0)
            kept = _spread(curve.step, fine)
            curves[name] = curve.rows(kept)
            values.append(np.log(losses[:, kept]))
            resolution.append(relative[:, kept].ravel())
        together = np.hstack(values)
        if together.shape[1] < 2:
            raise InvalidInput("the logs share no two losses above their resolution; log more digits, or other steps")
        return cls(curves=curves, values=together, resolution=float(np.sqrt(np.mean(np.concatenate(resolution) ** 2))))

    def of_theory(self, known: Theory) -> Array:
        """Return the log losses that a theory says these logs should hold, shape (n,)."""
        for name in self.curves:
            if name not in known.losses:
                raise InvalidInput(f"the theory has no {name}; give --n-test, or a bundle with X_test and y_test")
        return log_of(np.concatenate([known.as_logged(name, curve) for name, curve in self.curves.items()]))


def _spread(step: Whole, fine: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the indices of up to ``GRID`` fine points after the start, evenly in log step."""
    found = np.flatnonzero(fine & (step > 0))
    if len(found) <= GRID:
        return found
    wanted = np.geomspace(step[found[0]], step[found[-1]], GRID)
    return np.asarray(np.unique(found[np.searchsorted(step[found], wanted * (1 - 1e-12))]))


@dataclass(frozen=True, eq=False, kw_only=True)
class Scatter:
    """How far the derivatives of the misfit are from zero by chance.

    Parameters
    ----------
    covariance : ndarray, shape (p, p)
        Of the scores J^T r.
    freedom : float
        Degrees of freedom of that covariance.
    noise : float
        Variance of one point of the misfit, in its own units.
    source : str
        What it was taken over.
    known_shape : bool
        Whether only the scale of the covariance was estimated.
    """

    covariance: Array
    freedom: float
    noise: float
    source: str
    known_shape: bool = False

    def limit(self, level: float, q: int) -> float:
        """Return what q scores' squared distance exceeds with probability 1 - level: Hotelling's T^2, or q F."""
        spare = self.freedom if self.known_shape else self.freedom - q + 1
        return float(q * self.freedom / spare * scipy.stats.f.ppf(level, q, spare))


class Misfit(Protocol):
    """What least squares makes small, in units of what one training scatters by."""

    @property
    def size(self) -> int:
        """Number m of points of the misfit."""
        ...

    def whiten(self, experiment: Experiment) -> None:
        """Take the scatter at this experiment for the units."""
        ...

    def residuals(self, experiment: Experiment) -> Array:
        """Return the misfit with each draw, shape (draws, m): their mean is the misfit; 1 where nothing is drawn."""
        ...

    def scatter(self, experiment: Experiment, jacobian: Array, residual: Array) -> Scatter:
        """Return the scatter of J^T r at an experiment, from the Jacobian (m, p) and the misfit (m,) there."""
        ...


class DrawnMisfit:
    """Mean over logs less mean over fresh draws of data and weights.

    Parameters
    ----------
    seeds : Seeds
        Each log of data and weights of its own.
    files : mapping of str to ndarray
    draws : int
    executor : Executor, optional
        Where the draws are trained; in this process by default.
    """

    def __init__(self, seeds: Seeds, files: Mapping[str, Array], draws: int, executor: Executor | None = None) -> None:
        self._seeds, self._files, self._draws, self._executor = seeds, files, draws, executor
        self._steps = steps_of(seeds.curves.values())
        self._whitening = np.eye(seeds.values.shape[1])

    @property
    def size(self) -> int:
        """Number of points of a mean."""
        return int(self._seeds.values.shape[1])

    def whiten(self, experiment: Experiment) -> None:
        """Take the covariance of the points of a curve over draws, never narrower than a thousandth."""
        values, vectors = np.linalg.eigh(np.cov(self._log_losses(experiment, self._draws).T))
        self._whitening = vectors / np.sqrt(np.maximum(values, FLAT * values[-1]))

    def residuals(self, experiment: Experiment) -> Array:
        """Return the misfit of the mean of the logs with each draw."""
        difference = self._seeds.values.mean(axis=0) - self._log_losses(experiment, self._draws)
        return np.asarray(difference @ self._whitening)

    def scatter(self, experiment: Experiment, jacobian: Array, residual: Array) -> Scatter:
        """Return the scatter of the scores over the logs, or over as many more draws where there are too few logs."""
        enough = len(self._seeds.values) >= jacobian.shape[1] + SPARE
        rows = self._seeds.values if enough else self._more_draws(experiment)
        each = rows @ self._whitening @ jacobian
        noise = 1 / len(self._seeds.values) + 1 / self._draws  # of a mean of logs less a mean of draws
        covariance = noise * np.cov(each.T).reshape(jacobian.shape[1], -1)
        source = "seeds" if enough else "draws"
        return Scatter(covariance=covariance, freedom=len(rows) - 1, noise=noise, source=source)

    def _more_draws(self, experiment: Experiment) -> Array:
        """Return other draws than those of the whitening, by which those scatter less than any others."""
        return self._log_losses(experiment, 2 * self._draws)[self._draws :]

    def _log_losses(self, experiment: Experiment, draws: int) -> Array:
        theories = drawn_theories(experiment, self._files, self._steps, draws, executor=self._executor)
        return np.array([self._seeds.of_theory(one) for one in theories])


class GivenMisfit:
    """Logs less the theory of the very trainings they are of.

    Parameters
    ----------
    seeds : Seeds
    bundles : sequence of Bundle
        One for all logs, or one for each.
    files : mapping of str to ndarray
    """

    def __init__(self, seeds: Seeds, bundles: Sequence[Bundle], files: Mapping[str, Array]) -> None:
        self._seeds, self._bundles, self._files = seeds, bundles, files
        self._steps = steps_of(seeds.curves.values())
        self._unit = 1.0

    @property
    def size(self) -> int:
        """Number of points of all logs."""
        return int(self._seeds.values.size)

    def whiten(self, experiment: Experiment) -> None:
        """Take what logs and theory resolve for the unit."""
        exact = OPTIMIZERS.build(experiment.optimizer).exact
        self._unit = max(self._seeds.resolution, EXACT if exact else PROMISED)

    def residuals(self, experiment: Experiment) -> Array:
        """Return the misfit of every log, in one row."""
        problems = [problem_of(experiment, bundle, self._files) for bundle in self._bundles]
        known = [
            theory(problem, experiment, self._steps, bundle=bundle, files=self._files)
            for problem, bundle in zip(problems, self._bundles, strict=True)
        ]
        difference = self._seeds.values - [self._seeds.of_theory(one) for one in known]
        return np.asarray(difference.reshape(1, -1) / self._unit)

    def scatter(self, experiment: Experiment, jacobian: Array, residual: Array) -> Scatter:
        """Return the scatter of the scores if what is left of the misfit is independent from point to point."""
        spare = max(1, len(residual) - jacobian.shape[1])
        left = residual - jacobian @ np.linalg.lstsq(jacobian, residual, rcond=None)[0]
        noise = max(1.0, float(left @ left) / spare)
        covariance = noise * jacobian.T @ jacobian
        return Scatter(covariance=covariance, freedom=spare, noise=noise, source="points", known_shape=True)


EXACT = 1e-9
"""Relative rounding of the loss of an exact map."""

PROMISED = 1e-4
"""Relative error of a flow at its default tolerance, as measured; it promises 3e-3."""
