"""The dask engine, on a real scheduler with real workers, one of which is killed."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grokode.engines.dask import Dask
from grokode.engines.executor import Finished, outcomes
from grokode.engines.serial import Serial
from grokode.errors import EngineLost, InvalidInput
from grokode.sweep.conduct import conduct
from grokode.sweep.layout import layout_of
from grokode.sweep.specification import sweep_of
from grokode.sweep.store import open_sweep

pytest.importorskip("distributed", reason="the dask engine is an extra")
pytestmark = pytest.mark.filterwarnings("default")  # of the libraries, about event loops and sockets
HERE = Path(__file__).parent


@pytest.fixture
def tasks(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    return importlib.import_module("engine_tasks")


@pytest.fixture
def started(tmp_path):
    """Return what starts a process of dask's, and ends it with the test."""
    running = []
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent / 'sweep'}"}

    def start(*words):
        command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
        log = (tmp_path / f"{len(running)}.log").open("w")
        running.append((subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=tmp_path), log))
        return running[-1][0]

    yield start
    for process, log in running:
        process.kill()
        process.wait()
        log.close()


@pytest.fixture
def cluster(started):
    """Start a scheduler and two workers, each a process without a nanny; return the address and the three."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    scheduler = started("dask_scheduler", "--host", address, "--no-dashboard", "--no-show")
    words = ("--no-nanny", "--nthreads", "1", "--no-dashboard")
    return address, scheduler, [started("dask_worker", address, *words) for _ in range(2)]


def test_tasks_are_done_at_an_address_and_what_fails_is_raised(tasks, cluster):
    address, _, _ = cluster
    with Dask(address=address).open() as executor:
        assert executor.slots >= 2
        found = sorted((outcome.task, outcome.value) for outcome in outcomes(executor, tasks.square, range(7)))
        assert found == [(k, k**2) for k in range(7)]
        with pytest.raises(ValueError, match="planted for 3"):
            list(outcomes(executor, tasks.fail, [3]))
        pools, numba_threads = executor.submit(tasks.threads, None).result()
        assert (set(pools), numba_threads) == ({1}, 1)


def test_the_death_of_a_worker_costs_nothing(tasks, cluster, tmp_path):
    address, _, _ = cluster
    names = ["plain 0", "once 1", "plain 2", "plain 3"]
    with Dask(address=address).open() as executor:
        found = list(outcomes(executor, tasks.die_once, [(tmp_path, name) for name in names]))
    assert sorted(outcome.value for outcome in found if isinstance(outcome, Finished)) == sorted(names)
    assert (tmp_path / "once 1").read_text().count("\n") == 2


def test_a_scheduler_that_dies_is_an_engine_that_is_lost(tasks, cluster, tmp_path):
    address, scheduler, _ = cluster

    def killing():
        with Dask(address=address).open() as executor:
            for outcome in outcomes(executor, tasks.slow, [(tmp_path, f"{k}") for k in range(1000)]):
                assert isinstance(outcome, Finished)
                os.kill(scheduler.pid, signal.SIGKILL)

    with pytest.raises(EngineLost, match="--resume"):
        killing()


def test_a_sweep_is_the_same_to_the_bit_though_a_worker_is_killed(cluster, tmp_path, monkeypatch):
    """Two workers, of which one is killed when a quarter is done."""
    monkeypatch.setattr("grokode.sweep.specification.BLOCK", 1e-6)  # a cell a block
    address, _, workers = cluster
    grid = {
        "dim": 6,
        "n_train": 20,
        "width": 7,
        "t_max": 1e4,
        "points": 12,
        "alpha": "log:0.1:10:5",
        "eps": "0.1,0.3,1",
    }
    sweep, _ = sweep_of(grid, thresholds=("0.5", "10%"))

    def kill(progress):
        if progress.done >= 4 and workers[0].poll() is None:
            workers[0].kill()

    conduct(sweep, layout_of(sweep), tmp_path / "dask.zarr", Dask(address=address), resume=False, progress=kill)
    conduct(sweep, layout_of(sweep), tmp_path / "serial.zarr", Serial(), resume=False)
    assert workers[0].poll() is not None
    one, other = (open_sweep(tmp_path / name).drop_vars("seconds").load() for name in ("dask.zarr", "serial.zarr"))
    assert set(one.status.values.ravel()) == {1}
    assert all(one[name].values.tobytes() == other[name].values.tobytes() for name in one if name != "reason")


def test_a_cluster_of_its_own(tasks):
    with Dask(workers=1).open() as executor:
        assert [outcome.value for outcome in outcomes(executor, tasks.square, [3])] == [9]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "foo://x:1"])
def test_a_wrong_address_is_refused(address, monkeypatch):
    monkeypatch.setattr("grokode.engines.dask.PATIENCE", 1)
    begun = time.monotonic()
    with pytest.raises(InvalidInput, match="no dask scheduler with workers at"), Dask(address=address).open():
        pass
    assert time.monotonic() - begun < 60


def test_workers_beside_an_address_are_refused():
    with pytest.raises(InvalidInput, match="whose scheduler has its own"):
        Dask(address="tcp://x:1", workers=2)
