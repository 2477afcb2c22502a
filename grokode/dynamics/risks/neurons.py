"""The risk of a finite data set where real neurons are trained."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...model.network import Network
from ...model.states.neurons import RealNeurons
from ...task.data import Data
from . import kernels
from .finite import FiniteRisk
from .neuron_jacobian import NeuronJacobian

Array = NDArray[np.float64]
Rows = NDArray[np.intp] | slice

PASSES = 60.0
"""Operations of a matrix product that take as long as what is beside the products, for a neuron on a sample."""


class OnNeurons(FiniteRisk):
    r"""Mean squared residual of real neurons over P samples, however it is computed.

    The predictor is computed from its change since the start, so that nothing cancels at large :math:`\alpha`:

    .. math:: f - f_0 = \frac{\alpha}{\sqrt N} \sum_i \left[ u_i\, (\phi(h_{0i} + \delta h_i) - \phi(h_{0i}))
              + \delta u_i\, \phi(h_{0i}) \right], \quad \delta h = \sqrt N\, (U - U_0) x \quad (F13)

    Parameters
    ----------
    network : Network
    start : RealNeurons
        Where training starts; a centred predictor is measured from it.
    data : Data
    """

    start: RealNeurons

    def __init__(self, network: Network, start: RealNeurons, data: Data) -> None:
        super().__init__(network, start, data)
        self._u0, self._U0 = start.split(start.theta)
        self._root = float(np.sqrt(start.width))

    @cached_property
    def _H0(self) -> Array:
        return self.start.preactivations(self._U0, self.data.X)

    @cached_property
    def _phi0(self) -> Array:
        return self.network.phi(self._H0)

    @cached_property
    def mean_kernel(self) -> float:
        """Mean of K(x, x) at the start."""
        values, C = self.start.slopes(self.network, self.data.X)
        own = np.sum(values**2, axis=1) + np.sum(C**2, axis=1) * np.sum(self.data.X**2, axis=1)
        return float(np.mean(own))

    def residual(self, theta: Array) -> Array:
        """Residuals f - y (or f~ - y), shape (P,)."""
        return self._moved(theta - self.start.theta, slice(None))[2]

    def force_on(self, theta: Array, rows: NDArray[np.intp]) -> Array:
        """Return d theta/dt of the gradient flow on some of the samples, shape (N, m)."""
        return self._force(*self._moved(theta - self.start.theta, rows), self.data.X[rows])

    def jacobian(self, theta: Array) -> NeuronJacobian:
        """Return the exact Jacobian of the force."""
        network, X = self.network, self.data.X
        H, u, residual = self._moved(theta - self.start.theta, slice(None))
        slope, weighted = network.phi_slope(H), (2 / (network.alpha * len(X))) * residual
        values = network.phi(H) / self._root if self.start.trained else np.zeros_like(H)
        bent = self._root * u * weighted[:, None] * network.phi_curvature(H)
        mixed = (weighted[:, None] * slope).T @ X
        return NeuronJacobian(self.start, values, u * slope, X, bent, mixed)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of the matrix that is factorised, and the operations of one factorisation.

        A dense Jacobian is formed about once in ten factorisations, a shifted kernel every time.
        """
        P, m = len(self.data.y), self.start.theta.shape[1]
        blocks = 0.2 * P * n * m
        if n <= P:
            return n, 2 * n**3 / 3 + 0.2 * P * n**2 + blocks
        return P, 2 * P**3 / 3 + 2 * P**2 * n + 2 * P * n * m + 2 * n * m**2 + blocks

    def _moved(self, change: Array, rows: Rows) -> tuple[Array, Array, Array]:
        """Return h, shape (B, N), u, shape (N,), and residuals, shape (B,), of some of the samples (F13)."""
        du, dU = self.start.split_change(change)
        H0, u = self._H0[rows], self._u0 + du
        dH = self.data.X[rows] @ (self._root * dU).T
        moved = self.network.phi_change(H0, dH) @ u
        if self.start.trained:
            moved += self._phi0[rows] @ du
        return H0 + dH, u, self.offset[rows] + self.network.alpha / self._root * moved

    def _force(self, H: Array, u: Array, residual: Array, X: Array) -> Array:
        """Return the force of samples whose residuals are known (F12)."""
        network = self.network
        r = (-2 / (network.alpha * len(residual))) * residual
        of_readouts = (r @ network.phi(H)) / self._root if self.start.trained else u
        return self.start.join(of_readouts, (r[:, None] * (u * network.phi_slope(H))).T @ X)


class NeuronRisk(OnNeurons):
    """Mean squared residual over P samples, from every neuron on every sample.

    Notes
    -----
    4 P N D operations a force, and 16 P N bytes. ``OnNeurons._moved`` and ``_force`` are the plain reference of the
    compiled kernels.
    """

    def __init__(self, network: Network, start: RealNeurons, data: Data) -> None:
        super().__init__(network, start, data)
        self._taylor = network.taylor
        self._X = np.array(data.X)
        self._dH = np.empty((len(data.y), start.width))
        self._residual = np.empty(len(data.y))
        self._of_readouts = np.empty(start.width)

    def loss(self, theta: Array) -> float:
        """Mean squared residual at theta."""
        return self._fill(theta - self.start.theta)[0]

    def loss_force_moved(self, change: Array) -> tuple[float, Array]:
        """Loss and force at theta = theta_0 + change."""
        loss, u = self._fill(change)
        trained, weights = self.start.trained, (-2 / (self.network.alpha * len(self._residual))) * self._residual
        kernels.neuron_slopes(self._dH, self._H0, u, self._taylor, weights, trained, self._of_readouts)
        return loss, self.start.join(self._of_readouts / self._root, self._dH.T @ self._X)

    @property
    def flops(self) -> float:
        """Operations of one force, those included that take as long as memory does."""
        return float((4.0 * self._X.shape[1] + PASSES) * self._dH.size)

    def _fill(self, change: Array) -> tuple[float, Array]:
        """Compute dH and the residuals; return the loss, and u."""
        du, dU = self.start.split_change(change)
        u, network = self._u0 + du, self.network
        np.dot(self._X, (self._root * dU).T, out=self._dH)
        scale, trained = network.alpha / self._root, self.start.trained
        loss = kernels.neuron_residuals(
            self._dH, self._H0, u, np.ascontiguousarray(du), self._taylor, self.offset, scale, trained, self._residual
        )
        return loss, u
