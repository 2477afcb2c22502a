"""A learning rate that stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .warmed import Array, Warmed, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Warmed):
    """The full learning rate, once warmed up.

    Parameters
    ----------
    warmup : int
        See ``Warmed``.
    """

    def after(self, k: Whole) -> Array:
        """Return the factors of steps k, which count from the end of the warm-up, shape (n,)."""
        return np.ones(len(k))
