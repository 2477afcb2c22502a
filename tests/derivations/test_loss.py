"""The population loss: the package against the proved formulas, and both against the definition.

The independent route is eq. 3 itself, neuron by neuron, averaged by a Gauss-Hermite product rule. Its three nodes
a dimension are exact to degree five; the squared residual has degree four.
"""

import itertools
from functools import reduce
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
import sympy as sp
from grokode_derivations import loss as proved
from grokode_derivations import minima
from grokode_derivations.flow import FORCE, G, V, a, g
from grokode_derivations.gaussian import numeric
from grokode_derivations.notation import B, D, M, Sigma, alpha, b, beta, eps, wbar
from grokode_derivations.words import T

from grokode.dynamics.risks.population import PopulationRisk
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Law
from grokode.task.targets.quadratic import QuadraticTarget

ROUNDING = 1e-12
ALPHA, EPS = 0.8, 0.4
NUMBERS = {alpha: ALPHA, eps: EPS}
COVARIANCES = ("isotropic", "diagonal", "full")
each_dim = pytest.mark.parametrize("dim", [1, 3, 5])
each_covariance = pytest.mark.parametrize("kind", COVARIANCES)
each_center = pytest.mark.parametrize("centered", [False, True], ids=["plain", "centered"])


def close(computed, expected, scale=None):
    """Compare to rounding, relative to the largest entry unless another scale is named."""
    expected = np.asarray(expected)
    scale = np.abs(expected).max() if scale is None else scale
    np.testing.assert_allclose(computed, expected, rtol=0, atol=ROUNDING * scale)


def covariance(kind, dim, rng):
    if kind == "isotropic":
        return np.eye(dim) / dim
    if kind == "diagonal":
        return np.diag(rng.uniform(0.1, 2.0, dim))
    root = rng.standard_normal((dim, dim))
    return root @ root.T / dim + 0.1 * np.eye(dim)


def make(dim, kind, centered, rng, noise=0.3, width=4):
    """Return a risk at random numbers, a state away from its start, and every letter's value there."""
    S = covariance(kind, dim, rng)
    A = rng.standard_normal((dim, dim))
    target = QuadraticTarget(0.7, rng.standard_normal(dim), A + A.T)
    W0, W = rng.standard_normal((2, width, dim))
    start = FactorState.from_neurons(W0)
    network = Network(alpha=ALPHA, eps=EPS, centered=centered)
    risk = PopulationRisk(network, start, Law(Gaussian(S), target, noise))
    state = start.at(start.V + 0.7 * rng.standard_normal(start.V.shape))
    values = NUMBERS | {D: dim, proved.c: 0.7, proved.s: noise, b: target.b, B: target.B, Sigma: S}
    values |= {wbar: state.wbar, M: state.M}
    values |= {proved.wbar0: centered * start.wbar, proved.M0: centered * start.M}
    return SimpleNamespace(risk=risk, start=start, theta=state.V, values=values, S=S, noise=noise, W=W, W0=W0)


def stated(tag):
    """Return what a claim states."""
    (found,) = (claim for claim in proved.CLAIMS + minima.CLAIMS if claim.tag == tag)
    return found.statement.value


def read(pull, weight, values, dim):
    """Read a vector g and a matrix G off their proved forms p·g and p·Gq, at all pairs of basis vectors."""
    pairs = zip(*itertools.product(np.eye(dim), repeat=2), strict=True)
    probes = dict(zip((proved.p, proved.q), map(np.array, pairs), strict=True))
    matrix = np.broadcast_to(numeric(weight, values | probes), dim**2).reshape(dim, dim)
    return numeric(sp.sympify(pull), values | {proved.p: np.eye(dim)}), matrix


def word(expression, numbers, letters):
    """Evaluate matrix words; a column is an (n, 1) array."""
    letters = letters | {T(letter): array.T for letter, array in letters.items()}
    total = 0.0
    for term in sp.Add.make_args(sp.expand(expression)):
        factors, names = term.args_cnc()
        total = total + float(sp.Mul(*factors).subs(numbers)) * reduce(np.matmul, [letters[name] for name in names])
    return total


# ---- the package computes what is proved


@each_dim
@each_covariance
@each_center
def test_the_population_loss_is_the_proved_one(dim, kind, centered, rng):
    case = make(dim, kind, centered, rng)
    expected = numeric(proved.in_weights(proved.LOSS) + proved.s**2, case.values)
    close(case.risk.loss(case.theta), expected)
    close(case.risk.loss_force(case.theta)[0], expected)
    close(case.risk.moments(case.theta)[2], expected)


@each_dim
@each_covariance
@each_center
def test_the_moments_of_the_residual_are_the_proved_ones(dim, kind, centered, rng):
    case = make(dim, kind, centered, rng)
    pull, weight = map(proved.in_weights, (proved.g_p, proved.G_pq))
    expected = read(pull, weight, case.values, dim)
    for computed, value in zip(case.risk.moments(case.theta)[:2], expected, strict=True):
        close(computed, value)
    letters = {V: case.theta, a: case.start.a[:, None], g: expected[0][:, None], G: expected[1]}
    close(case.risk.force(case.theta), word(FORCE, NUMBERS, letters))


