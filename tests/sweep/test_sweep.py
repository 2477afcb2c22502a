"""A sweep end to end: its cells are runs, whatever computes them, and its store says what was asked."""

import asyncio
import errno
import importlib
import json
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import xarray
import zarr

import grokode
from grokode.engines import ENGINES
from grokode.errors import InvalidInput
from grokode.sweep import cells as cells_module
from grokode.sweep.conduct import conduct
from grokode.sweep.layout import CODES, CROSSINGS, CellStatus, layout_of
from grokode.sweep.lock import NAME, locked
from grokode.sweep.specification import sweep_of
from grokode.sweep.store import Store, create, open_sweep
from grokode.task import data as data_module

SMALL = {"dim": 6, "n_train": 20, "width": 7, "t_max": 100.0, "points": 12}
THRESHOLDS = ("0.5", "10%", "1e-9")


def swept(path, flags, engine="serial", resume=False, **how):
    sweep, _ = sweep_of({**SMALL, **flags}, **{"thresholds": THRESHOLDS, **how})
    counts = conduct(sweep, layout_of(sweep), path, ENGINES.build(engine), resume=resume)
    return sweep, counts


def same(one, other):
    """Whether two data sets are the same to the bit, timing aside."""
    one, other = (data.drop_vars("seconds").load() for data in (one, other))
    assert set(one.variables) == set(other.variables)
    return all(one[name].values.tobytes() == other[name].values.tobytes() for name in one if name != "reason")


# ---- the numbers


def test_a_cell_is_the_run_of_its_experiment(tmp_path):
    """Every scalar and curve equals a single run's to the bit, at every threshold."""
    sweep, counts = swept(
        tmp_path / "s.zarr", {"alpha": "0.3,3", "eps": "0.2,1"}, quantities=("losses", "terms"), engine="serial"
    )
    assert counts[CellStatus.DONE] == 4
    data = open_sweep(tmp_path / "s.zarr")
    assert data.loss_train.dims == ("alpha", "eps", "time")
    assert data.t_test.dims == ("alpha", "eps", "threshold")
    for index in ((0, 0), (1, 0), (1, 1)):
        cell = data.isel(alpha=index[0], eps=index[1])
        for k, threshold in enumerate(THRESHOLDS):
            run = grokode.run(sweep.cell(index), threshold=threshold, lazy=False)
            for name in ("t_train", "t_test", "delay"):
                ours, theirs = float(cell[name][k]), run.summary[name]
                assert (theirs is None and np.isnan(ours)) or ours == theirs, name
            for name in ("t_train_status", "t_test_status"):
                assert CROSSINGS[int(cell[name][k])] == run.summary[name]
        for name in ("t", "loss_train", "loss_test_exact", "variance_error"):
            np.testing.assert_array_equal(cell[name], getattr(run, name))
        assert float(cell.peak_loss_test) == run.summary["peak_loss_test"]
        assert float(cell.final_target_overlap) == run.target_overlap[-1]
        assert float(cell.nfev) == run.work.nfev
        assert int(cell.test_loss) == 1
    with_kernel = grokode.run(sweep.cell((1, 1)), lazy=True)
    assert float(cell.final_alignment_population) == pytest.approx(with_kernel.alignment_population[-1], rel=1e-12)


def test_the_kernel_and_the_linearised_network_are_those_of_a_run(tmp_path):
    """More samples than the kernel's rank: its train loss has a floor."""
    sweep, _ = swept(
        tmp_path / "s.zarr", {"alpha": "0.3,3", "eps": "0.2,1", "n_train": 30, "n_test": 8, "width": 2},
        quantities=("kernel", "lazy"),
    )  # fmt: skip
    data = open_sweep(tmp_path / "s.zarr")
    for index in ((0, 0), (0, 1), (1, 1)):
        cell, run = data.isel(alpha=index[0], eps=index[1]), grokode.run(sweep.cell(index), lazy=True)
        assert run.summary["train_loss_floor"] > 1e-3
        for name in ("train_loss_floor", "kernel_rank", "kernel_condition", "kernel_regression_loss_sample"):
            assert float(cell[name]) == run.summary[name], name
        for name in ("loss_test_exact_lazy", "loss_train_lazy", "alignment_sample_test", "kernel_drift"):
            np.testing.assert_array_equal(cell[name], run.curves[name].values)
        assert float(cell.final_alignment_sample_train) == run.alignment_sample_train[-1]
    assert "loss_train" not in data


