"""What is read off a state, against real neurons and written-out formulas."""

import dataclasses
import math

import numpy as np
import pytest

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.problem import Problem
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.observables import CURVE_OBSERVABLES, KERNEL_OBSERVABLES, OBSERVABLES
from grokode.observables.losses import Losses, LossTerms
from grokode.observables.weights import Features, Weights
from grokode.task.data import Data
from grokode.task.system import GivenSystem


def read(observable, problem, state):
    """Return readings by column name."""
    names = [column.name for column in observable.columns(problem)]
    return dict(zip(names, observable.on(problem)(state), strict=True))


@pytest.fixture
def given(rng):
    """Make a problem of given points: no law of the inputs, no target."""
    train = Data(rng.standard_normal((5, 4)), rng.standard_normal(5))
    start = FactorState.from_neurons(rng.standard_normal((6, 4)))
    system = GivenSystem(train=train, start=start, tests={"sample": Data(train.X + 1, train.y)})
    network = Network(alpha=1.0, eps=0.2)
    return Problem.of(network, system.draw(network))


OF_STATES = [
    *((OBSERVABLES, name) for name in OBSERVABLES),
    *((KERNEL_OBSERVABLES, name) for name in KERNEL_OBSERVABLES),
]


@pytest.mark.parametrize(("registry", "name"), OF_STATES, ids=[name for _, name in OF_STATES])
def test_every_observable_reads_one_finite_number_a_column(make_problem, registry, name):
    problem = make_problem(n_test=4)
    observable = registry.build(name)
    columns = observable.columns(problem)
    numbers = observable.on(problem)(problem.start)
    assert len(numbers) == len(columns) > 0
    assert np.isfinite(numbers).all()
    assert all(isinstance(number, float) for number in numbers)
    assert all(column.long_name and column.units for column in columns)


def test_no_two_observables_share_a_column(make_problem):
    problem = make_problem(n_test=4)
    columns = [column for registry, name in OF_STATES for column in registry.build(name).columns(problem)]
    for labels in ([column.name for column in columns], [column.long_name for column in columns]):
        assert len(labels) == len(set(labels))


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("name", list(CURVE_OBSERVABLES))
def test_every_curve_of_time_has_one_finite_number_a_time(make_problem, name, optimizer):
    problem, times = make_problem(n_test=4), np.array([0.0, 0.5, 10.0])
    observable = CURVE_OBSERVABLES.build(name)
    if not observable.applies(problem, OPTIMIZERS.build(optimizer), None):
        assert optimizer in ("nesterov", "sgd")  # of which no mode's decay is known in closed form
        return
    curves = observable.on(problem).at(OPTIMIZERS.build(optimizer), times, 0.5)
    assert curves
    for curve in curves:
        assert curve.values.shape == times.shape
        assert np.isfinite(curve.values).all()
        assert curve.long_name
        assert curve.units
    states = [column.name for registry, known in OF_STATES for column in registry.build(known).columns(problem)]
    assert len({*states, *(curve.name for curve in curves)}) == len(states) + len(curves)
    assert set(observable.on(problem).summary()) == set(observable.numbers)


COSTLY = [(KERNEL_OBSERVABLES, name) for name in KERNEL_OBSERVABLES]
COSTLY += [(CURVE_OBSERVABLES, name) for name in CURVE_OBSERVABLES]


@pytest.mark.parametrize(("registry", "name"), COSTLY, ids=[name for _, name in COSTLY])
def test_what_may_cost_more_than_a_run_says_what_it_is_and_what_it_costs(make_problem, registry, name):
    """The costs grow with the problem and the readings."""
    observable = registry.build(name)
    small, large = (observable.cost(make_problem(dim=d, n_train=n, n_test=n, width=n)) for d, n in ((5, 8), (40, 300)))
    assert observable.title
    for cost in (small, large):
        assert 0 < cost.seconds(1) < cost.seconds(100)
        assert cost.seconds(100) == pytest.approx(cost.once + 100 * cost.each, rel=1e-12)
        assert cost.bytes > 0
    assert small.seconds(100) < large.seconds(100)
    assert small.bytes < large.bytes


def test_an_infinite_training_set_costs_too(make_problem):
    problem = make_problem(n_train=math.inf, width=math.inf)
    for registry, name in COSTLY:
        observable = registry.build(name)
        if registry is CURVE_OBSERVABLES or observable.columns(problem):
            assert observable.cost(problem).seconds(10) > 0


