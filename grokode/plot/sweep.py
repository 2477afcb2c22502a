"""Pictures of a sweep: a heat map over two axes, or a line over one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .curves import COLORS
from .figure import STYLE, ticks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

SPAN = 20.0
"""Positive values that span more than this are drawn on a log scale."""

CONTOURS = 5

WIDTH = 80
"""Letters of a line of the title."""


class Carrier(Protocol):
    """Anything that carries a quantity over one axis or two, a view of a sweep for one."""

    @property
    def label(self) -> str:
        """The quantity with its units."""
        ...

    @property
    def title(self) -> str:
        """What is the same everywhere."""
        ...

    @property
    def axes(self) -> Mapping[str, NDArray[Any]]:
        """Names and values of the axes."""
        ...

    @property
    def values(self) -> Array:
        """Shape (x,) or (x, y), NaN where there is none."""
        ...

    @property
    def low(self) -> Array:
        """Lower quartile over seeds."""
        ...

    @property
    def high(self) -> Array:
        """Upper quartile over seeds."""
        ...

    @property
    def never(self) -> NDArray[np.bool_]:
        """Where it is proved that there is no value."""
        ...

    @property
    def open(self) -> NDArray[np.bool_]:
        """Where the run ended before there was one."""
        ...

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        ...


class Law(Protocol):
    """A curve through a line."""

    @property
    def label(self) -> str:
        """What it is."""
        ...

    def curve(self) -> tuple[Array, Array]:
        """Return places on the axis, and its values there."""
        ...


def sweep_picture(view: Carrier, *, law: Law | None = None, notes: Sequence[str] = ()) -> Figure:
    """Draw a heat map of two axes, or a line over one.

    Parameters
    ----------
    view : Carrier
    law : Law, optional
        Drawn through a line.
    notes : sequence of str
        What else the title says.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        ax = figure.subplots()
        if len(view.axes) == 2:
            heat_map(ax, view)
        else:
            line(ax, view, law)
        seeds = f"median of {view.seeds} seeds" if view.seeds > 1 else ""
        title = [", ".join(filter(None, [view.title, seeds])), *notes]
        ax.set_title("\n".join(textwrap.fill(text, WIDTH) for text in title if text), loc="left", fontsize=9)
    return figure


def heat_map(ax: Axes, view: Carrier) -> list[Artist]:
    """Draw a quantity over two axes: hatched where it never is, open circles where it is beyond the end."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.patches import Patch, Rectangle

    (x_name, x), (y_name, y) = view.axes.items()
    x_at, y_at = _scale(ax, "x", x_name, x), _scale(ax, "y", y_name, y)
    known = view.values[np.isfinite(view.values)]
    logarithmic = len(known) > 0 and known.min() > 0 and known.max() > SPAN * known.min()
    norm = (LogNorm if logarithmic else Normalize)(*((known.min(), known.max()) if len(known) else (0, 1)))
    across, up = _edges(x_at, ax.get_xscale()), _edges(y_at, ax.get_yscale())
    mesh = ax.pcolormesh(across, up, view.values.T, norm=norm)
    artists: list[Artist] = [mesh]
    if len(known) > 1 and min(view.values.shape) > 1 and known.min() < known.max():
        space = np.geomspace if logarithmic else np.linspace
        levels = space(known.min(), known.max(), CONTOURS + 2)[1:-1]
        lines = ax.contour(x_at, y_at, view.values.T, levels=levels, colors="white", linewidths=0.7)
        ax.clabel(lines, fmt=lambda value: f"{value:.3g}", fontsize=7)
        artists.append(lines)
    ax.figure.colorbar(mesh, ax=ax, label=view.label)
    for axis, scale in ((ax.xaxis, ax.get_xscale()), (ax.yaxis, ax.get_yscale())):
        if scale == "log":
            ticks(axis)
    handles: list[Artist] = []
    if view.never.any():
        look: Any = {"facecolor": "none", "edgecolor": "0.5", "hatch": "///", "linewidth": 0.0}
        for i, j in np.argwhere(view.never):
            corner = (across[i], up[j])
            artists.append(ax.add_patch(Rectangle(corner, across[i + 1] - corner[0], up[j + 1] - corner[1], **look)))
        handles.append(Patch(**look, label="never (proved)"))
    if view.open.any():
        i, j = np.nonzero(view.open)
        handles += ax.plot(
            np.asarray(x_at)[i], np.asarray(y_at)[j], "o", color="0.4", fillstyle="none", markersize=4,
            linestyle="none", label="not reached",
        )  # fmt: skip
        artists.append(handles[-1])
    if handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.12), ncols=2, borderaxespad=0)
    return artists


def line(ax: Axes, view: Carrier, law: Law | None = None) -> list[Artist]:
    """Draw a quantity over one axis, with the quartiles over seeds; open circles at the edge beyond the end."""
    ((name, x),) = view.axes.items()
    at = _scale(ax, "x", name, x)
    label = "median" if view.seeds > 1 else view.label
    artists: list[Artist] = [*ax.plot(at, view.values, ".-", color=COLORS["blue"], label=label)]
    known = view.values[np.isfinite(view.values)]
    if len(known) and known.min() > 0 and known.max() > SPAN * known.min():
        ax.set_yscale("log")
        ticks(ax.yaxis)
    if law is not None:
        artists += ax.plot(*law.curve(), "--", color="0.3", label=law.label)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ticks(ax.yaxis)
    if view.seeds > 1:
        top = ax.get_ylim()[1]
        band = ax.fill_between(
            at, view.low, np.minimum(view.high, top), where=np.isfinite(view.low), color=COLORS["blue"], alpha=0.2,
            linewidth=0, label="quartiles",
        )  # fmt: skip
        artists.append(band)
    for mask, marker, words in ((view.open, "^", "not reached"), (view.never, "x", "never (proved)")):
        if mask.any():
            places = np.asarray(at)[mask]
            artists += ax.plot(
                places, np.full(len(places), 0.97), marker, transform=ax.get_xaxis_transform(), color="0.4",
                fillstyle="none", linestyle="none", label=words,
            )  # fmt: skip
    ax.set_ylabel(view.label)
    ax.legend(loc="best")
    return artists


def _scale(ax: Axes, which: str, name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Label an axis of a picture, on a log scale where values are spread so; return places of the values."""
    axis = getattr(ax, f"{which}axis")
    getattr(ax, f"set_{which}label")(name)
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        places = np.arange(len(values))
        axis.set_ticks(places, [f"{value:g}" if isinstance(value, float) else str(value) for value in values.tolist()])
        return places
    if len(values) > 2 and values[0] > 0 and np.ptp(np.diff(np.log(values))) < np.ptp(np.diff(values) / values[0]):
        getattr(ax, f"set_{which}scale")("log")
    return values


def _edges(places: NDArray[Any], scale: str) -> Array:
    """Return the edges of cells around places."""
    at = np.log(places) if scale == "log" else np.asarray(places, dtype=float)
    middle = (at[1:] + at[:-1]) / 2
    first = at[0] - (middle[0] - at[0]) if len(middle) else at[0] - 0.5
    last = at[-1] + (at[-1] - middle[-1]) if len(middle) else at[-1] + 0.5
    edges = np.r_[first, middle, last]
    return np.asarray(np.exp(edges) if scale == "log" else edges)
