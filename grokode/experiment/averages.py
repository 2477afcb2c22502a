"""An initial kernel on average over training sets: theory, and simulation beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dynamics.problem import Problem
from ..lazy.learning_curve import (
    AverageRegression,
    SampledRegression,
    average_regression,
    sampled_regression,
    samples_to_reach,
)
from ..lazy.spectrum import PopulationSpectrum
from ..memory import free_memory, refuse
from ..model.kernel import needed_bytes, smallest_space
from ..task.streams import Role, stream
from ..task.system import Law
from .spec import Experiment

PARTS = (0.5, 0.1)
"""Parts of the task's mean square, for the number of samples with which regression gets there."""

SIMULATED = 1000
"""Up to this many samples the learning curve is simulated unless asked otherwise."""

DRAWS = 5
SIZES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """What there is to say of the kernel on average over training sets.

    Parameters
    ----------
    experiment : Experiment
    problem : Problem
    ridge : float
    law : Law
        Of the inputs, with the clean task.
    spectrum : PopulationSpectrum
        Of the problem's start.
    asked : sequence of int or None
        Sizes of the learning curve; twelve up to the rank by default.
    draws : int or None
        At each of them; by default 5 up to 1000 samples, where that fits into memory.
    """

    experiment: Experiment
    problem: Problem
    ridge: float
    law: Law
    spectrum: PopulationSpectrum
    asked: Sequence[int] | None
    draws: int | None

    @property
    def sizes(self) -> Sequence[int]:
        """Sizes of the learning curve."""
        if self.asked is not None:
            return self.asked
        smallest, largest = max(1, self.experiment.dim // 4), 1.2 * len(self.spectrum.eigenvalues) + 1
        return sorted({round(size) for size in np.geomspace(smallest, largest, SIZES)})

    def refuse_too_large(self) -> None:
        """Refuse simulations that do not fit into memory, before any work is done."""
        for size in filter(self._draws, self.sizes):
            refuse(self._needed(size), f"regression on {size} samples", "lower --learning-curve, or give --draws 0")

    def findings(self) -> dict[str, Any]:
        """Return the fields of a report."""
        P = self.experiment.n_train
        return {
            "learning_curve": [(self._theory(size), self._simulate(size)) for size in self.sizes],
            "average_curve": [self._theory(size) for size in _between(self.sizes)],
            "plateau": self._theory(P, ridge=0.0) if math.isfinite(P) else None,
            "samples_to_reach": self._samples_to_reach(),
        }

    def _theory(self, n_train: float, ridge: float | None = None) -> AverageRegression:
        ridge = self.ridge if ridge is None else ridge
        return average_regression(self.spectrum, n_train, ridge=ridge, noise=self.experiment.noise)

    def _draws(self, size: int) -> int:
        if self.draws is not None:
            return self.draws
        return DRAWS if size <= SIMULATED and self._needed(size) <= free_memory() else 0

    def _needed(self, size: int) -> float:
        return needed_bytes(*smallest_space(self.problem.start, size)) + 32.0 * size * self.experiment.dim

    def _simulate(self, size: int) -> SampledRegression | None:
        draws, problem, experiment = self._draws(size), self.problem, self.experiment
        if not draws:
            return None
        law = Law(self.law.inputs, self.law.target, experiment.noise)
        rng = stream(experiment.seed, Role.LEARNING_CURVE, experiment.dim, size)
        return sampled_regression(problem.network, problem.factor, law, size, rng=rng, draws=draws, ridge=self.ridge)

    def _samples_to_reach(self) -> dict[float, int | None]:
        start, noise = self.spectrum.mean_square, self.experiment.noise
        return {
            part: samples_to_reach(self.spectrum, part * start, ridge=self.ridge, noise=noise)
            for part in (PARTS if start > 0 else ())
        }


def _between(sizes: Sequence[int]) -> list[int]:
    """Return sizes that fill the range of the given ones, evenly in their logarithm."""
    return sorted({*sizes, *(round(size) for size in np.geomspace(sizes[0], sizes[-1], 10 * SIZES))})
