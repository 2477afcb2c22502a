"""Examine the initial kernel of an experiment: draw, bind, decompose, regress, average."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dynamics.plan import FLOPS
from ..dynamics.problem import Problem
from ..dynamics.risks.finite import FiniteRisk
from ..dynamics.risks.population import PopulationRisk
from ..errors import InvalidInput
from ..lazy.linearized import OnPopulation, OnSample
from ..lazy.regression import KernelRegression, best_ridge, kernel_regression
from ..lazy.spectrum import Level, PopulationModes, population_modes, population_spectrum, spectrum_order
from ..memory import free_memory, refuse
from ..model.kernel import condition, needed_bytes, smallest_space
from ..model.starts import STARTS
from ..model.states.factor import FactorState
from ..observables import KERNEL_OBSERVABLES
from ..task.system import begin
from .averages import Averages
from .bundle import Bundle
from .compose import composition_of
from .kernel_report import KernelReport, SampleSpectrum
from .spec import GIVEN, MOST, Experiment
from .systems import problem_of
from .threads import limited
from .versions import versions

Array = NDArray[np.float64]

LONG = 5.0
"""Seconds beyond which an estimated time is said before starting."""

TOO_LONG = 120.0
"""Seconds beyond which the spectrum over the law of the inputs is left out, unless the learning curve is asked for."""


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
    started = time.perf_counter()
    ridge, sizes, draws = _checked(ridge, sizes, draws)
    with limited(experiment.threads), np.errstate(over="ignore", invalid="ignore"):
        bound = problem_of(experiment, bundle, files or {})
        on_start = _OnStart(experiment, bound, ridge, say or (lambda _: None))
        on_start.refuse_too_large()
        modes, law = on_start.modes(asked=sizes is not None), bound.law
        spectrum = modes.spectrum if modes else None
        averages = None
        if spectrum is not None and law is not None:
            averages = Averages(experiment, bound, ridge or 0.0, law, spectrum, sizes, draws)
            averages.refuse_too_large()
        elif law is None and (sizes is not None or draws is not None):
            on_start.say("no learning curve: the law of the inputs, or the task on all of it, is not known")
        return KernelReport(
            experiment=experiment,
            sample=on_start.sample(),
            levels=on_start.levels(bundle),
            spectrum=spectrum,
            alignments=on_start.alignments(),
            regressions=on_start.regressions(modes),
            ridge=ridge or 0.0,
            versions=versions(),
            **(averages.findings() if averages else {}),
            seconds=time.perf_counter() - started,
        )


def _checked(
    ridge: float | None, sizes: Sequence[float] | None, draws: int | None
) -> tuple[float | None, list[int] | None, int | None]:
    """Return what was asked for as numbers; sizes are rounded, and each is kept once."""
    try:
        ridge = None if ridge is None else float(ridge)
        counts = None if sizes is None else np.atleast_1d(np.asarray(sizes, dtype=float)).ravel()
    except (TypeError, ValueError):
        raise InvalidInput(f"ridge and sizes must be numbers, got {ridge!r} and {sizes!r}") from None
    if ridge is not None and not (math.isfinite(ridge) and ridge >= 0):
        raise InvalidInput(f"ridge must be zero or positive and finite, got {ridge:g}")
    if counts is not None and not (counts.size and np.all((counts >= 1) & (counts <= MOST))):
        wrong = "none" if not counts.size else f"{counts[~((counts >= 1) & (counts <= MOST))][0]:g}"
        raise InvalidInput(f"sizes of the learning curve must be numbers from 1 to {MOST:.0e}, got {wrong}")
    if draws is not None and not (isinstance(draws, int) and draws >= 0):
        raise InvalidInput(f"draws must be 0 or more, a whole number, got {draws!r}")
    return ridge, None if counts is None else sorted({round(size) for size in counts}), draws


@dataclass(frozen=True, eq=False)
class _OnStart:
    """What there is to say of the kernel of one draw."""

    experiment: Experiment
    problem: Problem
    ridge: float | None
    say: Callable[[str], None]

    @cached_property
    def on_sample(self) -> OnSample | None:
        """The network linearised on a finite training set."""
        risk = self.problem.train
        return OnSample(self.problem, risk) if isinstance(risk, FiniteRisk) else None

    @property
    def _has_factor(self) -> bool:
        return isinstance(self.problem.start, FactorState)

    def refuse_too_large(self) -> None:
        """Refuse a kernel that does not fit into memory, before any work is done."""
        if isinstance(self.problem.train, FiniteRisk):
            P = len(self.problem.train.data.y)
            needed = needed_bytes(*smallest_space(self.problem.start, P))
            refuse(needed, f"the kernel of {P} samples", "lower --n-train or --dim")

    def sample(self) -> SampleSpectrum | None:
        if self.on_sample is None:
            return None
        modes, P = self.problem.modes, len(self.on_sample.residual)
        return SampleSpectrum(
            eigenvalues=modes.eigenvalues / P,
            n_train=P,
            condition=condition(modes.eigenvalues),
            cut=modes.cut / P,
            difficulty=self.on_sample.difficulty,
            floor=self.on_sample.floor,
        )

    def levels(self, bundle: Bundle | None) -> Sequence[Level]:
        law = self.problem.law
        if law is None or bundle is not None or self.experiment.start == GIVEN or not self._has_factor:
            return ()
        start = STARTS.build(self.experiment.start)
        nothing_random = np.random.default_rng(0)
        mean = begin(start, law.target, self.problem.network, math.inf, self.experiment.sigma, nothing_random)
        return population_spectrum(self.problem.network, mean, law).levels()

    def modes(self, *, asked: bool) -> PopulationModes | None:
        """Return the kernel over the law of the inputs, where that is known; said, where it is long or left out."""
        law = self.problem.law
        if law is None:
            return None
        if not self._has_factor and self.on_sample is not None:
            if asked:
                self.say("no learning curve: the kernel of real neurons is known on samples only")
            return None
        order = spectrum_order(self.problem.factor)
        needed, seconds = needed_bytes("monomials", order), 10.0 * order**3 / FLOPS
        what = "the spectrum over the law of the inputs, and what follows from it"
        if needed > free_memory():
            self.say(f"left out, needing {needed / 2**30:.3g} GiB: {what}; --width inf has a closed form")
            return None
        if seconds > TOO_LONG and not asked:
            self.say(
                f"left out, taking about {seconds:.0f} s: {what}; --learning-curve GRID asks for it, and "
                "--width inf has a closed form"
            )
            return None
        if seconds > LONG:
            self.say(f"the spectrum over the law of the inputs may take about {seconds:.0f} s; --width inf takes none")
        return population_modes(self.problem.network, self.problem.factor, law)

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

    def regressions(self, modes: PopulationModes | None) -> dict[str, KernelRegression]:
        linearization, test_loss = self.on_sample, self.problem.test_loss
        if linearization is None:
            return self._on_population(modes)
        found = {"ridgeless": kernel_regression(linearization)}
        if self.ridge is not None:
            found["given"] = kernel_regression(linearization, self.ridge)
        if test_loss:
            found["best"] = kernel_regression(linearization, best_ridge(linearization, test_loss))
        found["gcv"] = kernel_regression(linearization, best_ridge(linearization, "gcv"))
        return found

    def _on_population(self, modes: PopulationModes | None) -> dict[str, KernelRegression]:
        """Regress on infinitely many samples, where a ridge is nothing."""
        if self.ridge:
            self.say("a ridge is nothing beside infinitely many samples: it enters the learning curve only")
        risk = self.problem.train
        if modes is None or not isinstance(risk, PopulationRisk):
            return {}
        return {"ridgeless": kernel_regression(OnPopulation(self.problem, modes, risk.law.noise))}
