r"""Gradient flow beside real neurons, whose descent is extrapolated to steps of length 0.

Steps of length dt, dt/2, ..., dt/2^k have an error in powers of dt, and are combined so that the first k of them cancel
(Romberg); what the last combination changed bounds what is left, and must be negligible.

Two comparisons follow. At the default tolerance the error must keep the promise of the package,

.. math:: |L - L_{ref}| \le 3 \cdot 10^{-3} \max(L_{ref}, 10^{-3} \min(L_{ref}(0), \langle y^2 \rangle)).

At rtol 1e-9 it must be below 1e-6 of the same size, and M right to 1e-6 of what has changed: the solver keeps each of
some hundred steps to rtol of what it has moved, and the slowest modes of a flow do not forget. The first is what users
are promised; the second sees a changed factor that the first could not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grokode.experiment.compose import composition_of
from grokode.experiment.result import Run
from grokode.experiment.simulate import simulate
from grokode.experiment.spec import Experiment

from .compare import margin, second_moments, sizes
from .optimizers import CorrectedDescent, LaggingDescent, Optimizer, SecondOrder
from .results import CaseResult, Kind
from .tolerances import ROUNDING
from .training import Trained, train

Array = NDArray[np.float64]

PROMISE = 3e-3
"""Of every loss, at the default tolerance."""

TIGHT_RTOL = 1e-9
TIGHT = 1e-6
"""Of every loss and of M, at that tolerance of the solver."""

EXTRAPOLATED = 1e-7
"""What the reference may be wrong by: a tenth of the tightest tolerance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FlowCase:
    """One experiment under a flow.

    Parameters
    ----------
    name : str
    parameters : mapping
        Of the experiment, but for its optimizer and its times.
    steps : tuple of int
        When to compare, in units of dt.
    halvings : int
        How often dt is halved.
    optimizer : str
        A flow; one that corrects for a step corrects for dt itself, whatever the steps of what it is compared with.
    """

    name: str
    parameters: Mapping[str, Any]
    steps: tuple[int, ...]
    halvings: int = 4
    optimizer: str = "gradient_flow"
    files: Mapping[str, Array] = field(default_factory=dict)
    kind: Kind = Kind.FLOW

    def result(self) -> CaseResult:
        """Train at every step size, extrapolate, and compare with both runs."""
        promised, tight = self._flow(), self._flow(rtol=TIGHT_RTOL)
        known = dict.fromkeys([*tight.curves, *self._descents[0].values])  # one that a side lacks breaks off: a miss
        losses = [name for name in known if name.startswith("loss_")]
        order = STEPPED[self.optimizer].order
        reference = {name: extrapolated([run.values[name] for run in self._descents], order) for name in losses}
        M, M_error = extrapolated([second_moments(run.weights) for run in self._descents], order)
        states = np.array([state.hidden.T @ state.hidden for state in tight.states])
        moved = sizes(M - second_moments(self._descents[0].start.W[None]))
        margins = {
            "M (rtol 1e-9)": margin(sizes(states - M), TIGHT * moved + 8 * ROUNDING * sizes(M)),
            "extrapolation of M": margin(sizes(M_error), EXTRAPOLATED * moved),
        }
        for name, (loss, error) in reference.items():
            unit = np.maximum(loss, 1e-3 * min(loss[0], self._mean_square_label))
            margins[name] = margin(np.abs(getattr(promised, name) - loss), PROMISE * unit)
            margins[f"{name} (rtol 1e-9)"] = margin(np.abs(getattr(tight, name) - loss), TIGHT * unit)
            margins[f"extrapolation of {name}"] = margin(np.abs(error), EXTRAPOLATED * unit)
        return CaseResult(
            name=self.name,
            kind=self.kind,
            parameters=promised.experiment.model_dump(mode="json", exclude_none=True),
            margins=margins,
        )

    @cached_property
    def _times(self) -> tuple[float, ...]:
        return tuple(k * self.parameters["dt"] for k in self.steps)

    @cached_property
    def _descents(self) -> list[Trained]:
        rule = STEPPED[self.optimizer].rule(self.parameters["dt"])
        return [descend(self.parameters, self._times, k, self.files, rule) for k in range(self.halvings + 1)]

    @property
    def _mean_square_label(self) -> float:
        points = self._descents[0].samples["train"]
        return float(points.weights @ points.y**2)

    def _flow(self, **tolerance: float) -> Run:
        return flow(self.parameters, self.optimizer, self._times, self.files, **tolerance)


