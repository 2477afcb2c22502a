"""What the network would do if it stayed lazy: the losses of its linearisation along the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..curve import Curve
from ..dynamics.pace import Pace
from ..dynamics.plan import FLOPS
from ..dynamics.problem import Problem
from ..dynamics.protocols import Linearizable
from ..dynamics.risks.finite import FiniteRisk
from ..lazy.linearized import CHUNK, Linearization, OnSample, lazy_losses, linearize
from ..lazy.regression import kernel_regression
from ..lazy.spectrum import spectrum_order
from ..model.kernel import condition, needed_bytes, smallest_space
from ..model.states.factor import FactorState
from .column import Column, Cost

OVERSHOOT = 10.0
"""Momentum may carry a mode beyond where it began, and back; what is further out diverges."""

LABELS = {
    "train": ("loss_train_lazy", "train loss, linearised"),
    "exact": ("loss_test_exact_lazy", "test loss (exact), linearised"),
    "sample": ("loss_test_sample_lazy", "test loss (test points), linearised"),
}


@dataclass(frozen=True, slots=True)
class LazyLosses:
    """Train loss and test losses of the network linearised around its start, for optimizers that have a decay."""

    title: ClassVar[str] = "the linearised network"
    numbers: ClassVar[Sequence[str]] = (
        "kernel_regression_loss_exact",
        "kernel_regression_loss_sample",
        "kernel_condition",
        "kernel_rank",
        "train_loss_floor",
    )

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the curves there are where they apply."""
        return tuple(Column(*LABELS[key]) for key in ("train", *problem.tests))

    def applies(self, problem: Problem, optimizer: object, pace: Pace | None) -> bool:
        """Whether the optimizer moves a linearised network in closed form."""
        if not (isinstance(problem.start, FactorState) or isinstance(problem.train, FiniteRisk)):
            return False
        if not (isinstance(optimizer, Linearizable) and optimizer.closed_form):
            return False
        return pace is None or pace.steady or not optimizer.steps

    def cost(self, problem: Problem) -> Cost:
        """Return what it takes: one eigendecomposition, and a function of the inputs a reading."""
        start = problem.start
        D = start.hidden.shape[1]
        points = sum(len(risk.data.y) for risk in problem.tests.values() if isinstance(risk, FiniteRisk))
        if isinstance(problem.train, FiniteRisk):
            P = len(problem.train.data.y)
            space, order = smallest_space(start, P)
            once = 10.0 * order**3 + (0 if space == "samples" else 2.0 * P * order**2)
            evaluated = points + (2 * P if space == "samples" else 2 * D)
        else:
            space, order = "monomials", spectrum_order(problem.factor)
            once, evaluated = 10.0 * order**3, points + 2 * D
        return Cost(
            once=once / FLOPS,
            each=5e-5 + 2.0 * D**2 * evaluated / FLOPS,
            bytes=needed_bytes(space, order) + 8.0 * (4 * CHUNK + points),
        )

    def on(self, problem: Problem) -> Lazy:
        """Return the curves of a problem."""
        return Lazy(linearize(problem))


@dataclass(frozen=True, slots=True, eq=False)
class Lazy:
    """A linearised network along a run, and where it ends."""

    linearization: Linearization

    def at(self, optimizer: object, t: NDArray[np.float64], dt: float | None) -> Sequence[Curve]:
        """Return the curves at flow times t, shape (T,); none where a step is too long for a mode to decay."""
        assert isinstance(optimizer, Linearizable)
        left = optimizer.decay(self.linearization.rates, t[-1:], dt)
        if not np.all(np.abs(left) <= OVERSHOOT):  # a NaN has overflown
            return ()
        losses = lazy_losses(self.linearization, optimizer, t, dt)
        return [
            Curve(name=name, values=losses[key], units="1", long_name=long_name)
            for key, (name, long_name) in LABELS.items()
            if key in losses
        ]

    def summary(self) -> Mapping[str, Any]:
        """Return kernel regression's test losses, condition and rank of the kernel's matrix, and what it cannot fit."""
        regression, values = kernel_regression(self.linearization), self.linearization.eigenvalues
        finite = isinstance(self.linearization, OnSample)
        numbers = (
            regression.loss_exact,
            regression.loss_sample,
            condition(values) if finite else None,
            len(values) if finite else None,
            self.linearization.floor if isinstance(self.linearization, OnSample) else None,
        )
        return dict(zip(LazyLosses.numbers, numbers, strict=True))
