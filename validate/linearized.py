r"""The linearised network, really trained: f is replaced by its tangent plane at the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .network import CommitteeMachine, Weights, per_step
from .optimizers import Optimizer
from .readings import tangents
from .samples import Samples

Array = NDArray[np.float64]


def train_linearized(
    machine: CommitteeMachine,
    start: Weights,
    samples: Mapping[str, Samples],
    *,
    lr: float | Array,
    record: Sequence[int],
    optimizer: Optimizer,
) -> dict[str, Array]:
    r"""Train :math:`f_0 + (\theta - \theta_0) \cdot \nabla f_0` as the network itself is trained.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        The losses on each set of samples at the recorded steps.
    """
    D, theta_0, planes = start.W.shape[1], machine.trained(start), {}
    for name, points in samples.items():
        f_0 = np.zeros(len(points.y)) if machine.centered else machine.output(start, points.X)
        planes[name] = (machine.alpha * tangents(machine, start, points.X), f_0 - points.y, points.weights)

    def residual(name: str, weights: Weights) -> Array:
        slopes, at_start, _ = planes[name]
        moved: Array = at_start + slopes @ (machine.trained(weights) - theta_0).ravel()
        return moved

    def gradient(weights: Weights) -> Weights:
        slopes, _, c = planes["train"]
        slope = 2 * (c * residual("train", weights)) @ slopes
        whole = slope.reshape(theta_0.shape)
        return Weights(whole[:, :D], whole[:, D] if machine.trained_readouts else np.zeros_like(start.v))

    wanted: set[int] = set(record)
    losses: dict[str, list[float]] = {name: [] for name in planes}
    weights, memory, rates = start, optimizer.start(start), per_step(lr, record[-1])
    for k in range(record[-1] + 1):
        if k in wanted:
            for name, (_, _, c) in planes.items():
                losses[name].append(float(c @ residual(name, weights) ** 2))
        if k < record[-1]:
            weights, memory = optimizer.step(weights, gradient, memory, float(rates[k]), k)
    return {name: np.array(values) for name, values in losses.items()}
