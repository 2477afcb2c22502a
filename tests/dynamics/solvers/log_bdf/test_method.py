"""The whole solver as a plain method of solve_ivp, on linear problems, whose solution is known, and wrong Jacobians."""

import numpy as np
import pytest
import scipy.integrate

from grokode.dynamics.risks.jacobian import factor_dense
from grokode.dynamics.risks.residuals import Residuals
from grokode.dynamics.solvers.log_bdf import linear
from grokode.dynamics.solvers.log_bdf.method import LogBDF


class DenseJacobian:
    def __init__(self, J):
        self._J = J

    def times(self, d):
        return self._J @ d

    def dense(self):
        return self._J

    def factor(self, shift):
        return factor_dense(self._J, shift)


class Linear:
    """r = B z - y, with a Jacobian that may be told wrong."""

    small = False  # nothing is compiled for it

    def __init__(self, B, y, lie=1.0):
        self.B, self.y, self.lie = B, y, lie
        self.samples, self.n = B.shape
        self.mean_square_label = float(np.mean(y**2))

    def size(self, z):
        return 1e6

    def at(self, z):
        return LinearAt(self, z)


class LinearAt:
    def __init__(self, problem, z):
        self._of, self.residual = problem, problem.B @ z - problem.y
        self.loss = float(np.mean(self.residual**2))
        self.trace = float(np.sum(problem.B**2))

    @property
    def descent(self):
        return self.vjp(-2 / self._of.samples * self.residual)

    def jvp(self, d):
        return self._of.B @ d

    def vjp(self, w):
        return self._of.B.T @ w

    def times(self, d):
        return self.hessian().times(d)

    def kernel(self):
        return np.asfortranarray(self._of.lie * self._of.B @ self._of.B.T)

    def hessian(self):
        return DenseJacobian(-2 / self._of.samples * self._of.lie * self._of.B.T @ self._of.B)

    curvature_at_most = 0.0

    def curvature_norm(self):
        return 0.0


def solve(problem, t_max, t_eval=None, **options):
    options = {"tol": 1e-3, "parameters": 100.0, "relative": 3.0, "age": 8, "single": False, "lag": 0.0, **options}
    evaluations = []

    class Counting(Linear):
        def at(self, z):
            evaluations.append(1)
            return super().at(z)

    counting = Counting(problem.B, problem.y, problem.lie)
    z0 = np.zeros(problem.n)
    result = scipy.integrate.solve_ivp(
        behind(problem, options["lag"]), (0, t_max), z0, LogBDF, t_eval, residuals=lambda dtype: counting, **options
    )
    return result, len(evaluations)


def losses(problem, Z):
    return np.mean((problem.B @ Z - problem.y[:, None]) ** 2, axis=0)


def behind(problem, lag):
    """Return dz/dt, the descent of z - lag dz/dt."""
    H, b = (2 / problem.samples * problem.B.T @ right for right in (problem.B, problem.y))
    return lambda t, z: np.linalg.solve(np.eye(problem.n) - lag * H, b - H @ z)


def exact(problem, t, lag=0.0):
    """Losses of the exact solution, mode by mode."""
    U, s, _ = np.linalg.svd(problem.B, full_matrices=False)
    modes = U.T @ problem.y
    rest = problem.y @ problem.y - modes @ modes
    rates = 2 * s**2 / problem.samples
    left = np.exp(-2 * np.outer(t, rates / (1 - lag * rates))) @ modes**2
    return (left + rest) / problem.samples


def spread(rng, samples, n, low=0.1, high=10.0):
    """A problem whose rates are spread over decades."""
    rank = min(samples, n)
    U = np.linalg.qr(rng.standard_normal((samples, rank)))[0]
    V = np.linalg.qr(rng.standard_normal((n, rank)))[0]
    return Linear((U * np.geomspace(low, high, rank)) @ V.T, rng.standard_normal(samples))


each_shape = pytest.mark.parametrize(("samples", "n"), [(6, 15), (15, 6), (1, 3), (4, 1)])
each_space = pytest.mark.parametrize(("samples", "n"), [(6, 15), (15, 6)])


@each_shape
def test_a_linear_problem_is_solved_over_decades(rng, samples, n):
    problem, t = spread(rng, samples, n), np.geomspace(1e-3, 1e4, 40)
    result, evaluations = solve(problem, t[-1], t)
    assert result.status == 0
    err = np.abs(losses(problem, result.y) - exact(problem, t)) / np.maximum(
        exact(problem, t), 1e-3 * np.mean(problem.y**2)
    )
    assert err.max() <= 3e-3
    assert evaluations < 250


