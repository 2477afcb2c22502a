"""Solves with a shifted symmetric matrix, whatever its spectrum and however the shift drifts."""

import numpy as np
import pytest

from grokode.dynamics.solvers.log_bdf.iteration import ThroughSamples
from grokode.dynamics.solvers.log_bdf.linear import Shifted, TooLong


def matrix(rng, eigenvalues, dtype=np.float64):
    Q = np.linalg.qr(rng.standard_normal((len(eigenvalues), len(eigenvalues))))[0]
    return np.asfortranarray((Q * eigenvalues) @ Q.T, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_drifting_shifts_are_solved_to_the_goal_with_few_factorisations(rng, dtype):
    A = matrix(rng, np.geomspace(1e-3, 1e3, 160), dtype)
    system, b, goal = Shifted(A), rng.standard_normal(160), 1e-3
    for shift in 10.0 / 1.1 ** np.arange(40):
        w = system.solve(b, shift, goal).astype(np.float64)
        rounded = 10 * np.finfo(dtype).eps * 1e3 * np.linalg.norm(w)  # of a residual of terms of the size |A| |w|
        assert np.linalg.norm(A.astype(np.float64) @ w + shift * w - b) <= 1.01 * goal + rounded
    assert system.factorizations <= 10  # the shift has moved by a factor 40


def test_a_singular_matrix_is_no_obstacle(rng):
    A = matrix(rng, np.r_[np.zeros(10), np.ones(10)])
    b = rng.standard_normal(20)
    w = Shifted(A).solve(b, 1e-6, 0.0)
    np.testing.assert_allclose(A @ w + 1e-6 * w, b, atol=1e-8)


def test_another_matrix_near_the_old_one_needs_no_factorisation(rng):
    eigenvalues = np.geomspace(1e-2, 1e2, 150)
    system, b = Shifted(matrix(rng, eigenvalues)), rng.standard_normal(150)
    system.solve(b, 1.0, 1e-8)
    nearby = system.A + 1e-3 * matrix(rng, eigenvalues)
    system.A = nearby
    w = system.solve(b, 1.0, 1e-8)
    assert np.linalg.norm(nearby @ w + w - b) <= 1.01e-8
    assert system.factorizations == 1


def test_a_matrix_far_from_the_old_one_is_factorised(rng):
    system, b = Shifted(matrix(rng, np.geomspace(1e-2, 1e2, 150))), rng.standard_normal(150)
    system.solve(b, 1e-3, 1e-10)
    system.A = matrix(rng, np.geomspace(1e-2, 1e2, 150))
    w = system.solve(b, 1e-3, 1e-10)
    np.testing.assert_allclose(system.A @ w + 1e-3 * w, b, atol=1e-9)
    assert system.factorizations == 2


def test_a_matrix_of_another_precision_is_solved_in_its_own(rng):
    """After single precision is given up, the goal is met in float64."""
    iteration = ThroughSamples(8)
    exact = matrix(rng, np.geomspace(1e-2, 1e2, 150))
    b = rng.standard_normal(150)
    iteration._with(exact.astype(np.float32)).solve(b, 1.0, 1e-3)
    iteration._with(exact).solve(b, 1.0, 1e-10)
    w = iteration._with(exact).solve(b, 1.3, 1e-10)
    assert w.dtype == np.float64
    assert np.linalg.norm(exact @ w + 1.3 * w - b) <= 1.01e-10


def test_a_step_that_would_damp_a_growing_mode_is_refused(rng):
    with pytest.raises(TooLong):
        Shifted(matrix(rng, np.r_[-1.0, np.ones(9)])).solve(np.ones(10), 0.5, 0.0)


@pytest.mark.parametrize("found", [0, 1, 2, 3])
def test_negative_eigenvalues_are_counted(rng, found):
    """Two are wanted: the number that the inertia of the whole asks of its Schur complement."""
    A = matrix(rng, np.r_[-np.arange(1.0, found + 1), np.ones(10 - found)])
    b = rng.standard_normal(10)
    if found == 2:
        w = Shifted(A).solve(b, 0.1, 0.0, negative=2)
        np.testing.assert_allclose(A @ w + 0.1 * w, b, atol=1e-12)
    else:
        with pytest.raises(TooLong):
            Shifted(A).solve(b, 0.1, 0.0, negative=2)
