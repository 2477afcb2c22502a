"""A learning rate that falls along half a cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InvalidInput
from .warmed import Array, Warmed, Whole, check_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosine(Warmed):
    r"""Half a cosine, as torch's CosineAnnealingLR has it, and no rise after it.

    .. math:: F + (1 - F) \frac{1 + \cos(\pi \min(k, K) / K)}{2}

    Parameters
    ----------
    steps : int
        K.
    final : float
        F, what is left at its end.
    warmup : int
        See ``Warmed``.
    """

    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        Warmed.__post_init__(self)
        check_count("steps of cosine", self.steps)
        if not 0 <= self.final <= 1:
            raise InvalidInput(f"final must be between 0 and 1, a part of the learning rate, got {self.final}")

    def after(self, k: Whole) -> Array:
        """Return the factors of steps k, which count from the end of the warm-up, shape (n,)."""
        angle = np.pi * np.minimum(k, self.steps) / self.steps
        return np.asarray(self.final + (1 - self.final) * (1 + np.cos(angle)) / 2)
