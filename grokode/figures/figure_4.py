"""Figure 4: the test loss in its three terms."""

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

CURVES = ("loss_train", "loss_test_exact", "variance_error", "misalignment_error", "linear_power")


@dataclass(frozen=True, slots=True)
class Figure4:
    """Losses on the left, the terms of paper eq. 6 on the right."""

    title: ClassVar[str] = "Figure 4: what the test loss is made of"
    claim: ClassVar[str] = "the first rise of the test loss is power in linear modes; misalignment falls late"
    remark: ClassVar[str] = (
        "the drawn network rises little. A peak of a twentieth from which the test loss then falls below its start is "
        "rare, as most draws rise for good or not at all; where there is one it is mostly power in linear modes, but "
        "too few draws have one to tell"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return figure 4's set-up."""
        return {"figure 4": experiment("kumar-fig4", quick, lazy=False)}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses and terms."""
        return of_runs(runs, CURVES)

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw losses and terms."""
        panels = [
            lines.losses(data, "figure 4", title="losses"),
            lines.terms(data, "figure 4", title="terms of the test loss"),
        ]
        note = "D 40, P 120, N 2, alpha 1, eps 0.25, not centred; one draw: most do not rise like the paper's"
        return Sheet(panels=panels, columns=2, note=note)
