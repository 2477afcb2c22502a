"""Labelled curves on given axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..curve import Curve

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which the colour-blind can tell apart
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "gray": "#666666",
}
TERMS = {"variance_error": ("blue", "-."), "misalignment_error": ("green", "-"), "linear_power": ("orange", "--")}


class Carrier(Protocol):
    """Anything that carries labelled curves and a summary, a run for one."""

    @property
    def curves(self) -> Mapping[str, Curve]:
        """Curves by name, ``t`` among them."""
        ...

    @property
    def summary(self) -> Mapping[str, Any]:
        """Crossings and thresholds, under the names of a run's summary."""
        ...


def losses(ax: Axes, run: Carrier, *, color: str = COLORS["blue"], label: str = "") -> list[Artist]:
    """Draw the losses of a run: train dashed, test solid, thresholds marked, the delay shaded.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    run : Carrier
    color : str
        Of this run.
    label : str
        Put before the names in the legend, where several runs share the axes.

    Returns
    -------
    list of matplotlib.artist.Artist
    """
    artists: list[Artist] = [_draw(ax, run, "loss_train", label, color=color, linestyle="--")]
    for name, style in (
        ("loss_test_exact", {"linewidth": 1.8}),
        ("loss_test_sample", {"linewidth": 1.0, "alpha": 0.6}),
    ):
        if name in run.curves:
            artists.append(_draw(ax, run, name, label, color=color, linestyle="-", **style))
    summary = run.summary
    levels = dict.fromkeys(
        level for level in (summary["threshold_train"], summary["threshold_test"]) if level is not None
    )
    for level in levels:
        artists.append(ax.axhline(level, color=COLORS["gray"], linewidth=0.8, linestyle=":"))
    for name, marker in (("train", "o"), ("test", "s")):
        if summary[f"t_{name}"]:
            t, level = summary[f"t_{name}"], summary[f"threshold_{name}"]
            artists += ax.plot(t, level, marker, color=color, markersize=5, zorder=3)
    if summary["delay"] and summary["delay"] > 0 and summary["t_train"] > 0:
        artists.append(
            ax.axvspan(
                summary["t_train"],
                summary["t_test"],
                color=color,
                alpha=0.1,
                linewidth=0,
                label=f"{label} delay {short(summary['delay'])}".strip(),
            )
        )
    _log_axes(ax, run)
    ax.set_ylabel("loss (mean squared residual)")
    return artists


def terms(ax: Axes, run: Carrier) -> list[Artist]:
    """Draw the three terms of the exact test loss, and their sum."""
    artists = [_draw(ax, run, "loss_test_exact", "", color="black", linewidth=1.0, alpha=0.7)]
    for name, (color, style) in TERMS.items():
        artists.append(_draw(ax, run, name, "", color=COLORS[color], linestyle=style))
    _log_axes(ax, run)
    ax.set_ylabel("terms of the test loss")
    return artists


def lazy(ax: Axes, run: Carrier, *, color: str = COLORS["orange"], label: str = "") -> list[Artist]:
    """Draw what the network would do if it stayed lazy: linearised losses, and where kernel regression ends.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    run : Carrier
        Curves that it does not have are left out.
    color : str
    label : str
        Put before the names in the legend.

    Returns
    -------
    list of matplotlib.artist.Artist
    """
    artists: list[Artist] = []
    for name, style in (
        ("loss_train_lazy", {"linestyle": "--"}),
        ("loss_test_exact_lazy", {"linestyle": "-"}),
        ("loss_test_sample_lazy", {"linestyle": "-", "alpha": 0.6}),
    ):
        if name in run.curves:
            artists.append(_draw(ax, run, name, label, color=color, linewidth=1.0, **style))
    test_loss = run.summary.get("test_loss")
    level = run.summary.get(f"kernel_regression_loss_{test_loss}")
    if level is not None:
        text = f"{label} kernel regression".strip()
        artists.append(ax.axhline(level, color=color, linewidth=0.8, linestyle=(0, (1, 1)), label=text))
    _log_axes(ax, run)
    return artists


ALIGNMENTS = ("alignment_population", "alignment_sample_test")
"""The alignment that is drawn is the first of these that a run has."""


def alignment(ax: Axes, run: Carrier, *, color: str = COLORS["purple"], label: str = "") -> list[Artist]:
    """Draw the alignment of kernel and task, over the population where that is known, else on the test points.

    Returns
    -------
    list of matplotlib.artist.Artist
        Empty where the run has neither.
    """
    name = next((name for name in ALIGNMENTS if name in run.curves), None)
    if name is None:
        return []
    artists = [_draw(ax, run, name, label, color=color, linestyle="-.", linewidth=1.2)]
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_ylabel(run.curves[name].long_name)
    return artists


def weight_norm(ax: Axes, run: Carrier, *, color: str = COLORS["blue"], label: str = "") -> list[Artist]:
    """Draw the mean square weight tr M, the paper's figure 1c.

    Returns
    -------
    list of matplotlib.artist.Artist
    """
    artists = [_draw(ax, run, "mean_square_weight", label, color=color, linestyle="-")]
    ax.set_xscale("log")
    ax.set_ylabel("mean square weight tr M")
    return artists


def short(value: float) -> str:
    """Write a number for a label: 5,546 rather than 5.55e+03."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def _draw(ax: Axes, run: Carrier, name: str, label: str, **style: Any) -> Artist:
    t, curve = run.curves["t"].values, run.curves[name]
    if np.count_nonzero(t > 0) < 10:
        style["marker"] = "."  # few points: a line alone would hide where they are
    return ax.plot(t[t > 0], curve.values[t > 0], label=f"{label} {curve.long_name}".strip(), **style)[0]


def _log_axes(ax: Axes, run: Carrier) -> None:
    """Set log time and log loss; t = 0 has no place, so the axis begins at the first saved time after it."""
    positive = run.curves["t"].values[run.curves["t"].values > 0]
    ax.set_xlim(*((positive[0], positive[-1]) if len(positive) > 1 else (0.1, 10.0)))
    ax.set_xscale("log")
    if any(np.any(np.asarray(line.get_ydata()) > 0) for line in ax.get_lines()):
        ax.set_yscale("log")
