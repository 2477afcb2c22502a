r"""The average learning curve of kernel regression with the initial kernel, from its population spectrum alone.

The theory ("eigenlearning") is exact for independent Gaussian features and large numbers of samples. The quadratic
features of this kernel are not independent: how far it is off, and where it may be trusted, is measured in
``docs/learning-curve.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ..dynamics.problem import Problem
from ..errors import InvalidInput
from ..memory import refuse
from ..model.network import Network
from ..model.states.factor import FactorState
from ..task.data import Data
from ..task.system import Draw, Law
from .regression import kernel_regression
from .spectrum import PopulationSpectrum

Array = NDArray[np.float64]

MOST_SAMPLES = 10**15
"""Beyond it a loss counts as not reached by any number of samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageRegression:
    r"""What kernel regression does on average over training sets of one size.

    Parameters
    ----------
    n_train : float
    kappa : float
        The effective ridge :math:`\kappa`; 0 where ridgeless regression has more samples than modes.
    learned : float
        Learnability of the task, :math:`\sum_k L_k v_k^2 / \langle (y - f_0)^2 \rangle`.
    loss_test : float
        On clean labels; infinite where there are just as many samples as modes, without a ridge, and anything that
        cannot be fitted.
    loss_train : float
        On the training labels, their noise included.
    """

    n_train: float
    kappa: float
    learned: float
    loss_test: float
    loss_train: float


def average_regression(
    spectrum: PopulationSpectrum, n_train: float, *, ridge: float = 0.0, noise: float = 0.0
) -> AverageRegression:
    r"""Average kernel regression over training sets.

    With :math:`L_k = \lambda_k / (\lambda_k + \kappa)` and :math:`\kappa` from
    :math:`\sum_k L_k + \delta/\kappa = P`,

    .. math:: E = E_0 \Big( \sum_k (1 - L_k)^2 v_k^2 + v_\perp^2 + s^2 \Big) - s^2, \qquad
              E_0 = \frac{P}{P - \sum_k L_k^2},

    and the loss on the training labels is :math:`(\delta / P \kappa)^2 (E + s^2)`.

    Parameters
    ----------
    spectrum : PopulationSpectrum
    n_train : float
        Number of samples P, at least 1.
    ridge : float
        :math:`\delta`, added to the diagonal of the kernel's matrix, in units of inverse flow time.
    noise : float
        Standard deviation s of the noise on the training labels.

    Returns
    -------
    AverageRegression

    Raises
    ------
    InvalidInput
        If a parameter is out of range.

    References
    ----------
    Simon, Dickens, Karkada and DeWeese, TMLR (2023); Bordelon, Canatar and Pehlevan, ICML (2020).
    """
    if not (n_train >= 1 and math.isfinite(n_train)):
        raise InvalidInput(f"n_train must be at least 1 and finite, got {n_train}")
    for name, value in (("ridge", ridge), ("noise", noise)):
        if not (value >= 0 and math.isfinite(value)):
            raise InvalidInput(f"{name} must be zero or positive and finite, got {value}")
    values, power = spectrum.eigenvalues, spectrum.power
    kappa = effective_ridge(values, n_train, ridge)
    missed = kappa / (values + kappa)  # 1 - L
    spread = n_train - float(np.sum((1 - missed) ** 2))
    not_fitted = float(missed**2 @ power) + spectrum.outside + noise**2
    # with as many samples as modes spread is rounding: nothing in excess is averaged away
    inflated = not_fitted * n_train / spread if spread > 1e-12 * n_train else (math.inf if not_fitted else 0.0)
    loss = max(inflated - noise**2, 0.0)
    # delta / kappa, where both vanish what is left of sum L + delta/kappa = P
    excess = ridge / kappa if kappa else n_train - len(values)
    return AverageRegression(
        n_train=n_train,
        kappa=kappa,
        learned=1 - (float(missed @ power) + spectrum.outside) / (spectrum.mean_square or 1.0),
        loss_test=loss,
        loss_train=(excess / n_train) ** 2 * inflated if excess else 0.0,
    )


