"""The exact Jacobian where real neurons are trained: of low rank beside one block a neuron."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...model.states.neurons import RealNeurons
from .jacobian import Solve, factor_dense, factor_symmetric

Array = NDArray[np.float64]

HELD = 2**22
"""Numbers of tangents that are held at a time."""


class NeuronJacobian:
    r"""The Jacobian of a finite training set of real neurons.

    .. math:: J d = -\tfrac{2}{P} B^T B d - H d, \qquad
              H_i = \tfrac{2}{\alpha} \begin{pmatrix} 0 & \langle r \phi'_i x \rangle^T \\
              \langle r \phi'_i x \rangle & v_i \langle r \phi''_i x x^T \rangle \end{pmatrix} \quad (J3)

    B has the tangents :math:`[\phi_i / \sqrt N, c_i x]` of the samples, and H one block a neuron, without its first row
    and column where readouts are fixed. For n > P solves go through the P x P kernel as in J2, with
    :math:`S = (s I + H)^{-1}`, block by block: :math:`(s - J) d = R` has the solution :math:`d = S (R - B^T w)`, where
    :math:`(\tfrac{P}{2} I + B S B^T) w = B S R`.

    Parameters
    ----------
    start : RealNeurons
        Which of the two parts are trained.
    values, C : ndarray, shape (P, N)
        :math:`\phi_i / \sqrt N`, and the slopes :math:`c_i = u_i \phi'_i`.
    X : ndarray, shape (P, D)
    bent : ndarray, shape (P, N)
        :math:`\tfrac{2}{\alpha P} v_i r \phi''_i`.
    mixed : ndarray, shape (N, D)
        :math:`\tfrac{2}{\alpha} \langle r \phi'_i x \rangle`.
    """

    def __init__(self, start: RealNeurons, values: Array, C: Array, X: Array, bent: Array, mixed: Array) -> None:
        self._start, self._values, self._C, self._X, self._bent, self._mixed = start, values, C, X, bent, mixed

    def times(self, d: Array) -> Array:
        """Return J d, shape (n,)."""
        step = d.reshape(self._start.theta.shape)
        product: Array = (-2 / len(self._X)) * self._vjp(self._jvp(step)) - self._bend(step)
        return product.ravel()

    def dense(self) -> Array:
        """Return J, shape (n, n)."""
        return self._dense

    @cached_property
    def _dense(self) -> Array:
        N, m = self._start.theta.shape
        J = np.zeros((N * m, N * m))
        height = max(1, HELD // (N * m))
        for first in range(0, len(self._X), height):
            B = self._tangents(slice(first, first + height), slice(None)).reshape(-1, N * m)
            J -= (2 / len(self._X)) * (B.T @ B)
        places = J.reshape(N, m, N, m)
        for i, block in enumerate(self._blocks):
            places[i, :, i, :] -= block
        J.setflags(write=False)
        return J

    def factor(self, shift: complex) -> Solve:
        """Return the map from R to the solution d of (shift I - J) d = R."""
        N, m = self._start.theta.shape
        P = len(self._X)
        if N * m <= P:
            return factor_dense(self.dense(), shift)
        S = np.linalg.inv(shift * np.eye(m) + self._blocks)
        A = (P / 2) * np.eye(P, dtype=S.dtype)
        for part in self._parts():
            B = np.ascontiguousarray(self._tangents(slice(None), part).transpose(1, 0, 2))  # (n_part, P, m)
            BS = np.matmul(B, S[part])
            for of_neuron, solved in zip(B, BS, strict=True):
                A += solved @ of_neuron.T
        inner = factor_symmetric(A)

        def apply(R: Array) -> Array:
            return np.asarray(np.matmul(S, R[:, :, None]).squeeze(2))

        def solve(R: Array) -> Array:
            SR = apply(R.reshape(N, m))
            d: Array = SR - apply(self._vjp(inner(self._jvp(SR))))
            return d.ravel()

        return solve

    @cached_property
    def _blocks(self) -> Array:
        """H, shape (N, m, m)."""
        X = self._X
        N, m = self._start.theta.shape
        blocks = np.zeros((N, m, m))
        for block, bent in zip(blocks, self._bent.T, strict=True):
            block[-X.shape[1] :, -X.shape[1] :] = X.T @ (bent[:, None] * X)
        if self._start.trained:
            blocks[:, 0, 1:] = blocks[:, 1:, 0] = self._mixed
        return blocks

    def _bend(self, step: Array) -> Array:
        """Return H d, shape (N, m), from the samples: blocks would cost D times as much."""
        du, dU = self._start.split_change(step)
        turned = (self._bent * (self._X @ dU.T)).T @ self._X
        return self._start.join(np.sum(self._mixed * dU, axis=1), turned + du[:, None] * self._mixed)

    def _jvp(self, step: Array) -> Array:
        """Return B d, shape (P,)."""
        du, dU = self._start.split_change(step)
        along: Array = np.sum((self._C @ dU) * self._X, axis=1)
        return along + self._values @ du if self._start.trained else along

    def _vjp(self, w: Array) -> Array:
        """Return B^T w, shape (N, m)."""
        return self._start.join(w @ self._values, (w[:, None] * self._C).T @ self._X)

    def _tangents(self, samples: slice, neurons: slice) -> Array:
        """Return rows of B, shape (B, n, m)."""
        C, values = self._C[samples, neurons], self._values[samples, neurons]
        return self._start.join(values, C[:, :, None] * self._X[samples, None, :])

    def _parts(self) -> Iterator[slice]:
        N, m = self._start.theta.shape
        size = max(1, HELD // (len(self._X) * m))
        return (slice(first, first + size) for first in range(0, N, size))
