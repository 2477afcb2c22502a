"""The store of a sweep: zarr, made whole before the first cell, written a block at a time, ``status`` last."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..experiment.storage import umask
from ..experiment.versions import versions
from .axes import UNITS
from .cells import Arrays
from .layout import BAD, CODES, CROSSINGS, STATUS, THRESHOLD, CellStatus, Layout, Variable
from .lock import NAME as LOCK
from .specification import Block, Sweep

if TYPE_CHECKING:
    import xarray

SCHEMA = "grokode.sweep/1"
TIMING = "timing"
"""Group of what may differ between two runs of one sweep."""


def _zarr() -> Any:
    try:
        import zarr
    except ModuleNotFoundError:
        raise InvalidInput("a sweep needs zarr, which is not installed; pip install 'grokode[sweep]'") from None
    return zarr


def check_free(path: Path) -> None:
    """Refuse a path at which no store can be made.

    Raises
    ------
    InvalidInput
        If there is something, or no folder for it.
    """
    if os.path.lexists(path):
        if not (path / "zarr.json").exists():
            raise InvalidInput(f"{path} exists already, and is no store; name another path")
        raise InvalidInput(f"{path} exists already; go on with it by --resume, or name another store")
    if not path.parent.is_dir():
        raise InvalidInput(f"cannot write {path}: no folder {path.parent}; make it first")


def create(path: Path, sweep: Sweep, layout: Layout) -> Store:
    """Make the store of a sweep, every cell pending; it appears at its path whole, or not at all.

    Raises
    ------
    InvalidInput
        If there is something at the path, or its folder cannot be written.
    """
    zarr = _zarr()
    check_free(path)
    try:
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except PermissionError:
        raise InvalidInput(f"cannot write into {path.parent}; choose another folder") from None
    try:
        variables = (STATUS, *layout.variables)
        attributes = _attributes(sweep) | {"variables": [variable.name for variable in variables]}
        group = zarr.open_group(temporary, mode="w", zarr_format=3, attributes=attributes)
        timing = group.create_group(TIMING)
        for axis in sweep.axes:
            values = np.array(axis.values)
            _coordinate(group, axis.name, values, {"units": UNITS.get(axis.name, "1"), "long_name": axis.name})
        _coordinate(group, THRESHOLD, np.array(sweep.thresholds), {"long_name": "threshold as it was given"})
        sizes = layout.sizes(sweep)
        for variable in variables:
            _variable(timing if variable.timing else group, variable, sweep, sizes)
        temporary.chmod(0o777 & ~umask())
        os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Store(path)


def _attributes(sweep: Sweep) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "schema_version": 1,
        "grokode_version": versions()["grokode"],
        "config_json": sweep.config_json,
        "config_sha256": sweep.config_sha256,
        "block_shape": list(sweep.block_shape),
        "solver": sweep.base.solver,
        "rtol": sweep.base.rtol,
        "versions": versions(),
        "machine": machine(),
    }


def machine() -> dict[str, str]:
    """Return the processor and the BLAS, on which the last bits of a number depend."""
    from threadpoolctl import threadpool_info

    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    fields = ("internal_api", "version", "architecture")
    blas = {" ".join(str(library.get(field) or "") for field in fields).strip() for library in threadpool_info()}
    return {"processor": model, "blas": "; ".join(sorted(blas))}


def _coordinate(group: Any, name: str, values: NDArray[Any], attributes: Mapping[str, Any]) -> None:
    text = values.dtype.kind not in "iufb"
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=values.shape,
        dtype=str if text else values.dtype,
        dimension_names=(name,),
        attributes=dict(attributes),
    )
    array[:] = values.astype(object) if text else values


def _variable(group: Any, variable: Variable, sweep: Sweep, sizes: Mapping[str, int]) -> None:
    attributes: dict[str, Any] = {"long_name": variable.long_name}
    if variable.meanings:
        attributes |= {"flag_values": list(range(len(variable.meanings))), "flag_meanings": " ".join(variable.meanings)}
    elif variable.kind is not str:
        attributes["units"] = variable.units
    more = tuple(sizes[name] for name in variable.dims)
    group.create_array(
        variable.name,
        shape=(*sweep.shape, *more),
        chunks=(*sweep.block_shape, *more),
        dtype=variable.dtype,
        fill_value=variable.fill,
        dimension_names=(*(axis.name for axis in sweep.axes), *variable.dims),
        attributes=attributes,
    )


class Store:
    """The store of a sweep, open.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InvalidInput
        If there is none at the path.
    """

    def __init__(self, path: Path) -> None:
        zarr = _zarr()
        if not path.exists():
            raise InvalidInput(f"no store {path}; check the path, or make one with 'grokode sweep --out {path}'")
        wrong = InvalidInput(f"{path} is not the store of a sweep (schema {SCHEMA}); 'grokode sweep --out' makes one")
        if not path.is_dir():
            raise wrong
        try:
            self.group = zarr.open_group(path, mode="r+")
        except (FileNotFoundError, ValueError, KeyError):
            raise wrong from None
        if self.group.attrs.get("schema") != SCHEMA:
            raise wrong
        self.path = path
        self._arrays: dict[str, Any] = {}

    def check(self, sweep: Sweep) -> None:
        """Refuse a store of another sweep.

        Raises
        ------
        InvalidInput
            With the first difference.
        """
        if self.group.attrs["config_sha256"] == sweep.config_sha256:
            return
        theirs, ours = self.config, sweep.config
        what, there, here = next(_differences(theirs, ours))
        raise InvalidInput(
            f"{self.path} is the store of another sweep: {what} is {there} there and {here} here; name another store, "
            "or resume with what it was made with"
        )

    @property
    def status(self) -> NDArray[np.int8]:
        """Codes of ``CellStatus`` for every cell."""
        return np.asarray(self.group[STATUS.name][...])

    def counts(self) -> dict[CellStatus, int]:
        """Count the cells of each status."""
        codes = self.status
        return {status: int(np.count_nonzero(codes == code)) for status, code in CODES.items()}

    @property
    def bad(self) -> int:
        """Number of cells without an answer."""
        counts = self.counts()
        return sum(counts[status] for status in BAD)

    @property
    def config(self) -> dict[str, Any]:
        """What the sweep computes, as plain data."""
        config: dict[str, Any] = json.loads(str(self.group.attrs["config_json"]))
        return config

    def axes(self) -> dict[str, tuple[object, ...]]:
        """Values of every axis, in the order of the dimensions."""
        names = self.group[STATUS.name].metadata.dimension_names
        return {name: tuple(self.group[name][...].tolist()) for name in names}

    def crossings(self) -> dict[str, dict[str, dict[str, int]]]:
        """Count what became of both losses at each threshold, over the cells that are computed."""
        known = self.status != 0
        found: dict[str, dict[str, dict[str, int]]] = {}
        for k, threshold in enumerate(self.group[THRESHOLD][...].tolist()):
            found[threshold] = {}
            for name in ("train", "test"):
                codes = self.group[f"t_{name}_status"][..., k][known]
                counts = {text: int(np.count_nonzero(codes == code)) for code, text in enumerate(CROSSINGS)}
                found[threshold][f"{name} loss"] = {text: count for text, count in counts.items() if count}
        return found

    def reasons(self) -> list[tuple[str, str]]:
        """Say of every cell without an answer where it is, and why."""
        codes, axes = self.status, self.axes()
        told = []
        for index in np.argwhere(np.isin(codes, [CODES[status] for status in BAD])):
            place = ", ".join(f"{name} {values[i]}" for (name, values), i in zip(axes.items(), index, strict=True))
            told.append((place, str(self.group["reason"][tuple(index)])))
        return told

    def write(self, block: Block, arrays: Arrays) -> None:
        """Write a block: its variables at once, which takes half as long as one by one, and then its status."""
        region = _region(block)
        for name in arrays:
            if name not in self._arrays:
                self._arrays[name] = self.group[f"{TIMING}/{name}" if name not in self.group else name].async_array

        async def rest_then_status() -> None:
            rest = (self._arrays[name].setitem(region, array) for name, array in arrays.items() if name != STATUS.name)
            await asyncio.gather(*rest)
            await self._arrays[STATUS.name].setitem(region, arrays[STATUS.name])

        with ThreadPoolExecutor(1) as thread:  # the caller's, a notebook's, may have a loop that is running
            thread.submit(asyncio.run, rest_then_status()).result()


def is_pending(status: NDArray[np.int8], block: Block) -> bool:
    """Whether a block is not computed yet, by the store's status, which is written a whole block at once, and last."""
    return bool(np.any(status[_region(block)] == 0))


