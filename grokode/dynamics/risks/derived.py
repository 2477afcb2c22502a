"""What a risk has for free once it knows loss and force, or its moments, at a change of V."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from ...model.network import Network

Array = NDArray[np.float64]


class FromForce(ABC):
    """A risk that knows loss and force at V = V_0 + dV.

    From dV itself: at large alpha V's rounding is not small beside it.
    """

    network: Network
    _V0: Array
    _a: Array

    @abstractmethod
    def loss_force_moved(self, dV: Array) -> tuple[float, Array]:
        """Loss and force at V = V_0 + dV."""

    def loss_force(self, theta: Array) -> tuple[float, Array]:
        """Loss and force in one evaluation."""
        return self.loss_force_moved(theta - self._V0)

    def force(self, theta: Array) -> Array:
        """Return dV/dt of the gradient flow, shape (r, D)."""
        return self.loss_force(theta)[1]


class FromMoments(FromForce):
    """A risk whose moments g and G, which make the force (F1), do not need the residuals."""

    @abstractmethod
    def _moments_moved(self, dV: Array) -> tuple[Array, Array, float]:
        """Return g, G and the loss at V = V_0 + dV."""

    def moments(self, theta: Array) -> tuple[Array, Array, float]:
        r"""Return :math:`g = \langle r x \rangle`, :math:`G = \langle r x x^T \rangle` and the loss."""
        return self._moments_moved(theta - self._V0)

    def loss_force_moved(self, dV: Array) -> tuple[float, Array]:
        """Loss and force at V = V_0 + dV."""
        g, G, loss = self._moments_moved(dV)
        network = self.network
        return loss, -(2 / network.alpha) * (np.outer(self._a, g) + network.eps * (self._V0 + dV) @ G)
