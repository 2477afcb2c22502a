r"""The linearised network: what each mode of the initial kernel does to every loss.

Linearised, the predictor is :math:`f_0` less a part of the initial residual: of its component on the kernel's
eigenvector k a fraction :math:`g_k` has been fitted. Under an optimizer g grows with time (Z1); in kernel
regression with a ridge it is :math:`\lambda_k / (\lambda_k + \delta)`, and 1 without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..dynamics.problem import Problem, Risk
from ..dynamics.protocols import Linearizable
from ..dynamics.risks.finite import FiniteRisk
from ..dynamics.risks.population import PopulationRisk, Terms
from ..model.quadratic import QuadraticFunctions
from ..model.states.state import Functions
from .spectrum import PopulationModes, PopulationSpectrum, population_modes

Array = NDArray[np.float64]

CHUNK = 2**22
"""Numbers that the functions, or their values at test points, hold at a time."""


@dataclass(frozen=True, eq=False)
class OnSample:
    """Linearised on a finite training set.

    Parameters
    ----------
    problem : Problem
    risk : FiniteRisk
        Its training risk.
    """

    problem: Problem
    risk: FiniteRisk

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
        """Of the kernel's matrix, shape (K,); decreasing."""
        return self.problem.modes.eigenvalues

    @property
    def rates(self) -> Array:
        r"""At which gradient flow fits the modes, :math:`2\lambda/P` (Z1), in units of inverse flow time."""
        return 2 * self.eigenvalues / len(self.residual)

    @property
    def difficulty(self) -> float:
        r"""The task's difficulty for the kernel, :math:`r_0^T K_0^+ r_0` (Z3, Z4), :math:`y^T K_0^{-1} y` when centred.

        As alpha grows, :math:`\alpha^2 \|W - W_0\|^2 / N` tends to it.
        """
        return float(np.sum(self.components**2 / self.eigenvalues))

    def change(self, fitted: Array) -> Functions:
        """Return how the predictor has changed since the start, a function for each row of fractions."""
        return self.problem.modes.functions(-(fitted * self.components).T)

    def losses(self, fitted: Array, tests: Sequence[str] | None = None) -> Mapping[str, Array]:
        """Return ``train`` and test losses by name, shape (T,), for fractions of shape (T, K).

        ``tests`` names the test losses that are wanted; all that exist by default. O(T (P + P_test) D^2) operations,
        and no more than a few times ``CHUNK`` numbers beside the fractions.
        """
        wanted = self.problem.tests if tests is None else tests
        train = np.sum(((1 - fitted) * self.components) ** 2, axis=1) / len(self.residual) + self.floor
        return {"train": train} | _test_losses(self.problem, wanted, self.change, fitted)


@dataclass(frozen=True, eq=False)
class OnPopulation:
    """Linearised on infinitely many samples.

    Parameters
    ----------
    problem : Problem
    modes : PopulationModes
        The initial kernel over the law of the inputs.
    noise : float
        Standard deviation of the noise on the training labels.
    """

    problem: Problem
    modes: PopulationModes
    noise: float

    @property
    def spectrum(self) -> PopulationSpectrum:
        """Eigenvalues, with the task's power."""
        return self.modes.spectrum

    @property
    def eigenvalues(self) -> Array:
        """Of the kernel's operator; decreasing."""
        return self.spectrum.eigenvalues

    @property
    def rates(self) -> Array:
        r"""At which gradient flow fits the modes, :math:`2\lambda`."""
        return 2 * self.eigenvalues

    def change(self, fitted: Array) -> QuadraticFunctions:
        """Return how the predictor has changed since the start, a function for each row of fractions."""
        return self.modes.functions((fitted * self.modes.components).T)

    def losses(self, fitted: Array, tests: Sequence[str] | None = None) -> Mapping[str, Array]:
        """Return ``train`` and test losses by name, shape (T,), for fractions of shape (T, K).

        ``tests`` names the test losses that are wanted; all that exist by default.
        """
        wanted = self.problem.tests if tests is None else tests
        clean = (1 - fitted) ** 2 @ self.spectrum.power + self.spectrum.outside
        known = {"train": clean + self.noise**2, "exact": clean}
        sampled = [name for name in wanted if name not in known]
        return known | _test_losses(self.problem, sampled, self.change, fitted)


Linearization = OnSample | OnPopulation
"""A linearised network, as functions of the fraction g of each mode that has been fitted."""


def linearize(problem: Problem) -> Linearization:
    """Linearise a problem around its start.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    OnSample or OnPopulation
        On the problem's training set, finite or infinite.

    Notes
    -----
    A finite one is decomposed at first use (``Problem.modes``, once a problem), an infinite one here
    (``population_modes``): their docstrings have memory and time.
    """
    if isinstance(problem.train, FiniteRisk):
        return OnSample(problem, problem.train)
    start = problem.factor
    assert isinstance(problem.train, PopulationRisk)  # what is trained of a factor is one or the other
    modes = population_modes(problem.network, start, problem.train.law)
    return OnPopulation(problem, modes, problem.train.law.noise)


def terms_of(linearization: Linearization, fitted: Array) -> list[Terms]:
    """Return the three terms of the exact test loss for each row of fractions; needs a known law."""
    risk = linearization.problem.tests["exact"]
    assert isinstance(risk, PopulationRisk)
    return risk.terms_of(cast(QuadraticFunctions, linearization.change(fitted)))


def _test_losses(
    problem: Problem, names: Iterable[str], change: Callable[[Array], Functions], fitted: Array
) -> dict[str, Array]:
    """Evaluate test losses, a chunk of the fractions at a time."""
    risks, theta0 = {name: problem.tests[name] for name in names}, np.array(problem.start.theta)
    at_start = {name: risk.residual(theta0) for name, risk in risks.items() if isinstance(risk, FiniteRisk)}
    height = max(1, CHUNK // max(problem.start.hidden.shape[1] ** 2, *map(_points, risks.values()), 1))
    found: dict[str, list[Array]] = {name: [] for name in risks}
    for first in range(0, len(fitted) if risks else 0, height):
        functions = change(fitted[first : first + height])
        for name, risk in risks.items():
            if isinstance(risk, PopulationRisk):
                known = cast(QuadraticFunctions, functions)  # those of a start whose loss over the law is known
                found[name].append(np.array([terms.total for terms in risk.terms_of(known)]))
            else:
                assert isinstance(risk, FiniteRisk)
                residual = functions(risk.data.X)
                residual += at_start[name][:, None]
                found[name].append(np.mean(residual**2, axis=0))
    return {name: np.concatenate(chunks) for name, chunks in found.items()}


def _points(risk: Risk) -> int:
    """Return the number of points at which a risk evaluates a function."""
    return len(risk.data.y) if isinstance(risk, FiniteRisk) else 0


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

    Notes
    -----
    For an optimizer without a ``decay`` of its own: ``linearization.losses(1 - left)`` with what is left of each mode,
    for instance ``left = heavy_ball(linearization.rates, steps, dt, momentum)``. O(T (P + P_test) D^2) operations
    once the problem is decomposed.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return linearization.losses(1 - optimizer.decay(linearization.rates, t, dt))
