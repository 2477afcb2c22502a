r"""The table of backward differences of a BDF, in equal steps of one variable.

With :math:`\nabla^0 y_n = y_n` and :math:`\nabla^{j+1} y_n = \nabla^j y_n - \nabla^j y_{n-1}`, the polynomial through
the last values is :math:`y(t_n - s h) = \sum_m (-1)^m \binom{s}{m} \nabla^m y_n`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import binom

from ...risks import kernels

Array = NDArray[np.float64]

MAX_ORDER = 5
"""Of spectra that are real, as these are, BDF follows every decay at order 5 too; order 6 is stable for fewer."""

GAMMA = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, MAX_ORDER + 2))])
r""":math:`\gamma_k = \sum_{j \le k} 1/j`; the BDF is :math:`\sum_{j \le k} \nabla^j y_{n+1} / j = h f_{n+1}`."""


class Differences:
    """Backward differences of y, and the formulas of BDF that read them.

    Parameters
    ----------
    y : ndarray, shape (n,)
    slope : ndarray, shape (n,)
        h dy/dtau, the first difference.
    """

    def __init__(self, y: Array, slope: Array) -> None:
        self.table = np.zeros((MAX_ORDER + 3, len(y)))
        self.table[0], self.table[1] = y, slope

    @property
    def y(self) -> Array:
        """The last value, shape (n,)."""
        value: Array = self.table[0]
        return value

    def predict(self, order: int) -> tuple[Array, Array]:
        r"""Extrapolate by one step with the polynomial of an order.

        Returns
        -------
        predicted, psi : ndarray, shape (n,)
            The BDF is :math:`y - y_{pred} = (h/\gamma_k) f(y) - \psi`.
        """
        predicted, psi = np.empty_like(self.y), np.empty_like(self.y)
        kernels.extrapolate(self.table, order, GAMMA / GAMMA[order], predicted, psi)
        return predicted, psi

    def accept(self, order: int, d: Array) -> None:
        """Move on by one step whose value is the prediction plus d."""
        kernels.move_on(self.table, order, d)

    def rescale(self, order: int, factor: float) -> None:
        """Change to steps of ``factor`` times the length, on the polynomial of an order."""
        self.table[: order + 1] = transfer(order, factor) @ self.table[: order + 1]


def weights(order: int, steps: Array | float) -> Array:
    r"""Return :math:`(-1)^m \binom{s}{m}`, shape (..., order + 1): what differences weigh s steps back."""
    m = np.arange(order + 1)
    return np.asarray((-1.0) ** m * binom(np.asarray(steps, dtype=float)[..., None], m))


def transfer(order: int, factor: float) -> Array:
    """Return the matrix that turns differences into those of steps of ``factor`` times the length."""
    j = np.arange(order + 1)
    differences = (-1.0) ** j * binom(j[:, None], j)
    return np.asarray(differences @ weights(order, factor * j.astype(float)))
