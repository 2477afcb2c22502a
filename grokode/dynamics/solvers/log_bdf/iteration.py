"""The linearised iteration of a step, through the samples or through the unknowns, whichever are fewer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg

from ...protocols import Linearization
from .linear import Shifted

Array = NDArray[np.float64]

RESIDUAL = 1e-4
"""What a solve through the unknowns may leave of its right-hand side."""

LAGGING = 1e-2
"""The same of a step shorter than the lag, whose products cost as much as another step."""

EDGE = 50
"""Conjugate gradients that a step shorter than the lag may take; at the edge of stability they need more."""

STIFF = 0.2
"""Times c |G'|: above it the Gauss-Newton part alone is stiff where the network cannot interpolate."""


class AtTheEdge(Exception):
    """A mode is at the edge of stability of the step that a lagging force is of."""


class Iteration(ABC):
    """Solves (I - c J) d = R with the Jacobian J of this or of an earlier step.

    Parameters
    ----------
    age : int
        Solves that a Jacobian serves.
    """

    def __init__(self, age: int) -> None:
        self._age = self._served = age
        self._system: Shifted | None = None

    @abstractmethod
    def solve(self, here: Linearization, R: Array, c: float, goal: float) -> tuple[Array, Array]:
        """Return d, shape (n,), and B d, shape (P,).

        Parameters
        ----------
        here : Linearization
        R : ndarray, shape (n,)
        c : float
        goal : float
            Error of B d, its Euclidean norm, that does not matter.

        Raises
        ------
        TooLong
            If I - c J is not positive definite: some mode grows faster than the step can follow, and would be damped.
        """

    def renew(self) -> None:
        """Take a fresh Jacobian at the next solve."""
        self._served = self._age

    @property
    def outdated(self) -> bool:
        """Whether the next solve takes a fresh Jacobian."""
        return self._served >= self._age

    def _with(self, matrix: NDArray[np.floating[Any]]) -> Shifted:
        """Go on with another matrix; the last factorisation still preconditions."""
        self._served = 0
        if self._system is None or self._system.A.dtype != matrix.dtype:
            self._system = Shifted(matrix)
        else:
            self._system.A = matrix
        return self._system

    def _current(self) -> Shifted:
        assert self._system is not None
        self._served += 1
        return self._system


class ThroughUnknowns(Iteration):
    """With the exact Jacobian as an n x n matrix."""

    def solve(self, here: Linearization, R: Array, c: float, goal: float) -> tuple[Array, Array]:
        """Return d, shape (n,), and B d, shape (P,)."""
        if self.outdated:
            self._with(-here.hessian().dense().T)  # symmetric, and in the order of LAPACK
        residual = RESIDUAL * float(np.linalg.norm(R)) / c
        d = np.asarray(self._current().solve(R / c, 1 / c, residual), dtype=np.float64)
        return d, here.jvp(d)


class ThroughSamples(Iteration):
    r"""With the P x P tangent kernel: the Gauss-Newton part, and the curvature too where it is stiff.

    .. math:: (K + s)\, w = B R, \qquad d = R - B^T w, \qquad B d = s w, \qquad s = \tfrac{P}{2c}

    With curvature R and :math:`B^T w` are multiplied by S, and K is B (I x S) B^T (J2).
    """

    def __init__(self, age: int) -> None:
        super().__init__(age)
        self._curvature = 0.0

    def solve(self, here: Linearization, R: Array, c: float, goal: float) -> tuple[Array, Array]:
        """Return d, shape (n,), and B d, shape (P,)."""
        s = len(here.residual) / (2 * c)
        if self.outdated or c * self._curvature > STIFF:
            self._curvature = here.curvature_at_most
            if c * self._curvature > STIFF:
                self._curvature = here.curvature_norm()
        if c * self._curvature > STIFF:
            curved = here.curved(c)
            R, system = curved.times(R), self._with(curved.kernel)
            self.renew()
            w = system.solve(here.jvp(R), s, goal, curved.negative).astype(np.float64)
            return R - curved.times(here.vjp(w)), s * w
        if self.outdated:
            self._with(here.kernel())
        w = self._current().solve(here.jvp(R), s, goal).astype(np.float64)
        return R - here.vjp(w), s * w


def lagging(here: Linearization, R: Array, c: float) -> tuple[Array, Array]:
    """Solve (I - c J) d = R to a part LAGGING of R, where c is not positive: a step shorter than the lag of the force.

    The eigenvalues of I - c J are then of order 1, and products are enough, unless a mode is at the edge of stability.

    Returns
    -------
    d : ndarray, shape (n,)
    moved : ndarray, shape (P,)
        B d.

    Raises
    ------
    AtTheEdge
        If they do not converge.
    """
    matrix = LinearOperator((len(R), len(R)), matvec=lambda d: d.ravel() - c * here.times(d.ravel()), dtype=float)
    d, missed = cg(matrix, R, rtol=LAGGING, maxiter=EDGE)
    if missed:
        raise AtTheEdge
    return np.asarray(d), here.jvp(d)
