r"""How one mode of a linear problem decays under an optimizer.

The residual of a linearised network has one component a mode (Z1); gradient flow moves it by
:math:`\dot\rho = -\gamma\rho`, with the rate :math:`\gamma = 2\lambda/P`. Each function returns
:math:`\rho(t)/\rho(0)`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def flow(rates: Array, t: Array) -> Array:
    r"""Gradient flow, :math:`e^{-\gamma t}` (Z1).

    Parameters
    ----------
    rates : ndarray, shape (K,)
        In units of inverse flow time.
    t : ndarray, shape (T,)
        Flow times.

    Returns
    -------
    ndarray, shape (T, K)
    """
    return np.exp(-np.multiply.outer(t, rates))


def descent(rates: Array, steps: Array, dt: float) -> Array:
    r"""Gradient descent, :math:`(1 - \gamma\, dt)^k` after k steps (Z6).

    Parameters
    ----------
    rates : ndarray, shape (K,)
    steps : ndarray, shape (T,)
        Whole numbers.
    dt : float
        Flow time of a step.

    Returns
    -------
    ndarray, shape (T, K)
    """
    return np.asarray(np.power(1 - dt * rates, steps[:, None]))


def heavy_ball(rates: Array, steps: Array, dt: float, momentum: float) -> Array:
    r"""Heavy-ball momentum, :math:`u \leftarrow \mu u - dt\,\gamma\rho,\; \rho \leftarrow \rho + u` from u = 0.

    So :math:`\rho_{k+1} = (1 + \mu - h) \rho_k - \mu \rho_{k-1}` with h = gamma dt, and, with the roots z of
    :math:`z^2 - (1 + \mu - h) z + \mu`,

    .. math:: \rho_k = \frac{(1 - h - z_2) z_1^k + (z_1 - 1 + h) z_2^k}{z_1 - z_2} \quad (Z7)

    Parameters
    ----------
    rates : ndarray, shape (K,)
    steps : ndarray, shape (T,)
    dt : float
    momentum : float
        :math:`\mu`, from 0 to below 1; at 0 it is gradient descent.

    Returns
    -------
    ndarray, shape (T, K)
    """
    h, k = dt * rates, steps[:, None]
    # (1 + mu - h)^2 - 4 mu, in a form in which nothing cancels for the slow modes, h -> 0
    spread = np.sqrt(((1 - momentum) ** 2 + h * (h - 2 * (1 + momentum))).astype(complex))
    mean = (1 + momentum - h) / 2
    z1, z2 = mean + spread / 2, mean - spread / 2
    # where the roots meet, the limit of the quotient; its error is of second order in their distance
    double = np.abs(spread) < DOUBLE
    distance = np.where(double, 1.0, spread)
    apart = ((1 - h - z2) * z1**k + (z1 - 1 + h) * z2**k) / distance
    together = mean**k + k * (1 - h - mean) * mean ** np.maximum(k - 1, 0)
    return np.where(double, together, apart.real)


DOUBLE = 1e-6
"""Roots nearer than this are one: rounding over their distance and the distance squared are then 1e-10 or less."""
