"""Figure 7: alpha and sigma^2 are one parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..experiment.result import Run
from ..experiment.spec import Experiment
from ..plot.curves import COLORS
from ..plot.sheet import Line, Panel, Sheet, sequence
from ..sweep.scaling import law_through
from . import lines
from .figure import experiment, of_runs

if TYPE_CHECKING:
    import xarray

ALPHAS = (2**-5, 0.25, 0.5, 1, 2, 4, 8, 16, 32)
SIGMAS = (0.125, 0.25, 0.5, 1, 2)
CURVES = ("loss_train", "loss_test_exact", "relative_change")
LAZY = 2.0
"""From this sigma^2 alpha on the exponent is fitted."""

SERIES = {"alpha": ("blue", "o"), "sigma": ("orange", "s"), "both": ("green", "^")}
NAMES = {"alpha": "alpha varied", "sigma": "sigma varied", "both": "alpha = 1/sigma^2"}


@dataclass(frozen=True, slots=True)
class Figure7:
    """Panels a to f: losses over alpha, sigma and both; change of the parameters, and last test loss."""

    title: ClassVar[str] = "Figure 7: what matters is sigma^2 alpha"
    claim: ClassVar[str] = "relative change of the parameters and final test loss collapse on sigma^2 alpha"
    remark: ClassVar[str] = (
        "as the paper has it. Against alpha alone the change of the parameters is no single curve, against sigma^2 "
        "alpha it is"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return three series."""
        found = {f"alpha {a:g}": experiment("kumar-fig7", quick, alpha=a, lazy=False) for a in ALPHAS}
        for s in SIGMAS:
            how = {"sigma": s, "dt": 0.5 / s**2, "lazy": False}
            found[f"sigma {s:g}"] = experiment("kumar-fig7", quick, **how)
            found[f"both {s:g}"] = experiment("kumar-fig7", quick, alpha=1 / s**2, **how)
        return found

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return losses, and at the end of every run sigma^2 alpha, change and test loss."""
        data = of_runs(runs, CURVES)
        first = int(data["seed"].values[0])
        scale = {run: runs[run, first].experiment for run in data["run"].values.tolist()}
        data["alpha"] = (("run",), np.array([one.alpha for one in scale.values()]))
        data["sigma2_alpha"] = (("run",), np.array([one.sigma**2 * one.alpha for one in scale.values()]))
        for name in ("relative_change", "loss_test_exact"):
            last = [[runs[run, seed].curves[name].values[-1] for seed in data["seed"].values.tolist()] for run in scale]
            data[f"final_{name}"] = (("run", "seed"), np.array(last))
        return data

    def sheet(self, data: xarray.Dataset) -> Sheet:
        """Draw the series above, what collapses below."""
        panels = [self._series(data, kind) for kind in SERIES]
        size, alone, both = "|W - W0| / |W0| at the end", ("alpha", "alpha"), ("sigma2_alpha", "sigma^2 alpha")
        panels += [
            self._last(data, alone, "final_relative_change", "change of the parameters, by alpha", size),
            self._last(data, both, "final_relative_change", "the same, by sigma^2 alpha", size, fit=True),
            self._last(data, both, "final_loss_test_exact", "last test loss", lines.LOSS),
        ]
        note = "D 100, P 450, N 500, eps 0.25, B = 2 beta beta^T, centred, dt 0.5 / sigma^2"
        return Sheet(panels=panels, columns=3, note=note)

    @staticmethod
    def _series(data: xarray.Dataset, kind: str) -> Panel:
        chosen = data.sel(run=[run for run in data["run"].values.tolist() if run.startswith(f"{kind} ")])
        return lines.fan(
            chosen, "loss_test_exact", title=NAMES[kind], y_label="test loss over its initial value",
            colors=sequence(chosen.sizes["run"]), relative=True,
        )  # fmt: skip

    @staticmethod
    def _last(
        data: xarray.Dataset, over: tuple[str, str], name: str, title: str, y_label: str, *, fit: bool = False
    ) -> Panel:
        """Return the panel of what the runs end with, over one of their parameters (variable and label)."""
        runs = data["run"].values.tolist()
        x, y = data[over[0]].values, data[name].median("seed").values
        shown = []
        for kind, (color, marker) in SERIES.items():
            mine = np.array([run.startswith(f"{kind} ") for run in runs])
            order = np.argsort(x[mine])
            at, values = x[mine][order], y[mine][order]
            shown.append(Line(x=at, y=values, label=NAMES[kind], color=COLORS[color], style="", marker=marker))
        lazy = (x >= LAZY) & (y > 0)
        if fit and np.unique(x[lazy]).size > 2:
            law = law_through(over[1], x[lazy], y[lazy])
            along, values = law.curve()
            label = f"exponent {law.exponent:.2f} from {LAZY:g} on"
            shown.append(Line(x=along, y=values, label=label, style="--"))
        return Panel(title=title, x_label=over[1], y_label=y_label, lines=shown)
