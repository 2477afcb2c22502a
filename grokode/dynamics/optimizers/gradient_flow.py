"""Gradient flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import decay
from ..pace import Pace
from ..problem import Trained
from ..risks.empirical import EmpiricalRisk
from ..risks.jacobian import Jacobian, Shifted
from ..risks.residuals import Residuals
from .decaying import check_not_negative

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientFlow:
    r"""Continuous time: :math:`\dot V = F - \lambda' V`, :math:`F = -\tfrac{1}{\alpha^2} \nabla_V L`.

    Parameters
    ----------
    decay_rate : float
        :math:`\lambda'`, weight decay a unit of flow time; the limit of descent's, with
        :math:`\lambda' = \lambda N / \alpha^2`.
    """

    steps: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    order: ClassVar[int] = 1
    follows: ClassVar[str] = "gradient_descent"

    decay_rate: float = 0.0

    def __post_init__(self) -> None:
        check_not_negative("decay_rate", self.decay_rate)

    @property
    def monotone(self) -> bool:
        """Whether the train loss cannot rise."""
        return not self.decay_rate

    @property
    def certified(self) -> bool:
        """Whether the certificate behind ``never`` holds."""
        return not self.decay_rate

    @property
    def closed_form(self) -> bool:
        """Whether modes of a linear problem decay as ``decay`` says."""
        return not self.decay_rate

    def on(self, risk: Trained, pace: Pace | None = None) -> GradientFlowOn:
        """Bind to a risk; continuous time has no use for a step."""
        if self.decay_rate:
            return DecayingFlowOn(risk, self.decay_rate)
        return SampleGradientFlowOn(risk) if isinstance(risk, EmpiricalRisk) else GradientFlowOn(risk)

    def decay(self, rates: Array, t: Array, dt: float | None) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.flow(rates, t)


class GradientFlowOn:
    """The gradient flow of one risk."""

    memories = 0
    real_spectrum = True

    def __init__(self, risk: Trained) -> None:
        self._risk = risk

    def start(self, moved: Array) -> Array:
        """Return y where theta has been moved from its start, shape (1, r, D)."""
        return moved[None]

    def __call__(self, t: float, y: Array) -> Array:
        """Return dy/dt, shape (1, r, D)."""
        return self._risk.loss_force_moved(y[0])[1][None]

    def jacobian(self, t: float, y: Array) -> Jacobian:
        """Return d(dy/dt)/dy."""
        return self._risk.jacobian(self._risk.start.theta + y[0])

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of the matrix that is factorised, and the operations of one factorisation."""
        return self._risk.jacobian_cost(n)


class SampleGradientFlowOn(GradientFlowOn):
    """The gradient flow of a finite training set, a mean of squares."""

    lag = 0.0

    def __init__(self, risk: EmpiricalRisk) -> None:
        super().__init__(risk)
        self._samples = risk

    def residuals(self, dtype: type[np.floating[Any]]) -> Residuals:
        """Return the residuals as a function of z, with matrix products in a precision."""
        return Residuals(self._samples, dtype)


class DecayingFlowOn(GradientFlowOn):
    """The gradient flow of one risk with weight decay, towards zero weights."""

    def __init__(self, risk: Trained, rate: float) -> None:
        super().__init__(risk)
        self._rate = rate

    def __call__(self, t: float, y: Array) -> Array:
        """Return dy/dt, shape (1, r, D)."""
        return super().__call__(t, y) - self._rate * (self._risk.start.theta + y)

    def jacobian(self, t: float, y: Array) -> Jacobian:
        """Return d(dy/dt)/dy."""
        return Shifted(super().jacobian(t, y), self._rate)
