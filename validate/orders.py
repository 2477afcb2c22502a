r"""Orders of convergence, between real neurons and the limits that the reduction goes to at once.

A quantity that vanishes like a size to the power p has the slope p in the logarithms of both. Where it is a statistic
of S random draws of each size the slope has an error, and the draws themselves say how large (the jackknife): leaving
out one at a time gives the logarithm at point x_i a variance v_i over the S choices, and the slope the variance

.. math:: (S - 1) \sum_i (x_i - \bar x)^2 v_i \Big/ \Big(\sum_i (x_i - \bar x)^2\Big)^2.

The tolerance is four such errors (seeds are fixed, so what passes once passes always), and never more than half of what
two orders are apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grokode.convention import learning_rate
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.experiment.compose import composition_of
from grokode.experiment.simulate import simulate
from grokode.experiment.spec import Experiment
from grokode.experiment.systems import network_of, system_of
from grokode.task.system import Law

from .compare import second_moments, sizes
from .flows import STEPPED, descend, flow
from .network import CommitteeMachine
from .results import Kind, Order
from .samples import samples_of

Array = NDArray[np.float64]

SMALL: dict[str, Any] = {
    "dim": 3, "n_train": 8, "width": 6, "alpha": 0.7, "eps": 0.4, "optimizer": "gradient_descent", "dt": 0.1,
    "steps": 20, "points": 2, "lazy": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """An order that was measured, and what it may be off by."""

    order: float
    tolerance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderCheck:
    """An order, to be measured."""

    name: str
    expected: float
    measure: Callable[[], Measured]
    kind: Kind = Kind.ORDER

    def result(self) -> Order:
        """Measure it."""
        found = self.measure()
        return Order(name=self.name, order=found.order, expected=self.expected, tolerance=found.tolerance)


# ---- small steps


HALVINGS = (4, 5)
"""Of the two steps that tell the order."""

ROOM = 0.05
"""The next term of the error is smaller by dt times the flow's rate, 1/50 at dt = 0.2 / 2^5; the order is off by about
that."""


def followed(flow: str) -> str:
    """Return the training in steps that goes to a flow, with its parameters."""
    _, colon, parameters = flow.partition(":")
    return f"{OPTIMIZERS.build(flow).follows}{colon}{parameters}"


def order_of_descent(optimizer: str) -> Measured:
    """Return the order in dt at which M of real neurons in steps goes to that of a flow, from two step sizes.

    A flow that knows the step is that of the same step.
    """
    parameters = {"dim": 5, "n_train": 8, "width": 7, "alpha": 0.7, "eps": 0.3, "dt": 0.2}
    times = (0.4, 2.0, 8.0)
    gaps = []
    for halvings in HALVINGS:
        real = descend(parameters, times, halvings, optimizer=followed(optimizer))
        limit = flow({**parameters, "dt": real.pace.dt}, optimizer, times, rtol=1e-10)
        gaps.append(np.linalg.norm(second_moments(real.weights) - [state.M for state in limit.states]))
    return Measured(float(np.log2(gaps[0] / gaps[1])), ROOM)


# ---- many neurons, many samples


APART = 0.25
"""Half of what two orders are apart, which come in halves."""

Statistic = Callable[[NDArray[np.int64]], float]
"""Of some of the draws of one size."""


def slope(sizes: Sequence[int], statistics: Sequence[Statistic], draws: int) -> Measured:
    """Return the power at which a statistic of each size's draws falls with the sizes."""
    every = np.arange(draws)
    x = np.log(sizes) - np.mean(np.log(sizes))
    x /= x @ x
    left_out = [[math.log(of(np.delete(every, i))) for i in every] for of in statistics]
    error = math.sqrt((draws - 1) * float(x**2 @ np.var(left_out, axis=1)))
    order = -float(x @ [math.log(of(every)) for of in statistics])
    return Measured(order, min(4 * error, APART))


Starts = tuple[tuple[int, ...], int]
"""Widths, and how many random starts of each."""


@cache
def trained_starts(starts: Starts) -> list[tuple[Array, Array]]:
    """Train real networks of several widths on the same data.

    Returns
    -------
    list of (ndarray, ndarray)
        For each width M of each network after training, shape (S, D, D), and the statistics it started from.
    """
    widths, draws = starts
    experiment = composition_of(None, SMALL).experiment
    samples = samples_of(system_of(experiment, None).draw(network_of(experiment)).train)
    rng = np.random.default_rng(21)
    found = []
    for width in widths:
        W0s = rng.standard_normal((draws, width, experiment.dim))
        ends = np.array([_trained(experiment, W0, samples.X, samples.y) for W0 in W0s])
        found.append((second_moments(ends), np.array([_statistics(W0) for W0 in W0s])))
    return found


