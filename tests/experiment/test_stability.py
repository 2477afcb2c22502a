"""The step that is too large, and what is to blame."""

from __future__ import annotations

import re

import pytest

import grokode

SIZES = {"dim": 6, "n_train": 20, "width": 4, "points": 5, "threshold": 1e-9}
DESCENT = SIZES | {"optimizer": "gradient_descent", "steps": 3000}


def stable(**parameters):
    with pytest.raises(grokode.RunFailed) as failure:
        grokode.run(**DESCENT | {"dt": 100.0} | parameters)
    return float(re.search(r"stable is below ([\d.e+-]+)\)", str(failure.value))[1])


def test_the_stable_step_is_where_descent_turns():
    dt = stable(eps=0.0)  # a linear problem, stable at the start and after
    assert grokode.run(**DESCENT, eps=0.0, dt=0.99 * dt).loss_train[-1] < 1
    with pytest.raises(grokode.RunFailed):
        grokode.run(**DESCENT, eps=0.0, dt=1.02 * dt)


def test_decay_makes_it_smaller():
    rate, dt = 0.3, stable(eps=0.0)
    assert stable(eps=0.0, dt=1.2 * dt, decay_rate=rate) == pytest.approx(2 / (2 / dt + rate), rel=0.02)


def test_a_decay_that_blows_up_is_to_blame():
    with pytest.raises(grokode.RunFailed, match=r"the decay takes 5 times the weights a step \(dt 0.5\); lower it"):
        grokode.run(**DESCENT, dt=0.5, decay_rate=10.0)


def test_a_flow_for_a_step_that_no_descent_can_make_is_told():
    dt = stable()
    flow = SIZES | {"optimizer": "modified_flow", "t_max": 10.0}
    with pytest.warns(grokode.GrokodeWarning, match=r"too large for gradient_descent \(at the start, stable is below"):
        grokode.run(**flow, dt=1.1 * dt)
    grokode.run(**flow, dt=0.9 * dt)  # a warning fails a test
