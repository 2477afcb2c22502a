"""Fits recover what really trained networks were trained with, and say what their curves do not tell."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from grokode_validate.network import CommitteeMachine

from grokode import Bundle, InvalidInput
from grokode.errors import RunFailed
from grokode.experiment.compose import composition_of
from grokode.overlay.fit import fit
from grokode.overlay.log import TEST, TRAIN, Log, LoggedCurve

D, P, N, TESTS, NOISE = 8, 24, 12, 60, 0.1
STEPS = np.unique(np.rint(np.geomspace(1, 60, 12)).astype(np.int64))


def data(seed):
    rng = np.random.default_rng(seed)
    X, X_test = (rng.standard_normal((n, D)) / np.sqrt(D) for n in (P, TESTS))
    beta = rng.standard_normal(D)
    return {
        "X_train": X, "y_train": (X @ beta) ** 2 / 2 + NOISE * rng.standard_normal(P),
        "W0": rng.standard_normal((N, D)), "X_test": X_test, "y_test": (X_test @ beta) ** 2 / 2,
    }  # fmt: skip


def log_of(arrays, *, alpha, eps, lr, centered=True, resolution=0.0, steps=STEPS):
    """Train a real network, and log it to a relative resolution."""
    machine = CommitteeMachine(alpha=alpha, eps=eps, centered=centered)
    tests = {"points": (arrays["X_test"], arrays["y_test"])}
    W0, X, y = arrays["W0"], arrays["X_train"], arrays["y_train"]
    done = machine.train(W0, X, y, lr=lr, record=steps.tolist(), tests=tests)

    def curve(values):
        return LoggedCurve(step=steps, values=values, resolution=resolution * values, window=np.zeros_like(steps))

    return Log(name="network", origin="", curves={TRAIN: curve(done.loss_train), TEST: curve(done.loss_test["points"])})


def lr_of(dt, alpha):
    return dt * N / alpha**2


# ---- beside a bundle


def fit_bundle(truth, off, *, centered=True, seed=1, resolution=0.0, logs=None, **flags):
    """Fit what is off by a factor in the bundle, to the log of one training."""
    arrays = data(seed)
    logs = logs or [log_of(arrays, centered=centered, resolution=resolution, **truth)]
    stated = {name: value * off.get(name, 1.0) for name, value in truth.items()}
    bundle = Bundle(**arrays, **stated, centered=centered)
    experiment = composition_of(bundle, {"steps": int(STEPS[-1])} | flags).experiment
    return fit(experiment, [bundle], {}, logs, [name for name in ("alpha", "eps", "lr") if name in off])


TRUTH = {"alpha": 0.8, "eps": 0.5, "lr": lr_of(0.2, 0.8)}


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize(
    "off",
    [{"lr": 2}, {"lr": 0.5}, {"alpha": 2}, {"alpha": 0.5}, {"eps": 2}, {"alpha": 2, "eps": 0.5, "lr": 0.5}],
    ids=str,
)
def test_the_parameters_of_a_real_training_are_recovered(centered, off):
    found = fit_bundle(TRUTH, off, centered=centered)
    for name, item in found.parameters.items():
        assert item.value == pytest.approx(TRUTH[name], rel=1e-8)  # log and theory agree to about 1e-12
        low, high = item.intervals[0.99]
        assert low <= TRUTH[name] <= high
        assert high / low - 1 < 1e-6
        assert getattr(found.experiment, name) == item.value
    truth = {name: TRUTH[name] for name in off}
    assert found.region(truth).holds(0.68)
    for factor in (1 - 1e-6, 1 + 1e-6):
        assert not found.region({name: factor * value for name, value in truth.items()}).holds(0.99)


def test_a_start_where_trainings_diverge_within_the_search_does_not_stop_it():
    found = fit_bundle(TRUTH, {"lr": 20.0})  # dt = 4 is far beyond stability
    assert found.parameters["lr"].value == pytest.approx(TRUTH["lr"], rel=1e-8)


def test_digits_that_were_not_logged_widen_the_interval():
    sharp, coarse = (fit_bundle(TRUTH, {"lr": 1.5}, resolution=r).parameters["lr"].intervals for r in (1e-6, 1e-3))
    ratio = np.diff(np.log(coarse[0.99])) / np.diff(np.log(sharp[0.99]))
    assert ratio == pytest.approx([1000], rel=0.01)


def test_several_logs_of_trainings_of_their_own_are_fitted_together():
    several = [data(seed) for seed in (1, 2)]
    logs = [log_of(arrays, **TRUTH) for arrays in several]
    bundles = [Bundle(**arrays, **(TRUTH | {"lr": 3.0}), centered=True) for arrays in several]
    experiment = composition_of(bundles[0], {"steps": 60}).experiment
    found = fit(experiment, bundles, {}, logs, ["lr"])
    assert found.parameters["lr"].value == pytest.approx(TRUTH["lr"], rel=1e-8)
    exchanged = fit(experiment, bundles[::-1], {}, logs[::-1], ["lr"])
    assert exchanged.parameters["lr"].value == pytest.approx(TRUTH["lr"], rel=1e-8)


def test_a_flow_is_fitted_to_a_training_of_small_steps():
    """Both errors are a few parts in a thousand: the flow's promise, and steps of dt = 0.01."""
    truth = TRUTH | {"lr": lr_of(0.01, 0.8)}
    steps = np.unique(np.rint(np.geomspace(1, 1000, 12)).astype(np.int64))
    found = fit_bundle(truth, {"lr": 2.0}, logs=[log_of(data(1), steps=steps, **truth)], optimizer="gradient_flow")
    assert found.parameters["lr"].value == pytest.approx(truth["lr"], rel=0.01)


