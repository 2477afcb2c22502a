"""The rule that stands for a Gaussian law, and the samples made of it."""

import itertools
import math

import numpy as np
import pytest
from grokode_validate.cubature import gaussian_rule
from grokode_validate.samples import samples_of

from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Law
from grokode.task.targets.quadratic import QuadraticTarget


def gaussian_moment(powers):
    """Mean of a monomial: a product of (p - 1)!! over even powers."""
    return math.prod(0 if p % 2 else math.prod(range(1, p, 2)) for p in powers)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 7])
def test_the_rule_has_every_moment_up_to_the_fifth(dim):
    Z, weights = gaussian_rule(dim)
    assert Z.shape == (2 * dim**2 + 1, dim)
    assert weights.shape == (len(Z),)
    for degree in range(6):
        for chosen in itertools.combinations_with_replacement(range(dim), degree):
            powers = np.bincount(chosen, minlength=dim) if chosen else np.zeros(dim, int)
            # rounding of a sum of 2 D^2 + 1 terms no larger than (D + 2)^2
            assert weights @ np.prod(Z**powers, axis=1) == pytest.approx(gaussian_moment(powers.tolist()), abs=1e-12)


def test_the_sixth_moment_is_not_the_laws():
    """By hand at D = 3: 2 axis points of z^6 = 125 and weight 1/50, 8 corners of 125/8 and 1/25: 10, not 15."""
    Z, weights = gaussian_rule(3)
    assert weights @ Z[:, 0] ** 6 == pytest.approx(10, rel=1e-13)


def test_samples_of_a_law_have_its_covariance_and_its_noise(rng):
    A = rng.standard_normal((4, 4))
    law = Law(Gaussian(A @ A.T), QuadraticTarget(0.3, rng.standard_normal(4), A + A.T), noise=0.7)
    samples = samples_of(law)
    assert samples.weights.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(samples.X.T @ (samples.weights[:, None] * samples.X), A @ A.T, atol=1e-12)
    deviation = samples.y - law.target(samples.X)
    assert samples.weights @ deviation == pytest.approx(0, abs=1e-14)
    assert samples.weights @ deviation**2 == pytest.approx(0.49, rel=1e-13)
    # independent of the inputs: no correlation with any monomial that a gradient is made of
    np.testing.assert_allclose((samples.weights * deviation) @ samples.X, 0, atol=1e-13)


def test_a_singular_covariance_has_samples_too():
    direction = np.array([1.0, 2.0, -1.0])
    law = Law(Gaussian(np.outer(direction, direction)), QuadraticTarget(0.0, np.zeros(3), np.eye(3)))
    X, weights = samples_of(law).X, samples_of(law).weights
    np.testing.assert_allclose(X - np.outer(X @ direction, direction) / 6, 0, atol=1e-7)  # eigenvalues of 1e-16
    np.testing.assert_allclose(X.T @ (weights[:, None] * X), np.outer(direction, direction), atol=1e-13)
