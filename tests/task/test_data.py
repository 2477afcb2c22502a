"""What is computed once of a data set."""

import numpy as np
import pytest

from grokode.task.data import Data


@pytest.mark.parametrize("shape", [(3, 8), (8, 3), (1, 4), (5, 1)])
def test_the_norm_is_the_largest_singular_value(rng, shape):
    X = rng.standard_normal(shape)
    assert Data(X, np.zeros(len(X))).norm == pytest.approx(np.linalg.norm(X, 2), rel=1e-12)


def test_the_norm_of_nothing_is_zero():
    assert Data(np.zeros((2, 3)), np.zeros(2)).norm == 0
