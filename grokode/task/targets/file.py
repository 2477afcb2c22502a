"""A quadratic form from a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

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

    def draw(self, dim: int, rng: np.random.Generator) -> QuadraticTarget:
        """Read the file; nothing is random."""
        B = load_array(Path(self.path), "target B")
        if B.shape != (dim, dim):
            raise InvalidInput(
                f"target file {self.path}: B has shape {B.shape}, the inputs need ({dim}, {dim}); set --dim"
            )
        return QuadraticTarget(0.0, np.zeros(dim), B)