@each_shape
@pytest.mark.parametrize("edge", [0.05, 0.5, 0.95])
def test_a_force_that_lags_is_followed_over_decades(rng, samples, n, edge):
    """Up to close to the edge of stability, where lag times the largest rate is 1; the first steps are far below it."""
    problem, t = spread(rng, samples, n), np.geomspace(1e-3, 1e4, 40)
    lag = edge * samples / (2 * np.linalg.norm(problem.B, 2) ** 2)
    result, _ = solve(problem, t[-1], t, lag=lag)
    assert result.status == 0
    gap = np.abs(losses(problem, result.y) - exact(problem, t, lag))
    assert np.max(gap / np.maximum(exact(problem, t, lag), 1e-3 * np.mean(problem.y**2))) <= 3e-3
    errors = []
    for tol in (1e-3, 1e-4):
        result, _ = solve(problem, t[-1], t, lag=lag, tol=tol)
        errors.append(np.max(np.abs(losses(problem, result.y) - exact(problem, t, lag))))
    assert errors[1] < errors[0] / 2


@each_space
def test_a_smaller_tolerance_gives_a_smaller_error(rng, samples, n):
    problem, t = spread(rng, samples, n), np.geomspace(1e-3, 1e3, 30)
    errors = []
    for tol in (1e-2, 1e-3, 1e-4):
        result, _ = solve(problem, t[-1], t, tol=tol)
        errors.append(np.max(np.abs(losses(problem, result.y) - exact(problem, t))))
    assert errors[0] > 2 * errors[1] > 4 * errors[2]  # of tenths of the tolerance


def test_a_singular_kernel_is_no_obstacle(rng):
    problem = spread(rng, 4, 12)
    twice = Linear(np.vstack([problem.B, problem.B]), np.r_[problem.y, problem.y])
    t = np.geomspace(1e-3, 1e4, 20)
    result, _ = solve(twice, t[-1], t)
    np.testing.assert_allclose(losses(twice, result.y), exact(problem, t), rtol=3e-3, atol=3e-6)


@each_space
@pytest.mark.parametrize("lie", [0.7, 1.5])
def test_a_wrong_jacobian_costs_steps_not_accuracy(rng, samples, n, lie):
    problem, t = spread(rng, samples, n), np.geomspace(1e-3, 1e3, 30)
    honest, cheap = solve(problem, t[-1], t)
    problem.lie = lie
    lying, dear = solve(problem, t[-1], t)
    reference = np.maximum(exact(problem, t), 1e-3 * np.mean(problem.y**2))
    for result in (honest, lying):
        assert np.max(np.abs(losses(problem, result.y) - exact(problem, t)) / reference) <= 3e-3
    assert dear > cheap


def test_the_end_is_met_exactly(rng):
    problem = spread(rng, 5, 8)
    result, _ = solve(problem, 17.25)
    assert result.t[-1] == 17.25


def test_a_start_that_does_not_move_stays(rng):
    problem = Linear(rng.standard_normal((5, 8)), np.zeros(5))
    result, evaluations = solve(problem, 1e6)
    np.testing.assert_array_equal(result.y[:, -1], 0)
    assert evaluations < 60


def test_dense_output_meets_the_steps(rng):
    problem = spread(rng, 5, 8)
    options = {"tol": 1e-3, "parameters": 100.0, "relative": 3.0, "age": 8, "single": False, "lag": 0.0}
    solver = LogBDF(None, 0.0, np.zeros(8), 50.0, residuals=lambda dtype: problem, **options)
    while solver.status == "running":
        old = solver.y
        solver.step()
        dense = solver.dense_output()
        np.testing.assert_allclose(dense(solver.t), solver.y, atol=1e-12)
        np.testing.assert_allclose(dense(solver.t_old), old, atol=1e-12)
        between = np.linspace(solver.t_old, solver.t, 3)
        np.testing.assert_allclose(dense(between)[:, 1], dense(between[1]), rtol=1e-12)


@pytest.mark.parametrize("way", ["compiled", "float64", "float32"])
@pytest.mark.parametrize(("n_train", "width"), [(6, 9), (40, 2)], ids=["through the samples", "through the unknowns"])
def test_the_loss_at_the_end_of_a_step_is_told_to_a_small_part_of_it_or_not_at_all(make_problem, n_train, width, way):
    risk = make_problem(n_train=n_train, width=width, alpha=0.5, eps=0.4).train
    options = {"tol": 1e-3, "parameters": 100.0, "relative": 3.0, "age": 8, "lag": 0.0}
    kind = Residuals if way == "compiled" else Uncompiled
    solver = LogBDF(
        None, 0.0, np.zeros(risk.start.V.size), 1e3,
        residuals=lambda dtype: kind(risk, dtype), single=way == "float32", **options,
    )  # fmt: skip
    small, told = 1e-3 * min(risk.loss(risk.start.V), risk.mean_square_label), set()
    while solver.status == "running":
        solver.step()
        loss = risk.loss(risk.start.V + solver.y.reshape(risk.start.V.shape) / 0.5)
        if not 0.9 * small < loss < 1.1 * small:
            assert (solver.loss is not None) == (loss > small)
        assert solver.loss is None or solver.loss == pytest.approx(loss, rel=3e-4)
        told.add(solver.loss is not None)
    assert told == {True, False}


