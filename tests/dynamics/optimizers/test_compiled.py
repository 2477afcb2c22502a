"""Many full-batch steps in one call are the steps themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.optimizers.compiled import CompiledOn
from grokode.dynamics.optimizers.gradient_descent import DescentOn
from grokode.dynamics.pace import Pace, ScheduledPace
from grokode.dynamics.trajectory import start_of

PACES = {"steady": Pace(0.2, 3.0), "scheduled": ScheduledPace(0.2, 3.0, 0.2 * np.geomspace(0.1, 1.0, 40))}
WRITTEN = [
    "gradient_descent", "gradient_descent:weight_decay=0.01", "heavy_ball:momentum=0.8", "heavy_ball:momentum=0",
    "nesterov:momentum=0.8", "nesterov:momentum=0.8,decay_rate=0.1", "heavy_ball:decay_rate=0.1,decoupled=true",
]  # fmt: skip


@pytest.fixture(params=[0.7, 1e4], ids="alpha {}".format)
def risk(request, make_problem):
    return make_problem(alpha=request.param, eps=0.4).train


def plain(optimizer, risk, pace):
    """The same map, step by step in NumPy."""
    known = OPTIMIZERS.build(optimizer)
    if "momentum" not in {field.name for field in dataclasses.fields(known)}:
        return DescentOn(lambda k, V: risk.force(V), pace, known.rate(pace))
    return known.along(lambda k, V: risk.force(V), pace, nesterov=optimizer.startswith("nesterov"))


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
@pytest.mark.parametrize("optimizer", WRITTEN)
def test_compiled_steps_are_those_of_numpy(risk, optimizer, pace):
    compiled, numpy = OPTIMIZERS.build(optimizer).on(risk, pace), plain(optimizer, risk, pace)
    assert isinstance(compiled, CompiledOn)
    theta0 = np.array(risk.start.theta)
    V, reference = (map.advance(0, 40, start_of(map, theta0))[0] for map in (compiled, numpy))
    moved = np.abs(reference - theta0).max()
    # beside its own rounding V carries the change of V, computed with that rounding at every step
    np.testing.assert_allclose(V - theta0, reference - theta0, atol=1e-13 * moved + 1e-15 * np.abs(theta0).max() * 40)


@pytest.mark.parametrize("optimizer", WRITTEN)
def test_the_number_of_steps_at_a_time_changes_no_bit(risk, optimizer):
    for pace in PACES.values():
        map = OPTIMIZERS.build(optimizer).on(risk, pace)
        start = start_of(map, np.array(risk.start.theta))
        whole, y = map.advance(0, 40, start), start
        for k in range(40):
            y = map.step(k, y)
        np.testing.assert_array_equal(whole, y)
        np.testing.assert_array_equal(map.advance(17, 40, map.advance(0, 17, start)), y)
        np.testing.assert_array_equal(start[0], risk.start.theta)  # what is given stays
