"""Learning rates of the user's own, one a step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ...task.data import load_array

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FromTable:
    """Factors in a file.

    Parameters
    ----------
    path : str
        An npy file of shape (n,): what the learning rate is multiplied by, one value a step.
    """

    path: str

    def read(self) -> Table:
        """Read the factors."""
        return Table(load_array(Path(self.path), "schedule"), self.path)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Factors of n steps.

    Parameters
    ----------
    values : ndarray, shape (n,)
    source : str
        Where they are from.

    Raises
    ------
    InvalidInput
        If they are no vector, one is negative, or all are 0.
    """

    values: Array
    source: str

    def __post_init__(self) -> None:
        values = self.values
        if values.ndim != 1 or not len(values):
            raise InvalidInput(f"{self.source} must hold one factor a step, shape (n,), got shape {values.shape}")
        if values.min() < 0 or values.max() == 0:
            raise InvalidInput(
                f"{self.source} must hold factors that are zero or positive, not all 0, got {values.min():g} to "
                f"{values.max():g}"
            )

    def factors(self, k: NDArray[np.int64]) -> Array:
        """Return what the learning rate of steps k is multiplied by, shape (n,); steps count from 0.

        Raises
        ------
        InvalidInput
            If a step is beyond the table.
        """
        if len(k) and k.max() >= len(self.values):
            raise InvalidInput(
                f"{self.source} has {len(self.values)} values, one a step, and step {k.max() + 1} is asked for; add "
                "values, or lower --steps"
            )
        return np.asarray(self.values[k])
