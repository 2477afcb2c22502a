"""The quadratic target function."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QuadraticTarget:
    r"""A quadratic function of the inputs.

    .. math:: y(x) = c + b \cdot x + \tfrac12 x^T B x \quad (T1)

    Parameters
    ----------
    c : float
    b : ndarray, shape (D,)
    B : ndarray, shape (D, D)
        Symmetric.
    directions : ndarray, shape (k, D), optional
        What ``target_overlap`` measures against; by default the eigenvectors of B that it needs.

    Raises
    ------
    InvalidInput
        If shapes disagree, a number is not finite, or B is not symmetric.
    """

    c: float
    b: Array
    B: Array
    directions: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        c, b, B = float(self.c), np.array(self.b, dtype=float), np.array(self.B, dtype=float)
        if b.ndim != 1 or B.shape != (len(b), len(b)) or len(b) == 0:
            raise InvalidInput(f"target b and B must have shapes (D,) and (D, D), got {b.shape} and {B.shape}")
        if not (np.isfinite(c) and np.isfinite(b).all() and np.isfinite(B).all()):
            raise InvalidInput("target c, b and B must be finite, got NaN or infinity")
        if not np.allclose(B, B.T, rtol=1e-6, atol=1e-12 * np.abs(B).max()):
            raise InvalidInput("target B must be symmetric, got a matrix that is not; use (B + B.T)/2")
        B = (B + B.T) / 2
        directions = np.array(self.directions, dtype=float)
        if directions.size == 0:
            values, vectors = np.linalg.eigh(B)
            directions = vectors.T[np.abs(values) > 1e-12 * np.abs(values).max()]
        for name, value in (("b", b), ("B", B), ("directions", directions)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "c", c)

    @classmethod
    def from_directions(cls, directions: Array, weights: Array) -> QuadraticTarget:
        r"""Half the weighted sum of :math:`(\beta_k \cdot x)^2`: :math:`B = \sum_k \omega_k \beta_k \beta_k^T`."""
        B = directions.T @ (np.asarray(weights)[:, None] * directions)
        return cls(0.0, np.zeros(len(B)), B, directions)

    @property
    def dim(self) -> int:
        """Input dimension D."""
        return len(self.b)

    @property
    def root(self) -> Array:
        r"""The :math:`\beta` of a target :math:`\tfrac12 (\beta \cdot x)^2`, shape (D,), up to its sign.

        Raises
        ------
        InvalidInput
            If the target has another number of directions, a negative weight, or other parts.
        """
        if len(self.directions) != 1:
            raise InvalidInput(f"the target must have a single direction, got {len(self.directions)}; try single_index")
        if self.c or self.b.any():
            raise InvalidInput("the target must be half a square, got one with c or b beside it; try single_index")
        (beta,) = self.directions
        weight = beta @ self.B @ beta / (beta @ beta) ** 2
        if weight < 0:
            raise InvalidInput(f"the weight of the target's direction must not be negative, got {weight:.3g}")
        root: Array = math.sqrt(weight) * beta
        return root

    def __call__(self, X: Array) -> Array:
        """Evaluate at inputs X, shape (P, D); returns shape (P,)."""
        y: Array = self.c + X @ self.b + 0.5 * np.sum((X @ self.B) * X, axis=1)
        return y
