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


def modified_flow(rates: Array, t: Array, dt: float) -> Array:
    r"""Return what the modified flow leaves, :math:`e^{-(\gamma + dt\, \gamma^2 / 2) t}` (Z8).

    Parameters
    ----------
    rates : ndarray, shape (K,)
        In units of inverse flow time.
    t : ndarray, shape (T,)
        Flow times.
    dt : float
        Flow time of the step that is corrected for.

    Returns
    -------
    ndarray, shape (T, K)
    """
    return np.exp(-np.multiply.outer(t, rates * (1 + dt * rates / 2)))


def midpoint_flow(rates: Array, t: Array, dt: float) -> Array:
    r"""Return what the midpoint flow leaves, :math:`e^{-\gamma t / (1 - \gamma\, dt / 2)}` (Z10).

    Parameters
    ----------
    rates : ndarray, shape (K,)
        In units of inverse flow time.
    t : ndarray, shape (T,)
        Flow times.
    dt : float
        Flow time of the step that is corrected for.

    Returns
    -------
    ndarray, shape (T, K)
        Infinite for modes at the edge of stability or beyond, but for t = 0.
    """
    left = 1 - dt * rates / 2
    known = np.exp(-np.multiply.outer(t, rates / np.where(left > 0, left, 1.0)))
    return np.where((left > 0) | (t[:, None] == 0), known, np.inf)


def momentum_flow(rates: Array, t: Array, dt: float, momentum: float) -> Array:
    r"""Return what the momentum flow leaves: :math:`m \ddot\rho + c\, \dot\rho = -\gamma\rho` (Z9).

    With :math:`m = (1 + \mu)\, dt / 2`, :math:`c = 1 - \mu`, :math:`a = c / 2m` and
    :math:`\kappa^2 = a^2 - \gamma / m`, from :math:`\dot\rho(0) = -\gamma / (1 + \mu)`,

    .. math:: \rho(t) = e^{-a t} [\cosh \kappa t + (a - \tfrac{\gamma}{1 + \mu}) \tfrac{\sinh \kappa t}{\kappa}]

    Parameters
    ----------
    rates : ndarray, shape (K,)
        In units of inverse flow time.
    t : ndarray, shape (T,)
        Flow times.
    dt : float
        Flow time of a step of the heavy ball.
    momentum : float
        :math:`\mu`, from 0 to below 1.

    Returns
    -------
    ndarray, shape (T, K)
    """
    m, t = (1 + momentum) * dt / 2, t[:, None]
    a = (1 - momentum) / (2 * m)
    squared = a**2 - rates / m
    k, slope = np.sqrt(np.abs(squared)), a - rates / (1 + momentum)
    slow = np.exp(-rates / m / (k + a) * t)  # e^((kappa - a) t), without its cancellation
    x = 2 * k * t
    real = slow * ((1 + np.exp(-x)) / 2 + slope * t * np.where(x == 0, 1.0, -np.expm1(-x) / np.where(x == 0, 1.0, x)))
    turning = np.exp(-a * t) * (np.cos(k * t) + slope * t * np.sinc(k * t / np.pi))
    return np.where(squared >= 0, real, turning)


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
        Infinite where a mode has diverged beyond float64.
    """
    with np.errstate(over="ignore"):
        return np.asarray(np.power(1 - dt * rates, steps[:, None]))


def heavy_ball(rates: Array, steps: Array, dt: float, momentum: float) -> Array:
    r"""Heavy-ball momentum, :math:`u \leftarrow \mu u - dt\,\gamma\rho,\; \rho \leftarrow \rho + u` from u = 0.

    So :math:`\rho_{k+1} = (1 + \mu - h) \rho_k - \mu \rho_{k-1}` with h = gamma dt, and, with the roots z of
    :math:`z^2 - (1 + \mu - h) z + \mu`,

    .. math:: \rho_k = \frac{(1 - h - z_2) z_1^k + (z_1 - 1 + h) z_2^k}{z_1 - z_2} \quad (Z7)

    With :math:`z = m \pm s`, m = (1 + mu - h)/2, that is half the sum of the powers, plus (1 - mu - h)/2 times their
    quotient :math:`(z_1^k - z_2^k)/(z_1 - z_2)`. Both are computed without cancellation, also where the roots meet.

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
        Not finite where a mode has diverged beyond float64.
    """
    h, k = dt * rates, steps[:, None]
    m = (1 + momentum - h) / 2
    root = np.sqrt(momentum)
    squared = ((1 - root) ** 2 - h) * ((1 + root) ** 2 - h) / 4  # m^2 - mu, without its cancellation
    s, size, sign = np.sqrt(np.abs(squared)), np.abs(m), np.where(m < 0, -1.0, 1.0)
    real, double = squared > 0, squared == 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # real roots: the smaller to the k over the larger to the k is e^x
        larger = np.where(real, size + s, 1.0)
        x = k * np.log1p(np.maximum(-2 * s / np.where(real, larger, np.inf), 2.0**-53 - 1))  # a root 0 is rounding
        power = larger**k
        # complex roots: sqrt(mu) e^(+- i angle)
        angle, radius = k * np.arctan2(s, size), root**k
        half_sum = np.where(real, power * (1 + np.exp(x)) / 2, radius * np.cos(angle))
        quotient = np.where(real, -power * np.expm1(x) / 2, radius * np.sin(angle)) / np.where(double, 1.0, s)
        quotient = np.where(double, k * size ** np.maximum(k - 1, 0), quotient)
        left: Array = sign**k * (half_sum + sign * (1 - momentum - h) / 2 * quotient)
    return left
