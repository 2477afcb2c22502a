"""Figure 1b: grokking, beside the network that stays lazy."""

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

EPS = (0.02, 0.25)


@dataclass(frozen=True, slots=True)
class Figure1b:
    """Losses of the network and of its linearisation, at both of the paper's eps."""

    title: ClassVar[str] = "Figure 1b: the train loss falls first as in the lazy network, the test loss long after"
    claim: ClassVar[str] = "it fits while lazy, and generalises when it leaves the lazy regime, below kernel regression"

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return figure 1's set-up at both eps."""
        return {f"eps {eps:g}": experiment("kumar-fig1", quick, eps=eps, lazy=True) for eps in EPS}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, linearised ones, and where kernel regression ends."""
        names = ("loss_train", "loss_test_exact")
        return of_runs(runs, (*names, *(f"{name}_lazy" for name in names)))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw one panel for each eps."""
        panels = [lines.with_lazy(data, run, title=run) for run in data["run"].values.tolist()]
        return Sheet(panels=panels, columns=2, note="D 100, P 550, N 500, alpha 1, centred")
