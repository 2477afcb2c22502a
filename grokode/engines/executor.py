"""What every engine offers, and the loop that runs tasks on it and outlives its workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import EngineLost

RETRIES = 2
"""How often a task whose worker was lost is tried again."""


class WorkerLost(Exception):
    """A worker died or was killed with its task; another may do it."""


class Executor(Protocol):
    """Runs functions somewhere."""

    @property
    def slots(self) -> int:
        """How many tasks it can have at once."""
        ...

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begin a call, of which at most ``slots`` may be unfinished; it raises WorkerLost where its worker was."""
        ...


class Engine(Protocol):
    """Opens executors."""

    def open(self) -> AbstractContextManager[Executor]:
        """Start the workers; leaving ends them, at once."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """A task and what came of it."""

    task: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Lost:
    """A task whose worker was lost at every try, and the last reason."""

    task: Any
    reason: str


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its name."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


_END = object()
"""What follows the last task."""


def outcomes(
    executor: Executor, function: Callable[[Any], Any], tasks: Iterable[Any], retries: int = RETRIES
) -> Iterator[Finished | Lost]:
    """Run a function on every task and yield what came of each once its worker has another.

    Parameters
    ----------
    executor : Executor
    function : callable
        Of one task. Pure, for it may run again; of a module, so that another process finds it.
    tasks : iterable
        Taken as workers get free.
    retries : int
        How often a task is tried again whose worker was lost.

    Yields
    ------
    Finished or Lost

    Raises
    ------
    Exception
        Whatever the function raises: a failure that is a result has to be returned as one.
    """
    waiting, again = iter(tasks), deque[tuple[Any, int]]()
    running: dict[Future[Any], tuple[Any, int]] = {}

    def begin() -> None:
        while len(running) < executor.slots:
            task, tries = again.popleft() if again else (next(waiting, _END), 0)
            if task is _END:
                break
            running[executor.submit(function, task)] = task, tries

    begin()
    while running:
        ended: list[Finished | Lost] = []
        failure: Exception | None = None
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            task, tries = running.pop(future)
            try:
                value = future.result()
            except WorkerLost as reason:
                if tries < retries:
                    again.append((task, tries + 1))
                else:
                    ended.append(Lost(task, str(reason)))
            except Exception as error:
                failure = error
            else:
                ended.append(Finished(task, value))
        try:
            if running and failure is None:  # a lone inline executor hands on first: the next task may be interrupted
                begin()
        except BaseException:  # an engine that is lost, an interrupt
            yield from ended
            raise
        yield from ended
        if failure is not None:
            raise failure
        begin()


def values_of(
    executor: Executor,
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    *,
    what: str,
    progress: Callable[[float], None] = lambda _: None,
) -> list[Any]:
    """Run a function on every task and return what it returns, in the order of the tasks.

    Parameters
    ----------
    executor, function, tasks
        As of ``outcomes``.
    what : str
        What a task is, for the error: ``a draw``.
    progress : callable, optional
        Called with the fraction done.

    Raises
    ------
    EngineLost
        If a worker is lost again and again with one of them.
    """
    places = {id(task): place for place, task in enumerate(tasks)}
    found: dict[int, Any] = {}
    for outcome in outcomes(executor, function, tasks):
        if isinstance(outcome, Lost):
            raise EngineLost(f"{what} was lost with its worker: {outcome.reason}; use fewer --workers")
        found[places[id(outcome.task)]] = outcome.value
        progress(len(found) / len(tasks))
    return [found[place] for place in range(len(tasks))]
