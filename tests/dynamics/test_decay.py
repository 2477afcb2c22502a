"""How modes decay, against matrix exponentials and the recursions themselves."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.linalg

from grokode.dynamics import decay
from grokode.dynamics.optimizers import OPTIMIZERS

RATES = np.array([3.0, 1.7, 0.4, 1e-3, 0.0])
STEPS = np.array([0.0, 1.0, 2.0, 3.0, 10.0, 57.0, 400.0])


def recursion(h, momentum, n):
    """Every rho of the recursion u <- mu u - h rho, rho <- rho + u from rho = 1 and u = 0; in 50 digits."""
    h, momentum = Decimal(float(h)), Decimal(float(momentum))
    rho, u, found = Decimal(1), Decimal(0), [1.0]
    with localcontext(prec=50):
        for _ in range(n):
            u = momentum * u - h * rho
            rho += u
            found.append(float(rho))
    return np.array(found)


def recursions(rates, dt, momentum, steps):
    n = int(max(steps))
    return np.array([recursion(dt * rate, momentum, n)[steps.astype(int)] for rate in rates]).T


def test_flow_is_the_matrix_exponential():
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    A, times = rotation @ np.diag(RATES) @ rotation.T, np.array([0.0, 0.3, 2.0, 40.0])
    left = decay.flow(RATES, times)
    assert left.shape == (4, 5)
    for t, row in zip(times, left, strict=True):
        np.testing.assert_allclose(rotation.T @ scipy.linalg.expm(-t * A) @ rotation, np.diag(row), atol=1e-12)


def test_modified_flow_is_where_descent_goes_at_order_two():
    """At dt 0.01 and half of it, the largest rate times dt is 0.03: the next order is that much smaller."""
    gaps = [np.abs(decay.descent(RATES, np.array([2 / dt]), dt) - decay.modified_flow(RATES, np.array([2.0]), dt))
            for dt in (0.01, 0.005)]  # fmt: skip
    np.testing.assert_allclose(np.log2(gaps[0][0, :3] / gaps[1][0, :3]), 2, atol=0.05)
    np.testing.assert_allclose(decay.modified_flow(RATES, STEPS, 1e-12), decay.flow(RATES, STEPS), rtol=1e-8, atol=0)


def test_midpoint_flow_is_where_descent_goes_at_order_two():
    gaps = [np.abs(decay.descent(RATES, np.array([2 / dt]), dt) - decay.midpoint_flow(RATES, np.array([2.0]), dt))
            for dt in (0.01, 0.005)]  # fmt: skip
    np.testing.assert_allclose(np.log2(gaps[0][0, :3] / gaps[1][0, :3]), 2, atol=0.05)
    np.testing.assert_allclose(decay.midpoint_flow(RATES, STEPS, 1e-12), decay.flow(RATES, STEPS), rtol=1e-8, atol=0)


def test_midpoint_flow_ends_at_the_edge_of_stability():
    left = decay.midpoint_flow(np.array([1.9, 2.0, 2.1]), np.array([0.0, 1.0]), 1.0)
    np.testing.assert_array_equal(left[0], 1)
    assert left[1, 0] == pytest.approx(np.exp(-1.9 / 0.05))
    np.testing.assert_array_equal(left[1, 1:], np.inf)


@pytest.mark.parametrize("dt", [0.01, 0.3, 0.6])
def test_descent_is_its_recursion(dt):
    """Steps up to 1.8 over the largest rate: beyond one, the sign alternates."""
    found = decay.descent(RATES, STEPS, dt)
    assert found.shape == (7, 5)
    np.testing.assert_allclose(found, recursions(RATES, dt, 0.0, STEPS), rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("momentum", [0.0, 0.05, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("dt", [0.001, 0.3, 0.6])
def test_heavy_ball_is_its_recursion(dt, momentum):
    """Real and complex roots, modes that overshoot, modes that hardly move."""
    found = decay.heavy_ball(RATES, STEPS, dt, momentum)
    assert found.shape == (7, 5)
    # an angle or logarithm times 400 steps
    np.testing.assert_allclose(found, recursions(RATES, dt, momentum, STEPS), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("momentum", [0.0, 0.04, 0.25, 0.81])
@pytest.mark.parametrize("side", [-1, 1], ids=["slow", "fast"])
@pytest.mark.parametrize("nearness", [0.0, 1e-15, 1e-13, 1e-11, 1e-8, 1e-6, 1e-4, 1e-2])
def test_heavy_ball_loses_no_digits_where_its_roots_meet(momentum, side, nearness):
    """At h = (1 -+ sqrt(mu))^2 the roots are one; on either side of it they are nearly."""
    h = (1 + side * np.sqrt(momentum)) ** 2 * (1 + nearness * np.array([-1.0, 1.0]))
    steps = np.arange(100.0)
    exact = recursions(h / 0.5, 0.5, momentum, steps)
    np.testing.assert_allclose(
        decay.heavy_ball(h / 0.5, steps, 0.5, momentum), exact, rtol=1e-12, atol=1e-13 * np.abs(exact).max()
    )


@pytest.mark.parametrize("root", [0.25, 0.5, 0.875])
@pytest.mark.parametrize("side", [-1, 1], ids=["slow", "fast"])
def test_a_double_root_is_met_exactly(root, side):
    """In binary numbers: rho_k = (1 + k (1 - h - z)/z) z^k with z = -+ sqrt(mu)."""
    z, h, steps = -side * root, (1 + side * root) ** 2, np.arange(50.0)
    found = decay.heavy_ball(np.array([h]), steps, 1.0, root**2)[:, 0]
    np.testing.assert_allclose(found, (1 + steps * (1 - h - z) / z) * z**steps, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_modes_that_diverge_beyond_numbers_do_so_without_warning(momentum):
    found = [
        decay.heavy_ball(np.array([5.0, 0.1]), np.array([3.0, 1e4]), 1.0, momentum),
        decay.descent(np.array([5.0, 0.1]), np.array([3.0, 1e4]), 1.0),
    ]
    for values in found:
        assert not np.isfinite(values[1, 0])
        assert np.isfinite(values[0]).all()
        assert abs(values[1, 1]) < 1e-100


def test_without_momentum_heavy_ball_is_descent():
    np.testing.assert_allclose(
        decay.heavy_ball(RATES, STEPS, 0.3, 0.0), decay.descent(RATES, STEPS, 0.3), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_slow_modes_of_heavy_ball_lose_no_digits(momentum):
    """A mode with h -> 0 has lost (k - mu (1 - mu^k)/(1 - mu)) h/(1 - mu), to first order in h."""
    k, h = np.array([1.0, 5.0, 1e4]), np.array([1e-8, 1e-10, 1e-12])
    lost = 1 - decay.heavy_ball(h / 0.2, k, 0.2, momentum)
    first_order = np.outer((k - momentum * (1 - momentum**k) / (1 - momentum)) / (1 - momentum), h)
    second_order = 2 * np.max(first_order) ** 2
    np.testing.assert_allclose(lost, first_order, rtol=0, atol=second_order + 1e-15)
    # in the long run, an exponential: a rate that were rounded would show
    late = np.array([1e12])
    left = decay.heavy_ball(np.array([1e-12]), late, 1.0, momentum)
    np.testing.assert_allclose(left, np.exp(-1 / (1 - momentum)), rtol=1e-3 if momentum else 1e-4)


def test_small_steps_of_descent_and_heavy_ball_are_the_flow():
    """Momentum makes time run 1/(1 - mu) faster; both miss by order dt."""
    t, momentum = 2.0, 0.5
    gaps = []
    for dt in (1e-3, 5e-4):
        steps = np.array([t / dt])
        exact = decay.flow(RATES, np.array([t]))
        slowed = decay.heavy_ball((1 - momentum) * RATES, steps, dt, momentum)
        gaps.append([np.abs(decay.descent(RATES, steps, dt) - exact).max(), np.abs(slowed - exact).max()])
    np.testing.assert_allclose(np.log2(np.divide(*gaps)), 1, atol=0.02)
    assert np.max(gaps) < 1e-2


def test_optimizers_decay_by_these_formulas():
    times, dt = np.array([0.0, 0.3, 0.6, 3.0]), 0.3
    flow, descent = (OPTIMIZERS.build(name) for name in ("gradient_flow", "gradient_descent"))
    np.testing.assert_array_equal(flow.decay(RATES, times, None), np.exp(-np.outer(times, RATES)))
    expected = recursions(RATES, dt, 0.0, np.array([0.0, 1.0, 2.0, 10.0]))
    np.testing.assert_allclose(descent.decay(RATES, times, dt), expected, rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("dt", [0.01, 0.3, 2.0])
def test_momentum_flow_is_the_matrix_exponential(momentum, dt):
    m, c, times = (1 + momentum) * dt / 2, 1 - momentum, np.array([0.0, 0.3, 2.0, 40.0])
    meeting = c**2 / (4 * m)  # the rate at which the roots meet
    rates = np.array([*RATES, meeting, meeting * (1 + 1e-9), meeting * (1 - 1e-9)])
    left = decay.momentum_flow(rates, times, dt, momentum)
    for rate, found in zip(rates, left.T, strict=True):
        A = np.array([[0, 1], [-rate / m, -c / m]])
        exact = [(scipy.linalg.expm(t * A) @ [1, -rate / (1 + momentum)])[0] for t in times]
        np.testing.assert_allclose(found, exact, atol=1e-11, rtol=1e-11)


@pytest.mark.parametrize("momentum", [0.3, 0.9])
def test_momentum_flow_is_where_heavy_ball_goes_at_order_two(momentum):
    t = 2 * (1 - momentum)  # its first steps are over, and no mode is down to rounding
    gaps = [
        np.abs(
            decay.heavy_ball(RATES, np.array([t / dt]), dt, momentum)
            - decay.momentum_flow(RATES, np.array([t]), dt, momentum)
        )
        for dt in (0.0002, 0.0001)
    ]
    np.testing.assert_allclose(np.log2(gaps[0][0, :3] / gaps[1][0, :3]), 2, atol=0.1)
