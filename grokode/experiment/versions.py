"""The versions that a number depends on."""

from __future__ import annotations

import functools
import importlib.metadata
import platform

LIBRARIES = ("grokode", "numpy", "scipy", "numba", "extensisq")


def versions() -> dict[str, str]:
    """Return the version of each library, and of Python."""
    return {**{name: _version(name) for name in LIBRARIES}, "python": platform.python_version()}


_version = functools.cache(importlib.metadata.version)  # reads a file each time
