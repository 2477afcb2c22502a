r"""A rule of finitely many weighted points that has the moments of a Gaussian law up to the fifth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def gaussian_rule(dim: int) -> tuple[Array, Array]:
    r"""Return a rule of degree five for :math:`z \sim N(0, I)`, of :math:`2 D^2 + 1` points.

    The mean of every polynomial of degree at most five is its weighted sum over the points: the loss of a network
    with a quadratic activation on a quadratic target, of degree four in the inputs, and the loss's gradient. Training
    on the rule's points is training on the population, but for rounding.

    ==================================================  ==============================
    points                                              weight of each
    ==================================================  ==============================
    0                                                   :math:`2 / (D+2)`
    :math:`\pm \sqrt{D+2}\, e_i`                        :math:`(4-D) / (2 (D+2)^2)`
    :math:`\sqrt{(D+2)/2}\, (\pm e_i \pm e_j)`, i < j   :math:`1 / (D+2)^2`
    ==================================================  ==============================

    Parameters
    ----------
    dim : int
        D.

    Returns
    -------
    points : ndarray, shape (2 D^2 + 1, D)
    weights : ndarray, shape (2 D^2 + 1,)
        They sum to 1; those on the axes are negative beyond D = 4.

    References
    ----------
    McNamee and Stenger, Numerische Mathematik 10 (1967).
    """
    axes = np.sqrt(dim + 2) * np.eye(dim)
    pairs = [
        np.sqrt((dim + 2) / 2) * (s * np.eye(dim)[i] + np.eye(dim)[j])
        for i, j in combinations(range(dim), 2)
        for s in (1, -1)
    ]
    corners = np.array(pairs).reshape(-1, dim)
    points = np.vstack([np.zeros((1, dim)), axes, -axes, corners, -corners])
    weights = np.r_[
        2 / (dim + 2),
        np.full(2 * dim, (4 - dim) / (2 * (dim + 2) ** 2)),
        np.full(2 * len(corners), 1 / (dim + 2) ** 2),
    ]
    return points, weights
