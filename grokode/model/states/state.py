"""What every kind of state offers: what training moves, and the function and the kernel that follow from it."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..network import Network

Array = NDArray[np.float64]


class Functions(Protocol):
    """Functions of the inputs, K of them."""

    def __call__(self, X: Array) -> Array:
        """Evaluate at inputs X, shape (P, D); returns shape (P, K)."""
        ...


class State(Protocol):
    r"""Where a network stands.

    Training moves ``theta``, one array with two axes, whose gradient flow is
    :math:`\dot\theta = -\tfrac{1}{\alpha^2} \nabla_\theta L`.
    """

    @property
    def theta(self) -> Array:
        """What training moves."""
        ...

    @property
    def hidden(self) -> Array:
        r"""Rows whose sum of squares :math:`h h^T` is the mean of :math:`w w^T`, shape (r, D) or (N, D)."""
        ...

    @property
    def mean_square_weight(self) -> float:
        """Mean of |w|^2 over neurons."""
        ...

    def at(self, theta: Array) -> Self:
        """Return the state of the same kind at another theta."""
        ...

    def neurons(self, width: int, rng: np.random.Generator) -> Array:
        """Return real neurons, shape (width, D)."""
        ...

    def quadratic(self, network: Network) -> bool:
        r"""Whether f is :math:`\alpha (\bar w \cdot x + \tfrac{\epsilon}{2} x^T M x)` up to a constant number."""
        ...

    def outputs(self, network: Network, X: Array) -> Array:
        """Predictor f, not centred, at inputs X, shape (P,)."""
        ...

    def kernel(self, network: Network, X1: Array, X2: Array) -> Array:
        """Neural tangent kernel in units of inverse flow time, shape (P1, P2)."""
        ...

    def kernel_functions(self, network: Network, X: Array, weights: Array) -> Functions:
        r"""Return :math:`\sum_\mu w_{\mu k} K(\cdot, x_\mu)`; quadratic functions where f is quadratic."""
        ...


class QuadraticState(State, Protocol):
    r"""A state whose f may be :math:`\alpha (\bar w \cdot x + \tfrac{\epsilon}{2} x^T M x)`.

    Then :math:`g = \langle r x \rangle` and :math:`G = \langle r x x^T \rangle` are all that it has to know of data.
    """

    @property
    def wbar(self) -> Array:
        """Linear part of f over alpha, shape (D,)."""
        ...

    @property
    def M(self) -> Array:
        """Quadratic part of f over alpha eps / 2, shape (D, D)."""
        ...

    def moved(self, change: Array) -> tuple[Array, Array]:
        """Return how (wbar, M) change with theta, from the change itself: nothing cancels."""
        ...

    def moving(self, theta: Array, d: Array) -> tuple[Array, Array]:
        """Return the derivative of (wbar, M) at theta along d."""
        ...

    def force(self, network: Network, theta: Array, g: Array, G: Array) -> Array:
        """Return the flow's d theta/dt."""
        ...

    def force_moving(self, network: Network, theta: Array, d: Array, g: Array, G: Array) -> Array:
        """Return the derivative of the force at theta along d, g and G held."""
        ...

    def mean_kernel(self, network: Network, Sigma: Array) -> float:
        r"""Return the mean of K(x, x) over :math:`x \sim N(0, \Sigma)`, Sigma of shape (D, D)."""
        ...
