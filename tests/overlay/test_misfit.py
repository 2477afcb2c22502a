"""The misfit of a fit: what it looks at, its units, and how far chance takes it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from grokode import Bundle, InvalidInput
from grokode.experiment.compose import composition_of
from grokode.overlay.draws import drawn_theories
from grokode.overlay.log import TEST, TRAIN, Log, LoggedCurve
from grokode.overlay.misfit import EXACT, FLAT, PROMISED, SPARE, DrawnMisfit, GivenMisfit, Scatter, Seeds
from grokode.overlay.theory import Theory


def curve(step, values, resolution=0.0, window=0):
    step, values = np.array(step), np.array(values, dtype=float)
    wide = np.broadcast_to(resolution, step.shape)
    return LoggedCurve(step=step, values=values, resolution=wide, window=np.broadcast_to(window, step.shape))


def log_of(**curves):
    return Log(name="log", origin="test", curves=curves)


# ---- what is looked at


def test_seeds_hold_the_log_losses_of_the_shared_steps_after_the_start():
    one = log_of(loss_train=curve([0, 2, 4, 6], [9, 8, 7, 6]), loss_test=curve([2, 5], [3, 2]))
    two = log_of(loss_test=curve([2, 3, 5], [5, 4, 1]), loss_train=curve([0, 4, 5, 6], [4, 3, 2, 1]))
    seeds = Seeds.of([one, two])
    assert {name: found.step.tolist() for name, found in seeds.curves.items()} == {TRAIN: [4, 6], TEST: [2, 5]}
    assert np.exp(seeds.values) == pytest.approx(np.array([[7, 6, 3, 2], [3, 1, 5, 1]]), rel=1e-15)


def test_a_loss_that_one_log_does_not_hold_is_left_out():
    both = log_of(loss_train=curve([1, 2], [2, 1]), loss_test=curve([1, 2], [4, 3]))
    assert list(Seeds.of([both, log_of(loss_train=curve([1, 2], [2, 1]))]).curves) == [TRAIN]


def test_of_many_points_at_most_24_count_evenly_in_log_step_with_both_ends():
    step = np.arange(100_001)
    found = Seeds.of([log_of(loss_train=curve(step, 1 / (1.0 + step)))]).curves[TRAIN].step
    assert (len(found), found[0], found[-1]) == (24, 1, 100_000)
    ratios = np.diff(np.log(found[found > 50]))  # below, whole steps are further apart than the grid
    assert ratios == pytest.approx(np.log(1e5) / 23, rel=0.02)


@pytest.mark.parametrize(
    ("values", "resolution", "kept"),
    [
        ([1, 0.1, 1e-9, 1e-11, 1e-3], 0.0, [1, 2, 3, 5]),  # 1e-10 of the largest: below is rounding
        ([1, 0.1, 0.0, 1e-2, 1e-3], 0.0, [1, 2, 4, 5]),
        ([1, 0.1, 0.01, 1e-2, 1e-3], 4e-3, [1, 2, 3, 4]),
        ([1, 0.1, 0.02, 1e-2, 1e-3], [0, 0.06, 0, 0, 0], [1, 3, 4, 5]),
        ([0.0, 0.1, 0.02, 1e-2, 0.0], 1e-4, [2, 3, 4]),
    ],
)
def test_points_below_the_floor_or_their_own_resolution_in_any_log_do_not_count(values, resolution, kept):
    step = [1, 2, 3, 4, 5]
    bad, good = curve(step, values, resolution), curve(step, np.full(5, 0.5))
    seeds = Seeds.of([log_of(loss_train=good), log_of(loss_train=bad)])
    assert seeds.curves[TRAIN].step.tolist() == kept
    assert np.isfinite(seeds.values).all()


def test_resolution_is_the_root_mean_square_relative_one_of_the_points_that_count():
    seeds = Seeds.of([log_of(loss_train=curve([0, 1, 2], [5.0, 1.0, 0.5], [1.0, 0.03, 0.02]))])
    assert seeds.resolution == pytest.approx(np.sqrt((0.03**2 + 0.04**2) / 2), rel=1e-14)


@pytest.mark.parametrize(
    "logs",
    [
        [log_of(loss_train=curve([1], [1.0]))],
        [log_of(loss_train=curve([0, 1], [1.0, 0.5]))],
        [log_of(loss_train=curve([1, 2, 3], [1.0, 1.0, 1.0], 0.9))],
        [log_of(loss_train=curve([1, 2], [1.0, 0.0]))],
        [log_of(loss_train=curve([1, 2, 3], [1.0, 0.5, 0.2])), log_of(loss_train=curve([3, 4, 5], [1.0, 0.5, 0.2]))],
        [log_of(loss_train=curve([1, 2], [1.0, 0.5])), log_of(loss_test=curve([1, 2], [1.0, 0.5]))],
    ],
    ids=["one point", "the start", "coarse", "zero", "other steps", "other losses"],
)
def test_logs_that_share_too_little_are_refused_in_one_line(logs):
    with pytest.raises(InvalidInput) as caught:
        Seeds.of(logs)
    assert "\n" not in str(caught.value)


def test_a_theory_is_read_as_the_logs_were_written():
    logged = {TEST: curve([4, 6], [1, 1]), TRAIN: curve([2, 5], [1, 1], window=[2, 3])}
    seeds = Seeds.of([log_of(**logged)])
    losses = np.random.default_rng(0).random((2, 7))
    known = Theory(step=np.arange(7), losses=dict(zip((TRAIN, TEST), losses, strict=True)))
    expected = [losses[1, 4], losses[1, 6], losses[0, 0:2].mean(), losses[0, 2:5].mean()]
    assert np.exp(seeds.of_theory(known)) == pytest.approx(expected, rel=1e-14)


def test_a_loss_without_a_theory_is_refused():
    seeds = Seeds.of([log_of(loss_test=curve([1, 2], [1, 1]))])
    with pytest.raises(InvalidInput, match="no loss_test; give --n-test"):
        seeds.of_theory(Theory(step=np.arange(3), losses={TRAIN: np.ones(3)}))


# ---- how far chance takes scores


def scatter(freedom, **others):
    return Scatter(covariance=np.eye(3), freedom=freedom, noise=1.0, source="", **others)


@pytest.mark.parametrize("q", [1, 2, 3])
@pytest.mark.parametrize("level", [0.68, 0.99])
def test_the_limit_is_that_of_the_squared_distance_in_units_of_an_estimated_covariance(q, level, rng):
    """Of q Gaussian numbers, the covariance from 8 others of the same law: 100,000 times."""
    sets = 100_000
    x, others = rng.standard_normal((sets, q)), rng.standard_normal((sets, 8, q))
    others -= others.mean(axis=1, keepdims=True)
    covariance = np.einsum("ski,skj->sij", others, others) / 7
    distance = np.einsum("si,si->s", x, np.linalg.solve(covariance, x[..., None])[..., 0])
    held = np.mean(distance <= scatter(7).limit(level, q))
    assert held == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / sets))  # four standard errors


def test_the_limit_of_one_score_is_that_of_student_and_of_many_seeds_that_of_chi_squared():
    assert scatter(7).limit(0.99, 1) == pytest.approx(scipy.stats.t.ppf(0.995, 7) ** 2, rel=1e-9)
    assert scatter(1e7).limit(0.68, 3) == pytest.approx(scipy.stats.chi2.ppf(0.68, 3), rel=1e-5)


@pytest.mark.parametrize("freedom", [1, 2, 9])
def test_where_only_the_scale_is_estimated_the_limit_is_that_of_fisher(freedom):
    """Finite for one degree of freedom too, where a whole covariance could not be estimated."""
    found = scatter(freedom, known_shape=True).limit(0.99, 3)
    assert found == pytest.approx(3 * scipy.stats.f.ppf(0.99, 3, freedom), rel=1e-12)


# ---- fresh draws

STEPS = np.array([2, 8, 30])
SMALL = {
    "dim": 4, "n_train": 12, "n_test": 10, "width": 6, "noise": 0.1, "eps": 0.4, "optimizer": "gradient_descent",
    "dt": 0.2, "steps": 30,
}  # fmt: skip


def experiment(**flags):
    return composition_of(None, SMALL | flags).experiment


@pytest.fixture(scope="module")
def fresh():
    """Logs of 120 draws of the model that are none of those of the theory."""
    drawn = drawn_theories(experiment(seed=99), {}, STEPS, 120)
    return [log_of(**{name: curve(STEPS, values) for name, values in one.losses.items()}) for one in drawn]


@pytest.fixture(scope="module")
def whitened(fresh):
    misfit = DrawnMisfit(Seeds.of(fresh[:8]), {}, 200)
    misfit.whiten(experiment())
    return misfit


def test_the_misfit_is_the_mean_of_the_logs_less_that_of_the_draws(fresh):
    seeds = Seeds.of(fresh[:8])
    drawn = np.array([seeds.of_theory(one) for one in drawn_theories(experiment(alpha=1.2), {}, STEPS, 5)])
    found = DrawnMisfit(seeds, {}, 5).residuals(experiment(alpha=1.2))  # not whitened yet
    assert found.mean(axis=0) == pytest.approx(seeds.values.mean(axis=0) - drawn.mean(axis=0), abs=1e-13)


def test_its_units_are_what_one_training_scatters_by_with_no_correlation_left(whitened):
    """Correlations of the points of a curve included, which are above 0.9 here: the units are not point by point."""
    found = np.cov(whitened.residuals(experiment()).T)
    drawn = np.array([whitened._seeds.of_theory(one) for one in drawn_theories(experiment(), {}, STEPS, 200)])
    assert np.corrcoef(drawn.T)[0, 1] > 0.9
    values = np.linalg.eigvalsh(np.cov(drawn.T))
    expected = np.diag(np.minimum(1, values / (FLAT * values[-1])))  # narrower directions count as no narrower
    assert np.linalg.norm(found - expected) < 1e-9


def test_fresh_sets_of_the_model_have_a_misfit_of_unit_variance(fresh, whitened):
    logs = Seeds.of(fresh).values
    each = (logs - logs.mean(axis=0)) @ whitened._whitening
    drawn = np.diag(np.cov(whitened.residuals(experiment()).T))
    wide = drawn > 0.99  # not below the floor
    assert wide.sum() >= 3
    # 120 logs, in units of 200 draws: two variances with relative errors 0.13 and 0.10, more for heavy tails
    assert each.var(axis=0, ddof=1)[wide] == pytest.approx(1, abs=0.6)
    assert (each.var(axis=0, ddof=1)[~wide] < 1.1).all()


def test_narrow_directions_count_as_no_narrower_than_a_thousandth_of_the_variance():
    seeds = Seeds.of([log_of(loss_train=curve(STEPS, [1, 1, 1]))])
    misfit = DrawnMisfit(seeds, {}, 50)
    misfit.whiten(experiment())
    drawn = np.array([seeds.of_theory(one) for one in drawn_theories(experiment(), {}, STEPS, 50)])
    largest = np.linalg.eigvalsh(np.cov(drawn.T))[-1]
    stretched = np.linalg.norm(misfit._whitening, axis=0)
    assert stretched.max() <= (1 + 1e-12) / np.sqrt(FLAT * largest)


@pytest.mark.parametrize("p", [1, 2])
def test_scores_scatter_as_those_of_the_single_logs_over_both_means(fresh, whitened, p, rng):
    J = rng.standard_normal((whitened.size, p))
    logs = Seeds.of(fresh[:8]).values
    scores = (logs - logs.mean(axis=0)) @ whitened._whitening @ J
    found = whitened.scatter(experiment(), J, np.zeros(whitened.size))
    expected = (scores.T @ scores / 7) * (1 / 8 + 1 / 200)  # a mean of 8 logs less one of 200 draws
    assert found.covariance == pytest.approx(expected, rel=1e-12)
    assert (found.freedom, found.source, found.known_shape) == (7, "seeds", False)
    assert found.noise == pytest.approx(1 / 8 + 1 / 200, rel=1e-15)


@pytest.mark.parametrize(("logs", "source", "freedom"), [(2 + SPARE, "seeds", 4), (1 + SPARE, "draws", 19)])
def test_with_few_logs_the_scatter_is_that_of_draws(fresh, logs, source, freedom):
    misfit = DrawnMisfit(Seeds.of(fresh[:logs]), {}, 20)
    misfit.whiten(experiment())
    found = misfit.scatter(experiment(), np.eye(misfit.size)[:, :2], np.zeros(misfit.size))
    assert (found.source, found.freedom) == (source, freedom)


def test_draws_that_whiten_do_not_tell_their_own_scatter(fresh):
    """Twelve draws whiten six points so well that they scatter by one, where others scatter far more."""
    misfit = DrawnMisfit(Seeds.of(fresh[:1]), {}, 12)
    misfit.whiten(experiment())
    J = np.eye(misfit.size)
    their_own = np.trace(np.cov(misfit.residuals(experiment()).T))
    found = np.trace(misfit.scatter(experiment(), J, np.zeros(misfit.size)).covariance) / (1 + 1 / 12)
    assert their_own <= misfit.size + 1e-9
    assert found > 1.5 * their_own


# ---- given trainings


@pytest.fixture(scope="module")
def bundles():
    found = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((9, 4)), rng.standard_normal(9)
        found.append(Bundle(X_train=X, y_train=y, W0=rng.standard_normal((5, 4)), alpha=1, eps=0.3, lr=0.2, centered=1))
    return found


def given(bundles, logs, **flags):
    chosen = composition_of(bundles[0], {"steps": 30} | flags).experiment
    misfit = GivenMisfit(Seeds.of(logs), bundles, {})
    misfit.whiten(chosen)
    return misfit, chosen


def trained(bundle, factor=1.0, **flags):
    """Log a training as the theory has it, times a factor."""
    _, chosen = given([bundle], [log_of(loss_train=curve(STEPS, [1, 1, 1]))], **flags)
    misfit = GivenMisfit(Seeds.of([log_of(loss_train=curve(STEPS, [1, 1, 1]))]), [bundle], {})
    return log_of(loss_train=curve(STEPS, factor * np.exp(-misfit.residuals(chosen)[0])))


@pytest.mark.parametrize(
    ("resolution", "flags", "unit"),
    [(0.0, {}, EXACT), (0.0, {"optimizer": "gradient_flow"}, PROMISED), (1e-3, {}, 1e-3)],
)
def test_the_unit_is_the_coarser_one_of_log_and_theory(bundles, resolution, flags, unit):
    exact = trained(bundles[0], **flags).curves[TRAIN].values
    off = log_of(loss_train=curve(STEPS, exact * np.exp(5 * unit), resolution * exact * np.exp(5 * unit)))
    misfit, chosen = given(bundles[:1], [off], **flags)
    assert misfit.residuals(chosen) == pytest.approx(np.full((1, 3), 5.0), rel=1e-5)  # rounding over 1e-9


def test_one_bundle_is_for_all_logs_and_several_are_one_for_each(bundles):
    logs = [trained(bundle) for bundle in bundles]
    misfit, chosen = given(bundles, logs)
    assert misfit.residuals(chosen).shape == (1, misfit.size) == (1, 6)
    assert np.abs(misfit.residuals(chosen)).max() < 1e-3  # of 1e-9
    swapped, _ = given(bundles[::-1], logs)
    assert np.abs(swapped.residuals(chosen)).min() > 1e3
    twice, _ = given(bundles[:1], [logs[0], trained(bundles[0], 1 + 1e-9)])
    assert twice.residuals(chosen)[0] == pytest.approx([0, 0, 0, 1, 1, 1], abs=1e-3)


@pytest.mark.parametrize(("size", "expected"), [(0.1, 1.0), (3.0, 9.0)])
def test_points_scatter_by_what_the_best_fit_leaves_and_never_less_than_their_unit(bundles, rng, size, expected):
    misfit, chosen = given(bundles[:1], [trained(bundles[0])])
    J = rng.standard_normal((4000, 2))
    noise = size * rng.standard_normal(4000)
    found = misfit.scatter(chosen, J, noise + J @ [300.0, -20.0])  # what another point of the fit explains is no noise
    assert found.noise == pytest.approx(expected, rel=0.1)  # 4000 points: 0.022
    assert found.covariance == pytest.approx(found.noise * J.T @ J, rel=1e-12)
    assert (found.freedom, found.source, found.known_shape) == (3998, "points", True)
