"""The start between random weights and a solution, beside neurons that are really made."""

import dataclasses
import math

import numpy as np
import pytest

import grokode
from grokode.errors import InvalidInput
from grokode.model.network import Network
from grokode.model.starts.gaussian import GaussianStart
from grokode.model.starts.interpolated import InterpolatedStart
from grokode.model.states.factor import FactorState
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import DrawnSystem
from grokode.task.targets import TARGETS

NETWORK = Network(alpha=0.7, eps=0.3)
BETA = np.array([1.0, -0.5, 0.8])
SIGMA = 0.9


def state(s, width, seed=0, beta=BETA):
    return InterpolatedStart(s).draw_towards(beta, NETWORK, width, SIGMA, np.random.default_rng(seed))


def neurons(s, width, rng):
    """Make the neurons themselves."""
    signs = np.resize([1.0, -1.0], width) * rng.choice([-1.0, 1.0])
    goal = BETA / np.sqrt(NETWORK.alpha * NETWORK.eps)
    return (1 - s) * SIGMA * rng.standard_normal((width, len(BETA))) + s * np.outer(signs, goal)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 500, math.inf])
def test_at_zero_it_is_the_gaussian_start_of_the_same_stream(width):
    gaussian = GaussianStart().draw(len(BETA), width, SIGMA, np.random.default_rng(0))
    np.testing.assert_array_equal(state(0.0, width).V, gaussian.V)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 9])
def test_it_has_the_moments_of_neurons_that_are_made(width):
    """Entries of wbar and M, their squares and products: means over draws within five standard errors."""
    draws, rng = 1500, np.random.default_rng(1)
    made = [FactorState.from_neurons(neurons(0.4, width, rng)) for _ in range(draws)]
    drawn = [state(0.4, width, seed) for seed in range(draws)]
    i, j = np.triu_indices(len(BETA))

    def numbers(states):
        wbar, M = np.array([s.wbar for s in states]), np.array([s.M[i, j] for s in states])
        quartic = [np.outer(s.wbar, s.wbar)[i, j] * s.M[i, j] for s in states]
        determinants = [[np.linalg.det(s.M), np.linalg.det(s.M - np.outer(s.wbar, s.wbar))] for s in states]
        return np.column_stack([wbar, wbar**2, M, M**2, M[:, :1] * M, wbar[:, :1] * M, quartic, determinants])

    ours, theirs = numbers(drawn), numbers(made)
    errors = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / draws)
    scale = np.abs(theirs).max(axis=0)
    assert np.all(np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) <= 5 * errors + 1e-14 * scale)


@pytest.mark.parametrize("width", [1, 2, 4, 5, 50, math.inf])
def test_it_has_no_more_rows_than_real_neurons_would_need(width):
    assert len(state(0.4, width).V) == min(width, len(BETA) + 1)


def test_the_infinite_width_is_the_limit_and_the_mean_of_two_gaussians():
    infinite, wide, s = state(0.4, math.inf), state(0.4, 10**9), 0.4
    goal = BETA / math.sqrt(NETWORK.alpha * NETWORK.eps)
    mixture = (1 - s) ** 2 * SIGMA**2 * np.eye(3) + s**2 * np.outer(goal, goal)
    np.testing.assert_allclose(infinite.M, mixture, rtol=1e-13)
    assert not infinite.wbar.any()
    five_errors = 5 * np.sqrt(2 * mixture.max() ** 2 / 1e9)  # an entry of M has at most twice M_ii M_jj / N
    np.testing.assert_allclose(wide.M, mixture, atol=five_errors)
    np.testing.assert_allclose(wide.wbar, 0, atol=five_errors)


@pytest.mark.parametrize("target", ["single_index", "single_index:scale=2.5", "multi_index:k=1"])
@pytest.mark.parametrize("width", [2, 50, math.inf])
def test_at_one_an_even_network_is_the_target(width, target):
    run = grokode.run(
        dim=6, n_train=20, width=width, centered=False, start="interpolated:s=1", target=target, eps=0.3, alpha=0.7,
        optimizer="gradient_descent", dt=0.1, steps=5, points=3,
    )  # fmt: skip
    labels = grokode.problem(dim=6, n_train=20, width=width, centered=False, target=target).train.mean_square_label
    assert np.all(run.loss_train <= 1e-28 * labels)  # the residual is rounding of the labels
    assert np.all(run.loss_test_exact <= 1e-28 * labels)


def test_at_one_an_odd_network_keeps_the_linear_part_of_one_neuron():
    start = state(1.0, 5)
    goal = BETA / math.sqrt(NETWORK.alpha * NETWORK.eps)
    np.testing.assert_allclose(start.M, np.outer(goal, goal), rtol=1e-13)
    np.testing.assert_allclose(np.abs(start.wbar), np.abs(goal) / 5, rtol=1e-13)


BASE = DrawnSystem(
    inputs=Gaussian.isotropic(4), target=TARGETS.build("single_index"), start=InterpolatedStart(0.5), n_train=6,
    n_test=5, width=3, sigma=0.0, noise=0.0, seed=0,
)  # fmt: skip


def test_the_draw_depends_on_alpha_and_eps_through_the_solution_alone():
    one, other = (BASE.draw(Network(alpha=alpha, eps=0.25)) for alpha in (1.0, 4.0))
    np.testing.assert_array_equal(one.train.y, other.train.y)
    np.testing.assert_allclose(one.start.V, 2 * other.start.V, rtol=1e-14)


@pytest.mark.parametrize(
    ("changes", "network", "message"),
    [
        ({"target": "multi_index:k=2"}, NETWORK, "single direction, got 2"),
        ({"target": "product"}, NETWORK, "single direction, got 2"),
        ({"target": "single_index:scale=-1"}, NETWORK, "must not be negative, got -1"),
        ({"target": "kernel_eigenvector:k=1"}, NETWORK, "this target has none"),
        ({}, Network(alpha=1.0, eps=0.0), "eps = 0 cannot be the target"),
    ],
)
def test_what_has_no_solution_is_refused(changes, network, message):
    changed = {name: TARGETS.build(text) for name, text in changes.items()}
    with pytest.raises(InvalidInput, match=message):
        dataclasses.replace(BASE, **changed).draw(network)


@pytest.mark.parametrize("s", [-0.1, 1.5, math.nan])
def test_s_is_between_zero_and_one(s):
    with pytest.raises(InvalidInput, match="s must lie between 0 and 1, got"):
        InterpolatedStart(s)


def test_the_mean_kernel_of_a_report_is_that_of_this_start():
    """Levels over the law of the inputs: of infinite width, whose kernel the report of infinite width decomposes."""
    common = {"dim": 4, "n_train": 20, "start": "interpolated:s=0.6", "eps": 0.5}
    finite, infinite = (grokode.kernel(**common, width=width, draws=0).levels for width in (6, math.inf))
    gaussian = grokode.kernel(**{**common, "start": "gaussian"}, draws=0, width=6).levels
    assert [level.eigenvalue for level in finite] == [level.eigenvalue for level in infinite]
    assert [level.eigenvalue for level in finite] != [level.eigenvalue for level in gaussian]
