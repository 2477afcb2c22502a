"""Runs to files and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import grokode
from grokode import Bundle, InvalidInput, Run
from grokode.experiment.exporting import export

Tamper = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def run() -> Run:
    return grokode.run(dim=5, n_train=8, t_max=20, points=10, n_test=3, threshold="50%")


def test_a_saved_run_loads_equal(tmp_path, run):
    grokode.save(run, tmp_path / "r.npz")
    loaded = grokode.load(tmp_path / "r.npz")
    assert loaded.to_dict() == run.to_dict()
    assert loaded.experiment == run.experiment
    for name, curve in run.curves.items():
        again = loaded.curves[name]
        assert np.array_equal(again.values, curve.values)
        assert (again.units, again.long_name, again.origin) == (curve.units, curve.long_name, curve.origin)


def test_a_saved_run_keeps_the_bundle_it_is_of(tmp_path):
    bundle = Bundle(X_train=np.eye(3), y_train=np.ones(3), W0=np.eye(3), alpha=1, eps=0.1, lr=0.1, centered=True)
    first = grokode.run(bundle, steps=5)
    grokode.save(first, tmp_path / "r.npz")
    loaded = grokode.load(tmp_path / "r.npz")
    assert loaded.bundle is not None
    for name, value in bundle.arrays().items():
        assert np.array_equal(loaded.bundle.arrays()[name], value)


def test_an_exported_run_keeps_its_noise_and_so_its_exact_test_loss():
    """The labels are off the target by the noise: undeclared, it would be a warning (an error here)."""
    noisy = grokode.run(dim=5, n_train=20, width=7, noise=0.3, t_max=5, points=5)
    bundle = export(noisy)
    assert bundle.noise == 0.3
    assert "loss_test_exact" in grokode.run(bundle).curves


def test_infinite_sizes_survive_a_file(tmp_path):
    run = grokode.run(dim=4, n_train="inf", width="inf", t_max=1, points=3)
    grokode.save(run, tmp_path / "r.npz")
    assert grokode.load(tmp_path / "r.npz").experiment == run.experiment


def test_a_run_file_holds_no_pickle(tmp_path, run):
    grokode.save(run, tmp_path / "r.npz")
    with np.load(tmp_path / "r.npz", allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def changed(key: str, value: Any) -> Tamper:
    def tamper(arrays: dict[str, Any]) -> None:
        record = json.loads(str(arrays["record"]))
        record[key] = value
        arrays["record"] = np.array(json.dumps(record))

    return tamper


TAMPERED: dict[str, Tamper] = {
    "no record": lambda arrays: arrays.pop("record"),
    "record is no JSON": lambda arrays: arrays.update(record=np.array("{")),
    "record is a list": lambda arrays: arrays.update(record=np.array("[]")),
    "record is a number": lambda arrays: arrays.update(record=np.array(3.0)),
    "curve missing": lambda arrays: arrays.pop("loss_train"),
    "curve short": lambda arrays: arrays.update(loss_train=arrays["loss_train"][:-1]),
    "curve NaN": lambda arrays: arrays.update(loss_train=arrays["loss_train"] * np.nan),
    "curve complex": lambda arrays: arrays.update(loss_train=arrays["loss_train"] * 1j),
    "curve text": lambda arrays: arrays.update(loss_train=arrays["loss_train"].astype(str)),
    "other schema": changed("schema", "grokode.run/99"),
    "no curves": changed("curves", {}),
    "no summary": changed("summary", {}),
    "summary a number": changed("summary", 3),
    "no solver": changed("solver", {}),
    "experiment out of range": changed("experiment", {"alpha": -1}),
    "experiment with an unknown key": changed("experiment", {"alhpa": 1}),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_tampered_run_file_is_refused(tmp_path: Path, run: Run, tamper: Tamper) -> None:
    path = tmp_path / "r.npz"
    grokode.save(run, path)
    with np.load(path) as archive:
        arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
    tamper(arrays)
    np.savez(path, **arrays)
    with pytest.raises(InvalidInput):
        grokode.load(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_run_file_is_refused(tmp_path, run, part):
    path = tmp_path / "r.npz"
    grokode.save(run, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(InvalidInput, match="cut short"):
        grokode.load(path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, run, monkeypatch):
    (tmp_path / "r.npz").write_text("before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        grokode.save(run, tmp_path / "r.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["r.npz"]
    assert (tmp_path / "r.npz").read_text() == "before"
