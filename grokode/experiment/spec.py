"""The experiment: one flat set of parameters, and where they come from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from ..errors import InvalidInput
from ..registry import nearest
from .grids import parse_grid

MOST = 10**15
"""The largest count: every one up to it is exact in float64."""

LARGEST = 1e100
"""The largest alpha, and one over the smallest: its square, over any width, is a number in float64."""

GIVEN = "given"
"""The target, start and inputs of an experiment whose arrays a bundle gives."""


def _whole_or_infinite(value: Any) -> Any:
    if isinstance(value, str):
        value = math.inf if value.strip().lower() in ("inf", "infinity") else _number(value)
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, float) and not value == math.inf:
        raise ValueError("must be a whole number or inf")
    if isinstance(value, int) and value > MOST:
        raise ValueError(f"must be at most {MOST}, or inf")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a whole number or inf") from None


def _number_or_path(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _times(value: Any) -> Any:
    return parse_grid(value) if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    return repr(float(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _degree(value: int) -> int:
    if value != 0 and value < 2:
        raise ValueError("must be 0, for the square, or the degree of a Hermite polynomial, at least 2")
    return value


def _can_be_squared(value: float) -> float:
    if not 1 / LARGEST <= value <= LARGEST:
        raise ValueError(f"must be from {1 / LARGEST:g} to {LARGEST:g}: a step takes lr alpha^2 / N")
    return value


Count = Annotated[
    int | float,
    BeforeValidator(_whole_or_infinite),
    Field(ge=1),
    PlainSerializer(lambda value: "inf" if value == math.inf else value, when_used="json"),
]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Switch = Annotated[bool, Field(strict=True)]

Points = Annotated[int, Field(ge=2, le=10_000_000)] | Literal["bundle"]
"""How many saved times, spaced evenly in log time; or those of the bundle's ``step``."""


class Experiment(BaseModel):
    r"""One experiment, all parameters.

    Exactly one of ``lr`` and ``dt``, of ``steps`` and ``t_max``, of ``points`` and ``times`` is set; see ``merge``.
    Times are flow times: one step of learning rate ``lr`` takes dt = lr alpha^2 / N.

    Raises
    ------
    pydantic.ValidationError
        On values out of range; ``merge`` turns it into ``InvalidInput``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dim: int = Field(default=40, ge=1)
    n_train: Count = 200
    n_test: int = Field(default=0, ge=0)
    width: Count = 500
    sigma: NonNegative = 1.0
    alpha: Annotated[Positive, AfterValidator(_can_be_squared)] = 1.0
    eps: NonNegative = 0.05
    hermite: Annotated[int, AfterValidator(_degree)] = 0
    readouts: Literal["fixed", "trained"] = "fixed"
    centered: Switch = True
    target: str = "single_index"
    start: str = "gaussian"
    noise: NonNegative = 0.0
    covariance: Annotated[float | str | None, BeforeValidator(_number_or_path)] = None
    optimizer: str = "gradient_flow"
    lr: Positive | None = None
    dt: Positive | None = None
    schedule: str = "constant"
    steps: int | None = Field(default=None, ge=1, le=MOST)
    t_max: Positive | None = None
    points: Points | None = None
    times: Annotated[tuple[NonNegative, ...] | None, BeforeValidator(_times)] = None
    seed: int = Field(default=0, ge=0)
    solver: str = "auto"
    rtol: float = Field(default=1e-6, ge=1e-10, le=0.1)
    threshold: Annotated[str, BeforeValidator(_as_text)] = "0.1"
    until: Literal["end", "resolved"] = "end"
    time_limit: Positive | None = None
    guard: Switch | None = None
    lazy: Switch | None = None
    threads: int = Field(default=1, ge=1)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_is_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name not in ("centered", "guard", "lazy"):
            raise ValueError("must not be true or false")
        return value


def step_words(experiment: Experiment) -> str:
    """Say how large the steps of an experiment are."""
    size = f"lr {experiment.lr:g}" if experiment.lr is not None else f"dt {experiment.dt:g}"
    if experiment.schedule == "constant":
        return size
    schedule = "one a step" if experiment.schedule == GIVEN else experiment.schedule
    return f"{size.replace(' ', ' up to ', 1)}, {schedule}"


DEFAULTS: dict[str, Any] = {"dt": 0.5, "t_max": 1e5, "points": 200}
"""What the bare command runs, beside the fields' own defaults."""

