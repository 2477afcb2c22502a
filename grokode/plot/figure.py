"""The default picture of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .curves import ALIGNMENTS, Carrier, alignment, lazy, losses, short, terms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
DECADES_SHOWN = 6
"""Losses further below the largest one than this are cut off: rounding makes them unreadable."""


def picture(run: Carrier, title: str = "") -> Figure:
    """Draw losses, linearised ones and alignment over log time; below, the three terms of the test loss.

    What the run does not have is left out.

    Parameters
    ----------
    run : Carrier
    title : str
        What is seen; by default what the crossings say.

    Returns
    -------
    matplotlib.figure.Figure
        6 inches wide; save it with ``savefig``.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        panels = 2 if "variance_error" in run.curves else 1
        height = 1.2 + 2.4 * panels
        figure = Figure(figsize=(6.0, height))
        axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        # fixed margins in inches: solving for them would draw everything twice
        aligned = any(name in run.curves for name in ALIGNMENTS)
        right = 0.7 if aligned else 0.15
        figure.subplots_adjust(
            left=0.7 / 6, right=1 - right / 6, bottom=0.5 / height, top=1 - 0.3 / height, hspace=0.08
        )
        losses(axes[0], run)
        lazy(axes[0], run)
        second = alignment(_second_axis(axes[0]), run) if aligned else []
        axes[0].set_title(title or headline(run), loc="left", fontsize=9)
        if panels == 2:
            terms(axes[1], run)
        for ax in axes:
            ticks(ax.xaxis)
            if ax.get_yscale() == "log":
                _cut(ax)
                ticks(ax.yaxis)
            handles, _ = ax.get_legend_handles_labels()
            ax.legend(handles=[*handles, *(second if ax is axes[0] else [])], loc="best")
        axes[-1].set_xlabel("flow time t (steps × lr α²/N)")
    return figure


def _second_axis(ax: Axes) -> Axes:
    """Return axes over the same times with a scale of their own on the right, behind the first."""
    from matplotlib.ticker import MaxNLocator

    second = ax.twinx()
    second.yaxis.set_major_locator(MaxNLocator(5))
    second.spines["right"].set_visible(True)
    ax.set_zorder(second.get_zorder() + 1)
    ax.patch.set_visible(False)
    return second


def headline(run: Carrier) -> str:
    """Say in one line what the crossings say."""
    if run.summary.get("ill_conditioned"):
        amplified = f"changes of the start are amplified {run.summary['amplification']:.0e} times"
        return f"ill-conditioned, not to be trusted: {amplified}"
    summary = run.summary
    level = summary["threshold"]
    if isinstance(level, str):
        level += " of its start"
    if summary["delay"] is not None:
        return f"train loss below {level} at t = {short(summary['t_train'])}, test loss at {short(summary['t_test'])}"
    if summary["t_train"] is not None and summary["t_test_status"] is not None:
        verdict = "never (proved)" if summary["t_test_status"] == "never" else "not within this time"
        return f"train loss below {level} at t = {short(summary['t_train'])}, test loss {verdict}"
    return f"threshold {level}: train loss {str(summary['t_train_status']).replace('_', ' ')}"


def ticks(axis: Axis) -> None:
    """Mark whole decades, or 1, 2, 5 where there are few; many small ticks cost more time than the curves."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = axis.get_view_interval()
    few = high < 100 * low
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if few else decade(value)))
    axis.set_minor_locator(NullLocator())


def decade(value: float) -> str:
    """Write a power of ten, without mathtext, which is slow."""
    return "10" + f"{math.log10(value):.0f}".translate(RAISED)


def _cut(ax: Axes) -> None:
    """Cut the loss axis a few decades below its top."""
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, high * 10.0**-DECADES_SHOWN), high)
