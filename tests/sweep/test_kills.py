"""Nothing that is finished is lost or wrong, whenever the coordinator or a worker is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from grokode.sweep.store import Store, open_sweep

HERE = Path(__file__).parent


def start(path, seeds):
    return subprocess.Popen([sys.executable, str(HERE / "sweep_process.py"), str(path), seeds])


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def done(path):
    return int(np.count_nonzero(Store(path).status)) if path.exists() else 0


def numbers(path):
    data = open_sweep(path).drop_vars("seconds").load()
    return {name: data[name].values.tobytes() for name in data.variables if name != "reason"}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
@pytest.mark.slow
@pytest.mark.parametrize(("kills", "seeds"), [(2, "0:1"), (20, "0:4")], ids=["short", "whole"])
def test_a_sweep_that_is_killed_and_resumed_is_the_same_to_the_bit(tmp_path, kills, seeds):
    """Each time after a block more and a random while: by turns the coordinator, or a worker whose sweep goes on."""
    rng = np.random.default_rng(kills)
    assert start(tmp_path / "whole.zarr", seeds).wait() == 0
    cells = done(tmp_path / "whole.zarr")
    path, coordinator = tmp_path / "s.zarr", None
    for kill in range(kills):
        before = done(path)
        coordinator = coordinator or start(path, seeds)
        while done(path) <= before:
            time.sleep(0.01)
            assert coordinator.poll() is None
        time.sleep(rng.uniform(0, 0.2))
        workers = children(coordinator.pid)
        if kill % 2:
            os.kill(int(rng.choice(workers)), signal.SIGKILL)
        else:
            coordinator.kill()
            coordinator.wait()
            coordinator = None
        assert done(path) < cells  # it was killed in the middle
    assert (coordinator or start(path, seeds)).wait() == 0
    assert numbers(path) == numbers(tmp_path / "whole.zarr")
    assert not [name for name in os.listdir(tmp_path) if name not in ("s.zarr", "whole.zarr")]
