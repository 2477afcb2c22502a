r"""The largest curvature that real neurons see: where dt times it passes 2, descent is chaotic and no test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .network import Weights
from .training import Trained

Array = NDArray[np.float64]

ITERATIONS = 15
"""Of the power method, from below: within some percent of the largest, of which a factor of 2 is kept clear."""

STEP = 1e-4
"""Of a central difference, of the weights' size: of a cubic it is off by STEP^2, and by rounding, 1e-16 / STEP."""


def sharpness(trained: Trained, W: Array) -> float:
    r"""Largest absolute eigenvalue of :math:`(N / \alpha^2) \nabla^2 L` at weights W, the rate of the flow there."""
    machine, start, points = trained.machine, trained.start, trained.samples["train"]

    def slope(W: Array) -> Array:
        at = Weights(W, start.v)
        return machine.gradient(at, start, points.X, points.y, points.weights).W

    direction = np.random.default_rng(0).standard_normal(W.shape)
    h = STEP * (float(np.linalg.norm(W)) or 1.0)
    curvature = 0.0
    for _ in range(ITERATIONS):
        direction /= np.linalg.norm(direction)
        turned = (slope(W + h * direction) - slope(W - h * direction)) / (2 * h)
        curvature = float(np.linalg.norm(turned))
        if not curvature:
            break
        direction = turned
    return len(W) / machine.alpha**2 * curvature
