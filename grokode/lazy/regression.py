r"""Kernel regression with the initial kernel: where a network that stays lazy ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ..dynamics.problem import Problem
from ..dynamics.risks.population import Terms
from ..errors import InvalidInput
from .linearized import Linearization, OnSample, linearize, terms_of

Array = NDArray[np.float64]

SPAN = 1e4
"""A best ridge is looked for from the smallest nonzero eigenvalue over this number to the largest times it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRegression:
    r"""Kernel regression on what is left to learn at the start, added to the predictor there.

    .. math:: f(x) = f_0(x) + K_0(x, X) (K_0 + \delta I)^{-1} (y - f_0(X))

    Parameters
    ----------
    ridge : float
        :math:`\delta`, in the kernel's unit; 0 is ridgeless: least squares on the nonzero eigenvalues.
    loss_train : float
        On the labels regressed, their noise included.
    loss_exact, loss_sample : float or None
        Test losses, over the law and over the test points, where they exist.
    terms : Terms or None
        The three terms of the exact one.
    residual : float
        Relative residual of the linear system, with the kernel applied anew: up to rounding times the condition of the
        kernel's matrix. NaN where there is no system: on an infinite training set, or with an infinite ridge.
    """

    ridge: float
    loss_train: float
    loss_exact: float | None
    loss_sample: float | None
    terms: Terms | None
    residual: float


def kernel_regression(problem: Problem | Linearization, ridge: float = 0.0) -> KernelRegression:
    r"""Regress on the initial kernel of a problem.

    Parameters
    ----------
    problem : Problem or Linearization
        Several regressions on one problem share its linearisation.
    ridge : float
        Added to the diagonal of the kernel's matrix, in units of inverse flow time; infinity learns nothing. Without
        one, eigenvalues that are
        rounding (``Modes.cut``) count as zero, whatever ridge stands on them.

    Raises
    ------
    InvalidInput
        If the ridge is negative, or given for an infinite training set.

    Notes
    -----
    The limit of late times of the linearised network (Z1). One eigendecomposition of the problem's kernel, which is
    kept with the problem, and O(P D^2) more.
    """
    if not ridge >= 0:
        raise InvalidInput(f"ridge must be zero or positive, got {ridge}")
    linearization = linearize(problem) if isinstance(problem, Problem) else problem
    if ridge and not isinstance(linearization, OnSample):
        raise InvalidInput(f"ridge {ridge} is nothing beside an infinite training set; leave it at 0")
    fitted = fractions(linearization, np.array([ridge]))
    losses = linearization.losses(fitted)
    exact, sample = (losses.get(name) for name in ("exact", "sample"))
    on_sample = linearization if isinstance(linearization, OnSample) else None
    return KernelRegression(
        ridge=float(ridge),
        loss_train=float(losses["train"][0]),
        loss_exact=None if exact is None else float(exact[0]),
        loss_sample=None if sample is None else float(sample[0]),
        terms=None if exact is None else terms_of(linearization, fitted)[0],
        residual=_residual(on_sample, ridge) if on_sample and np.isfinite(ridge) else np.nan,
    )


def fractions(linearization: Linearization, ridges: Array) -> Array:
    r"""Fraction of each mode that regression fits, :math:`\lambda / (\lambda + \delta)`, shape (T, K)."""
    values = linearization.eigenvalues
    return np.asarray(values / np.add.outer(ridges, values))


def generalized_cross_validation(problem: Problem | OnSample, ridges: Array) -> Array:
    r"""Generalised cross-validation, an estimate of the test loss from the training set alone.

    .. math:: \frac{|r(\delta)|^2 / P}{(1 - \mathrm{tr} H(\delta) / P)^2}, \qquad H = K_0 (K_0 + \delta I)^{-1}

    Parameters
    ----------
    problem : Problem or OnSample
        Of a finite training set.
    ridges : ndarray, shape (T,)
        Positive.

    Returns
    -------
    ndarray, shape (T,)

    Raises
    ------
    InvalidInput
        If a ridge is not positive, or the training set is infinite.

    References
    ----------
    Golub, Heath and Wahba, Technometrics 21 (1979).
    """
    linearization = _on_sample(problem)
    ridges = np.atleast_1d(np.asarray(ridges, dtype=float))
    if not np.all(ridges > 0):
        raise InvalidInput(f"ridges must be positive for cross-validation, got {np.min(ridges)}")
    P, values = len(linearization.residual), linearization.eigenvalues
    missed = ridges[:, None] / np.add.outer(ridges, values)  # 1 - fractions, also where nearly everything is fitted
    left = np.sum((missed * linearization.components) ** 2, axis=1) / P + linearization.floor
    free = (np.sum(missed, axis=1) + (P - len(values))) / P  # 1 - tr H / P
    return np.asarray(left / free**2)


def best_ridge(problem: Problem | OnSample, criterion: str = "exact") -> float:
    """Find the ridge that makes a criterion smallest.

    Parameters
    ----------
    problem : Problem or OnSample
        Of a finite training set.
    criterion : {"exact", "sample", "gcv"}
        A test loss of the problem, or generalised cross-validation.

    Returns
    -------
    float
        0 where none is better than any ridge, and infinity, which learns nothing, where that is best: what is found at
        an edge of the range of the eigenvalues, a factor ``SPAN`` beyond included, is that limit.

    Raises
    ------
    InvalidInput
        If the training set is infinite, or the problem has no such test loss.

    Notes
    -----
    The criterion is evaluated at some hundred ridges.
    """
    linearization = _on_sample(problem)
    values, tests = linearization.eigenvalues, linearization.problem.tests
    if criterion != "gcv" and criterion not in tests:
        raise InvalidInput(f"no {criterion} test loss to choose a ridge by; take one of {', '.join([*tests, 'gcv'])}")
    if not len(values):
        return 0.0

    def objective(ridges: Array) -> Array:
        if criterion == "gcv":
            return generalized_cross_validation(linearization, ridges)
        return np.asarray(linearization.losses(fractions(linearization, ridges), (criterion,))[criterion])

    return _minimize(objective, values[-1] / SPAN, values[0] * SPAN)


def _minimize(objective: Callable[[Array], Array], low: float, high: float) -> float:
    """Minimise over a logarithmic range: a grid of four points a factor of e, then its best interval."""
    grid = np.linspace(np.log(low), np.log(high), max(5, int(4 * np.log(high / low))))
    index = int(np.argmin(objective(np.exp(grid))))
    if index in (0, len(grid) - 1):
        return np.inf if index else 0.0
    found = scipy.optimize.minimize_scalar(
        lambda log: float(objective(np.exp([log]))[0]),
        bounds=(grid[index - 1], grid[index + 1]),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))


def _on_sample(problem: Problem | OnSample) -> OnSample:
    linearization = linearize(problem) if isinstance(problem, Problem) else problem
    if not isinstance(linearization, OnSample):
        raise InvalidInput("an infinite training set needs no ridge; give a finite --n-train")
    return linearization


def _residual(linearization: OnSample, ridge: float) -> float:
    """Relative residual of (K_0 + ridge) w = r on the nonzero eigenvalues, K_0 applied by its own formula."""
    problem, X = linearization.problem, linearization.risk.data.X
    modes, components = problem.modes, linearization.components
    wanted = modes.combine(components[:, None])
    w = modes.combine((components / (modes.eigenvalues + ridge))[:, None])
    applied = problem.start.kernel_functions(problem.network, X, w)(X) + ridge * w
    return float(np.linalg.norm(applied - wanted) / (np.linalg.norm(wanted) or 1.0))
