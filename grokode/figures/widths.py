"""Widths from 2 to 10,000, and the infinite one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..experiment.result import Run
from ..experiment.spec import Experiment
from ..plot.sheet import Line, Panel, Sheet, sequence
from ..sweep.scaling import law_through
from . import lines
from .figure import experiment, of_runs

if TYPE_CHECKING:
    import xarray

WIDTHS = (2, 10, 30, 100, 300, 1000, 3000, 10_000)
INFINITE = "N = inf"
WIDE = 100
"""From this width on the exponent is fitted."""


@dataclass(frozen=True, slots=True)
class Widths:
    """Test losses, and their distance from that of infinite width."""

    title: ClassVar[str] = "Widths: networks close in on the infinite one as N^-1/2"
    draws: ClassVar[int] = 8
    """Where no seeds are given: distances of one draw scatter as much as they fall."""

    claim: ClassVar[str] = "no such figure; its equations hold at every width"
    remark: ClassVar[str] = (
        "curves of finite width come closer to that of infinite width as N^-1/2 (the fitted exponent stands in the "
        "picture)"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return one experiment for each width, on the same data."""
        how = {"dim": 20, "n_train": 80, "alpha": 2.0, "eps": 0.2, "t_max": 3e3, "until": "end", "lazy": False}
        found = {f"N = {width}": experiment("width", quick, width=width, **how) for width in WIDTHS}
        return found | {INFINITE: experiment("width", quick, width=math.inf, **how)}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, and the largest distance of each test loss from the infinite width's, over its start."""
        data = of_runs(runs, ("loss_train", "loss_test_exact"))
        losses = data["loss_test_exact"].transpose("run", "seed", "time")
        limit = losses.sel(run=INFINITE)
        data["distance"] = abs(losses - limit).max("time") / limit.isel(time=0)
        return data

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw curves, and distances over the width."""
        names = data["run"].values.tolist()
        one = data.isel(seed=[0])
        colors = [*sequence(len(names) - 1), "black"]
        first = lines.fan(one, "loss_test_exact", title="test loss, one draw", y_label=lines.LOSS, colors=colors)
        x = np.array(WIDTHS, dtype=float)
        far = [data["distance"].sel(run=f"N = {width}") for width in WIDTHS]
        y = np.array([float((each**2).mean() ** 0.5) for each in far])
        law = law_through("N", x[x >= WIDE], y[x >= WIDE])
        half = math.exp(float(np.mean(np.log(y[x >= WIDE]) + np.log(x[x >= WIDE]) / 2)))
        second = Panel(
            title=f"distance, exponent {law.exponent:.2f} from N = {WIDE} on", x_label="width N",
            y_label="largest distance over the start",
            lines=[
                Line(x=x, y=y, marker="o", style="", label=f"root mean square of {data.sizes['seed']} draws"),
                Line(x=x, y=half / np.sqrt(x), style="--", label="N^-1/2"),
            ],
        )  # fmt: skip
        return Sheet(
            panels=[first, second], columns=2, note="D 20, P 80, alpha 2, eps 0.2, the same data at every width"
        )
