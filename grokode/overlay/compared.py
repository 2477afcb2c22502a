"""One logged loss beside what the theory says it should hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dynamics.pace import Pace
from ..errors import InvalidInput
from .agreement import Agreement, Measured, comparable, drop_shift, log_of, measure
from .log import TEST, TRAIN, Array, Log, LoggedCurve, Whole
from .theory import Theory

LONG_NAMES = {TRAIN: "train loss", TEST: "test loss"}

LINE = 200
"""Points at which the line of a theory is drawn, evenly in log time, beside the logged ones."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Compared:
    """One logged loss, or the mean of several in log loss, beside the theory.

    Parameters
    ----------
    name : str
        ``loss_train`` or ``loss_test``.
    log : str
        Whose it is.
    pace : Pace
        What its steps are worth.
    data : Measured
    theory : ndarray, shape (n,)
        What should have been logged; the mean over draws where there are several.
    initial : float
        The theory's loss before the first step.
    line_step, line : ndarray, shape (m,)
        The theory as a line.
    spread : ndarray, shape (n,), or None
        Standard deviation over the logs of their log loss, where there are several.
    line_spread : ndarray, shape (m,), or None
        The same over the draws of the theory.
    standard_error : ndarray, shape (n,), or None
        Of the difference between data and theory, in log loss, where means are compared.
    """

    name: str
    log: str
    pace: Pace
    data: Measured
    theory: Array
    initial: float
    line_step: Whole
    line: Array
    spread: Array | None = None
    line_spread: Array | None = None
    standard_error: Array | None = None

    @property
    def long_name(self) -> str:
        """What a label says."""
        return LONG_NAMES[self.name]

    @property
    def t(self) -> Array:
        """Flow time, shape (n,)."""
        return self.pace.times(self.data.step)

    @property
    def line_t(self) -> Array:
        """Flow time of the line, shape (m,)."""
        return self.pace.times(self.line_step)

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Where the data can be compared, shape (n,)."""
        return comparable(self.data, self.theory, self.initial)[1]

    @property
    def residual(self) -> Array:
        """(data - theory) / data where they can be compared, NaN elsewhere, shape (n,)."""
        return np.where(self.compared, 1 - self.theory / np.where(self.compared, self.data.values, 1.0), np.nan)

    @property
    def resolution(self) -> Array:
        """Half the width of what the log leaves open, over the data; NaN where they cannot be compared."""
        half = (self.data.high - self.data.low) / 2
        return np.where(self.compared, half / np.where(self.compared, self.data.values, 1.0), np.nan)

    @property
    def agreement(self) -> Agreement:
        """How far the two are from each other."""
        return measure(self.data, self.theory, self.initial, self.standard_error)

    @property
    def drop_shift(self) -> float | None:
        """ln(t_data / t_theory) of the drop, over what can be compared."""
        kept = self.compared
        return drop_shift(self.t[kept], self.data.values[kept], self.theory[kept])

    def to_dict(self) -> dict[str, Any]:
        """Return the theory of this loss as plain data."""
        record = {
            "name": self.name, "log": self.log, "dt": self.pace.dt, "initial": self.initial,
            "step": self.data.step.tolist(), "t": self.t.tolist(), "values": self.theory.tolist(),
            "data": self.data.values.tolist(), "compared": self.compared.tolist(),
        }  # fmt: skip
        if self.spread is not None:
            record["spread"] = self.spread.tolist()
        if self.standard_error is not None:
            record["standard_error"] = self.standard_error.tolist()
        return record


def line_steps(last: int) -> Whole:
    """Return the steps from 0 on at which a line is drawn."""
    return np.unique(np.rint(np.r_[0.0, np.geomspace(1, max(1, last), LINE)]).astype(np.int64))


def measured(curve: LoggedCurve) -> Measured:
    """Return a logged curve with its intervals."""
    low, high = np.maximum(curve.values - curve.resolution, 0.0), curve.values + curve.resolution
    return Measured(step=curve.step, values=curve.values, low=low, high=high)


def beside(log: Log, theory: Theory, pace: Pace) -> list[Compared]:
    """Put the losses of a log beside the theory of the same training, those of which there is one."""
    found = []
    for name, curve in log.curves.items():
        if name not in theory.losses:
            continue
        steps, line = _line(name, curve, [theory])
        found.append(
            Compared(
                name=name, log=log.name, pace=pace, data=measured(curve), theory=theory.as_logged(name, curve),
                initial=float(theory.losses[name][0]), line_step=steps, line=np.exp(line[0]),
            )
        )  # fmt: skip
    return found


def beside_means(
    logs: Sequence[Log], shared: dict[str, LoggedCurve], draws: list[Theory], pace: Pace
) -> list[Compared]:
    """Put the mean of several logs, in log loss, beside the mean of the theory over draws.

    Parameters
    ----------
    logs : sequence of Log
    shared : mapping of str to LoggedCurve
        What they share, as ``shared_curves`` returns it.
    draws : list of Theory
    pace : Pace
    """
    found = []
    for name, curve in shared.items():
        if name not in draws[0].losses:
            continue
        log_theory = log_of([one.as_logged(name, curve) for one in draws])
        each = [_at(log.curves[name], curve) for log in logs]
        data, logged = _mean(curve.step, each)
        steps, line = _line(name, curve, draws)
        found.append(
            Compared(
                name=name,
                log=logs[0].name if len(logs) == 1 else f"mean of {len(logs)} logs",
                pace=pace,
                data=data,
                theory=np.exp(log_theory.mean(axis=0)),
                initial=float(np.exp(np.mean([np.log(one.losses[name][0]) for one in draws]))),
                line_step=steps,
                line=np.exp(line.mean(axis=0)),
                spread=logged.std(axis=0, ddof=1) if len(logs) > 1 else None,
                line_spread=line.std(axis=0, ddof=1),
                # a log is a draw like any other, and the few logs tell their own spread badly
                standard_error=log_theory.std(axis=0, ddof=1) * np.sqrt(1 / len(logs) + 1 / len(draws)),
            )
        )
    return found


def shared_curves(logs: Sequence[Log]) -> dict[str, LoggedCurve]:
    """Return, for each loss that every log holds, the steps they share; the values are those of the first.

    Raises
    ------
    InvalidInput
        If they share fewer than two.
    """
    shared = {}
    for name, first in logs[0].curves.items():
        curves = [log.curves[name] for log in logs if name in log.curves]
        if len(curves) < len(logs):
            continue
        keys = [set(zip(curve.step.tolist(), curve.window.tolist(), strict=True)) for curve in curves]
        common = set.intersection(*keys)
        if len(logs) > 1 and len(common) < 2:
            raise InvalidInput(
                f"the {len(logs)} logs share {len(common)} steps of {name}, and a mean needs 2; log them at the same "
                "steps, or compare each with --bundle"
            )
        kept = np.array([key in common for key in zip(first.step.tolist(), first.window.tolist(), strict=True)])
        shared[name] = first.rows(kept)
    if not shared:
        raise InvalidInput("no loss is in every log; give --train and --test the columns of one that is")
    return shared


def _at(curve: LoggedCurve, shared: LoggedCurve) -> Measured:
    """Return a logged curve at shared steps."""
    at = np.searchsorted(curve.step, shared.step)
    whole = measured(curve)
    return Measured(step=shared.step, values=whole.values[at], low=whole.low[at], high=whole.high[at])


def _mean(step: Whole, each: list[Measured]) -> tuple[Measured, Array]:
    """Return the geometric mean of several measured losses, and their logarithms, shape (logs, n)."""

    def logs(name: str) -> Array:
        with np.errstate(divide="ignore"):  # a loss of 0 has the mean 0
            return np.asarray(np.log([getattr(one, name) for one in each]))

    low, values, high = (np.exp(logs(name).mean(axis=0)) for name in ("low", "values", "high"))
    return Measured(step=step, values=values, low=low, high=high), log_of([one.values for one in each])


def _line(name: str, curve: LoggedCurve, theories: list[Theory]) -> tuple[Whole, Array]:
    """Return the steps of a theory's line and its log losses, shape (theories, m): as logged, where logs average."""
    if curve.window.any():
        return curve.step, log_of([one.as_logged(name, curve) for one in theories])
    wanted = np.union1d(curve.step, line_steps(int(curve.step[-1])))
    at = np.searchsorted(theories[0].step, wanted)
    return wanted, log_of([one.losses[name][at] for one in theories])
