"""Lines and panels that several figures have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..plot.curves import COLORS, TERMS
from ..plot.sheet import Line, Panel
from .figure import spread

if TYPE_CHECKING:
    import xarray

FLOW_TIME = "flow time t (steps × lr α²/N)"
LOSS = "loss (mean squared residual)"
TRAIN, TEST, LAZY = COLORS["red"], COLORS["blue"], COLORS["gray"]


def test_curve(data: xarray.Dataset) -> str:
    """Return the test loss that a figure shows: exact where the law of the inputs is known."""
    return "loss_test_exact" if "loss_test_exact" in data else "loss_test_sample"


def line(data: xarray.Dataset, name: str, run: str, *, label: str = "", over: float = 1.0, **look: Any) -> Line:
    """Return a curve of a run, its median and quartiles over seeds, divided by ``over``."""
    t, y, band = spread(data, name, run)
    edges = None if band is None else (band[0] / over, band[1] / over)
    return Line(x=t, y=y / over, label=label, band=edges, **look)


def both(data: xarray.Dataset, run: str, *, train: Mapping[str, Any], test: Mapping[str, Any]) -> list[Line]:
    """Return the losses of a run: train dashed, test solid, in looks of their own."""
    return [line(data, "loss_train", run, style="--", **train), line(data, test_curve(data), run, **test)]


def losses(data: xarray.Dataset, run: str, *, title: str) -> Panel:
    """Return the panel of one run's losses."""
    looks = {"train": {"label": "train", "color": TRAIN}, "test": {"label": "test", "color": TEST}}
    lines = both(data, run, **looks)
    return Panel(title=title, x_label=FLOW_TIME, y_label=LOSS, lines=lines)


def with_lazy(data: xarray.Dataset, run: str, *, title: str) -> Panel:
    """Return the panel of a run's losses beside those of its linearisation and kernel regression."""
    plain = losses(data, run, title=title)
    test = test_curve(data)
    lazy = [
        line(data, "loss_train_lazy", run, label="train, linearised", color=LAZY, style="--"),
        line(data, f"{test}_lazy", run, label="test, linearised", color=LAZY),
    ]
    kind = test.removeprefix("loss_test_")
    level = float(data[f"kernel_regression_loss_{kind}"].sel(run=run).median())
    return replace(plain, lines=[*plain.lines, *lazy], levels=[(level, f"kernel regression, {level:.3g}")])


def terms(data: xarray.Dataset, run: str, *, title: str) -> Panel:
    """Return the panel of the three terms of the test loss, and their sum."""
    lines = [line(data, "loss_test_exact", run, label="test loss", color="black")]
    for name, (color, style) in TERMS.items():
        lines.append(line(data, name, run, label=name.replace("_", " "), color=COLORS[color], style=style))
    return Panel(title=title, x_label=FLOW_TIME, y_label="terms of the test loss", lines=lines, log_y=False)


def fan(
    data: xarray.Dataset, name: str, *, title: str, y_label: str, colors: Sequence[Any], relative: bool = False,
    log_y: bool = True, style: str = "-", legend: bool = True,
) -> Panel:  # fmt: skip
    """Return the panel of one curve of every run, over its initial value where ``relative``."""
    lines = []
    for run, color in zip(data["run"].values.tolist(), colors, strict=True):
        first = float(data[name].sel(run=run).isel(time=0).median()) if relative else 1.0
        lines.append(line(data, name, run, label=run if legend else "", color=color, style=style, over=first or 1.0))
    return Panel(title=title, x_label=FLOW_TIME, y_label=y_label, lines=lines, log_y=log_y)
