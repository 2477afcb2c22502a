"""Weights and features along a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dynamics.problem import Problem
from ..model.states.state import State
from .column import Column, Reading


@dataclass(frozen=True, slots=True)
class Weights:
    r"""Mean square weight, and :math:`\|\theta - \theta_0\| / \|\theta_0\|` of all that is trained (F7).

    Of a factor the first is tr M, the second :math:`\|W - W_0\| / \|W_0\|`.
    """

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        moved = (Column("relative_change", "relative parameter change"),) if problem.start.theta.any() else ()
        return (Column("mean_square_weight", "mean square weight tr M"), *moved)

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        theta0 = problem.start.theta
        size = float(np.linalg.norm(theta0))
        if not size:
            return lambda state: (state.mean_square_weight,)
        return lambda state: (state.mean_square_weight, float(np.linalg.norm(state.theta - theta0)) / size)


@dataclass(frozen=True, slots=True)
class Features:
    r"""Target overlap :math:`\sum_k \beta_k^T M \beta_k / (|\beta_k|^2\, \mathrm{tr} M)`; eigenvalues of M.

    M is the mean of :math:`w w^T` over neurons, whatever the readouts.

    The directions of a target given by its matrix are that matrix's eigenvectors.

    Parameters
    ----------
    eigenvalues : int
        How many of the largest to keep, ``M_eigenvalue_1`` the largest.
    """

    eigenvalues: int = 3

    def _count(self, problem: Problem) -> int:
        rows, dim = problem.start.hidden.shape
        return int(min(self.eigenvalues, rows, dim))

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        names = tuple(Column(f"M_eigenvalue_{i}", f"eigenvalue {i} of M") for i in range(1, self._count(problem) + 1))
        return (Column("target_overlap", "target overlap"), *names) if len(problem.directions) else names

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        count = self._count(problem)
        lengths = np.linalg.norm(problem.directions, axis=1, keepdims=True)
        unit = problem.directions / np.where(lengths > 0, lengths, 1)

        def read(state: State) -> tuple[float, ...]:
            hidden = state.hidden
            r, D = hidden.shape
            gram = hidden @ hidden.T if r < D else hidden.T @ hidden
            largest = tuple(float(value) for value in np.linalg.eigvalsh(gram)[: -count - 1 : -1])
            if not len(unit):
                return largest
            overlap = float(np.sum((unit @ hidden.T) ** 2)) / (state.mean_square_weight or 1.0)
            return overlap, *largest

        return read
