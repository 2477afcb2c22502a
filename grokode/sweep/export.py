"""A sweep in the formats of other tools."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..experiment.storage import write_atomically
from ..registry import nearest
from .layout import TIME

if TYPE_CHECKING:
    import pandas
    import xarray


def export(data: xarray.Dataset, path: Path, kind: str) -> None:
    """Write a sweep to one file, whole or not at all.

    Parameters
    ----------
    data : xarray.Dataset
        As ``open_sweep`` gives it.
    path : Path
    kind : str
        ``netcdf`` and ``json`` for all of it; ``csv`` and ``parquet`` for its scalars, a row a cell and threshold,
        codes as words.

    Raises
    ------
    InvalidInput
        If the kind is unknown, what writes it is not installed, or the file cannot be written.
    """
    if kind not in KINDS:
        raise InvalidInput(f"unknown format {kind!r}; {nearest(kind, list(KINDS))}")
    try:
        content = KINDS[kind](data)
    except ImportError:
        raise InvalidInput(f"{kind} needs {NEEDED[kind]}, which is not installed; pip install {NEEDED[kind]}") from None
    write_atomically(path, lambda stream: stream.write(content))


def _netcdf(data: xarray.Dataset) -> bytes:
    flat = data.copy()
    flat.attrs = {name: _text(value) for name, value in data.attrs.items()}  # netCDF has no nested attributes
    for name in flat.variables:
        if flat[name].dtype.kind not in "iufb":
            flat[name] = flat[name].astype(object)
    stream = io.BytesIO()
    flat.to_netcdf(stream, engine="h5netcdf")
    return stream.getvalue()


def _text(value: Any) -> Any:
    return value if isinstance(value, (str, int, float)) else json.dumps(value, sort_keys=True)


def table(data: xarray.Dataset) -> pandas.DataFrame:
    """Return the scalars of a sweep as a table, a row a cell and threshold; codes as words."""
    scalars = data.drop_vars([name for name in data.data_vars if TIME in data[name].dims])
    frame = scalars.to_dataframe().reset_index()
    for name, variable in scalars.data_vars.items():
        if "flag_meanings" in variable.attrs:
            frame[name] = np.array(variable.attrs["flag_meanings"].split())[frame[name].to_numpy()]
    return frame


def _csv(data: xarray.Dataset) -> bytes:
    return str(table(data).to_csv(index=False)).encode()


def _parquet(data: xarray.Dataset) -> bytes:
    stream = io.BytesIO()
    table(data).to_parquet(stream, index=False)
    return stream.getvalue()


def _json(data: xarray.Dataset) -> bytes:
    found = {
        "schema": "grokode.export/1",
        "config": json.loads(str(data.attrs["config_json"])),
        "dims": {str(name): int(size) for name, size in data.sizes.items()},
        "variables": {
            str(name): {"dims": list(variable.dims), "attributes": variable.attrs, "values": _finite(variable.values)}
            for name, variable in data.variables.items()
        },
    }
    return json.dumps(found, allow_nan=False).encode()


def _finite(values: Any) -> Any:
    """Return nested lists, null for what is no number."""
    plain: NDArray[Any] = values.astype(object)
    if values.dtype.kind == "f":
        plain[~np.isfinite(values)] = None
    return plain.tolist()


KINDS: dict[str, Callable[[xarray.Dataset], bytes]] = {
    "netcdf": _netcdf,
    "csv": _csv,
    "parquet": _parquet,
    "json": _json,
}
"""Names of formats, and what makes their bytes."""

NEEDED = {"netcdf": "h5py", "csv": "pandas", "parquet": "pyarrow", "json": "xarray"}
"""What each needs beside xarray."""