EXCLUSIVE = (("lr", "dt"), ("steps", "t_max"), ("points", "times"))
"""Of each pair one is in force: a later source replaces the other of an earlier one."""

PHYSICS = frozenset({"dim", "n_train", "width", "target", "start", "sigma", "noise", "readouts"})
"""What a bundle's arrays fix."""


def merge(layers: Sequence[tuple[str, Mapping[str, Any]]]) -> Experiment:
    """Lay sources over one another, the later winning.

    Parameters
    ----------
    layers : sequence of (str, mapping)
        The name of each source ("preset kumar-fig1", "the flags") and its parameters.

    Returns
    -------
    Experiment

    Raises
    ------
    InvalidInput
        On an unknown key, a value out of range, or two parameters that exclude each other in one source.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for source, layer in layers:
        given = {key: value for key, value in layer.items() if value is not None}
        _refuse(source, layer, given)
        _make_room(values, given)
        values.update(given)
        origin.update(dict.fromkeys(given, source))
    try:
        experiment = Experiment(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise InvalidInput(
            f"{key} {message[0].lower()}{message[1:]}, got {values[key]!r} (from {origin[key]})"
        ) from None
    _check(experiment)
    return experiment if experiment.times is None else _ending_with_times(experiment, experiment.times[-1], origin)


def _refuse(source: str, layer: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse unknown keys of one source, and two of its parameters that exclude each other."""
    for key in layer:
        if key not in Experiment.model_fields:
            raise InvalidInput(f"unknown parameter {key!r} in {source}; {nearest(key, list(Experiment.model_fields))}")
    for one, other in EXCLUSIVE:
        if one in given and other in given:
            raise InvalidInput(
                f"{one} = {given[one]} and {other} = {given[other]} in {source} exclude each other; keep one"
            )


def _make_room(values: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Take out of earlier sources what a later one replaces, the saved points of another end included."""
    shorter = isinstance(given.get("steps"), int) and given["steps"] <= (values.get("steps") or 0)
    of_bundle = values.get("points") == "bundle"
    if ("steps" in given or "t_max" in given) and ("times" in values or of_bundle) and not (of_bundle and shorter):
        values.pop("times", None)
        values["points"] = DEFAULTS["points"]
    for pair in EXCLUSIVE:
        if any(key in given for key in pair):
            for key in pair:
                values.pop(key, None)


def _ending_with_times(experiment: Experiment, end: float, origin: Mapping[str, str]) -> Experiment:
    """Let the run end with the last of its times; another end from the same source contradicts it."""
    if origin.get("t_max") == origin["times"] and experiment.t_max not in (None, end):
        raise InvalidInput(f"times end at {end:g} and t_max = {experiment.t_max:g} in {origin['times']}; keep one")
    if origin.get("steps") == origin["times"] and experiment.steps is not None:
        raise InvalidInput(f"times and steps = {experiment.steps} in {origin['times']} exclude each other; keep one")
    return experiment.model_copy(update={"t_max": end, "steps": None})


def _check(experiment: Experiment) -> None:
    """Refuse combinations that no field can see alone."""
    if experiment.lr is not None and math.isinf(experiment.width):
        raise InvalidInput(f"lr = {experiment.lr} has no meaning at infinite width; give --dt, the flow time of a step")
    times = experiment.times
    if times is not None and (not times or times[-1] == 0):
        raise InvalidInput(f"times must go beyond 0, got {list(times)}; list some, like 0,1,10")
    for a, b in itertools.pairwise(times or ()):
        if b <= a:
            raise InvalidInput(f"times must increase, got {b:g} after {a:g}; list each time once, in order")
    if experiment.covariance is not None and isinstance(experiment.covariance, float) and not experiment.covariance > 0:
        raise InvalidInput(f"covariance must be positive, got {experiment.covariance}; it multiplies the identity")
