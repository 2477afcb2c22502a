"""Activations: values, slopes, and changes that do not cancel."""

import numpy as np
import pytest
from numpy.polynomial import hermite_e

from grokode.errors import InvalidInput
from grokode.model.activations import Hermite, Square
from grokode.model.network import Network

ALL = [Square(), *(Hermite(k) for k in range(2, 8))]
each = pytest.mark.parametrize("activation", ALL, ids=str)


@pytest.mark.parametrize("k", range(2, 8))
def test_hermite_is_numpys_polynomial_with_its_derivatives(rng, k):
    h, series = rng.standard_normal((3, 4)), hermite_e.HermiteE.basis(k)
    for ours, theirs in (
        (Hermite(k).q, series),
        (Hermite(k).slope, series.deriv()),
        (Hermite(k).curvature, series.deriv(2)),
    ):
        np.testing.assert_allclose(ours(h), theirs(h), rtol=1e-12, atol=1e-12)


@each
def test_slope_and_curvature_are_derivatives(rng, activation):
    h, d = rng.standard_normal(9), 1e-5
    for function, derivative in ((activation.q, activation.slope), (activation.slope, activation.curvature)):
        difference = (function(h + d) - function(h - d)) / (2 * d)
        np.testing.assert_allclose(difference, derivative(h), rtol=1e-6, atol=1e-6)  # d^2, and rounding over d


@each
def test_a_change_is_a_difference_and_keeps_its_digits_however_small(rng, activation):
    h0, dh = rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
    np.testing.assert_allclose(
        activation.change(h0, dh), activation.q(h0 + dh) - activation.q(h0), rtol=1e-10, atol=1e-10
    )
    tiny = 1e-20 * dh  # a difference would be zero
    np.testing.assert_allclose(activation.change(h0, tiny), activation.slope(h0) * tiny, rtol=1e-12)


def test_the_networks_phi_has_the_linear_part_and_half_eps_times_q(rng):
    h, dh = rng.standard_normal(6), rng.standard_normal(6)
    for activation in ALL:
        network = Network(alpha=2.0, eps=0.3, activation=activation)
        np.testing.assert_allclose(network.phi(h), h + 0.15 * activation.q(h), rtol=1e-14)
        np.testing.assert_allclose(
            network.phi_change(h, dh), network.phi(h + dh) - network.phi(h), rtol=1e-9, atol=1e-9
        )
        np.testing.assert_allclose(network.phi_slope(h), 1 + 0.15 * activation.slope(h), rtol=1e-14)
        np.testing.assert_allclose(network.phi_curvature(h), 0.15 * activation.curvature(h), rtol=1e-14)


def test_only_quadratic_activations_close_and_their_constant_is_that_of_f():
    assert [Network(alpha=1, eps=0.3, activation=a).closes for a in ALL] == [True, True] + [False] * 5
    assert Network(alpha=2.0, eps=0.3).constant == 0
    assert Network(alpha=2.0, eps=0.3, activation=Hermite(2)).constant == pytest.approx(-0.3)


def test_a_degree_below_two_is_refused():
    with pytest.raises(InvalidInput, match="must be at least 2, got 1"):
        Hermite(1)
