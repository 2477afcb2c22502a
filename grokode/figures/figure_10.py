"""Figure 10: a start that is partly aligned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..experiment.result import Run
from ..experiment.spec import Experiment
from ..plot.sheet import Panel, Sheet, sequence
from . import lines
from .figure import experiment, of_runs

if TYPE_CHECKING:
    import xarray

SHARES = (0.0, 0.2, 0.5, 0.75, 0.95)
CURVES = ("loss_train", "loss_test_exact", "linear_power", "target_overlap")


@dataclass(frozen=True, slots=True)
class Figure10:
    """Losses from starts between random weights and a solution."""

    title: ClassVar[str] = "Figure 10: from random weights (s = 0) towards a solution (s = 1)"
    claim: ClassVar[str] = "a little alignment at the start removes the first rise of the test loss"
    remark: ClassVar[str] = "as the paper has it wherever there is a rise to be removed; most draws have none"

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return one experiment for each share s."""
        return {
            f"s = {s:g}": experiment("kumar-fig10", quick, start=f"interpolated:s={s:g}", lazy=False) for s in SHARES
        }

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, power in linear modes and overlap with the target."""
        return of_runs(runs, CURVES)

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw the test loss with the train loss dashed, and the power in linear modes."""
        colors = sequence(data.sizes["run"])
        shown = [
            one
            for run, color in zip(data["run"].values.tolist(), colors, strict=True)
            for one in lines.both(data, run, train={"color": color}, test={"color": color, "label": run})
        ]
        first = Panel(title="test loss (train loss dashed)", x_label=lines.FLOW_TIME, y_label=lines.LOSS, lines=shown)
        power = lines.fan(
            data, "linear_power", title="power in linear modes", y_label="term of the test loss", colors=colors,
            log_y=False, legend=False,
        )  # fmt: skip
        return Sheet(panels=[first, power], columns=2, note="D 40, P 120, N 2, alpha 1, eps 0.25, not centred")
