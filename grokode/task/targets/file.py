"""A quadratic form from a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ..data import load_array
from .quadratic import QuadraticTarget


@dataclass(frozen=True, slots=True)
class FromFile:
    r"""The form :math:`y = x^T B x / 2` with a given B.

    Parameters
    ----------
    path : str
        An ``.npy`` file that holds a symmetric (D, D) array.
    """

    path: str

    def read(self) -> Form:
        """Return the form, with the file's array."""
        return Form(self.path, load_array(Path(self.path), "target B"))

    def draw(self, dim: int, rng: np.random.Generator) -> QuadraticTarget:
        """Read the file; nothing is random."""
        return self.read().draw(dim, rng)


@dataclass(frozen=True, eq=False)
class Form:
    """The form of a file that has been read.

    Parameters
    ----------
    path : str
        Where it came from, for messages.
    B : ndarray, shape (D, D)
    """

    path: str
    B: NDArray[np.float64]

    def draw(self, dim: int, rng: np.random.Generator) -> QuadraticTarget:
        """Return the target; nothing is random."""
        B = self.B
        if B.shape != (dim, dim):
            raise InvalidInput(
                f"target file {self.path}: B has shape {B.shape}, the inputs need ({dim}, {dim}); set --dim"
            )
        return QuadraticTarget(0.0, np.zeros(dim), B)
