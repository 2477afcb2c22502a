"""Columns of a log: which of them hold the step and the two losses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import InvalidInput
from ..log import TEST, TRAIN
from .names import EPOCHS, STEPS, is_loss, normal, rank, shown, without_run

STEP = "step"

FLAGS = {STEP: "--step", TRAIN: "--train", TEST: "--test"}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a user names; what is not named is found by its name.

    Parameters
    ----------
    train, test, step : str, optional
        Names; case, and which of ``/ . _ -`` or a space stands between words, do not matter. After ``@K``
        the column's values belong K steps later than they stand: Keras's val_loss is ``val_loss@1``; a
        step with ``@K`` moves both losses so.
    """

    train: str | None = None
    test: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A column of a log.

    Parameters
    ----------
    index : int
        Among the log's columns.
    name : str
        As the log writes it.
    alias : str
        As it is matched: without the name of a run before it.
    offset : int or None
        Steps to add, where the user says so.
    named : bool
        Whether the user named it.
    """

    index: int
    name: str
    alias: str
    offset: int | None = None
    named: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns of a log that are read.

    Parameters
    ----------
    losses : mapping of str to Found
        ``loss_train``, ``loss_test``, or both.
    step : Found
    notes : tuple of str
        What else could have been meant.
    """

    losses: Mapping[str, Found]
    step: Found
    notes: tuple[str, ...] = ()


def choose(
    names: Sequence[str],
    columns: Columns,
    where: str,
    numeric: Iterable[str],
    *,
    aliases: Sequence[str] | None = None,
    step: Found | None = None,
) -> Choice:
    """Choose the columns of the step and the losses.

    Parameters
    ----------
    names : sequence of str
        All columns.
    columns : Columns
    where : str
        The log, for errors.
    numeric : iterable of str
        Columns that are not known to hold something other than numbers.
    aliases : sequence of str, optional
        What to match in place of each name; a name without the run before it, as W&B writes, by default.
    step : Found, optional
        Where every value carries its own, and no column does.

    Raises
    ------
    InvalidInput
        If a column is not there, or several could be meant.
    """
    table = _Table(names, aliases or [without_run(name) for name in names], where, set(numeric))
    given = {STEP: columns.step if step is None else None, TRAIN: columns.train, TEST: columns.test}
    chosen = {role: table.named(name, role) for role, name in given.items() if name is not None}
    if step is not None:
        chosen[STEP] = step
    notes = table.guess_step(chosen) if STEP not in chosen else ()
    for role in (TRAIN, TEST):
        if role not in chosen:
            table.guess_loss(chosen, role)
    steps = chosen.pop(STEP)
    table.refuse_twice([steps, *chosen.values()])
    return Choice(losses={role: chosen[role] for role in (TRAIN, TEST) if role in chosen}, step=steps, notes=notes)


def is_candidate(alias: str, name: str, columns: Columns) -> bool:
    """Tell whether a column could be a loss, by its name or because the user names it."""
    given = [text for text in (columns.train, columns.test) if text is not None]
    wanted = {normal(spelled) for text in given for spelled in (text, _split(text)[0])}
    return is_loss(alias) or not wanted.isdisjoint({normal(alias), normal(name)})


