"""The slurm engine, with submitit's own local and debug executors in the place of a cluster."""

import gc
import importlib
from pathlib import Path

import pytest

from grokode.engines.executor import RETRIES, Finished, Lost, outcomes
from grokode.engines.slurm import Slurm
from grokode.errors import InvalidInput

pytest.importorskip("submitit", reason="the slurm engine is an extra")
pytestmark = pytest.mark.filterwarnings("default")  # submitit leaves the logs of its debug jobs open
HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def collected():
    """Let the files that submitit leaves open be closed here, and not in a test that takes warnings for errors."""
    yield
    gc.collect()


@pytest.fixture
def tasks(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    return importlib.import_module("engine_tasks")


@pytest.mark.parametrize("cluster", ["debug", "local"])
def test_tasks_are_done_in_groups(tasks, tmp_path, cluster):
    """Seven tasks, three a job; the last job is sent although it is not full."""
    with Slurm(folder=str(tmp_path / "jobs"), jobs=2, group=3, cluster=cluster).open() as executor:
        assert executor.slots == 6
        found = sorted((outcome.task, outcome.value) for outcome in outcomes(executor, tasks.square, range(7)))
    assert found == [(k, k**2) for k in range(7)]


def test_what_a_function_raises_is_raised(tasks, tmp_path):
    engine = Slurm(folder=str(tmp_path / "jobs"), group=2, cluster="debug")
    with engine.open() as executor, pytest.raises(ValueError, match="planted for 3"):
        list(outcomes(executor, tasks.fail, [3]))


def test_a_job_that_dies_is_tried_again_and_then_lost(tasks, tmp_path, monkeypatch):
    # how long it waits for a result on a slow file system, which here comes at once or never
    monkeypatch.setattr("submitit.core.core.Job._results_timeout_s", 1)
    names = ["plain 0", "once 1", "always 2"]
    with Slurm(folder=str(tmp_path / "jobs"), jobs=3, group=1, cluster="local").open() as executor:
        found = {
            outcome.task[1]: outcome for outcome in outcomes(executor, tasks.die_once, [(tmp_path, n) for n in names])
        }
    assert all(isinstance(found[name], Finished) for name in names[:2])
    assert isinstance(found["always 2"], Lost)
    assert "ended before the task did" in found["always 2"].reason
    assert (tmp_path / "always 2").read_text().count("\n") == 1 + RETRIES


def test_where_there_is_no_slurm_it_says_so(tmp_path):
    with pytest.raises(InvalidInput, match="no SLURM here"), Slurm(folder=str(tmp_path / "jobs")).open():
        pass


@pytest.mark.parametrize(("fields", "words"), [({"jobs": 0}, "jobs of the slurm"), ({"cluster": "x"}, "none of slurm")])
def test_bad_settings_are_refused(fields, words):
    with pytest.raises(InvalidInput, match=words):
        Slurm(**fields)
