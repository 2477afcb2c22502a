"""How long a sweep will take, by the time of some of its cells."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from .cells import Task, compute
from .layout import CODES, CellStatus, Layout
from .specification import Sweep

PATIENCE = 3.0
"""Seconds that are spent on it, and the time limit of a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What some cells took.

    Parameters
    ----------
    cells : int
        That were timed.
    seconds : float
        Mean of a cell, on one core.
    whole : bool
        Whether all were finished; else a cell takes longer.
    """

    cells: int
    seconds: float
    whole: bool

    def of(self, sweep: Sweep) -> str:
        """Say what the whole sweep takes."""
        about = "about" if self.whole else "more than"
        return f"{about} {sweep.size * self.seconds:.3g} s ({self.cells} cells took {self.seconds:.3g} s each)"


def estimate(sweep: Sweep, layout: Layout) -> Estimate:
    """Time cells spread over the grid, at least two, after one that may compile; their numbers are not kept."""
    limited = replace(sweep, base=sweep.base.model_copy(update={"time_limit": PATIENCE}))
    order = np.random.default_rng(0).permutation(sweep.size)
    times: list[float] = []
    whole, begun = True, time.perf_counter()
    for k in (order[0], *order):
        index = np.unravel_index(int(k), sweep.shape)
        started = time.perf_counter()
        arrays = compute(Task(limited, layout, tuple((int(i), int(i) + 1) for i in index)))
        times.append(time.perf_counter() - started)
        whole &= bool((arrays["status"] != CODES[CellStatus.TIME_LIMIT]).all())
        if len(times) > 2 and time.perf_counter() - begun > PATIENCE:
            break
    timed = times[1:]
    return Estimate(cells=len(timed), seconds=float(np.mean(timed)), whole=whole)
