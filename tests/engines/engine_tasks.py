"""What the tests of engines run in other processes, which find it by this name."""

import os
import signal
import time
from pathlib import Path


def square(task):
    return task**2


def fail(task):
    raise ValueError(f"planted for {task}")


def note(task):
    """Write a line of a task's own, and return it."""
    folder, name = task
    with (Path(folder) / name).open("a") as log:
        print(os.getpid(), file=log)
    return name


def die_once(task):
    """Die at the first try of the tasks that are named so."""
    folder, name = task
    note(task)
    if name.startswith("once") and (Path(folder) / name).read_text().count("\n") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("always"):
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def sleep(task):
    """Say who sleeps, and for good."""
    note(task)
    time.sleep(600)


def threads(_):
    """Say how many threads BLAS and numba take, once they are there."""
    import numba
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"], numba.get_num_threads()


def slow(task):
    """Take a tenth of a second."""
    time.sleep(0.1)
    return note(task)
