"""How large an error is, in units of its tolerance."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMALL = 1e-3
"""Part of the floor below which errors of losses are absolute, as the promise has it."""

UNSEEN = 0.01
"""Part of the tolerance that a linear solve may miss the predictor by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    r"""The three parts of the error of a change d of z.

    .. math:: e^2 = \frac{4}{\mathrm{tol}^2} \Bigl[ \frac{|B d|^2 / P}{\max(L, 10^{-3} L_\ast)}
              + w_1 \frac{\bar K |d|^2 / n}{\max(L, 0.003\, L_\ast)}
              + w_2 \frac{D |d|^2}{\alpha^2 |V|^2} \Bigr], \qquad L_\ast = \min(L(0), \langle y^2 \rangle)

    The first is the error of the predictor on the training set, in the units in which losses are promised. The others
    are errors of the parameters that the training set does not see, or not yet: modes that will grow, and the test
    loss; the second is blind at small alpha, the third at large.

    Parameters
    ----------
    floor : float
        :math:`L_\ast`.
    kernel : float
        :math:`\bar K`, the mean of K(x, x), over n, the number of unknowns.
    parameters : float
        w_1.
    relative : float
        w_2.
    tol : float
        Tolerance.
    """

    floor: float
    kernel: float
    parameters: float
    relative: float
    tol: float

    def error(self, square: float, moved: float, loss: float, size: float) -> float:
        r"""Return e of a change.

        Parameters
        ----------
        square : float
            :math:`|d|^2`.
        moved : float
            :math:`|B d|^2 / P`.
        loss : float
            L where it is made.
        size : float
            :math:`\alpha^2 |V|^2 / D` there.
        """
        later = self.parameters * self.kernel * square / max(loss, 0.003 * self.floor)
        relative = self.relative * square / size if size else 0.0
        total = moved / self._loss(loss) + later + relative
        return 2 / self.tol * math.sqrt(total) if math.isfinite(total) else math.inf

    def resolves(self, loss: float) -> bool:
        """Whether what the tolerance allows is a small part of a loss."""
        return loss > SMALL * self.floor

    def unseen(self, loss: float) -> float:
        """Return the root mean square of a change of the predictor that is far below the tolerance."""
        return UNSEEN * self.tol * math.sqrt(self._loss(loss))

    def _loss(self, loss: float) -> float:
        return max(loss, SMALL * self.floor)
