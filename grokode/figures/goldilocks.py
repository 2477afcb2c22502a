"""The delay over the number of samples and alpha."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..experiment.result import Run
from ..experiment.spec import Experiment
from .diagram import cells, delay_map, of_cells

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure as Picture

SAMPLES = (30, 45, 60, 90, 120, 180, 270, 400)
ALPHAS = tuple(np.geomspace(0.1, 10, 9).round(6).tolist())


@dataclass(frozen=True, slots=True)
class Goldilocks:
    """Few samples never generalise, many do at once; between them it groks."""

    title: ClassVar[str] = "Goldilocks: the delay over samples and laziness, loss below 0.1"
    claim: ClassVar[str] = "no such figure; grokking needs a number of samples neither too small nor too large"
    remark: ClassVar[str] = (
        "with few samples the test loss never falls below the threshold, with many it falls soon after the train "
        "loss, with the longest delays at the border between; the border moves to more samples as alpha grows"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return the grid, every other value of it where quick."""
        step = 2 if quick else 1
        places: dict[str, Sequence[float]] = {"n_train": SAMPLES[::step], "alpha": ALPHAS[::step]}
        return cells("goldilocks", True, "n_train", "alpha", places, threshold="0.1")

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return crossings over (n_train, alpha)."""
        return of_cells(runs, "n_train", "alpha")

    def draw(self, data: xarray.Dataset) -> Picture:
        """Draw the delay."""
        return delay_map(
            data, "n_train", "alpha", title=self.title, notes=["gradient flow, set-up of preset goldilocks"]
        )