def test_cells_of_one_draw_share_its_moments_and_its_kernel(tmp_path, monkeypatch):
    """Over alpha nothing is made again; over eps the kernel is another one, over seeds all is."""
    made = []

    def counted(what, function):
        def called(*args):
            made.append(what)
            return function(*args)

        return called

    monkeypatch.setattr(data_module, "triangle", counted("moments", data_module.triangle))
    monkeypatch.setattr(cells_module, "decompose", counted("kernel", cells_module.decompose))
    grid = {"alpha": "0.5,1,2", "eps": "0.2,0.4", "seed": "0:2", "dim": 10, "n_train": 4000, "width": math.inf}
    sweep, _ = swept(tmp_path / "s.zarr", grid | {"t_max": 1.0}, quantities=("lazy",))
    blocks = sum(1 for _ in sweep.blocks())
    assert blocks <= 4
    assert made.count("moments") == max(2, blocks)
    assert made.count("kernel") == 4


def test_variables_say_what_they_are(tmp_path):
    swept(tmp_path / "s.zarr", {"alpha": "0.3,3"})
    data = open_sweep(tmp_path / "s.zarr")
    for name, variable in data.data_vars.items():
        assert variable.attrs["long_name"], name
        assert "units" in variable.attrs or "flag_meanings" in variable.attrs or name == "reason", name
    assert data.attrs["schema"] == "grokode.sweep/1"
    assert json.loads(data.attrs["config_json"])["axes"] == {"alpha": [0.3, 3.0]}
    assert data.t_test_status.attrs["flag_meanings"].split()[0] == "absent"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xarray.open_zarr(tmp_path / "s.zarr", consolidated=False).status.dims == ("alpha",)


def test_cells_without_a_test_loss_or_a_law_say_so(tmp_path):
    """A target that labels points has no exact loss; a divergent descent is an answer, and a refused cell none."""
    flags = {"optimizer": "gradient_descent", "dt": "0.1,1000", "steps": 50, "target": "kernel_eigenvector:k=1"}
    _, counts = swept(tmp_path / "s.zarr", {**flags, "t_max": None})
    data = open_sweep(tmp_path / "s.zarr")
    assert [list(CellStatus)[int(code)] for code in data.status] == [CellStatus.DONE, CellStatus.DIVERGED]
    assert np.all(data.t_test_status == 0)
    assert "too large" in str(data.reason.values[1])
    assert str(data.reason.values[0]) == ""
    assert np.isnan(data.final_loss_train.values[1])


def test_until_resolved_stops_cells_and_leaves_the_rest_of_their_curves_empty(tmp_path):
    swept(tmp_path / "s.zarr", {"alpha": "0.3,3", "until": "resolved", "t_max": 1e4}, thresholds=("90%",))
    data = open_sweep(tmp_path / "s.zarr")
    assert np.all(data.status == CODES[CellStatus.STOPPED])
    for cell in (data.isel(alpha=0), data.isel(alpha=1)):
        known = np.isfinite(cell.loss_train.values)
        assert 0 < known.sum() < len(known)
        assert np.nanmax(cell.t) == float(cell.t_reached)


# ---- engines and resuming


def test_engines_give_the_same_bits(tmp_path, monkeypatch):
    flags = {"alpha": "0.3,1,3", "eps": "0.2,1", "seeds": "0:2"}
    monkeypatch.setattr("grokode.sweep.specification.BLOCK", 0.02)  # several blocks
    swept(tmp_path / "a.zarr", flags)
    sweep, _ = swept(tmp_path / "b.zarr", flags, engine="local:workers=2")
    assert len(list(sweep.blocks())) > 4
    assert same(open_sweep(tmp_path / "a.zarr"), open_sweep(tmp_path / "b.zarr"))


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    flags = {"alpha": "0.3,1,3", "eps": "0.2,1"}
    monkeypatch.setattr("grokode.sweep.specification.BLOCK", 1e-6)  # a cell a block
    swept(tmp_path / "whole.zarr", flags)
    compute, computed = cells_module.compute, []

    def stumbling(task):
        computed.append(task.block)
        if len(computed) == 3:
            raise KeyboardInterrupt
        return compute(task)

    monkeypatch.setattr("grokode.sweep.conduct.compute", stumbling)
    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path / "s.zarr", flags)
    assert Store(tmp_path / "s.zarr").counts()[CellStatus.PENDING] == 4
    assert not (tmp_path / "s.zarr" / NAME).exists()
    _, counts = swept(tmp_path / "s.zarr", flags, resume=True)
    assert counts[CellStatus.DONE] == 6
    assert len(computed) == 3 + 4
    assert same(open_sweep(tmp_path / "s.zarr"), open_sweep(tmp_path / "whole.zarr"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"eps": "0.2,2"}, r"axes.eps is \[0.2, 1\] there and \[0.2, 2\] here"),
        ({"dim": 7}, "experiment.dim is 6 there and 7 here"),
        ({"thresholds": ("0.1",)}, "thresholds is"),
        ({"quantities": ("scalars",)}, "curves is"),
    ],
)
def test_the_store_of_another_sweep_is_refused_by_its_difference(tmp_path, changed, words):
    flags = {"alpha": "0.3,1", "eps": "0.2,1"}
    swept(tmp_path / "s.zarr", flags)
    how = {key: changed.pop(key) for key in ("thresholds", "quantities") if key in changed}
    with pytest.raises(InvalidInput, match=words):
        swept(tmp_path / "s.zarr", flags | changed, resume=True, **how)
    swept(tmp_path / "s.zarr", flags | {"threads": 2}, resume=True)  # changes no number


