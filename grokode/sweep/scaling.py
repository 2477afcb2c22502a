"""A power law through a line of a sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import linregress, t

from ..errors import InvalidInput
from .views import View

Array = NDArray[np.float64]

LEVEL = 0.95
FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw:
    r"""Least squares of :math:`\log q = \log c + p \log x`.

    Parameters
    ----------
    axis : str
        Name of x.
    exponent, low, high : float
        p, and its interval of 95 % by Student's t, from the scatter around the line.
    prefactor : float
        c.
    first, last : float
        Ends of the points along x.
    points, left_out : int
        Points it goes through, and those without a positive value: what was not reached is no point.
    """

    axis: str
    exponent: float
    low: float
    high: float
    prefactor: float
    first: float
    last: float
    points: int
    left_out: int

    def curve(self) -> tuple[Array, Array]:
        """Return places between the ends, and the law's values there."""
        x = np.geomspace(self.first, self.last, 50)
        return x, self.prefactor * x**self.exponent

    @property
    def label(self) -> str:
        """The law for a legend."""
        of = f", {self.points} of {self.points + self.left_out} points" if self.left_out else ""
        return f"∝ {self.axis}^{self.exponent:.3g} [{self.low:.3g}, {self.high:.3g}]{of}"

    def rows(self) -> list[tuple[str, str]]:
        """Return the law as a table of two columns."""
        return [
            ("exponent", f"{self.exponent:.4g}, {LEVEL:.0%} {self.low:.4g} to {self.high:.4g}"),
            ("prefactor", f"{self.prefactor:.4g}"),
            ("points", f"{self.points}, {self.left_out} left out"),
        ]


def power_law(view: View) -> PowerLaw:
    """Fit a power law to a view over one axis, to its medians where there are seeds.

    Raises
    ------
    InvalidInput
        If the view is over two axes, its axis has no positive numbers, or fewer than three points have a value.
    """
    if len(view.axes) != 1:
        raise InvalidInput(f"a power law is of one axis, got {', '.join(view.axes)}; hold one by --at AXIS=VALUE")
    ((axis, x),) = view.axes.items()
    if x.dtype.kind not in "iuf":
        raise InvalidInput(f"a power law needs an axis of numbers, got {axis}; show another by --x")
    with np.errstate(invalid="ignore"):
        known = np.isfinite(x) & (x > 0) & np.isfinite(view.values) & (view.values > 0)
    if np.count_nonzero(known) < FEWEST:
        raise InvalidInput(
            f"a power law needs {FEWEST} points with positive values, {view.quantity} over {axis} has "
            f"{np.count_nonzero(known)}; sweep more, or show another"
        )
    return law_through(axis, x[known].astype(float), view.values[known], left_out=int(np.count_nonzero(~known)))


def law_through(axis: str, x: Array, values: Array, *, left_out: int = 0) -> PowerLaw:
    """Fit a power law to at least three positive points, shape (n,)."""
    line = linregress(np.log(x), np.log(values))
    half = float(t.ppf((1 + LEVEL) / 2, len(x) - 2) * line.stderr)
    return PowerLaw(
        axis=axis,
        exponent=float(line.slope),
        low=float(line.slope) - half,
        high=float(line.slope) + half,
        prefactor=float(np.exp(line.intercept)),
        first=float(x.min()),
        last=float(x.max()),
        points=len(x),
        left_out=left_out,
    )
