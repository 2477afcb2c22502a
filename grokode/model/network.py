"""The committee machine's fixed parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    r"""A two-layer committee machine with readouts 1.

    .. math:: f(x) = \frac{\alpha}{N} \sum_i \phi(w_i \cdot x), \qquad
              \phi(h) = h + \frac{\epsilon}{2} h^2 \quad (N1)

    Parameters
    ----------
    alpha : float
        Output scale :math:`\alpha > 0`; large is lazy.
    eps : float
        Weight :math:`\epsilon \ge 0` of the quadratic part of :math:`\phi`.
    centered : bool
        Whether the predictor is :math:`f(x; \theta) - f(x; \theta_0)` (paper eq. 7) rather than f.

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

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise InvalidInput(f"alpha must be positive and finite, got {self.alpha}")
        if not (math.isfinite(self.eps) and self.eps >= 0):
            raise InvalidInput(f"eps must be zero or positive and finite, got {self.eps}")
