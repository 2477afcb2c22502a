"""What there is to say of an initial kernel: its spectrum, the task's difficulty, and how well it can do."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy.learning_curve import AverageRegression, SampledRegression
from ..lazy.regression import KernelRegression
from ..lazy.spectrum import Level, PopulationSpectrum
from .spec import Experiment

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SampleSpectrum:
    r"""The kernel's matrix on the training set.

    Parameters
    ----------
    eigenvalues : ndarray, shape (rank,)
        Of K_0 / P, decreasing: they tend to the population's as P grows.
    n_train : int
    condition : float
        Largest over smallest nonzero eigenvalue.
    cut : float
        An eigenvalue of K_0 / P at most this is rounding, and counts as zero.
    difficulty : float
        :math:`(y - f_0)^T K_0^+ (y - f_0)`, the paper's eq. 8 in flow-time units.
    floor : float
        Train loss below which the linearised network cannot get.
    """

    eigenvalues: Array
    n_train: int
    condition: float
    cut: float
    difficulty: float
    floor: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class KernelReport:
    """What there is to say of an initial kernel; what does not apply is empty or None.

    Parameters
    ----------
    experiment : Experiment
    sample : SampleSpectrum or None
        On the training set; None for an infinite one.
    levels : sequence of Level
        Distinct eigenvalues over the law of the inputs of the kernel averaged over starts, that of infinite width.
    spectrum : PopulationSpectrum or None
        Of this start's own kernel over the law of the inputs.
    alignments : mapping of str to float
        At the start, under the names of a run's curves.
    regressions : mapping of str to KernelRegression
        ``ridgeless``; ``given`` where a ridge was; ``best`` on the test loss and ``gcv`` on a finite training set.
    ridge : float
        Of the learning curve and what follows from it.
    versions : mapping of str to str
    seconds : float
        Wall time.
    learning_curve : sequence of (AverageRegression, SampledRegression or None)
    average_curve : sequence of AverageRegression
        The theory between the smallest and the largest of these sizes.
    plateau : AverageRegression or None
        The theory at the experiment's own P without a ridge: where a network that stays lazy ends, on average.
    samples_to_reach : mapping of float to int or None
        Samples with which regression gets below a part of the task's mean square, on average.
    """

    experiment: Experiment
    sample: SampleSpectrum | None
    levels: Sequence[Level]
    spectrum: PopulationSpectrum | None
    alignments: Mapping[str, float]
    regressions: Mapping[str, KernelRegression]
    ridge: float
    versions: Mapping[str, str]
    seconds: float
    learning_curve: Sequence[tuple[AverageRegression, SampledRegression | None]] = ()
    average_curve: Sequence[AverageRegression] = ()
    plateau: AverageRegression | None = None
    samples_to_reach: Mapping[float, int | None] = field(default_factory=dict)

    def __repr__(self) -> str:
        experiment = self.experiment
        facts = "; ".join(f"{name} {value}" for name, value in self._facts())
        return f"KernelReport(dim={experiment.dim}, n_train={experiment.n_train}, width={experiment.width}: {facts})"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, without NaN: the object of ``--json``; an infinite loss is null."""
        return {
            "schema": "grokode.kernel/1",
            "experiment": self.experiment.model_dump(mode="json", exclude_none=True),
            "sample": _plain(self.sample),
            "levels": [level._asdict() for level in self.levels],
            "spectrum": _plain(self.spectrum),
            "alignments": dict(self.alignments),
            "regressions": {name: _plain(found) for name, found in self.regressions.items()},
            "ridge": self.ridge,
            "learning_curve": [
                {"theory": _plain(theory), "simulation": _plain(drawn)} for theory, drawn in self.learning_curve
            ],
            "average_curve": [_plain(theory) for theory in self.average_curve],
            "plateau": _plain(self.plateau),
            "samples_to_reach": [{"part": part, "n_train": n} for part, n in self.samples_to_reach.items()],
            "versions": dict(self.versions),
            "seconds": self.seconds,
        }

    def tables(self) -> list[list[tuple[str, ...]]]:
        """Return the report as tables, those that have anything to say; all but the first begin with their heads."""
        facts, others = self._facts(), (self._levels(), self._regressions(), self._learning_curve())
        return [*([facts] if facts else []), *(table for table in others if len(table) > 1)]

    def _facts(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        if self.sample is not None:
            sample = self.sample
            rows += [
                ("rank on the training set", f"{len(sample.eigenvalues)} of {sample.n_train}"),
                ("condition", f"{sample.condition:.4g}"),
                ("difficulty of the task", f"{sample.difficulty:.4g}"),
                ("lazy train loss, at the end", f"{sample.floor:.4g}"),
            ]
        if self.plateau is not None:
            rows.append(("lazy test loss, at the end, on average", f"{self.plateau.loss_test:.4g}"))
        if self.spectrum is not None:
            rows.append(("of the start, never learned by regression", f"{self.spectrum.outside:.4g}"))
        for part, n_train in self.samples_to_reach.items():
            name = f"P at which regression is at {part:.0%} of the start"
            rows.append((name, "none" if n_train is None else str(n_train)))
        rows += [(name, f"{value:.4g}") for name, value in self.alignments.items()]
        return rows

    def _levels(self) -> list[tuple[str, ...]]:
        head: tuple[str, ...] = ("eigenvalue, mean over starts", "times", "power of the task")
        rows, place = [head if self.sample is None else (*head, "K0/P at these places, mean", "of")], 0
        for level in self.levels[:LEVELS_SHOWN]:
            row: tuple[str, ...] = (f"{level.eigenvalue:.4g}", str(level.multiplicity), f"{level.power:.4g}")
            if self.sample is not None:
                found = self.sample.eigenvalues[place : place + level.multiplicity]
                row = (*row, f"{np.mean(found):.4g}" if len(found) else "", str(len(found)))
            place += level.multiplicity
            rows.append(row)
        if len(self.levels) > LEVELS_SHOWN:
            rows.append((f"{len(self.levels) - LEVELS_SHOWN} more", *("",) * (len(rows[0]) - 1)))
        return rows

    def _regressions(self) -> list[tuple[str, ...]]:
        def shown(number: float | None) -> str:
            return "" if number is None or math.isnan(number) else f"{number:.4g}"

        found = self.regressions.values()
        rows: list[tuple[str, ...]] = [("kernel regression", *self.regressions)]
        for label, read in REGRESSION_ROWS:
            numbers = [shown(read(one)) for one in found]
            if any(numbers):
                rows.append((label, *numbers))
        return rows

    def _learning_curve(self) -> list[tuple[str, ...]]:
        head = "samples P" if not self.ridge else f"samples P, ridge {self.ridge:.4g}"
        rows: list[tuple[str, ...]] = [(head, "test loss, theory", "simulated", "standard error")]
        for theory, drawn in self.learning_curve:
            error = f"{drawn.standard_error:.2g}" if drawn and drawn.draws > 1 else ""
            simulated = (f"{drawn.loss_test:.4g}" if drawn else "", error)
            rows.append((f"{theory.n_train:.0f}", f"{theory.loss_test:.4g}", *simulated))
        return rows


LEVELS_SHOWN = 6

REGRESSION_ROWS: tuple[tuple[str, Callable[[KernelRegression], float | None]], ...] = (
    ("ridge", lambda one: one.ridge),
    ("test loss (exact)", lambda one: one.loss_exact),
    ("  variance error", lambda one: one.terms.variance_error if one.terms else None),
    ("  misalignment error", lambda one: one.terms.misalignment_error if one.terms else None),
    ("  power in linear modes", lambda one: one.terms.linear_power if one.terms else None),
    ("test loss (test points)", lambda one: one.loss_sample),
    ("train loss", lambda one: one.loss_train),
    ("residual of the solution", lambda one: one.residual),
)


def _plain(value: Any) -> Any:
    """Return a dataclass as plain data; a number that is not finite is None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    return None if isinstance(value, float) and not math.isfinite(value) else value
