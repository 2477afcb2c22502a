"""The risk of a finite data set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...model.network import Network
from ...model.states.factor import FactorState
from ...task.data import Data
from . import kernels
from .jacobian import EmpiricalJacobian
from .sampled import SampledRisk

Array = NDArray[np.float64]


class EmpiricalRisk(SampledRisk):
    r"""Mean squared residual over P samples: two matrix products an evaluation.

    The predictor is computed from its change since the start, so that nothing cancels at large
    :math:`\alpha`:

    .. math:: f_\mu - f_{0\mu} = \alpha\, \delta h_\mu \cdot
              (a + \epsilon (h_{0\mu} + \tfrac12 \delta h_\mu)), \quad \delta h = (V - V_0) x \quad (F3)

    Parameters
    ----------
    network : Network
    start : FactorState
        Where training starts; a centred predictor is measured from it.
    data : Data

    Notes
    -----
    Memory 16 P (D + r) bytes. ``FactorState.loss_force`` is the plain reference of the compiled kernel.
    """

    def __init__(self, network: Network, start: FactorState, data: Data) -> None:
        super().__init__(network, start, data)
        self._X = np.array(data.X)
        self._XT = np.ascontiguousarray(self._X.T)
        self._H0 = self._V0 @ self._XT
        self._dH = np.empty_like(self._H0)
        self._residual = np.empty(len(data.y))

    def residual(self, theta: Array) -> Array:
        """Residuals f - y (or f~ - y), shape (P,)."""
        self._fill(theta)
        return self._residual.copy()

    def loss(self, theta: Array) -> float:
        """Mean squared residual at V = theta."""
        return self._fill(theta)

    def loss_force_moved(self, dV: Array) -> tuple[float, Array]:
        """Loss and force at V = V_0 + dV, from dV itself: at large alpha V's rounding is not small beside it."""
        force = np.empty_like(self._V0)
        loss = kernels.loss_force(
            dV,
            self._X,
            self._XT,
            self._H0,
            self._a,
            self.offset,
            self.network.alpha,
            self.network.eps,
            self._dH,
            self._residual,
            force,
        )
        return loss, force

    def descend(
        self, y: Array, sizes: Array, *, momentum: float, nesterov: bool, coupled: float, shrinking: float
    ) -> None:
        """Make full-batch steps of the given sizes in place, as ``kernels.descend`` states them.

        Parameters
        ----------
        y : ndarray, shape (1, r, D) or (2, r, D)
        sizes : ndarray, shape (n,)
            Flow times.
        momentum, nesterov, coupled, shrinking
        """
        kernels.descend(
            y,
            self._V0,
            sizes,
            momentum,
            nesterov,
            coupled,
            shrinking,
            self._X,
            self._XT,
            self._H0,
            self._a,
            self.offset,
            self.network.alpha,
            self.network.eps,
            self._dH,
            self._residual,
        )

    def moments(self, theta: Array) -> tuple[Array, Array, float]:
        r"""Return :math:`g = \langle r x \rangle`, :math:`G = \langle r x x^T \rangle` and the loss."""
        loss = self._fill(theta)
        r, X = self._residual, self._X
        return X.T @ r / len(r), X.T @ (r[:, None] * X) / len(r), loss

    def jacobian(self, theta: Array) -> EmpiricalJacobian:
        """Return the exact Jacobian of the force."""
        _, G, _ = self.moments(theta)
        C = self._a + self.network.eps * (self._H0 + self._dH).T
        return EmpiricalJacobian(C, self._X, (2 * self.network.eps / self.network.alpha) * G)

    @property
    def flops(self) -> float:
        """Operations of one force."""
        return 4.0 * self._X.size * len(self._a)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of the matrix that is factorised, and the operations of one factorisation.

        A dense Jacobian is formed about once in ten factorisations, a shifted kernel every time.
        """
        P, D = self._X.shape
        if n <= P:
            return n, 2 * n**3 / 3 + 0.2 * P * n**2
        return P, 2 * P**3 / 3 + 2 * P**2 * (D + len(self._a))

    def _fill(self, theta: Array) -> float:
        np.dot(theta - self._V0, self._XT, out=self._dH)
        network = self.network
        return kernels.residuals(self._dH, self._H0, self._a, self.offset, network.alpha, network.eps, self._residual)