def _trained(experiment: Experiment, W0: Array, X: Array, y: Array) -> Array:
    """Return real neurons at the end of their training."""
    machine = CommitteeMachine(alpha=experiment.alpha, eps=experiment.eps, centered=experiment.centered)
    lr = learning_rate(SMALL["dt"], experiment.alpha, len(W0))
    end: Array = machine.train(W0, X, y, lr=lr, record=[SMALL["steps"]]).weights[0]
    return end


def spread_over_starts(starts: Starts) -> Measured:
    """Return the power of the width at which the standard deviation over starts falls."""

    def spread(M: Array, some: NDArray[np.int64]) -> float:
        return float(np.sqrt(np.sum(np.var(M[some], axis=0))))

    widths, draws = starts
    return slope(widths, [partial(spread, M) for M, _ in trained_starts(starts)], draws)


def deviation_of_the_mean(starts: Starts) -> Measured:
    """Return the power of the width at which the mean over starts goes to infinite width.

    M depends on a start through its (wbar, M), whose mean is known, (0, I). What is linear in their deviation, fitted
    over the draws and subtracted, vanishes in the mean; it is most of the spread, under which the mean's own deviation
    would be hidden.
    """
    limit = simulate(composition_of(None, {**SMALL, "width": math.inf}).experiment, keep_states=True).states[-1].M

    def deviation(M: Array, at_start: Array, some: NDArray[np.int64]) -> float:
        return float(np.linalg.norm(mean_at_origin(M[some], at_start[some]) - limit))

    widths, draws = starts
    return slope(widths, [partial(deviation, *found) for found in trained_starts(starts)], draws)


def _statistics(W: Array) -> Array:
    """Return wbar, and M - I without its lower triangle."""
    D = W.shape[1]
    statistics: Array = np.r_[W.mean(axis=0), (W.T @ W / len(W) - np.eye(D))[np.triu_indices(D)]]
    return statistics


def mean_at_origin(values: Array, starts: Array) -> Array:
    """Return the mean of values, less what is linear in the starts and zero on average."""
    design = np.column_stack([np.ones(len(starts)), starts - starts.mean(axis=0)])
    coefficients = np.linalg.lstsq(design, values.reshape(len(values), -1), rcond=None)[0]
    mean: Array = (coefficients[0] - starts.mean(axis=0) @ coefficients[1:]).reshape(values.shape[1:])
    return mean


def distance_to_population(sample_sizes: tuple[int, ...], draws: int) -> Measured:
    """Return the power of P at which the distance of M from that of the population falls, root mean square."""
    experiment = composition_of(None, {**SMALL, "n_train": math.inf, "noise": 0.3}).experiment
    limit = simulate(experiment, keep_states=True).states[-1].M
    draw = system_of(experiment, None).draw(network_of(experiment))
    law = draw.train
    assert isinstance(law, Law)
    rng = np.random.default_rng(22)
    W0 = draw.start.neurons(SMALL["width"], rng)

    def distance(squares: Array, some: NDArray[np.int64]) -> float:
        return float(np.sqrt(np.mean(squares[some])))

    distances = []
    for P in sample_sizes:
        sets = [law.inputs.draw(P, rng) for _ in range(draws)]
        labels = [law.target(X) + law.noise * rng.standard_normal(P) for X in sets]
        ends = np.array([_trained(experiment, W0, X, y) for X, y in zip(sets, labels, strict=True)])
        distances.append(partial(distance, sizes(second_moments(ends) - limit) ** 2))
    return slope(sample_sizes, distances, draws)


def order_checks(*, full: bool) -> list[OrderCheck]:
    """Return the orders to measure; a full validation takes more draws."""
    starts = ((32, 128, 512), 400 if full else 200)
    samples = ((200, 800, 3200), 600 if full else 60)
    measures: dict[str, tuple[float, Callable[[], Measured]]] = {
        **{
            f"real {followed(name)} to {name}, in dt": (
                float(OPTIMIZERS.build(name).order),
                partial(order_of_descent, name),
            )
            for name in STEPPED
        },
        "spread over real starts, in 1/N": (0.5, partial(spread_over_starts, starts)),
        "mean over real starts to infinite width, in 1/N": (1.0, partial(deviation_of_the_mean, starts)),
        "real training sets to the population, in 1/P": (0.5, partial(distance_to_population, *samples)),
    }
    return [OrderCheck(name=name, expected=expected, measure=of) for name, (expected, of) in measures.items()]
