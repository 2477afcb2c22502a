"""What is identified: planted information, in which the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from grokode.overlay.identification import KNOWN, NOTHING, Directions, product

NAMES = ("alpha", "eps", "lr", "sigma")


def information(*directions, p):
    """Plant information on the logarithms of p parameters: none but along (direction, standard error)."""
    planted = np.zeros((p, p))
    for direction, error in directions:
        v = np.array(direction, dtype=float)
        planted += np.outer(v, v) / (v @ v) / error**2
    return planted


def orthonormal(p, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((p, p)))[0]


def test_a_lazy_curve_tells_eps_and_lr_alpha_squared_and_not_alpha():
    found = Directions.of(information(([0, 1, 0], 0.01), ([2, 0, 1], 0.02), p=3))
    assert (found.known.shape, found.unknown.shape, found.errors.tolist()) == ((3, 2), (3, 1), [np.inf])
    assert np.abs(found.unknown[:, 0] @ [1, 0, -2]) == pytest.approx(np.sqrt(5), rel=1e-14)
    eps, lr_alpha2 = found.combinations()
    assert eps == pytest.approx([0, 1, 0], abs=1e-14)
    assert lr_alpha2 == pytest.approx([2, 0, 1], abs=1e-14)


def test_the_gauge_of_four_parameters_leaves_three_products():
    """The network is the same at alpha c, eps c, lr / c^2 and sigma / c."""
    gauge = np.array([1.0, 1, -2, -1]) / np.sqrt(7)
    found = Directions.of(1e4 * (np.eye(4) - np.outer(gauge, gauge)))
    products = found.combinations()
    assert np.array(products) == pytest.approx(np.array([[-1, 1, 0, 0], [2, 0, 1, 0], [1, 0, 0, 1]]), abs=1e-12)
    for powers in products:
        assert found.leak(powers) == 0
    for alone in np.eye(4):
        assert found.leak(alone) == np.inf


def test_two_unknown_directions_are_solved_for_two_parameters():
    kept = np.array([1.0, 2, 1, 0])
    found = Directions.of(information((kept, 0.1), ([0, 0, 0, 1], 0.1), p=4))
    assert found.unknown.shape == (4, 2)
    products = found.combinations()
    assert len(products) == 2
    for powers in products:
        assert found.unknown.T @ powers == pytest.approx(0, abs=1e-13)
        assert found.leak(powers) == 0


def test_no_information_tells_nothing_and_no_product():
    found = Directions.of(np.zeros((3, 3)))
    assert found.known.shape == (3, 0)
    assert found.combinations() == []
    assert found.leak(np.array([2.0, 0, 1])) == np.inf


def test_where_all_is_known_nothing_leaks():
    found = Directions.of(information(*zip(orthonormal(3), (0.1, 0.2, 0.9), strict=True), p=3))
    assert found.unknown.shape == (3, 0)
    assert found.leak(np.array([1.0, -1, 0.5])) == 0
    assert np.array(found.combinations()) == pytest.approx(np.eye(3), abs=1e-14)


@pytest.mark.parametrize(("error", "known"), [(0.99 * KNOWN, True), (1.01 * KNOWN, False)])
def test_a_direction_is_known_up_to_an_error_of_a_factor_e(error, known):
    found = Directions.of(information(([1, 1], error), ([1, -1], 0.01), p=2))
    assert found.known.shape[1] == (2 if known else 1)


@pytest.mark.parametrize("seed", range(5))
def test_known_and_unknown_parts_add_up_to_the_posterior_variance(seed):
    """Of any product, in a quadratic misfit: what no combination of the two halves may change."""
    errors = np.array([0.03, 0.5, 2.0, 30.0])
    planted = information(*zip(orthonormal(4, seed), errors, strict=True), p=4)
    found = Directions.of(planted)
    assert sorted([*found.known_errors, *found.errors]) == pytest.approx(errors, rel=1e-9)
    powers = np.random.default_rng(seed).standard_normal((6, 4))
    for c in [*powers, *np.eye(4)]:
        known = np.sum((c @ found.known * found.known_errors) ** 2)
        assert known + found.leak(c) == pytest.approx(c @ np.linalg.inv(planted) @ c, rel=1e-9)


def test_a_product_is_told_where_its_direction_is_however_large_its_powers():
    found = Directions.of(information(([2, 0, 1], 0.9), ([0, 1, 0], 1.1), p=3))
    for powers, told in (([2, 0, 1], True), ([-6, 0, -3], True), ([2, 0.5, 1], True), ([2, 20, 1], False)):
        assert found.tell(np.array(powers, dtype=float)) is told
    assert not found.tell(np.array([1.0, 0, 0]))


def test_a_weak_prior_is_the_information_of_what_curves_do_not_tell():
    bare = information(([0, 1, 0], 0.01), ([2, 0, 1], 0.02), p=3)
    found, added = Directions.of(bare, least=1e-4), Directions.of(bare + 1e-4 * np.eye(3))
    assert found.errors == pytest.approx([100.0], rel=1e-12)
    for powers in (np.eye(3)[0], np.array([1.9, 0, 1])):
        assert found.leak(powers) == pytest.approx(added.leak(powers), rel=1e-6)
    # beside information so sharp that a sum of the two matrices could not hold the prior
    sharp = Directions.of(1e20 * bare, least=1e-4)
    assert sharp.errors == pytest.approx([100.0], rel=1e-12)


def test_rounding_of_an_eigenvalue_is_no_information():
    v = np.array([[2.0, 0, 1], [0, 1, 0]]) * 1e8
    found = Directions.of(v.T @ v + 1e16 * 0.1 * NOTHING * np.eye(3))
    assert found.known.shape[1] == 2
    assert found.errors.tolist() == [np.inf]


def test_a_parameter_that_hardly_moves_is_not_solved_for():
    """lr alpha^2, and not alpha lr^0.5, nor products with eps to a large power."""
    direction = np.array([1.0, 0.01, -2]) / np.linalg.norm([1, 0.01, -2])
    eps, lr_alpha2 = Directions.of(1e6 * (np.eye(3) - np.outer(direction, direction))).combinations()
    assert eps == pytest.approx([-0.01, 1, 0], abs=1e-12)
    assert lr_alpha2 == pytest.approx([2, 0, 1], abs=1e-12)


@pytest.mark.parametrize(
    ("powers", "text"),
    [
        ({"alpha": 2.0, "lr": 1.0}, "lr alpha^2"),
        ({"eps": 1.0, "alpha": -1.0}, "eps alpha^-1"),
        ({"alpha": 1.0, "sigma": 1.0}, "alpha sigma"),
        ({"lr": 1.0, "alpha": 0.5, "eps": -1.5}, "lr alpha^0.5 eps^-1.5"),
        ({"lr": 1.0, "alpha": 1 / 3}, "lr alpha^0.333"),
    ],
)
def test_a_product_is_written_with_its_first_powers_in_front(powers, text):
    assert product(powers) == text
