"""Sweeps from the command line: what is said, what is written, and what is refused."""

import csv
import errno
import json
import re
import shutil

import numpy as np
import pytest
import xarray
import zarr

from grokode.errors import InvalidInput
from grokode.sweep.store import Store

SWEEP = ("sweep", "--dim", 5, "--n-train", 8, "--width", 6, "--t-max", 100, "--points", 8, "--engine", "serial")
GRID = (*SWEEP, "--alpha", "0.3,3", "--eps", "0.2,1", "--seeds", "0:3", "--threshold", "50%,1e-9")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder for the one store that tests have copies of, and how the command that made it ended."""
    return tmp_path_factory.mktemp("made"), []


@pytest.fixture
def swept(cli, tmp_path, made):
    folder, ended = made
    if ended:
        shutil.copytree(folder / "s.zarr", tmp_path / "s.zarr")
    else:
        first = cli(*GRID, "--out", "s.zarr")
        assert first.code == 0, first.err
        shutil.copytree(tmp_path / "s.zarr", folder / "s.zarr")
        ended.append(first)
    return tmp_path, ended[0]


def refused(ended, *said):
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
    for word in said:
        assert word in ended.err


def test_a_sweep_says_what_it_found_and_status_says_it_again(cli, swept):
    _, ended = swept
    assert "12 done" in ended.out
    assert "test loss < 1e-9" in ended.out
    assert cli("status", "s.zarr").out == ended.out
    told = json.loads(cli("status", "s.zarr", "--json", "-").out)
    assert told["schema"] == "grokode.status/1"
    assert told["cells"]["done"] == 12
    assert sum(told["crossings"]["50%"]["train loss"].values()) == 12


def test_a_dry_run_computes_nothing(cli, tmp_path):
    ended = cli(*GRID, "--out", "s.zarr", "--dry-run")
    assert ended.code == 0
    assert "12, in 1 blocks" in ended.out
    assert re.search(r"about \S+ s \(\d+ cells took \S+ s each\)", ended.out)
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_two_axes_and_of_one(cli, swept):
    folder, _ = swept
    for more in ((), ("--quantity", "nfev"), ("--at", "eps=1"), ("--x", "seed"), ("--at", "seed=1", "--x", "eps")):
        (folder / "s.png").unlink(missing_ok=True)
        ended = cli("plot", "s.zarr", *more)
        assert ended.code == 0, ended.err
        assert (folder / "s.png").stat().st_size > 5000


def test_a_line_has_a_power_law_and_a_comparison(cli, swept):
    quantity = "--quantity", "t_train", "--threshold", "50%"
    ended = cli("plot", "s.zarr", "--x", "seed", "--fit", *quantity)
    assert "t_train over seed has 2; sweep more" in ended.err  # seed 0 has no logarithm
    ended = cli("plot", "s.zarr", "--against", "s.zarr", *quantity)
    assert (ended.code, ended.err) == (0, "")
    assert "gradient_flow against gradient_flow at 12 cells: t_train within 0" in " ".join(ended.out.split())
    ended = cli("plot", "s.zarr", "--fit")
    assert ended.err == "grokode: error: a power law is of one axis, got alpha, eps; hold one by --at AXIS=VALUE\n"
    assert ended.code == 2
    assert cli(*SWEEP, "--alpha", "log:1:4:4", "--threshold", "50%", "--out", "line.zarr").code == 0
    ended = cli("plot", "line.zarr", "--fit", *quantity)
    assert ended.code == 0, ended.err
    assert "exponent" in ended.out


def test_exports_hold_the_same_numbers(cli, swept):
    folder, _ = swept
    data = xarray.open_zarr(folder / "s.zarr", consolidated=False)
    for kind in ("netcdf", "csv", "json"):
        assert cli("export", "s.zarr", "--to", kind).code == 0
    with xarray.open_dataset(folder / "s.nc", engine="h5netcdf") as other:
        for name in data.data_vars:
            np.testing.assert_array_equal(other[name].values, data[name].values)
    rows = list(csv.DictReader((folder / "s.csv").read_text().splitlines()))
    assert len(rows) == 12 * 2
    cell = data.sel(alpha=3, eps=1, seed=2, threshold="50%")
    (row,) = (r for r in rows if (r["alpha"], r["eps"], r["seed"], r["threshold"]) == ("3.0", "1.0", "2", "50%"))
    assert float(row["t_train"]) == float(cell.t_train)
    assert row["t_train_status"] == "reached"
    assert row["status"] == "done"
    known = json.loads((folder / "s.json").read_text())
    assert known["variables"]["nfev"]["values"] == data.nfev.values.tolist()
    assert known["variables"]["t_test"]["values"][1][1][2][1] is None  # nothing is below 1e-9


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--alpha log:-1:10:5", "positive numbers, got -1"),
        ("--alpha lin:5:1:3", "must increase"),
        ("--alpha lin:1:2:100000 --eps lin:1:2:100000", "1e+10 cells"),
        ("--seeds 5:5", "has 0 numbers"),
        ("--threshold 0.1,x", "positive loss"),
        ("--threshold=", "positive loss like 0.1 or a percentage like 10%, got ''"),
        ("--threshold 0.1,0.10", "a threshold is given twice in 0.1, 0.10"),
        ("--threshold 0.1 --threshold=0.2", "--threshold is given more than once"),
        ("--alpha 1,1e308", "alpha must be from 1e-100 to 1e+100"),
        ("--quantities foo", "unknown quantity 'foo'"),
        ("--engine foo", "unknown engine 'foo'"),
        ("--engine local --workers -1", "workers must be at least 1"),
        ("--out nowhere/s.zarr", "no folder nowhere"),
        ("--optimizer adam", "'adam' cannot be had"),
        ("--alpha 1", "nothing to sweep"),
    ],
)
def test_bad_input_is_one_line(cli, tmp_path, flags, said):
    grid = () if "--alpha" in flags else ("--alpha", "1,2")
    refused(cli(*(SWEEP[:-2] if "--engine" in flags else SWEEP), *grid, *flags.split()), said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plot s.zarr --quantity foo", "unknown quantity 'foo'"),
        ("plot s.zarr --x foo", "'foo' is no axis"),
        ("plot s.zarr --at eps", "is not NAME=VALUE"),
        ("plot s.zarr --at eps=a", "is no number"),
        ("plot s.zarr --at eps=7", "eps has no value near 7"),
        ("plot s.zarr --threshold 0.7", "it has 50%, 1e-9"),
        ("export s.zarr --to foo", "unknown format 'foo'"),
        ("export s.zarr", "give one of them"),
        ("status nothing.zarr", "no store nothing.zarr"),
        ("sweep --alpha 1,2 --out s.zarr", "exists already"),
        ("sweep --alpha 1,2 --out s.zarr --resume", "is the store of another sweep"),
    ],
)
def test_wrong_words_about_a_store_are_one_line(cli, swept, words, said):
    refused(cli(*words.split()), said)


def test_what_is_no_store_is_not_to_be_gone_on_with(cli, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused(cli(*GRID, "--out", "file"), "is no store; name another path")
    assert (tmp_path / "file").read_text() == "mine"


def test_an_engine_that_is_not_there_leaves_no_store(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "grokode.engines.slurm.Slurm.open", lambda self: (_ for _ in ()).throw(InvalidInput("no SLURM"))
    )
    refused(cli(*("slurm" if word == "serial" else word for word in GRID), "--out", "s.zarr"), "no SLURM")
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_sweep_says_what_it_goes_on_with(cli, swept):
    ended = cli(*GRID, "--out", "s.zarr", "--resume")
    assert (ended.code, ended.err) == (0, "grokode: s.zarr: 12 of 12 cells are there, 0 are left\n")
    ended = cli(*GRID, "--out", "other.zarr", "--resume")
    assert (ended.code, ended.err) == (0, "grokode: no store other.zarr yet; the sweep begins\n")


@pytest.mark.parametrize("words", ["plot s.zarr --out p.png", "export s.zarr --to json", "report s.zarr"])
def test_what_shows_a_store_that_is_not_complete_says_so(cli, swept, words):
    folder, _ = swept
    zarr.open_group(folder / "s.zarr", mode="r+")["status"][0] = 0
    (folder / "s.zarr" / "grokode.lock").write_text("{}")  # of a coordinator that was killed
    ended = cli(*words.split())
    assert (ended.code, ended.err) == (0, "grokode: 6 of 12 cells are pending, and left blank\n")


def test_a_file_is_no_store(cli, tmp_path):
    (tmp_path / "f").write_text("mine")
    refused(cli("status", "f"), "is not the store of a sweep")
    refused(cli(*SWEEP, "--alpha", "1,2", "--out", "f", "--resume"), "is not the store of a sweep")


def test_a_cell_without_an_answer_is_exit_code_3_with_its_reason(cli, tmp_path):
    """Half of these steps are beyond the edge of stability, where this flow does not exist."""
    ended = cli(*SWEEP, "--optimizer", "midpoint_flow", "--dt", "0.1,1000", "--out", "s.zarr")
    assert ended.code == 3
    assert "1 solver_failed" in ended.out
    assert "dt 1000.0: midpoint_flow has no force" in ended.out


def test_a_full_disk_ends_in_one_line_and_the_rest_can_be_resumed(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("grokode.sweep.specification.BLOCK", 1e-6)
    write, written = Store.write, []

    def full(self, block, arrays):
        written.append(block)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, "No space left on device", "chunk")
        write(self, block, arrays)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", full)
        ended = cli(*SWEEP, "--alpha", "1,2,3,4", "--out", "s.zarr")
    assert ended.code == 1
    assert ended.err == "grokode: error: No space left on device (chunk); free space or choose another path\n"
    assert "2 pending, 2 done" in cli("status", "s.zarr").out
    assert cli(*SWEEP, "--alpha", "1,2,3,4", "--out", "s.zarr", "--resume").code == 0
    assert "4 done" in cli("status", "s.zarr").out


def test_an_interrupt_keeps_what_is_finished(cli, tmp_path, monkeypatch):
    def interrupted(self, block, arrays):
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "write", interrupted)
    ended = cli(*SWEEP, "--alpha", "1,2", "--out", "s.zarr")
    assert (ended.code, ended.err.count("\n")) == (130, 1)
    assert "--resume" in ended.err
