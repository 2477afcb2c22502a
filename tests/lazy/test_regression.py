"""Kernel regression against numpy.linalg on the kernel of real neurons, its test losses by quadrature."""

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.lazy import best_ridge, generalized_cross_validation, kernel_regression, lazy_losses, linearize
from grokode.lazy import regression as module
from grokode.lazy.regression import SPAN, _minimize, fractions

CLOSE = 1e-8  # the kernels' condition, up to 1e6, times rounding, with room
RIDGES = np.array([1e-3, 0.1, 2.0, 50.0])
SAMPLES = {
    "full_rank": {},
    "many_samples": {"n_train": 20},
    "one_neuron": {"n_train": 8, "width": 1},
    "linear": {"eps": 0.0},
    "repeated": {"n_train": 8, "repeat": 2},
    "infinite": {"isotropic": True},
}
samples = pytest.mark.parametrize("setup", list(SAMPLES.values()), ids=list(SAMPLES))
centering = pytest.mark.parametrize("centered", [True, False], ids=["centered", "uncentered"])


def solve(task, ridge):
    """Weights of the samples: least squares without a ridge."""
    r = task.y - task.at_start(task.X)
    if ridge == 0:
        return np.linalg.lstsq(task.K, r, rcond=1e-11)[0]
    return np.linalg.solve(task.K + ridge * np.eye(len(r)), r)


def regress(task, ridge):
    """Train, exact and sample loss of regression with a ridge."""
    w = solve(task, ridge)
    train = np.mean((task.y - task.at_start(task.X) - task.K @ w) ** 2)
    return train, *task.losses(lambda X: task.neurons.kernel(X, task.X) @ w)


@centering
@samples
@pytest.mark.parametrize("ridge", [0.0, *RIDGES])
def test_regression_solves_the_linear_system(make_task, setup, centered, ridge):
    task = make_task(**setup, centered=centered)
    found, (train, exact, sample) = kernel_regression(task.problem, ridge), regress(task, ridge)
    scale = np.mean((task.y - task.at_start(task.X)) ** 2)
    assert found.ridge == ridge
    assert found.loss_train == pytest.approx(train, rel=CLOSE, abs=1e-16 * scale)
    assert found.loss_exact == pytest.approx(exact, rel=CLOSE, abs=0)
    assert found.loss_sample == pytest.approx(sample, rel=CLOSE, abs=0)
    assert found.terms.total == pytest.approx(exact, rel=CLOSE, abs=0)
    assert found.residual < 1e-9


def test_the_terms_are_those_of_the_predictor(make_task):
    task = make_task()
    w = solve(task, 0.3)
    left = task.neurons.kernel(task.points, task.X) @ w - task.task(task.points)
    on_x = task.points.T @ (task.weights * left)
    terms = kernel_regression(task.problem, 0.3).terms
    assert terms.variance_error == pytest.approx((task.weights @ left) ** 2, rel=CLOSE, abs=0)
    assert terms.linear_power == pytest.approx(on_x @ np.linalg.solve(task.Sigma, on_x), rel=CLOSE, abs=0)


@centering
@samples
def test_ridgeless_regression_is_where_the_linearised_network_ends(make_task, setup, centered):
    problem = make_task(**setup, centered=centered).problem
    late = lazy_losses(linearize(problem), OPTIMIZERS.build("gradient_flow"), np.array([1e12]), None)
    found = kernel_regression(problem)
    assert found.loss_train == pytest.approx(late["train"][0], rel=1e-12, abs=1e-25)
    assert found.loss_exact == pytest.approx(late["exact"][0], rel=1e-12, abs=0)
    assert found.loss_sample == pytest.approx(late["sample"][0], rel=1e-12, abs=0)


def test_a_vanishing_ridge_is_none(make_task):
    """The kernel's smallest eigenvalue is 1e-3 of its unit: 1e-11 is nothing beside it."""
    problem = make_task().problem
    assert kernel_regression(problem, 1e-11).loss_exact == pytest.approx(
        kernel_regression(problem).loss_exact, rel=1e-6, abs=0
    )


def test_a_huge_ridge_learns_nothing(make_task):
    task = make_task()
    found = kernel_regression(task.problem, 1e12)
    assert found.loss_train == pytest.approx(np.mean(task.y**2), rel=1e-9, abs=0)
    assert found.loss_exact == pytest.approx(task.weights @ task.target(task.points) ** 2, rel=1e-9, abs=0)


