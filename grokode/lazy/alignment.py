r"""How far a kernel is turned to a task: the cosine between K and y y', in each convention in use.

The conventions differ in what is averaged and what is centred; a number is never called just "alignment".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..model.network import Network
from ..task.inputs.gaussian import Gaussian
from ..task.system import Law

Array = NDArray[np.float64]


def sample_alignment(K: Array, y: Array) -> float:
    r"""Alignment of a sample, nothing centred: the paper's formula.

    .. math:: \frac{y^T K y}{\|K\|_F\, |y|^2} \quad (A7)

    Every sample is also paired with itself; on few samples that is most of the number (A12).

    Parameters
    ----------
    K : ndarray, shape (P, P)
    y : ndarray, shape (P,)

    Returns
    -------
    float
        0 where K or y is 0.

    Raises
    ------
    InvalidInput
        If the shapes disagree.
    """
    _check(K, y)
    return cosine(float(y @ K @ y), float(np.sum(K**2)), float(y @ y))


def column_centered_alignment(K: Array, y: Array) -> float:
    r"""Alignment with the mean of every column of K subtracted, and the labels as they are.

    .. math:: \frac{y^T H K y}{\|H K\|_F\, |y|^2}, \qquad H = I - 1 1^T / P

    The convention of the paper's authors' code; it is not the standard centring. Parameters, returns and raises as
    ``sample_alignment``.
    """
    _check(K, y)
    HK = K - K.mean(axis=0)
    return cosine(float(y @ HK @ y), _beyond_rounding(HK, K), float(y @ y))


def centered_alignment(K: Array, y: Array) -> float:
    r"""Alignment with K centred on both sides, and so the labels: the standard centred kernel alignment.

    .. math:: \frac{y^T H K H y}{\|H K H\|_F\, |H y|^2}, \qquad H = I - 1 1^T / P

    Parameters, returns and raises as ``sample_alignment``.

    References
    ----------
    Cortes, Mohri and Rostamizadeh, JMLR 13 (2012).
    """
    _check(K, y)
    HK = K - K.mean(axis=0)
    HKH, Hy = HK - HK.mean(axis=1)[:, None], y - y.mean()
    return cosine(float(y @ HKH @ y), _beyond_rounding(HKH, K), _beyond_rounding(Hy, y))


def _check(K: Array, y: Array) -> None:
    if K.shape != (len(y), len(y)):
        raise InvalidInput(f"K and y must have shapes (P, P) and (P,), got {K.shape} and {y.shape}")


def _beyond_rounding(centered: Array, whole: Array) -> float:
    """Squared norm of what centring leaves; 0 where that is rounding."""
    left, rounding = float(np.sum(centered**2)), (len(whole) * np.finfo(float).eps) ** 2 * float(np.sum(whole**2))
    return left if left > rounding else 0.0


def cosine(numerator: float, squared_kernel: float, squared_label: float) -> float:
    """Return the ratio, 0 where the kernel or the labels vanish; rounding does not take it beyond 1."""
    norm = np.sqrt(max(squared_kernel, 0.0)) * squared_label
    return float(np.clip(numerator / norm, -1.0, 1.0)) if norm > 0 else 0.0


# ---- over the law of the inputs


class KernelProduct:
    r"""Mean products of kernels over two independent inputs x, x' ~ N(0, Sigma), in closed form.

    For kernels :math:`x \cdot x' (l + \epsilon u \cdot (x + x') + \epsilon^2 x^T A x')`,

    .. math:: \langle K_1 K_2 \rangle = l_1 l_2 \mathrm{tr}\Sigma^2
              + 2 \epsilon^2 (\mathrm{tr}\Sigma^2\, u_1^T \Sigma u_2 + 2\, u_1^T \Sigma^3 u_2)
              + \epsilon^4 [\mathrm{tr}\Sigma^2\, \mathrm{tr}(A_1 \Sigma A_2 \Sigma)
              + 2\, \mathrm{tr}(A_1 \Sigma^2)\, \mathrm{tr}(A_2 \Sigma^2)
              + 2\, \mathrm{tr}(A_1 \Sigma^2 A_2 \Sigma^2) + 4\, \mathrm{tr}(A_1 \Sigma A_2 \Sigma^3)] \quad (A13)

    The three terms of a kernel (l = 1, u = wbar, A = M) are orthogonal.

    Parameters
    ----------
    inputs : Gaussian
    eps : float
    """

    def __init__(self, inputs: Gaussian, eps: float) -> None:
        self._inputs, self._eps = inputs, eps
        self.linear = float(np.sum(inputs.Sigma**2))
        """Mean square of the linear term, tr Sigma^2."""

    def cross(self, u1: Array, u2: Array) -> float:
        """Mean product of cross terms."""
        times = self._inputs.times
        once = times(u2)
        return float(2 * self._eps**2 * (self.linear * (u1 @ once) + 2 * (u1 @ times(times(once)))))

    def quadratic(self, A1: Array, A2: Array) -> float:
        """Mean product of quadratic terms; no product of matrices where Sigma is diagonal."""
        times = self._inputs.times
        once1, once2 = times(A1), times(A2)  # A Sigma; the trace of a product is a sum over entries
        twice1, twice2 = times(once1), times(once2)
        return float(
            self._eps**4
            * (
                self.linear * np.sum(once1 * once2.T)
                + 2 * np.trace(twice1) * np.trace(twice2)
                + 2 * np.sum(twice1 * twice2.T)
                + 4 * np.sum(once1 * times(twice2).T)
            )
        )


class PopulationAlignment:
    r"""Alignment over the law of the inputs: no sample, and no input paired with itself.

    With :math:`H = \langle y\, x x^T \rangle = \langle y \rangle \Sigma + \Sigma B \Sigma`,

    .. math:: \frac{\langle y K y' \rangle}{\sqrt{\langle K^2 \rangle}\, \langle y^2 \rangle}, \qquad
              \langle y K y' \rangle = |\Sigma b|^2 + 2 \epsilon\, b^T \Sigma H \bar w
              + \epsilon^2\, \mathrm{tr}(H M H) \quad (A9)

    Parameters
    ----------
    network : Network
    law : Law
        Its noise does not enter.
    """

    def __init__(self, network: Network, law: Law) -> None:
        self._eps = network.eps
        self._product = KernelProduct(law.inputs, network.eps)
        inputs, target = law.inputs, law.target
        BS = inputs.times(target.B)  # B Sigma
        mean = target.c + np.trace(BS) / 2
        H = mean * inputs.matrix + inputs.matrix @ BS
        self._Sb = inputs.times(target.b)
        self._HSb, self._H2 = H @ self._Sb, H @ H
        self._squared_label = float(mean**2 + target.b @ self._Sb + np.sum(BS * BS.T) / 2)

    def __call__(self, wbar: Array, M: Array) -> float:
        """Return the alignment at weight statistics (wbar, M); 0 where the kernel or the target vanishes."""
        eps, product = self._eps, self._product
        numerator = self._Sb @ self._Sb + 2 * eps * self._HSb @ wbar + eps**2 * np.sum(self._H2 * M)
        squared = product.linear + product.cross(wbar, wbar) + product.quadratic(M, M)
        return cosine(float(numerator), squared, self._squared_label)
