"""Labels that are an eigenvector of the initial kernel, of the paper's figure 5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ...errors import InvalidInput
from ...model.network import Network
from ...model.states.state import State

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KernelEigenvector:
    r"""Labels of all points, train and test together: eigenvector k of their initial kernel less its overall mean.

    Eigenvalues are counted from the largest; the vector has unit length, and its entry of largest size is positive.

    Parameters
    ----------
    k : int
        From 1 to the number of points.
    """

    k: int

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InvalidInput(f"target kernel_eigenvector: k must be at least 1, got {self.k}")

    def labels(self, network: Network, start: State, X: Array) -> Array:
        """Label points.

        Parameters
        ----------
        network : Network
        start : State
        X : ndarray, shape (n, D)

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        InvalidInput
            If there are fewer than k points.
        """
        n = len(X)
        if self.k > n:
            raise InvalidInput(f"target kernel_eigenvector: k must be at most {n}, the number of points, got {self.k}")
        K = start.kernel(network, X, X)
        index = [n - self.k, n - self.k]
        _, vectors = scipy.linalg.eigh(K - K.mean(), subset_by_index=index, check_finite=False)
        y = vectors[:, 0]
        signed: Array = y * np.sign(y[np.argmax(np.abs(y))])
        return signed

    def needed_bytes(self, n: float) -> float:
        """Bytes that labelling n points takes: the kernel with its factors, and what its decomposition copies."""
        return 8.0 * 5 * n**2
