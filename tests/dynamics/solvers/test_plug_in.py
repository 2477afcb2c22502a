"""Our integrator classes as plain methods of scipy.integrate.solve_ivp, on problems with known solutions."""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import grokode
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.risks.jacobian import EmpiricalJacobian, factor_dense
from grokode.dynamics.solvers import structured
from grokode.dynamics.solvers.chebyshev import StabilizedRK
from grokode.dynamics.solvers.structured import StructuredBDF, StructuredRadau

FLOWS = [name for name in OPTIMIZERS if not OPTIMIZERS.load(name).steps]
METHODS = [StructuredBDF, StructuredRadau, StabilizedRK]


@pytest.fixture(params=[0, 150], ids=["structured", "dense"], autouse=True)
def dense(request, monkeypatch):
    """Take each test through either way to solve."""
    monkeypatch.setattr(structured, "DENSE", request.param)


each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)


class DenseJacobian:
    """A Jacobian object around a matrix."""

    def __init__(self, J):
        self._J = J

    def times(self, d):
        return self._J @ d

    def dense(self):
        return self._J

    def factor(self, shift):
        return factor_dense(self._J, shift)


def solve(method, J, y0, t_max, rtol=1e-7):
    return scipy.integrate.solve_ivp(
        lambda t, y: J.times(y), (0, t_max), y0, method=method, jac=lambda t, y: J, rtol=rtol, atol=rtol * 1e-3
    )


@each_method
def test_linear_decay_is_solved(rng, method):
    """dy/dt = -A y with rates from 0.01 to 100: y = exp(-A t) y0."""
    Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    A = Q @ np.diag([0.01, 0.1, 1, 10, 30, 100.0]) @ Q.T
    y0 = rng.standard_normal(6)
    result = solve(method, DenseJacobian(-A), y0, 5.0)
    assert result.status == 0
    assert result.t[-1] == 5.0
    # a hundred times the tolerance: local errors add up over some hundred steps
    np.testing.assert_allclose(result.y[:, -1], scipy.linalg.expm(-5 * A) @ y0, atol=1e-5)


@each_method
def test_one_unknown_is_no_special_case(method):
    result = solve(method, DenseJacobian(np.array([[-2.0]])), np.ones(1), 3.0)
    assert result.y[0, -1] == pytest.approx(np.exp(-6), abs=1e-6)


@each_method
def test_nothing_moves_under_a_zero_jacobian(method):
    result = solve(method, DenseJacobian(np.zeros((3, 3))), np.ones(3), 10.0)
    np.testing.assert_array_equal(result.y[:, -1], 1)


@each_method
def test_growth_is_followed_too(method):
    """A saddle: one mode grows, so that shift I - J may be indefinite for long steps."""
    result = solve(method, DenseJacobian(np.diag([1.0, -1.0])), np.array([1e-3, 1.0]), 5.0)
    np.testing.assert_allclose(result.y[:, -1], [1e-3 * np.exp(5), np.exp(-5)], rtol=1e-4)


@pytest.mark.parametrize(
    ("ours", "scipys", "same"),
    [
        (StructuredBDF, scipy.integrate.BDF, 1e-3),  # it drops Newton updates below 1e-3 of the tolerance
        (StructuredRadau, scipy.integrate.Radau, 1e-6),
    ],
)
def test_the_same_steps_are_taken_as_by_scipys_own(rng, ours, scipys, same):
    """Only the linear algebra is replaced: steps and work agree, and so does the solution."""
    P, r, D = 4, 3, 3
    J = EmpiricalJacobian(rng.standard_normal((P, r)), rng.standard_normal((P, D)), 0.1 * np.eye(D))
    y0, dense = rng.standard_normal(r * D), J.dense()
    options = {"rtol": 1e-6, "atol": 1e-9}
    one = scipy.integrate.solve_ivp(lambda t, y: dense @ y, (0, 20), y0, ours, jac=lambda t, y: J, **options)
    two = scipy.integrate.solve_ivp(lambda t, y: dense @ y, (0, 20), y0, scipys, jac=lambda t, y: dense, **options)
    np.testing.assert_allclose(one.t, two.t, rtol=same)
    np.testing.assert_allclose(one.y[:, -1], two.y[:, -1], atol=1e-3 * same)
    assert one.nlu == two.nlu
    assert one.njev > 0


def test_no_dense_matrix_is_made_by_structured_solves(rng, monkeypatch):
    """The constructor of SciPy's own solver would allocate n x n; ours must not, beyond a few unknowns."""
    monkeypatch.setattr(structured, "DENSE", 8)
    J = EmpiricalJacobian(rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), 0.1 * np.eye(3))
    monkeypatch.setattr(EmpiricalJacobian, "dense", lambda self: pytest.fail("a dense Jacobian was made"))
    for method in METHODS:
        assert solve(method, J, np.ones(9), 2.0, rtol=1e-5).status == 0


def test_the_stabilized_method_needs_few_evaluations_on_stiff_decay():
    """Rates to 1e5 over time 1: a tenth of what stability alone costs an explicit method of 6 stages."""
    rates = np.geomspace(1, 1e5, 8)
    result = solve(StabilizedRK, DenseJacobian(-np.diag(rates)), np.ones(8), 1.0, rtol=1e-5)
    assert result.nfev < 6 * 1e5 / 3 / 10
    np.testing.assert_allclose(result.y[:, -1], np.exp(-rates), atol=1e-3)


@pytest.mark.parametrize("optimizer", [*FLOWS, "gradient_flow:decay_rate=0.05"])
@pytest.mark.parametrize("solver", ["bdf", "radau"])
def test_either_way_to_solve_gives_the_same_run(monkeypatch, optimizer, solver):
    how = {"dim": 5, "n_train": 8, "width": 7, "alpha": 0.7, "eps": 0.3, "dt": 0.1, "times": (1.0, 10.0)}
    runs = []
    for most in (0, 150):
        monkeypatch.setattr(structured, "DENSE", most)
        runs.append(grokode.run(**how, optimizer=optimizer, solver=solver, guard=False, lazy=False))
    np.testing.assert_allclose(runs[0].loss_test_exact, runs[1].loss_test_exact, rtol=1e-6)
    assert runs[0].work.nfev == pytest.approx(runs[1].work.nfev, rel=0.05)
