"""Jobs of a SLURM cluster, by submitit."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EngineLost, InvalidInput
from .executor import WorkerLost, first_line

POLL = 0.5
"""Seconds between two looks at the jobs, and that a group may wait for more tasks."""

Call = tuple[Callable[..., Any], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Slurm:
    """Jobs of one processor, each for a group of tasks.

    Parameters
    ----------
    folder : str
        Where submitit keeps what it sends and gets; every node must see it.
    jobs : int
        How many may be queued or running.
    group : int
        Tasks of a job.
    minutes : int
        Time limit of a job.
    partition : str
        Of the cluster; its default one if empty.
    cluster : str
        ``slurm``, or ``local`` and ``debug`` to try it without one: processes of this machine, or this one.
    """

    folder: str = "grokode-slurm"
    jobs: int = 100
    group: int = 10
    minutes: int = 60
    partition: str = ""
    cluster: str = "slurm"

    def __post_init__(self) -> None:
        for name in ("jobs", "group", "minutes"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} of the slurm engine must be at least 1, got {getattr(self, name)}")
        if self.cluster not in ("slurm", "local", "debug"):
            raise InvalidInput(f"cluster {self.cluster!r} is none of slurm, local, debug; leave it out")

    @contextlib.contextmanager
    def open(self) -> Iterator[SlurmExecutor]:
        """Return the executor; leaving cancels jobs that are not done.

        Raises
        ------
        InvalidInput
            If submitit is not installed, or there is no SLURM here.
        """
        try:
            submitit = importlib.import_module("submitit")
        except ModuleNotFoundError:
            raise InvalidInput("the slurm engine needs submitit; pip install 'grokode[slurm]'") from None
        try:
            inner = submitit.AutoExecutor(folder=Path(self.folder), cluster=self.cluster)
        except (OSError, RuntimeError) as error:
            raise InvalidInput(f"no SLURM here ({error}); run it where sbatch is, or with another --engine") from None
        inner.update_parameters(timeout_min=self.minutes, cpus_per_task=1, name="grokode")
        if self.partition:
            inner.update_parameters(slurm_partition=self.partition)
        executor = SlurmExecutor(inner, self.jobs, self.group)
        try:
            yield executor
        finally:
            executor.end()


class SlurmExecutor:
    """Gathers tasks into jobs, and watches the jobs from a thread of its own.

    Parameters
    ----------
    inner : submitit.Executor
    jobs, group : int
    """

    def __init__(self, inner: Any, jobs: int, group: int) -> None:
        self.slots = jobs * group
        self._inner, self._group = inner, group
        self._lock, self._over = threading.Lock(), threading.Event()
        self._gathered: list[tuple[Call, Future[Any]]] = []
        self._jobs: list[tuple[Any, list[Future[Any]]]] = []
        self._watch = threading.Thread(target=self._poll, daemon=True)
        self._watch.start()

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begin a call, with others in one job."""
        future: Future[Any] = Future()
        with self._lock:
            self._gathered.append(((function, arguments), future))
            if len(self._gathered) == self._group:
                self._send()
        return future

    def end(self) -> None:
        """Stop watching, and cancel what is not done."""
        self._over.set()
        self._watch.join()
        for job, _ in self._jobs:
            job.cancel(check=False)

    def _send(self) -> None:
        calls, futures = zip(*self._gathered, strict=True)
        self._gathered = []
        try:
            self._jobs.append((self._inner.submit(run_group, calls), list(futures)))
        except Exception as error:  # of sbatch, or of the folder
            lost = EngineLost(f"no job could be submitted ({first_line(error)}); --resume goes on")
            for future in futures:
                future.set_exception(lost)

    def _poll(self) -> None:
        before = 0
        while not self._over.wait(POLL):
            with self._lock:
                if self._gathered and len(self._gathered) == before:  # nothing has come since the last look
                    self._send()
                before = len(self._gathered)
                over = [entry for entry in self._jobs if entry[0].done()]
                self._jobs = [entry for entry in self._jobs if entry not in over]
            for job, futures in over:
                _settle(job, futures)


def run_group(calls: tuple[Call, ...]) -> list[tuple[bool, Any]]:
    """Run calls one after the other in a job, with one thread; each is told by what it returned or raised."""
    import numba
    from threadpoolctl import threadpool_limits

    numba.set_num_threads(1)
    told: list[tuple[bool, Any]] = []
    with threadpool_limits(limits=1):
        for function, arguments in calls:
            try:
                told.append((True, function(*arguments)))
            except Exception as error:
                told.append((False, error))
    return told


def _settle(job: Any, futures: list[Future[Any]]) -> None:
    """Give the futures of a job what it returned, or the loss of it."""
    try:
        told = job.result()
    except Exception as error:  # submitit's for a job that was killed, out of time or out of memory
        for future in futures:
            future.set_exception(WorkerLost(f"its job {job.job_id} ended before the task did: {first_line(error)}"))
        return
    for future, (worked, value) in zip(futures, told, strict=True):
        if worked:
            future.set_result(value)
        else:
            future.set_exception(value)
