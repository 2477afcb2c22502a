r"""Stated conventions to ours: learning rate and flow time.

The loss is the mean squared residual without 1/2, :math:`\eta` the learning rate of the parameters W on
it, and one optimizer step takes the flow time :math:`dt = \eta \alpha^2 / N`.
"""

from __future__ import annotations


def flow_time(lr: float, alpha: float, width: float) -> float:
    r"""Flow time of one optimizer step, :math:`dt = \eta \alpha^2 / N`.

    Parameters
    ----------
    lr : float
        Learning rate on the mean squared residual with parameters W.
    alpha : float
        Output scale.
    width : float
        Number of neurons N.

    Returns
    -------
    float
    """
    return lr * alpha**2 / width


def learning_rate(dt: float, alpha: float, width: float) -> float:
    r"""Learning rate whose step takes flow time dt, :math:`\eta = dt\, N / \alpha^2`."""
    return dt * width / alpha**2
