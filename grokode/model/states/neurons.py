"""States of N real neurons, whose training does not close on moments of theirs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ..network import Network
from .state import Functions

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RealNeurons(ABC):
    r"""N real neurons, in units of their number, :math:`u = v / \sqrt N` and :math:`U = W / \sqrt N`.

    .. math:: f = \frac{\alpha}{\sqrt N} \sum_i u_i\, \phi(h_i), \qquad h = \sqrt N\, U x \quad (F12)

    In these units the flow of a width-N network is :math:`\dot\theta = -\tfrac{1}{\alpha^2} \nabla_\theta L`, and
    :math:`|\theta - \theta_0|^2 = |W - W_0|^2 / N` (with the readouts beside W where those are trained).

    Parameters
    ----------
    theta : ndarray, shape (N, m)
        One row a neuron.

    Raises
    ------
    InvalidInput
        If it is no such array, or a number is not finite.
    """

    theta: Array

    trained: ClassVar[bool]
    """Whether the readouts are trained."""

    def __post_init__(self) -> None:
        theta = np.array(self.theta, dtype=float, order="C")
        if theta.ndim != 2 or theta.shape[1] < 1 + self.trained or theta.size == 0:
            raise InvalidInput(f"theta must have one row a neuron, got shape {theta.shape}")
        if not np.isfinite(theta).all():
            raise InvalidInput("theta must be finite, got NaN or infinity")
        theta.setflags(write=False)
        object.__setattr__(self, "theta", theta)

    @abstractmethod
    def split(self, theta: Array) -> tuple[Array, Array]:
        """Return u, shape (N,), and U, shape (N, D)."""

    @abstractmethod
    def split_change(self, change: Array) -> tuple[Array, Array]:
        """Return by how much u and U change."""

    @abstractmethod
    def join(self, u: Array, U: Array) -> Array:
        """Return what of two parts is trained, shape (..., N, m) for (..., N) and (..., N, D)."""

    @abstractmethod
    def quadratic(self, network: Network) -> bool:
        r"""Whether f is :math:`\alpha (\bar w \cdot x + \tfrac{\epsilon}{2} x^T M x)`."""

    def at(self, theta: Array) -> Self:
        """Return the state of the same kind at another theta."""
        return type(self)(theta)

    @property
    def width(self) -> int:
        """Number of neurons N."""
        return len(self.theta)

    @property
    def hidden(self) -> Array:
        r"""Hidden weights over :math:`\sqrt N`, shape (N, D)."""
        return self.split(self.theta)[1]

    @cached_property
    def readouts(self) -> Array:
        """Readouts v, shape (N,)."""
        v: Array = np.sqrt(self.width) * self.split(self.theta)[0]
        return v

    @property
    def mean_square_weight(self) -> float:
        """Mean of |w|^2 over neurons."""
        return float(np.vdot(self.hidden, self.hidden))

    def neurons(self, width: int, rng: np.random.Generator) -> Array:
        """Return the hidden weights W, shape (N, D), which are of one number of neurons; nothing is drawn.

        Raises
        ------
        InvalidInput
            If another number of them is wanted.
        """
        if width != self.width:
            raise InvalidInput(f"these are {self.width} real neurons, and no others train like them; got {width}")
        W: Array = np.sqrt(width) * self.hidden
        return W

    def outputs(self, network: Network, X: Array) -> Array:
        """Predictor f, not centred, at inputs X (P, D); returns shape (P,)."""
        u, U = self.split(self.theta)
        f: Array = network.alpha / np.sqrt(self.width) * (network.phi(self.preactivations(U, X)) @ u)
        return f

    def preactivations(self, U: Array, X: Array) -> Array:
        """Return h, shape (P, N)."""
        h: Array = X @ (np.sqrt(self.width) * U).T
        return h

    def slopes(self, network: Network, X: Array) -> tuple[Array, Array]:
        r"""Return :math:`\phi / \sqrt N` and :math:`c = u\, \phi'`, both of shape (P, N).

        They are the slopes of :math:`f / \alpha` in u, and, times x, in U; the first is 0 where readouts are fixed.
        """
        u, U = self.split(self.theta)
        h = self.preactivations(U, X)
        values = network.phi(h) / np.sqrt(self.width) if self.trained else np.zeros_like(h)
        return values, u * network.phi_slope(h)

    def kernel(self, network: Network, X1: Array, X2: Array) -> Array:
        r"""Neural tangent kernel in flow-time units.

        .. math:: K(x, x') = \frac1N \sum_i \phi_i(x)\, \phi_i(x') + x \cdot x' \sum_i c_i(x)\, c_i(x') \quad (F12)

        The first sum is there where readouts are trained.

        Parameters
        ----------
        network : Network
        X1, X2 : ndarray, shape (P1, D), (P2, D)

        Returns
        -------
        ndarray, shape (P1, P2)
            In units of inverse flow time.
        """
        (values1, C1), (values2, C2) = self.slopes(network, X1), self.slopes(network, X2)
        K: Array = values1 @ values2.T + (X1 @ X2.T) * (C1 @ C2.T)
        return K

    def kernel_functions(self, network: Network, X: Array, weights: Array) -> Functions:
        r"""Return :math:`\sum_\mu w_{\mu k} K(\cdot, x_\mu)` for points X (P, D) and weights (P, K)."""
        return lambda there: self.kernel(network, there, X) @ weights


class NeuronState(RealNeurons):
    r"""Real neurons with readouts 1: :math:`\theta = W / \sqrt N`, for activations that do not close."""

    trained = False

    @classmethod
    def from_neurons(cls, W: Array) -> NeuronState:
        """Return the state of hidden weights W, shape (N, D)."""
        W = np.asarray(W, dtype=float)
        return cls(W / np.sqrt(len(W)))

    def split(self, theta: Array) -> tuple[Array, Array]:
        """Return u, shape (N,), and U, shape (N, D)."""
        return np.full(len(theta), 1 / np.sqrt(len(theta))), theta

    def split_change(self, change: Array) -> tuple[Array, Array]:
        """Return by how much u and U change."""
        return np.zeros(len(change)), change

    def join(self, u: Array, U: Array) -> Array:
        """Return U."""
        return U

    def quadratic(self, network: Network) -> bool:
        """Whether f is of the second degree: what is, has a factor instead."""
        return False
