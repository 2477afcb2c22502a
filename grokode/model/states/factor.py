"""The factor state (a, V): every width's whole weight statistics in at most D + 1 pseudo-neurons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ..network import Network
from ..quadratic import QuadraticFunctions

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FactorState:
    r"""A square root of the weight statistics.

    .. math:: [1, W]/\sqrt{N} = Q^T [a, V], \qquad \bar w = V^T a, \qquad M = V^T V \quad (F0)

    ``a`` never moves; ``V`` is what training moves. M is positive semidefinite by construction and its
    rank never exceeds that of ``[a, V_0]``.

    Parameters
    ----------
    a : ndarray, shape (r,)
        Of unit length.
    V : ndarray, shape (r, D)
        One row a pseudo-neuron.

    Raises
    ------
    InvalidInput
        If shapes disagree, a number is not finite, or ``a`` is not of unit length.

    Notes
    -----
    M itself must never be integrated: rounding in the empty directions of a rank-deficient M grows
    exponentially.
    """

    a: Array
    V: Array

    def __post_init__(self) -> None:
        a, V = np.array(self.a, dtype=float), np.array(self.V, dtype=float, order="C")
        if a.ndim != 1 or V.ndim != 2 or len(a) != len(V) or V.size == 0:
            raise InvalidInput(f"a and V must have shapes (r,) and (r, D), got {a.shape} and {V.shape}")
        if not (np.isfinite(a).all() and np.isfinite(V).all()):
            raise InvalidInput("a and V must be finite, got NaN or infinity")
        if abs(a @ a - 1) > 1e-9:  # |a|^2 is the mean of 1 over neurons; 1e-9 leaves room for rounding
            raise InvalidInput(f"a must have unit length, got {np.sqrt(a @ a)}")
        for name, value in (("a", a), ("V", V)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    # ---- where states come from

    @classmethod
    def from_neurons(cls, W: Array) -> FactorState:
        """Reduce real neurons, by the thin QR of ``[1, W]/sqrt(N)``.

        Parameters
        ----------
        W : ndarray, shape (N, D)
            One row a neuron; float32 and Fortran order are accepted.
        """
        W = np.asarray(W, dtype=float)
        if W.ndim != 2 or W.size == 0:
            raise InvalidInput(f"W must have shape (N, D), got {W.shape}")
        if not np.isfinite(W).all():
            raise InvalidInput("W must be finite, got NaN or infinity")
        R: Array = np.asarray(np.linalg.qr(np.column_stack([np.ones(len(W)), W]) / np.sqrt(len(W)), mode="r"))
        return cls(*_split(R * np.where(R[:1, :1] < 0, -1.0, 1.0)))

    @classmethod
    def infinite_width(cls, dim: int, sigma: float) -> FactorState:
        r"""Infinitely many neurons :math:`w \sim N(0, \sigma^2 I)`: :math:`a = e_0, V = [0; \sigma I]`."""
        return cls(np.eye(dim + 1)[0], np.vstack([np.zeros(dim), sigma * np.eye(dim)]))

    @classmethod
    def random(cls, dim: int, width: int, sigma: float, rng: np.random.Generator) -> FactorState:
        r"""Draw the factor of ``width`` neurons :math:`w_i \sim N(0, \sigma^2 I)` without making them.

        The triangular factor is drawn from its own law, Bartlett's decomposition (F10): its first row is
        :math:`[1, \bar w]`, below it stand chi variables on the diagonal and normal ones beside it. The
        cost does not depend on the width.
        """
        if width < 1:
            raise InvalidInput(f"width must be at least 1, got {width}")
        rows = min(width - 1, dim)
        V = np.zeros((rows + 1, dim))
        V[0] = rng.standard_normal(dim)
        V[1:] = np.triu(rng.standard_normal((rows, dim)), 1)
        index = np.arange(rows)
        V[1 + index, index] = np.sqrt(rng.chisquare(width - 1 - index)) if rows else ()
        return cls(np.eye(rows + 1)[0], V * (sigma / np.sqrt(width)))

    def neurons(self, width: int, rng: np.random.Generator) -> Array:
        r"""Real neurons with this factor, :math:`W = \sqrt{N} Q^T V`.

        Q has orthonormal rows and :math:`a^T Q = 1/\sqrt{N}`, so that direct training of these neurons
        equals the reduction to rounding.

        Parameters
        ----------
        width : int
            At least r.
        rng : numpy.random.Generator
            Draws the rotation among the neurons.

        Returns
        -------
        ndarray, shape (width, D)

        Raises
        ------
        InvalidInput
            If there are fewer neurons than rows.
        """
        r = len(self.a)
        if width < r:
            raise InvalidInput(f"{r} pseudo-neurons need a width of at least {r}, got {width}")
        # columns orthonormal, the first one constant, the others uniformly random
        B = np.linalg.qr(np.column_stack([np.ones(width), rng.standard_normal((width, r - 1))]))[0]
        B[:, 0] = 1 / np.sqrt(width)
        # an orthogonal matrix whose first column is a
        A = np.linalg.qr(np.column_stack([self.a, np.eye(r)]))[0]
        A[:, 0] = self.a
        neurons: Array = np.sqrt(width) * B @ (A.T @ self.V)
        return neurons

    # ---- what moves, and what follows from it

    @property
    def theta(self) -> Array:
        """What training moves: V, shape (r, D)."""
        return self.V

    def at(self, theta: Array) -> FactorState:
        """Return the state with the same ``a`` at another V."""
        return FactorState(self.a, theta)

    @property
    def hidden(self) -> Array:
        """V, whose rows make M."""
        return self.V

    @cached_property
    def wbar(self) -> Array:
        """Mean weight, shape (D,)."""
        return self.V.T @ self.a

    @cached_property
    def M(self) -> Array:
        """Mean of w w^T, shape (D, D)."""
        M: Array = self.V.T @ self.V
        return M

    @property
    def mean_square_weight(self) -> float:
        """Mean of ``w . w`` over neurons, tr M."""
        return float(np.vdot(self.V, self.V))

    # ---- f as a quadratic function, and what moves it

    def quadratic(self, network: Network) -> bool:
        """Whether f is quadratic up to a constant: that of any state with a factor is."""
        return True

    def moved(self, change: Array) -> tuple[Array, Array]:
        """Return how (wbar, M) change with V, from the change itself: nothing cancels."""
        half = (self.V + change / 2).T @ change
        return change.T @ self.a, half + half.T

    def moving(self, theta: Array, d: Array) -> tuple[Array, Array]:
        """Return the derivative of (wbar, M) at V = theta along d."""
        half = theta.T @ d
        return d.T @ self.a, half + half.T

    def force(self, network: Network, theta: Array, g: Array, G: Array) -> Array:
        """Return the flow's dV/dt at V = theta (F2)."""
        force: Array = -(2 / network.alpha) * (np.outer(self.a, g) + network.eps * theta @ G)
        return force

    def force_moving(self, network: Network, theta: Array, d: Array, g: Array, G: Array) -> Array:
        """Return the derivative of the force at V = theta along d, g and G held."""
        force: Array = -(2 / network.alpha) * network.eps * (d @ G)
        return force

    def mean_kernel(self, network: Network, Sigma: Array) -> float:
        r"""Return the mean of K(x, x), :math:`\mathrm{tr}\Sigma + \epsilon^2 \langle |x|^2 x^T M x \rangle`."""
        MS, trace = self.M @ Sigma, float(np.trace(Sigma))
        return float(trace + network.eps**2 * (np.trace(MS) * trace + 2 * np.sum(MS * Sigma)))

    # ---- formulas, in plain NumPy

    def outputs(self, network: Network, X: Array) -> Array:
        r"""Predictor f, not centred, at inputs X.

        .. math:: f_\mu = \alpha (a \cdot h_\mu + \tfrac{\epsilon}{2} |h_\mu|^2),
                  \quad h_\mu = V x_\mu \quad (F1)

        An activation with a constant in q adds ``network.constant``.

        Parameters
        ----------
        network : Network
        X : ndarray, shape (P, D)

        Returns
        -------
        ndarray, shape (P,)
        """
        H = X @ self.V.T
        f: Array = network.alpha * (H @ self.a + network.eps / 2 * np.sum(H**2, axis=1))
        return f + network.constant if network.constant else f

    def loss_force(self, network: Network, X: Array, y: Array) -> tuple[float, Array]:
        r"""Mean squared residual and the flow's dV/dt, the reference for the compiled kernel.

        .. math:: \dot V = -\frac{2}{\alpha} (a g^T + \epsilon V G), \quad
                  g = \langle r x \rangle, \; G = \langle r x x^T \rangle \quad (F2)

        Parameters
        ----------
        network : Network
        X : ndarray, shape (P, D)
        y : ndarray, shape (P,)
            What f itself is compared with: labels, plus f at the start for a centred predictor.

        Returns
        -------
        loss : float
        force : ndarray, shape (r, D)
        """
        residual = self.outputs(network, X) - y
        g = X.T @ residual / len(y)
        G = X.T @ (residual[:, None] * X) / len(y)
        force = -(2 / network.alpha) * (np.outer(self.a, g) + network.eps * self.V @ G)
        return float(np.mean(residual**2)), force

    def kernel(self, network: Network, X1: Array, X2: Array) -> Array:
        r"""Neural tangent kernel in flow-time units.

        .. math:: K(x, x') = x \cdot x' \, (1 + \epsilon \bar w \cdot (x + x')
                  + \epsilon^2 x^T M x') \quad (K1)

        Parameters
        ----------
        network : Network
        X1, X2 : ndarray, shape (P1, D), (P2, D)

        Returns
        -------
        ndarray, shape (P1, P2)
            In units of inverse flow time.

        Notes
        -----
        Paper eq. 5. Written as a product of slopes, :math:`a + \epsilon V x`, which needs ``a . a`` = 1.
        """
        K: Array = (X1 @ X2.T) * (self.slopes(network, X1) @ self.slopes(network, X2).T)
        return K

    def kernel_terms(self, network: Network, X1: Array, X2: Array) -> tuple[Array, Array, Array]:
        r"""Linear, cross and quadratic term of the kernel (K1), of order 1, :math:`\epsilon`, :math:`\epsilon^2`.

        Parameters
        ----------
        network : Network
        X1, X2 : ndarray, shape (P1, D), (P2, D)

        Returns
        -------
        tuple of ndarray, each of shape (P1, P2)
            In units of inverse flow time; they sum to the kernel.
        """
        eps, linear = network.eps, X1 @ X2.T
        cross: Array = eps * linear * np.add.outer(X1 @ self.wbar, X2 @ self.wbar)
        return linear, cross, eps**2 * linear * (X1 @ self.M @ X2.T)

    def kernel_map(self, network: Network, sums: QuadraticFunctions) -> QuadraticFunctions:
        r"""Return the functions :math:`\sum_\mu w_\mu K(\cdot, x_\mu)`, from sums over the samples.

        With :math:`p = \sum_\mu w_\mu x_\mu` and :math:`T = \sum_\mu w_\mu x_\mu x_\mu^T`,

        .. math:: b = p + \epsilon T \bar w, \quad
                  S = \mathrm{sym}(\epsilon \bar w p^T + \epsilon^2 M T) \quad (K16)

        Parameters
        ----------
        network : Network
        sums : QuadraticFunctions
            (p, T) in the place of (b, S), for each set of weights.
        """
        eps, D = network.eps, len(self.wbar)
        turned = eps * sums.b[:, :, None] * self.wbar + eps**2 * (sums.S.reshape(-1, D) @ self.M).reshape(sums.S.shape)
        b = sums.b + eps * (sums.S @ self.wbar)
        return QuadraticFunctions(b, (turned + turned.transpose(0, 2, 1)) / 2)

    def kernel_functions(self, network: Network, X: Array, weights: Array) -> QuadraticFunctions:
        r"""Return :math:`\sum_\mu w_{\mu k} K(\cdot, x_\mu)` for points X (P, D) and weights (P, K)."""
        T = np.stack([X.T @ (w[:, None] * X) for w in weights.T])
        return self.kernel_map(network, QuadraticFunctions(weights.T @ X, T))

    def tangents(self, network: Network, X: Array) -> Array:
        """Tangents c_mu x_mu^T, whose inner products are the kernel (K1), shape (P, r D)."""
        C = self.slopes(network, X)
        return (C[:, :, None] * X[:, None, :]).reshape(len(X), -1)

    def tangent_functions(self, network: Network, d: Array) -> QuadraticFunctions:
        r"""Return what steps d of V change the linearised predictor by, over :math:`\alpha` (Z5).

        Parameters
        ----------
        network : Network
        d : ndarray, shape (r D, K)
        """
        steps = d.T.reshape(-1, *self.V.shape)
        S = network.eps * (self.V.T @ steps)
        return QuadraticFunctions(self.a @ steps, (S + S.transpose(0, 2, 1)) / 2)

    def slopes(self, network: Network, X: Array) -> Array:
        r"""Slope of each pseudo-neuron, :math:`c_\mu = a + \epsilon V x_\mu`, shape (P, r)."""
        slopes: Array = self.a + network.eps * (X @ self.V.T)
        return slopes


def _split(R: Array) -> tuple[Array, Array]:
    """Split [a, V], renormalising ``a``, whose length is 1 up to rounding."""
    a = R[:, 0]
    return a / np.linalg.norm(a), R[:, 1:]