def test_regression_on_the_population_keeps_what_no_eigenfunction_holds(make_task):
    """By least squares over the law, on the kernel's own functions; the train loss has the noise on top."""
    task = make_task(n_train=math.inf)
    found = kernel_regression(task.problem)
    J, root = task.neurons.jacobian(task.points), np.sqrt(task.weights)
    left = root * task.task(task.points)
    left = left - root[:, None] * J @ np.linalg.lstsq(root[:, None] * J, left, rcond=1e-11)[0]
    assert found.loss_exact == pytest.approx(left @ left, rel=CLOSE, abs=0)
    assert found.loss_train == pytest.approx(left @ left + task.noise**2, rel=CLOSE, abs=0)
    assert found.terms.total == pytest.approx(left @ left, rel=CLOSE, abs=0)
    dw = np.linalg.lstsq(root[:, None] * J, root * task.task(task.points), rcond=1e-11)[0]
    _, on_points = task.losses(lambda X: task.neurons.jacobian(X) @ dw)
    assert found.loss_sample == pytest.approx(on_points, rel=CLOSE, abs=0)
    assert math.isnan(found.residual)


def test_what_does_not_exist_is_none(make_task):
    problem = make_task().problem
    found = kernel_regression(type(problem)(problem.network, problem.start, problem.train, {}, problem.directions))
    assert (found.loss_exact, found.loss_sample, found.terms) == (None, None, None)


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_the_residual_tells_of_a_wrong_decomposition(make_task, ridge):
    """Eigenvalues 5 % too large leave a residual of (1.05 - 1) lambda / (1.05 lambda + ridge) in each mode."""
    task = make_task(n_train=8, repeat=2)  # a remainder, which does not count
    problem = task.problem
    modes, c = problem.modes, linearize(problem).components
    wrong = dataclasses.replace(modes, eigenvalues=1.05 * modes.eigenvalues)
    problem.__dict__["modes"] = wrong
    missed = 0.05 * modes.eigenvalues / (1.05 * modes.eigenvalues + ridge) * c
    expected = np.linalg.norm(missed) / np.linalg.norm(c)
    assert kernel_regression(problem, ridge).residual == pytest.approx(expected, rel=1e-9, abs=0)


def test_the_residual_of_nothing_to_learn_is_zero(make_task):
    problem = make_task(target=grokode.QuadraticTarget(0.0, np.zeros(3), np.zeros((3, 3))), noise=0.0).problem
    assert kernel_regression(problem).residual == 0


@pytest.mark.parametrize("ridge", [-1.0, math.nan])
def test_a_ridge_is_zero_or_positive(make_task, ridge):
    with pytest.raises(grokode.InvalidInput, match=f"ridge must be zero or positive, got {ridge}"):
        kernel_regression(make_task().problem, ridge)


def test_an_infinite_ridge_learns_nothing_and_solves_no_system(make_task):
    task = make_task(centered=False)
    found = kernel_regression(task.problem, math.inf)
    exact, sample = task.losses(lambda X: np.zeros(len(X)))
    assert found.loss_train == pytest.approx(np.mean((task.y - task.at_start(task.X)) ** 2), rel=1e-12, abs=0)
    assert found.loss_exact == pytest.approx(exact, rel=1e-12, abs=0)
    assert found.loss_sample == pytest.approx(sample, rel=1e-12, abs=0)
    assert math.isnan(found.residual)


def test_an_infinite_training_set_takes_no_ridge(make_task):
    problem = make_task(n_train=math.inf).problem
    with pytest.raises(grokode.InvalidInput, match=r"ridge 0\.5 is nothing beside an infinite training set"):
        kernel_regression(problem, 0.5)
    for choose in (best_ridge, lambda problem: generalized_cross_validation(problem, RIDGES)):
        with pytest.raises(grokode.InvalidInput, match="needs no ridge"):
            choose(problem)


def test_fractions_are_those_of_every_mode_and_ridge(make_task):
    linearization = linearize(make_task().problem)
    found = fractions(linearization, np.array([0.0, 0.5]))
    values = linearization.eigenvalues
    np.testing.assert_allclose(found, [np.ones_like(values), values / (values + 0.5)], rtol=1e-14)


# ---- generalised cross-validation


def cross_validation(task, ridge):
    """From the hat matrix itself."""
    P, r = len(task.y), task.y - task.at_start(task.X)
    H = np.linalg.solve(task.K + ridge * np.eye(P), task.K)
    left = r - H @ r
    return left @ left / P / (1 - np.trace(H) / P) ** 2


