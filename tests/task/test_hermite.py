"""Targets He_k: orthogonal functions of one direction, of unit variance times k!."""

import math

import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.targets import TARGETS
from grokode.task.targets.hermite import HermiteTarget
from grokode.task.targets.quadratic import QuadraticTarget

SIGMA = np.diag([0.5, 0.2, 0.2, 0.1]) + 0.05


def target_of(k, rng, Sigma=SIGMA):
    return TARGETS.build(f"hermite:k={k}").draw_under(Sigma, rng)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_target_is_he_k_of_a_direction_with_variance_one(rng, k):
    target = target_of(k, rng)
    (beta,) = target.directions
    assert beta @ SIGMA @ beta == pytest.approx(1, rel=1e-12)
    X = rng.standard_normal((9, 4))
    z = X @ beta
    polynomial = {1: z, 2: z**2 - 1, 3: z**3 - 3 * z, 4: z**4 - 6 * z**2 + 3}[k]
    np.testing.assert_allclose(target(X), polynomial, rtol=1e-11, atol=1e-12)
    assert type(target) is (QuadraticTarget if k <= 2 else HermiteTarget)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_over_the_law_its_mean_is_zero_and_its_square_k_factorial(rng, k):
    target = target_of(k, rng)
    y = target(Gaussian(SIGMA).draw(400_000, rng))
    assert abs(np.mean(y)) < 5 * np.std(y) / np.sqrt(len(y))
    assert abs(np.mean(y**2) - math.factorial(k)) < 5 * np.std(y**2) / np.sqrt(len(y))


def test_isotropic_inputs_give_the_papers_argument(rng):
    target = target_of(3, rng, np.eye(4) / 4)
    (beta,) = target.directions
    np.testing.assert_allclose(np.linalg.norm(beta), np.sqrt(4), rtol=1e-12)  # sqrt(D) beta.x / |beta|


def test_what_makes_no_sense_is_refused(rng):
    with pytest.raises(InvalidInput, match="k must be at least 1, got 0"):
        TARGETS.build("hermite:k=0")
    with pytest.raises(InvalidInput, match="do not vary along its direction"):
        target_of(3, rng, np.zeros((4, 4)))
