"""Workers of a dask cluster."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

from ..errors import EngineLost, InvalidInput
from .executor import WorkerLost, first_line
from .local import THREADS, check_workers, processors

PATIENCE = 20
"""Seconds to wait for a scheduler, and for its first worker."""

AHEAD = 2
"""Tasks that wait at the scheduler beyond those that run, so that no worker waits for us."""


@dataclass(frozen=True, slots=True)
class Dask:
    """Workers of a running scheduler, or of a cluster on this machine that ends with the sweep.

    Parameters
    ----------
    address : str
        Of the scheduler, like tcp://host:8786; empty for a cluster of its own.
    workers : int
        Of a cluster of its own; 0 for one a processor.
    """

    address: str = ""
    workers: int = 0

    def __post_init__(self) -> None:
        check_workers(self.workers)
        if self.address and self.workers:
            raise InvalidInput(f"workers = {self.workers} beside address {self.address}, whose scheduler has its own")

    @contextlib.contextmanager
    def open(self) -> Iterator[DaskExecutor]:
        """Connect to the scheduler, or start one; leaving cancels what is not done.

        Raises
        ------
        InvalidInput
            If dask is not installed, or there is no scheduler with workers at the address.
        """
        distributed = _distributed()
        with contextlib.ExitStack() as stack:
            place: Any = self.address
            if not place:
                count = self.workers or processors()
                place = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
                    )
                )
            try:
                client = stack.enter_context(distributed.Client(place, timeout=PATIENCE, set_as_default=False))
                client.wait_for_workers(1, timeout=PATIENCE)
            except (OSError, ValueError, TimeoutError) as error:
                raise InvalidInput(
                    f"no dask scheduler with workers at {self.address} ({first_line(error)}); start 'dask scheduler' "
                    "and 'dask worker ADDRESS', and give its tcp:// address"
                ) from None
            client.register_plugin(_one_thread())
            yield DaskExecutor(client)


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ModuleNotFoundError:
        raise InvalidInput("the dask engine needs distributed; pip install 'grokode[dask]'") from None


def _one_thread() -> Any:
    """Return what makes every worker, present and future, take one thread."""

    class OneThread(_distributed().WorkerPlugin):  # type: ignore[misc]
        name = "grokode-one-thread"

        def setup(self, worker: Any) -> None:
            from threadpoolctl import threadpool_limits

            os.environ.update(dict.fromkeys(THREADS, "1"))  # for libraries that are loaded later
            threadpool_limits(limits=1)

    return OneThread()


class DaskExecutor:
    """Submits to a client, as many tasks as its workers have threads and a few more."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor(retries=0, pure=False)

    @property
    def slots(self) -> int:
        """How many tasks it can have at once."""
        try:
            threads: int = sum(self._client.nthreads().values())
        except OSError as error:
            raise _gone(error) from None
        return max(1, threads) + AHEAD

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begin a call; where the scheduler is gone its future raises EngineLost."""
        promised: Future[Any] = Future()
        done = self._executor.submit(_alone, function, *arguments)
        done.add_done_callback(lambda done: _pass_on(done, promised))
        return promised


def _alone(function: Callable[..., Any], /, *arguments: Any) -> Any:
    """Call a function with one thread of numba's, a number that each thread of a worker has for itself."""
    import numba

    numba.set_num_threads(1)
    return function(*arguments)


def _gone(error: BaseException) -> EngineLost:
    return EngineLost(f"the dask scheduler is gone ({first_line(error)}); start it again, and --resume goes on")


def _pass_on(done: Future[Any], promised: Future[Any]) -> None:
    """Settle a future as another was, with the reasons that engines share."""
    try:
        promised.set_result(done.result())
    except _distributed().KilledWorker as error:
        promised.set_exception(WorkerLost(f"its workers died with it: {first_line(error)}"))
    except (CancelledError, OSError) as error:
        promised.set_exception(_gone(error))
    except Exception as error:
        promised.set_exception(error)