@centering
@samples
def test_generalised_cross_validation_is_its_formula(make_task, setup, centered):
    task = make_task(**setup, centered=centered)
    found = generalized_cross_validation(task.problem, RIDGES)
    np.testing.assert_allclose(found, [cross_validation(task, ridge) for ridge in RIDGES], rtol=1e-7)


def test_generalised_cross_validation_holds_where_nearly_all_is_fitted(make_task):
    """Of full rank, ridge -> 0: P r.K^-2.r / tr(K^-1)^2."""
    task = make_task(n_train=5)
    inverse = np.linalg.inv(task.K)
    limit = 5 * task.y @ inverse @ inverse @ task.y / np.trace(inverse) ** 2
    np.testing.assert_allclose(generalized_cross_validation(task.problem, np.array([1e-9])), limit, rtol=1e-6)


# ---- the best ridge

CRITERIA = {
    "exact": lambda task, ridge: regress(task, ridge)[1],
    "sample": lambda task, ridge: regress(task, ridge)[2],
    "gcv": cross_validation,
}
each_criterion = pytest.mark.parametrize("criterion", list(CRITERIA))


@each_criterion
@centering
@pytest.mark.parametrize(
    "setup",
    [{"noise": 1.0, "n_train": 9}, {"noise": 3.0, "n_train": 20}, {"noise": 0.1, "n_train": 30}, {"n_train": 6}],
    ids=str,
)
def test_the_best_ridge_is_a_minimum(make_task, criterion, setup, centered):
    """No ridge of a fine grid over its whole range does better, and neither does none."""
    task = make_task(**setup, centered=centered)
    best, values = best_ridge(task.problem, criterion), linearize(task.problem).eigenvalues
    objective = lambda ridge: CRITERIA[criterion](task, ridge)  # noqa: E731
    grid = np.geomspace(values[-1] / SPAN, values[0] * SPAN, 300)
    lowest = min(objective(ridge) for ridge in grid)
    if best == 0 and criterion != "gcv":
        assert objective(0.0) <= lowest
    elif best in (0, math.inf):
        edge = grid[0] if best == 0 else grid[-1]
        assert objective(edge) == lowest
    else:
        # the search stops at 1e-4 in the ridge's logarithm, which is second order in the loss
        assert objective(best) <= lowest * (1 + 1e-6)
        assert criterion == "gcv" or objective(best) < objective(0.0)


def test_a_minimum_at_an_edge_is_the_limit_beyond_it():
    assert _minimize(lambda ridges: ridges, 1e-3, 1e3) == 0
    assert _minimize(lambda ridges: -ridges, 1e-3, 1e3) == math.inf
    assert _minimize(lambda ridges: (np.log(ridges) - 1) ** 2, 1e-3, 1e3) == pytest.approx(np.e, rel=1e-3)


def test_the_deepest_of_several_minima_is_found():
    """One every second factor of e, on a slope that is gentle beside them."""
    curve = lambda log: np.cos(np.pi * log) + 0.05 * (log - 5.3) ** 2  # noqa: E731
    for low, high in ((1e-8, 1e8), (1e-2, 1e8), (1e-4, 1e3)):
        found = _minimize(lambda ridges: curve(np.log(ridges)), low, high)
        grid = np.linspace(np.log(low), np.log(high), 100_000)
        assert np.log(found) == pytest.approx(grid[np.argmin(curve(grid))], abs=1e-3)


@pytest.mark.parametrize("criterion", ["exact", "sample"])
def test_noise_calls_for_a_ridge_in_between(make_task, criterion):
    """Else the test above says little; at the minimum, the slope over the logarithm vanishes."""
    task = make_task(noise=1.0, n_train=20, n_test=200)
    best, values = best_ridge(task.problem, criterion), linearize(task.problem).eigenvalues
    assert values[-1] / SPAN * 1.1 < best < values[0] * SPAN / 1.1
    at = [CRITERIA[criterion](task, best * factor) for factor in (0.99, 1.0, 1.01)]
    assert at[1] < min(at[0], at[2])


@pytest.mark.parametrize("criterion", ["exact", "sample"])
def test_where_none_helps_the_best_ridge_is_zero(make_task, criterion):
    """Clean labels that the kernel can fit, on more samples than it has modes."""
    target = grokode.QuadraticTarget(0.0, np.array([1.0, -0.5, 2.0]), np.diag([1.0, -2.0, 0.3]))
    task = make_task(noise=0.0, n_train=20, target=target)
    assert best_ridge(task.problem, criterion) == 0
    assert kernel_regression(task.problem).loss_exact < 1e-18


