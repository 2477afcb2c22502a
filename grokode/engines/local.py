"""Processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from ..errors import InvalidInput
from .executor import WorkerLost

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Where libraries look for their number of threads when they are loaded."""

AHEAD = 2
"""Workers that begin to import before they have a task; how many more there will be tasks for is not known."""


@dataclass(frozen=True, slots=True)
class Local:
    """Processes with one BLAS and one numba thread each, which end with the process that started them.

    Parameters
    ----------
    workers : int
        How many; 0 for one a processor that this process may use.
    """

    workers: int = 0

    def __post_init__(self) -> None:
        check_workers(self.workers)

    @contextlib.contextmanager
    def open(self) -> Iterator[LocalExecutor]:
        """Start the workers; leaving kills them."""
        executor = LocalExecutor(self.workers or processors())
        try:
            yield executor
        finally:
            executor.kill()


def check_workers(workers: int) -> None:
    """Refuse fewer workers than none.

    Raises
    ------
    InvalidInput
    """
    if workers < 0:
        raise InvalidInput(f"workers must be at least 1, or 0 for one a processor, got {workers}")


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalExecutor:
    """One pool of one process a slot, so that a death takes one task with it and no other.

    Parameters
    ----------
    slots : int
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._idle = [_Worker() for _ in range(slots)]
        self._busy: dict[Future[Any], _Worker] = {}
        for worker in self._idle[-AHEAD:]:
            worker.start()

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begin a call in an idle worker."""
        self._collect()
        worker = self._idle.pop()
        try:
            future = worker.submit(function, *arguments)
        except BrokenProcessPool:  # it died, with its last task or since
            worker = _Worker()
            future = worker.submit(function, *arguments)
        self._busy[future] = worker
        return future

    def kill(self) -> None:
        """End every worker, whatever it is doing."""
        for worker in (*self._idle, *self._busy.values()):
            worker.kill()

    def _collect(self) -> None:
        """Make workers whose task is done idle, the dead among them."""
        for future in [future for future in self._busy if future.done()]:
            self._idle.append(self._busy.pop(future))


class _Worker:
    """A process, started by its first task if not before."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
        self._pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_prepare)
        self._pid: Future[int] | None = None

    def start(self) -> None:
        if self._pid is None:
            with _deaf():
                self._pid = self._pool.submit(os.getpid)

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        self.start()
        promised: Future[Any] = Future()
        self._pool.submit(function, *arguments).add_done_callback(lambda done: _pass_on(done, promised))
        return promised

    def kill(self) -> None:
        # one that has not said its process id yet ends when the queue of its tasks is closed
        killed = False
        with contextlib.suppress(ProcessLookupError, BrokenProcessPool, CancelledError, TimeoutError):
            if self._pid is not None:
                os.kill(self._pid.result(timeout=0), signal.SIGKILL)
                killed = True
        # a pool that is still closing when the interpreter ends tells a traceback; that of a dead worker closes at once
        self._pool.shutdown(wait=killed, cancel_futures=True)


def _pass_on(done: Future[Any], promised: Future[Any]) -> None:
    """Settle a future as another was, the death of a pool's one process as the loss of a worker."""
    if done.cancelled():
        promised.cancel()
    elif isinstance(error := done.exception(), BrokenProcessPool):
        promised.set_exception(WorkerLost("its process ended before the task did: killed, or out of memory"))
    elif error is not None:
        promised.set_exception(error)
    else:
        promised.set_result(done.result())


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that hear no interrupt, not even before they can say so: interrupts are the parent's."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its own start would end what is begun here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a process inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare() -> None:
    """Take one thread, leave interrupts to the parent, and end with it."""
    os.environ.update(dict.fromkeys(THREADS, "1"))  # for libraries that are loaded later
    import numba
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(limits=1)
    numba.set_num_threads(1)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """Wait for the end of the parent."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
