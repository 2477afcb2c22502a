"""How far the crossings of one sweep are from those of another optimizer at the cells that both have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..outcome import CrossingStatus
from .layout import CROSSINGS, THRESHOLD

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

HOW = ("optimizer", "solver", "rtol", "guard", "until", "points", "times", "steps", "t_max", "time_limit", "lazy")
"""Fields in which two sweeps may differ and still be of one training."""

REACHED = [CROSSINGS.index(status) for status in (CrossingStatus.REACHED, CrossingStatus.REACHED_AT_START)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far two sweeps are apart at their common cells.

    Parameters
    ----------
    ours, theirs : str
        Optimizers.
    cells : int
        That both have computed.
    largest : dict of str to float
        Largest relative distance of ``t_train`` and ``t_test`` where both are reached; NaN where there is none.
    one_sided : dict of str to int
        Cells where one of the two is reached and the other is not.
    """

    ours: str
    theirs: str
    cells: int
    largest: dict[str, float]
    one_sided: dict[str, int]

    def __str__(self) -> str:
        parts = []
        for name, value in self.largest.items():
            only = f", {self.one_sided[name]} reached by one only" if self.one_sided[name] else ""
            parts.append(f"{name} {'never by both' if np.isnan(value) else f'within {value:.2g}'}{only}")
        return f"{self.ours} against {self.theirs} at {self.cells} cells: {', '.join(parts)} (relative)"


def distance(data: xarray.Dataset, other: xarray.Dataset, threshold: str | None = None) -> Distance:
    """Compare the crossing times of two sweeps.

    Parameters
    ----------
    data, other : xarray.Dataset
        As ``open_sweep`` gives them; not all axes and values need be the same.
    threshold : str, optional
        The first of ``data`` by default.

    Raises
    ------
    InvalidInput
        If they differ in more than how they were trained, or have no cell in common.
    """
    ours, theirs = (json.loads(one.attrs["config_json"])["experiment"] for one in (data, other))
    axes, others = ([str(name) for name in one["status"].dims] for one in (data, other))
    for name in sorted({*ours, *theirs} - {*HOW, *axes, *others}):
        if ours.get(name) != theirs.get(name):
            raise InvalidInput(
                f"the sweeps differ in {name}: {ours.get(name, 'not given')} and {theirs.get(name, 'not given')}; "
                "compare sweeps of one training by two optimizers"
            )
    order = tuple(dict.fromkeys([*axes, *others]))
    data, other = (_over(one, order, experiment) for one, experiment in ((data, ours), (other, theirs)))
    wanted = threshold or str(data[THRESHOLD].values[0])
    pairs = {name: _common(data[name].values, other[name].values) for name in order}
    if wanted not in other[THRESHOLD].values or not all(len(here) for here, _ in pairs.values()):
        raise InvalidInput(f"the sweeps have no cell in common at threshold {wanted}; sweep the other at some of ours")
    one, two = (
        each.isel({name: pair[k] for name, pair in pairs.items()}).sel({THRESHOLD: wanted})
        for k, each in enumerate((data, other))
    )
    both = (one["status"].values != 0) & (two["status"].values != 0)
    largest, one_sided = {}, {}
    for name in ("t_train", "t_test"):
        reached = [np.isin(each[f"{name}_status"].values, REACHED) & both for each in (one, two)]
        a, b = (each[name].values[reached[0] & reached[1]] for each in (one, two))
        apart = np.abs(a - b) / np.where(b > 0, b, 1.0)
        largest[name] = float(apart.max()) if apart.size else float("nan")
        one_sided[name] = int(np.count_nonzero(reached[0] != reached[1]))
    return Distance(ours=_name(ours), theirs=_name(theirs), cells=int(both.sum()), largest=largest, one_sided=one_sided)


def _over(data: xarray.Dataset, axes: Sequence[str], experiment: Mapping[str, Any]) -> xarray.Dataset:
    """Return a sweep over certain axes, one value long where it has but one."""
    wanted = data[["status", "t_train", "t_train_status", "t_test", "t_test_status"]].load()
    missing = {name: [experiment[name]] for name in axes if name not in wanted.dims}
    expanded: xarray.Dataset = wanted.expand_dims(missing).transpose(*axes, ...)
    return expanded


def _common(here: NDArray[Any], there: NDArray[Any]) -> tuple[list[int], list[int]]:
    """Return the places of the values that both axes have."""
    same = np.equal.outer(here, there) if here.dtype.kind not in "f" else np.isclose(here[:, None], there, rtol=1e-9)
    i, j = np.nonzero(same)
    return i.tolist(), j.tolist()


def _name(experiment: dict[str, Any]) -> str:
    return str(experiment["optimizer"])