def test_losses_are_those_of_the_risks(make_problem):
    problem = make_problem(n_test=4)
    numbers = read(Losses(), problem, problem.start)
    assert numbers == {
        "loss_train": problem.train.loss(problem.start.V),
        "loss_test_exact": problem.tests["exact"].loss(problem.start.V),
        "loss_test_sample": problem.tests["sample"].loss(problem.start.V),
    }


def test_what_does_not_apply_is_absent(given, make_problem):
    names = {column.name for name in OBSERVABLES for column in OBSERVABLES.build(name).columns(given)}
    assert "loss_test_sample" in names
    assert names.isdisjoint(
        {"loss_test_exact", "variance_error", "misalignment_error", "linear_power", "target_overlap"}
    )
    without_points = {column.name for column in Losses().columns(make_problem(n_test=0))}
    assert without_points == {"loss_train", "loss_test_exact"}


def test_a_start_at_zero_has_no_relative_change(make_problem):
    problem = make_problem(sigma=0.0)
    assert [column.name for column in Weights().columns(problem)] == ["mean_square_weight"]
    assert read(Weights(), problem, problem.start) == {"mean_square_weight": 0.0}


def test_the_three_terms_sum_to_the_exact_test_loss(make_problem, rng):
    problem = make_problem(noise=0.3)
    state = problem.start.at(problem.start.V + rng.standard_normal(problem.start.V.shape))
    terms = read(LossTerms(), problem, state)
    assert set(terms) == {"variance_error", "misalignment_error", "linear_power"}
    assert sum(terms.values()) == pytest.approx(problem.tests["exact"].loss(state.V), rel=1e-12)


def test_relative_change_is_that_of_real_neurons(rng):
    """Steps of gradient descent on W itself, against the reading on the factor moved the same way."""
    N, D = 6, 4
    W0, X, y = rng.standard_normal((N, D)), rng.standard_normal((5, D)), rng.standard_normal(5)
    alpha, eps, lr = 0.9, 0.3, 0.05
    network = Network(alpha=alpha, eps=eps)
    problem = Problem.of(network, GivenSystem(train=Data(X, y), start=FactorState.from_neurons(W0)).draw(network))
    W, V = W0.copy(), np.array(problem.start.V)
    for _ in range(30):
        h = X @ W.T
        r = alpha * np.mean(h + eps / 2 * h**2, axis=1) - y
        W = W - lr * 2 / len(y) * alpha / N * ((1 + eps * h) * r[:, None]).T @ X
        V = V + lr * alpha**2 / N * problem.train.force(V)
    numbers = read(Weights(), problem, problem.start.at(V))
    assert numbers["relative_change"] == pytest.approx(np.linalg.norm(W - W0) / np.linalg.norm(W0), rel=1e-10)
    assert numbers["mean_square_weight"] == pytest.approx(np.mean(np.sum(W**2, axis=1)), rel=1e-12)


@pytest.mark.parametrize("target", ["single_index", "multi_index:k=2,weights=3:-1", "product"])
def test_target_overlap_is_its_formula(make_problem, target):
    problem = make_problem(target=target)
    M = problem.start.M
    direct = sum(beta @ M @ beta / (beta @ beta) for beta in problem.directions) / np.trace(M)
    assert read(Features(), problem, problem.start)["target_overlap"] == pytest.approx(direct, rel=1e-12)


def test_neurons_along_the_target_overlap_fully(make_problem, rng):
    problem = make_problem()
    beta = problem.directions[0]
    aligned = FactorState.from_neurons(rng.standard_normal((4, 1)) * beta)
    problem = dataclasses.replace(problem, start=aligned)
    assert read(Features(), problem, aligned)["target_overlap"] == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("width", [1, 2, 4, 30])
def test_eigenvalues_are_those_of_M(make_problem, width):
    problem = make_problem(width=width)
    numbers = read(Features(eigenvalues=4), problem, problem.start)
    found = [value for name, value in numbers.items() if name.startswith("M_eigenvalue_")]
    assert len(found) == min(4, width)
    largest_first = np.linalg.eigvalsh(problem.start.M)[::-1]
    np.testing.assert_allclose(found, largest_first[: len(found)], rtol=1e-10, atol=1e-13)
