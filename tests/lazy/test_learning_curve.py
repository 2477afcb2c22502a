"""The average learning curve: its equations, limits, and kernel regression on drawn training sets."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.optimize

import grokode
from grokode.dynamics.problem import Problem
from grokode.lazy import average_regression, kernel_regression, sampled_regression, samples_to_reach
from grokode.lazy import learning_curve as module
from grokode.lazy.learning_curve import effective_ridge
from grokode.lazy.spectrum import PopulationSpectrum
from grokode.task.data import Data
from grokode.task.system import Draw, Law

VALUES = np.array([1.0, 0.4, 0.4, 0.05, 0.01, 0.01, 0.01, 2e-3])
POWER = np.array([0.5, 0.0, 0.3, 0.2, 0.1, 0.0, 0.05, 0.02])
SPECTRUM = PopulationSpectrum(eigenvalues=VALUES, power=POWER, outside=0.15)
CASES = [(1, 0.0), (2.5, 0.0), (7, 0.0), (7.999, 0.0), (1, 1e-6), (3, 0.2), (8, 0.2), (40, 1.0), (40, 1e-9), (2, 1e4)]
cases = pytest.mark.parametrize(("n_train", "ridge"), CASES)
noises = pytest.mark.parametrize("noise", [0.0, 0.7])


def by_bisection(values, n_train, ridge):
    """Solve for kappa, plainly, in its logarithm."""
    excess = lambda log: np.sum(values / (values + math.exp(log))) + ridge / math.exp(log) - n_train  # noqa: E731
    return math.exp(scipy.optimize.bisect(excess, -60, 40, xtol=1e-14, rtol=1e-14, maxiter=500))


# ---- the effective ridge


@cases
def test_kappa_solves_its_equation(n_train, ridge):
    kappa = effective_ridge(VALUES, n_train, ridge)
    assert np.sum(VALUES / (VALUES + kappa)) + ridge / kappa == pytest.approx(n_train, rel=1e-11, abs=0)
    assert kappa == pytest.approx(by_bisection(VALUES, n_train, ridge), rel=1e-9, abs=0)
    assert average_regression(SPECTRUM, n_train, ridge=ridge).kappa == kappa


def test_equal_eigenvalues_have_a_kappa_in_closed_form():
    """Ridgeless lambda (F - P)/P; with a ridge a quadratic equation: P k^2 + (P l - F l - d) k - d l = 0."""
    value, F, P, ridge = 0.3, 7, 4.0, 0.2
    assert effective_ridge(np.full(F, value), P, 0.0) == pytest.approx(value * (F - P) / P, rel=1e-12, abs=0)
    roots = np.roots([P, P * value - F * value - ridge, -ridge * value])
    assert effective_ridge(np.full(F, value), P, ridge) == pytest.approx(max(roots), rel=1e-12, abs=0)


@pytest.mark.parametrize("gap", [1.0, 1e-3, 1e-6, 1e-9])
def test_kappa_vanishes_as_the_samples_reach_the_modes(gap):
    """Sum of kappa/lambda_k = F - P to first order."""
    kappa = effective_ridge(VALUES, len(VALUES) - gap, 0.0)
    assert kappa == pytest.approx(by_bisection(VALUES, len(VALUES) - gap, 0.0), rel=1e-5, abs=0)
    if gap < 1e-2:
        assert kappa == pytest.approx(gap / np.sum(1 / VALUES), rel=3 * gap + 1e-5, abs=0)


def test_ridgeless_kappa_is_zero_from_as_many_samples_as_modes_on():
    assert effective_ridge(VALUES, 8, 0.0) == effective_ridge(VALUES, 100, 0.0) == 0
    assert effective_ridge(VALUES, 7.9, 0.0) > 0


@pytest.mark.parametrize("n_train", [1, 5, 8, 1000])
def test_a_huge_ridge_is_all_of_kappa(n_train):
    ridge = 1e12
    # to first order the eigenvalues' sum comes on top
    assert effective_ridge(VALUES, n_train, ridge) == pytest.approx((ridge + VALUES.sum()) / n_train, rel=1e-12, abs=0)


@pytest.mark.parametrize("ridge", [1e-9, 1e-15, 1e-30])
def test_a_tiny_ridge_is_shared_by_the_samples_in_excess(ridge):
    """Above the number of modes: kappa -> ridge / (P - F)."""
    assert effective_ridge(VALUES, 12, ridge) == pytest.approx(ridge / 4, rel=1e-5, abs=0)


def test_a_tiny_ridge_below_the_number_of_modes_is_none():
    assert effective_ridge(VALUES, 3, 1e-14) == pytest.approx(effective_ridge(VALUES, 3, 0.0), rel=1e-9, abs=0)


def test_without_eigenvalues_the_ridge_stands_alone():
    assert effective_ridge(np.zeros(0), 4, 0.6) == pytest.approx(0.15, rel=1e-12, abs=0)
    assert effective_ridge(np.zeros(0), 4, 0.0) == 0


# ---- the curve


@noises
@cases
def test_the_losses_are_their_formulas(n_train, ridge, noise):
    kappa = by_bisection(VALUES, n_train, ridge)
    L = VALUES / (VALUES + kappa)
    E0 = n_train / (n_train - np.sum(L**2))
    test = E0 * (np.sum((1 - L) ** 2 * POWER) + 0.15 + noise**2) - noise**2
    found = average_regression(SPECTRUM, n_train, ridge=ridge, noise=noise)
    assert found.n_train == n_train
    assert found.loss_test == pytest.approx(test, rel=1e-6, abs=0)
    assert found.learned == pytest.approx(np.sum(L * POWER) / (POWER.sum() + 0.15), rel=1e-6, abs=0)
    train = (ridge / (n_train * kappa)) ** 2 * (test + noise**2)
    assert found.loss_train == pytest.approx(train, rel=1e-6, abs=1e-300)


def test_few_samples_and_a_large_ridge_learn_nothing():
    found = average_regression(SPECTRUM, 3, ridge=1e9)
    assert found.loss_test == pytest.approx(SPECTRUM.mean_square, rel=1e-6, abs=0)
    assert found.loss_train == pytest.approx(SPECTRUM.mean_square, rel=1e-6, abs=0)
    assert found.learned == pytest.approx(0, abs=1e-6)
    # a single sample, of very many equal modes
    wide = PopulationSpectrum(eigenvalues=np.full(10_000, 0.1), power=np.full(10_000, 1e-4), outside=0.0)
    assert average_regression(wide, 1).loss_test == pytest.approx(1, rel=1e-3, abs=0)


@pytest.mark.parametrize("n_train", [8, 9, 1000, 10**12])
def test_with_all_modes_learned_only_what_is_outside_is_left(n_train):
    """Ridgeless, from P = F on: the loss outside, times P/(P - F)."""
    found = average_regression(SPECTRUM, n_train)
    assert found.kappa == 0
    assert found.learned == pytest.approx(1 - 0.15 / SPECTRUM.mean_square, rel=1e-12, abs=0)
    inside = average_regression(dataclasses.replace(SPECTRUM, outside=0.0), n_train)
    assert (inside.loss_test, inside.loss_train, inside.learned) == (0.0, 0.0, 1.0)
    if n_train == 8:
        assert found.loss_test == math.inf
        assert found.loss_train == 0
    else:
        assert found.loss_test == pytest.approx(0.15 * n_train / (n_train - 8), rel=1e-12, abs=0)
        assert found.loss_train == pytest.approx(0.15 * (n_train - 8) / n_train, rel=1e-12, abs=0)


def test_noise_of_least_squares_is_averaged_away_as_the_samples_grow(rng):
    """Exact for n Gaussian regressors: s^2 n/(P - n - 1), whose limit is s^2 n/(P - n); train loss s^2 (P - n)/P.

    Drawn: least squares itself, in 4000 training sets.
    """
    n, P, s = 8, 60, 0.7
    found = average_regression(dataclasses.replace(SPECTRUM, outside=0.0), P, noise=s)
    assert found.loss_test == pytest.approx(s**2 * n / (P - n), rel=1e-12, abs=0)
    assert found.loss_train == pytest.approx(s**2 * (P - n) / P, rel=1e-12, abs=0)
    X, noise = rng.standard_normal((4000, P, n)), s * rng.standard_normal((4000, P, 1))
    w = np.linalg.solve(X.transpose(0, 2, 1) @ X, X.transpose(0, 2, 1) @ noise)
    test, train = np.sum(w**2, axis=(1, 2)), np.mean((noise - X @ w) ** 2, axis=(1, 2))
    for drawn, theory in ((test, found.loss_test * (P - n) / (P - n - 1)), (train, found.loss_train)):
        assert abs(drawn.mean() / theory - 1) < 4 * drawn.std() / np.sqrt(4000) / theory
        assert drawn.std() / np.sqrt(4000) < 0.01 * theory


def test_many_samples_leave_noise_and_ridge_behind():
    found = average_regression(dataclasses.replace(SPECTRUM, outside=0.0), 1e12, ridge=0.5, noise=0.7)
    assert found.loss_test < 1e-9
    assert found.loss_train == pytest.approx(0.49, rel=1e-6, abs=0)


def test_the_loss_is_continuous_where_samples_meet_modes():
    """With a ridge nothing happens at P = F; without one the noise blows up on both sides."""
    at = [average_regression(SPECTRUM, n, ridge=0.01, noise=0.3).loss_test for n in (7.999, 8, 8.001)]
    assert at[1] == pytest.approx(np.mean([at[0], at[2]]), rel=1e-5, abs=0)
    beside = [average_regression(SPECTRUM, n, noise=0.3).loss_test for n in (7.999, 8.0, 8.001)]
    assert beside[1] == math.inf
    assert min(beside[0], beside[2]) > 100


def test_a_task_of_nothing_is_learned_at_once():
    nothing = PopulationSpectrum(eigenvalues=VALUES, power=np.zeros(8), outside=0.0)
    found = average_regression(nothing, 3)
    assert (found.loss_test, found.loss_train) == (0.0, 0.0)
    assert found.learned == 1.0


def test_without_modes_nothing_is_learned():
    empty = PopulationSpectrum(eigenvalues=np.zeros(0), power=np.zeros(0), outside=0.3)
    found = average_regression(empty, 4, noise=0.5)
    assert found.loss_test == pytest.approx(0.3, rel=1e-12, abs=0)
    assert found.learned == 0
    assert found.loss_train == pytest.approx(0.3 + 0.25, abs=0)


@pytest.mark.parametrize(
    ("name", "given"),
    [("n_train", 0.5), ("n_train", math.inf), ("n_train", math.nan), ("ridge", -1.0), ("ridge", math.inf),
     ("noise", -0.1), ("noise", math.nan)],
)  # fmt: skip
def test_parameters_are_refused_out_of_range(name, given):
    parameters = {"n_train": 3.0, "ridge": 0.0, "noise": 0.0} | {name: given}
    with pytest.raises(grokode.InvalidInput, match=f"{name} must be .*, got {given}"):
        average_regression(SPECTRUM, parameters.pop("n_train"), **parameters)


# ---- samples to reach a loss

WIDE = PopulationSpectrum(
    eigenvalues=np.repeat([0.05, 1e-3], [20, 209]), power=np.repeat([0.02, 2e-3], [20, 209]), outside=0.0
)


@pytest.mark.parametrize("part", [0.9, 0.5, 0.1, 1e-3])
@pytest.mark.parametrize(("ridge", "noise"), [(0.0, 0.0), (0.02, 0.0), (0.02, 0.1)])
def test_the_number_of_samples_is_the_first_that_reaches_the_loss(part, ridge, noise):
    loss = part * WIDE.mean_square
    found = samples_to_reach(WIDE, loss, ridge=ridge, noise=noise)
    at = lambda n: average_regression(WIDE, n, ridge=ridge, noise=noise).loss_test  # noqa: E731
    assert at(found) <= loss < at(found - 1)
    assert all(at(n) > loss for n in range(1, min(found, 400)))


@pytest.mark.parametrize("room", [1.0, 1.02, 1.2])
def test_where_the_curve_falls_twice_the_first_time_counts(room):
    """Ridgeless with noise: a minimum, a peak where samples meet modes, and down again."""
    curve = np.array([average_regression(WIDE, n, noise=0.1).loss_test for n in range(1, 230)])
    lowest = np.argmin(curve)
    assert 20 < lowest + 1 < 200
    assert curve[-2] > 10 * curve[lowest]
    found = samples_to_reach(WIDE, room * curve[lowest], noise=0.1)
    first = 1 + np.flatnonzero(curve <= room * curve[lowest])[0]
    # a minimum that is narrower than the grid of a tenth may be passed over
    assert found == first if room > 1 else found >= first


def test_a_loss_above_the_start_takes_one_sample():
    assert samples_to_reach(WIDE, 2 * WIDE.mean_square) == 1


def test_a_loss_below_what_is_outside_is_never_reached():
    assert samples_to_reach(SPECTRUM, 0.149) is None
    # 0.15 P/(P - 8) <= 0.1500001
    assert samples_to_reach(SPECTRUM, 0.1500001) == pytest.approx(8 * 0.1500001 / 1e-7, rel=1e-6, abs=0)
    assert module.MOST_SAMPLES == 10**15


@pytest.mark.parametrize("loss", [0.0, -1.0, math.nan])
def test_a_loss_to_reach_must_be_positive(loss):
    with pytest.raises(grokode.InvalidInput, match="loss must be positive"):
        samples_to_reach(SPECTRUM, loss)


# ---- drawn training sets


@pytest.fixture
def setting(make_task):
    task = make_task(dim=3, noise=0.0)
    law = task.problem.tests["exact"].law
    return task.problem.network, task.problem.start, Law(law.inputs, law.target, 0.4)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_drawn_regressions_are_those_of_their_training_sets(setting, ridge):
    """Inputs, then noise, of one generator; the loss on clean labels; mean and standard error over draws."""
    network, start, law = setting
    found = sampled_regression(network, start, law, 6, rng=np.random.default_rng(3), draws=4, ridge=ridge)
    rng, losses = np.random.default_rng(3), []
    for _ in range(4):
        X = law.inputs.draw(6, rng)
        data = Data(X, law.target(X) + 0.4 * rng.standard_normal(6))
        draw = Draw(data, {"exact": Law(law.inputs, law.target)}, start, np.zeros((0, 3)))
        losses.append(kernel_regression(Problem.of(network, draw), ridge).loss_exact)
    assert (found.n_train, found.draws) == (6, 4)
    assert found.loss_test == pytest.approx(np.mean(losses), rel=1e-12, abs=0)
    assert found.standard_error == pytest.approx(np.std(losses, ddof=1) / 2, rel=1e-9, abs=0)


@pytest.mark.parametrize(("name", "given"), [("draws", 0), ("n_train", 0)])
def test_there_must_be_something_to_draw(setting, rng, name, given):
    parameters = {"n_train": 6, "draws": 2} | {name: given}
    with pytest.raises(grokode.InvalidInput, match=f"{name} must be at least 1, got 0"):
        sampled_regression(*setting, parameters["n_train"], rng=rng, draws=parameters["draws"])


def test_five_sets_are_drawn_unless_said_otherwise(setting, rng):
    network, start, law = setting
    assert sampled_regression(network, start, law, 6, rng=rng).draws == 5


def test_a_single_draw_has_no_standard_error(setting, rng):
    network, start, law = setting
    assert math.isfinite(sampled_regression(network, start, law, 6, rng=rng, draws=2).standard_error)
    found = sampled_regression(network, start, law, 6, rng=rng, draws=1)
    assert math.isnan(found.standard_error)
    assert math.isfinite(found.loss_test)


def test_the_theory_holds_for_drawn_sets_of_the_network_itself_where_it_should():
    """D = 20, no noise, P below the number of modes: to 5 %, in 10 draws (docs/learning-curve.md has the bias)."""
    network, start = grokode.Network(alpha=1.0, eps=0.25, centered=True), grokode.FactorState.infinite_width(20, 1.0)
    direction = np.random.default_rng(0).standard_normal((1, 20))
    target = grokode.QuadraticTarget.from_directions(direction, np.ones(1))
    law = grokode.Law(grokode.Gaussian.isotropic(20), target)
    spectrum = grokode.lazy.population_spectrum(network, start, law)
    found = sampled_regression(network, start, law, 100, rng=np.random.default_rng(1), draws=10)
    theory = average_regression(spectrum, 100).loss_test
    assert abs(found.loss_test / theory - 1) < 0.05 + 3 * found.standard_error / theory
