"""Names of interchangeable parts, loaded at first use so that listing them imports nothing."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import InvalidInput


def nearest(name: str, known: list[str]) -> str:
    """Return the hint that ends an error about a misspelt name."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(known)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a registry: where the class lives, and one sentence about it."""

    target: str
    summary: str

    def load(self) -> type[Any]:
        """Import the class."""
        module, _, name = self.target.partition(":")
        loaded = getattr(importlib.import_module(module), name)
        assert isinstance(loaded, type)
        return loaded


class Registry:
    """Names to frozen dataclasses whose fields are the parameters in ``name:field=value,field=value``.

    Parameters
    ----------
    kind : str
        What the entries are, for error messages ("target", "solver", ...).
    entries : dict of str to Entry
    refused : dict of str to str
        Names that will be asked for and cannot be offered, with the reason.
    """

    def __init__(self, kind: str, entries: dict[str, Entry], refused: dict[str, str] | None = None) -> None:
        self.kind = kind
        self._entries = entries
        self._refused = refused or {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def summary(self, name: str) -> str:
        """Return the entry's one sentence."""
        return self._entries[name].summary

    def load(self, name: str) -> type[Any]:
        """Return the class of a name.

        Raises
        ------
        InvalidInput
            If the name is not registered.
        """
        if name in self._refused:
            raise InvalidInput(f"{self.kind} {name!r} cannot be had: {self._refused[name]}; {nearest('', list(self))}")
        if name not in self._entries:
            raise InvalidInput(f"unknown {self.kind} {name!r}; {nearest(name, list(self._entries))}")
        return self._entries[name].load()

    def parameters(self, name: str) -> dict[str, dataclasses.Field[Any]]:
        """Return the parameters of a name, its class's fields."""
        return {field.name: field for field in dataclasses.fields(self.load(name))}

    def split(self, text: str) -> tuple[str, dict[str, str]]:
        """Return the name, and the texts of the fields that are set, of ``name:field=value,field=value``.

        Raises
        ------
        InvalidInput
            If the name or a field is unknown, or one is set twice.
        """
        name, colon, arguments = text.partition(":")
        fields = self.parameters(name)
        required = [key for key, field in fields.items() if _required(field)]
        example = f"write {name}:{[*required, *fields][0]}=..." if fields else f"{name} has no parameters"
        if colon and not arguments:
            raise InvalidInput(f"{self.kind} {text!r} ends with its colon; {example}, or leave the colon out")
        given: dict[str, str] = {}
        for part in filter(None, re.split(r",(?=\w+=)", arguments)):  # a comma inside a path stays
            key, equals, raw = part.partition("=")
            if not equals:
                fix = f"write {name}:{part}=..." if part in fields else example
                raise InvalidInput(f"{self.kind} {text!r}: {part!r} is not field=value; {fix}")
            if key not in fields:
                hint = nearest(key, list(fields)) if fields else f"{name} has no parameters"
                raise InvalidInput(f"{self.kind} {name!r} has no parameter {key!r}; {hint}")
            if key in given:
                raise InvalidInput(f"{self.kind} {text!r} sets {key} twice; keep one")
            given[key] = raw
        return name, given

    def build(self, text: str) -> Any:
        """Make an entry from ``name`` or ``name:field=value,field=value``.

        Raises
        ------
        InvalidInput
            If the name or a field is unknown, or a value is not of the field's type.
        """
        name, given = self.split(text)
        fields = self.parameters(name)
        values = {key: _parse(raw, str(fields[key].type), f"{self.kind} {name}:{key}") for key, raw in given.items()}
        missing = [key for key, field in fields.items() if key not in values and _required(field)]
        if missing:
            raise InvalidInput(f"{self.kind} {name!r} needs {missing[0]}: write {name}:{missing[0]}=...")
        return self.load(name)(**values)


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


WANTED = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def _parse(raw: str, annotation: str, where: str) -> Any:
    """Turn the text of one field into its annotated type."""
    try:
        match annotation:
            case "int":
                return int(raw)
            case "float":
                return float(raw)
            case "str":
                return raw
            case "bool":
                return {"true": True, "false": False}[raw.lower()]
            case "tuple[float, ...]":
                return tuple(float(part) for part in raw.split(":"))
    except (KeyError, ValueError):
        wanted = WANTED.get(annotation, "numbers like 1:0.5:0.25")
        raise InvalidInput(f"{where} must be {wanted}, got {raw!r}") from None
    raise TypeError(f"{where}: fields of type {annotation} cannot be written on the command line")
