"""Which method integrates a flow, at which tolerances, and from which loss on a map has diverged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .problem import Trained
from .protocols import Demand, Flow, LeastSquares, Method, Solver

Array = NDArray[np.float64]


def plan(
    flow: Flow, risk: Trained, theta0: Array, solver: Solver, *, rtol: float, t_max: float, memory: float
) -> Method:
    """Choose the method for a flow; see ``Demand`` for what decides."""
    n = (1 + flow.memories) * theta0.size
    loss = risk.loss(theta0)
    scaled, atol = tolerances(risk, loss, rtol)
    network = risk.network
    label = np.sqrt(risk.mean_square_label)
    rate = 2 * risk.mean_kernel + 4 * network.eps / network.alpha * label * risk.mean_square_input
    order, flops = flow.jacobian_cost(n)
    demand = Demand(
        asked=rtol,
        rtol=scaled,
        atol=atol,
        t_max=t_max,
        n=n,
        order=order,
        factor_seconds=flops / FLOPS,
        rhs_seconds=CALL + risk.flops / FLOPS,
        rate=rate,
        memory=memory,
        samples=int(risk.samples) if isinstance(flow, LeastSquares) else 0,
        lag=flow.lag if isinstance(flow, LeastSquares) else 0.0,
        real_spectrum=flow.real_spectrum,
        offset=loss / (risk.mean_square_label or loss or 1.0),
    )
    return solver.method(demand)


FLOPS = 1.5e10
"""Assumed floating-point operations a second, for estimates of time."""

CALL = 1e-4
"""Assumed seconds that a solver spends beside a right-hand side, for estimates of time."""

TIGHTEST = 1e-10
"""Below this relative tolerance rounding of z, amplified by high-order differences, stalls a solver."""


def tolerances(risk: Trained, loss: float, rtol: float) -> tuple[float, float]:
    r"""Tolerances on z for a promise on the losses.

    An error that is small beside the start can be large beside the labels (uncentred, large alpha), so rtol
    shrinks by :math:`\sqrt{\langle y^2 \rangle / L(0)}` where that is below 1. The absolute tolerance is a
    tenth of the given rtol in units of the z that would move the predictor by the labels' size, and never
    so small that the rounding of an uncentred predictor, at L(0), is more than 1e-4 of it.
    """
    label = risk.mean_square_label or loss or 1.0
    ratio = np.sqrt(max(loss, label) / label)
    unit = float(np.sqrt(label / max(risk.mean_kernel, np.finfo(float).tiny)))
    return max(rtol / ratio, TIGHTEST), max(0.1 * rtol, 1e4 * np.finfo(float).eps * ratio) * unit


DIVERGED = 1e6
"""Times the largest loss that a map may come back from."""


def ceiling(risk: Trained, theta0: Array) -> float:
    r"""Return the train loss beyond which a map has diverged.

    A catapult may lift the loss by about :math:`\alpha^2` and come back; nothing comes back from a million
    times that.
    """
    alpha = risk.network.alpha
    return DIVERGED * max(1.0, alpha * alpha) * max(risk.loss(theta0), risk.mean_square_label, 1e-30)
