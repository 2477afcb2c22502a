"""Where tasks run: in this process, or in others that may die."""

from __future__ import annotations

from ..registry import Entry, Registry

ENGINES = Registry(
    "engine",
    {
        "serial": Entry("grokode.engines.serial:Serial", "one task after the other, in this process"),
        "local": Entry("grokode.engines.local:Local", "processes of this machine, one thread each"),
    },
)