@each_dim
@each_covariance
@each_center
def test_the_derivative_of_the_force_is_the_proved_one(dim, kind, centered, rng):
    case = make(dim, kind, centered, rng)
    direction = rng.standard_normal(case.theta.shape)
    derivative, linear, quadratic, pull, weight = stated("P3")
    letters = {V: case.theta, a: case.start.a[:, None], proved.d: direction}
    changes = {proved.du: word(linear, NUMBERS, letters)[:, 0], proved.dR: word(quadratic, NUMBERS, letters)}
    dg, dG = read(pull, weight, case.values | changes, dim)
    force = case.risk.moments(case.theta)
    letters |= {proved.dg: dg[:, None], proved.dG: dG, g: force[0][:, None], G: force[1]}
    expected = word(derivative, NUMBERS, letters)
    close(case.risk.force_jvp(case.theta, direction), expected)
    close(case.risk.jacobian(case.theta).times(direction.ravel()), expected.ravel())


@each_dim
@each_covariance
def test_the_mean_square_label_is_the_proved_one(dim, kind, rng):
    case = make(dim, kind, True, rng)
    close(case.risk.mean_square_label, numeric(proved.LABEL, case.values))
    close(case.risk.loss(case.start.V), numeric(proved.LABEL, case.values))


@each_dim
@each_center
def test_the_three_terms_are_those_of_eq_6_with_any_quadratic_target(dim, centered, rng):
    case = make(dim, "isotropic", centered, rng)
    terms = case.risk.terms(case.values[wbar], case.values[M])
    parts = stated("L3" if centered else "L2")
    total, variance, misalignment, linear = (numeric(part, case.values) for part in parts)
    close(terms.total, total)
    close(terms.variance_error, variance, scale=total)  # T is a difference; T^2 is small beside the loss
    close(terms.misalignment_error, misalignment)
    close(terms.linear_power, linear)


@each_dim
def test_the_three_terms_are_eq_6_as_printed(dim, rng):
    direction, W = rng.standard_normal(dim), rng.standard_normal((6, dim))
    start = FactorState.from_neurons(W)
    target = QuadraticTarget.from_directions(direction[None], np.ones(1))
    risk = PopulationRisk(Network(alpha=0.6, eps=0.3), start, Law(Gaussian.isotropic(dim), target))
    terms = risk.terms(start.wbar, start.M)
    values = {alpha: 0.6, eps: 0.3, D: dim, beta: direction, wbar: W.mean(axis=0), M: W.T @ W / 6}
    total, variance, misalignment, linear = (numeric(part, values) for part in stated("L1"))
    close(terms.total, total)
    close(terms.variance_error, variance, scale=total)
    close(terms.misalignment_error, misalignment)
    close(terms.linear_power, linear)
    close(risk.loss(start.V), total)


# ---- the proved formulas are those of the network itself


