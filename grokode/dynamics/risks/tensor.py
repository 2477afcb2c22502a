"""The risk of a large data set, through its moments up to order four."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dtrmv

from ...model.network import Network
from ...model.states.factor import FactorState
from ...task.data import Data
from ...task.triangle import triangle
from .derived import FromMoments
from .jacobian import Solve, factor_dense
from .sampled import SampledRisk

Array = NDArray[np.float64]


class TensorRisk(FromMoments, SampledRisk):
    r"""Mean squared residual over P samples, at a cost that does not depend on P.

    The residual is linear in the F = D (D+3)/2 monomials :math:`\phi(x) = [x, (x_i x_j)_{i \le j}]`:

    .. math:: r = [\Phi, r_0] \begin{pmatrix} q \\ 1 \end{pmatrix}, \quad
              q = \alpha [\delta \bar w, (\tfrac{\epsilon}{2} (2 - \delta_{ij}) \delta M_{ij})_{i \le j}], \quad
              [\Phi, r_0] = Q R \quad (F11)

    Only the triangle R is kept, of order F + 1. With :math:`z = R (q, 1)` the loss is :math:`|z|^2/P`, and
    :math:`R^T z/P` lists g and G. A sum of squares, the loss keeps the digits that the residuals themselves have;
    the Gram matrix :math:`R^T R` would lose those of losses below 1e-16 of the labels.

    Parameters
    ----------
    network : Network
    start : FactorState
        Where training starts; a centred predictor is measured from it.
    data : Data

    Notes
    -----
    Made in 2 P F^2 operations. Memory 8 F^2 bytes, and twice that once a dense Jacobian was asked for.
    ``EmpiricalRisk`` is the plain reference.
    """

    start: FactorState

    def __init__(self, network: Network, start: FactorState, data: Data) -> None:
        super().__init__(network, start, data)
        dim = data.X.shape[1]
        i, j = np.triu_indices(dim)
        self._size = dim + len(i)
        self._above, self._below = i * dim + j, j * dim + i
        self._weight = network.alpha * network.eps * np.where(i == j, 0.5, 1.0)
        place = np.empty((dim + 1, dim), dtype=np.intp)  # of x_p x_i in the list, x_0 = 1
        place[0] = np.arange(dim)
        place[1 + i, j] = place[1 + j, i] = dim + np.arange(len(i))
        self._place = place
        # centred, the residuals at the start are the labels: one triangle for every network on these data
        self._R = np.array(data.triangle if network.centered else triangle(data.X, -self.offset))
        self._R[:, -1] *= -1

    def loss(self, theta: Array) -> float:
        """Mean squared residual at V = theta."""
        return self._mean_square(self._rotated(self._coefficients(theta - self._V0)))

    def jacobian(self, theta: Array) -> TensorJacobian:
        """Return the exact Jacobian of the force."""
        network = self.network
        _, G, _ = self.moments(theta)
        return TensorJacobian(self, theta, (2 * network.eps / network.alpha) * G)

    @property
    def flops(self) -> float:
        """Operations of one force, those included that take as long as memory does."""
        r, D = self._V0.shape
        return operations(D, r)

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of the matrix that is factorised, and the operations of one factorisation.

        A dense Jacobian is formed about once in ten factorisations.
        """
        D = self.data.X.shape[1]
        return n, 2 * n**3 / 3 + 0.2 * n * (n + self._size) * D

    def products(self, q: Array) -> tuple[Array, Array]:
        r"""Return :math:`\langle h x \rangle` and :math:`\langle h x x^T \rangle` for the function h of monomials q."""
        return self._listed(self._rotated(np.append(q, 0.0)))

    @cached_property
    def gram(self) -> Array:
        r"""Moments :math:`\langle \phi \phi^T \rangle`, shape (F, F)."""
        R = self._R[:-1, :-1]
        gram = R.T @ R / len(self.data.y)
        gram.setflags(write=False)
        return gram

    @property
    def place(self) -> NDArray[np.intp]:
        """Where x_p x_i stands among the monomials, shape (D + 1, D); x_0 = 1."""
        return self._place

    def quadratic(self, A: Array) -> Array:
        r"""Coefficients of the monomials in :math:`\alpha \epsilon\, x^T A x`, A not symmetric, shape (F - D,)."""
        flat = A.ravel()
        listed: Array = self._weight * (flat[self._above] + flat[self._below])
        return listed

    def _coefficients(self, dV: Array) -> Array:
        """Return (q, 1) from the change of V."""
        q = np.empty(self._size + 1)
        q[: dV.shape[1]] = self.network.alpha * (self._a @ dV)
        q[dV.shape[1] : -1] = self.quadratic((self._V0 + dV / 2).T @ dV)
        q[-1] = 1.0
        return q

    def _mean_square(self, z: Array) -> float:
        return float(np.vdot(z, z)) / len(self.data.y)

    def _rotated(self, q: Array) -> Array:
        rotated: Array = dtrmv(self._R, q, overwrite_x=1)
        return rotated

    def _moments_moved(self, dV: Array) -> tuple[Array, Array, float]:
        z = self._rotated(self._coefficients(dV))
        return (*self._listed(z), self._mean_square(z))

    def _listed(self, z: Array) -> tuple[Array, Array]:
        """Return g and G from R^T z."""
        moments = dtrmv(self._R, z, trans=1) / len(self.data.y)
        return moments[: self._place.shape[1]], moments[self._place[1:]]


