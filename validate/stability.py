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


def sharpness(trained: Trained, weights: Weights) -> float:
    r"""Largest absolute eigenvalue of :math:`(N / \alpha^2) \nabla^2 L` at some weights, the rate of the flow there."""
    machine, start, points = trained.machine, trained.start, trained.samples["train"]

    theta, D = machine.trained(weights), weights.W.shape[1]

    def slope(theta: Array) -> Array:
        at = Weights(theta[:, :D], theta[:, D] if machine.trained_readouts else start.v)
        return machine.trained(machine.gradient(at, start, points.X, points.y, points.weights))

    direction = np.random.default_rng(0).standard_normal(theta.shape)
    h = STEP * (float(np.linalg.norm(theta)) or 1.0)
    curvature = 0.0
    for _ in range(ITERATIONS):
        direction /= np.linalg.norm(direction)
        turned = (slope(theta + h * direction) - slope(theta - h * direction)) / (2 * h)
        curvature = float(np.linalg.norm(turned))
        if not curvature:
            break
        direction = turned
    return len(theta) / machine.alpha**2 * curvature