def test_labels_of_noise_alone_call_for_an_infinite_ridge(make_task):
    nothing = grokode.QuadraticTarget(0.0, np.zeros(3), np.zeros((3, 3)))
    problem = make_task(noise=1.0, target=nothing).problem
    assert best_ridge(problem, "exact") == math.inf
    assert kernel_regression(problem, best_ridge(problem, "exact")).loss_exact == 0


def test_cross_validation_of_clean_labels_calls_for_no_ridge(make_task):
    """Linear labels, and more samples than modes: nothing is gained by a ridge."""
    target = grokode.QuadraticTarget(0.0, np.array([1.0, -0.5, 2.0]), np.zeros((3, 3)))
    assert best_ridge(make_task(noise=0.0, n_train=20, target=target).problem, "gcv") == 0


@pytest.mark.parametrize("inside", [0.98, 1.02])
@pytest.mark.parametrize("edge", ["smallest", "largest"])
def test_ridges_are_looked_for_a_factor_of_ten_thousand_beyond_the_eigenvalues(make_task, monkeypatch, edge, inside):
    """A minimum is found inside that range, and its limit beyond."""
    problem = make_task().problem
    values = linearize(problem).eigenvalues
    best = {"smallest": values[-1] / 1e4 / inside, "largest": values[0] * 1e4 * inside}[edge]
    monkeypatch.setattr(module, "generalized_cross_validation", lambda _, ridges: np.log(ridges / best) ** 2)
    found = best_ridge(problem, "gcv")
    beyond = {"smallest": 0.0, "largest": math.inf}[edge]
    # between the last points of the grid, a quarter of an e-fold apart, either is right
    assert found == beyond if inside > 1 else found == beyond or found == pytest.approx(best, rel=1e-3, abs=0)
    far = best * {"smallest": 2.0, "largest": 0.5}[edge]
    monkeypatch.setattr(module, "generalized_cross_validation", lambda _, ridges: np.log(ridges / far) ** 2)
    assert best_ridge(problem, "gcv") == pytest.approx(far, rel=1e-3, abs=0)


@pytest.mark.parametrize("ridges", [[0.0], [1.0, -1.0], [math.nan]])
def test_cross_validation_takes_positive_ridges(make_task, ridges):
    with pytest.raises(grokode.InvalidInput, match="ridges must be positive for cross-validation"):
        generalized_cross_validation(make_task().problem, np.array(ridges))


def test_cross_validation_takes_a_single_ridge_too(make_task):
    task = make_task()
    found = generalized_cross_validation(task.problem, 0.3)
    assert found.shape == (1,)
    assert found[0] == pytest.approx(cross_validation(task, 0.3), rel=1e-7, abs=0)


def test_the_test_loss_is_the_criterion_unless_said_otherwise(make_task):
    problem = make_task(noise=1.0, n_train=9).problem
    assert best_ridge(problem) == best_ridge(problem, "exact") != best_ridge(problem, "sample")


def test_a_problem_and_its_linearisation_are_the_same_here(make_task):
    problem = make_task(noise=1.0, n_train=9).problem
    linearization = linearize(problem)
    assert kernel_regression(linearization, 0.3) == kernel_regression(problem, 0.3)
    assert best_ridge(linearization) == best_ridge(problem)
    np.testing.assert_array_equal(
        generalized_cross_validation(linearization, RIDGES), generalized_cross_validation(problem, RIDGES)
    )


def test_a_criterion_must_exist(make_task):
    problem = make_task().problem
    with pytest.raises(grokode.InvalidInput, match="no train test loss"):
        best_ridge(problem, "train")
    bare = type(problem)(problem.network, problem.start, problem.train, {}, problem.directions)
    with pytest.raises(grokode.InvalidInput, match="take one of gcv$"):
        best_ridge(bare, "exact")
    assert best_ridge(bare, "gcv") > 0


def test_a_kernel_without_modes_has_no_best_ridge(make_task):
    problem = make_task().problem
    data = grokode.Data(np.zeros((2, 3)), np.ones(2))
    risk = grokode.EmpiricalRisk(problem.network, problem.start, data)
    empty = type(problem)(problem.network, problem.start, risk, problem.tests, problem.directions)
    assert best_ridge(empty, "exact") == 0
    found = kernel_regression(empty)
    assert (found.loss_train, found.residual) == (1.0, 0.0)


def test_many_samples_take_no_matrix_of_samples(make_task):
    """P = 6000 in 4 dimensions, where P^2 numbers would take 288 MB."""
    problem = make_task(dim=4, n_train=6000, width=30, n_test=50).problem
    tracemalloc.start()
    kernel_regression(problem, best_ridge(problem, "gcv"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 6000**2 / 50
