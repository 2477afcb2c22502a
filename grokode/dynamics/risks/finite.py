"""What the risks of a finite data set share, whatever state is trained: the samples, and what depends on them alone."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...model.network import Network
from ...model.states.state import State
from ...task.data import Data
from .derived import FromForce

Array = NDArray[np.float64]


class FiniteRisk(FromForce):
    """Mean squared residual over P samples.

    Parameters
    ----------
    network : Network
    start : State
        Where training starts; a centred predictor is measured from it.
    data : Data

    Attributes
    ----------
    offset : ndarray, shape (P,)
        Residuals at the start.
    """

    start: State

    def __init__(self, network: Network, start: State, data: Data) -> None:
        self.network, self.start, self.data = network, start, data
        self.offset = -data.y if network.centered else start.outputs(network, data.X) - data.y

    @property
    def samples(self) -> float:
        """Number of samples P."""
        return len(self.data.y)

    @property
    def mean_square_label(self) -> float:
        """Mean of y^2."""
        return float(np.mean(self.data.y**2))

    @property
    def mean_square_input(self) -> float:
        """Mean of |x|^2."""
        return float(np.mean(np.sum(self.data.X**2, axis=1)))

    @cached_property
    @abstractmethod
    def mean_kernel(self) -> float:
        """Mean of K(x, x) at the start."""

    @abstractmethod
    def residual(self, theta: Array) -> Array:
        """Residuals f - y (or f~ - y), shape (P,), from the samples themselves."""

    @abstractmethod
    def force_on(self, theta: Array, rows: NDArray[np.intp]) -> Array:
        """Return d theta/dt of the gradient flow on some of the samples, of theta's shape."""
