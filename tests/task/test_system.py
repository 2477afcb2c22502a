import dataclasses

import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.model.network import Network
from grokode.model.starts.gaussian import GaussianStart
from grokode.model.states.factor import FactorState
from grokode.task.data import Data
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.streams import Role, stream
from grokode.task.system import DrawnSystem, GivenSystem, Law
from grokode.task.targets.single_index import SingleIndex

NETWORK = Network(alpha=1.0, eps=0.2)

BASE = DrawnSystem(
    inputs=Gaussian.isotropic(4),
    target=SingleIndex(),
    start=GaussianStart(),
    n_train=6,
    n_test=5,
    width=3,
    sigma=1.0,
    noise=0.0,
    seed=0,
)


def drawn(**changes):
    return dataclasses.replace(BASE, **changes).draw(NETWORK)


def test_equal_systems_draw_equal_numbers():
    one, other = BASE.draw(NETWORK), BASE.draw(NETWORK)
    np.testing.assert_array_equal(one.train.X, other.train.X)
    np.testing.assert_array_equal(one.train.y, other.train.y)
    np.testing.assert_array_equal(one.start.V, other.start.V)
    np.testing.assert_array_equal(one.tests["sample"].X, other.tests["sample"].X)


def test_another_seed_draws_everything_anew():
    one, other = BASE.draw(NETWORK), drawn(seed=1)
    for first, second in (
        (one.train.X, other.train.X),
        (one.directions, other.directions),
        (one.start.V, other.start.V),
        (one.tests["sample"].X, other.tests["sample"].X),
    ):
        assert not np.isclose(first, second)[first != 0].any()  # zeros stand below the diagonal of every start


def test_more_samples_extend_the_rows_and_change_nothing_else():
    small, large = BASE.draw(NETWORK), drawn(n_train=20, noise=0.0)
    np.testing.assert_array_equal(large.train.X[:6], small.train.X)
    np.testing.assert_allclose(large.train.y[:6], small.train.y, rtol=1e-13)
    np.testing.assert_array_equal(large.start.V, small.start.V)


def test_sigma_and_noise_only_scale():
    one, two = drawn(sigma=1.0, noise=0.1), drawn(sigma=2.0, noise=0.2)
    np.testing.assert_allclose(two.start.V, 2 * one.start.V, rtol=1e-14)
    clean = BASE.draw(NETWORK).train.y
    np.testing.assert_allclose(two.train.y - clean, 2 * (one.train.y - clean), atol=1e-14)
    np.testing.assert_array_equal(one.train.X, two.train.X)


def test_the_width_changes_the_start_alone():
    one, other = BASE.draw(NETWORK), drawn(width=30)
    assert one.start.V.shape != other.start.V.shape
    np.testing.assert_array_equal(one.train.y, other.train.y)


def test_noise_sits_on_training_labels_only():
    draw = drawn(noise=0.5, n_train=4000)
    target = draw.tests["exact"].target
    residual = draw.train.y - target(draw.train.X)
    assert abs(np.mean(residual**2) - 0.25) <= 5 * 0.25 * np.sqrt(2 / 4000)
    np.testing.assert_array_equal(draw.tests["sample"].y, target(draw.tests["sample"].X))
    assert draw.tests["exact"].noise == 0


def test_training_and_test_points_are_different_points():
    draw = BASE.draw(NETWORK)
    assert not np.isclose(draw.train.X[:, None], draw.tests["sample"].X[None]).all(axis=2).any()


def test_infinitely_many_samples_are_the_law_itself():
    draw = drawn(n_train=float("inf"), noise=0.3)
    assert isinstance(draw.train, Law)
    assert draw.train.noise == 0.3
    np.testing.assert_array_equal(draw.train.target.B, BASE.draw(NETWORK).tests["exact"].target.B)


def test_no_test_points_where_none_are_asked_for():
    assert set(drawn(n_test=0).tests) == {"exact"}
    assert set(BASE.draw(NETWORK).tests) == {"exact", "sample"}


def test_streams_depend_on_seed_role_and_shape():
    numbers = {
        key: tuple(stream(*key).standard_normal(2))
        for key in [(0, Role.INPUTS, 4), (1, Role.INPUTS, 4), (0, Role.WEIGHTS, 4), (0, Role.INPUTS, 5)]
    }
    assert len(set(numbers.values())) == 4
    assert tuple(stream(0, Role.INPUTS, 4).standard_normal(2)) == numbers[0, Role.INPUTS, 4]


def test_a_given_system_draws_nothing():
    train, start = Data(np.ones((2, 3)), np.ones(2)), FactorState.infinite_width(3, 1.0)
    draw = GivenSystem(train=train, start=start).draw(NETWORK)
    assert draw.train is train
    assert draw.start is start
    assert not draw.tests
    assert len(draw.directions) == 0


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((2, 3)), np.ones(3), "shapes"),
        (np.ones(3), np.ones(3), "shapes"),
        (np.ones((0, 3)), np.ones(0), "shapes"),
        (np.array([[np.nan]]), np.ones(1), "finite"),
        (np.ones((1, 1)), np.array([np.inf]), "finite"),
    ],
)
def test_data_that_are_no_samples_are_refused(X, y, message):
    with pytest.raises(InvalidInput, match=message):
        Data(X, y)


def test_data_are_copied_and_read_only():
    X = np.ones((2, 2))
    data = Data(X, np.ones(2))
    X[:] = 9
    assert data.X.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        data.y[0] = 0
