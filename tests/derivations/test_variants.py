"""Other targets and another activation: against the package, least squares, and quadrature."""

import numpy as np
import pytest
import sympy as sp
from grokode_derivations.gaussian import Vector, numeric
from grokode_derivations.notation import eps, x
from grokode_derivations.variants import CLAIMS, hermite, information_exponent, z

from grokode.task.targets import TARGETS

BY_TAG = {claim.tag: claim for claim in CLAIMS}
TARGETS_OF = pytest.mark.parametrize(("tag", "k"), [("V1", 2), ("V2", 3)])


@pytest.fixture
def drawn(rng):
    """Return a function: number of directions -> inputs, the package's target, and the values of the letters."""

    def draw(k, dim=6, points=200):
        X = rng.standard_normal((points, dim)) / np.sqrt(dim)
        target = TARGETS.build(f"multi_index:k={k}").draw(dim, rng)
        return X, target, {Vector(f"β_{j + 1}"): beta for j, beta in enumerate(target.directions)} | {x: X}

    return draw


@TARGETS_OF
def test_the_corrected_multi_index_target_is_the_packages(drawn, tag, k):
    X, target, values = drawn(k)
    np.testing.assert_allclose(numeric(BY_TAG[tag].statement.value, values), target(X), rtol=1e-12)
    assert np.linalg.matrix_rank(target.B) == k


@TARGETS_OF
def test_a_linear_fit_reproduces_what_is_printed_and_not_what_is_meant(drawn, tag, k):
    X, _, values = drawn(k)

    def left_over(y):
        fit = np.linalg.lstsq(X, y, rcond=None)[0]
        return np.mean((y - X @ fit) ** 2) / np.mean(y**2)

    assert left_over(numeric(BY_TAG[tag].printed.value, values)) < 1e-25
    assert left_over(numeric(BY_TAG[tag].statement.value, values)) > 0.5


def quadrature(polynomial):
    """Average a polynomial over a standard normal number, exactly up to degree 39."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    return np.sum(weights * sp.lambdify(z, polynomial)(nodes) * np.ones(20)) / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("k", range(1, 8))
def test_hermite_polynomials_are_those_of_unit_leading_coefficient(k):
    points = np.linspace(-3, 3, 13)
    table = np.polynomial.hermite_e.HermiteE.basis(k)(points)
    np.testing.assert_allclose(sp.lambdify(z, hermite(k))(points), table, rtol=1e-12, atol=1e-12 * np.abs(table).max())


@pytest.mark.parametrize("k", range(1, 7))
def test_the_information_exponent_of_a_hermite_polynomial_is_its_degree_by_quadrature_too(k):
    overlaps = [quadrature(hermite(k) * hermite(j)) for j in range(1, k + 1)]
    np.testing.assert_allclose(overlaps, [0.0] * (k - 1) + [float(sp.factorial(k))], atol=1e-9)
    assert information_exponent(hermite(k)) == k


@pytest.mark.parametrize(
    ("polynomial", "exponent"),
    [(z**2 / 2, 2), (z**3, 1), (z**4, 2), (z**3 - 3 * z, 3), (z**4 - 6 * z**2, 4), (z**5 + z**2, 1)],
)
def test_the_degree_only_bounds_the_information_exponent(polynomial, exponent):
    overlaps = [quadrature(polynomial * hermite(k)) for k in range(1, exponent + 1)]
    np.testing.assert_allclose(overlaps[:-1], 0, atol=1e-9)
    assert abs(overlaps[-1]) > 0.5
    assert information_exponent(polynomial) == exponent <= sp.degree(polynomial, z)


def test_the_two_quadratic_activations_differ_by_a_constant(rng):
    h = rng.standard_normal(50)
    own = h + 0.3 / 2 * np.polynomial.hermite_e.HermiteE.basis(2)(h)
    paper = h + 0.3 / 2 * h**2
    shift = float(BY_TAG["V6"].statement.value.subs(eps, 0.3))
    np.testing.assert_allclose(own - paper, shift, rtol=1e-12, atol=1e-14)