LARGE = {"alpha": 1e4, "eps": 0.5, "lr": lr_of(0.2, 1e4)}
OFF = {"alpha": 2.0, "eps": 0.8, "lr": 0.3}


def test_a_large_alpha_is_found_where_the_digits_tell_it():
    """Curves differ by 1e-4 from their lazy limit: less than what a wrong step or eps does to them."""
    found = fit_bundle(LARGE, OFF, resolution=1e-8)
    for name, item in found.parameters.items():
        assert item.value == pytest.approx(LARGE[name], rel=1e-4)
        assert item.intervals[0.99][0] < LARGE[name] < item.intervals[0.99][1]


def test_a_larger_alpha_that_the_digits_do_not_tell_is_not_identified():
    truth = LARGE | {"alpha": 1e7, "lr": lr_of(0.2, 1e7)}
    found = fit_bundle(truth, OFF, resolution=1e-6)
    assert [name for name, item in found.parameters.items() if item.intervals is None] == ["alpha", "lr"]
    assert found.parameters["eps"].value == pytest.approx(0.5, rel=1e-5)
    assert found.combinations["lr alpha^2"].value == pytest.approx(0.2 * N, rel=1e-5)
    assert found.region(truth).holds(0.99)


def test_four_points_fit_three_parameters_with_intervals_that_are_numbers():
    log = log_of(data(1), resolution=1e-6, **TRUTH)
    kept = {name: np.array(getattr(log.curves[TEST], name))[[1, 4, 7, 10]] for name in ("step", "values")}
    curve = LoggedCurve(**kept, resolution=1e-6 * kept["values"], window=np.zeros(4, int))
    found = fit_bundle(
        TRUTH, {"alpha": 1.2, "eps": 1.1, "lr": 1.1}, logs=[Log(name="", origin="", curves={TEST: curve})]
    )
    json.dumps(found.to_dict(), allow_nan=False)
    for name, item in found.parameters.items():
        (low, high), (lower, higher) = item.intervals[0.68], item.intervals[0.99]
        assert lower < low < TRUTH[name] < high < higher


# ---- without one: data and weights are of fresh draws


def experiment_of(**flags):
    stated = {"dim": D, "n_train": P, "n_test": TESTS, "width": N, "noise": NOISE, "steps": int(STEPS[-1])}
    return composition_of(None, stated | {"optimizer": "gradient_descent"} | flags).experiment


