"""The state of a network whose readouts are trained too."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ..network import Network
from ..quadratic import QuadraticFunctions
from .neurons import RealNeurons
from .state import Functions

Array = NDArray[np.float64]


class ReadoutState(RealNeurons):
    r"""Real neurons with trained readouts: :math:`\theta = [u, U] = [v, W] / \sqrt N`, shape (N, 1 + D).

    With :math:`q = h^2` the function is that of the v-weighted moments (N9, N10), which are not the weights' own:

    .. math:: \bar w = U^T u, \qquad M = U^T \mathrm{diag}(v)\, U

    and forces need g and G alone (F8).
    """

    trained = True

    @classmethod
    def from_neurons(cls, W: Array, v: Array) -> ReadoutState:
        """Return the state of hidden weights W, shape (N, D), and readouts v, shape (N,)."""
        W, v = np.asarray(W, dtype=float), np.asarray(v, dtype=float)
        if W.ndim != 2 or v.shape != W.shape[:1] or W.size == 0:
            raise InvalidInput(f"W and v must have shapes (N, D) and (N,), got {W.shape} and {v.shape}")
        return cls(np.column_stack([v, W]) / np.sqrt(len(W)))

    def split(self, theta: Array) -> tuple[Array, Array]:
        """Return u, shape (N,), and U, shape (N, D)."""
        return theta[:, 0], theta[:, 1:]

    def split_change(self, change: Array) -> tuple[Array, Array]:
        """Return by how much u and U change."""
        return self.split(change)

    def join(self, u: Array, U: Array) -> Array:
        """Return [u, U]."""
        return np.concatenate([u[..., None], U], axis=-1)

    # ---- with q = h^2: all through the v-weighted moments

    def quadratic(self, network: Network) -> bool:
        """Whether q is the square; a constant beside it would move with the mean readout."""
        return network.activation.shift == 0

    @cached_property
    def wbar(self) -> Array:
        """Mean of v w, shape (D,)."""
        u, U = self.split(self.theta)
        return U.T @ u

    @cached_property
    def M(self) -> Array:
        """Mean of v w w^T, shape (D, D), not positive as a rule."""
        U = self.hidden
        M: Array = U.T @ (self.readouts[:, None] * U)
        return M

    def kernel_functions(self, network: Network, X: Array, weights: Array) -> Functions:
        r"""Return :math:`\sum_\mu w_{\mu k} K(\cdot, x_\mu)` for points X (P, D) and weights (P, K).

        With :math:`p_i = \sum_\mu w_\mu \phi_i / \sqrt N` and :math:`q_i = \sum_\mu w_\mu c_i x_\mu` they are

        .. math:: b = \sum_i p_i U_i + u_i q_i, \qquad
                  S = \epsilon \sqrt N\, \mathrm{sym} \sum_i U_i (\tfrac12 p_i U_i + u_i q_i)^T
        """
        if not self.quadratic(network):
            return super().kernel_functions(network, X, weights)
        (u, U), (values, C) = self.split(self.theta), self.slopes(network, X)
        b, S = [], []
        for w in weights.T:
            of_readouts, of_weights = (values.T @ w)[:, None] * U, u[:, None] * ((C * w[:, None]).T @ X)
            turned = network.eps * np.sqrt(self.width) * (U.T @ (of_readouts / 2 + of_weights))
            b.append(np.sum(of_readouts + of_weights, axis=0))
            S.append((turned + turned.T) / 2)
        return QuadraticFunctions(np.array(b), np.array(S))

    def moved(self, change: Array) -> tuple[Array, Array]:
        """Return how (wbar, M) change with theta, from the change itself: nothing cancels."""
        (u0, U0), (du, dU) = self.split(self.theta), self.split(change)
        root = np.sqrt(self.width)
        half = (U0 + dU / 2).T @ (root * (u0 + du)[:, None] * dU)
        return dU.T @ (u0 + du) + U0.T @ du, half + half.T + U0.T @ (root * du[:, None] * U0)

    def moving(self, theta: Array, d: Array) -> tuple[Array, Array]:
        """Return the derivative of (wbar, M) at theta along d."""
        (u, U), (du, dU) = self.split(theta), self.split(d)
        root = np.sqrt(self.width)
        half = U.T @ (root * u[:, None] * dU)
        return dU.T @ u + U.T @ du, half + half.T + U.T @ (root * du[:, None] * U)

    def force(self, network: Network, theta: Array, g: Array, G: Array) -> Array:
        r"""Return the flow's d theta/dt (F8).

        .. math:: \dot u_i = -\tfrac{2}{\alpha} (g \cdot U_i + \tfrac{\epsilon \sqrt N}{2} U_i^T G U_i), \qquad
                  \dot U_i = -\tfrac{2}{\alpha} u_i (g + \epsilon \sqrt N\, G U_i)
        """
        u, U = self.split(theta)
        GU = network.eps * np.sqrt(self.width) * (U @ G)
        pulled: Array = self.join(U @ g + np.sum(U * GU, axis=1) / 2, u[:, None] * (g + GU))
        return -2 / network.alpha * pulled

    def force_moving(self, network: Network, theta: Array, d: Array, g: Array, G: Array) -> Array:
        """Return the derivative of the force at theta along d, g and G held."""
        (u, U), (du, dU) = self.split(theta), self.split(d)
        scale = network.eps * np.sqrt(self.width)
        slope, turned = g + scale * (U @ G), scale * (dU @ G)
        pulled: Array = self.join(np.sum(dU * slope, axis=1), du[:, None] * slope + u[:, None] * turned)
        return -2 / network.alpha * pulled

    def mean_kernel(self, network: Network, Sigma: Array) -> float:
        r"""Return the mean of K(x, x) over :math:`x \sim N(0, \Sigma)`, from Gaussian moments of h and x."""
        u, U = self.split(self.theta)
        N, trace, eps = self.width, float(np.trace(Sigma)), network.eps
        US = U @ Sigma
        variance, squared = N * np.sum(US * U, axis=1), N * np.sum(US**2, axis=1)  # of h; |Sigma w|^2
        of_readouts = np.mean(variance + 3 * (eps * variance) ** 2 / 4)
        of_weights = np.sum(u**2 * (trace + eps**2 * (trace * variance + 2 * squared)))
        return float(of_readouts + of_weights)
