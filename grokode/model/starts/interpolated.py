"""Initial weights on the way from random ones to a solution (paper section 8.3.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ..network import Network
from ..states.factor import FactorState

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InterpolatedStart:
    r"""Random weights moved towards a solution of the target :math:`\tfrac12 (\beta \cdot x)^2`.

    .. math:: (1 - s)\, w_i \pm s\, g, \qquad w_i \sim N(0, \sigma^2 I), \quad g = \beta / \sqrt{\alpha \epsilon}

    Half of the neurons have each sign; an odd width has one neuron more of a sign that is drawn, so that the mean
    over starts is :math:`\bar w = 0, M = (1-s)^2 \sigma^2 I + s^2 g g^T` at every width, and is what an infinite
    one has. At s = 1 and an even width f itself, not centred, is the target.

    Parameters
    ----------
    s : float
        From 0, the Gaussian start, to 1.

    Raises
    ------
    InvalidInput
        If s is out of range.
    """

    s: float

    def __post_init__(self) -> None:
        if not 0 <= self.s <= 1:
            raise InvalidInput(f"start interpolated: s must lie between 0 and 1, got {self.s:g}")

    def draw_towards(
        self, beta: Array, network: Network, width: float, sigma: float, rng: np.random.Generator
    ) -> FactorState:
        r"""Draw the start; what is random does not depend on s, and is that of a Gaussian start.

        The signs, as a unit vector over the neurons, have the mean m along the constant one and otherwise a
        direction that is random relative to the orthonormal rows behind the Gaussian factor. Of such a direction
        the components along those rows, and what is left, are a normal vector and a chi variable, normed.

        Parameters
        ----------
        beta : ndarray, shape (D,)
        network : Network
            Its alpha and eps give the solution.
        width : float
            A whole number, or infinity.
        sigma : float
            Standard deviation of each random weight.
        rng : numpy.random.Generator
            Not used at infinite width, where nothing is random.

        Raises
        ------
        InvalidInput
            If eps is 0: a linear network has no solution to go to.
        """
        if network.eps == 0:
            raise InvalidInput("start interpolated: a network with eps = 0 cannot be the target; give a positive --eps")
        goal, dim = self.s * beta / math.sqrt(network.alpha * network.eps), len(beta)
        if math.isinf(width):
            scaled = FactorState.infinite_width(dim, (1 - self.s) * sigma)
            return _with_rows(scaled, goal[None])
        gaussian = FactorState.random(dim, int(width), sigma, rng)
        along = rng.standard_normal(len(gaussian.a) - 1)
        free = int(width) - 1 - len(along)
        left = math.sqrt(rng.chisquare(free)) if free else 0.0
        sign = rng.choice([-1.0, 1.0])
        m = sign / width if width % 2 else 0.0
        norm = math.hypot(float(np.linalg.norm(along)), left) or 1.0
        signs = np.r_[m, math.sqrt(1 - m * m) / norm * np.r_[along, left]]
        V = (1 - self.s) * gaussian.V + np.outer(signs[:-1], goal)
        return _with_rows(gaussian.at(V), signs[-1:, None] * goal)


def _with_rows(state: FactorState, rows: Array) -> FactorState:
    """Return the state with further rows on which ``a = e_0`` is zero, in at most D + 1 rows again."""
    if not rows.any():
        return state
    below = np.vstack([state.V[1:], rows])
    if len(below) > below.shape[1]:
        below = np.asarray(np.linalg.qr(below, mode="r"))
    return FactorState(np.eye(1 + len(below))[0], np.vstack([state.V[:1], below]))
