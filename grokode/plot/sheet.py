"""Sheets of panels: the figures of a paper, at its sizes and in one look."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .figure import STYLE, ticks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

COLUMN = 3.4
"""Inches of a printed column."""

HEIGHT = 2.5
LETTERS = 52
"""Of a line of the title, a column."""

ROOM = 0.5
"""Part of the range of a linear axis that is left free above, for the legend."""

DECADES = 6.0
"""Losses further below the largest one are cut off."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Line:
    """One line of a panel.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    label : str
        For the legend; empty for none.
    color, style, marker : str
        As Matplotlib has them.
    band : tuple of ndarray, optional
        Lower and upper edge of what is shaded around it, shape (n,) each.
    """

    x: Array
    y: Array
    label: str = ""
    color: Any = "black"
    style: str = "-"
    marker: str = ""
    band: tuple[Array, Array] | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Panel:
    """Axes with what is on them.

    Parameters
    ----------
    title : str
        What is seen.
    x_label, y_label : str
    lines : sequence of Line
    log_x, log_y : bool
    levels : sequence of (float, str)
        Horizontal lines with their labels.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log_x: bool = True
    log_y: bool = True
    levels: Sequence[tuple[float, str]] = field(default=())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sheet:
    """Panels, row by row.

    Parameters
    ----------
    panels : sequence of Panel
    columns : int
    note : str
        Below everything: the set-up and its conventions.
    """

    panels: Sequence[Panel]
    columns: int
    note: str = ""


POINTS = 24
"""Marks of a line that is shown as points."""


def as_points(line: Line) -> Line:
    """Return a line as some points of it, even in the logarithm of its places."""
    shown = np.flatnonzero(np.isfinite(line.y) & (line.x > 0))
    wanted = np.geomspace(line.x[shown[0]], line.x[shown[-1]], POINTS) if len(shown) else np.zeros(0)
    places = np.unique([shown[np.argmin(np.abs(np.log(line.x[shown] / x)))] for x in wanted]).astype(int)
    return replace(line, x=line.x[places], y=line.y[places], label="", style="", marker="o", band=None)


def sequence(count: int) -> list[Any]:
    """Return colours in an order that the eye sees, for the values of a parameter."""
    from matplotlib import colormaps

    return [tuple(color) for color in colormaps["viridis"](np.linspace(0, 0.9, max(count, 1)))]


def sheet_picture(sheet: Sheet, title: str, points: Sheet | None = None) -> Figure:
    """Draw a sheet.

    Parameters
    ----------
    sheet : Sheet
    title : str
        What is seen.
    points : Sheet, optional
        The same sheet of another source, drawn as points over the lines.

    Returns
    -------
    matplotlib.figure.Figure
        3.4 inches wide a column, as a paper's.
    """
    import matplotlib
    from matplotlib.figure import Figure

    panels = list(sheet.panels)
    if points is not None:
        panels = [
            replace(panel, lines=[*panel.lines, *map(as_points, other.lines)])
            for panel, other in zip(panels, points.panels, strict=True)
        ]
    rows = math.ceil(len(panels) / sheet.columns)
    with matplotlib.rc_context({**STYLE, "font.size": 8, "legend.fontsize": 7}):
        figure = Figure(figsize=(COLUMN * sheet.columns, HEIGHT * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, sheet.columns, squeeze=False).ravel()
        for ax, panel in zip(axes, panels, strict=False):
            _draw(ax, panel)
        for ax in axes[len(panels) :]:
            ax.set_visible(False)
        wide = LETTERS * sheet.columns
        figure.suptitle(textwrap.fill(title, wide), fontsize=9, x=0.01, ha="left")
        if sheet.note:
            note = textwrap.fill(sheet.note, int(1.4 * wide))
            figure.supxlabel(note, fontsize=6.5, x=0.01, ha="left", color="0.35")
    return figure


def _draw(ax: Axes, panel: Panel) -> list[Artist]:
    """Draw one panel on its axes."""
    artists: list[Artist] = []
    for line in panel.lines:
        shown = np.isfinite(line.y) & ((line.x > 0) if panel.log_x else np.isfinite(line.x))
        look = {"color": line.color, "linestyle": line.style or "none", "marker": line.marker, "markersize": 3}
        artists += ax.plot(line.x[shown], line.y[shown], linewidth=1.2, label=line.label or None, **look)
        if line.band is not None:
            low, high = (edge[shown] for edge in line.band)
            artists.append(ax.fill_between(line.x[shown], low, high, color=line.color, alpha=0.2, linewidth=0))
    for value, label in panel.levels:
        artists.append(ax.axhline(value, color="0.3", linewidth=0.8, linestyle=":", label=label))
    ax.set_title(textwrap.fill(panel.title, LETTERS), loc="left", fontsize=8)
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)
    values = np.concatenate([line.y[np.isfinite(line.y)] for line in panel.lines] or [np.zeros(0)])
    if panel.log_x:
        ax.set_xscale("log")
        ticks(ax.xaxis)
    if panel.log_y and np.any(values > 0):
        ax.set_yscale("log")
        top = float(values.max())
        ax.set_ylim(bottom=max(float(values[values > 0].min()) / 1.5, top * 10**-DECADES), top=1.6 * top)
        ticks(ax.yaxis)
    elif len(ax.get_legend_handles_labels()[0]) > 2 and values.size:
        ax.margins(y=0.02)
        ax.set_ylim(top=float(values.max()) + ROOM * float(np.ptp(values)))  # for the legend
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best", handlelength=1.6, borderpad=0.2, labelspacing=0.25)
    return artists
