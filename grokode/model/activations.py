r"""The part q of an activation :math:`\phi(h) = h + \tfrac{\epsilon}{2} q(h)`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.polynomial import hermite_e
from numpy.typing import NDArray

from ..errors import InvalidInput

Array = NDArray[np.float64]


class Activation(Protocol):
    """A polynomial q; all methods act on each entry of arrays of one shape."""

    @property
    def shift(self) -> float | None:
        """The number s of a quadratic part q = h^2 + s; None where q is no such thing."""
        ...

    @property
    def coefficients(self) -> Array:
        """Coefficients of q, that of the constant first, shape (k + 1,)."""
        ...

    def q(self, h: Array) -> Array:
        """Return q(h)."""
        ...

    def change(self, h0: Array, dh: Array) -> Array:
        """Return q(h0 + dh) - q(h0), each term of which has the size of dh: nothing cancels."""
        ...

    def slope(self, h: Array) -> Array:
        """Return q'(h)."""
        ...

    def curvature(self, h: Array) -> Array:
        """Return q''(h)."""
        ...


@dataclass(frozen=True, slots=True)
class Square:
    """The square, q = h^2 (tag N1)."""

    @property
    def shift(self) -> float:
        """Zero."""
        return 0.0

    @property
    def coefficients(self) -> Array:
        """Those of h^2."""
        return np.array([0.0, 0.0, 1.0])

    def q(self, h: Array) -> Array:
        """Return h^2."""
        return h**2

    def change(self, h0: Array, dh: Array) -> Array:
        """Return the change of h^2."""
        return (2 * h0 + dh) * dh

    def slope(self, h: Array) -> Array:
        """Return 2 h."""
        return 2 * h

    def curvature(self, h: Array) -> Array:
        """Return 2."""
        return np.full_like(h, 2.0)


@dataclass(frozen=True, slots=True)
class Hermite:
    r"""A probabilists' Hermite polynomial, :math:`q = He_k` (paper section 15.2).

    Derivatives are :math:`He_k^{(j)} = \tfrac{k!}{(k-j)!} He_{k-j}`, so that

    .. math:: He_k(h_0 + \delta) - He_k(h_0) = \sum_{j=1}^k \tbinom{k}{j} He_{k-j}(h_0)\, \delta^j \quad (N16)

    Parameters
    ----------
    k : int
        Degree, at least 2; :math:`He_2 = h^2 - 1`.

    Raises
    ------
    InvalidInput
        If k is below 2: q would be no more than linear.
    """

    k: int

    def __post_init__(self) -> None:
        if self.k < 2:
            raise InvalidInput(f"the degree k of a Hermite activation must be at least 2, got {self.k}")

    @property
    def shift(self) -> float | None:
        """Minus one for k = 2, else none."""
        return -1.0 if self.k == 2 else None

    @property
    def coefficients(self) -> Array:
        """Those of He_k."""
        return hermite_e.herme2poly(np.eye(self.k + 1)[self.k])

    def q(self, h: Array) -> Array:
        """Return He_k(h)."""
        return hermite(h, self.k)[-1]

    def change(self, h0: Array, dh: Array) -> Array:
        """Return the change of He_k, by Horner's rule in dh."""
        table, total = hermite(h0, self.k), np.zeros_like(dh)
        for j in range(self.k, 0, -1):
            total = (total + math.comb(self.k, j) * table[self.k - j]) * dh
        return total

    def slope(self, h: Array) -> Array:
        """Return k He_{k-1}(h)."""
        return self.k * hermite(h, self.k - 1)[-1]

    def curvature(self, h: Array) -> Array:
        """Return k (k - 1) He_{k-2}(h)."""
        return self.k * (self.k - 1) * hermite(h, self.k - 2)[-1]


def hermite(h: Array, degree: int) -> list[Array]:
    r"""Return :math:`He_0, \dots, He_n` at h, by :math:`He_{n+1} = h\, He_n - n\, He_{n-1}`."""
    table = [np.ones_like(h), h]
    for n in range(1, degree):
        table.append(h * table[n] - n * table[n - 1])
    return table[: degree + 1]
