"""What a run needs of the machine, estimated before it starts."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InvalidInput


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


def needed_memory(*, dim: int, rows: int, n_train: float, n_test: float, saved: int) -> float:
    """Estimate the bytes of a run with the leanest solver.

    Parameters
    ----------
    dim, rows : int
        D and the number of pseudo-neurons r.
    n_train, n_test : float
        Samples that are really stored.
    saved : int
        Numbers kept along the run.
    """
    samples = (n_train + n_test) * (4.0 * dim + 3.0 * rows)  # inputs, their transpose and copies; H0, dH
    return 8.0 * (samples + 40.0 * rows * dim + 12.0 * dim**2 + saved)


def refuse_too_large(needed: float, free: float) -> None:
    """Refuse a run that does not fit.

    Raises
    ------
    InvalidInput
    """
    if needed > free:
        raise InvalidInput(
            f"this run needs about {needed / 2**30:.3g} GiB and {free / 2**30:.3g} GiB are free; "
            "lower --dim, --n-train, --n-test or --width"
        )
