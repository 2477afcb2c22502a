"""Regions and intervals hold the truth as often as they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from grokode.experiment.compose import composition_of
from grokode.overlay.identification import Directions
from grokode.overlay.log import TRAIN, Log, LoggedCurve
from grokode.overlay.misfit import DrawnMisfit, Scatter, Seeds
from grokode.overlay.region import Combination, Region
from grokode.overlay.search import Search
from grokode.overlay.theory import Theory

# ---- a model whose log losses are linear in log alpha and log eps, with Gaussian scatter: theory without training

STEPS = np.unique(np.rint(np.geomspace(1, 1000, 20)).astype(np.int64))
X = np.linspace(0, 1, len(STEPS))
SLOPES = np.array([X, np.sin(3 * X)])
COMMON = np.array([np.cos(np.pi * k * X) / (2 + 2 * k) for k in range(4)])
"""What moves all points of a curve together: neighbours have correlations above 0.99."""


def log_losses(experiment, draws, rng):
    common = rng.standard_normal((draws, len(COMMON))) @ COMMON
    mean = np.log([experiment.alpha, experiment.eps]) @ SLOPES
    return mean + common + 0.01 * rng.standard_normal((draws, len(X)))


@pytest.fixture
def linear_model(monkeypatch):
    def drawn(experiment, files, steps, draws, executor):
        rng = np.random.default_rng((experiment.seed, 1))
        return [Theory(step=steps, losses={TRAIN: np.exp(row)}) for row in log_losses(experiment, draws, rng)]

    monkeypatch.setattr("grokode.overlay.misfit.drawn_theories", drawn)


def search(seed, *, logs, draws, names):
    """Set up the fit of one synthetic set, each with draws of its own; the truth is alpha = eps = 1."""
    flags = {"width": 5, "optimizer": "gradient_descent", "eps": 1.0, "seed": seed}
    experiment = composition_of(None, flags).experiment
    made = [
        LoggedCurve(step=STEPS, values=np.exp(row), resolution=0 * row, window=np.zeros_like(STEPS))
        for row in log_losses(experiment, logs, np.random.default_rng((seed, 2)))
    ]
    seeds = Seeds.of([Log(name="", origin="", curves={TRAIN: one}) for one in made])
    return Search(DrawnMisfit(seeds, {}, draws), experiment, names, np.zeros(len(names)))


def close_to(level, sets):
    return pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / sets))  # four standard errors


@pytest.mark.usefixtures("linear_model")
@pytest.mark.parametrize(
    ("logs", "draws"), [(8, 8), (5, 16), (2, 24)], ids=["as many draws", "fewest logs", "scatter of draws"]
)
def test_the_joint_region_holds_the_truth_as_often_as_it_says(logs, draws):
    """Exact for Gaussian scatter: units of few draws, correlations and the small number of logs cost nothing."""
    sets = 300
    regions = [search(i, logs=logs, draws=draws, names=("alpha", "eps")).region(np.zeros(2)) for i in range(sets)]
    for level in (0.68, 0.99):
        assert np.mean([region.holds(level) for region in regions]) == close_to(level, sets)


@pytest.mark.usefixtures("linear_model")
def test_the_interval_of_one_parameter_holds_the_truth_as_often_as_it_says():
    sets, held = 250, []
    for index in range(sets):
        fitted = search(index, logs=6, draws=16, names=("eps",))
        theta = fitted.solve(np.array([0.3]))
        found = fitted.region(theta).combination({"eps": 1.0}, theta, ("eps",)).intervals
        held.append([low <= 1.0 <= high for low, high in (found[0.68], found[0.99])])
    assert np.mean(held, axis=0) == pytest.approx([0.68, 0.99], abs=4 * np.sqrt(0.68 * 0.32 / sets))
    assert np.mean(held, axis=0)[1] == close_to(0.99, sets)


@pytest.mark.usefixtures("linear_model")
def test_intervals_of_two_are_joint_so_that_each_holds_its_truth_more_often():
    held = []
    for index in range(120):
        fitted = search(index, logs=8, draws=16, names=("alpha", "eps"))
        theta = fitted.solve(np.array([0.2, -0.2]))
        region = fitted.region(theta)
        low, high = region.combination({"eps": 1.0}, theta, ("alpha", "eps")).intervals[0.68]
        held.append(low <= 1.0 <= high)
    assert np.mean(held) > 0.765  # 0.85 for two Gaussian numbers of many seeds; 0.68 and two standard errors are 0.765


# ---- planted numbers

NAMES = ("alpha", "eps", "lr")


def planted(information, covariance=None, *, score=None, freedom=7.0, noise=0.1):
    """Plant a region, with the scatter of scores that the information says unless another is given."""
    information = np.array(information, dtype=float)
    covariance = noise * information if covariance is None else covariance
    return Region(
        score=np.zeros(len(information)) if score is None else np.array(score, dtype=float),
        scatter=Scatter(covariance=covariance, freedom=freedom, noise=noise, source="seeds"),
        directions=Directions.of(information / noise),
    )


def test_the_variance_is_that_of_scores_over_the_information():
    rng = np.random.default_rng(4)
    J = rng.standard_normal((9, 3)) * 10
    spread = rng.standard_normal((9, 9))
    covariance = J.T @ spread @ spread.T @ J
    inverse = np.linalg.inv(J.T @ J)
    c = np.array([2.0, 0.0, 1.0])
    found = planted(J.T @ J, covariance).variance(c)
    assert found == pytest.approx(c @ inverse @ covariance @ inverse @ c, rel=1e-10)


def test_an_interval_reaches_the_root_of_the_limit_times_the_variance_to_both_sides():
    region = planted(np.diag([400.0, 100.0, 25.0]))
    theta = np.log([2.0, 0.5, 3.0])
    found = region.combination({"alpha": 2.0, "lr": 1.0}, theta, NAMES)
    sigma = np.sqrt(0.1 * (2**2 / 400 + 1 / 25))
    assert found.value == pytest.approx(12.0, rel=1e-14)
    for level in (0.68, 0.99):
        reach = np.sqrt(region.scatter.limit(level, 3)) * sigma
        assert np.log(found.intervals[level]) - np.log(12) == pytest.approx([-reach, reach], rel=1e-12)


def test_a_score_is_held_up_to_the_limit_in_units_of_its_scatter():
    information = np.diag([400.0, 100.0, 25.0])
    limit = planted(information).scatter.limit(0.68, 3)
    for factor, held in ((0.999, True), (1.001, False)):
        score = [0, np.sqrt(factor * limit * 0.1 * 100), 0]
        assert planted(information, score=score).holds(0.68) is held
        assert planted(information, score=score).holds(0.99)


LAZY = 400 * np.outer([2, 0, 1], [2, 0, 1]) + 400 * np.outer([0, 1, 0], [0, 1, 0])


def test_scores_along_directions_that_are_not_told_do_not_count():
    region = planted(LAZY, score=1e6 * np.array([1, 0, -2]))
    assert region.holds(0.68)
    assert not planted(LAZY, score=[0, 1e6, 0]).holds(0.99)


def test_where_nothing_is_told_everything_is_held():
    region = planted(np.zeros((3, 3)), score=[1.0, 2, 3])
    assert region.holds(0.68)
    assert region.combination({"eps": 1.0}, np.zeros(3), NAMES).intervals is None
    assert region.products(NAMES) == []


def test_lazy_curves_tell_eps_and_one_product():
    region, theta = planted(LAZY), np.log([100.0, 0.5, 2e-4])
    assert [region.combination({n: 1.0}, theta, NAMES).intervals is not None for n in NAMES] == [False, True, False]
    assert region.products(NAMES) == [{"alpha": pytest.approx(2.0), "lr": 1.0}]


def test_exponents_are_rounded_to_halves_where_that_says_as_much():
    def told(power):
        """Plant alpha^power lr, told to an error of 0.016, beside a direction with an error of 2."""
        known, other = np.array([power, 1.0]), np.array([1.0, -power])
        return planted(400 * np.outer(known, known) + 0.1 / 2.0**2 * np.outer(other, other) / (other @ other))

    assert told(2.004).products(("alpha", "lr")) == [{"alpha": 2.0, "lr": 1.0}]  # adds 0.004 to the error
    assert told(2.2).products(("alpha", "lr")) == [{"alpha": pytest.approx(2.2, rel=1e-3), "lr": 1.0}]  # 0.17


def test_a_combination_is_plain_data():
    known = Combination(powers={"lr": 1.0}, value=2.0, intervals={0.68: (1.0, 4.0), 0.99: (0.5, 8.0)})
    unknown = Combination(powers={"lr": 1.0}, value=2.0, intervals=None)
    assert json.loads(json.dumps(known.to_dict(), allow_nan=False)) == {
        "value": 2.0, "identified": True, "intervals": {"0.68": [1.0, 4.0], "0.99": [0.5, 8.0]},
    }  # fmt: skip
    assert unknown.to_dict() == {"value": 2.0, "identified": False, "intervals": None}