def test_where_the_force_lags_the_loss_at_the_end_is_not_told(rng):
    problem = spread(rng, 5, 8)
    lag = 0.1 * problem.samples / (2 * np.linalg.norm(problem.B, 2) ** 2)
    options = {"tol": 1e-3, "parameters": 100.0, "relative": 3.0, "age": 8, "single": False, "lag": lag}
    solver = LogBDF(behind(problem, lag), 0.0, np.zeros(8), 50.0, residuals=lambda dtype: problem, **options)
    solver.step()
    assert solver.loss is None


# ---- a saddle


class Well(Linear):
    """r = z^2 - 1: between two minima, z = 0 is left at rate 4; z^2 / (1 - z^2) grows as e^8t."""

    def __init__(self):
        super().__init__(np.ones((1, 1)), np.ones(1))

    def at(self, z):
        return WellAt(self, z)


class WellAt(LinearAt):
    def __init__(self, problem, z):
        self._of, self._z, self.residual = problem, z, z**2 - 1
        self.loss, self.trace = float(self.residual[0] ** 2), float(4 * z[0] ** 2)

    def jvp(self, d):
        return 2 * self._z * d

    def vjp(self, w):
        return 2 * self._z * w

    def hessian(self):
        return DenseJacobian(np.array([[-12 * self._z[0] ** 2 + 4]]))


def leave(z0, t):
    options = {"tol": 1e-3, "parameters": 100.0, "relative": 3.0, "age": 1, "single": False, "lag": 0.0}
    result = scipy.integrate.solve_ivp(
        lambda t, z: None, (0, t[-1]), np.array([z0]), LogBDF, t, residuals=lambda dtype: Well(), **options
    )
    return result.y[0]


def test_a_growing_mode_is_followed_and_not_damped(monkeypatch):
    """When it leaves from 1e-8 is below every tolerance, but a step longer than the growth time would bring it back."""
    t = np.linspace(0, 20, 41)
    grown = 0.01 / 0.99 * np.exp(8 * t)
    np.testing.assert_allclose(leave(0.1, t), np.sqrt(grown / (1 + grown)), atol=3e-3)
    assert leave(1e-8, t)[-1] == pytest.approx(1, abs=1e-3)
    assert leave(0.0, t)[-1] == 0

    class Blind:
        """Solves whatever the signs of the eigenvalues are."""

        def __init__(self, A):
            self._A = A.copy()

        def solve(self, b):
            return np.linalg.solve(self._A, b)

    monkeypatch.setattr(linear, "Cholesky", Blind)
    assert leave(1e-8, t)[-1] < 1e-3


# ---- compiled steps


@pytest.mark.parametrize(("n_train", "width"), [(6, 9), (40, 2)], ids=["through the samples", "through the unknowns"])
def test_compiled_steps_go_where_the_others_go(make_problem, n_train, width):
    """Both have a fresh Jacobian at every step; only the compiled one has the curvature where it is not stiff."""
    risk = make_problem(n_train=n_train, width=width, alpha=0.5, eps=0.4).train
    options = {"tol": 1e-3, "parameters": 100.0, "relative": 100.0, "age": 1, "single": False, "lag": 0.0}
    ended = {}
    for kind in (Residuals, Uncompiled):
        solver = LogBDF(
            None, 0.0, np.zeros(risk.start.V.size), 1e3, residuals=lambda dtype, kind=kind: kind(risk, dtype), **options
        )
        steps = 0
        while solver.status == "running":
            solver.step()
            steps += 1
        ended[kind] = solver.y, steps
    (compiled, steps), (plain, as_many) = ended.values()
    assert np.abs(compiled - plain).max() < 1e-3 * np.abs(plain).max()
    assert abs(steps - as_many) <= 0.1 * as_many


# ---- precision


class Uncompiled(Residuals):
    small = property(lambda self: False, lambda self, value: None)


def test_rounding_that_matters_ends_single_precision(make_problem):
    """Uncentred at alpha 1e4 the predictor is 1e4 times the labels: float32 rounds it by more than is tolerated."""
    ended = {}
    for alpha, centered in ((1.0, True), (1e4, False)):
        risk = make_problem(dim=20, n_train=15, width=30, alpha=alpha, centered=centered).train
        options = {"tol": 3e-3, "parameters": 100.0, "relative": 3.0, "age": 8, "lag": 0.0}
        solvers = {}
        for single in (True, False):
            solver = LogBDF(
                None, 0.0, np.zeros(risk.start.V.size), 1e3,
                residuals=lambda dtype, risk=risk: Uncompiled(risk, dtype), single=single, **options,
            )  # fmt: skip
            while solver.status == "running":
                solver.step()
            assert solver.status == "finished"
            solvers[single] = solver
        ended[alpha] = solvers[True]._precision.single
        floor = min(risk.loss(risk.start.V), risk.mean_square_label)
        at_end = [risk.loss(risk.start.V + s.y.reshape(risk.start.V.shape) / alpha) for s in solvers.values()]
        assert abs(at_end[0] - at_end[1]) <= 3e-3 * max(at_end[1], 1e-3 * floor)
    assert ended == {1.0: True, 1e4: False}
