"""The triangle of a data set: its moments up to order four, with the digits of the samples themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtpqrt

Array = NDArray[np.float64]

BLOCK = 64
"""Columns that the factorisation of the samples reflects at a time."""


def triangle(X: Array, y: Array) -> Array:
    r"""Return the R of :math:`[\Phi, y] = Q R`, Phi the F = D (D+3)/2 monomials, a chunk of the samples at a time.

    Reflections of [R, rows] keep R's own rounding, where a Cholesky factor of the Gram matrix would square it.

    Parameters
    ----------
    X : ndarray, shape (P, D)
    y : ndarray, shape (P,)

    Returns
    -------
    ndarray, shape (F + 1, F + 1)
        Upper triangular, in LAPACK's order; the monomials are :math:`[x, (x_i x_j)_{i \le j}]`.
    """
    P, D = X.shape
    i, j = np.triu_indices(D)
    order = D + len(i) + 1
    R = np.zeros((order, order), order="F")
    height = max(order, 1024)
    for first in range(0, P, height):
        chunk = X[first : first + height]
        rows = np.empty((len(chunk), order), order="F")
        rows[:, :D] = chunk
        np.multiply(chunk[:, i], chunk[:, j], out=rows[:, D:-1])
        rows[:, -1] = y[first : first + height]
        R, _, _, info = dtpqrt(0, min(BLOCK, order), R, rows, overwrite_a=1, overwrite_b=1)
        assert info == 0
    return R