class TensorJacobian:
    """The Jacobian of a force from moments (J1); the matrix costs n (n + F) D operations, whatever P is."""

    def __init__(self, risk: TensorRisk, theta: Array, G: Array) -> None:
        self._risk, self._theta, self._G = risk, theta, G

    def times(self, d: Array) -> Array:
        """Return J d, shape (n,)."""
        risk, V = self._risk, self._theta
        a, network = risk.start.a, risk.network
        D = d.reshape(V.shape)
        q = np.r_[D.T @ a, risk.quadratic(V.T @ D) / network.alpha]
        g, G = risk.products(q)
        product: Array = -2 * (np.outer(a, g) + network.eps * V @ G) - D @ self._G
        return product.ravel()

    def dense(self) -> Array:
        """Return J, shape (n, n)."""
        return self._dense

    @cached_property
    def _dense(self) -> Array:
        risk, V = self._risk, self._theta
        r, D = V.shape
        C = np.column_stack([risk.start.a, risk.network.eps * V])  # slopes c_k(x) = sum_p C_kp x_p
        half = np.empty((r, D, len(risk.gram)))  # <c_k x_i phi>
        J = np.empty((r, D, r, D))
        for i in range(D):
            half[:, i] = C @ risk.gram[risk.place[:, i]]
        for i in range(D):
            J[:, :, :, i] = -2 * half[:, :, risk.place[:, i]] @ C.T
        for k in range(r):
            J[k, :, k, :] -= self._G
        dense = J.reshape(r * D, r * D)
        dense.setflags(write=False)
        return dense

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J) d = R."""
        return factor_dense(self.dense(), shift)


def pays(P: int, D: int, r: int, evaluations: float) -> bool:
    """Tell whether moments are the faster way to that many forces of P samples and r pseudo-neurons.

    In operations of a matrix product, a force takes 4 P D r from the samples, and the triangle 2.5 P F^2 to make.
    Forces alone overtake at these P, by one thread of ``benchmarks/moments.py``, first with r = D + 1, then r = 2:
    D 10: 530, 2400; D 20: 410, 2700; D 40: 630, 11,000; D 60: 1500, 14,000; D 100: 10,000, 91,000. The rule is
    later, but for D = 20, where readings lie between 400 and 700. Below P = r D a flow's solves are cheaper through
    the samples' kernel, so that moments are not used.
    """
    F = D * (D + 3) // 2
    saved = 4.0 * P * D * r - operations(D, r) - CALL
    return r * D <= P and needed_bytes(D) <= LARGEST and evaluations * saved > 2.5 * P * F**2


def operations(D: int, r: int) -> float:
    """Operations of one force, a number of the triangle counted as those that take as long as fetching it twice."""
    F = D * (D + 3) // 2
    fetch = 6.0 if 8 * F**2 <= CACHE else 14.0
    return fetch * F**2 + 4.0 * r * D**2


def needed_bytes(D: int) -> float:
    """Bytes while the triangle is made."""
    return 24.0 * (D * (D + 3) // 2) ** 2


CALL = 5e5
"""Operations that take as long as the calls of one force."""

CACHE = 32e6
"""Bytes beyond which the triangle comes from main memory."""

LARGEST = 2.0**30
"""Bytes beyond which the triangle is not made."""
