"""What the page of a sweep holds: its numbers in full, its loss curves as far as they fit."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..sweep.layout import STATUS, THRESHOLD, TIME
from ..sweep.views import CENSORED

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

LARGEST = 2_000_000
"""Bytes of a page whose curves are whole."""

FEWEST = 8
"""Points below which a curve is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Payload:
    """The numbers of a page.

    Parameters
    ----------
    numbers : dict
        Plain data: axes, scalars, words.
    curves : dict of str to ndarray, shape (cells, T)
        Loss curves.
    t : ndarray, shape (cells, T)
        Their times.
    """

    numbers: dict[str, Any]
    curves: dict[str, Array]
    t: Array

    def encoded(self, limit: int = LARGEST) -> bytes:
        """Return all of it as JSON, with as many points of a curve as fit into ``limit`` bytes."""
        whole = self.t.shape[1]
        places = np.arange(whole)
        while True:
            kept = self.curves if len(places) >= min(FEWEST, whole) else {}
            text = json.dumps(self._with(kept, places, whole), allow_nan=False, separators=(",", ":"))
            content = text.replace("<", "\\u003c").encode()  # no string of a store ends the element that holds it
            if len(content) <= limit or not kept:
                return content
            places = _spread(whole, int(0.95 * len(places) * limit / len(content)))

    def _with(self, curves: dict[str, Array], places: NDArray[np.intp], whole: int) -> dict[str, Any]:
        notes = list(self.numbers["notes"])
        if self.curves and not curves:
            notes.append("The curves do not fit into this page; the store has them.")
        elif len(places) < whole:
            notes.append(f"Curves show {len(places)} of {whole} saved times, so that this page stays small.")
        shared, moved = _times(self.t[:, places])
        return self.numbers | {
            "notes": notes,
            "t": shared,
            "moved": moved,
            "curves": [{"name": name, "values": _packed(values[:, places])} for name, values in curves.items()],
        }


def payload_of(data: xarray.Dataset) -> Payload:
    """Collect what a page shows of a sweep.

    Parameters
    ----------
    data : xarray.Dataset
        As ``open_sweep`` gives it.

    Returns
    -------
    Payload
    """
    data = data.load()
    axes = [str(name) for name in data[STATUS.name].dims]
    cells = int(data[STATUS.name].size)
    names = [str(name) for name in data.data_vars if str(name).startswith("loss_") and TIME in data[name].dims]
    config = json.loads(data.attrs["config_json"])
    status = data[STATUS.name]
    words = status.attrs["flag_meanings"].split()
    counts = {word: int(np.count_nonzero(status.values == code)) for code, word in enumerate(words)}
    numbers: dict[str, Any] = {
        "axes": [_axis(data, name) for name in axes],
        "thresholds": data[THRESHOLD].values.tolist(),
        "scalars": [_scalar(data, str(name), axes) for name in data.data_vars if TIME not in data[name].dims],
        "experiment": [[name, _plain(value)] for name, value in sorted(config["experiment"].items())],
        "about": _about(data, counts),
        "notes": [f"{counts['pending']} of {cells} cells are not computed yet."] if counts.get("pending") else [],
        "colors": _colors(),
    }
    curves = {name: data[name].transpose(*axes, TIME).values.reshape(cells, -1) for name in names}
    t = data["t"].transpose(*axes, TIME).values.reshape(cells, -1) if names else np.empty((cells, 0))
    return Payload(numbers, curves, t)


def _axis(data: xarray.Dataset, name: str) -> dict[str, Any]:
    return {"name": name, "values": [_plain(value) for value in data[name].values.tolist()]}


def _scalar(data: xarray.Dataset, name: str, axes: Sequence[str]) -> dict[str, Any]:
    """Return a variable: its values in the order of the cells, thresholds last."""
    variable = data[name]
    at_threshold = THRESHOLD in variable.dims
    values = variable.transpose(*axes, *([THRESHOLD] if at_threshold else [])).values
    if values.dtype.kind == "f":
        listed: list[Any] = [value if np.isfinite(value) else None for value in values.ravel().tolist()]
    else:
        listed = values.ravel().tolist()
    found = {
        "name": name,
        "label": variable.attrs.get("long_name", name),
        "units": variable.attrs.get("units", "1"),
        "threshold": at_threshold,
        "values": listed,
    }
    if "flag_meanings" in variable.attrs:
        found["words"] = variable.attrs["flag_meanings"].split()
    if name in CENSORED:
        found["censored"] = list(CENSORED[name])
    return found


def _about(data: xarray.Dataset, counts: dict[str, int]) -> list[list[str]]:
    attributes = data.attrs
    versions = ", ".join(f"{name} {version}" for name, version in attributes["versions"].items())
    return [
        ["cells", ", ".join(f"{count} {word}" for word, count in counts.items() if count)],
        ["solver", f"{attributes['solver']}, rtol {attributes['rtol']}"],
        ["versions", versions],
        ["processor", attributes["machine"]["processor"]],
        ["BLAS", attributes["machine"]["blas"]],
        ["store", f"{attributes['schema']}, configuration {attributes['config_sha256'][:16]}"],
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; infinity as a word."""
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _colors() -> list[str]:
    """Return stops of a map that is even to the eye, also to one that is blind to colours."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(color) for color in colormaps["viridis"](np.linspace(0, 1, 32))]


def _spread(whole: int, count: int) -> NDArray[np.intp]:
    """Return so many places of a curve, its first and its last with them."""
    return np.unique(np.linspace(0, whole - 1, max(2, count)).round().astype(np.intp))


def _times(t: Array) -> tuple[list[float | None], list[list[float]]]:
    """Return the times that cells share, and [cell, place, time] where a cell ended at another."""
    if not t.size:
        return [], []
    longest = t[int(np.argmax(np.isfinite(t).sum(axis=1)))]
    cells, places = np.nonzero(np.isfinite(t) & (t != longest))
    moved = [[int(cell), int(place), float(t[cell, place])] for cell, place in zip(cells, places, strict=True)]
    return [value if np.isfinite(value) else None for value in longest.tolist()], moved


def _packed(values: Array) -> str:
    """Return numbers in single precision, little-endian, as base64."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
