"""What a step is worth: the flow time it takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    r"""Steps of one learning rate.

    Parameters
    ----------
    dt : float
        Flow time of a step, :math:`\eta \alpha^2 / N`.
    ratio : float
        :math:`N / \alpha^2`, the learning rate of a unit of flow time; infinite at infinite width.
    """

    dt: float
    ratio: float
