"""An optimizer's text with some of its parameters set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..dynamics.optimizers import OPTIMIZERS
from ..errors import InvalidInput

SHORTHANDS = ("momentum", "weight_decay", "decoupled", "decay_rate", "batch_size")
"""Parameters of optimizers that are flags of their own."""


def amended(optimizer: str, parameters: Mapping[str, Any]) -> str:
    """Set parameters of an optimizer given as ``name:field=value,...``.

    Raises
    ------
    InvalidInput
        If the optimizer has no such parameter.
    """
    name, _, arguments = optimizer.partition(":")
    known = OPTIMIZERS.parameters(name)
    kept = [part for part in arguments.split(",") if part and part.partition("=")[0] not in parameters]
    for key, value in parameters.items():
        if key not in known:
            raise InvalidInput(f"optimizer {name!r} has no {key}, got {value}; {_instead(key, known)}")
        kept.append(f"{key}={str(value).lower() if isinstance(value, bool) else value}")
    return f"{name}:{','.join(kept)}"


def _instead(key: str, known: Collection[str]) -> str:
    """Say what to write instead of a parameter that an optimizer does not have."""
    if key == "weight_decay" and "decay_rate" in known:
        return "it has decay_rate, a unit of flow time (weight_decay N / alpha^2)"
    having = [name for name in OPTIMIZERS if key in OPTIMIZERS.parameters(name)]
    return f"these have: {', '.join(having)}"
