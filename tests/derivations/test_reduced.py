"""The k + 1 numbers of an isotropic start, against the flow of the whole factor."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.integrate
import sympy as sp
from grokode_derivations import reduced as proved
from grokode_derivations.notation import D, alpha, eps
from grokode_derivations.spectrum import QUADRATIC, RADIAL

from grokode.dynamics.risks.population import PopulationRisk
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Law
from grokode.task.targets.quadratic import QuadraticTarget

SIGMA = 0.9
each_center = pytest.mark.parametrize("centered", [False, True], ids=["plain", "centered"])
each_size = pytest.mark.parametrize(("dim", "rank"), [(1, 1), (2, 1), (4, 2), (6, 1), (6, 3), (5, 5)])
each_scale = pytest.mark.parametrize("law", ["paper", "wider"])


def reduced(case, constant):
    """Turn the proved expressions into functions of the k + 1 eigenvalues of M, the last one the rest's."""
    numbers = {alpha: case.network.alpha, eps: case.network.eps, D: case.dim, proved.s: case.variance}
    numbers |= {proved.c: constant, proved.m0: case.network.centered * SIGMA**2, proved.k: case.rank}
    eigenvalues = [proved.eigenvalue[i + 1] for i in range(case.rank)] + [proved.rest]
    residual = sp.lambdify([proved.m, proved.bU], proved.RESIDUAL.subs(numbers))
    mean, loss = (
        sp.lambdify(eigenvalues, expression.subs(numbers).doit()) for expression in (proved.MEAN, proved.LOSS)
    )
    speed = sp.lambdify([proved.m, proved.mean, proved.RU], proved.SPEED.subs(numbers))
    weights = np.append(case.weights, 0.0)

    def of(m):
        R = residual(np.asarray(m), weights)
        return speed(np.asarray(m), mean(*R), R), loss(*R)

    return SimpleNamespace(speed=lambda m: of(m)[0], loss=lambda m: of(m)[1])


def make(dim, rank, law, centered, rng, *, alpha_=0.7, constant=0.2):
    """Return the package's risk, the start, orthonormal target directions, and the reduced equations."""
    directions = np.linalg.qr(rng.standard_normal((dim, dim)))[0][:rank]
    weights = rng.uniform(0.5, 2.0, rank) * np.where(np.arange(rank) % 2, -1, 1)
    variance = 1 / dim if law == "paper" else 0.6
    target = QuadraticTarget(constant, np.zeros(dim), directions.T @ (weights[:, None] * directions))
    network = Network(alpha=alpha_, eps=0.4, centered=centered)
    start = FactorState.infinite_width(dim, SIGMA)
    risk = PopulationRisk(network, start, Law(Gaussian.isotropic(dim, variance), target))
    case = SimpleNamespace(
        dim=dim, rank=rank, weights=weights, variance=variance, network=network, risk=risk, start=start
    )
    case.projectors = [np.outer(v, v) for v in directions]
    case.projectors.append(np.eye(dim) - sum(case.projectors))
    case.reduced = reduced(case, constant)
    return case


def matrix(numbers, projectors):
    return sum(number * U for number, U in zip(numbers, projectors, strict=True))


@each_size
@each_scale
@each_center
def test_the_factor_moves_as_the_reduced_equations_say(dim, rank, law, centered, rng):
    case = make(dim, rank, law, centered, rng)
    m = rng.uniform(0.2, 2.0, rank + 1)
    theta = np.vstack([np.zeros(dim), matrix(np.sqrt(m), case.projectors)])
    force = case.risk.force(theta)
    expected = matrix(case.reduced.speed(m), case.projectors)
    moved = force.T @ theta + theta.T @ force
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_array_equal(force.T @ case.start.a, np.zeros(dim))
    assert case.risk.loss(theta) == pytest.approx(case.reduced.loss(m), rel=1e-12)


@each_size
@each_center
def test_the_flow_of_the_whole_factor_stays_on_the_reduced_numbers(dim, rank, centered, rng):
    case = make(dim, rank, "paper", centered, rng)
    times = np.linspace(0, 30, 13)
    # DOP853 estimates the error of a step to be below 1e-12 of the state. Where stability limits its steps the errors
    # are larger, 1e-9 in all (measured, D = 1): 1e-8 of the largest number leaves them a factor of nine.
    accurate = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-13, "t_eval": times}
    shape = case.start.V.shape
    whole = scipy.integrate.solve_ivp(
        lambda t, theta: case.risk.force(theta.reshape(shape)).ravel(), (0, 30), case.start.V.ravel(), **accurate
    )
    few = scipy.integrate.solve_ivp(
        lambda t, m: case.reduced.speed(m), (0, 30), np.full(rank + 1, SIGMA**2), **accurate
    )
    assert whole.success
    assert few.success
    assert np.ptp(few.y, axis=1).max() > 0.1  # something happens
    for theta, m in zip(whole.y.T, few.y.T, strict=True):
        state = case.start.at(theta.reshape(shape))
        np.testing.assert_allclose(state.M, matrix(m, case.projectors), rtol=0, atol=1e-8 * few.y.max())
        assert abs(case.risk.loss(state.V) - case.reduced.loss(m)) < 1e-8 * case.reduced.loss(few.y[:, 0])


def test_close_to_the_start_a_centred_predictor_relaxes_at_twice_the_eigenvalues_of_its_kernel():
    # dr/dt = -2 K r at infinite width and sigma = 1; the scalars must know the spectrum without having seen it
    R = sp.Symbol("R")
    speed = alpha * eps * proved.SPEED.subs({proved.m: 1, proved.s: 1 / D, proved.RU: R})
    traceless = sp.simplify(speed.subs(proved.mean, 0) / R)
    assert sp.simplify(traceless + 2 * QUADRATIC) == 0
    mean = proved.MEAN.subs({proved.c: 0, proved.k: 1, proved.s: 1 / D}).doit()
    radial = speed.subs(proved.mean, mean.subs({proved.eigenvalue[1]: R, proved.rest: R}))
    assert sp.simplify(radial / R + 2 * RADIAL) == 0


def test_the_papers_target_is_learned_to_the_zero_of_its_loss(rng):
    # eq. 6 vanishes at M = beta beta^T / (alpha eps) alone. The other directions die out as 1/t only: late, T and
    # R_1 follow R_perp = alpha eps m_perp in proportion, so that dm_perp/dt is -m_perp^2 times a number.
    case = make(5, 1, "paper", False, rng, constant=0.0)
    times = np.array([1e4, 2e4])
    found = scipy.integrate.solve_ivp(
        lambda t, m: case.reduced.speed(m),
        (0, times[-1]),
        [SIGMA**2] * 2,
        method="Radau",
        t_eval=times,
        rtol=1e-9,
        atol=1e-12,
    )
    learned = case.weights[0] / (case.network.alpha * case.network.eps)
    np.testing.assert_allclose(found.y[0], learned, rtol=1e-2)
    assert found.y[1, 0] / found.y[1, 1] == pytest.approx(2, rel=2e-2)
