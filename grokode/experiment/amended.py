"""An optimizer's text with some of its parameters set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..dynamics.optimizers import OPTIMIZERS
from ..errors import InvalidInput

SHORTHANDS = ("momentum", "weight_decay", "decoupled", "decay_rate", "batch_size")
"""Parameters of optimizers that are flags of their own."""

DECAYS = frozenset({"weight_decay", "decay_rate"})
"""Two units of one thing: setting one replaces the other."""


def amended(optimizer: str, parameters: Mapping[str, Any]) -> str:
    """Set parameters of an optimizer given as ``name:field=value,...``.

    Raises
    ------
    InvalidInput
        If the optimizer has no such parameter.
    """
    name, given = OPTIMIZERS.split(optimizer)
    known = OPTIMIZERS.parameters(name)
    for key, value in parameters.items():
        if key not in known:
            raise InvalidInput(f"optimizer {name!r} has no {key}, got {value}; {_instead(key, known)}")
    replaced = parameters.keys() | (DECAYS if DECAYS & parameters.keys() else set())
    kept = {key: text for key, text in given.items() if key not in replaced}
    return _written(name, kept | {key: _text(value) for key, value in parameters.items()})


def described(optimizer: str) -> str:
    """Write an optimizer for people, with every parameter that is not off, its default ones too."""
    known = OPTIMIZERS.build(optimizer)
    fields = {
        name.replace("_", " "): getattr(known, name) for name in OPTIMIZERS.parameters(optimizer.partition(":")[0])
    }
    on = [name if value is True else f"{name} {value:g}" for name, value in fields.items() if value]
    return ", ".join([optimizer.partition(":")[0], *on])


def refuse_twice(flags: Mapping[str, Any]) -> None:
    """Refuse flags that set a parameter of an optimizer beside its text, which sets it too.

    Raises
    ------
    InvalidInput
    """
    if flags.get("optimizer") is None:
        return
    name, given = OPTIMIZERS.split(flags["optimizer"])
    for key in SHORTHANDS:
        if key in given and flags.get(key) is not None:
            raise InvalidInput(f"{key} = {flags[key]} and {name}:{key}={given[key]} set the same parameter; keep one")


def followed(optimizer: str, replaced: str, ratio: float) -> tuple[str, tuple[str, ...]]:
    r"""Take over the parameters of an optimizer into one that was named in its place.

    Parameters
    ----------
    optimizer : str
    replaced : str
        What was in force: of a bundle, a saved run, a spec or a preset.
    ratio : float
        :math:`N / \alpha^2`, which makes a weight decay one of flow time.

    Returns
    -------
    str
        The optimizer with every parameter it has, unless its own text sets that.
    tuple of str
        What it has no parameter for.
    """
    name, given = OPTIMIZERS.split(optimizer)
    known = OPTIMIZERS.parameters(name)
    taken, left = {}, []
    for key, value in _stated(replaced).items():
        other = "decay_rate" if key == "weight_decay" and key not in known else key
        if other in given or (key in DECAYS and DECAYS & given.keys()) or value is False:
            continue
        if other in known:
            taken[other] = _text(value * ratio if other != key else value)
        elif value and key not in ("decoupled", name):  # without a memory both decays are one; nesterov is a name too
            left.append(f"{key} = {value}")
    return _written(name, given | taken), tuple(left)


def _stated(optimizer: str) -> dict[str, Any]:
    """Return what an optimizer states of its training: what its text sets, its momentum, and that it is Nesterov's."""
    name, given = OPTIMIZERS.split(optimizer)
    built = OPTIMIZERS.build(optimizer)
    stated = {key: getattr(built, key) for key in given if key != "seed"}
    if getattr(built, "momentum", 0.0):
        stated |= {"momentum": built.momentum}
    return stated | ({"nesterov": True} if name == "nesterov" else {})


def _written(name: str, given: Mapping[str, str]) -> str:
    return f"{name}:{','.join(f'{key}={text}' for key, text in given.items())}" if given else name


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _instead(key: str, known: Collection[str]) -> str:
    """Say what to write instead of a parameter that an optimizer does not have."""
    if key == "weight_decay" and "decay_rate" in known:
        return "it has decay_rate, a unit of flow time (weight_decay N / alpha^2)"
    having = [name for name in OPTIMIZERS if key in OPTIMIZERS.parameters(name)]
    return f"these have: {', '.join(having)}"
