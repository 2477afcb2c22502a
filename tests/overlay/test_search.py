"""The search of a fit, on misfits that are planted: where it looks, turns back, and what it takes for a slope."""

from __future__ import annotations

import numpy as np
import pytest

from grokode.errors import Diverged, RunFailed
from grokode.experiment.compose import composition_of
from grokode.overlay.misfit import Scatter
from grokode.overlay.search import Search

NAMES = ("alpha", "eps", "lr")
X = np.linspace(0, 1, 9)


class Planted:
    """A misfit without training: ``model`` of (log alpha, log eps, log lr) gives it for each of ``draws``."""

    def __init__(self, model, draws=1, diverges=lambda *_: False):
        self.model, self.draws, self.diverges = model, draws, diverges
        self.evaluations = 0

    size = len(X)

    def whiten(self, experiment):
        if self._diverged(experiment):
            raise Diverged("planted")

    def residuals(self, experiment):
        self.evaluations += 1
        if self._diverged(experiment):
            raise Diverged("planted")
        return np.array([self.model(draw, *self._theta(experiment)) for draw in range(self.draws)])

    def scatter(self, experiment, jacobian, residual):
        return Scatter(covariance=jacobian.T @ jacobian, freedom=20.0, noise=1.0, source="planted")

    def _diverged(self, experiment):
        return self.diverges(*self._theta(experiment))

    @staticmethod
    def _theta(experiment):
        return np.log([experiment.alpha, experiment.eps, experiment.lr])


def search(model, names=NAMES, start=(0.0, 0.0, 0.0), **others):
    flags = {"width": 5, "optimizer": "gradient_descent", "eps": 1.0, "lr": 1.0}
    return Search(Planted(model, **others), composition_of(None, flags).experiment, names, np.array(start))


def curved(draw, a, e, lr):
    """Plant a zero at (0.4, -0.3, 0.6), with terms of second order."""
    a, e, lr = a - 0.4, e + 0.3, lr - 0.6
    return 1e3 * (a * X + e * np.sin(3 * X) + lr * np.cos(5 * X) + 0.3 * a * lr * X**2 + 0.2 * e**2)


def test_the_search_ends_where_the_misfit_is_nothing():
    assert search(curved).solve(np.zeros(3)) == pytest.approx([0.4, -0.3, 0.6], abs=1e-8)


def test_what_is_not_told_stays_at_its_start():
    found = search(lambda draw, a, e, lr: 50 * (2 * a + lr - 1) * np.ones_like(X), start=(0.2, 0.3, 0.1))
    theta = found.solve(np.array([0.2, 0.3, 0.1]))
    # the nearest of all that fit: the start plus 0.5 / 5 of (2, 0, 1); the pull shifts it by 1e-4 of the error
    assert theta == pytest.approx([0.4, 0.3, 0.2], abs=1e-6)


def test_what_is_told_is_moved_by_the_pull_by_a_ten_thousandth_of_its_error():
    error = 1.0
    found = search(lambda draw, a, e, lr: (a - 1) / error / 3 * np.ones_like(X), names=("alpha",), start=(0.0,))
    assert found.solve(np.zeros(1)) == pytest.approx([1 - 1e-4], abs=1e-6)


def test_the_scan_offers_the_start_and_then_points_within_a_factor_ten_the_best_first():
    far = np.array([1.5, -1.5, 2.0])
    start, *others = search(curved, start=far).scan()
    assert np.array_equal(start, far)
    assert np.abs(np.array(others) - far).max() <= np.log(10)
    sizes = [np.linalg.norm(curved(0, *point)) for point in others]
    assert sizes == sorted(sizes)
    assert sizes[0] < np.linalg.norm(curved(0, *start))


def test_the_better_of_two_ends_is_taken():
    def valleys(draw, a, e, lr):
        """Plant a zero at 1, and valleys every 1.5 beside it."""
        return np.r_[300 * (a - 1), 2000 * np.sin(np.pi * (a - 1) / 1.5), np.zeros(len(X) - 2)]

    found = search(valleys, names=("alpha",), start=(0.0,))
    near, far = np.array([1.2]), np.array([-2.2])
    assert abs(found.solve(far)[0] - 1) > 1
    assert found.best([near, far]) == pytest.approx([1.0], abs=1e-6)
    assert found.best([far, near]) == pytest.approx([1.0], abs=1e-6)


# ---- beyond stability


def test_a_start_that_diverges_is_left_for_a_point_that_does_not():
    found = search(curved, start=(0.0, 0.0, 2.5), diverges=lambda a, e, lr: lr > 2)
    points = found.scan()
    assert max(point[2] for point in points) <= 2
    assert found.best(points[:2]) == pytest.approx([0.4, -0.3, 0.6], abs=1e-6)


def test_the_first_stable_point_is_taken():
    found = search(curved, diverges=lambda a, e, lr: lr > 2)
    points = [np.array([0.0, 0.0, lr]) for lr in (3.0, 2.5, 1.5, 1.0)]
    assert found.stable(points) is points[2]
    with pytest.raises(RunFailed, match="smaller --lr"):
        found.stable(points[:2])


def test_where_all_diverge_that_is_said():
    with pytest.raises(RunFailed, match="smaller --lr"):
        search(curved, diverges=lambda *_: True).scan()


def test_divergence_is_worse_than_any_misfit():
    """However small the unit of a misfit makes it look."""
    found = search(lambda *theta: 1e12 * curved(*theta), diverges=lambda a, e, lr: lr > 0.7)
    assert all(point[2] <= 0.7 for point in found.scan())
    assert found.solve(np.zeros(3)) == pytest.approx([0.4, -0.3, 0.6], abs=1e-6)


