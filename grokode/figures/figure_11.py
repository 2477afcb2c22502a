"""Figure 11: trained readouts."""

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
class Figure11:
    """Losses and terms, of the readout-weighted wbar and M."""

    title: ClassVar[str] = "Figure 11: readouts that are trained too"
    claim: ClassVar[str] = "the mechanism is the same where readouts are trained"
    remark: ClassVar[str] = (
        "the losses separate as with fixed readouts, but most draws do not get to a tenth within the run, as with "
        "fixed readouts in this set-up (figure 4); with ten times the samples they do, without delay"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return figure 11's set-up."""
        return {"trained readouts": experiment("kumar-fig11", quick, lazy=False)}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses and terms."""
        return of_runs(runs, CURVES)

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw losses and terms."""
        panels = [
            lines.losses(data, "trained readouts", title="losses"),
            lines.terms(data, "trained readouts", title="terms of the test loss"),
        ]
        return Sheet(panels=panels, columns=2, note="D 40, P 120, N 2, alpha 1, eps 0.25, not centred")
