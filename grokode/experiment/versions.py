"""The versions that a number depends on."""

from __future__ import annotations

import importlib.metadata
import platform

LIBRARIES = ("grokode", "numpy", "scipy", "numba", "extensisq")


def versions() -> dict[str, str]:
    """Return the version of each library, and of Python."""
    return {**{name: importlib.metadata.version(name) for name in LIBRARIES}, "python": platform.python_version()}
