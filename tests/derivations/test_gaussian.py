"""Isserlis' theorem with D a symbol, against exact quadrature and known moments."""

import itertools
import math

import numpy as np
import pytest
import sympy as sp
from grokode_derivations.gaussian import (
    Inner,
    Matrix,
    Trace,
    Unit,
    Vector,
    average,
    monte_carlo,
    numeric,
    random_values,
    replace,
)
from grokode_derivations.notation import D, M, Sigma, b, beta, eps, wbar, x, xp

A, C = Matrix("A"), Matrix("C")
i, j = Unit("e_i"), Unit("e_j")
KERNEL = Inner(x, xp) * (1 + eps * (Inner(wbar, x) + Inner(wbar, xp)) + eps**2 * Inner(x, M, xp))


def quadrature(integrand, values, vectors, dim, nodes=5):
    """Average exactly: Gauss-Hermite of ``nodes`` points is exact up to degree 2 nodes - 1 in each coordinate."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.array(list(itertools.product(points, repeat=dim * len(vectors))))
    weight = np.array([math.prod(w) for w in itertools.product(weights / weights.sum(), repeat=dim * len(vectors))])
    draws = {v: grid[:, k * dim : (k + 1) * dim] / np.sqrt(dim) for k, v in enumerate(vectors)}
    return np.sum(weight * numeric(integrand, {**values, **draws}))


@pytest.mark.parametrize("power", [1, 2, 3, 4, 5])
def test_even_moments_of_a_linear_function_count_the_pairings(power):
    pairings = math.prod(range(1, 2 * power, 2))
    assert average(Inner(beta, x) ** (2 * power), x) == pairings * (Inner(beta, beta) / D) ** power


@pytest.mark.parametrize("power", [1, 3, 5])
def test_odd_moments_vanish(power):
    assert average(Inner(beta, x) ** power * Inner(x, M, x), x) == 0


def test_moments_of_the_squared_radius_are_those_of_a_chi_square():
    for power in (1, 2, 3):
        chi_square = math.prod([D + 2 * k for k in range(power)]) / D**power
        assert sp.expand(average(Inner(x, x) ** power, x) - chi_square) == 0


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize(
    ("integrand", "vectors"),
    [
        (Inner(x, M, x) * Inner(x, A, x) * Inner(b, x) * Inner(beta, x), (x,)),
        (Inner(x, M, A, M, x) * Inner(x, M, x) ** 2, (x,)),
        (KERNEL**2, (x, xp)),
        (Inner(beta, x) ** 2 * KERNEL * Inner(beta, xp) ** 2, (x, xp)),
        (Inner(x, M, xp) ** 2 * Inner(xp, A, x) * Inner(x, xp), (x, xp)),
    ],
    ids=["mixed", "word", "K^2", "yKy", "two vectors"],
)
def test_symbolic_dimension_agrees_with_exact_quadrature_in_each_dimension(integrand, vectors, dim):
    rng = np.random.default_rng(dim)
    exact = average(integrand, *vectors)
    values = random_values((integrand.free_symbols | exact.free_symbols) - set(vectors), rng, dim)
    values[D] = dim
    assert numeric(exact, values) == pytest.approx(quadrature(integrand, values, vectors, dim), rel=1e-11)


def test_a_covariance_is_put_between_every_pair():
    quartic = average(Inner(x, M, x) ** 2, x, scale=sp.Integer(1), covariance=(Sigma,))
    assert quartic == Trace(M, Sigma) ** 2 + 2 * Trace(M, Sigma, M, Sigma)


def test_only_polynomials_can_be_averaged():
    with pytest.raises(ValueError, match="only polynomials"):
        average(sp.exp(Inner(x, beta)), x)
    with pytest.raises(ValueError, match="only polynomials"):
        average(1 / Inner(x, x), x)


def test_products_and_traces_are_read_in_one_way_only():
    assert Inner(x, A, M, beta) == Inner(beta, M, A, x)
    assert len({Trace(A, C, M), Trace(C, M, A), Trace(M, C, A), Trace(C, A, M)}) == 1
    assert Trace(A, A, C, C) != Trace(A, C, A, C)
    assert Trace() == D


def test_unit_vectors_are_orthonormal():
    assert (Inner(i, i), Inner(i, j)) == (1, 0)
    assert Inner(i, M, j) != 0


def test_a_matrix_is_replaced_by_a_sum_with_an_outer_product():
    whole = replace(Trace(C, C) + Inner(x, C, x), C, {(M,): eps, (beta, beta): -1})
    expected = (
        eps**2 * Trace(M, M) - 2 * eps * Inner(beta, M, beta) + Inner(beta, beta) ** 2
        + eps * Inner(x, M, x) - Inner(beta, x) ** 2
    )  # fmt: skip
    assert sp.expand(whole - expected) == 0


def test_an_outer_product_of_two_vectors_is_symmetrized():
    assert sp.expand(replace(Inner(x, C, xp), C, {(b, beta): 1})) == sp.expand(
        (Inner(x, b) * Inner(beta, xp) + Inner(x, beta) * Inner(b, xp)) / 2
    )


@pytest.mark.parametrize("wrong", [sp.Rational(3, 2), D, -1], ids=["50 %", "a power of D", "sign"])
def test_monte_carlo_finds_a_wrong_average(wrong):
    integrand = Inner(beta, x) ** 2 * KERNEL * Inner(beta, xp) ** 2
    right = average(integrand, x, xp)
    assert abs(monte_carlo(integrand, right, (x, xp))) < 5
    assert abs(monte_carlo(integrand, wrong * right, (x, xp))) > 5


def test_numbers_come_from_arrays_one_or_many():
    rng = np.random.default_rng(0)
    root, u, batch = rng.standard_normal((3, 3)), rng.standard_normal(3), rng.standard_normal((7, 3))
    values = {M: root @ root.T, beta: u, x: batch, eps: 2.0}
    expected = 2 * batch @ values[M] @ u + np.trace(values[M] @ values[M])
    np.testing.assert_allclose(numeric(eps * Inner(x, M, beta) + Trace(M, M), values), expected, rtol=1e-14)


def test_vectors_of_one_name_are_one_vector():
    assert Vector("x") == x
    assert Vector("x") != Unit("x")
