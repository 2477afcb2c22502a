"""Figure 5: labels that are eigenvectors of the initial kernel."""

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

EIGENVECTORS = (1, 70, 100)


@dataclass(frozen=True, slots=True)
class Figure5:
    """Panels a, b, c: the k-th eigenvector of the kernel on the pooled points, for three k."""

    title: ClassVar[str] = "Figure 5: labels from the k-th eigenvector of the initial kernel"
    claim: ClassVar[str] = "labels aligned with the kernel (k = 1) are learned at once, others late"

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return one experiment for each k."""
        return {
            f"k = {k}": experiment("kumar-fig5", quick, target=f"kernel_eigenvector:k={k}", lazy=False)
            for k in EIGENVECTORS
        }

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses on both halves of the points."""
        return of_runs(runs, ("loss_train", "loss_test_sample"))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw one panel for each k."""
        panels = [lines.losses(data, run, title=run) for run in data["run"].values.tolist()]
        return Sheet(panels=panels, columns=3, note="D 100, 100 train and 100 test points, N 2, eps 0.25")
