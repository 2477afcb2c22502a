r"""A committee machine of N real neurons, trained by explicit backpropagation.

.. math:: f(x) = \frac{\alpha}{N} \sum_{i=1}^N \phi(w_i \cdot x), \qquad \phi(h) = h + \frac{\epsilon}{2} h^2

Written from the definition alone, without the reduction that it checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """What was recorded while a network trained.

    Parameters
    ----------
    step : ndarray of int, shape (n,)
        Optimizer steps taken before each record; 0 is the start.
    weights : ndarray, shape (n, N, D)
    loss_train : ndarray, shape (n,)
    loss_test : mapping of str to ndarray, shape (n,)
        By the name of the test set.
    """

    step: NDArray[np.int64]
    weights: Array
    loss_train: Array
    loss_test: Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitteeMachine:
    r"""A two-layer network with readouts 1; its weights W, shape (N, D), are always an argument.

    Parameters
    ----------
    alpha : float
        Output scale; it stands inside f.
    eps : float
        Weight of the quadratic part of :math:`\phi`.
    centered : bool
        Whether the predictor is f(x; W) - f(x; W0) rather than f(x; W).

    Notes
    -----
    Paper eq. 3; the centred predictor is its eq. 7.
    """

    alpha: float
    eps: float
    centered: bool = False

    def output(self, W: Array, X: Array) -> Array:
        """Return f at the rows of X, shape (P, D); shape (P,)."""
        h = X @ W.T  # (P, N)
        phi = h + self.eps / 2 * h**2
        f: Array = self.alpha / len(W) * phi.sum(axis=1)
        return f

    def residual(self, W: Array, W0: Array, X: Array, y: Array) -> Array:
        """Return the predictor minus the labels y, shape (P,)."""
        start = self.output(W0, X) if self.centered else 0.0
        return self.output(W, X) - start - y

    def loss(self, W: Array, W0: Array, X: Array, y: Array) -> float:
        """Return the mean squared residual, without 1/2."""
        return float(np.mean(self.residual(W, W0, X, y) ** 2))

    def gradient(self, W: Array, W0: Array, X: Array, y: Array) -> Array:
        r"""Return dL/dW by backpropagation, shape (N, D).

        .. math:: \frac{\partial L}{\partial w_i} = \sum_\mu \frac{2 r_\mu}{P} \, \frac{\alpha}{N}
                  \phi'(w_i \cdot x_\mu) \, x_\mu, \qquad \phi'(h) = 1 + \epsilon h
        """
        dL_df = 2 * self.residual(W, W0, X, y) / len(y)  # (P,)
        df_dh = self.alpha / len(W) * (1 + self.eps * (X @ W.T))  # (P, N)
        return (dL_df[:, None] * df_dh).T @ X

    def train(
        self,
        W0: Array,
        X: Array,
        y: Array,
        *,
        lr: float,
        record: Sequence[int],
        tests: Mapping[str, tuple[Array, Array]] | None = None,
    ) -> Training:
        """Train by full-batch gradient descent, ``W <- W - lr dL/dW``.

        Parameters
        ----------
        W0 : ndarray, shape (N, D)
        X, y : ndarray, shape (P, D) and (P,)
        lr : float
            Of W, on the mean squared residual without 1/2.
        record : sequence of int, shape (n,)
            Steps to record at, increasing; training ends with the last.
        tests : mapping of str to (X_test, y_test), optional
        """
        wanted, weights, W = set(record), [], W0
        for step in range(record[-1] + 1):
            if step in wanted:
                weights.append(W)
            W = W - lr * self.gradient(W, W0, X, y)

        def curve(X: Array, y: Array) -> Array:
            return np.array([self.loss(W, W0, X, y) for W in weights])

        curves = {name: curve(*data) for name, data in (tests or {}).items()}
        return Training(step=np.array(record), weights=np.array(weights), loss_train=curve(X, y), loss_test=curves)
