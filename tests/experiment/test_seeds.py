"""What the seed decides, and what never changes a draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grokode.experiment.spec import DEFAULTS, merge
from grokode.experiment.systems import network_of, system_of


def draw(**parameters: Any) -> Any:
    base = {"dim": 5, "n_train": 8, "width": 7, "n_test": 4, "noise": 0.3, "seed": 3}
    experiment = merge([("defaults", DEFAULTS), ("test", base), ("case", parameters)])
    return system_of(experiment, None).draw(network_of(experiment))


def same(one: Any, other: Any) -> None:
    assert np.array_equal(one.train.X, other.train.X)
    assert np.array_equal(one.train.y, other.train.y)
    assert np.array_equal(one.start.theta, other.start.theta)
    assert np.array_equal(one.start.a, other.start.a)
    assert np.array_equal(one.tests["sample"].X, other.tests["sample"].X)
    assert np.array_equal(one.directions, other.directions)


@pytest.mark.parametrize(
    "change",
    [{"alpha": 9.0}, {"eps": 0.9}, {"dt": 0.01}, {"lr": 0.01}, {"centered": False}, {"threshold": "5%"}, {"steps": 3},
     {"optimizer": "gradient_descent"}, {"solver": "rk45"}, {"rtol": 1e-3}],
)  # fmt: skip
def test_what_is_not_drawn_never_changes_the_draw(change):
    same(draw(), draw(**change))


def test_another_seed_is_another_draw():
    one, other = draw(), draw(seed=4)
    for name in ("X", "y"):
        assert not np.isclose(getattr(one.train, name), getattr(other.train, name)).any()
    assert not np.isclose(one.directions, other.directions).any()


def test_a_larger_training_set_extends_a_smaller_one():
    small, large = draw(n_train=8), draw(n_train=30)
    assert np.array_equal(large.train.X[:8], small.train.X)
    assert np.array_equal(large.train.y[:8], small.train.y)
    assert np.array_equal(large.start.theta, small.start.theta)


def test_more_test_points_extend_fewer_and_leave_the_rest():
    few, many = draw(n_test=4), draw(n_test=20)
    assert np.array_equal(many.tests["sample"].X[:4], few.tests["sample"].X)
    assert np.array_equal(many.train.X, few.train.X)


def test_sigma_only_scales_the_weights():
    assert draw(sigma=3.0).start.theta == pytest.approx(3 * draw(sigma=1.0).start.theta, rel=1e-14)
    assert np.array_equal(draw(sigma=3.0).train.y, draw(sigma=1.0).train.y)


def test_noise_only_scales_the_deviation_of_training_labels():
    clean, one, three = (draw(noise=noise) for noise in (0.0, 0.1, 0.3))
    assert three.train.y - clean.train.y == pytest.approx(3 * (one.train.y - clean.train.y), rel=1e-9)
    assert np.array_equal(three.tests["sample"].y, clean.tests["sample"].y)
    assert np.array_equal(three.start.theta, clean.start.theta)


def test_the_width_changes_the_weights_alone():
    one, other = draw(width=7), draw(width=100)
    assert np.array_equal(one.train.X, other.train.X)
    assert np.array_equal(one.train.y, other.train.y)
    assert one.start.theta.shape == other.start.theta.shape == (6, 5)
    assert not np.allclose(one.start.theta, other.start.theta)
