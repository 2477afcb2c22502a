"""Figures 1b and 1c: grokking beside the network that stays lazy, with weight norm and alignment."""

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
NOTE = "D 100, P 550, N 500, alpha 1, centred"


class _Figure1:
    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return figure 1's set-up at both eps."""
        return {f"eps {eps:g}": experiment("kumar-fig1", quick, eps=eps, lazy=True) for eps in EPS}


@dataclass(frozen=True, slots=True)
class Figure1b(_Figure1):
    """Losses of the network and of its linearisation, at both of the paper's eps."""

    title: ClassVar[str] = "Figure 1b: the train loss falls first as in the lazy network, the test loss long after"
    claim: ClassVar[str] = "it fits while lazy, and generalises when it leaves the lazy regime, below kernel regression"
    remark: ClassVar[str] = (
        "as the paper has it: both networks first fit as their linearisation does, then leave it, and end far below "
        "kernel regression"
    )

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, linearised ones, and where kernel regression ends."""
        names = ("loss_train", "loss_test_exact")
        return of_runs(runs, (*names, *(f"{name}_lazy" for name in names)))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw one panel for each eps."""
        panels = [lines.with_lazy(data, run, title=run) for run in data["run"].values.tolist()]
        return Sheet(panels=panels, columns=2, note=NOTE)


@dataclass(frozen=True, slots=True)
class Figure1c(_Figure1):
    """tr M, and the population alignment of kernel and task."""

    title: ClassVar[str] = "Figure 1c: the weight norm rises while it groks"
    claim: ClassVar[str] = "the weight norm tr M increases during grokking, so its decrease cannot explain it"
    remark: ClassVar[str] = (
        "as the paper has it. The opposite happens too: weights that start large and decay grok while their norm "
        "falls, which is the control"
    )

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
        return Sheet(panels=panels, columns=2, note=NOTE)
