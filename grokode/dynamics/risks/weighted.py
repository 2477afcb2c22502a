"""The risk of a finite data set where readouts are trained, through what the samples make of f as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...model.states.readouts import ReadoutState
from .derived import FromMoments
from .neurons import PASSES, OnNeurons

Array = NDArray[np.float64]


class WeightedRisk(FromMoments, OnNeurons):
    r"""Mean squared residual over P samples at O((N + P) D^2) operations, for a quadratic f.

    The change of f is that of the v-weighted :math:`(\bar w, M)` (N9), and the force needs the moments g and G alone
    (F8). ``NeuronRisk`` is the plain reference.
    """

    start: ReadoutState

    def loss(self, theta: Array) -> float:
        """Mean squared residual at theta."""
        return float(np.mean(self._residual_moved(theta - self.start.theta) ** 2))

    @property
    def flops(self) -> float:
        """Operations of one force."""
        P, D = self.data.X.shape
        return operations(P, D, self.start.width)

    def _moments_moved(self, change: Array) -> tuple[Array, Array, float]:
        r, X = self._residual_moved(change), self.data.X
        return X.T @ r / len(r), X.T @ (r[:, None] * X) / len(r), float(np.mean(r**2))

    def _residual_moved(self, change: Array) -> Array:
        X, network = self.data.X, self.network
        dwbar, dM = self.start.moved(change)
        moved: Array = network.alpha * (X @ dwbar + network.eps / 2 * np.sum((X @ dM) * X, axis=1))
        return self.offset + moved


def operations(P: int, D: int, N: int) -> float:
    """Operations of one force, those included that take as long as memory does."""
    return 4.0 * P * D**2 + 8.0 * N * D**2 + PASSES * (P + N) * D


def pays(P: int, D: int, N: int) -> bool:
    """Tell whether moments are the faster way to a force of P samples and N neurons with readouts."""
    return operations(P, D, N) < (4.0 * D + PASSES) * P * N
