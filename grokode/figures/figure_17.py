"""Figures 17 and 18: accuracy of a regression moves with its threshold, the loss does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..experiment.result import Run
from ..experiment.spec import Experiment
from ..experiment.systems import network_of, system_of
from ..plot.sheet import Line, Panel, Sheet, sequence
from ..task.data import Data
from . import lines
from .figure import experiment, of_runs

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

PARTS = (1e-4, 1e-3, 1e-2, 0.1, 1.0)
"""Thresholds of a point's squared error, in variances of the labels."""

HALF = 0.5


def accuracies(run: Run) -> Array:
    """Return the part of the test points with an error below each threshold, shape (T, parts)."""
    network = network_of(run.experiment)
    draw = system_of(run.experiment, None, run.files).draw(network)
    points = draw.tests["sample"]
    assert isinstance(points, Data)
    kept = draw.start.outputs(network, points.X) if network.centered else 0.0
    errors = np.array([(state.outputs(network, points.X) - kept - points.y) ** 2 for state in run.states])
    levels = np.var(points.y) * np.array(PARTS)
    return np.asarray((errors[:, :, None] < levels).mean(axis=1))


def half_times(t: Array, accuracy: Array) -> Array:
    """Return the first saved time at which half of the points are right, by threshold; NaN where that never is."""
    reached = accuracy >= HALF
    return np.where(reached.any(axis=0), t[np.argmax(reached, axis=0)], np.nan)


class _Accuracy:
    states: ClassVar[bool] = True
    """The states of its runs are needed."""

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return figure 3a's set-up at alpha 1, with 1,000 test points."""
        return {"alpha 1": experiment("kumar-fig3a", quick, alpha=1.0, n_test=1000, lazy=False)}

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, accuracies by threshold, and when half of the points are right."""
        data = of_runs(runs, ("loss_train", "loss_test_sample"))
        seeds = data["seed"].values.tolist()
        table = np.full((len(seeds), data.sizes["time"], len(PARTS)), np.nan)
        half = np.full((len(seeds), len(PARTS)), np.nan)
        for k, seed in enumerate(seeds):
            run = runs["alpha 1", seed]
            found = accuracies(run)
            table[k, : len(found)], half[k] = found, half_times(run.t, found)
        more: Any = {"part": list(PARTS)}
        data = data.assign_coords(more)
        data["accuracy"] = (("seed", "time", "part"), table)
        data["half_time"] = (("seed", "part"), half)
        return data


@dataclass(frozen=True, slots=True)
class Figure17(_Accuracy):
    """Accuracy by threshold beside the loss."""

    title: ClassVar[str] = "Figure 17: the accuracy of a regression depends on its threshold"
    claim: ClassVar[str] = "that accuracy groks depends on the choice of its threshold (on a student-teacher task)"
    remark: ClassVar[str] = (
        "the same point on our model: one loss curve, and by the threshold accuracy is high from the start, late, or "
        "never"
    )

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw accuracies, and the losses."""
        t = data["t"].sel(run="alpha 1").isel(seed=0).values
        values = {part: data["accuracy"].sel(part=part).median("seed").values for part in PARTS}
        shown = [
            Line(x=t, y=y, label=f"error < {part:g} var y", color=color)
            for (part, y), color in zip(values.items(), sequence(len(PARTS)), strict=True)
        ]
        panels = [
            Panel(
                title="accuracy on 1,000 test points", x_label=lines.FLOW_TIME, y_label="part of the points",
                lines=shown, log_y=False,
            ),
            lines.losses(data, "alpha 1", title="losses: one and the same"),
        ]  # fmt: skip
        return Sheet(panels=panels, columns=2, note="D 100, P 450, N 500, alpha 1, eps 0.25, centred")


@dataclass(frozen=True, slots=True)
class Figure18(_Accuracy):
    """When half of the points are right."""

    title: ClassVar[str] = "Figure 18: when half of the test points are right, by the threshold"
    claim: ClassVar[str] = "the losses of figure 17 show nothing surprising: only the accuracy seems to grok"
    remark: ClassVar[str] = (
        "on our model the time at which accuracy passes 1/2 does not move by decades with its threshold, but from zero "
        "to never, with one threshold between at which it is finite; the loss is one curve"
    )

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw the time at which accuracy passes 1/2 over the threshold."""
        x, y = data["part"].values, data["half_time"].median("seed").values
        known = np.isfinite(y) & (y > 0)
        decades = np.log10(y[known].max() / y[known].min()) if known.any() else 0.0
        said = [f"it moves by {decades:.2g} decades"]
        said += [f"at the start: {_parts(x[y == 0])}"] if (y == 0).any() else []
        said += [f"never: {_parts(x[~np.isfinite(y)])}"] if not np.isfinite(y).all() else []
        panel = Panel(
            title="; ".join(said), x_label="threshold (variances of the labels)", y_label="flow time of accuracy 1/2",
            lines=[Line(x=x, y=np.where(known, y, np.nan), marker="o", style="")],
        )  # fmt: skip
        return Sheet(panels=[panel], columns=1, note="D 100, P 450, N 500, alpha 1, eps 0.25, centred")


def _parts(values: Array) -> str:
    return ", ".join(f"{value:g}" for value in values)
