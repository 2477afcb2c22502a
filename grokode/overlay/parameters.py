"""What can be fitted, in logarithms: where it starts, and an experiment with other values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..convention import learning_rate
from ..errors import InvalidInput
from ..experiment.spec import Experiment
from ..registry import nearest
from .log import Array

PARAMETERS = ("alpha", "eps", "lr", "sigma")
"""In the order in which they are reported."""


def parse_parameters(text: str) -> tuple[str, ...]:
    """Read a list of parameters, for instance ``alpha,lr``.

    Raises
    ------
    InvalidInput
        If one is unknown or named twice.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in PARAMETERS:
            raise InvalidInput(f"cannot fit {name!r}; {nearest(name, list(PARAMETERS))}")
    if len(set(names)) < len(names):
        raise InvalidInput(f"{text!r} names a parameter twice; name each once")
    return tuple(name for name in PARAMETERS if name in names)


def start_of(experiment: Experiment, names: Sequence[str], *, given: bool) -> Array:
    """Return the logarithms at which a search starts: those of the experiment.

    Parameters
    ----------
    experiment : Experiment
    names : sequence of str
    given : bool
        Whether the initial weights are given, which fixes sigma.

    Raises
    ------
    InvalidInput
        If a parameter does not exist here, or starts at zero.
    """
    values = []
    for name in names:
        if name == "sigma" and given:
            raise InvalidInput("sigma cannot be fitted beside a bundle: its W0 are the weights; leave sigma out")
        value = getattr(experiment, name)
        if name == "lr" and value is None:
            if math.isinf(experiment.width) or experiment.dt is None:
                raise InvalidInput("lr cannot be fitted at infinite width or without a step; give --width and --lr")
            value = learning_rate(experiment.dt, experiment.alpha, experiment.width)
        if not value > 0:
            raise InvalidInput(f"{name} = {value:g} cannot start a fit, which searches in logarithms; give --{name}")
        values.append(math.log(value))
    return np.array(values)


def at(experiment: Experiment, values: Mapping[str, float]) -> Experiment:
    """Return an experiment with other values; its step size is stated as a learning rate where that is one."""
    return experiment.model_copy(update=dict(values) | ({"dt": None} if "lr" in values else {}))
