import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.task.targets import TARGETS
from grokode.task.targets.multi_index import MultiIndex
from grokode.task.targets.product import Product
from grokode.task.targets.quadratic import QuadraticTarget
from grokode.task.targets.single_index import SingleIndex

DIM = 5


@pytest.fixture
def symmetric_file(tmp_path):
    B = np.random.default_rng(5).standard_normal((DIM, DIM))
    B = B + B.T
    np.save(tmp_path / "B.npy", B)
    return f"file:path={tmp_path / 'B.npy'}", B


# What each registered target says it is, written from its directions alone.
FORMULAS = {
    "single_index": lambda beta, X: 0.5 * (X @ beta[0]) ** 2,
    "single_index:scale=2.5": lambda beta, X: 1.25 * (X @ beta[0]) ** 2,
    "multi_index": lambda beta, X: 0.5 * ((X @ beta[0]) ** 2 + (X @ beta[1]) ** 2),
    "multi_index:k=3,weights=1:0.5:-2": lambda beta, X: (
        0.5 * ((X @ beta[0]) ** 2 + 0.5 * (X @ beta[1]) ** 2 - 2 * (X @ beta[2]) ** 2)
    ),
    "product": lambda beta, X: (X @ beta[0]) * (X @ beta[1]),
}


def test_every_registered_target_has_its_formula_tested():
    elsewhere = {"file", "kernel_eigenvector", "hermite"}
    assert {text.partition(":")[0] for text in FORMULAS} | elsewhere == set(TARGETS)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_target_evaluates_to_its_formula(rng, text):
    target = TARGETS.build(text).draw(DIM, rng)
    X = rng.standard_normal((20, DIM))
    np.testing.assert_allclose(target(X), FORMULAS[text](target.directions, X), atol=1e-12)


def test_a_file_target_evaluates_to_half_its_form(rng, symmetric_file):
    text, B = symmetric_file
    target = TARGETS.build(text).draw(DIM, rng)
    X = rng.standard_normal((20, DIM))
    np.testing.assert_allclose(target(X), [x @ B @ x / 2 for x in X], atol=1e-12)


def test_drawn_directions_are_standard_normal(rng):
    beta = np.array([SingleIndex().draw(DIM, rng).directions[0] for _ in range(4000)])
    n = beta.size
    assert abs(beta.mean()) <= 5 / np.sqrt(n)
    assert abs(np.mean(beta**2) - 1) <= 5 * np.sqrt(2 / n)


def test_more_directions_extend_fewer():
    two, three = (MultiIndex(k).draw(DIM, np.random.default_rng(2)) for k in (2, 3))
    one = SingleIndex().draw(DIM, np.random.default_rng(2))
    np.testing.assert_array_equal(three.directions[:2], two.directions)
    np.testing.assert_array_equal(two.directions[:1], one.directions)


def test_a_product_is_an_indefinite_form_of_rank_two(rng):
    target = Product().draw(DIM, rng)
    b1, b2 = target.directions
    np.testing.assert_allclose(target.B, np.outer(b1, b2) + np.outer(b2, b1), rtol=1e-14)
    values = np.linalg.eigvalsh(target.B)
    # eigenvalues b1.b2 +- |b1||b2| and zeros
    np.testing.assert_allclose(values[[0, -1]], b1 @ b2 + np.array([-1, 1]) * np.linalg.norm(b1) * np.linalg.norm(b2))
    np.testing.assert_allclose(values[1:-1], 0, atol=1e-12)


def test_constant_and_linear_parts_are_evaluated(rng):
    b, X = rng.standard_normal(DIM), rng.standard_normal((3, DIM))
    np.testing.assert_allclose(QuadraticTarget(2.0, b, np.zeros((DIM, DIM)))(X), 2 + X @ b, rtol=1e-14)


def test_directions_default_to_the_eigenvectors_that_the_form_needs(rng):
    q = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0]
    values = np.array([3.0, -1.0])
    target = QuadraticTarget(0.0, np.zeros(DIM), q[:, :2] @ np.diag(values) @ q[:, :2].T)
    assert target.directions.shape == (2, DIM)
    np.testing.assert_allclose(target.directions @ target.directions.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(
        np.sort(np.einsum("kd,de,ke->k", target.directions, target.B, target.directions)), np.sort(values), atol=1e-12
    )


def test_a_form_of_zero_needs_no_direction():
    assert QuadraticTarget(1.0, np.ones(3), np.zeros((3, 3))).directions.shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, np.zeros(2), np.zeros((3, 3))), "shapes"),
        ((np.nan, np.zeros(2), np.zeros((2, 2))), "finite"),
        ((0.0, np.zeros(2), np.array([[0.0, 1.0], [0.0, 0.0]])), "symmetric"),
    ],
)
def test_what_is_no_quadratic_form_is_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        QuadraticTarget(*arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("multi_index:k=0", "k must be at least 1, got 0"),
        ("multi_index:k=3,weights=1:2", "k=3 directions need 3 weights, got 2"),
    ],
)
def test_impossible_parameters_are_refused(text, message):
    with pytest.raises(InvalidInput, match=message):
        TARGETS.build(text)


def test_a_target_file_is_checked_before_it_is_used(rng, tmp_path):
    np.save(tmp_path / "small.npy", np.eye(2))
    (tmp_path / "text.npy").write_text("not an array")
    np.save(tmp_path / "pickle.npy", np.array([{}]), allow_pickle=True)
    cases = {
        "none.npy": "no file",
        "small.npy": r"shape \(2, 2\)",
        "text.npy": "not a readable .npy",
        "pickle.npy": "not a readable .npy",
    }
    for name, message in cases.items():
        with pytest.raises(InvalidInput, match=message):
            TARGETS.build(f"file:path={tmp_path / name}").draw(DIM, rng)
