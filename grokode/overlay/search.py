"""The search of a fit: least squares in logarithms, and the derivatives that it and its regions need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import qmc

from ..dynamics.optimizers import OPTIMIZERS
from ..errors import RunFailed
from ..experiment.spec import Experiment
from .identification import Directions
from .log import Array
from .misfit import Misfit
from .parameters import at
from .region import Region

SCAN = 32
"""Points at which a search looks before it starts, within a factor ten of where it is told to."""

PULL = 1e-2
"""Weight that holds at its start what the curves do not tell; it moves what they do tell by 1e-4 of its error."""

STEEP = 10.0
"""Times the median slope of the draws beyond which a draw is chaotic, and its slope tells nothing."""


class Search:
    """Least squares in the logarithms of some parameters.

    Parameters
    ----------
    misfit : Misfit
    experiment : Experiment
        Everything else.
    names : sequence of str
    start : ndarray, shape (p,)
        Logarithms that parameters which the curves do not tell are held near.
    """

    def __init__(self, misfit: Misfit, experiment: Experiment, names: Sequence[str], start: Array) -> None:
        self._misfit, self._experiment, self._names, self._start = misfit, experiment, names, start
        self._step = 1e-3 if OPTIMIZERS.build(experiment.optimizer).exact else 1e-2  # a flow's error is not smooth
        self._moves = _moves(names)
        self._last: tuple[Array, Array] | None = None

    def at(self, theta: Array) -> Experiment:
        """Return the experiment at certain logarithms."""
        return at(self._experiment, dict(zip(self._names, np.exp(theta).tolist(), strict=True)))

    def scan(self) -> list[Array]:
        """Return the start, then some points around it, the best first; those only where trainings are stable.

        Raises
        ------
        RunFailed
            If trainings diverge at all of them.
        """
        sampled = qmc.Sobol(len(self._start), rng=0).random(SCAN) * 2 - 1
        points = [self._start, *(self._start + np.log(10.0) * sampled[1:])]
        self._whiten(self.stable(points))
        sizes = [float(np.linalg.norm(self.residual(point))) for point in points]
        order = [0, *(1 + np.argsort(sizes[1:]))]
        return [points[i] for i in order if np.isfinite(sizes[i])]

    def stable(self, points: Sequence[Array]) -> Array:
        """Return the first of several points at which no training diverges.

        Raises
        ------
        RunFailed
            If there is none.
        """
        for point in points:
            if np.isfinite(self._misfits(point)).all():
                return point
        raise RunFailed("no training within a factor ten of the start is stable; start the fit at a smaller --lr")

    def best(self, points: Sequence[Array]) -> Array:
        """Return the best of where least squares ends from several points."""
        ends = [self.solve(point) for point in points]
        self._whiten(points[0])  # sizes in one unit
        return ends[int(np.argmin([np.linalg.norm(self.residual(end)) for end in ends]))]

    def solve(self, theta: Array) -> Array:
        """Return where least squares ends, from a point near by."""
        self._whiten(theta)

        def pulled(moved: Array) -> Array:
            values: Array = np.concatenate([self.residual(theta + moved), PULL * (theta + moved - self._start)])
            return values

        def slope(moved: Array) -> Array:
            slopes: Array = np.concatenate([-self._jacobian(theta + moved), PULL * np.eye(len(moved))])
            return slopes

        # from zero SciPy's first step is no longer than 1, a factor e
        solution = least_squares(pulled, np.zeros(len(theta)), jac=slope, xtol=1e-5, ftol=1e-4, max_nfev=40)
        return np.asarray(theta + solution.x)

    def region(self, theta: Array) -> Region:
        """Return what the curves say of a point.

        Raises
        ------
        RunFailed
            If the training diverges there.
        """
        self._whiten(theta)
        residual, J = self.residual(theta), self._jacobian(theta, both_sides=True)
        scatter = self._misfit.scatter(self.at(theta), J, residual)
        directions = Directions.of(J.T @ J / scatter.noise, least=PULL**2 / scatter.noise)
        return Region(score=J.T @ residual, scatter=scatter, directions=directions)

    def residual(self, theta: Array) -> Array:
        """Return the misfit, shape (m,); infinity where a training diverges, and least squares turns back."""
        return np.asarray(self._known_misfits(theta).mean(axis=0))

    def _whiten(self, theta: Array) -> None:
        self._misfit.whiten(self.at(theta))
        self._last = None

    def _known_misfits(self, theta: Array) -> Array:
        """Return the misfits, those of the last point without training again."""
        if self._last is None or not np.array_equal(self._last[0], theta):
            self._last = (np.array(theta), self._misfits(theta))
        return self._last[1]

    def _misfits(self, theta: Array) -> Array:
        try:
            return self._misfit.residuals(self.at(theta))
        except RunFailed:
            return np.full((1, self._misfit.size), np.inf)

    def _jacobian(self, theta: Array, *, both_sides: bool = False) -> Array:
        """Return the derivative of the theory's log losses, shape (m, p)."""
        slope = self._slope_of_both_sides if both_sides else self._slope
        columns = np.column_stack([slope(theta, move) for move in self._moves])
        return np.asarray(np.linalg.solve(self._moves, columns.T).T)

    def _slope(self, theta: Array, move: Array) -> Array:
        """Return the difference quotient along a move, backwards where a training diverges ahead."""
        for step in (self._step, -self._step):
            moved = self._misfits(theta + step * move)
            if np.isfinite(moved).all():
                return _typical((self._known_misfits(theta) - moved) / step)
        raise RunFailed("trainings diverge on both sides of the best fit; start it at a smaller --lr")

    def _slope_of_both_sides(self, theta: Array, move: Array) -> Array:
        """Return the quotient between both sides, over draws where they agree: by rounding or chaos they do not."""
        ahead, behind = (self._misfits(theta + step * move) for step in (self._step, -self._step))
        if not np.isfinite(ahead.sum() + behind.sum()):
            return self._slope(theta, move)
        across, bend = behind - ahead, ahead + behind - 2 * self._known_misfits(theta)
        smooth = np.linalg.norm(bend, axis=1) < np.linalg.norm(across, axis=1) / 2
        if 2 * np.count_nonzero(smooth) < len(smooth):
            return np.zeros(across.shape[1])
        return _typical(across[smooth] / (2 * self._step))


def _typical(slopes: Array) -> Array:
    """Return the mean slope of the draws, shape (m,), without those beyond the edge of stability.

    Their losses jump with the parameters; one in a hundred would make the mean of the slopes its own.
    """
    sizes = np.linalg.norm(slopes, axis=1)
    return np.asarray(slopes[sizes <= STEEP * np.median(sizes)].mean(axis=0))


def _moves(names: Sequence[str]) -> Array:
    """Return the moves of the logarithms to differentiate along, one a row.

    Curves of a large alpha hardly tell it at a fixed lr alpha^2: a quotient along that move has an error of its own
    size, where the difference of two others would have one of theirs.
    """
    moves = np.eye(len(names))
    if {"alpha", "lr"} <= set(names):
        moves[names.index("alpha"), names.index("lr")] = -2.0
    return moves