def _region(block: Block) -> tuple[slice, ...]:
    return tuple(slice(first, end) for first, end in block)


def _differences(theirs: Any, ours: Any, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield what differs between two configurations, by name, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            name = f"{where}.{key}".removeprefix(".")
            yield from _differences(theirs.get(key, "not given"), ours.get(key, "not given"), name)
    elif theirs != ours:
        yield where, _in_words(theirs), _in_words(ours)


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_in_words, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def open_sweep(path: str | Path) -> xarray.Dataset:
    """Open the store of a sweep as an xarray data set, read only.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    xarray.Dataset
        Dimensions: the axes, ``threshold`` and ``time``. Variables that hold codes say in ``flag_meanings`` what they
        stand for; the wall time of each cell is ``seconds``.

    Raises
    ------
    InvalidInput
        If there is no store at the path.
    """
    store = Store(Path(path))
    import xarray

    options: dict[str, Any] = {"consolidated": False, "chunks": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=f"Object at {LOCK}")  # of a coordinator, at work or killed
        data: xarray.Dataset = xarray.open_zarr(store.path, **options)
        data = data.merge(xarray.open_zarr(store.path, group=TIMING, **options))
    ordered: xarray.Dataset = data[data.attrs["variables"]]  # not the order of files in a folder
    return ordered
