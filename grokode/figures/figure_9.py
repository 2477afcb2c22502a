"""Figure 9: too few, enough, and many samples."""

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

SAMPLES = (50, 120, 500)
CURVES = ("loss_train", "loss_test_exact", "variance_error", "misalignment_error", "linear_power")


@dataclass(frozen=True, slots=True)
class Figure9:
    """Panels a to f: losses above, the terms of the test loss below."""

    title: ClassVar[str] = "Figure 9: too few samples, enough, and many"
    claim: ClassVar[str] = "with few samples it never generalises, with many at once; between them it groks"
    remark: ClassVar[str] = (
        "P = 50 and P = 500 are as the paper has them. P = 120 does not get to a tenth in any draw, by gradient flow "
        "to t = 1e6, so the number of samples between is larger than the paper's: with 250 it groks in nearly all"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return one experiment for each number of samples."""
        return {f"P = {count}": experiment("kumar-fig9", quick, n_train=count, lazy=False) for count in SAMPLES}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses and terms."""
        return of_runs(runs, CURVES)

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw losses above terms."""
        names = data["run"].values.tolist()
        panels = [lines.losses(data, run, title=run) for run in names]
        panels += [lines.terms(data, run, title=f"{run}: terms") for run in names]
        return Sheet(panels=panels, columns=3, note="D 40, N 100, alpha 1, eps 0.5, centred")
