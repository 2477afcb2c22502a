"""Figure 14: targets of one, two and three directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..experiment.result import Run
from ..experiment.spec import Experiment
from ..plot.sheet import Sheet
from . import lines
from .figure import experiment, of_runs

if TYPE_CHECKING:
    import xarray

DIRECTIONS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Figure14:
    """One panel for each number of directions."""

    title: ClassVar[str] = "Figure 14: one, two and three directions to learn"
    claim: ClassVar[str] = "it groks on multi-index targets too"
    remark: ClassVar[str] = (
        "one direction is as in figure 1; with two and three the test loss falls late too, and by the end less far"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return one experiment for each k."""
        return {
            f"k = {k}": experiment("kumar-fig14", quick, target=f"multi_index:k={k}", lazy=False) for k in DIRECTIONS
        }

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses."""
        return of_runs(runs, ("loss_train", "loss_test_exact"))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw one panel for each k."""
        panels = [lines.losses(data, run, title=run) for run in data["run"].values.tolist()]
        note = "figure 1's set-up, our choice: the paper names none"
        return Sheet(panels=panels, columns=3, note=note)