def descend(
    parameters: Mapping[str, Any],
    times: tuple[float, ...],
    halvings: int,
    files: Mapping[str, Array] | None = None,
    rule: Callable[[float], Optimizer] | None = None,
    optimizer: str = "gradient_descent",
) -> Trained:
    """Train real neurons with dt halved a number of times, by an optimizer or by the steps of a flow's own equation."""
    changed = {"optimizer": optimizer, "times": times, "dt": parameters["dt"] / 2**halvings}
    return train(_experiment(parameters, changed), None, files, optimizer=rule)


def flow(
    parameters: Mapping[str, Any],
    optimizer: str,
    times: tuple[float, ...],
    files: Mapping[str, Array] | None = None,
    **changed: float,
) -> Run:
    """Integrate the reduction in continuous time."""
    experiment = _experiment(parameters, {"optimizer": optimizer, "times": times, **changed})
    return simulate(experiment, None, files, keep_states=True)


def _experiment(parameters: Mapping[str, Any], changed: Mapping[str, Any]) -> Experiment:
    return composition_of(None, {**parameters, **changed, "lazy": False}).experiment


def extrapolated(values: list[Array], first: int) -> tuple[Array, Array]:
    """Return the limit of values whose error is in powers, from the first, of a size halved each time, and its error.

    The error is what the last column changed, of which what is left is a small part.
    """
    column, before = values, values
    for power in range(first, first + len(values) - 1):
        before = column
        column = [fine + (fine - coarse) / (2**power - 1) for coarse, fine in zip(column, column[1:], strict=False)]
    return column[-1], column[-1] - before[-1]


MOMENTUM = 0.5


@dataclass(frozen=True, slots=True)
class Stepped:
    """The steps of real neurons that go to a flow.

    Parameters
    ----------
    order : int
        Power of the step at which they do.
    rule : callable
        From the experiment's dt: nothing for descent, or what makes their optimizer from a learning rate.
    """

    order: int
    rule: Callable[[float], Callable[[float], Optimizer] | None]


STEPPED = {
    "gradient_flow": Stepped(1, lambda dt: None),
    "modified_flow": Stepped(1, lambda dt: lambda ratio: CorrectedDescent(corrected=dt * ratio)),
    "midpoint_flow": Stepped(1, lambda dt: lambda ratio: LaggingDescent(corrected=dt * ratio)),
    f"momentum_flow:momentum={MOMENTUM}": Stepped(
        2,
        lambda dt: (
            lambda ratio: SecondOrder(
                mass=(1 + MOMENTUM) * dt / 2, friction=1 - MOMENTUM, start_speed=1 / (1 + MOMENTUM), ratio=ratio
            )
        ),
    ),
}
"""Every flow, as it is written."""

STEPS = (0, 1, 3, 10, 30, 100)

FLOWS: dict[str, dict[str, Any]] = {
    "plain": {"dt": 0.1},
    "alpha 0.1, two neurons, not centred": {"alpha": 0.1, "width": 2, "centered": False, "dt": 0.01},
    "alpha 1e3, infinite width": {"alpha": 1e3, "width": float("inf"), "dt": 0.1},
    "population, noise": {"n_train": float("inf"), "noise": 0.5, "dt": 0.2},
    "trained readouts": {"readouts": "trained", "dt": 0.02},
    "trained readouts, population": {"readouts": "trained", "n_train": float("inf"), "dt": 0.02},
    "He_3": {"hermite": 3, "dt": 0.02},
}


BRIEF = ("plain", "alpha 0.1, two neurons, not centred", "trained readouts")
"""Cases that are enough for a flow that corrects for a step in a quick validation."""


def flow_cases(*, full: bool) -> list[FlowCase]:
    """Return the flows to compare; a full validation goes ten times as far."""
    base = {"dim": 5, "n_train": 12, "n_test": 8, "width": 7, "alpha": 1.0, "eps": 0.3}
    steps = (*STEPS, 300, 1000) if full else STEPS
    return [
        FlowCase(name=f"{optimizer}: {name}", parameters=base | changed, steps=steps, optimizer=optimizer)
        for optimizer in STEPPED
        for name, changed in FLOWS.items()
        if full or optimizer == "gradient_flow" or name in BRIEF
    ]
