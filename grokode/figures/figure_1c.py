"""Figure 1c: weight norm and alignment while it groks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..experiment.result import Run
from ..experiment.spec import Experiment
from ..plot.sheet import Sheet, sequence
from . import lines
from .figure import experiment, of_runs

if TYPE_CHECKING:
    import xarray

EPS = (0.02, 0.25)


@dataclass(frozen=True, slots=True)
class Figure1c:
    """tr M, and the population alignment of kernel and task."""

    title: ClassVar[str] = "Figure 1c: the weight norm rises while it groks"
    claim: ClassVar[str] = "the weight norm tr M increases during grokking, so its decrease cannot explain it"

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return figure 1's set-up at both eps."""
        return {f"eps {eps:g}": experiment("kumar-fig1", quick, eps=eps, lazy=True) for eps in EPS}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return tr M and the alignment."""
        return of_runs(runs, ("loss_train", "loss_test_exact", "mean_square_weight", "alignment_population"))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw norm and alignment."""
        colors = sequence(data.sizes["run"])
        panels = [
            lines.fan(
                data, "mean_square_weight", title="mean square weight", y_label="tr M over its start",
                colors=colors, relative=True, log_y=False,
            ),
            lines.fan(
                data, "alignment_population", title="alignment of kernel and task", y_label="alignment (population)",
                colors=colors, log_y=False,
            ),
        ]  # fmt: skip
        return Sheet(panels=panels, columns=2, note="D 100, P 550, N 500, alpha 1, centred")
