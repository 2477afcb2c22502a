"""The difference table: BDF's order conditions, on polynomials, to rounding."""

import numpy as np
import pytest

from grokode.dynamics.solvers.log_bdf.differences import GAMMA, MAX_ORDER, Differences, transfer, weights

ORDERS = range(1, MAX_ORDER + 1)
each_order = pytest.mark.parametrize("order", ORDERS)


def polynomial(order):
    """A polynomial of that degree, and its derivative."""
    p = np.polynomial.Polynomial(np.linspace(0.3, -0.5, order + 1))
    return p, p.deriv()


def table_of(function, order, t, h):
    """Differences of a function at t, t - h, t - 2h, ..., by their definition."""
    values = np.array([[function(t - j * h)] for j in range(MAX_ORDER + 3)])
    made = Differences(values[0], np.zeros(1))
    for m in range(order + 1):
        made.table[m] = np.diff(values[::-1], m, axis=0)[-1] if m else values[0]
    return made


@each_order
def test_prediction_continues_a_polynomial_of_the_order(order):
    p, _ = polynomial(order)
    np.testing.assert_allclose(table_of(p, order, 0.7, 0.1).predict(order)[0], p(0.8), rtol=1e-13)


@each_order
def test_the_formula_of_an_order_is_exact_for_polynomials_of_that_degree(order):
    """The BDF says y_new - y_pred = (h / gamma) y'(t_new) - psi."""
    (p, slope), h, t = polynomial(order), 0.1, 0.7
    made = table_of(p, order, t, h)
    predicted, psi = made.predict(order)
    d = h / GAMMA[order] * slope(t + h) - psi
    np.testing.assert_allclose(predicted + d, p(t + h), rtol=1e-13)


@each_order
def test_the_formula_of_an_order_is_not_exact_for_the_next_degree(order):
    """The error constant of BDF k is 1 / ((k + 1) gamma_k), on the difference of order k + 1, h^(k+1) y^(k+1)."""
    p, h, t = np.polynomial.Polynomial.basis(order + 1), 0.1, 0.7
    made = table_of(p, order, t, h)
    predicted, psi = made.predict(order)
    d = h / GAMMA[order] * p.deriv()(t + h) - psi
    highest = h ** (order + 1) * np.prod(np.arange(1, order + 2))
    error = float((predicted + d)[0] - p(t + h))
    assert abs(error) / highest == pytest.approx(1 / (order + 1) / GAMMA[order], rel=1e-9)


@each_order
def test_compiled_passes_are_the_formulas(order, rng):
    made, d = Differences(np.zeros(4), np.zeros(4)), rng.standard_normal(4)
    before = made.table[:] = rng.standard_normal(made.table.shape)
    predicted, psi = made.predict(order)
    np.testing.assert_allclose(predicted, before[: order + 1].sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(psi, GAMMA[1 : order + 1] @ before[1 : order + 1] / GAMMA[order], rtol=1e-12)
    made.accept(order, d)
    highest = [d, d - before[order + 1]]
    after = [before[: order + 1][j:].sum(axis=0) + d for j in range(order + 1)]
    np.testing.assert_allclose(made.table[: order + 3], [*after, *highest], rtol=1e-12)


@each_order
def test_a_step_moves_the_whole_table_on(order):
    p, _ = polynomial(order)
    made, h, t = table_of(p, order, 0.7, 0.1), 0.1, 0.7
    made.accept(order, p(t + h) - made.predict(order)[0])
    np.testing.assert_allclose(made.table[: order + 1], table_of(p, order, t + h, h).table[: order + 1], atol=1e-14)


@each_order
@pytest.mark.parametrize("factor", [0.2, 0.9, 3.0])
def test_other_steps_are_those_of_the_same_polynomial(order, factor):
    p, _ = polynomial(order)
    made = table_of(p, order, 0.7, 0.1)
    made.rescale(order, factor)
    expected = table_of(p, order, 0.7, 0.1 * factor).table[: order + 1]
    np.testing.assert_allclose(made.table[: order + 1], expected, atol=1e-13)


@each_order
def test_changes_of_steps_compose(order):
    np.testing.assert_allclose(transfer(order, 2.0) @ transfer(order, 0.3), transfer(order, 0.6), atol=1e-13)


@each_order
def test_interpolation_reads_the_polynomial(order):
    p, _ = polynomial(order)
    made, back = table_of(p, order, 0.7, 0.1), np.array([0.0, 0.3, 1.0])
    np.testing.assert_allclose(weights(order, back) @ made.table[: order + 1, 0], p(0.7 - 0.1 * back), rtol=1e-13)
