"""Tables about sweeps, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .estimate import Estimate
from .layout import CODES, CellStatus, Layout
from .specification import Sweep
from .store import Store

if TYPE_CHECKING:
    import xarray


def rows_of_plan(sweep: Sweep, layout: Layout, estimate: Estimate) -> list[tuple[str, str]]:
    """Say what a sweep would take."""
    blocks = sum(1 for _ in sweep.blocks())
    return [
        *axes_of({axis.name: axis.values for axis in sweep.axes}),
        ("cells", f"{sweep.size}, in {blocks} blocks of up to {int(np.prod(sweep.block_shape))}"),
        ("time on one core", estimate.of(sweep)),
        ("store", f"up to {layout.bytes(sweep) / 2**20:.3g} MiB, before compression"),
    ]


def rows_of_store(store: Store) -> list[tuple[str, str]]:
    """Say how far a store is, and what is in it."""
    counts = store.counts()
    rows = [
        ("store", str(store.path)),
        *axes_of(store.axes()),
        ("cells", ", ".join(f"{count} {status}" for status, count in counts.items() if count)),
    ]
    for threshold, answers in store.crossings().items():
        for name, found in answers.items():
            rows.append((f"{name} < {threshold}", ", ".join(f"{count} {status}" for status, count in found.items())))
    return rows + [("failed", f"{place}: {reason}") for place, reason in store.reasons()]


def note_of_pending(data: xarray.Dataset) -> str:
    """Say how many cells are not computed yet; nothing where all are."""
    pending = int((data["status"] == CODES[CellStatus.PENDING]).sum())
    return f"{pending} of {data['status'].size} cells are pending, and left blank" if pending else ""


def axes_of(axes: dict[str, tuple[object, ...]]) -> list[tuple[str, str]]:
    """Say what the axes are."""
    return [(name, f"{len(values)} values from {values[0]} to {values[-1]}") for name, values in axes.items()]
