"""The risk of infinitely many Gaussian samples, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...model.network import Network
from ...model.quadratic import QuadraticFunctions
from ...model.states.state import QuadraticState
from ...task.inputs.gaussian import Gaussian
from ...task.system import Law
from . import kernels
from .derived import FromMoments
from .jacobian import Solve, factor_dense

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Terms:
    """The three terms of the population loss on clean labels; they sum to it.

    Parameters
    ----------
    variance_error : float
        T^2, the squared mean of the residual.
    linear_power : float
        u^T Sigma u, power in linear modes.
    misalignment_error : float
        tr(R Sigma R Sigma) / 2.
    """

    variance_error: float
    linear_power: float
    misalignment_error: float

    @property
    def total(self) -> float:
        """Their sum, the loss."""
        return self.variance_error + self.linear_power + self.misalignment_error


class PopulationRisk(FromMoments):
    r"""Mean squared residual over :math:`x \sim N(0, \Sigma)`.

    With :math:`u = \alpha (\bar w - \bar w_c) - b`, :math:`R = \alpha \epsilon (M - M_c) - B` and
    :math:`T = -c + \mathrm{tr}(R \Sigma)/2` (c-indexed: initial values of a centred predictor, else 0; a constant of f,
    where it is not subtracted, counts against c):

    .. math:: g = \Sigma u, \quad G = T \Sigma + \Sigma R \Sigma, \quad
              L = T^2 + u^T \Sigma u + \tfrac12 \mathrm{tr}(R \Sigma R \Sigma) \quad (P1)

    Parameters
    ----------
    network : Network
    start : QuadraticState
        Whose f is quadratic under the network.
    law : Law
        Its noise variance is added to the loss; it moves nothing.
    """

    def __init__(self, network: Network, start: QuadraticState, law: Law) -> None:
        self.network, self.start, self.law = network, start, law
        kept = 0.0 if network.centered else 1.0
        self._u0 = kept * network.alpha * start.wbar - law.target.b
        self._R0 = kept * network.alpha * network.eps * start.M - law.target.B
        self._constant = kept * network.constant - law.target.c

    @property
    def samples(self) -> float:
        """Number of samples: infinite."""
        return np.inf

    @property
    def mean_square_label(self) -> float:
        """Mean of y^2: the loss of the predictor 0."""
        target, inputs = self.law.target, self.law.inputs
        return _terms(inputs, -target.b, -target.B, -target.c).total + self.law.noise**2

    @property
    def mean_square_input(self) -> float:
        """Mean of ``x . x``."""
        return self.law.inputs.trace

    @cached_property
    def mean_kernel(self) -> float:
        """Mean of K(x, x) at the start."""
        return self.start.mean_kernel(self.network, self.law.inputs.matrix)

    def terms(self, wbar: Array, M: Array) -> Terms:
        """Return the three terms at weight statistics (wbar, M)."""
        return self._terms_moved(wbar - self.start.wbar, M - self.start.M)

    def terms_of(self, changes: QuadraticFunctions) -> list[Terms]:
        """Return the three terms where the predictor has changed by these functions since the start (Z5)."""
        u, R = changes.b + self._u0, 2 * changes.S + self._R0
        return [_terms(self.law.inputs, u_k, R_k, self._constant) for u_k, R_k in zip(u, R, strict=True)]

    def loss(self, theta: Array) -> float:
        """Mean squared residual at theta, the noise variance included."""
        return self._terms_moved(*self.start.moved(theta - self.start.theta)).total + self.law.noise**2

    def _moments_moved(self, change: Array) -> tuple[Array, Array, float]:
        moved = self.start.moved(change)
        loss = self._terms_moved(*moved).total + self.law.noise**2
        return *self._moments(*self._coefficients(*moved), self._constant), loss

    def jacobian(self, theta: Array) -> PopulationJacobian:
        """Return the exact Jacobian of the force."""
        return PopulationJacobian(self, theta)

    @property
    def flops(self) -> float:
        """Operations of one force."""
        r, D = self.start.theta.shape
        return float(6 * r * D**2 + 4 * D**3)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of the matrix that is factorised, and the operations of one factorisation.

        A dense Jacobian is formed column by column, about once in ten factorisations.
        """
        return n, 2 * n**3 / 3 + 0.1 * n * (8 * n * self.law.inputs.dim + 1e6)

    def force_jvp(self, theta: Array, d: Array) -> Array:
        """Return the derivative of the force along d, of theta's shape."""
        network, start = self.network, self.start
        g, G, _ = self.moments(theta)
        dwbar, dM = start.moving(theta, d)
        dg, dG = self._moments(network.alpha * dwbar, network.alpha * network.eps * dM, 0.0)
        return start.force_moving(network, theta, d, g, G) + start.force(network, theta, dg, dG)

    def _coefficients(self, dwbar: Array, dM: Array) -> tuple[Array, Array]:
        """Return (u, R) from the change of (wbar, M) since the start."""
        network = self.network
        return self._u0 + network.alpha * dwbar, self._R0 + network.alpha * network.eps * dM

    def _terms_moved(self, dwbar: Array, dM: Array) -> Terms:
        """Return the three terms where (wbar, M) have changed so since the start."""
        inputs, alpha, eps = self.law.inputs, self.network.alpha, self.network.eps
        if inputs.Sigma.ndim > 1:
            return _terms(inputs, *self._coefficients(dwbar, dM), self._constant)
        sums = kernels.population_sums(self._u0, dwbar, alpha, self._R0, dM, alpha * eps, inputs.Sigma)
        return _terms_of_sums(*sums, self._constant)

    def _moments(self, u: Array, R: Array, constant: float) -> tuple[Array, Array]:
        inputs = self.law.inputs
        RS = inputs.times(R)
        T = constant + np.trace(RS) / 2
        return inputs.times(u), inputs.times(T * np.eye(inputs.dim) + RS.T)


class PopulationJacobian:
    """The Jacobian of the population flow, column by column where it is needed as a matrix."""

    def __init__(self, risk: PopulationRisk, theta: Array) -> None:
        self._risk, self._theta = risk, theta

    def times(self, d: Array) -> Array:
        """Return J d, shape (n,)."""
        return self._risk.force_jvp(self._theta, d.reshape(self._theta.shape)).ravel()

    def dense(self) -> Array:
        """Return J, shape (n, n)."""
        return self._dense

    @cached_property
    def _dense(self) -> Array:
        J = np.array([self.times(e) for e in np.eye(self._theta.size)])
        J.setflags(write=False)
        return J

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J) d = R."""
        return factor_dense(self.dense(), shift)


def _terms(inputs: Gaussian, u: Array, R: Array, constant: float) -> Terms:
    RS = inputs.times(R)
    return _terms_of_sums(float(np.trace(RS)), float(u @ inputs.times(u)), float(np.sum(RS * RS.T)), constant)


def _terms_of_sums(trace: float, linear: float, square: float, constant: float) -> Terms:
    """Return the three terms from tr(R Sigma), u^T Sigma u and tr(R Sigma R Sigma)."""
    return Terms((constant + trace / 2) ** 2, linear, square / 2)
