"""The picture of an overlay: logged losses as points, the theory as lines, and what is between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .curves import COLORS
from .figure import STYLE, decade, ticks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

ORDER = ("blue", "red", "green", "purple", "orange")
"""Colours of logs, in order."""

INK = "#222222"
"""The colour of theory."""

NAMED = 6
"""Up to this many logs the legend names each."""

DECADES_SHOWN = 12
"""Losses further below the largest one than this are cut off."""


class Steps(Protocol):
    """What steps are worth."""

    @property
    def dt(self) -> float:
        """Flow time of a step."""
        ...

    @property
    def steady(self) -> bool:
        """Whether all are worth the same."""
        ...


class ComparedCurve(Protocol):
    """One logged loss beside its theory; arrays of one axis have one length, NaN where nothing can be compared."""

    @property
    def name(self) -> str:
        """``loss_train`` or ``loss_test``."""
        ...

    @property
    def long_name(self) -> str:
        """What a label says."""
        ...

    @property
    def log(self) -> str:
        """Whose it is."""
        ...

    @property
    def pace(self) -> Steps:
        """What steps are worth."""
        ...

    @property
    def t(self) -> Array:
        """Flow time of the logged points."""
        ...

    @property
    def data(self) -> Any:
        """The logged ``values``."""
        ...

    @property
    def spread(self) -> Array | None:
        """Standard deviation over logs, in log loss."""
        ...

    @property
    def residual(self) -> Array:
        """(data - theory) / data."""
        ...

    @property
    def resolution(self) -> Array:
        """Of the log, over the data."""
        ...

    @property
    def standard_error(self) -> Array | None:
        """Of the difference of two means, in log loss."""
        ...

    @property
    def line_t(self) -> Array:
        """Flow time of the theory's line."""
        ...

    @property
    def line(self) -> Array:
        """The theory."""
        ...

    @property
    def line_spread(self) -> Array | None:
        """Standard deviation over draws, in log loss."""
        ...


class OverlayCarrier(Protocol):
    """Anything that carries logged losses beside their theory, an overlay for one."""

    @property
    def compared(self) -> Sequence[ComparedCurve]:
        """Each logged loss."""
        ...

    @property
    def headline(self) -> str:
        """What is seen, in one line."""
        ...


def overlaid(ax: Axes, overlay: OverlayCarrier) -> list[Artist]:
    """Draw losses: logged ones as points, hollow for train; theory as lines, dashed for train; spreads as bands."""
    artists: list[Artist] = []
    for one, color in zip(overlay.compared, _colors(overlay), strict=True):
        shown = (one.t > 0) & (one.data.values > 0)
        t, values = one.t[shown], one.data.values[shown]
        if one.spread is not None:
            artists.append(_band(ax, t, values, one.spread[shown], color, 0.2))
        face = "white" if one.name == "loss_train" else color
        artists += ax.plot(
            t, values, "o", color=color, markerfacecolor=face, markersize=3.6, markeredgewidth=0.9, markevery=0.015,
            zorder=2.5,
        )  # fmt: skip
        shown = (one.line_t > 0) & (one.line > 0)
        t, line = one.line_t[shown], one.line[shown]
        if one.line_spread is not None:
            artists.append(_band(ax, t, line, one.line_spread[shown], INK, 0.12))
        artists += ax.plot(t, line, color=INK, linewidth=1.1, linestyle=_style(one), zorder=3)
    _log_axes(ax, overlay)
    ax.set_ylabel("loss (mean squared residual)")
    return artists


def residuals(ax: Axes, overlay: OverlayCarrier) -> list[Artist]:
    """Draw (data - theory) / data; what the log leaves open is shaded, or the standard error of means."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    artists: list[Artist] = [ax.axhline(0.0, color=INK, linewidth=0.8)]
    height = 1.25 * max((float(np.nanmax(np.abs(one.residual), initial=0.0)) for one in overlay.compared), default=0.0)
    height = height or 1e-16
    for one, color in zip(overlay.compared, _colors(overlay), strict=True):
        shown = (one.t > 0) & np.isfinite(one.residual)
        t, residual = one.t[shown], one.residual[shown]
        half = (one.resolution if one.standard_error is None else one.standard_error)[shown]
        if np.any(half > 0.02 * height):  # thinner than the line of zero it would only be in the legend
            artists.append(ax.fill_between(t, -half, half, color=color, alpha=0.15, linewidth=0, zorder=1))
        face = "white" if one.name == "loss_train" else color
        artists += ax.plot(
            t, residual, "o", color=color, markerfacecolor=face, markersize=2.6, markeredgewidth=0.7, zorder=2
        )
    ax.set_ylim(-height, height)
    unit = math.floor(math.log10(height))
    if -2 <= unit < 2:
        unit = 0
    ax.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 10.0**unit:g}".replace("-", "−")))
    ax.set_ylabel("(data − theory)\n/ data" + (f" ({decade(10.0**unit)})" if unit else ""))
    return artists


def overlay_picture(overlay: OverlayCarrier, title: str = "") -> Figure:
    """Draw logged losses and theory over log time, and below what is between them.

    Parameters
    ----------
    overlay : OverlayCarrier
    title : str
        What is seen; by default how far the two are from each other.

    Returns
    -------
    matplotlib.figure.Figure
        6 inches wide; save it with ``savefig``.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.0, 5.0))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1.0))
        # fixed margins in inches: solving for them would draw everything twice
        figure.subplots_adjust(left=0.85 / 6, right=1 - 0.15 / 6, bottom=0.5 / 5, top=1 - 0.68 / 5, hspace=0.1)
        overlaid(above, overlay)
        residuals(below, overlay)
        _cut(above)
        ticks(above.yaxis)
        ticks(below.xaxis)
        sizes = {one.pace.dt for one in overlay.compared if one.pace.steady}
        steady = all(one.pace.steady for one in overlay.compared)
        below.set_xlabel(f"flow time t ({'steps ×' if steady else 'sum of'} lr α²/N)")
        if len(sizes) == 1 and steady:
            _steps_above(above, sizes.pop())
        figure.suptitle(title or overlay.headline, x=0.85 / 6, y=1 - 0.08 / 5, ha="left", va="top", fontsize=9)
        above.legend(handles=_legend(overlay), loc="best")
        if below.collections:
            below.legend(handles=[_shaded(overlay)], loc="best")
    return figure


