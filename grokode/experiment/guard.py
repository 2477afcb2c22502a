"""The guard against saddles: whether a curve is the network's, or rounding's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverFailed

Array = NDArray[np.float64]
Losses = Callable[[float, float, int], Array]
"""(rtol, part, direction) -> losses, shape (T, n), of a run with weights moved by a part of their size."""

PROMISE = 3e-3
"""The largest err of design: what the default tolerance promises."""

FLAG = 1e-3
"""An estimate above this is looked into: it is between 0.4 and 1.1 times the true error."""

NEARBY, ROUNDING = 1e-10, 1e-12
"""Parts of their size by which initial weights are moved: to find what is sensitive, and to measure how much."""

DIRECTIONS = 2
"""In which they are moved at random to measure how much: one alone may be blind to what is sensitive."""

TENTH = 0.1
TIGHTEST = 1e-10
"""Below this relative tolerance the solvers' own rounding takes over."""

SOLVED = 1e-8
"""A start whose loss is below this part of the mean squared label solves the task; what it is off by is rounding."""

QUICK = 0.05
"""A run estimated to take no more seconds than this is guarded unasked."""

FEW = 3
"""A network of at most so many neurons is guarded unasked: that is where saddles are."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard found.

    Parameters
    ----------
    rtol : float
        The tolerance at which two runs agree, or the tightest where none do; that of the run itself where nothing was
        suspicious.
    amplification : float
        Largest change of a loss, in units of err, over the relative change of the initial weights that made it; 0 where
        nothing was suspicious.
    agreed : bool
        Whether two tolerances agree.
    """

    rtol: float
    amplification: float
    agreed: bool = True

    @property
    def ill_conditioned(self) -> bool:
        """Whether rounding moves a loss by more than is promised, or no tolerance settles it."""
        return not self.agreed or ROUNDING * self.amplification > PROMISE

    def __str__(self) -> str:
        if ROUNDING * self.amplification <= PROMISE:
            return f"no two tolerances down to {self.rtol:.0e} agree on this curve, so it is not to be trusted"
        return (
            f"a change of the initial weights by {ROUNDING:g} of their size changes a loss by "
            f"{ROUNDING * self.amplification:.2g} of itself, so rounding decides when this network leaves a saddle; "
            "no solver can promise its curve"
        )

    def summary(self) -> dict[str, Any]:
        """Return what a run's summary says of it."""
        measured = self.amplification if self.ill_conditioned else None
        return {"ill_conditioned": self.ill_conditioned, "amplification": measured}


def distance(losses: Array, reference: Array, floors: Array) -> float:
    r"""Return err, the largest :math:`|L - L_{ref}| / \max(L_{ref}, 10^{-3} L_\ast)` over times and losses.

    Parameters
    ----------
    losses, reference : ndarray, shape (T, n)
    floors : ndarray, shape (n,)
        :math:`L_\ast = \min(L(0), \langle y^2 \rangle)` of each loss.
    """
    scale = np.maximum(reference, 1e-3 * floors)
    return float(np.max(np.abs(losses - reference) / np.where(scale > 0, scale, 1.0), initial=0.0))


def floors_of(initial: Array, mean_square_label: float) -> Array:
    r"""Return :math:`L_\ast` of losses by their values at the start, shape (n,)."""
    return np.clip(initial, SOLVED * mean_square_label, mean_square_label)


def examine(plain: Array, losses: Losses, floors: Array, rtol: float) -> Verdict:
    """Judge a run by others beside it.

    A second run at a tenth of the tolerance from moved weights shows what is sensitive. Then the tolerance is tightened
    until two runs agree, and weights moved by rounding alone tell what no tolerance can mend.

    Parameters
    ----------
    plain : ndarray, shape (T, n)
        Losses of the run.
    losses : callable
        Makes another run.
    floors : ndarray, shape (n,)
        See ``distance``.
    rtol : float
        Tolerance of the run.
    """
    if distance(plain, losses(max(TENTH * rtol, TIGHTEST), NEARBY, 0), floors) <= FLAG:
        return Verdict(rtol, 0.0)
    agreed, current = TENTH * rtol < 0.99 * TIGHTEST, plain  # the tightest tolerance has none beside it
    while not agreed and TENTH * rtol >= 0.99 * TIGHTEST:
        try:
            tighter = losses(TENTH * rtol, 0.0, 0)
        except SolverFailed:
            break
        rtol *= TENTH
        agreed, current = distance(current, tighter, floors) <= FLAG, tighter
    return replace(measure(current, losses, floors, rtol), agreed=agreed)


def measure(plain: Array, losses: Losses, floors: Array, rtol: float) -> Verdict:
    """Judge a run by others whose weights are moved by rounding alone; parameters as of ``examine``."""
    change = max(distance(losses(rtol, ROUNDING, k), plain, floors) for k in range(DIRECTIONS))
    return Verdict(rtol, change / ROUNDING)
