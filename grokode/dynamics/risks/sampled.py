"""What the risks of a finite data set share where a factor is trained."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...model.network import Network
from ...model.states.factor import FactorState
from ...task.data import Data
from .finite import FiniteRisk

Array = NDArray[np.float64]


class SampledRisk(FiniteRisk):
    """Mean squared residual of a factor over P samples, however it is computed.

    Parameters
    ----------
    network : Network
    start : FactorState
        Where training starts; a centred predictor is measured from it.
    data : Data
    """

    start: FactorState

    def __init__(self, network: Network, start: FactorState, data: Data) -> None:
        super().__init__(network, start, data)
        self._V0 = np.array(start.V)
        self._a = np.array(start.a)

    @cached_property
    def mean_kernel(self) -> float:
        r"""Mean of K(x, x) at the start, the mean of :math:`|c_\mu|^2 |x_\mu|^2`."""
        C = self.start.slopes(self.network, self.data.X)
        return float(np.mean(np.sum(C**2, axis=1) * np.sum(self.data.X**2, axis=1)))

    def residual(self, theta: Array) -> Array:
        """Residuals f - y (or f~ - y), shape (P,), from the samples themselves."""
        return self._at(theta, slice(None))[1]

    def force_on(self, theta: Array, rows: NDArray[np.intp]) -> Array:
        """Return dV/dt of the gradient flow on some of the samples, shape (r, D)."""
        C, r = self._at(theta, rows)
        force: Array = (-2 / (self.network.alpha * len(r))) * ((r[:, None] * C).T @ self.data.X[rows])
        return force

    def _at(self, theta: Array, rows: NDArray[np.intp] | slice) -> tuple[Array, Array]:
        """Return slopes, shape (B, r), and residuals of some of the samples, from the change of V (F3)."""
        X, network = self.data.X[rows], self.network
        dH, H0 = X @ (theta - self._V0).T, X @ self._V0.T
        residual: Array = self.offset[rows] + network.alpha * np.sum(
            dH * (self._a + network.eps * (H0 + dH / 2)), axis=1
        )
        return self._a + network.eps * (H0 + dH), residual
