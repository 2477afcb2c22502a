"""Overlays: a user's logged losses beside the theory of the same training."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agreement import Agreement as Agreement
    from .compared import Compared as Compared
    from .comparison import compare as compare
    from .log import Log as Log
    from .log import LoggedCurve as LoggedCurve
    from .readers import read_log as read_log
    from .reading.columns import Columns as Columns
    from .result import Overlay as Overlay

# name -> module beside this one; loaded at first use, because the theory is heavy and a log is not
_PUBLIC = {
    "Agreement": "agreement",
    "Columns": "reading.columns",
    "Compared": "compared",
    "Log": "log",
    "LoggedCurve": "log",
    "Overlay": "result",
    "compare": "comparison",
    "read_log": "readers",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'grokode.overlay' has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return __all__
