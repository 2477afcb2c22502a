"""How many threads the linear algebra takes."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager

import scipy.linalg  # noqa: F401  its BLAS is loaded before the libraries are looked for
from threadpoolctl import ThreadpoolController

_libraries = functools.cache(ThreadpoolController)  # finding them takes longer than a small run's solver


def limited(threads: int) -> AbstractContextManager[object]:
    """Return a context in which every BLAS has so many threads."""
    limits: AbstractContextManager[object] = _libraries().limit(limits=threads)
    return limits
