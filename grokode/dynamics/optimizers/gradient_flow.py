"""Gradient flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import decay
from ..problem import Risk
from ..risks.empirical import EmpiricalRisk
from ..risks.jacobian import Jacobian
from ..risks.residuals import Residuals

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradientFlow:
    r"""Continuous time: :math:`\dot V = F = -\tfrac{1}{\alpha^2} \nabla_V L`."""

    steps: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    monotone: ClassVar[bool] = True
    certified: ClassVar[bool] = True

    def on(self, risk: Risk, dt: float | None = None) -> GradientFlowOn:
        """Bind to a risk; continuous time has no use for a step."""
        return SampleGradientFlowOn(risk) if isinstance(risk, EmpiricalRisk) else GradientFlowOn(risk)

    def decay(self, rates: Array, t: Array, dt: float | None) -> Array:
        """Return what is left at times t of modes of a linearised residual, shape (T, K)."""
        return decay.flow(rates, t)


class GradientFlowOn:
    """The gradient flow of one risk."""

    memories = 0

    def __init__(self, risk: Risk) -> None:
        self._risk = risk

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

    def __init__(self, risk: EmpiricalRisk) -> None:
        super().__init__(risk)
        self._samples = risk

    def residuals(self, dtype: type[np.floating[Any]]) -> Residuals:
        """Return the residuals as a function of z, with matrix products in a precision."""
        return Residuals(self._samples, dtype)
