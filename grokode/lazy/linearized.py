r"""The linearised network: what each mode of the initial kernel does to every loss.

Linearised, the predictor is :math:`f_0` less a part of the initial residual: of its component on the kernel's
eigenvector k a fraction :math:`g_k` has been fitted. Under an optimizer g grows with time (Z1); in kernel
regression with a ridge it is :math:`\lambda_k / (\lambda_k + \delta)`, and 1 without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..dynamics.problem import Problem
from ..dynamics.protocols import Linearizable
from ..dynamics.risks.empirical import EmpiricalRisk
from ..dynamics.risks.population import PopulationRisk, Terms
from ..model.quadratic import QuadraticFunctions
from .spectrum import PopulationSpectrum, population_spectrum

Array = NDArray[np.float64]

CHUNK = 2**23
"""Numbers in the quadratic functions that are held at a time."""


class Linearization(Protocol):
    """A linearised network, as functions of the fraction g of each mode that has been fitted.

    Attributes
    ----------
    eigenvalues : ndarray, shape (K,)
        Of the initial kernel, decreasing.
    rates : ndarray, shape (K,)
        At which gradient flow fits the modes, in units of inverse flow time.
    """

    @property
    def eigenvalues(self) -> Array:
        """Of the kernel's matrix, or of its operator; decreasing."""
        ...

    @property
    def rates(self) -> Array:
        """At which gradient flow fits the modes."""
        ...

    def losses(self, fitted: Array) -> Mapping[str, Array]:
        """Return ``train`` and each test loss by name, shape (T,), for fractions of shape (T, K)."""
        ...


def linearize(problem: Problem) -> Linearization:
    """Linearise a problem around its start.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Linearization
        On the problem's training set, finite or infinite.
    """
    if isinstance(problem.train, EmpiricalRisk):
        return OnSample(problem, problem.train)
    return OnPopulation(problem, problem.train)


@dataclass(frozen=True, eq=False)
class OnSample:
    """Linearised on a finite training set.

    Parameters
    ----------
    problem : Problem
    risk : EmpiricalRisk
        Its training risk.
    """

    problem: Problem
    risk: EmpiricalRisk

    @cached_property
    def residual(self) -> Array:
        """Residual at the start, shape (P,)."""
        return self.risk.residual(np.array(self.problem.start.theta))

    @cached_property
    def components(self) -> Array:
        """Of the initial residual on each eigenvector, shape (K,)."""
        return self.problem.modes.project(self.residual)

    @cached_property
    def floor(self) -> float:
        """Train loss that no eigenvector can lower (Z4)."""
        return float(np.mean(self.problem.modes.remainder(self.residual) ** 2))

    @property
    def eigenvalues(self) -> Array:
        """Of the kernel's matrix; decreasing."""
        return self.problem.modes.eigenvalues

    @property
    def rates(self) -> Array:
        r"""At which gradient flow fits the modes, :math:`2\lambda/P` (Z1)."""
        return 2 * self.eigenvalues / len(self.residual)

    @property
    def difficulty(self) -> float:
        r"""The task's difficulty for the kernel, :math:`r_0^T K_0^+ r_0` (Z3, Z4), :math:`y^T K_0^{-1} y` when centred.

        As alpha grows, :math:`\alpha^2 \|W - W_0\|^2 / N` tends to it.
        """
        return float(np.sum(self.components**2 / self.eigenvalues))

    def change(self, fitted: Array) -> QuadraticFunctions:
        """Return how the predictor has changed since the start, a function for each row of fractions."""
        return self.problem.modes.functions(-(fitted * self.components).T)

    def losses(self, fitted: Array) -> Mapping[str, Array]:
        """Return ``train`` and each test loss by name, shape (T,), for fractions of shape (T, K)."""
        found = {"train": np.sum(((1 - fitted) * self.components) ** 2, axis=1) / len(self.residual) + self.floor}
        height = max(1, CHUNK // self.problem.start.V.shape[1] ** 2)
        chunks = [self._tests(fitted[first : first + height]) for first in range(0, len(fitted), height)]
        return found | {name: np.concatenate([chunk[name] for chunk in chunks]) for name in self.problem.tests}

    def terms(self, fitted: Array) -> list[Terms]:
        """Return the three terms of the exact test loss for each row of fractions; needs a known law."""
        risk = self.problem.tests["exact"]
        assert isinstance(risk, PopulationRisk)
        return risk.terms_of(self.change(fitted))

    def _tests(self, fitted: Array) -> dict[str, Array]:
        if not self.problem.tests:
            return {}
        change, theta0 = self.change(fitted), np.array(self.problem.start.theta)
        found = {}
        for name, risk in self.problem.tests.items():
            if isinstance(risk, PopulationRisk):
                found[name] = np.array([terms.total for terms in risk.terms_of(change)])
            else:
                residual = risk.residual(theta0)[:, None] + change(risk.data.X)
                found[name] = np.mean(residual**2, axis=0)
        return found


@dataclass(frozen=True, eq=False)
class OnPopulation:
    """Linearised on infinitely many samples; losses on test points are not known there.

    Parameters
    ----------
    problem : Problem
    risk : PopulationRisk
        Its training risk.
    """

    problem: Problem
    risk: PopulationRisk

    @cached_property
    def spectrum(self) -> PopulationSpectrum:
        """The initial kernel over the law of the inputs."""
        return population_spectrum(self.problem.network, self.problem.start, self.risk.law)

    @property
    def eigenvalues(self) -> Array:
        """Of the kernel's operator; decreasing."""
        return self.spectrum.eigenvalues

    @property
    def rates(self) -> Array:
        r"""At which gradient flow fits the modes, :math:`2\lambda`."""
        return 2 * self.eigenvalues

    def losses(self, fitted: Array) -> Mapping[str, Array]:
        """Return ``train`` and the exact test loss, shape (T,), for fractions of shape (T, K)."""
        clean = (1 - fitted) ** 2 @ self.spectrum.power + self.spectrum.outside
        return {"train": clean + self.risk.law.noise**2, "exact": clean}


def lazy_losses(
    linearization: Linearization, optimizer: Linearizable, t: Array, dt: float | None
) -> Mapping[str, Array]:
    """Losses of the linearised network along a run: the whole curves, from one eigendecomposition.

    Parameters
    ----------
    linearization : Linearization
    optimizer : optimizer with a ``decay``
    t : ndarray, shape (T,)
        Flow times; whole steps of an optimizer that takes steps.
    dt : float or None
        Flow time of a step.

    Returns
    -------
    mapping of str to ndarray, shape (T,)
        ``train`` and each test loss by name. Where a step is too long for a mode to decay, they grow without bound.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return linearization.losses(1 - optimizer.decay(linearization.rates, t, dt))
