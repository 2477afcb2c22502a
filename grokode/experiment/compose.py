"""An experiment from its sources: defaults < preset < spec file or saved run < bundle < flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dynamics.optimizers import OPTIMIZERS
from ..errors import InvalidInput
from ..registry import nearest
from .amended import SHORTHANDS, amended, followed, refuse_twice
from .bundle import Bundle
from .result import Run
from .sources import Preset, load_preset
from .spec import DEFAULTS, GIVEN, Experiment, merge

BUNDLE_DEFAULTS: dict[str, Any] = {"optimizer": "gradient_descent", "steps": 10_000}
"""For a bundle that does not say how long it was trained."""


@dataclass(frozen=True, eq=False)
class Composition:
    """An experiment in force, the bundle it is of, known files, and what should be said of how it came about."""

    experiment: Experiment
    bundle: Bundle | None
    files: Mapping[str, NDArray[np.float64]]
    notes: tuple[str, ...]


def composition_of(what: str | Experiment | Bundle | None, parameters: Mapping[str, Any]) -> Composition:
    """Lay parameters over a preset by its name, a whole experiment, a bundle, or nothing.

    Raises
    ------
    InvalidInput
        If it is none of these, or a parameter is wrong.
    """
    if not (what is None or isinstance(what, (str, Experiment, Bundle))):
        raise InvalidInput(f"cannot run a {type(what).__name__}; give a preset's name, an Experiment or a Bundle")
    whole = what.model_dump(exclude_none=True) if isinstance(what, Experiment) else {}
    return compose(
        parameters,
        preset=load_preset(what) if isinstance(what, str) else None,
        spec=Preset(name="the experiment", summary="", parameters=whole, grid={}),
        bundle=what if isinstance(what, Bundle) else None,
    )


def compose(
    flags: Mapping[str, Any],
    *,
    preset: Preset | None = None,
    spec: Preset | None = None,
    saved: Run | None = None,
    bundle: Bundle | None = None,
) -> Composition:
    """Lay the sources over one another.

    Parameters
    ----------
    flags : mapping
        Parameters given one by one; None where one is not given.
    preset, spec : Preset, optional
    saved : Run, optional
        A run to make again; it excludes the other three.
    bundle : Bundle, optional

    Raises
    ------
    InvalidInput
        If a source is wrong, or flags contradict the bundle.
    """
    if saved is not None and (preset or spec or bundle):
        raise InvalidInput("a saved run is a whole experiment; leave out --preset, --spec and --bundle beside --from")
    layers: list[tuple[str, Mapping[str, Any]]] = [("the defaults", DEFAULTS)]
    if bundle is not None:
        layers.append(("the defaults for a bundle", BUNDLE_DEFAULTS))
    layers += [(source.name, source.parameters) for source in (preset, spec) if source]
    if bundle is not None:
        layers.append(("the bundle", bundle.parameters()))
    if saved is not None:
        again = saved.experiment.model_dump(exclude_none=True, exclude={"time_limit"})
        layers.append(("the saved run", again))
        bundle = saved.bundle
    if bundle is not None:
        bundle.refuse(flags)
    known = [*Experiment.model_fields, *SHORTHANDS]
    for key in flags:
        if key not in known:
            raise InvalidInput(f"unknown parameter {key!r}; {nearest(key, known)}")
    shorthands = {key: flags[key] for key in SHORTHANDS if flags.get(key) is not None}
    layers.append(("the flags", {key: value for key, value in flags.items() if key not in SHORTHANDS}))
    experiment = merge(layers)
    refuse_twice(flags)
    if shorthands:
        experiment = experiment.model_copy(update={"optimizer": amended(experiment.optimizer, shorthands)})
    notes: list[str] = []
    if flags.get("optimizer") is not None:
        replaced = next((layer["optimizer"] for _, layer in reversed(layers[:-1]) if "optimizer" in layer), "")
        if replaced:
            ratio = experiment.width / experiment.alpha**2
            optimizer, left = followed(experiment.optimizer, replaced, ratio)
            experiment = experiment.model_copy(update={"optimizer": optimizer})
            if left:
                notes.append(f"{optimizer.partition(':')[0]} leaves out what {replaced} has: {', '.join(left)}")
    if bundle is not None and np.ndim(bundle.lr) and experiment.schedule == GIVEN:
        notes += [
            f"--{key} {flags[key]} is the largest of the bundle's lr, which keep their ratios; --schedule constant "
            "makes them one"
            for key in ("lr", "dt")
            if flags.get(key) is not None
        ]
    if bundle is not None and bundle.covariance is not None:
        experiment = experiment.model_copy(update={"covariance": None})  # the bundle's own is in force
    notes += _idle(flags, experiment)
    if bundle is not None and flags.get("seed") is not None:
        notes.append("--seed changes nothing: the bundle has the data and the weights; sgd:seed=K orders batches")
    notes += [
        f"{source.name} is a grid over {key}; this run takes {key} = {getattr(experiment, key)}"
        for source in (preset, spec)
        if source
        for key in source.grid
        if flags.get(key) is None
    ]
    return Composition(experiment, bundle, saved.files if saved else {}, tuple(notes))


def _idle(flags: Mapping[str, Any], experiment: Experiment) -> list[str]:
    """Say which flags change nothing."""
    optimizer, name = OPTIMIZERS.build(experiment.optimizer), experiment.optimizer.partition(":")[0]
    if optimizer.steps:
        idle = [f"--{key}" for key in ("solver", "rtol") if flags.get(key) is not None]
        return [f"{key} changes nothing: {name} takes steps, and needs no solver" for key in idle]
    counts = optimizer.order > 1 or experiment.steps is not None  # the step is corrected for, or the end is in steps
    idle = [] if counts else [f"--{key}" for key in ("lr", "dt", "schedule") if flags.get(key) is not None]
    return [f"{key} changes nothing: {name} takes no steps; --optimizer gradient_descent does" for key in idle]
