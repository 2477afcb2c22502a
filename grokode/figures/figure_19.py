"""Figure 19: kernel eigenvectors as labels, over the number of samples."""

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

SAMPLES = (50, 100, 150)
EIGENVECTORS = (1, 40, 80)


@dataclass(frozen=True, slots=True)
class Figure19:
    """Figure 5's set-up on a grid of P (train points, and as many test points) and k."""

    title: ClassVar[str] = "Figure 19: labels from the k-th eigenvector, over the number of samples"
    claim: ClassVar[str] = "harder labels need more samples to be learned, and grok somewhere between"
    remark: ClassVar[str] = (
        "as the paper has it: more samples make harder labels learnable, and the delay is longest at the edge. A "
        "network ten times lazier does the same, so it takes no learning of features"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return one experiment for each P and k."""
        return {
            f"P = {count}, k = {k}": experiment(
                "kumar-fig5", quick, n_train=count, n_test=count, target=f"kernel_eigenvector:k={k}", lazy=False
            )
            for count in SAMPLES
            for k in EIGENVECTORS
        }

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses on both halves of the points."""
        return of_runs(runs, ("loss_train", "loss_test_sample"))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw a grid of panels."""
        panels = [lines.losses(data, run, title=run) for run in data["run"].values.tolist()]
        note = "figure 5's set-up; P and k are our choice"
        return Sheet(panels=panels, columns=len(EIGENVECTORS), note=note)
