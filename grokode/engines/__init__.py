"""Where tasks run: in this process, or in others that may die."""

from __future__ import annotations

from ..registry import Entry, Registry

ENGINES = Registry(
    "engine",
    {
        "serial": Entry("grokode.engines.serial:Serial", "one task after the other, in this process"),
        "local": Entry("grokode.engines.local:Local", "processes of this machine, one thread each"),
        "dask": Entry("grokode.engines.dask:Dask", "workers of a dask cluster, at an address or on this machine"),
        "slurm": Entry("grokode.engines.slurm:Slurm", "jobs of a SLURM cluster (partition=NAME, jobs, group, minutes)"),
    },
)