def test_slopes_at_the_edge_of_stability_are_taken_from_the_stable_side():
    """A point so near the edge that the quotient ahead would cross it."""
    theta = np.array([0.4, -0.3, 0.6])
    inside = search(curved).region(theta).directions.known_errors
    found = search(curved, diverges=lambda a, e, lr: lr > 0.6001)
    assert found.region(theta).directions.known_errors == pytest.approx(inside, rel=0.01)
    assert found.solve(theta - 1e-5) == pytest.approx(theta, abs=1e-7)
    between = search(curved, diverges=lambda a, e, lr: abs(lr - 0.6) > 1e-4)
    with pytest.raises(RunFailed, match="both sides"):
        between.region(theta)


# ---- slopes


def test_the_information_is_that_of_the_derivative():
    theta = np.array([0.4, -0.3, 0.6])
    J = 1e3 * np.column_stack([X, np.sin(3 * X), np.cos(5 * X)])
    found = search(curved).region(theta).directions
    J_norms = np.linalg.eigvalsh(J.T @ J)
    assert np.sort(found.known_errors) == pytest.approx(np.sort(1 / np.sqrt(J_norms)), rel=1e-6)


def test_a_lazy_alpha_has_a_slope_of_its_own_size():
    """alpha at fixed lr alpha^2 moves curves by 1e-5 of what lr does: no more than a quotient of that is wrong by."""

    def lazy(draw, a, e, lr):
        dt = 2 * a + lr
        return 1e9 * (np.sin(3 * dt) * X + dt**2 * X**2 + 1e-5 * np.exp(-a) * np.cos(5 * X) + e * np.sin(9 * X))

    found = search(lazy).region(np.zeros(3)).directions
    others = np.column_stack([X, np.sin(9 * X)])
    bare = np.cos(5 * X) - others @ np.linalg.lstsq(others, np.cos(5 * X), rcond=None)[0]
    # only the small term tells (1, 0, -2) / sqrt(5)
    assert found.known_errors.max() == pytest.approx(np.sqrt(5) / (1e4 * np.linalg.norm(bare)), rel=1e-3)
    assert search(lambda draw, *theta: lazy(draw, *theta) - lazy(draw, 0, 0, 0)).solve(
        np.array([0.1, -0.1, -0.15])
    ) == pytest.approx(np.zeros(3), abs=1e-6)


def test_beside_what_is_told_sharply_a_slight_tilt_of_what_is_not_leaves_it_told():
    """eps alpha^0.00001 is told to 1e-9 and alpha not at all; then eps is told too, and not only that product."""
    found = search(lambda draw, a, e, lr: 1e9 * ((2 * a + lr) * X + (e + 1e-5 * a) * np.sin(9 * X))).region(np.zeros(3))
    told = {name: found.combination({name: 1.0}, np.zeros(3), NAMES).intervals for name in NAMES}
    assert told["alpha"] is told["lr"] is None
    low, high = told["eps"][0.68]
    # 1e-5 of alpha at an error of 100, which the pull leaves it: sqrt(1 / 5) of that is along the unknown direction
    reach = np.sqrt(found.scatter.limit(0.68, 2)) * 1e-5 * 100
    assert np.log(high / low) / 2 == pytest.approx(reach / np.sqrt(5), rel=0.01)


def jumps(*numbers):
    """Return numbers between -1 and 1 that have nothing to do with those of a point nearby."""
    return np.random.default_rng([abs(hash(float(number))) for number in numbers]).uniform(-1, 1, len(X))


def test_what_only_rounding_changes_is_not_told():
    def rounded(draw, a, e, lr):
        return 100 * (2 * a + lr) * X + 100 * e * X**2 + 10 * jumps(a)

    found = search(rounded).region(np.zeros(3)).directions
    assert found.unknown.shape == (3, 1)
    assert np.abs(found.unknown[:, 0] @ [1, 0, -2]) == pytest.approx(np.sqrt(5), rel=1e-9)


def test_a_chaotic_draw_does_not_make_the_slope_its_own():
    """One of 16, which is beyond the edge of stability, jumps with the parameters."""

    def drawn(draw, a, e, lr):
        smooth = 10 * (1 + 0.1 * draw) * (a * X + e * np.sin(3 * X) + lr * np.cos(5 * X))
        return smooth + (5 * jumps(a, e, lr) if draw == 7 else 0)

    def errors(model):
        return search(model, draws=16).region(np.zeros(3)).directions.known_errors

    smooth = errors(lambda draw, *theta: drawn(0, *theta) * (1 + 0.1 * draw))
    assert errors(drawn) == pytest.approx(smooth, rel=0.05)  # without the draw of slope 17 of a mean of 17.5
    found = search(lambda draw, a, e, lr: drawn(draw, a - 0.4, e + 0.3, lr - 0.6), draws=16)
    reached = found.solve(np.zeros(3))
    assert np.linalg.norm(reached - [0.4, -0.3, 0.6]) < 0.2  # its jumps are 5 / 16 in units of slopes of 17


def test_steps_of_a_draw_that_is_steep_but_smooth_do_not_count_either():
    def drawn(draw, a, e, lr):
        return (1e4 if draw == 3 else 10.0) * (a * X + e * np.sin(3 * X) + lr * np.cos(5 * X))

    found = search(drawn, draws=16).region(np.zeros(3)).directions
    alone = search(lambda draw, *theta: drawn(0, *theta)).region(np.zeros(3)).directions
    assert found.known_errors == pytest.approx(alone.known_errors, rel=1e-6)


def test_a_point_is_not_trained_twice_in_a_row():
    found = search(curved)
    found.residual(np.zeros(3))
    found.residual(np.zeros(3))
    assert found._misfit.evaluations == 1
