"""How much memory is free, and the refusal of what does not fit."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import InvalidInput


def free_memory() -> float:
    """Return the bytes that are free, as far as the system tells; infinity where it does not."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return min(1024.0 * int(line.split()[1]), _container_limit())
    try:  # macOS has no count of reclaimable pages here; half of all is a fair guess
        return 0.5 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return float("inf")


def _container_limit() -> float:
    """Return what a container's memory limit leaves; infinity where there is none."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = ((folder / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        return float(limit) - float(used)
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")


def refuse(needed: float, what: str, fix: str) -> None:
    """Refuse what needs more bytes than are free.

    Raises
    ------
    InvalidInput
    """
    free = free_memory()
    if needed > free:
        raise InvalidInput(f"{what} needs about {needed / 2**30:.3g} GiB and {free / 2**30:.3g} GiB are free; {fix}")
