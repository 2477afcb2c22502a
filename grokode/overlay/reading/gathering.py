"""Gathering: the rows of a log as they stream by, and the two curves in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ..log import Array, Log, LoggedCurve, Whole
from .cells import ABSENT, NOT_FINITE, NUMBER, UNREADABLE, Cells, of_text
from .columns import FLAGS, Choice
from .names import shown
from .resolution import Digits, half_unit
from .thinning import ALL_BITS, Thinned

LAST_STEP = 10**15

Resolve = Callable[[Array, Digits | None, np.dtype[Any]], Array]


class Series:
    """One loss of a log as it streams by."""

    def __init__(self) -> None:
        self.thinned = Thinned()
        self.not_finite = 0
        self._last_not_finite = -1
        self._digits: Digits | None = None
        self._dtype: np.dtype[Any] = np.dtype(float)
        self._negative: tuple[int, float] | None = None

    def add(self, step: Whole, cells: Cells, rows: NDArray[np.bool_]) -> None:
        """Take some rows: those of ``rows``, whose steps are given."""
        lost = cells.kind == NOT_FINITE
        self.not_finite += int(lost.sum())
        self._last_not_finite = max(self._last_not_finite, int(step[(lost & rows)[rows]].max(initial=-1)))
        there = (cells.kind == NUMBER) & rows
        if not there.any():
            return
        step, values = step[there[rows]], cells.values[there]
        if self._negative is None and (negative := np.flatnonzero(values < 0)).size:
            self._negative = int(step[negative[0]]), float(values[negative[0]])
        if cells.digits is not None:
            self._digits = cells.digits if self._digits is None else self._digits | cells.digits
        if cells.dtype.kind == "f" and np.finfo(cells.dtype).eps > np.finfo(self._dtype).eps:
            self._dtype = cells.dtype
        self.thinned.add(step, values)

    @property
    def diverged(self) -> bool:
        """Whether it ends in NaN or infinity."""
        return self._last_not_finite > int(self.thinned.step.max(initial=-1))

    @property
    def exact(self) -> bool:
        """Whether its digits need no more counting."""
        return self._digits is not None and self._digits.exact

    def curve(self, offset: int, resolve: Resolve, where: str, flag: str) -> LoggedCurve:
        """Return the curve, its steps moved.

        Raises
        ------
        InvalidInput
            If a value is negative, or a step moved out of bounds.
        """
        if self._negative is not None:
            step, value = self._negative
            raise InvalidInput(
                f"{where} holds {value:g} at step {step}, which is no mean squared loss (its logarithm?); "
                f"name another column with {flag}"
            )
        steps, values = self.thinned.step + offset, self.thinned.values
        if steps[0] < 0 or steps[-1] > LAST_STEP:
            raise InvalidInput(f"{where}, moved by {offset}, leaves the steps 0 to {LAST_STEP:.0e}; move it less")
        resolution = resolve(values, self._digits, self._dtype)
        window = np.zeros(len(steps), dtype=np.int64)
        return LoggedCurve(step=steps, values=values, resolution=resolution, window=window)

    def notes(self, name: str) -> list[str]:
        """Say what became of the values."""
        kept, found = self.thinned, []
        if self.not_finite:
            ends = ", the last among them" if self.diverged else ""
            found.append(f"{name}: {_count(self.not_finite, 'value')} NaN or infinite{ends}, dropped")
        if kept.repeated:
            found.append(f"{name}: {_count(kept.repeated, 'step')} written more than once, the last value taken")
        if kept.bits < ALL_BITS:
            found.append(
                f"{name}: {len(kept.step)} of {kept.total} values kept: all below step {2**kept.bits}, then the first "
                f"in each of {2 ** (kept.bits - 1)} equal parts of every doubling of the step"
            )
        return found


class Gathering:
    """The rows of one log as they stream by.

    Parameters
    ----------
    choice : Choice
    where : str
        The log, for errors.
    series : mapping of str to Series, optional
        Of each loss, where they have streamed by already.
    """

    def __init__(self, choice: Choice, where: str, series: Mapping[str, Series] | None = None) -> None:
        self.choice = choice
        self.series = series or {role: Series() for role in choice.losses}
        self.apart = True
        """Whether no row holds more than one loss."""
        self._where = where
        self._rows = self._unreadable = self._stepless = 0
        self._example = ""

    def add_text(self, step: Sequence[Any], losses: Mapping[str, Sequence[Any]]) -> None:
        """Take some rows of text; None where there is no cell."""
        cells = {role: of_text(texts, count=not self.series[role].exact) for role, texts in losses.items()}
        self.add(of_text(step, count=False), cells)

    def add(self, step: Cells, losses: Mapping[str, Cells]) -> None:
        """Take some rows.

        Raises
        ------
        InvalidInput
            If there are not as many losses as steps, or a step is no whole number.
        """
        for role, cells in losses.items():
            if len(cells.values) != len(step.values):
                raise InvalidInput(
                    f"{self._where}: {shown(self.choice.losses[role].name)} has {len(cells.values)} values and the "
                    f"step {shown(self.choice.step.name)} has {len(step.values)}; write as many"
                )
        self._rows += len(step.values)
        kinds = np.array([cells.kind for cells in losses.values()])
        self.apart &= not ((kinds != ABSENT).sum(axis=0) > 1).any()
        bad = (kinds == UNREADABLE).any(axis=0) | (step.kind == UNREADABLE)
        self._unreadable += int(bad.sum())
        self._stepless += int(((kinds != ABSENT).any(axis=0) & (step.kind != NUMBER) & ~bad).sum())
        columns = {**self.choice.losses, "step": self.choice.step}
        for role, cells in {**losses, "step": step}.items():
            if cells.unreadable is not None and not self._example:
                self._example = f", {shown(cells.unreadable)} in column {shown(columns[role].name)} for instance"
        rows = step.kind == NUMBER
        whole = whole_steps(step.values[rows], f"{self._where}: {shown(self.choice.step.name)}")
        for role, cells in losses.items():
            self.series[role].add(whole, cells, rows)

    def miss(self, rows: int) -> None:
        """Count rows that fall into no columns."""
        self._rows += rows
        self._unreadable += rows

    def smallest(self) -> int:
        """Return the smallest step with a loss, -1 if there is none."""
        return min((int(s.thinned.step[0]) for s in self.series.values() if len(s.thinned.step)), default=-1)

    def log(
        self,
        path: Path,
        kind: str,
        *,
        notes: tuple[str, ...] = (),
        moved: Mapping[str, int] | None = None,
        resolve: Mapping[str, Resolve] | None = None,
    ) -> Log:
        """Return the log.

        Parameters
        ----------
        path : Path
        kind : str
            The format, for its origin.
        notes : tuple of str, optional
            Put first.
        moved : mapping of str to int, optional
            How many steps later than it stands a loss belongs in this kind of log, where the user does not say.
        resolve : mapping of str to callable, optional
            What gives the resolution of a loss, other than ``half_unit``.

        Raises
        ------
        InvalidInput
            If most rows are unreadable, or no loss is left.
        """
        said = [*notes, *self.choice.notes, *self._left_out()]
        curves = {}
        for role, series in self.series.items():
            column = self.choice.losses[role]
            name = shown(column.name)
            if len(series.thinned.step):
                offset = (moved or {}).get(role, 0) if column.offset is None else column.offset
                offset += self.choice.step.offset or 0
                resolved = (resolve or {}).get(role, half_unit)
                curves[role] = series.curve(offset, resolved, f"{self._where}: {name}", FLAGS[role])
                said += series.notes(name)
            elif column.named:
                raise InvalidInput(
                    f"{self._where}: {name} holds no finite number; name another column with {FLAGS[role]}"
                )
            else:
                said.append(f"{name} holds no finite number")
        if not curves:
            raise InvalidInput(f"{self._where} holds no finite loss; name another column with --train or --test")
        if any(not series.thinned.sorted for series in self.series.values()):
            said.append("steps were not in order: sorted")
        columns = [("step", self.choice.step), *((role, self.choice.losses[role]) for role in curves)]
        listed = ", ".join(f"{role} from {shown(column.name)}" for role, column in columns)
        return Log(
            name=path.absolute().name,
            origin=f"{kind} {path}: {listed}",
            curves=curves,
            notes=tuple(said),
            diverged=any(series.diverged for series in self.series.values()),
        )

    def _left_out(self) -> list[str]:
        """Say which rows were left out; refuse a log of which most are."""
        bad = self._unreadable + self._stepless
        if 2 * bad > self._rows:
            raise InvalidInput(
                f"{self._where}: {bad} of {self._rows} rows cannot be read or have no step{self._example}; "
                "name other columns with --step, --train, --test"
            )
        said = []
        if self._unreadable:
            said.append(f"{_count(self._unreadable, 'row')} that cannot be read dropped{self._example}")
        if self._stepless:
            said.append(f"{_count(self._stepless, 'row')} without a step dropped")
        return said


def whole_steps(values: Array, where: str) -> Whole:
    """Return steps as whole numbers.

    Raises
    ------
    InvalidInput
        If one is not, or is beyond all bounds.
    """
    wrong = (values != np.rint(values)) | (values < 0) | (values > LAST_STEP)
    if wrong.any():
        raise InvalidInput(
            f"{where} holds {values[wrong][0]:g}, and steps are whole numbers from 0 to {LAST_STEP:.0e}; "
            "name another column with --step"
        )
    return values.astype(np.int64)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