def cubature(S):
    """Nodes and weights of N(0, S), exact to degree five."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    Z = np.array(list(itertools.product(nodes, repeat=len(S))))
    weight = np.prod(list(itertools.product(weights / weights.sum(), repeat=len(S))), axis=1)
    return Z @ np.linalg.cholesky(S).T, weight


def network_of_eq_3(W, X):
    H = X @ W.T
    return ALPHA * np.mean(H + EPS / 2 * H**2, axis=1)


@each_dim
@each_covariance
@each_center
def test_loss_and_moments_are_averages_of_the_neurons_of_eq_3(dim, kind, centered, rng):
    case = make(dim, kind, centered, rng)
    W, W0 = case.W, case.W0
    X, weight = cubature(case.S)
    target = case.risk.law.target
    r = network_of_eq_3(W, X) - centered * network_of_eq_3(W0, X) - target(X)
    values = case.values | {wbar: W.mean(axis=0), M: W.T @ W / len(W)}
    close(numeric(proved.in_weights(proved.LOSS), values), weight @ r**2)
    pull, matrix = read(*map(proved.in_weights, (proved.g_p, proved.G_pq)), values, dim)
    close(pull, X.T @ (weight * r))
    close(matrix, X.T @ ((weight * r)[:, None] * X))
    close(numeric(proved.LABEL, values), weight @ target(X) ** 2 + case.noise**2)


def test_the_papers_labels_have_the_mean_square_of_a_gaussian_to_the_fourth_power():
    dim = 5
    direction = np.arange(1.0, dim + 1)
    values = {proved.c: 0, proved.s: 0, b: np.zeros(dim), B: np.outer(direction, direction), Sigma: np.eye(dim) / dim}
    close(numeric(proved.LABEL, values), 3 * (direction @ direction / dim) ** 2 / 4)


# ---- where the loss vanishes


def neurons_with(mean, spread, rng):
    """Return rank + 1 neurons of a given mean and covariance, as (L5) builds them."""
    values, vectors = np.linalg.eigh(spread)
    kept = values > 1e-9 * values.max()
    S = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
    N = len(S) + 1
    Q = np.linalg.qr(np.column_stack([np.ones(N), rng.standard_normal((N, N - 1))]))[0][:, 1:]
    return mean + np.sqrt(N) * Q @ S


def least_loss(risk, start, rng, tries=8):
    """Return the least loss that a quasi-Newton method finds from several points."""
    shape, squared = start.V.shape, risk.network.alpha**2
    found = [
        scipy.optimize.minimize(
            lambda theta: risk.loss(theta.reshape(shape)),
            rng.standard_normal(start.V.size),
            jac=lambda theta: -squared * risk.force(theta.reshape(shape)).ravel(),
            method="BFGS",
            options={"gtol": 1e-10, "maxiter": 5000},
        ).fun
        for _ in range(tries)
    ]
    return min(found)


def single_index(dim, rng, width, centered=False, kind="isotropic"):
    direction = rng.standard_normal(dim)
    target = QuadraticTarget.from_directions(direction[None], np.ones(1))
    start = FactorState.from_neurons(rng.standard_normal((width, dim)))
    network = Network(alpha=ALPHA, eps=EPS, centered=centered)
    return PopulationRisk(network, start, Law(Gaussian(covariance(kind, dim, rng)), target)), start, direction


@each_dim
@each_covariance
def test_two_opposite_neurons_learn_the_papers_target_exactly(dim, kind, rng):
    risk, _, direction = single_index(dim, rng, width=2, kind=kind)
    W = np.outer([float(end.subs(NUMBERS)) for end in stated("L6")], direction)
    state = FactorState.from_neurons(W)
    there = PopulationRisk(risk.network, state, risk.law)
    assert there.loss(state.V) < 1e-28 * risk.mean_square_label  # rounding, squared
    scale = np.abs(state.V).max() * np.sqrt(risk.mean_square_label)  # the force is V times a mean of r x x^T
    assert np.abs(there.force(state.V)).max() < 1e-13 * scale


def test_one_neuron_cannot_and_two_can(rng):
    for width, reached in ((1, False), (2, True)):
        risk, start, _ = single_index(3, rng, width=width)
        share = least_loss(risk, start, rng) / risk.mean_square_label
        assert share < 1e-12 if reached else share > 1e-2


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_a_centred_network_learns_the_papers_target_exactly_only_with_more_neurons_than_dimensions(width, rng):
    dim = 3
    risk, start, direction = single_index(dim, rng, width=width, centered=True)
    values = NUMBERS | {b: np.zeros(dim), B: np.outer(direction, direction)}
    _, _, spread = stated("L7")
    _, spread = read(0, spread, values | {proved.wbar0: start.wbar, proved.M0: start.M}, dim)
    reached = np.linalg.matrix_rank(spread) <= width - 1
    assert reached == (width > dim)
    share = least_loss(risk, start, rng) / risk.mean_square_label
    assert share < 1e-12 if reached else share > 1e-3


@each_center
@each_covariance
def test_the_zero_for_a_general_target_is_reached_by_one_neuron_more_than_its_rank(centered, kind, rng):
    dim = 4
    start = FactorState.from_neurons(rng.standard_normal((3, dim)))
    kept = float(centered)
    slope, root = rng.standard_normal(dim), rng.standard_normal((2, dim))
    mean = kept * start.wbar + slope / ALPHA
    # choose B so that the covariance at the zero has rank two
    moment = root.T @ root + np.outer(mean, mean)
    target = QuadraticTarget(0.0, slope, ALPHA * EPS * (moment - kept * start.M))
    values = NUMBERS | {b: target.b, B: target.B, proved.wbar0: kept * start.wbar, proved.M0: kept * start.M}
    zero, _, covariance_at_zero = stated("L7")
    W = neurons_with(*read(zero, covariance_at_zero, values, dim), rng)
    assert len(W) == 3
    network = Network(alpha=ALPHA, eps=EPS, centered=centered)
    risk = PopulationRisk(network, start, Law(Gaussian(covariance(kind, dim, rng)), target))
    state = FactorState.from_neurons(W)
    assert risk.terms(state.wbar, state.M).total < 1e-26 * risk.mean_square_label


@pytest.mark.parametrize("dim", [1, 3])
def test_a_constant_leaves_the_proved_floor_if_positive_and_all_of_itself_if_negative(dim, rng):
    floor = float(stated("L8").subs({D: dim, proved.c: 0.7}))
    for constant, least in ((0.7, floor), (-0.7, 0.49)):
        target = QuadraticTarget(constant, np.zeros(dim), np.zeros((dim, dim)))
        start = FactorState.from_neurons(rng.standard_normal((dim + 2, dim)))
        risk = PopulationRisk(Network(alpha=ALPHA, eps=EPS), start, Law(Gaussian.isotropic(dim), target))
        assert least_loss(risk, start, rng) == pytest.approx(least, rel=1e-9)
        assert least >= floor