def test_another_machine_is_told(tmp_path, monkeypatch):
    swept(tmp_path / "s.zarr", {"alpha": "0.3,1"})
    monkeypatch.setattr("grokode.sweep.conduct.machine", lambda: {"processor": "another", "blas": "another"})
    with pytest.warns(grokode.GrokodeWarning, match="another processor or BLAS"):
        swept(tmp_path / "s.zarr", {"alpha": "0.3,1"}, resume=True)


def test_a_block_that_is_not_whole_stays_pending(tmp_path, monkeypatch):
    """The status is written when all else is on the disk: one curve that does not fit leaves it out."""
    sweep, _ = sweep_of({**SMALL, "alpha": "1,3"}, thresholds=("0.5",))
    layout, block = layout_of(sweep), next(iter(sweep.blocks()))
    store = create(tmp_path / "s.zarr", sweep, layout)
    arrays = cells_module.empty(cells_module.Task(sweep, layout, block))
    arrays["status"][...] = CODES[CellStatus.DONE]
    arrays["loss_test_exact"][...] = 1.0  # what only holds fill values is not written
    put = zarr.storage.LocalStore.set

    async def full(self, key, value):
        if key.startswith("loss_test"):
            await asyncio.sleep(0.3)  # whatever does not wait for it is written by then
            raise OSError(errno.ENOSPC, "No space left on device")
        await put(self, key, value)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.storage.LocalStore, "set", full)
        with pytest.raises(OSError, match="No space"):
            store.write(block, arrays)
    assert not store.status.any()
    store.write(block, arrays)
    assert store.status.all()


def test_a_store_is_not_overwritten_nor_anything_else(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInput, match="exists already"):
        swept(tmp_path / "file", {"alpha": "1,2"})
    with pytest.raises(InvalidInput, match="is not the store of a sweep"):
        swept(tmp_path / "file", {"alpha": "1,2"}, resume=True)
    with pytest.raises(InvalidInput, match="no folder"):
        swept(tmp_path / "nowhere" / "s.zarr", {"alpha": "1,2"})
    assert (tmp_path / "file").read_text() == "mine"
    assert os.listdir(tmp_path) == ["file"]


def test_one_coordinator_a_store(tmp_path):
    with locked(tmp_path), pytest.raises(InvalidInput, match=f"process {os.getpid()} on"), locked(tmp_path):
        pass
    assert not (tmp_path / NAME).exists()
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    holder = {"host": os.uname().nodename, "pid": int(gone.stdout)}
    (tmp_path / NAME).write_text(json.dumps(holder))
    with locked(tmp_path):  # of a process that is gone
        pass
    (tmp_path / NAME).write_text(json.dumps(holder | {"host": "elsewhere"}))
    with pytest.raises(InvalidInput, match="on elsewhere; wait for it"), locked(tmp_path):
        pass
    (tmp_path / NAME).write_text("")  # cut short: nobody knows whose it is
    with pytest.raises(InvalidInput, match="if it is gone, remove"), locked(tmp_path):
        pass


# ---- workers that die


def test_only_the_cell_that_kills_its_worker_fails(tmp_path, monkeypatch):
    """The others of its block are computed one by one; the sweep goes on, and says so."""
    monkeypatch.syspath_prepend(os.path.dirname(__file__))
    sweep_tasks = importlib.import_module("sweep_tasks")
    monkeypatch.setattr("grokode.sweep.conduct.compute", sweep_tasks.deadly)
    _, counts = swept(tmp_path / "s.zarr", {"alpha": "0.3,1,3"}, engine="local:workers=1")
    assert (counts[CellStatus.DONE], counts[CellStatus.FAILED]) == (2, 1)
    store = Store(tmp_path / "s.zarr")
    assert store.bad == 1
    assert store.reasons() == [("alpha 1.0", "its process ended before the task did: killed, or out of memory")]
