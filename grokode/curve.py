"""A labelled curve: numbers with a unit, a long name and an origin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Curve:
    """Values along the saved times of a run.

    Parameters
    ----------
    name : str
        The name in files and tables, for instance ``loss_train``.
    values : ndarray, shape (n_points,)
        Copied and made read-only.
    units : str
        ``"1"`` where there is none.
    long_name : str
        What a label says.
    origin : str
        Where the numbers come from, for instance ``theory``.
    """

    name: str
    values: NDArray[np.float64] | NDArray[np.int64]
    units: str
    long_name: str
    origin: str = "theory"

    def __post_init__(self) -> None:
        values = np.array(self.values)
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
