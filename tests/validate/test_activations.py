import math

import numpy as np
import pytest
from grokode_validate.activations import Hermite, Square
from numpy.polynomial import hermite_e

Z = np.linspace(-2.5, 2.5, 21)
every_activation = pytest.mark.parametrize("activation", [Square(), *(Hermite(k) for k in range(2, 7))], ids=repr)


@pytest.mark.parametrize("k", range(2, 9))
def test_hermite_polynomials_are_numpys_and_so_are_their_slopes(k):
    basis = hermite_e.HermiteE.basis(k)
    rounding = 1e-14 * np.max(np.abs(basis.coef)) * math.factorial(k)  # the sum's terms cancel
    np.testing.assert_allclose(Hermite(k).q(Z), basis(Z), rtol=1e-13, atol=rounding)
    np.testing.assert_allclose(Hermite(k).slope(Z), basis.deriv()(Z), rtol=1e-13, atol=rounding)


def test_hermite_polynomials_are_orthogonal_under_a_gaussian():
    nodes, weights = hermite_e.hermegauss(8)  # exact to degree 15
    values = np.array([Hermite(k).q(nodes) for k in range(2, 8)])
    inner = values * weights / math.sqrt(2 * math.pi) @ values.T
    wanted = np.diag([math.factorial(k) for k in range(2, 8)])
    np.testing.assert_allclose(inner, wanted, rtol=0, atol=1e-12 * math.factorial(7))


def test_the_third_is_the_one_done_by_hand():
    # He_3 = z^3 - 3 z at z = 2: 8 - 6 = 2; its slope 3 z^2 - 3 = 9
    assert Hermite(3).q(np.array([2.0])) == 2
    assert Hermite(3).slope(np.array([2.0])) == 9


def test_the_second_is_the_square_less_one():
    np.testing.assert_array_equal(Hermite(2).q(Z), Square().q(Z) - 1)
    np.testing.assert_array_equal(Hermite(2).slope(Z), Square().slope(Z))


@every_activation
def test_the_slope_is_that_of_q(activation):
    h = 1e-4
    slope = (activation.q(Z + h) - activation.q(Z - h)) / (2 * h)
    # h^2 q''' / 6, with q''' = 120 He_3 of He_6 below 1000 on Z
    np.testing.assert_allclose(activation.slope(Z), slope, rtol=0, atol=2e-6)


@every_activation
def test_it_acts_on_each_entry_of_an_array(activation):
    np.testing.assert_array_equal(activation.q(Z.reshape(3, 7)), activation.q(Z).reshape(3, 7))
    np.testing.assert_array_equal(activation.slope(Z.reshape(3, 7)), activation.slope(Z).reshape(3, 7))


@pytest.mark.parametrize("k", [1, 0, -1])
def test_a_degree_below_two_is_refused(k):
    with pytest.raises(ValueError, match=f"must be at least 2, got {k}"):
        Hermite(k)