def trained(count, first=100, **truth):
    return [log_of(data(seed), **truth) for seed in range(first, first + count)]


MODERATE = {"alpha": 1.0, "eps": 0.6, "lr": lr_of(0.15, 1.0)}
LAZY = {"alpha": 100.0, "eps": 0.6, "lr": lr_of(0.3, 100.0)}


@pytest.fixture(scope="module")
def moderate():
    start = {"alpha": 2.0, "eps": 0.3, "lr": 1.5}
    return fit(experiment_of(**start), [], {}, trained(8, **MODERATE), ["alpha", "eps", "lr"], draws=10)


@pytest.fixture(scope="module")
def rate():
    return fit(experiment_of(**MODERATE | {"lr": 4.0}), [], {}, trained(8, **MODERATE), ["lr"], draws=8)


@pytest.fixture(scope="module")
def many():
    return fit(experiment_of(**MODERATE | {"lr": 4.0}), [], {}, trained(40, **MODERATE), ["lr"], draws=40)


def test_the_region_holds_the_truth_and_not_what_is_far_away(moderate):
    assert moderate.source == "seeds"
    assert moderate.region(MODERATE).holds(0.99)
    assert not moderate.region(MODERATE | {"lr": MODERATE["lr"] * 4}).holds(0.99)


def test_intervals_lie_around_the_fit_one_in_the_other_and_hold_the_truth(moderate, rate):
    for found in (moderate, rate):
        told = [(name, item) for name, item in found.parameters.items() if item.intervals is not None]
        assert told
        for name, item in told:
            (low, high), (lower, higher) = item.intervals[0.68], item.intervals[0.99]
            assert lower < low < item.value < high < higher
            assert lower < MODERATE[name] < higher


def test_a_point_ten_standard_errors_away_is_not_held(many):
    low, high = many.parameters["lr"].intervals[0.68]
    error = np.log(high / low) / 2 / np.sqrt(many.region(MODERATE).scatter.limit(0.68, 1))
    value = many.parameters["lr"].value
    for errors, held in ((-10, False), (0, True), (10, False)):
        assert many.region({"lr": value * np.exp(errors * error)}).holds(0.99) is held


def test_the_order_of_the_logs_does_not_matter(rate):
    again = fit(experiment_of(**MODERATE | {"lr": 4.0}), [], {}, trained(8, **MODERATE)[::-1], ["lr"], draws=8)
    assert again.parameters["lr"].value == pytest.approx(rate.parameters["lr"].value, rel=1e-9)
    for level in (0.68, 0.99):
        expected = rate.parameters["lr"].intervals[level]
        assert again.parameters["lr"].intervals[level] == pytest.approx(expected, rel=1e-9)


def test_more_seeds_have_narrower_intervals(rate, many):
    narrower = np.divide(*(np.diff(np.log(f.parameters["lr"].intervals[0.99])) for f in (many, rate)))
    # 0.35 on average: 1 / sqrt(5) from the noise and 2.71 / 3.50 from the limit; a scatter of 8 is right to a quarter
    assert narrower[0] < 0.5
    low, high = many.parameters["lr"].intervals[0.99]
    assert low < MODERATE["lr"] < high


def test_one_log_is_fitted_with_the_scatter_of_the_draws():
    found = fit(experiment_of(**MODERATE | {"lr": 4.0}), [], {}, trained(1, **MODERATE), ["lr"], draws=8)
    assert found.source == "draws"
    low, high = found.parameters["lr"].intervals[0.99]
    assert low < MODERATE["lr"] < high
    assert found.region({"lr": MODERATE["lr"]}).holds(0.99)


