"""Every engine does every task once, whatever becomes of its workers."""

import importlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from grokode.engines import ENGINES
from grokode.engines.executor import RETRIES, Finished, Lost, outcomes
from grokode.engines.local import THREADS, Local, processors
from grokode.errors import EngineLost, InvalidInput

HERE = Path(__file__).parent
each_engine = pytest.mark.parametrize("name", ["serial", "local"])


@pytest.fixture
def tasks(monkeypatch):
    """Return the module whose functions other processes can import."""
    monkeypatch.syspath_prepend(HERE)
    return importlib.import_module("engine_tasks")


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(pid):
    """Whether a process is gone, or a zombie that nobody has collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@each_engine
def test_every_task_is_done_once(tasks, name):
    with ENGINES.build(name).open() as executor:
        found = list(outcomes(executor, tasks.square, range(7)))
    assert sorted((outcome.task, outcome.value) for outcome in found) == [(k, k**2) for k in range(7)]


@each_engine
def test_what_a_function_raises_is_raised(tasks, name):
    with ENGINES.build(name).open() as executor, pytest.raises(ValueError, match="planted for 3"):
        list(outcomes(executor, tasks.fail, [3]))


def test_a_death_costs_one_task_another_try_and_no_other_anything(tasks, tmp_path):
    names = ["plain 0", "once 1", "plain 2", "always 3", "plain 4", "once 5", "plain 6"]
    with Local(2).open() as executor:
        found = {
            outcome.task[1]: outcome for outcome in outcomes(executor, tasks.die_once, [(tmp_path, n) for n in names])
        }
    assert set(found) == set(names)
    for name, outcome in found.items():
        tries = (tmp_path / name).read_text().count("\n")
        if name.startswith("always"):
            assert isinstance(outcome, Lost)
            assert "its process ended" in outcome.reason
            assert tries == 1 + RETRIES
        else:
            assert outcome == Finished((tmp_path, name), name)
            assert tries == (2 if name.startswith("once") else 1)


def test_a_worker_that_dies_idle_is_replaced(tasks, tmp_path):
    with Local(1).open() as executor:
        executor.submit(tasks.note, (tmp_path, "first")).result()
        pid = int((tmp_path / "first").read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: ended(pid))
        assert [outcome.value for outcome in outcomes(executor, tasks.square, [3])] == [9]


def test_a_worker_takes_one_thread(tasks, monkeypatch):
    for name in THREADS:
        monkeypatch.setenv(name, "2")
    with Local(1).open() as executor:
        pools, numba_threads = executor.submit(tasks.threads, None).result()
    assert pools
    assert set(pools) == {1}
    assert numba_threads == 1


def test_a_library_that_is_there_before_the_worker_is_takes_one_thread_too(tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "import numpy\n"
        "import engine_tasks\n"
        "from grokode.engines.local import Local\n"
        "if __name__ == '__main__':\n"
        "    with Local(1).open() as executor:\n"
        "        print(set(executor.submit(engine_tasks.threads, None).result()[0]))\n"
    )
    (tmp_path / "script.py").write_text(script)
    environment = {**os.environ, **dict.fromkeys(THREADS, "2")}
    done = subprocess.run([sys.executable, tmp_path / "script.py"], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{1}\n", "")


def test_an_interrupt_is_the_parents_from_the_first_moment_on(tmp_path):
    """As from a terminal, to all processes of a group."""
    script = (
        "import os, signal, time\n"
        "from grokode.engines.local import Local\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
        "    with Local(1).open() as executor:\n"
        "        asked = executor.submit(abs, -3)\n"
        "        for _ in range(20):\n"
        "            os.killpg(0, signal.SIGINT)\n"
        "            time.sleep(0.02)\n"
        "        print(asked.result())\n"
    )
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, tmp_path / "script.py"]
    done = subprocess.run(command, start_new_session=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("interrupted\n" * 20 + "3\n", "")


def test_leaving_ends_the_workers_at_once(tasks, tmp_path):
    with Local(2).open() as executor:
        for name in ("a", "b"):
            executor.submit(tasks.sleep, (tmp_path, name))
        wait_until(lambda: all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in "ab"))
    for name in "ab":
        wait_until(lambda name=name: ended(int((tmp_path / name).read_text())))


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "import engine_tasks\n"
        "from grokode.engines.executor import outcomes\n"
        "from grokode.engines.local import Local\n"
        "if __name__ == '__main__':\n"
        "    with Local(2).open() as executor:\n"
        f"        list(outcomes(executor, engine_tasks.sleep, [({str(tmp_path)!r}, name) for name in 'ab']))\n"
    )
    (tmp_path / "script.py").write_text(script)
    parent = subprocess.Popen([sys.executable, tmp_path / "script.py"])
    wait_until(lambda: all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in "ab"))
    parent.kill()
    parent.wait()
    for name in "ab":
        wait_until(lambda name=name: ended(int((tmp_path / name).read_text())))


class Counting:
    """Finishes the oldest call when one too many is begun."""

    slots = 3

    def __init__(self):
        self.unfinished, self.most = [], 0

    def submit(self, function, /, *arguments):
        future = Future()
        self.unfinished.append((future, function, arguments))
        self.most = max(self.most, len(self.unfinished))
        if len(self.unfinished) == self.slots:
            while self.unfinished:
                done, call, given = self.unfinished.pop()
                done.set_result(call(*given))
        return future


def test_no_more_is_begun_or_taken_than_there_are_slots():
    taken, executor = [], Counting()
    found = outcomes(executor, abs, (taken.append(k) or -k for k in range(9)))
    assert taken == []
    first = next(found)
    assert len(taken) == executor.slots
    assert sorted(outcome.value for outcome in (first, *found)) == list(range(9))
    assert executor.most == executor.slots


class Endless:
    """Has one call that does not end until it is told to; all others end at once."""

    slots = 2

    def __init__(self):
        self.endless, self.begun = Future(), []

    def submit(self, function, /, task):
        self.begun.append(task)
        if task == "endless":
            return self.endless
        future = Future()
        future.set_result(function(task))
        return future


def test_a_worker_has_its_next_task_before_its_last_is_handed_on():
    executor = Endless()
    found = outcomes(executor, str, ["endless", "first", "second", "third"])
    assert next(found).task == "first"
    assert executor.begun == ["endless", "first", "second"]
    executor.endless.set_result("endless")
    assert {outcome.task for outcome in found} == {"endless", "second", "third"}


def test_an_engine_that_is_lost_costs_nothing_that_has_ended():
    executor = Endless()
    found = outcomes(executor, str, ["endless", "first", "second"])
    submit = executor.submit

    def lost(function, /, task):
        if task == "second":
            raise EngineLost("gone")
        return submit(function, task)

    executor.submit = lost
    assert next(found).task == "first"
    with pytest.raises(EngineLost, match="gone"):
        next(found)


@pytest.mark.parametrize("fails", [0, 1, 2])
def test_an_error_costs_nothing_that_has_ended_with_it(fails):
    """Three calls end at once, one of them by an error."""

    class Together(Counting):
        def submit(self, function, /, task):
            future = Future()
            self.unfinished.append(future)
            if len(self.unfinished) == self.slots:
                for k, each in enumerate(self.unfinished):
                    each.set_exception(ValueError("planted")) if k == fails else each.set_result(k**2)
            return future

    found = outcomes(Together(), abs, range(3))
    assert {next(found).value, next(found).value} == {k**2 for k in range(3) if k != fails}
    with pytest.raises(ValueError, match="planted"):
        next(found)


def test_what_a_lone_process_has_done_is_handed_on_before_it_begins_another():
    """It may be interrupted there, and what is finished has to be kept."""
    begun = []
    with ENGINES.build("serial").open() as executor:
        for k, outcome in enumerate(outcomes(executor, lambda task: begun.append(task) or task, range(3))):
            assert outcome.task == k
            assert begun == list(range(k + 1))


def test_fewer_than_no_workers_are_refused():
    with pytest.raises(InvalidInput, match="workers must be at least 1, or 0 for one a processor, got -1"):
        ENGINES.build("local:workers=-1")
    assert processors() >= 1