class _Table:
    """The columns of one log, to choose from."""

    def __init__(self, names: Sequence[str], aliases: Sequence[str], where: str, numeric: set[str]) -> None:
        self._all = [
            Found(index, name, alias)
            for index, (name, alias) in enumerate(zip(names, aliases, strict=True))
            if not name.endswith(("__MIN", "__MAX"))  # the band that W&B draws around a smoothed curve
        ]
        self._numeric = [column for column in self._all if column.name in numeric]
        # the Hugging Face Trainer ends with a summary, whose train_loss is the mean over the whole training
        self._summed = any(normal(column.alias) == "train_runtime" for column in self._all)
        self._where = where
        some = ", ".join(shown(column.name) for column in self._numeric[:20]) or "none"
        self._listed = f"numeric columns: {some}" + (", ..." if len(self._numeric) > 20 else "")

    def named(self, given: str, role: str) -> Found:
        """Return the column that the user names, with ``@K`` or without."""
        for name, offset in ((given, None), _split(given)):
            exact = [column for column in self._all if column.name == name]
            alike = [column for column in self._all if normal(column.name) == normal(name)]
            without = [column for column in self._all if normal(column.alias) == normal(name)]
            for same in filter(None, (exact, alike, without)):
                if len(same) > 1:
                    raise InvalidInput(
                        f"{self._where}: {FLAGS[role]} {shown(given)} could be {_either(same)}; {self._listed}"
                    )
                return replace(same[0], offset=offset, named=True)
        raise InvalidInput(
            f"{self._where} has no column {shown(given)}; {self._listed}; name one of them with {FLAGS[role]}"
        )

    def guess_step(self, chosen: dict[str, Found]) -> tuple[str, ...]:
        """Choose the step by its name; return a note on others that could be it."""
        able = self._left(chosen, lambda column: normal(column.alias) in STEPS)
        there = {name: same for name in STEPS if (same := [c for c in able if normal(c.alias) == name])}
        if not there:
            raise InvalidInput(f"{self._where} has no column named like a step; {self._listed}; name it with --step")
        fine = {name: same for name, same in there.items() if name not in EPOCHS}
        first, *others = (fine or there).values()
        chosen[STEP] = self._only(first, STEP)
        rest = ", ".join(shown(column.name) for same in others for column in same)
        return (f"step taken from {shown(first[0].name)}; also there: {rest}",) if rest else ()

    def guess_loss(self, chosen: dict[str, Found], role: str) -> None:
        """Choose a loss by its name, if there is one."""
        able = self._left(chosen, lambda column: rank(column.alias, role) is not None)
        ranks = [(distance, c) for c in able if (distance := rank(c.alias, role)) is not None]
        if ranks:
            least = min(distance for distance, _ in ranks)
            chosen[role] = self._only([column for distance, column in ranks if distance == least], role)
        elif role == TEST and TRAIN not in chosen:
            raise InvalidInput(
                f"{self._where} has no column named like a loss; {self._listed}; name one with --train or --test"
            )

    def refuse_twice(self, chosen: list[Found]) -> None:
        """Refuse one column in two places."""
        if len({column.index for column in chosen}) < len(chosen):
            names = ", ".join(shown(column.name) for column in chosen)
            raise InvalidInput(f"{self._where}: step and losses are different columns, got {names}; {self._listed}")

    def _left(self, chosen: Mapping[str, Found], fits: Callable[[Found], bool]) -> list[Found]:
        """Return what is not taken and fits: of the numeric columns, or of all so that their cells are named."""
        taken = {column.index for column in chosen.values()}
        for columns in (self._numeric, self._all):
            free = [
                c for c in columns if c.index not in taken and not (self._summed and normal(c.alias) == "train_loss")
            ]
            if able := [column for column in free if fits(column)]:
                return able
        return []

    def _only(self, same: list[Found], role: str) -> Found:
        if len(same) > 1:
            raise InvalidInput(
                f"{self._where}: {_either(same)} could be {role}; name it with {FLAGS[role]}; {self._listed}"
            )
        return same[0]


def _split(given: str) -> tuple[str, int | None]:
    """Split ``name@K``."""
    parts = re.fullmatch(r"(.*)@([+-]?\d{1,15})", given, re.ASCII | re.DOTALL)
    return (parts[1], int(parts[2])) if parts else (given, None)


def _either(columns: list[Found]) -> str:
    """List columns of which one must be chosen."""
    names = [shown(column.name) for column in columns[:8]]
    return " or ".join(names) + (" ..." if len(columns) > 8 else "")
