"""Examine the initial kernel of an experiment: draw, bind, decompose, regress, average."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..dynamics.plan import FLOPS
from ..dynamics.problem import Problem
from ..dynamics.risks.population import PopulationRisk
from ..errors import InvalidInput
from ..lazy.learning_curve import (
    AverageRegression,
    SampledRegression,
    average_regression,
    sampled_regression,
    samples_to_reach,
)
from ..lazy.linearized import OnSample, linearize
from ..lazy.regression import KernelRegression, best_ridge, kernel_regression
from ..lazy.spectrum import Level, PopulationSpectrum, population_spectrum, spectrum_order
from ..model.kernel import condition, needed_bytes, smallest_space
from ..model.states.factor import FactorState
from ..observables import KERNEL_OBSERVABLES
from ..task.streams import Role, stream
from ..task.system import Law
from .bundle import Bundle
from .compose import composition_of
from .kernel_report import KernelReport, SampleSpectrum
from .resources import free_memory
from .spec import GIVEN, Experiment
from .systems import problem_of
from .versions import versions

Array = NDArray[np.float64]

PARTS = (0.5, 0.1)
"""Parts of the task's mean square, for the number of samples with which regression gets there."""

SIMULATED = 1000
"""Up to this many samples the learning curve is simulated unless asked otherwise."""

DRAWS = 5
SIZES = 12
LONG = 5.0
"""Seconds beyond which an estimated time is said before starting."""


def problem(what: str | Experiment | Bundle | None = None, **parameters: Any) -> Problem:
    """Draw an experiment, or take a bundle, and bind it to its network: what the functions of ``grokode.lazy`` take.

    Parameters
    ----------
    what : str, Experiment, Bundle or None
        As for ``run``.
    **parameters
        Parameters of the experiment, over those of ``what``.

    Returns
    -------
    Problem
        With ``train``, ``tests``, ``start``, and ``modes``, the initial kernel on the training set.

    Raises
    ------
    InvalidInput
        If a parameter is wrong, or the problem does not fit into memory.
    """
    composition = composition_of(what, parameters)
    return problem_of(composition.experiment, composition.bundle, composition.files)


def kernel(
    what: str | Experiment | Bundle | None = None,
    *,
    ridge: float | None = None,
    sizes: Sequence[float] | None = None,
    draws: int | None = None,
    say: Callable[[str], None] | None = None,
    **parameters: Any,
) -> KernelReport:
    """Report on the initial kernel of an experiment.

    Parameters
    ----------
    what : str, Experiment, Bundle or None
        As for ``run``.
    ridge : float, optional
        A ridge to regress with, beside none and the best; the learning curve uses it too.
    sizes : sequence of float, optional
        Numbers of samples of the learning curve; twelve up to the kernel's rank by default.
    draws : int, optional
        Training sets drawn at each of them, 0 for theory alone; 5 up to 1000 samples by default.
    say : callable, optional
        Called with a line where something should be known.
    **parameters
        Parameters of the experiment, over those of ``what``.

    Returns
    -------
    KernelReport

    Raises
    ------
    InvalidInput
        If a parameter is wrong, or the kernel does not fit into memory.

    Examples
    --------
    >>> import grokode
    >>> report = grokode.kernel(dim=10, n_train=40, width=float("inf"))
    """
    composition = composition_of(what, parameters)
    return examine(
        composition.experiment, composition.bundle, composition.files, ridge=ridge, sizes=sizes, draws=draws, say=say
    )


def examine(
    experiment: Experiment,
    bundle: Bundle | None = None,
    files: Mapping[str, Array] | None = None,
    *,
    ridge: float | None = None,
    sizes: Sequence[float] | None = None,
    draws: int | None = None,
    say: Callable[[str], None] | None = None,
) -> KernelReport:
    """Report on a whole experiment; ``kernel`` has the parameters."""
    _check(ridge, sizes, draws)
    with threadpool_limits(limits=experiment.threads), np.errstate(over="ignore", invalid="ignore"):
        bound = problem_of(experiment, bundle, files or {})
        on_start = _OnStart(experiment, bound, ridge, say or (lambda _: None))
        law, spectrum = on_start.law, on_start.spectrum()
        averages: dict[str, Any] = {}
        if law and spectrum:
            averages = _OnAverage(experiment, bound, ridge or 0.0, law, spectrum).findings(sizes, draws)
        return KernelReport(
            experiment=experiment,
            sample=on_start.sample(),
            levels=on_start.levels(bundle),
            spectrum=spectrum,
            alignments=on_start.alignments(),
            regressions=on_start.regressions(),
            versions=versions(),
            **averages,
        )


def _check(ridge: float | None, sizes: Sequence[float] | None, draws: int | None) -> None:
    if ridge is not None and not (math.isfinite(ridge) and ridge >= 0):
        raise InvalidInput(f"ridge must be zero or positive and finite, got {ridge}")
    for size in sizes or ():
        if not (math.isfinite(size) and size >= 1 and size == int(size)):
            raise InvalidInput(f"learning_curve must list whole numbers of samples from 1 on, got {size}")
    if draws is not None and draws < 0:
        raise InvalidInput(f"draws must be 0 or more, got {draws}")


