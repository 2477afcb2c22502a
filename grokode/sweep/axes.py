"""The axes of a sweep: a parameter of the experiment, and its values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInput
from ..experiment.grids import parse_grid, parse_range
from ..experiment.spec import Experiment
from ..registry import nearest

WORDS = ("target", "start", "readouts", "centered", "optimizer", "schedule", "solver")
"""Parameters whose values are listed, not spaced."""

FIXED = ("points", "times", "threshold", "until", "time_limit", "guard", "lazy", "threads")
"""Parameters that every cell shares."""

UNITS = {"t_max": "flow time", "dt": "flow time", "time": "flow time"}


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and its values, at least two.

    Parameters
    ----------
    name : str
        A field of the experiment.
    values : tuple
    """

    name: str
    values: tuple[Any, ...]


def read_axis(name: str, given: Any, source: str) -> Axis | Any:
    """Read the values of a parameter: an axis, or the one value there is.

    Parameters
    ----------
    name : str
        A field of the experiment, or ``seeds`` for ``seed``.
    given : str, number, or list of them
        ``log:0.01:100:9``, ``0.1,1,10``, ``0:20`` for seeds; a list as it is.
    source : str
        Where it comes from, for messages.

    Raises
    ------
    InvalidInput
        If the parameter can have no axis, or its values are no increasing numbers or no different words.
    """
    name = "seed" if name == "seeds" else name
    if name not in Experiment.model_fields:
        raise InvalidInput(f"unknown parameter {name!r} in {source}; {nearest(name, list(Experiment.model_fields))}")
    try:
        values = _values(name, given)
    except InvalidInput as error:
        raise InvalidInput(f"{name} from {source}: {error}") from None
    if len(values) == 1:
        return values[0]
    if name in FIXED:
        raise InvalidInput(f"{name} is the same in every cell of a sweep, got {given!r} from {source}; give one value")
    if not values:
        raise InvalidInput(f"{name} from {source} is an empty grid; give values, like {name} = [1, 2]")
    for one, other in itertools.pairwise(values):
        if name not in WORDS and not one < other:
            raise InvalidInput(
                f"{name} from {source} must increase, got {other:g} after {one:g}; list each value once, in order"
            )
    if len(set(values)) < len(values):
        raise InvalidInput(f"{name} from {source} has a value twice, got {list(values)}; list each once")
    return Axis(name, tuple(values))


def _values(name: str, given: Any) -> list[Any]:
    if isinstance(given, (list, tuple)):
        return [float(value) if value in ("inf", "infinity") else value for value in given]
    if not isinstance(given, str) or name in (*WORDS, *FIXED):
        return [given]
    return list(parse_range(given)) if name == "seed" else list(parse_grid(given))


def split(given: Mapping[str, Any], source: str) -> tuple[dict[str, Any], dict[str, Axis]]:
    """Part parameters into those with one value and those with an axis."""
    single: dict[str, Any] = {}
    axes: dict[str, Axis] = {}
    for key, value in given.items():
        if value is None:
            continue
        name = "seed" if key == "seeds" else key
        read = read_axis(key, value, source)
        if name in single or name in axes:
            raise InvalidInput(f"seed and seeds in {source} exclude each other; keep one")
        if isinstance(read, Axis):
            axes[name] = read
        else:
            single[name] = read
    return single, axes


def in_order(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Sort axes as the experiment has its fields, seeds last: the same grid is always the same array."""
    fields = [*(name for name in Experiment.model_fields if name != "seed"), "seed"]
    return tuple(sorted(axes, key=lambda axis: fields.index(axis.name)))