def _colors(overlay: OverlayCarrier) -> list[str]:
    """Return the colour of each logged loss: one a log."""
    logs = list(dict.fromkeys(one.log for one in overlay.compared))
    return [COLORS[ORDER[logs.index(one.log) % len(ORDER)]] for one in overlay.compared]


def _style(one: ComparedCurve) -> Literal["--", "-"]:
    return "--" if one.name == "loss_train" else "-"


def _band(ax: Axes, t: Array, middle: Array, spread: Array, color: str, alpha: float) -> Artist:
    """Shade one standard deviation of log loss about a curve."""
    low, high = middle * np.exp(-spread), middle * np.exp(spread)
    return ax.fill_between(t, low, high, color=color, alpha=alpha, linewidth=0, zorder=1.5)


def _log_axes(ax: Axes, overlay: OverlayCarrier) -> None:
    """Set log time and log loss; t = 0 has no place, so the axis begins at the first logged time after it."""
    times = np.concatenate([one.t[one.t > 0] for one in overlay.compared] or [np.empty(0)])
    low, high = (times.min(), times.max()) if len(times) and times.min() < times.max() else (0.1, 10.0)
    margin = (high / low) ** 0.02
    ax.set_xlim(low / margin, high * margin)
    ax.set_xscale("log")
    ax.set_yscale("log")


def _cut(ax: Axes) -> None:
    """Cut the loss axis many decades below its top."""
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, high * 10.0**-DECADES_SHOWN), high)


def _steps_above(ax: Axes, dt: float) -> None:
    """Count steps on an axis above."""
    second = ax.twiny()
    low, high = ax.get_xlim()
    second.set_xscale("log")
    second.set_xlim(low / dt, high / dt)
    second.spines["top"].set_visible(True)
    ticks(second.xaxis)
    second.set_xlabel("step")


def _legend(overlay: OverlayCarrier) -> list[Artist]:
    """Return what the legend shows: points of logs, lines of theory, and the colours of several logs."""
    from matplotlib.lines import Line2D

    handles: list[Artist] = []
    logs = list(dict.fromkeys(one.log for one in overlay.compared))
    color = COLORS[ORDER[0]] if len(logs) == 1 else COLORS["gray"]
    names = {one.name: one for one in overlay.compared}
    for name, one in names.items():
        face = "white" if name == "loss_train" else color
        style: dict[str, Any] = {"color": color, "markerfacecolor": face, "markersize": 3.6, "markeredgewidth": 0.9}
        what = one.log if one.spread is not None else "logged"
        handles.append(Line2D([], [], marker="o", linestyle="none", label=f"{one.long_name}, {what}", **style))
    for one in names.values():
        text = f"{one.long_name}, theory" if one.line_spread is None else f"{one.long_name}, theory, mean of draws"
        handles.append(Line2D([], [], color=INK, linewidth=1.1, linestyle=_style(one), label=text))
    if 1 < len(logs) <= NAMED:
        colors = dict(zip((one.log for one in overlay.compared), _colors(overlay), strict=True))
        handles += [Line2D([], [], marker="s", linestyle="none", color=colors[log], label=log) for log in logs]
    return handles


def _shaded(overlay: OverlayCarrier) -> Artist:
    """Return the legend of what is shaded between the residuals."""
    from matplotlib.patches import Patch

    means = any(one.standard_error is not None for one in overlay.compared)
    label = "standard error of the difference" if means else "resolution of the log"
    colors = set(_colors(overlay))
    color = colors.pop() if len(colors) == 1 else COLORS["gray"]
    return Patch(color=color, alpha=0.2, linewidth=0, label=label)
