"""Figure 15: Hermite polynomials as activation and target."""

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

SAMPLES = {2: 40, 3: 300, 4: 400}
"""How many of them for each degree."""


@dataclass(frozen=True, slots=True)
class Figure15:
    """One panel for each degree."""

    title: ClassVar[str] = "Figure 15: activation and target of degree 2, 3 and 4"
    claim: ClassVar[str] = "the same delay for Hermite polynomials of higher degree, with more data"
    remark: ClassVar[str] = (
        "there are set-ups with a delay at every degree, with more samples for higher ones; this is one, chosen for "
        "it among some twenty, as the paper names no values. In it alpha eps = 2 and the predictor is not centred, so "
        "that neurons along beta are the target; where alpha eps is smaller, readouts of 1 cannot make the negative "
        "part of He_2 and He_4 at all"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return one experiment for each degree."""
        return {
            f"He_{k}, P = {count}": experiment(
                "kumar-fig15", quick, hermite=k, target=f"hermite:k={k}", n_train=count, lazy=False
            )
            for k, count in SAMPLES.items()
        }

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, those on test points where there is no exact one."""
        return of_runs(runs, ("loss_train", "loss_test_sample"))

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw one panel for each degree."""
        panels = [lines.losses(data, run, title=run) for run in data["run"].values.tolist()]
        note = "D 10, N 50, alpha 4, eps 0.5, not centred, our choice: the paper names none"
        return Sheet(panels=panels, columns=3, note=note)
