"""Quadratic functions and monomials, against sums written out index by index."""

import numpy as np
import pytest

from grokode.model.quadratic import Monomials, QuadraticFunctions

ROUNDING = 1e-12  # some tens of operations on numbers of order one, relative to the largest
DIMS = pytest.mark.parametrize("dim", [1, 2, 3, 5])


def symmetric(rng, *shape):
    S = rng.standard_normal((*shape, shape[-1]))
    return (S + np.swapaxes(S, -1, -2)) / 2


@pytest.fixture
def make_functions(rng):
    """Draw K functions of D inputs."""
    return lambda count, dim: QuadraticFunctions(rng.standard_normal((count, dim)), symmetric(rng, count, dim))


@DIMS
def test_functions_are_their_linear_and_quadratic_parts(rng, make_functions, dim):
    h, X = make_functions(4, dim), rng.standard_normal((6, dim))
    direct = np.array([[b @ x + x @ S @ x for b, S in zip(h.b, h.S, strict=True)] for x in X])
    np.testing.assert_allclose(h(X), direct, rtol=ROUNDING, atol=ROUNDING)


@DIMS
def test_there_is_a_monomial_for_every_input_and_every_pair(rng, dim):
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    monomials = Monomials(dim)
    assert monomials.size == dim + len(pairs)
    assert list(zip(*monomials.triangle, strict=True)) == pairs
    X = rng.standard_normal((4, dim))
    direct = [[*x, *(x[i] * x[j] * (1 if i == j else np.sqrt(2)) for i, j in pairs)] for x in X]
    np.testing.assert_allclose(monomials.rows(X), direct, rtol=1e-15)


@DIMS
def test_inner_products_of_monomials_are_those_of_the_inputs_and_their_squares(rng, dim):
    X1, X2 = rng.standard_normal((2, 4, dim))
    rows = [Monomials(dim).rows(X) for X in (X1, X2)]
    linear = X1 @ X2.T
    np.testing.assert_allclose(rows[0] @ rows[1].T, linear + linear**2, rtol=ROUNDING, atol=ROUNDING)


@DIMS
def test_svec_keeps_inner_products(rng, dim):
    A, B = symmetric(rng, 2, dim), symmetric(rng, 3, dim)
    listed = Monomials(dim).svec(A), Monomials(dim).svec(B)
    assert listed[0].shape == (2, Monomials(dim).size - dim)
    np.testing.assert_allclose(listed[0] @ listed[1].T, np.einsum("aij,bij->ab", A, B), rtol=ROUNDING, atol=ROUNDING)


@DIMS
def test_svec_of_an_outer_product_is_the_quadratic_part_of_the_monomials(rng, dim):
    x = rng.standard_normal(dim)
    np.testing.assert_allclose(Monomials(dim).svec(np.outer(x, x)), Monomials(dim).rows(x[None])[0, dim:], rtol=1e-15)


@DIMS
def test_functions_and_coefficients_are_inverse(rng, make_functions, dim):
    monomials, h = Monomials(dim), make_functions(3, dim)
    theta, X = rng.standard_normal((monomials.size, 2)), rng.standard_normal((5, dim))
    np.testing.assert_allclose(monomials.functions(theta)(X), monomials.rows(X) @ theta, rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_allclose(monomials.coefficients(monomials.functions(theta)), theta, rtol=1e-15)
    back = monomials.functions(monomials.coefficients(h))
    np.testing.assert_allclose(back.b, h.b, rtol=1e-15)
    np.testing.assert_allclose(back.S, h.S, rtol=1e-15)
    np.testing.assert_array_equal(monomials.functions(theta).S, monomials.functions(theta).S.transpose(0, 2, 1))


@DIMS
def test_crossed_moments_are_their_sum_over_four_indices(rng, dim):
    """T_(ik)(jl) = sum over samples of x_i x_k z_j z_l and of what exchanges the pairs, listed as N."""
    monomials, X, Z = Monomials(dim), *rng.standard_normal((2, 7, dim))
    # s sample; i k the first pair, j l the second
    T = np.einsum("si,sk,sj,sl->ikjl", X, X, Z, Z) + np.einsum("si,sk,sj,sl->ikjl", Z, Z, X, X)
    listed = monomials.svec(monomials.svec(T).transpose(2, 0, 1)).T  # both pairs, each in svec's scale
    theta = np.vstack([np.zeros((dim, len(listed))), np.eye(len(listed))])
    E = monomials.functions(theta).S
    # p q the listed matrices
    direct = np.einsum("pij,qkl,ikjl->pq", E, E, T)
    np.testing.assert_allclose(monomials.crossed(listed), direct, rtol=ROUNDING, atol=ROUNDING * np.abs(direct).max())
