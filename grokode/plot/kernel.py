"""The picture of an initial kernel: its spectrum, and the learning curve of regression with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .curves import COLORS
from .figure import STYLE, ticks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class KernelCarrier(Protocol):
    """Anything that carries spectra and a learning curve, a kernel report for one."""

    @property
    def sample(self) -> Any:
        """Eigenvalues of K_0 / P on ``n_train`` samples, or None."""
        ...

    @property
    def spectrum(self) -> Any:
        """Population ``eigenvalues``, and ``mean_square`` of the task, or None."""
        ...

    @property
    def average_curve(self) -> Sequence[Any]:
        """The theory at many sizes, each with ``n_train`` and ``loss_test``."""
        ...

    @property
    def learning_curve(self) -> Sequence[tuple[Any, Any]]:
        """Pairs of theory and simulation (or None), each with ``n_train`` and ``loss_test``."""
        ...


def spectrum(ax: Axes, report: KernelCarrier) -> list[Artist]:
    """Draw the eigenvalues against their place: those of the sample as points, the population's as a line."""
    artists: list[Artist] = []
    if report.sample is not None and len(report.sample.eigenvalues):
        values = report.sample.eigenvalues
        label = f"K₀/P on {report.sample.n_train:,} samples"
        artists += ax.plot(np.arange(1, len(values) + 1), values, ".", markersize=3, color=COLORS["blue"], label=label)
    if report.spectrum is not None and len(report.spectrum.eigenvalues):
        values = report.spectrum.eigenvalues
        places = np.arange(1, len(values) + 1)
        artists += ax.plot(places, values, "-", linewidth=1.2, color=COLORS["red"], label="law of the inputs")
    ax.set_xscale("log")
    if artists:
        ax.set_yscale("log")
    ax.set_xlabel("index, from the largest")
    ax.set_ylabel("eigenvalue (1 / flow time)")
    return artists


def learning_curve(ax: Axes, report: KernelCarrier) -> list[Artist]:
    """Draw the average test loss of kernel regression against the number of samples: theory, and simulations."""
    artists: list[Artist] = []
    theory = [point for point in report.average_curve if np.isfinite(point.loss_test)]
    sizes, losses = ([getattr(point, name) for point in theory] for name in ("n_train", "loss_test"))
    artists += ax.plot(sizes, losses, "-" if len(sizes) > 1 else "_", color=COLORS["blue"], label="average, theory")
    drawn = [point for _, point in report.learning_curve if point is not None]
    if drawn:
        artists.append(
            ax.errorbar(
                [point.n_train for point in drawn],
                [point.loss_test for point in drawn],
                yerr=[np.nan_to_num(point.standard_error) for point in drawn],
                fmt="o",
                markersize=3.5,
                linewidth=1.0,
                color=COLORS["orange"],
                label=f"mean of {drawn[0].draws} draws",
            ).lines[0]
        )
    if report.spectrum is not None:
        level = report.spectrum.mean_square
        artists.append(ax.axhline(level, color=COLORS["gray"], linewidth=0.8, linestyle=":", label="at the start"))
    if report.sample is not None:
        place = report.sample.n_train
        artists.append(ax.axvline(place, color=COLORS["gray"], linewidth=0.8, linestyle="--", label=f"P = {place:,}"))
    ax.set_xscale("log")
    if any(loss > 0 for loss in losses):
        ax.set_yscale("log")
        top = max(losses)
        ax.set_ylim(max(1e-6 * top, 0.5 * min(loss for loss in losses if loss > 0)), None)
    ticks(ax.xaxis)
    ax.set_xlabel("training samples P")
    ax.set_ylabel("test loss of kernel regression")
    return artists


def kernel_picture(report: KernelCarrier) -> Figure:
    """Draw the spectrum, and beside it the learning curve where the law of the inputs is known.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        panels = 1 + bool(report.learning_curve)
        figure = Figure(figsize=(3.6 * panels, 3.0), layout="constrained")
        axes = figure.subplots(1, panels, squeeze=False)[0]
        spectrum(axes[0], report)
        axes[0].set_title("initial kernel", loc="left", fontsize=9)
        if panels == 2:
            learning_curve(axes[1], report)
            axes[1].set_title("what its regression learns", loc="left", fontsize=9)
        for ax in axes:
            if ax.get_legend_handles_labels()[0]:
                ax.legend(loc="best")
    return figure
