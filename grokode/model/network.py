"""The committee machine's fixed parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from .activations import Activation, Square

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    r"""A two-layer network; its readouts :math:`v_i` are 1 in a committee machine, whose state is a factor.

    .. math:: f(x) = \frac{\alpha}{N} \sum_i v_i\, \phi(w_i \cdot x), \qquad
              \phi(h) = h + \frac{\epsilon}{2} q(h) \quad (N1)

    Parameters
    ----------
    alpha : float
        Output scale :math:`\alpha > 0`; large is lazy.
    eps : float
        Weight :math:`\epsilon \ge 0` of the part q of :math:`\phi`.
    centered : bool
        Whether the predictor is :math:`f(x; \theta) - f(x; \theta_0)` (paper eq. 7) rather than f.
    activation : Activation
        The part q, :math:`h^2` unless given.

    Raises
    ------
    InvalidInput
        If alpha or eps is out of range.

    Notes
    -----
    Paper eq. 3; the scale :math:`\alpha` stands inside f.
    """

    alpha: float
    eps: float
    centered: bool = False
    activation: Activation = Square()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise InvalidInput(f"alpha must be positive and finite, got {self.alpha}")
        if not (math.isfinite(self.eps) and self.eps >= 0):
            raise InvalidInput(f"eps must be zero or positive and finite, got {self.eps}")

    @property
    def closes(self) -> bool:
        """Whether a committee machine's training closes on its factor: q is the square, or off it by a constant."""
        return self.activation.shift is not None

    @property
    def constant(self) -> float:
        r"""What a committee machine's f has beside its linear and quadratic part, :math:`\alpha \epsilon s / 2`."""
        return self.alpha * self.eps / 2 * (self.activation.shift or 0.0)

    def phi(self, h: Array) -> Array:
        r"""Return :math:`\phi(h)`."""
        value: Array = h + self.eps / 2 * self.activation.q(h)
        return value

    def phi_change(self, h0: Array, dh: Array) -> Array:
        r"""Return :math:`\phi(h_0 + \delta) - \phi(h_0)`, without cancellation."""
        change: Array = dh + self.eps / 2 * self.activation.change(h0, dh)
        return change

    def phi_slope(self, h: Array) -> Array:
        r"""Return :math:`\phi'(h)`."""
        slope: Array = 1 + self.eps / 2 * self.activation.slope(h)
        return slope

    def phi_curvature(self, h: Array) -> Array:
        r"""Return :math:`\phi''(h)`."""
        curvature: Array = self.eps / 2 * self.activation.curvature(h)
        return curvature

    @property
    def taylor(self) -> Array:
        r"""Coefficients of :math:`\phi^{(j)} / j!` in row j, that of the constant first, shape (k + 1, k + 1)."""
        phi = self.eps / 2 * self.activation.coefficients
        phi[1] += 1
        table = np.zeros((len(phi), len(phi)))
        for j in range(len(phi)):
            for p in range(len(phi) - j):
                table[j, p] = math.comb(j + p, j) * phi[j + p]
        return table
