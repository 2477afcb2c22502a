"""Labelled data, and arrays read from files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from .triangle import triangle

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs and their labels.

    Parameters
    ----------
    X : ndarray, shape (P, D)
        One row a sample.
    y : ndarray, shape (P,)

    Raises
    ------
    InvalidInput
        If shapes disagree, are empty, or a number is not finite.
    """

    X: Array
    y: Array

    def __post_init__(self) -> None:
        X, y = np.array(self.X, dtype=float, order="C"), np.array(self.y, dtype=float)
        if X.ndim != 2 or y.shape != X.shape[:1] or X.size == 0:
            raise InvalidInput(f"X and y must have shapes (P, D) and (P,), got {X.shape} and {y.shape}")
        if not (np.isfinite(X).all() and np.isfinite(y).all()):
            raise InvalidInput("X and y must be finite, got NaN or infinity")
        for name, value in (("X", X), ("y", y)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @cached_property
    def gram(self) -> Array:
        """Inner products of the inputs, shape (P, P)."""
        gram: Array = self.X @ self.X.T
        gram.setflags(write=False)
        return gram

    @cached_property
    def norm(self) -> float:
        """Largest singular value of X."""
        P, D = self.X.shape
        smaller = self.X.T @ self.X if D <= P else self.gram
        return float(np.sqrt(np.linalg.eigvalsh(smaller)[-1]))

    @cached_property
    def triangle(self) -> Array:
        """All moments of the inputs up to order four, with the labels', as ``triangle`` has them: (F + 1, F + 1)."""
        R = triangle(self.X, self.y)
        R.setflags(write=False)
        return R


def load_array(path: Path, what: str) -> Array:
    """Read one numeric array from an ``.npy`` file, never executing anything.

    Raises
    ------
    InvalidInput
        If the file is missing, unreadable, pickled, not numeric, or not finite.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InvalidInput(f"{what}: no file {path}; check the path") from None
    except (OSError, ValueError, EOFError):
        raise InvalidInput(f"{what}: {path} is not a readable .npy file; write it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise InvalidInput(f"{what}: {path} must hold one array of real numbers; write it with numpy.save")
    if not np.isfinite(array).all():
        raise InvalidInput(f"{what}: {path} must be finite, got NaN or infinity")
    return array.astype(float)