@dataclass(frozen=True, slots=True, eq=False)
class _OnStart:
    """What there is to say of the kernel of one draw."""

    experiment: Experiment
    problem: Problem
    ridge: float | None
    say: Callable[[str], None]

    @property
    def law(self) -> Law | None:
        """Law of the inputs with the task on it, clean, where they are known."""
        risk = self.problem.tests.get("exact")
        return risk.law if isinstance(risk, PopulationRisk) else None

    def sample(self) -> SampleSpectrum | None:
        linearization = linearize(self.problem)
        if not isinstance(linearization, OnSample):
            return None
        P = len(linearization.residual)
        order = smallest_space(self.problem.start, P)[1]
        _refuse_too_large(order, "the kernel on the training set", "--n-train or --dim")
        modes = self.problem.modes
        return SampleSpectrum(
            eigenvalues=modes.eigenvalues / P,
            n_train=P,
            condition=condition(modes.eigenvalues),
            cut=modes.cut / P,
            difficulty=linearization.difficulty,
            floor=linearization.floor,
        )

    def levels(self, bundle: Bundle | None) -> Sequence[Level]:
        if self.law is None or bundle is not None or self.experiment.start == GIVEN:
            return ()
        mean = FactorState.infinite_width(self.experiment.dim, self.experiment.sigma)
        return population_spectrum(self.problem.network, mean, self.law).levels()

    def spectrum(self) -> PopulationSpectrum | None:
        if self.law is None:
            return None
        order = spectrum_order(self.problem.start)
        if needed_bytes(order) > free_memory():
            self.say(
                f"left out, needing {needed_bytes(order) / 2**30:.3g} GiB: the spectrum of this start over the law of "
                "the inputs, and the learning curve; --width inf has a closed form"
            )
            return None
        seconds = 10.0 * order**3 / FLOPS
        if seconds > LONG:
            self.say(f"the spectrum over the law of the inputs may take about {seconds:.0f} s; --width inf takes none")
        return population_spectrum(self.problem.network, self.problem.start, self.law)

    def alignments(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for name in KERNEL_OBSERVABLES:
            observable = KERNEL_OBSERVABLES.build(name)
            columns = observable.columns(self.problem)
            if not any(column.name.startswith("alignment") for column in columns):
                continue
            needed = observable.cost(self.problem).bytes
            if needed > free_memory():
                self.say(f"left out, needing {needed / 2**30:.3g} GiB: {observable.title}")
                continue
            values = observable.on(self.problem)(self.problem.start)
            found |= {
                column.name: value
                for column, value in zip(columns, values, strict=True)
                if column.name.startswith("alignment")
            }
        return found

    def regressions(self) -> dict[str, KernelRegression]:
        linearization, test_loss = linearize(self.problem), self.problem.test_loss
        found = {"ridgeless": kernel_regression(linearization)}
        if not isinstance(linearization, OnSample):
            return found
        if self.ridge is not None:
            found["given"] = kernel_regression(linearization, self.ridge)
        if test_loss:
            found["best"] = kernel_regression(linearization, best_ridge(linearization, test_loss))
        found["gcv"] = kernel_regression(linearization, best_ridge(linearization, "gcv"))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _OnAverage:
    """What there is to say of the kernel on average over training sets."""

    experiment: Experiment
    problem: Problem
    ridge: float
    law: Law
    spectrum: PopulationSpectrum

    def findings(self, sizes: Sequence[float] | None, draws: int | None) -> dict[str, Any]:
        """Return the fields of a report."""
        chosen, P = self._sizes(sizes), self.experiment.n_train
        return {
            "learning_curve": [(self._theory(size), self._draw(size, draws)) for size in chosen],
            "average_curve": [self._theory(size) for size in _between(chosen)],
            "plateau": self._theory(P) if math.isfinite(P) else None,
            "samples_to_reach": self._samples_to_reach(),
        }

    def _sizes(self, given: Sequence[float] | None) -> list[int]:
        if given is not None:
            return sorted({int(size) for size in given})
        smallest, largest = max(1, self.experiment.dim // 4), 1.2 * len(self.spectrum.eigenvalues) + 1
        return sorted({round(size) for size in np.geomspace(smallest, largest, SIZES)})

    def _theory(self, n_train: float) -> AverageRegression:
        return average_regression(self.spectrum, n_train, ridge=self.ridge, noise=self.experiment.noise)

    def _draw(self, size: int, draws: int | None) -> SampledRegression | None:
        count = draws if draws is not None else DRAWS * (size <= SIMULATED)
        if not count:
            return None
        problem, dim = self.problem, self.experiment.dim
        order = smallest_space(problem.start, size)[1]
        _refuse_too_large(order, f"regression on {size} samples", "--learning-curve, or give --draws 0")
        law = Law(self.law.inputs, self.law.target, self.experiment.noise)
        rng = stream(self.experiment.seed, Role.LEARNING_CURVE, dim, size)
        return sampled_regression(problem.network, problem.start, law, size, rng=rng, draws=count, ridge=self.ridge)

    def _samples_to_reach(self) -> dict[float, int | None]:
        start, noise = self.spectrum.mean_square, self.experiment.noise
        return {
            part: samples_to_reach(self.spectrum, part * start, ridge=self.ridge, noise=noise)
            for part in (PARTS if start > 0 else ())
        }


def _refuse_too_large(order: int, what: str, fix: str) -> None:
    needed, free = needed_bytes(order), free_memory()
    if needed > free:
        raise InvalidInput(
            f"{what} needs about {needed / 2**30:.3g} GiB and {free / 2**30:.3g} GiB are free; lower {fix}"
        )


def _between(sizes: Sequence[int]) -> list[int]:
    """Return sizes that fill the range of the given ones, evenly in their logarithm."""
    return sorted({*sizes, *(round(size) for size in np.geomspace(sizes[0], sizes[-1], 10 * SIZES))})
