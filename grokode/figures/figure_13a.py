"""Figure 13a: momentum."""

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


@dataclass(frozen=True, slots=True)
class Figure13a:
    """Figure 1's set-up under heavy-ball momentum 0.95, with its linearisation."""

    title: ClassVar[str] = "Figure 13a: with momentum 0.95"
    claim: ClassVar[str] = "momentum keeps the mechanism: the lazy fit first, the test loss later"
    remark: ClassVar[str] = "as the paper has it"

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return figure 1's set-up with momentum; quick, as a flow with momentum."""
        if quick:
            return {"momentum": experiment("kumar-fig13a", False, optimizer="momentum_flow", lazy=True)}
        return {"momentum": experiment("kumar-fig13a", False, lazy=True)}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, linearised ones, and where kernel regression ends."""
        names = ("loss_train", "loss_test_exact")
        return of_runs(runs, (*names, *(f"{name}_lazy" for name in names)))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw losses and linearised losses."""
        panels = [lines.with_lazy(data, "momentum", title="losses")]
        return Sheet(panels=panels, columns=1, note="D 100, P 550, N 500, alpha 1, eps 0.02, centred")
