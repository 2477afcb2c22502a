"""Figure 3e: the amount of grokking over alpha and eps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..experiment.result import Run
from ..experiment.spec import Experiment
from .diagram import BARE, cells, delay_map, label, of_cells
from .figure import experiment

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure as Picture

ALPHAS, EPS = (np.linspace(*ends, 14).round(10).tolist() for ends in ((0.4, 5.6), (0.02, 0.28)))
DESCENT = "descent "
CHECKED = [(0.4, 0.02), (0.4, 0.28), (5.6, 0.02), (5.6, 0.28), (2.8, 0.14)]
"""Cells at which flow is compared with exact descent: corners and centre."""


@dataclass(frozen=True, slots=True)
class Figure3e:
    """Flow in every cell; without ``quick`` exact descent too, in five of them."""

    title: ClassVar[str] = "Figure 3e: time from memorising to generalising, loss below 0.1"
    claim: ClassVar[str] = "most grokking at large alpha and small eps, none at small alpha or large eps"
    remark: ClassVar[str] = (
        "the delay grows to large alpha and small eps, up to a border beyond which the test loss never falls below "
        "the threshold. The paper's picture has no grokking there, since its authors code never as -1; here it is "
        "hatched where a certificate proves it, and open where the run ended first"
    )

    def experiments(self, quick: bool) -> dict[str, Experiment]:
        """Return the grid, every other value of it where quick."""
        step = 2 if quick else 1
        found = cells(
            "kumar-fig3e", quick, "alpha", "eps", {"alpha": ALPHAS[::step], "eps": EPS[::step]}, threshold="0.1"
        )
        if not quick:
            how: dict[str, Any] = {**BARE, "optimizer": "gradient_descent", "threshold": "0.1"}
            found |= {
                DESCENT + label(a, e): experiment("kumar-fig3e", quick, alpha=a, eps=e, **how) for a, e in CHECKED
            }
        return found

    def data(self, runs: Mapping[tuple[str, int], Run]) -> xarray.Dataset:
        """Return crossings over (alpha, eps), and how far those of flow are from descent's."""
        flows = {key: run for key, run in runs.items() if not key[0].startswith(DESCENT)}
        data = of_cells(flows, "alpha", "eps")
        for name in ("t_train", "t_test"):
            apart = []
            for (text, seed), run in runs.items():
                if text.startswith(DESCENT):
                    ours, theirs = flows[text.removeprefix(DESCENT), seed].summary[name], run.summary[name]
                    apart.append(abs(ours - theirs) / theirs if ours and theirs else np.nan)
            if apart:
                data[f"{name}_off_descent"] = (("checked",), np.array(apart), {"long_name": "relative distance"})
        return data

    def draw(self, data: xarray.Dataset) -> Picture:
        """Draw the delay."""
        notes = ["gradient flow, D 100, P 550, N 500"]
        if "t_train_off_descent" in data:
            far = [np.nanmax(data[f"{name}_off_descent"].values) for name in ("t_train", "t_test")]
            notes.append(f"corners and centre: t_train within {far[0]:.2g}, t_test within {far[1]:.2g} of descent's")
        return delay_map(data, "alpha", "eps", title=self.title, notes=notes)
