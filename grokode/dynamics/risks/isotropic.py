"""The population risk on the few numbers that move from an isotropic start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.states.factor import FactorState
from .derived import FromForce
from .jacobian import DenseJacobian
from .population import PopulationRisk

Array = NDArray[np.float64]

ZERO = 1e-12
"""Eigenvalues of a target below this part of the largest are rounding."""


@dataclass(frozen=True, eq=False)
class Multiples:
    r"""Where training starts in the eigenspaces of the target, of dimensions d_j: :math:`M = \sum_j m_j P_j` (R1).

    Parameters
    ----------
    theta : ndarray, shape (1, k + 1)
        :math:`\sqrt{d_j m_j}`; the gradient flow in V is one in these numbers.
    """

    theta: Array


class IsotropicRisk(FromForce):
    r"""A population risk from :math:`\bar w = 0, M = \sigma^2 I`, for :math:`x \sim N(0, s I)` and b = 0.

    V stays :math:`V_0 \sum_j \sqrt{m_j / \sigma^2}\, P_j`. In :math:`\theta_j = \sqrt{d_j m_j}` and with
    :math:`R_j = \alpha \epsilon (m_j - m_{cj}) - B_j`,

    .. math:: \dot\theta_j = -\tfrac{2 \epsilon}{\alpha} \theta_j (s T + s^2 R_j), \quad
              T = -c + \tfrac s2 \sum_j d_j R_j, \quad L = T^2 + \tfrac{s^2}{2} \sum_j d_j R_j^2 \quad (R1)

    Parameters
    ----------
    whole : PopulationRisk
        Which ``reduced`` has found to be of that kind.
    variance : float
        s.
    values, vectors : ndarray, shape (k,) and (k, D)
        Eigenvalues of the target's B that are not 0, and their eigenvectors, one a row.
    """

    start: Multiples

    def __init__(self, whole: PopulationRisk, variance: float, values: Array, vectors: Array) -> None:
        D = vectors.shape[1]
        rest = D - len(values)
        self.network, self._whole, self._s = whole.network, whole, variance
        self._d = np.array([1.0] * len(values) + [float(rest)] * (rest > 0))
        self._B = np.append(values, [0.0] * (rest > 0))
        sigma = np.sqrt(whole.start.M[0, 0])
        self.start = Multiples(sigma * np.sqrt(self._d)[None])
        self._V0, self._along, self._vectors = np.array(whole.start.theta), whole.start.theta @ vectors.T, vectors

    @property
    def samples(self) -> float:
        """Number of samples: infinite."""
        return self._whole.samples

    @property
    def mean_square_label(self) -> float:
        """Mean of y^2."""
        return self._whole.mean_square_label

    @property
    def mean_square_input(self) -> float:
        """Mean of |x|^2."""
        return self._whole.mean_square_input

    @property
    def mean_kernel(self) -> float:
        """Mean of K(x, x) at the start."""
        return self._whole.mean_kernel

    @property
    def flops(self) -> float:
        """Operations of one force."""
        return 20.0 * len(self._d)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of the matrix that is factorised, and the operations of one factorisation."""
        return n, 2 * n**3 / 3 + 1e5

    def loss(self, theta: Array) -> float:
        """Mean squared residual, the noise variance included."""
        R, T = self._residual(theta - self.start.theta)
        return float(T**2 + self._s**2 / 2 * (self._d @ R**2) + self._whole.law.noise**2)

    def loss_force_moved(self, change: Array) -> tuple[float, Array]:
        """Loss and force at theta = theta_0 + change."""
        R, T = self._residual(change)
        loss = float(T**2 + self._s**2 / 2 * (self._d @ R**2) + self._whole.law.noise**2)
        network = self.network
        return loss, -2 * network.eps / network.alpha * (self.start.theta + change) * (self._s * T + self._s**2 * R)

    def jacobian(self, theta: Array) -> DenseJacobian:
        """Return the exact Jacobian of the force."""
        network, s, (numbers,) = self.network, self._s, theta
        R, T = self._residual(theta - self.start.theta)
        slope = s**2 * network.alpha * network.eps * (np.outer(numbers, numbers) + 2 * np.diag(numbers**2 / self._d))
        return DenseJacobian(-2 * network.eps / network.alpha * (np.diag(s * T + s**2 * R) + slope))

    def lift(self, theta: Array) -> Array:
        """Return V, shape (r, D)."""
        ((*parts,),) = (theta - self.start.theta) / self.start.theta
        rest = parts.pop() if len(parts) > len(self._vectors) else 0.0
        moved = (self._along * (np.array(parts) - rest)) @ self._vectors
        return np.asarray(self._V0 + rest * self._V0 + moved)

    def _residual(self, change: Array) -> tuple[Array, float]:
        """Return R, shape (k + 1,), and T, from the change of theta: nothing cancels."""
        network, (moved,), (start,) = self.network, change, self.start.theta
        kept = 0.0 if network.centered else start**2
        R = network.alpha * network.eps * ((2 * start + moved) * moved + kept) / self._d - self._B
        constant = (0.0 if network.centered else network.constant) - self._whole.law.target.c
        return R, float(constant + self._s / 2 * (self._d @ R))


def reduced(risk: PopulationRisk) -> PopulationRisk | IsotropicRisk:
    """Return a risk on fewer numbers with the same training, or the risk itself where there is none.

    There is one for a law of isotropic inputs with a target without a linear part, from infinitely many neurons whose
    mean is 0 and whose covariance is a multiple of I.
    """
    if not isinstance(risk.start, FactorState):
        return risk
    start, Sigma, target = risk.start, risk.law.inputs.Sigma, risk.law.target
    M = start.M
    isotropic = Sigma.ndim == 1 and not np.ptp(Sigma) and M[0, 0] > 0
    if not isotropic or target.b.any() or start.wbar.any() or not np.array_equal(M, M[0, 0] * np.eye(len(M))):
        return risk
    values, vectors = np.linalg.eigh(target.B)
    kept = np.abs(values) > ZERO * np.abs(values).max(initial=0.0)
    return IsotropicRisk(risk, float(Sigma[0]), values[kept], vectors.T[kept])
