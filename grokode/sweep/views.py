"""What a picture or a table shows of a sweep: one quantity over one axis or two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..registry import nearest
from .layout import CROSSINGS, THRESHOLD, TIME

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

SEED = "seed"
QUARTILES = (0.25, 0.75)
NEAR = 0.01
"""By which part the value of an axis may be rounded that is asked for."""
NEVER, OPEN = CROSSINGS.index("never"), CROSSINGS.index("not_reached")
CENSORED = {"t_train": ("t_train_status",), "t_test": ("t_test_status",), "delay": ("t_train_status", "t_test_status")}
"""Quantities that may lie beyond the end of a run, with the statuses that say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A quantity over one axis or two, its median over seeds.

    Parameters
    ----------
    quantity : str
    label, title : str
        The quantity with its units; what is the same everywhere.
    axes : mapping of str to ndarray
        One axis or two, ``x`` first.
    values : ndarray, shape (x,) or (x, y)
        NaN where it is unknown. A median over seeds counts what is beyond the end as larger than all.
    low, high : ndarray
        Quartiles over seeds, the values themselves where there is one seed; infinite where they are beyond the end.
    never, open : ndarray of bool
        Where it is proved that there is no value, and where the run ended before there was one.
    seeds : int
    """

    quantity: str
    label: str
    title: str
    axes: Mapping[str, NDArray[Any]]
    values: Array
    low: Array
    high: Array
    never: NDArray[np.bool_]
    open: NDArray[np.bool_]
    seeds: int


def view_of(
    data: xarray.Dataset,
    quantity: str = "delay",
    *,
    x: str | None = None,
    y: str | None = None,
    threshold: str | None = None,
    at: Mapping[str, str] | None = None,
) -> View:
    """Take one quantity over one axis or two out of a sweep.

    Parameters
    ----------
    data : xarray.Dataset
        As ``open_sweep`` gives it.
    quantity : str
        A number a cell has, at a threshold or without one.
    x, y : str, optional
        Axes; by default the first two.
    threshold : str, optional
        The first by default.
    at : mapping of str to str, optional
        Values of the other axes, which may be rounded; by default the first.

    Raises
    ------
    InvalidInput
        If a name is unknown or a value is none.
    """
    axes = [str(name) for name in data["status"].dims]
    numbers = [str(name) for name in data.data_vars if _is_number(data, str(name))]
    if quantity not in numbers:
        raise InvalidInput(f"unknown quantity {quantity!r}; {nearest(quantity, numbers)}")
    free = [name for name in axes if name != SEED and name not in (at or {})]
    shown = [name for name in (x, y) if name] or free[:2] or axes[:1]
    for name in (*shown, *(at or {})):
        if name not in axes:
            raise InvalidInput(f"{name!r} is no axis of this sweep; its axes are {', '.join(axes)}")
    places = {name: _place(data, name, (at or {}).get(name)) for name in axes if name not in (*shown, SEED)}
    if SEED in (at or {}):
        places[SEED] = _place(data, SEED, (at or {})[SEED])
    said = [f"{name} = {data[name].values[i]}" for name, i in places.items()]
    if THRESHOLD in data[quantity].dims:
        known = data[THRESHOLD].values.tolist()
        if threshold is not None and threshold not in known:
            raise InvalidInput(f"no threshold {threshold!r} in this sweep; it has {', '.join(known)}")
        places[THRESHOLD] = known.index(threshold) if threshold is not None else 0
        said.append(f"threshold {known[places[THRESHOLD]]}")
    here = data.isel(places, missing_dims="ignore")
    seeds = SEED in here[quantity].dims and SEED not in shown
    order = (*shown, *([SEED] if seeds else []))
    values = here[quantity].transpose(*order).values
    codes = [here[name].transpose(*order).values for name in CENSORED.get(quantity, ())]
    never = np.any([code == NEVER for code in codes], axis=0) if codes else np.zeros(values.shape, bool)
    beyond = np.any([code == OPEN for code in codes], axis=0) & ~never if codes else np.zeros(values.shape, bool)
    if seeds:
        never, beyond, (low, middle, high) = _over_seeds(values, never, beyond)
    else:
        low = middle = high = np.where(never | beyond, np.inf, values)
    units = data[quantity].attrs.get("units", "1")
    return View(
        quantity=quantity,
        label=quantity if units == "1" else f"{quantity} ({units})",
        title=", ".join(said),
        axes={name: data[name].values for name in shown},
        values=np.where(np.isfinite(middle), middle, np.nan),
        low=low,
        high=high,
        never=never,
        open=beyond,
        seeds=data.sizes[SEED] if seeds else 1,
    )


def _over_seeds(
    values: Array, never: NDArray[np.bool_], beyond: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Array]:
    """Return where the median is never or beyond, and quartiles and median, what is censored being larger than all."""
    ranked = np.where(never | beyond, np.inf, values)
    unknown: NDArray[np.bool_] = np.any(np.isnan(ranked), axis=-1)
    in_order = np.sort(np.where(unknown[..., None], 0.0, ranked), axis=-1)
    low, middle, high = (
        np.where(unknown, np.nan, _quantile(in_order, part)) for part in (QUARTILES[0], 0.5, QUARTILES[1])
    )
    censored = np.isinf(middle)
    proved = never.mean(axis=-1) > 0.5
    return censored & proved, censored & ~proved, np.array([low, middle, high])


def _quantile(in_order: Array, part: float) -> Array:
    """Return the inverse of the distribution, in the middle of where it is level, as R's ``survfit`` has it.

    With one end of time for all seeds that is Kaplan and Meier's; infinite where it reaches beyond the end, where
    NumPy's ``averaged_inverted_cdf`` has no number.
    """
    n = in_order.shape[-1]
    place = math.ceil(part * n)
    at: Array = in_order[..., place - 1]
    return (at + in_order[..., place]) / 2 if place == part * n and place < n else at


def _is_number(data: xarray.Dataset, name: str) -> bool:
    variable = data[name]
    return TIME not in variable.dims and "flag_meanings" not in variable.attrs and variable.dtype.kind == "f"


def _place(data: xarray.Dataset, name: str, text: str | None) -> int:
    """Return the place on an axis of the value that a text says, rounded or not, or the first."""
    values = data[name].values
    known = ", ".join(f"{value:g}" if values.dtype.kind in "iuf" else str(value) for value in values)
    if text is None:
        return 0
    if values.dtype.kind not in "iuf":
        if text not in values.tolist():
            raise InvalidInput(f"{name} has no value {text!r}; it has {known}")
        return int(values.tolist().index(text))
    try:
        wanted = float(text)
    except ValueError:
        raise InvalidInput(
            f"{name} = {text!r} is no number; write {name}={values[0]:g}, for each axis by itself"
        ) from None
    place = int(np.argmin(np.abs(values - wanted)))
    if abs(values[place] - wanted) > NEAR * abs(wanted):
        raise InvalidInput(f"{name} has no value near {text}; it has {known}")
    return place
