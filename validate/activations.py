r"""The quadratic part q of an activation :math:`\phi(z) = z + \frac{\epsilon}{2} q(z)`, and its slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Activation(Protocol):
    """What stands beside the linear part; both methods act on each entry of an array of any shape."""

    def q(self, z: Array) -> Array:
        """Return q(z)."""
        ...

    def slope(self, z: Array) -> Array:
        """Return q'(z)."""
        ...


@dataclass(frozen=True, slots=True)
class Square:
    r""":math:`q(z) = z^2`, the activation of the reduction."""

    def q(self, z: Array) -> Array:
        """Return z^2."""
        return z**2

    def slope(self, z: Array) -> Array:
        """Return 2 z."""
        return 2 * z


@dataclass(frozen=True, slots=True)
class Hermite:
    r"""A probabilists' Hermite polynomial, :math:`q = He_k`, with :math:`He_k' = k\, He_{k-1}`.

    .. math:: He_0 = 1, \qquad He_1 = z, \qquad He_{n+1}(z) = z\, He_n(z) - n\, He_{n-1}(z)

    Parameters
    ----------
    k : int
        Degree, at least 2. He_2 is z^2 - 1: not :class:`Square`, the outputs differ by a constant.

    Raises
    ------
    ValueError
        If k is below 2: q would be no more than linear.
    """

    k: int

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ValueError(f"the degree k of a Hermite activation must be at least 2, got {self.k}")

    def q(self, z: Array) -> Array:
        """Return He_k(z)."""
        return _hermite(self.k, z)

    def slope(self, z: Array) -> Array:
        """Return k He_{k-1}(z)."""
        return self.k * _hermite(self.k - 1, z)


def _hermite(degree: int, z: Array) -> Array:
    """Return He of a degree from 1 by the recurrence."""
    below, this = np.ones_like(z), z
    for n in range(1, degree):
        below, this = this, z * this - n * below
    return this
