"""Sweeps to report on: data sets like those of a store, with numbers that no integration made."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray

from grokode.sweep.layout import CROSSINGS, CellStatus

NAMES = ("alpha", "eps", "seed")
THRESHOLDS = ("0.1", "10%")


def made(shape: tuple[int, ...], times: int, *, seed: int = 0, ended: bool = False) -> xarray.Dataset:
    """Return a sweep over alpha, eps and seed, as many of them as the shape has.

    Crossings are reached, not reached and never by turns; with ``ended`` every other cell stopped at a time of its own.
    """
    rng = np.random.default_rng(seed)
    axes = NAMES[: len(shape)]
    grid = {"alpha": np.geomspace(0.1, 10, shape[0])}
    grid |= {name: np.arange(1.0, size + 1) for name, size in zip(axes[1:], shape[1:], strict=True)}
    words = {"flag_meanings": " ".join(CROSSINGS)}
    codes = rng.integers(CROSSINGS.index("reached"), len(CROSSINGS), (*shape, len(THRESHOLDS))).astype("i1")
    t_test = np.where(codes == CROSSINGS.index("reached"), rng.lognormal(3, 2, codes.shape), np.nan)
    t = np.broadcast_to(np.r_[0, np.geomspace(0.01, 1e4, times - 1)], (*shape, times)).copy()
    losses = {name: rng.lognormal(-2, 1, (*shape, times)) for name in ("loss_train", "loss_test_exact")}
    if ended:
        for array in (t, *losses.values()):
            array.reshape(-1, times)[::2, times // 2 :] = np.nan
        t.reshape(-1, times)[::2, times // 2 - 1] = rng.uniform(20, 30, (t.size // times + 1) // 2)
    scalars: dict[str, Any] = {
        "status": (axes, np.ones(shape, "i1"), {"flag_meanings": " ".join(CellStatus), "long_name": "status"}),
        "t_train": ((*axes, "threshold"), rng.lognormal(1, 1, codes.shape), {"units": "flow time", "long_name": "t"}),
        "t_train_status": ((*axes, "threshold"), np.full_like(codes, CROSSINGS.index("reached")), words),
        "t_test": ((*axes, "threshold"), t_test, {"units": "flow time", "long_name": "t"}),
        "t_test_status": ((*axes, "threshold"), codes, words),
        "final_loss_train": (axes, rng.lognormal(-12, 3, shape), {"units": "1", "long_name": "last train loss"}),
        "reason": (axes, np.full(shape, "", dtype=object), {"long_name": "why"}),
    }
    curves: dict[str, Any] = {name: ((*axes, "time"), values, {"units": "1"}) for name, values in losses.items()}
    curves["t"] = ((*axes, "time"), t, {"units": "flow time"})
    attributes = {
        "schema": "grokode.sweep/1", "config_sha256": "0123456789abcdef" * 4, "solver": "auto", "rtol": 1e-6,
        "config_json": json.dumps({"experiment": {"dim": 20, "target": "single_index"}, "axes": {}}),
        "versions": {"grokode": "0.1", "numpy": "2"}, "machine": {"processor": "some", "blas": "one"},
    }  # fmt: skip
    return xarray.Dataset(scalars | curves, {**grid, "threshold": list(THRESHOLDS)}, attributes)


@pytest.fixture(scope="session")
def stored():
    """Return what makes a data set like a store's."""
    return made
