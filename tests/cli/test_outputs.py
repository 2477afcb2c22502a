"""Outputs: what is in the way of what, runs that end early, and names that a terminal cannot print."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import grokode

SHORT = ("run", "--dim", 5, "--n-train", 8, "--t-max", 10, "--points", 5)
QUIET = (*SHORT, "--no-plot")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def exported(cli, tmp_path):
    """Save a run as ``run.npz`` and a bundle of it as ``b.npz``."""
    assert cli(*QUIET, "--out", "run.npz").code == 0
    assert cli("export", "run.npz", "--bundle", "b.npz").code == 0
    return tmp_path


def refused(ended, *said):
    assert ended.err.startswith("grokode: error: ")
    assert ended.err.count("\n") == 1, ended.err
    for word in said:
        assert word in ended.err
    assert (ended.code, ended.out) == (2, "")


# ---- runs that end early


def test_a_run_out_of_time_at_once_ends_in_single_lines(cli, tmp_path):
    ended = cli(*SHORT, "--time-limit", 1e-9, "--plot", "p.png")
    assert ended.code == 1
    assert all(line.startswith("grokode: ") for line in ended.err.splitlines()), ended.err
    assert "time_limit" in ended.out
    assert (tmp_path / "p.png").read_bytes().startswith(PNG)


def test_an_infinite_time_limit_is_refused(cli, tmp_path):
    refused(cli(*QUIET, "--time-limit", "inf"), "time_limit", "finite", "inf")
    assert list(tmp_path.iterdir()) == []


# ---- outputs in the way of one another, or of an input


@pytest.mark.parametrize("other", ["a.npz", "./a.npz", "link.npz"])
def test_two_outputs_of_one_name_are_refused(cli, tmp_path, other):
    (tmp_path / "link.npz").symlink_to("a.npz")
    refused(cli(*QUIET, "--out", "a.npz", "--json", other), "--out", "--json", Path(other).name)
    assert [path.name for path in tmp_path.iterdir()] == ["link.npz"]


@pytest.mark.parametrize(
    "words",
    [
        "run --no-plot --bundle b.npz --steps 3 --out b.npz",
        "run --no-plot --bundle b.npz --steps 3 --json ./b.npz",
        "export run.npz --bundle run.npz",
    ],
)
def test_an_output_over_an_input_is_refused(cli, exported, words):
    before = {path.name: path.read_bytes() for path in exported.iterdir()}
    refused(cli(*words.split()), "npz")
    assert {path.name: path.read_bytes() for path in exported.iterdir()} == before


# ---- outputs that are no plain files


def test_a_device_is_written_to_and_stays_a_device(cli, monkeypatch):
    replace = os.replace

    def careful(source: str, target: str) -> None:
        assert os.fspath(target) != os.devnull, "the device would be replaced by a file"
        replace(source, target)

    monkeypatch.setattr(os, "replace", careful)
    assert cli(*QUIET, "--json", os.devnull).code == 0
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize("exists", [True, False], ids=["to a file", "dangling"])
def test_an_output_that_is_a_link_is_followed(cli, tmp_path, exists):
    (tmp_path / "elsewhere").mkdir()
    for name in ("a.npz", "a.json", "a.png"):
        (tmp_path / name).symlink_to(f"elsewhere/{name}")
        if exists:
            (tmp_path / "elsewhere" / name).write_text("before")
    assert cli(*SHORT, "--out", "a.npz", "--json", "a.json", "--plot", "a.png").code == 0
    assert all((tmp_path / name).is_symlink() for name in ("a.npz", "a.json", "a.png"))
    files = tmp_path / "elsewhere"
    assert np.array_equal(grokode.load(files / "a.npz").t, json.loads((files / "a.json").read_text())["curves"]["t"])
    assert (files / "a.png").read_bytes().startswith(PNG)
    assert len(list(files.iterdir())) == 3


# ---- names


def test_a_name_that_the_terminal_cannot_print_does_not_spoil_a_run(tmp_path):
    name = "caf\u00e9-\u03b1.png"
    words = (*SHORT, "--plot", os.fsencode(name))
    environment = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [sys.executable, "-m", "grokode", *(word if isinstance(word, bytes) else str(word) for word in words)],
        cwd=tmp_path, capture_output=True, check=False, timeout=60,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [os.fsencode(name)]
