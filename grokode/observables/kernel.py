"""The kernel along a run: how far it has turned to the task, and moved from its start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from ..dynamics.plan import FLOPS
from ..dynamics.problem import Problem
from ..dynamics.risks.finite import FiniteRisk
from ..lazy.alignment import PopulationAlignment
from ..lazy.neuron_kernel import NeuronKernel, NeuronKernelReading
from ..lazy.sample_kernel import KernelReading, SampleKernel, in_samples
from ..model.quadratic import Monomials
from ..model.states.factor import FactorState
from ..model.states.state import State
from ..task.data import Data
from ..task.system import Law
from .column import Column, Cost, Reading

RATE = "1/flow time"
PASS = 2e-9
"""Seconds an entry of the matrices that a reading goes through."""

CALLS = 1e-4
"""Seconds of a reading beside its operations."""


@dataclass(frozen=True, slots=True)
class OfPopulation:
    """Alignment over the law of the inputs, where that is known (tag A9)."""

    title: ClassVar[str] = "the population alignment"

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        return (Column("alignment_population", "alignment (population)"),) if _law(problem) else ()

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        law = _law(problem)
        assert law is not None
        alignment = PopulationAlignment(problem.network, law)

        def read(state: State) -> tuple[float, ...]:
            known = cast(FactorState, state)
            return (alignment(known.wbar, known.M),)

        return read

    def cost(self, problem: Problem) -> Cost:
        """Return what it takes: five products of D x D matrices a reading, where the covariance is not diagonal."""
        law, D = _law(problem), problem.start.hidden.shape[1]
        products = 0 if law is None or law.inputs.Sigma.ndim == 1 else 5
        return Cost(each=CALLS + 2.0 * products * D**3 / FLOPS + 5 * PASS * D**2, bytes=80.0 * D**2)


def _law(problem: Problem) -> Law | None:
    """Return the law of the inputs, with a target that does not vanish and a kernel that follows from (wbar, M)."""
    if problem.law is None or not isinstance(problem.start, FactorState):
        return None
    return problem.law if problem.tests["exact"].mean_square_label else None


ALIGNMENTS = (
    ("alignment_sample", "alignment ({}, not centred)"),
    ("alignment_column_centered", "alignment ({}, columns centred)"),
    ("alignment_centered", "alignment ({}, centred)"),
)
"""Fields of a reading, with their labels on the points of a set."""

NORMS = (
    Column("kernel_drift", "kernel drift", RATE),
    Column("kernel_drift_scale", "kernel drift, scale", RATE),
    Column("kernel_drift_rotation", "kernel drift, rotation", RATE),
    Column("kernel_norm", "norm of the kernel", RATE),
)

TERMS = (
    Column("kernel_norm_linear", "norm of the kernel's linear term", RATE),
    Column("kernel_norm_cross", "norm of the kernel's cross term", RATE),
    Column("kernel_norm_quadratic", "norm of the kernel's quadratic term", RATE),
)


@dataclass(frozen=True, slots=True)
class OnTrainPoints:
    """Alignments on the training labels, drift and norms of the kernel's matrix on the training set."""

    title: ClassVar[str] = "the kernel on the training points"

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        if not isinstance(problem.train, FiniteRisk):
            return ()
        terms = TERMS if isinstance(problem.start, FactorState) else ()
        return (*_alignments(problem.train.data, "train", "training points"), *NORMS, *terms)

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        assert isinstance(problem.train, FiniteRisk)
        return _reading(problem, problem.train.data, self.columns(problem))

    def cost(self, problem: Problem) -> Cost:
        """Return what it takes."""
        assert isinstance(problem.train, FiniteRisk)
        return _cost(problem.start, *problem.train.data.X.shape)


@dataclass(frozen=True, slots=True)
class OnTestPoints:
    """Alignments on the test points."""

    title: ClassVar[str] = "the kernel on the test points"

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        risk = problem.tests.get("sample")
        return _alignments(risk.data, "test", "test points") if isinstance(risk, FiniteRisk) else ()

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        risk = problem.tests["sample"]
        assert isinstance(risk, FiniteRisk)
        return _reading(problem, risk.data, self.columns(problem))

    def cost(self, problem: Problem) -> Cost:
        """Return what it takes."""
        risk = problem.tests["sample"]
        assert isinstance(risk, FiniteRisk)
        return _cost(problem.start, *risk.data.X.shape)


def _alignments(data: Data, points: str, long_name: str) -> tuple[Column, ...]:
    """Return the alignments that exist: labels that vanish, or vanish once centred, are aligned with nothing."""
    exists = {name: bool(data.y.any()) for name, _ in ALIGNMENTS}
    exists["alignment_centered"] &= bool(np.ptp(data.y) > 0)
    return tuple(Column(f"{name}_{points}", label.format(long_name)) for name, label in ALIGNMENTS if exists[name])


def _reading(problem: Problem, data: Data, columns: tuple[Column, ...]) -> Reading:
    read_kernel = _kernel(problem, data)
    fields = [_field(column.name) for column in columns]

    def read(state: State) -> tuple[float, ...]:
        reading = read_kernel(state)
        return tuple(float(getattr(reading, field)) for field in fields)

    return read


def _kernel(problem: Problem, data: Data) -> Callable[[State], KernelReading | NeuronKernelReading]:
    """Return what reads the kernel on a sample off a state of the start's kind."""
    if not isinstance(problem.start, FactorState):
        return NeuronKernel(problem.network, problem.start, data.X, data.y).read
    kernel = SampleKernel(problem.network, problem.start, data.X, data.y)
    return lambda state: kernel.read(cast(FactorState, state))


def _field(column: str) -> str:
    """Return the field of a reading that a column shows."""
    name = column.removeprefix("kernel_").removesuffix("_train").removesuffix("_test")
    assert name in KernelReading.__dataclass_fields__
    return name


def _cost(start: State, P: int, D: int) -> Cost:
    """Cost of reading a kernel on P points, that of a factor in the smaller of its two spaces."""
    if not isinstance(start, FactorState):
        seconds = CALLS + 4.0 * P**2 * (len(start.theta) + D) / FLOPS + 2 * PASS * P**2
        return Cost(once=seconds, each=seconds, bytes=48.0 * P**2)
    F = Monomials(D).size
    if in_samples(P, D):
        return Cost(
            once=2.0 * P**2 * D / FLOPS,
            each=CALLS + 2.0 * P * D * (P + D) / FLOPS + PASS * P**2,
            bytes=48.0 * P**2,
        )
    return Cost(
        once=(2.0 * P * F**2 + 2.0 * F**3) / FLOPS + 2 * PASS * F**2, each=CALLS + PASS * F**2, bytes=40.0 * F**2
    )
