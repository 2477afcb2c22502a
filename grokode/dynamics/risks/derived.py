"""What a risk has for free once it knows loss and force, or its moments, at a change of theta."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...model.network import Network
from ...model.states.state import QuadraticState

Array = NDArray[np.float64]


class Start(Protocol):
    """Where training starts."""

    @property
    def theta(self) -> Array:
        """What training moves, a matrix."""
        ...


class FromForce(ABC):
    """A risk that knows loss and force at theta = theta_0 + change.

    From the change itself: at large alpha theta's rounding is not small beside it.
    """

    network: Network
    start: Start

    @abstractmethod
    def loss_force_moved(self, change: Array) -> tuple[float, Array]:
        """Loss and force at theta = theta_0 + change."""

    def lift(self, theta: Array) -> Array:
        """Return the theta of a whole state, shape (r, D): what is trained itself, unless it is less."""
        return theta

    def loss_force(self, theta: Array) -> tuple[float, Array]:
        """Loss and force in one evaluation."""
        return self.loss_force_moved(theta - self.start.theta)

    def force(self, theta: Array) -> Array:
        """Return d theta/dt of the gradient flow, of theta's shape."""
        return self.loss_force(theta)[1]


class FromMoments(FromForce):
    """A risk whose moments g and G, which make the force (F2, F8), do not need the residuals."""

    start: QuadraticState

    @abstractmethod
    def _moments_moved(self, change: Array) -> tuple[Array, Array, float]:
        """Return g, G and the loss at theta = theta_0 + change."""

    def moments(self, theta: Array) -> tuple[Array, Array, float]:
        r"""Return :math:`g = \langle r x \rangle`, :math:`G = \langle r x x^T \rangle` and the loss."""
        return self._moments_moved(theta - self.start.theta)

    def loss_force_moved(self, change: Array) -> tuple[float, Array]:
        """Loss and force at theta = theta_0 + change."""
        g, G, loss = self._moments_moved(change)
        return loss, self.start.force(self.network, self.start.theta + change, g, G)
