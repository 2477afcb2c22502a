"""Losses along a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ..dynamics.problem import Problem
from ..dynamics.risks.population import PopulationRisk
from ..model.states.state import QuadraticState, State
from .column import Column, Reading

TESTS = {
    "exact": Column("loss_test_exact", "test loss (exact)"),
    "sample": Column("loss_test_sample", "test loss (test points)"),
}


@dataclass(frozen=True, slots=True)
class Losses:
    """Train loss, and each test loss that exists."""

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        return (Column("loss_train", "train loss"), *(TESTS[name] for name in problem.tests))

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        risks = (problem.train, *problem.tests.values())
        return lambda state: tuple(risk.loss(state.theta) for risk in risks)


@dataclass(frozen=True, slots=True)
class LossTerms:
    """The three terms of the exact test loss (paper eq. 6), where the law of the inputs is known."""

    def columns(self, problem: Problem) -> tuple[Column, ...]:
        """Return the columns that apply."""
        if "exact" not in problem.tests:
            return ()
        return (
            Column("variance_error", "variance error"),
            Column("misalignment_error", "misalignment error"),
            Column("linear_power", "power in linear modes"),
        )

    def on(self, problem: Problem) -> Reading:
        """Return the function from a state to one number a column."""
        risk = problem.tests["exact"]
        assert isinstance(risk, PopulationRisk)

        def read(state: State) -> tuple[float, ...]:
            known = cast(QuadraticState, state)  # of the kind of the start, whose loss over the law is known
            terms = risk.terms(known.wbar, known.M)
            return terms.variance_error, terms.misalignment_error, terms.linear_power

        return read