def test_lazy_curves_tell_eps_and_lr_alpha_squared_but_not_alpha():
    start = {"alpha": 200.0, "eps": 0.3, "lr": LAZY["lr"] / 8}
    found = fit(experiment_of(**start), [], {}, trained(8, **LAZY), ["alpha", "eps", "lr"], draws=10)
    assert [name for name, item in found.parameters.items() if item.intervals is None] == ["alpha", "lr"]
    told = found.combinations["lr alpha^2"]
    for item, truth in ((found.parameters["eps"], 0.6), (told, 0.3 * N)):
        low, high = item.intervals[0.99]
        assert low < truth < high
    assert told.powers == {"lr": 1.0, "alpha": 2.0}
    assert found.region(LAZY).holds(0.99)
    # what is not told does not count
    assert found.region(LAZY | {"alpha": 1000.0, "lr": LAZY["lr"] / 100}).holds(0.99)
    lines = dict(found.rows())
    assert lines["fit alpha"] == lines["fit lr"] == "not identified by these curves"
    assert re.fullmatch(r"[\d.]+ \(68% [\d.]+ to [\d.]+; 99% [\d.]+ to [\d.]+\)", lines["fit lr alpha^2"])


def test_of_four_parameters_only_products_are_told():
    """The network is the same at alpha c, eps c, lr / c^2 and sigma / c."""
    truth, names = MODERATE | {"sigma": 1.0}, ["alpha", "eps", "lr", "sigma"]
    found = fit(experiment_of(**truth), [], {}, trained(8, **MODERATE), names, draws=10)
    assert not any(item.intervals for item in found.parameters.values())
    assert found.combinations
    for item in found.combinations.values():
        gauge = {"alpha": 1, "eps": 1, "lr": -2, "sigma": -1}
        assert sum(power * gauge[name] for name, power in item.powers.items()) == pytest.approx(0, abs=0.01)
        low, high = item.intervals[0.99]
        assert low < np.prod([truth[name] ** power for name, power in item.powers.items()]) < high
    regions = [found.region(values) for values in (truth, {"alpha": 3.0, "eps": 1.8, "lr": 0.2, "sigma": 1 / 3})]
    distances = [region.score @ np.linalg.pinv(region.scatter.covariance) @ region.score for region in regions]
    assert distances[1] == pytest.approx(distances[0], rel=1e-3)


def test_a_fit_is_plain_data(moderate):
    text = json.dumps(moderate.to_dict(), allow_nan=False)
    assert json.loads(text) == moderate.to_dict()
    assert list(moderate.to_dict()["parameters"]) == ["alpha", "eps", "lr"]
    assert moderate.to_dict()["covariance_from"] == "seeds"


# ---- what is said, and refused


def test_a_long_fit_says_so_once_and_how_it_is_shortened(monkeypatch):
    lines = []
    monkeypatch.setattr("grokode.overlay.fit.LONG", 0.0)
    fit(experiment_of(**MODERATE), [], {}, trained(2, **MODERATE), ["lr"], draws=4, say=lines.append)
    assert len(lines) == 1
    assert "--draws" in lines[0]


def test_where_every_training_diverges_that_is_said_in_one_line():
    with pytest.raises(RunFailed, match="smaller --lr") as caught:
        fit_bundle(TRUTH, {"lr": 1e4})
    assert "\n" not in str(caught.value)


def short(points):
    return LoggedCurve(
        step=STEPS[:points], values=0.9 ** np.arange(points), resolution=np.zeros(points), window=np.zeros(points, int)
    )


@pytest.mark.parametrize(
    ("logs", "names", "draws", "says"),
    [
        (
            [Log(name="", origin="", curves={TRAIN: short(3)})],
            ["alpha", "eps", "lr"],
            64,
            "3 shared points cannot fit 3",
        ),
        ([Log(name="", origin="", curves={TRAIN: short(9)})], ["alpha", "eps", "lr"], 5, "5 draws.*--draws 6 or more"),
        ([Log(name="", origin="", curves={TRAIN: short(9)})] * 8, ["lr"], 64, "two logs hold the same losses"),
        ([Log(name="", origin="", curves={TRAIN: short(9)})], ["eps"], 64, "eps = 0 cannot start"),
    ],
    ids=["few points", "few draws", "the same log", "no start"],
)
def test_a_fit_that_cannot_be_is_refused_in_one_line(logs, names, draws, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        fit(experiment_of(eps=0.0 if names == ["eps"] else 0.5), [], {}, logs, names, draws=draws)
    assert "\n" not in str(caught.value)
