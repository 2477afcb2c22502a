"""Presets and spec files: where experiments are read from, and written to."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..errors import InvalidInput
from ..registry import nearest
from .grids import parse_grid, parse_range
from .spec import Experiment


def preset_names() -> list[str]:
    """Names of the presets in the package."""
    folder = resources.files(__package__) / "presets"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


class Preset(BaseModel):
    """A preset or spec file: one experiment, and the grid it is a point of."""

    name: str
    summary: str
    parameters: dict[str, Any]
    grid: dict[str, Any]


def load_preset(name: str) -> Preset:
    """Read a preset of the package.

    Raises
    ------
    InvalidInput
        If there is none of that name.
    """
    if name not in preset_names():
        raise InvalidInput(f"unknown preset {name!r}; {nearest(name, preset_names())}")
    text = (resources.files(__package__) / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return _parse(text, f"preset {name}")


def load_spec(path: Path) -> Preset:
    """Read a spec file.

    Raises
    ------
    InvalidInput
        If the file is missing, not TOML, or its grid names an unknown parameter.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidInput(f"no spec file {path}; check the path") from None
    except OSError as error:
        raise InvalidInput(f"cannot read spec file {path}: {error.strerror}; check the path") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"cannot read spec file {path}: {error}; it must be a TOML text") from None
    return _parse(text, f"spec file {path}")


def _parse(text: str, source: str) -> Preset:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{source} is not TOML: {error}") from None
    grid, summary = content.pop("grid", {}), content.pop("summary", "")
    if not isinstance(grid, dict):
        raise InvalidInput(f"{source}: [grid] must be a table of parameters, got {grid!r}")
    for key, values in grid.items():
        if key not in (*Experiment.model_fields, "seeds"):
            raise InvalidInput(
                f"unknown parameter {key!r} in [grid] of {source}; {nearest(key, list(Experiment.model_fields))}"
            )
        if isinstance(values, str):
            (parse_range if key in ("seed", "seeds") else parse_grid)(values)
        elif not isinstance(values, list) or not values:
            raise InvalidInput(
                f"{source}: {key} in [grid] must be a list or a text like 'log:0.1:10:9', got {values!r}"
            )
    grid = {"seed" if key == "seeds" else key: values for key, values in grid.items()}
    return Preset(name=source, summary=str(summary), parameters=content, grid=grid)


def to_toml(experiment: Experiment) -> str:
    """Write an experiment as a spec file that gives it back."""
    lines = []
    for key, value in experiment.model_dump(exclude_none=True).items():
        if isinstance(value, bool):
            text = str(value).lower()
        elif isinstance(value, str):
            text = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        elif isinstance(value, tuple):
            text = "[" + ", ".join(repr(float(item)) for item in value) + "]"
        else:
            text = repr(value)
        lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"
