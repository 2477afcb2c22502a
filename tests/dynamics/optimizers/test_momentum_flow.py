"""The momentum flow: its equation, its Jacobian, its limits, and how it is integrated."""

from __future__ import annotations

import numpy as np
import pytest

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.pace import Pace
from grokode.experiment.compose import composition_of
from grokode.experiment.systems import problem_of

SIZES = {"dim": 5, "n_train": 9, "width": 6, "alpha": 0.7, "eps": 0.4}
MOMENTUM, DT = 0.8, 0.3


@pytest.fixture
def flow():
    risk = problem_of(composition_of(None, SIZES).experiment, None).train
    return OPTIMIZERS.build(f"momentum_flow:momentum={MOMENTUM}").on(risk, Pace(DT, 1.0))


def test_the_equation_is_the_one_proved(flow, rng):
    """m V'' + c V' = F, V'' from the derivative of V' along the flow; and V'(0) = F / (1 + mu)."""
    y = rng.standard_normal((2, 6, 5))
    m, c = (1 + MOMENTUM) * DT / 2, 1 - MOMENTUM
    rate = flow(0.0, y)
    acceleration = rate[1] * (c / m)  # V' is w / tau, and tau = m / c
    force = flow._risk.loss_force_moved(y[0])[1]
    np.testing.assert_allclose(m * acceleration + c * rate[0], force, rtol=1e-12)
    start = flow.start(0.1 * y[0])
    np.testing.assert_allclose(
        flow(0.0, start)[0], flow._risk.loss_force_moved(0.1 * y[0])[1] / (1 + MOMENTUM), rtol=1e-12
    )


def test_the_jacobian_is_the_derivative_and_solves(flow, rng):
    y, d = rng.standard_normal((2, 2, 6, 5))
    J, h = flow.jacobian(0.0, y), 1e-6
    difference = (flow(0.0, y + h * d) - flow(0.0, y - h * d)) / (2 * h)
    np.testing.assert_allclose(J.times(d.ravel()), difference.ravel(), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(J.dense() @ d.ravel(), J.times(d.ravel()), rtol=1e-10)
    for shift in (0.3, 20.0, 2.0 + 3.0j):
        found = J.factor(shift)(d.ravel())
        np.testing.assert_allclose(shift * found - J.times(found), d.ravel(), rtol=1e-9, atol=1e-9)


def test_no_momentum_and_a_small_step_are_gradient_flow():
    how = SIZES | {"t_max": 50.0, "points": 12, "rtol": 1e-9}
    flow = grokode.run(**how, optimizer="gradient_flow")
    light = grokode.run(**how, optimizer="momentum_flow:momentum=0", dt=1e-5)
    np.testing.assert_allclose(light.loss_train, flow.loss_train, rtol=1e-4)


def test_a_heavier_particle_turns_back():
    """Momentum near 1 oscillates: the train loss rises, and the modes know it in closed form."""
    run = grokode.run(**SIZES | {"alpha": 300.0}, optimizer="momentum_flow:momentum=0.99", dt=0.5, t_max=100.0)
    assert np.diff(run.loss_train).max() > 1e-3
    np.testing.assert_allclose(run.loss_train, run.loss_train_lazy, atol=0.05 * run.loss_train[0])


def test_radau_integrates_it_and_what_is_stable_on_the_real_axis_only_refuses():
    how = SIZES | {"optimizer": "momentum_flow", "t_max": 5.0, "points": 4}
    assert grokode.run(**how).work.method == "radau"
    with pytest.raises(grokode.InvalidInput, match="ssv2stab is not stable on a flow that oscillates"):
        grokode.run(**how, solver="ssv2stab")
    with pytest.raises(grokode.InvalidInput, match="log_bdf integrates gradient_flow and midpoint_flow"):
        grokode.run(**how, solver="log_bdf")


def test_what_cannot_be_is_refused():
    with pytest.raises(grokode.InvalidInput, match="momentum must be at least 0 and below 1, got 1"):
        grokode.run(**SIZES, optimizer="momentum_flow:momentum=1", t_max=1.0)
    with pytest.raises(
        grokode.InvalidInput,
        match="momentum_flow corrects for one step, and the schedule is .*; use --schedule constant",
    ):
        grokode.run(**SIZES, optimizer="momentum_flow", t_max=1.0, schedule="cosine:steps=9")


@pytest.mark.parametrize("optimizer", ["momentum_flow:momentum=0.99999", "heavy_ball:momentum=0.9999999"])
def test_modes_that_swing_beyond_their_start_have_not_diverged(optimizer):
    run = grokode.run(**SIZES, optimizer=optimizer, dt=0.2, steps=100, points=9, lazy=True)
    assert np.isfinite(run.loss_train_lazy).all()