def effective_ridge(values: Array, n_train: float, ridge: float) -> float:
    r"""Solve :math:`\sum_k \lambda_k/(\lambda_k + \kappa) + \delta/\kappa = P` for :math:`\kappa`."""
    if ridge == 0 and n_train >= len(values):
        return 0.0
    high = (float(values.sum()) + ridge) / n_train  # L <= lambda/kappa
    # ridge/kappa <= P, and all L are at least that of the smallest eigenvalue
    low = ridge / n_train if ridge else float(values[-1]) * (len(values) - n_train) / n_train

    def excess(log: float) -> float:
        kappa = math.exp(log)
        return float(np.sum(values / (values + kappa))) + ridge / kappa - n_train

    if excess(math.log(low)) <= 0:  # equality but for rounding: all eigenvalues are equal, or none counts
        return low
    if excess(math.log(high)) >= 0:
        return high
    return math.exp(scipy.optimize.brentq(excess, math.log(low), math.log(high), xtol=1e-13, rtol=1e-13))


def samples_to_reach(
    spectrum: PopulationSpectrum, loss: float, *, ridge: float = 0.0, noise: float = 0.0
) -> int | None:
    """Find the smallest number of samples with which regression has, on average, at most this test loss.

    Parameters
    ----------
    spectrum : PopulationSpectrum
    loss : float
        On clean labels, positive.
    ridge, noise : float

    Returns
    -------
    int or None
        None where no number up to 10^15 does. Where noise makes the curve rise and fall again, the first crossing on
        a grid of a tenth of an e-fold, made exact by bisection.

    Raises
    ------
    InvalidInput
        If the loss is not positive, or ridge or noise is out of range.
    """
    if not loss > 0:
        raise InvalidInput(f"loss must be positive, got {loss}")

    def above(n_train: int) -> bool:
        return average_regression(spectrum, n_train, ridge=ridge, noise=noise).loss_test > loss

    low, high = 0, 1
    while above(high):
        if high >= MOST_SAMPLES:
            return None
        low, high = high, max(high + 1, int(1.1 * high))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledRegression:
    """Mean test loss of kernel regression over drawn training sets, with its standard error.

    Parameters
    ----------
    n_train : int
    draws : int
    loss_test : float
    standard_error : float
        NaN for a single draw.
    """

    n_train: int
    draws: int
    loss_test: float
    standard_error: float


def sampled_regression(
    network: Network,
    start: FactorState,
    law: Law,
    n_train: int,
    *,
    rng: np.random.Generator,
    draws: int = 5,
    ridge: float = 0.0,
) -> SampledRegression:
    """Draw training sets, regress, and average: what ``average_regression`` predicts.

    Parameters
    ----------
    network : Network
    start : FactorState
        The same in every draw: its kernel is the one regressed with.
    law : Law
        Of inputs and labels; its noise is on the drawn labels only.
    n_train : int
    rng : numpy.random.Generator
    draws : int
    ridge : float

    Returns
    -------
    SampledRegression

    Raises
    ------
    InvalidInput
        If there are no draws or samples, or they do not fit into memory.

    Notes
    -----
    One decomposition a draw, and 32 P D bytes beside it.
    """
    for name, count in (("draws", draws), ("n_train", n_train)):
        if count < 1:
            raise InvalidInput(f"{name} must be at least 1, got {count}")
    refuse(32.0 * n_train * law.inputs.dim, f"regression on {n_train} samples", "lower n_train")
    losses = []
    for _ in range(draws):
        X = law.inputs.draw(n_train, rng)
        y = law.target(X) + law.noise * rng.standard_normal(n_train)
        draw = Draw(Data(X, y), {"exact": Law(law.inputs, law.target)}, start, law.target.directions)
        loss = kernel_regression(Problem.of(network, draw), ridge).loss_exact
        assert loss is not None  # the draw has a law
        losses.append(loss)
    error = float(np.std(losses, ddof=1) / math.sqrt(draws)) if draws > 1 else math.nan
    return SampledRegression(n_train=n_train, draws=draws, loss_test=float(np.mean(losses)), standard_error=error)
