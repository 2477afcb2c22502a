"""A Hermite polynomial of one direction, of the paper's figure 15."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ...model.activations import hermite
from .quadratic import QuadraticTarget

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HermiteTarget:
    r"""The function :math:`y = He_k(\beta \cdot x)`.

    Parameters
    ----------
    k : int
    beta : ndarray, shape (D,)
    """

    k: int
    beta: Array

    @property
    def dim(self) -> int:
        """Input dimension D."""
        return len(self.beta)

    @property
    def directions(self) -> Array:
        """The direction, shape (1, D)."""
        return self.beta[None]

    def __call__(self, X: Array) -> Array:
        """Evaluate at inputs X, shape (P, D); returns shape (P,)."""
        return hermite(X @ self.beta, self.k)[-1]


@dataclass(frozen=True, slots=True)
class HermiteLaw:
    r"""The polynomial :math:`y = He_k(\beta \cdot x / \sqrt{\beta^T \Sigma \beta})`, :math:`\beta \sim N(0, I)`.

    Its argument has variance 1 under the law of the inputs. For k = 1 and 2 it is a quadratic target, of which the loss
    over all inputs is known.

    Parameters
    ----------
    k : int
        Degree, at least 1.

    Raises
    ------
    InvalidInput
        If k is below 1.
    """

    k: int

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InvalidInput(f"target hermite: k must be at least 1, got {self.k}")

    def draw_under(self, Sigma: Array, rng: np.random.Generator) -> HermiteTarget | QuadraticTarget:
        """Draw the direction, for inputs of covariance Sigma, shape (D, D).

        Raises
        ------
        InvalidInput
            If the inputs have no variance along it.
        """
        beta = rng.standard_normal(len(Sigma))
        variance = float(beta @ Sigma @ beta)
        if not variance > 0:
            raise InvalidInput("target hermite: the inputs do not vary along its direction; give another covariance")
        beta = beta / np.sqrt(variance)
        if self.k == 1:
            return QuadraticTarget(0.0, beta, np.zeros((len(beta), len(beta))), beta[None])
        if self.k == 2:
            return QuadraticTarget(-1.0, np.zeros(len(beta)), 2 * np.outer(beta, beta), beta[None])
        return HermiteTarget(self.k, beta)
