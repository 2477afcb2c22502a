"""One task after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Serial:
    """In this process: nothing to start, nothing to lose."""

    @contextmanager
    def open(self) -> Iterator[SerialExecutor]:
        """Return the executor."""
        yield SerialExecutor()


class SerialExecutor:
    """Runs a call when it is submitted."""

    slots = 1

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Run the call."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future
