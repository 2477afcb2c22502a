import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.task.inputs.gaussian import Gaussian

ROTATION = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
COVARIANCES = {
    "isotropic": np.full(3, 1 / 3),
    "diagonal": np.array([0.2, 1.0, 3.0]),
    "full": ROTATION @ np.diag([0.2, 1.0, 3.0]) @ ROTATION.T,
    "singular": ROTATION @ np.diag([0.0, 1.0, 3.0]) @ ROTATION.T,
    "singular diagonal": np.array([0.0, 1.0, 3.0]),
}
each_covariance = pytest.mark.parametrize("Sigma", COVARIANCES.values(), ids=COVARIANCES)


@each_covariance
def test_draws_have_the_stated_covariance(rng, Sigma):
    inputs, n = Gaussian(Sigma), 40_000
    X = inputs.draw(n, rng)
    diagonal = np.diag(inputs.matrix)
    # Var of x_i x_j is S_ii S_jj + S_ij^2 for a Gaussian; 5 standard errors, and rounding where it is zero
    error = np.sqrt((np.outer(diagonal, diagonal) + inputs.matrix**2) / n)
    assert np.all(np.abs(X.T @ X / n - inputs.matrix) <= 5 * error + 1e-12)
    assert np.all(np.abs(X.mean(axis=0)) <= 5 * np.sqrt(diagonal / n) + 1e-12)
    # fourth moments tell a Gaussian from another law: <(v.x)^4> = 3 (v^T Sigma v)^2, with variance 96 (v^T Sigma v)^4
    v = np.array([1.0, -0.5, 2.0])
    power = v @ inputs.matrix @ v
    assert abs(np.mean((X @ v) ** 4) / power**2 - 3) <= 5 * np.sqrt(96 / n)


@each_covariance
def test_a_larger_draw_extends_a_smaller_one(Sigma):
    small, large = (Gaussian(Sigma).draw(n, np.random.default_rng(1)) for n in (5, 50))
    np.testing.assert_allclose(large[:5], small, rtol=0, atol=1e-14)  # matrix products of other shapes round otherwise


def test_directions_of_no_variance_stay_empty(rng):
    X = Gaussian(COVARIANCES["singular"]).draw(100, rng)
    np.testing.assert_allclose(X @ ROTATION[:, 0], 0, atol=1e-7)  # the root of an eigenvalue's rounding, 1e-16


@each_covariance
def test_times_and_trace_are_those_of_the_matrix(rng, Sigma):
    inputs, A = Gaussian(Sigma), rng.standard_normal((2, 3))
    np.testing.assert_allclose(inputs.times(A), A @ inputs.matrix, rtol=1e-14)
    np.testing.assert_allclose(inputs.times(A[0]), A[0] @ inputs.matrix, rtol=1e-14)
    np.testing.assert_allclose(inputs.trace, np.trace(inputs.matrix), rtol=1e-14)


def test_isotropic_inputs_have_the_papers_variance_by_default():
    np.testing.assert_array_equal(Gaussian.isotropic(4).matrix, np.eye(4) / 4)
    np.testing.assert_array_equal(Gaussian.isotropic(4, 2.0).matrix, 2 * np.eye(4))


def test_a_full_matrix_that_is_diagonal_draws_as_its_diagonal_does():
    full, diagonal = Gaussian(np.diag([1.0, 2.0])), Gaussian(np.array([1.0, 2.0]))
    draws = [law.draw(3, np.random.default_rng(0)) for law in (full, diagonal)]
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize(
    ("Sigma", "message"),
    [
        (np.zeros((2, 3)), "shape"),
        (np.zeros(0), "shape"),
        (np.float64(1.0), "shape"),
        (np.array([1.0, np.nan]), "finite"),
        (np.array([[1.0, 0.5], [0.4, 1.0]]), "symmetric"),
        (np.array([1.0, -0.1]), "positive semidefinite, got an eigenvalue -0.1"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "positive semidefinite, got an eigenvalue -1"),
    ],
)
def test_what_is_no_covariance_is_refused(Sigma, message):
    with pytest.raises(InvalidInput, match=message):
        Gaussian(Sigma)
