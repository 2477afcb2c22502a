"""The report on an initial kernel: its numbers are those of runs and of matrices written out by hand."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest

import grokode
from grokode import InvalidInput, memory
from grokode.experiment import averages, examine
from grokode.experiment.exporting import export
from grokode.lazy import linearized

SMALL = {"dim": 4, "n_train": 7, "n_test": 5, "width": 6, "eps": 0.5, "alpha": 0.8}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "uncentred": {"centered": False},
    "noise": {"noise": 0.4},
    "infinite width": {"width": math.inf},
    "infinite data": {"n_train": math.inf},
    "no test points": {"n_test": 0},
    "labels of the kernel": {"target": "kernel_eigenvector:k=3"},
    "covariance": {"covariance": 0.3},
    "nothing to learn": {"target": "single_index:scale=0"},
    "one point": {"n_train": 1},
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    parameters = SMALL | CASES[request.param]
    return parameters, grokode.kernel(**parameters, draws=0)


def by_hand(problem: Any, X1: Any, X2: Any) -> Any:
    """Return the kernel at the start between two sets of points."""
    eps, start = problem.network.eps, problem.start
    return (X1 @ X2.T) * (1 + eps * np.add.outer(X1 @ start.wbar, X2 @ start.wbar) + eps**2 * X1 @ start.M @ X2.T)


# ---- beside a run


def test_a_report_says_what_a_run_says(case):
    parameters, report = case
    run = grokode.run(**parameters, t_max=1, points=3, lazy=True)
    at_start = {name: curve.values[0] for name, curve in run.curves.items() if name.startswith("alignment")}
    assert report.alignments == pytest.approx(at_start, rel=1e-12)
    regression = report.regressions["ridgeless"]
    found = (regression.loss_exact, regression.loss_sample)
    assert found == tuple(run.summary[f"kernel_regression_loss_{name}"] for name in ("exact", "sample"))
    assert (report.sample and report.sample.condition) == run.summary["kernel_condition"]
    assert (report.sample and len(report.sample.eigenvalues)) == run.summary["kernel_rank"]


def test_a_report_is_plain_data_without_nan(case):
    _, report = case
    plain = report.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["schema"] == "grokode.kernel/1"
    assert set(plain) == {
        "schema", "experiment", "sample", "levels", "spectrum", "alignments", "regressions", "learning_curve",
        "average_curve", "plateau", "samples_to_reach", "ridge", "seconds", "versions",
    }  # fmt: skip


def test_every_table_is_rectangular_and_has_something_to_say(case):
    _, report = case
    tables = report.tables()
    assert tables
    for table in tables:
        assert len({len(row) for row in table}) == 1
        assert len(table) > 1
        assert all(isinstance(cell, str) for row in table for cell in row)


def test_tables_say_what_the_report_holds():
    report = grokode.kernel(**SMALL, ridge=0.1, sizes=[3, 9], draws=3)
    facts, levels, regressions, curve = report.tables()
    rows = dict(facts)
    sample = report.sample
    assert rows["rank on the training set"] == f"{len(sample.eigenvalues)} of 7"
    assert float(rows["condition"]) == pytest.approx(sample.condition, rel=1e-3)
    assert float(rows["difficulty of the task"]) == pytest.approx(sample.difficulty, rel=1e-3)
    assert float(rows["lazy train loss, at the end"]) == pytest.approx(sample.floor, rel=1e-3)
    assert float(rows["of the start, never learned by regression"]) == pytest.approx(report.spectrum.outside, rel=1e-3)
    assert float(rows["lazy test loss, at the end, on average"]) == pytest.approx(report.plateau.loss_test, rel=1e-3)
    for part in (0.5, 0.1):
        assert rows[f"P at which regression is at {part:.0%} of the start"] == str(report.samples_to_reach[part])
    for name, value in report.alignments.items():
        assert float(rows[name]) == pytest.approx(value, rel=1e-3)
    assert [row[:3] for row in levels[1:]] == [(f"{v:.4g}", str(n), f"{p:.4g}") for v, n, p in report.levels]
    assert sum(int(row[4]) for row in levels[1:]) == 7
    assert regressions[0] == ("kernel regression", "ridgeless", "given", "best", "gcv")
    ridges, losses = regressions[1], regressions[2]
    assert (ridges[0], losses[0]) == ("ridge", "test loss (exact)")
    for name, ridge, loss in zip(regressions[0][1:], ridges[1:], losses[1:], strict=True):
        assert float(ridge) == pytest.approx(report.regressions[name].ridge, rel=1e-3)
        assert float(loss) == pytest.approx(report.regressions[name].loss_exact, rel=1e-3)
    named = {row[0].strip(): row[1] for row in regressions}
    ridgeless = report.regressions["ridgeless"]
    terms = ridgeless.terms
    assert float(named["variance error"]) == pytest.approx(terms.variance_error, rel=1e-3)
    assert float(named["misalignment error"]) == pytest.approx(terms.misalignment_error, rel=1e-3)
    assert float(named["power in linear modes"]) == pytest.approx(terms.linear_power, rel=1e-3)
    assert float(named["test loss (test points)"]) == pytest.approx(ridgeless.loss_sample, rel=1e-3)
    assert [row[0] for row in curve[1:]] == ["3", "9"]
    for row, (theory, drawn) in zip(curve[1:], report.learning_curve, strict=True):
        shown = [float(cell) for cell in row[1:]]
        assert shown == pytest.approx([theory.loss_test, drawn.loss_test, drawn.standard_error], rel=0.05)


def test_more_levels_than_fit_are_counted():
    report = grokode.kernel(**SMALL, draws=0)
    many = dataclasses.replace(report, levels=[*report.levels] * 4)
    table = many.tables()[1]
    assert len(table) == 8
    assert table[-1] == ("6 more", "", "", "", "")


# ---- by hand


def test_the_sample_is_the_kernel_s_matrix_over_P():
    report, problem = grokode.kernel(**SMALL, draws=0), grokode.problem(**SMALL)
    X, y = problem.train.data.X, problem.train.data.y
    K = by_hand(problem, X, X)
    sample = report.sample
    assert sample.n_train == 7
    assert sample.eigenvalues == pytest.approx(np.linalg.eigvalsh(K)[::-1] / 7, rel=1e-8)
    assert sample.difficulty == pytest.approx(y @ np.linalg.solve(K, y), rel=1e-8)
    assert 0 < sample.cut < 1e-10 * sample.eigenvalues[0]
    assert sample.floor < 1e-20


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.02, 3.0])
def test_a_given_ridge_stands_on_the_diagonal(centered, ridge):
    parameters = SMALL | {"centered": centered}
    report, problem = grokode.kernel(**parameters, ridge=ridge, draws=0), grokode.problem(**parameters)
    train, test = problem.train.data, problem.tests["sample"].data
    residual, at_test = (
        (0.0 if centered else problem.start.outputs(problem.network, data.X)) - data.y for data in (train, test)
    )
    weights = np.linalg.solve(by_hand(problem, train.X, train.X) + ridge * np.eye(7), residual)
    given = report.regressions["given"]
    assert given.ridge == ridge
    assert given.loss_sample == pytest.approx(
        np.mean((at_test - by_hand(problem, test.X, train.X) @ weights) ** 2), rel=1e-7
    )
    assert given.loss_train == pytest.approx(np.mean((ridge * weights) ** 2), rel=1e-7, abs=1e-20)
    assert given.terms.total == pytest.approx(given.loss_exact, rel=1e-10)
    assert given.residual < 1e-10


def test_the_best_ridge_is_best_and_cross_validation_needs_no_test_loss():
    noisy = SMALL | {"noise": 1.0, "n_train": 30}
    regressions = grokode.kernel(**noisy, ridge=0.5, draws=0).regressions
    assert list(regressions) == ["ridgeless", "given", "best", "gcv"]
    assert regressions["best"].loss_exact == min(one.loss_exact for one in regressions.values())
    assert 0 < regressions["best"].ridge != regressions["gcv"].ridge
    problem = grokode.problem(**noisy)
    on_grid = [grokode.lazy.kernel_regression(problem, ridge).loss_exact for ridge in np.geomspace(1e-6, 1e4, 41)]
    assert regressions["best"].loss_exact <= min(on_grid)
    on_points = grokode.kernel(**noisy | {"target": "kernel_eigenvector:k=3"}, draws=0).regressions
    assert on_points["best"].loss_sample == min(one.loss_sample for one in on_points.values())


# ---- over the law of the inputs


def test_the_spectrum_is_that_of_many_samples():
    report = grokode.kernel(**SMALL | {"n_train": 4000, "width": 50}, draws=0)
    assert len(report.spectrum.eigenvalues) == 14  # D (D+3)/2
    assert report.sample.eigenvalues == pytest.approx(report.spectrum.eigenvalues, rel=0.2)


@pytest.mark.parametrize("sigma", [1.0, 1.7])
def test_levels_are_the_closed_forms_of_infinite_width(sigma):
    eps, D = 0.5 * sigma, 4
    levels = grokode.kernel(**SMALL | {"width": math.inf, "sigma": sigma}, draws=0).levels
    found = {level.multiplicity: level.eigenvalue for level in levels}
    expected = {D: 1 / D, D * (D + 1) // 2 - 1: 2 * eps**2 / D**2, 1: eps**2 * (D + 2) / D**2}
    assert found == pytest.approx(expected, rel=1e-10)
    assert [level.eigenvalue for level in levels] == sorted(found.values(), reverse=True)
    drawn = grokode.kernel(**SMALL, sigma=sigma, draws=0).levels  # of the mean over starts, whatever the start
    assert np.array(drawn) == pytest.approx(np.array(levels), rel=1e-10)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"labels of the kernel"}))
def test_the_power_in_all_modes_is_the_loss_at_the_start(name):
    report = grokode.kernel(**SMALL | CASES[name], draws=0)
    experiment = report.experiment
    at_start = grokode.run(experiment.model_copy(update={"points": 3, "t_max": 1.0})).loss_test_exact[0]
    spectrum = report.spectrum
    assert spectrum.power.sum() + spectrum.outside == pytest.approx(at_start, rel=1e-9, abs=1e-15)


def test_an_infinite_training_set_has_a_spectrum_and_no_matrix():
    report = grokode.kernel(**SMALL | {"n_train": math.inf}, draws=0, ridge=0.1)
    assert report.sample is None
    assert report.plateau is None
    assert list(report.regressions) == ["ridgeless"]
    assert report.regressions["ridgeless"].loss_exact < 1e-20  # it learns whatever the kernel can
    assert report.levels
    assert report.learning_curve
    assert {len(row) for row in report.tables()[1]} == {3}  # there is no K0/P beside the eigenvalues


@pytest.mark.parametrize("left_out", [("covariance",), ("beta_star",), ("covariance", "beta_star")], ids=",".join)
def test_without_law_and_target_there_is_no_spectrum_and_no_learning_curve(rng, left_out):
    X, beta = rng.standard_normal((8, 4)), rng.standard_normal(4)
    arrays = {
        "X_train": X, "y_train": (X @ beta) ** 2 / 2, "W0": rng.standard_normal((5, 4)), "covariance": 1.0,
        "beta_star": beta, "alpha": 0.8, "eps": 0.5, "lr": 0.05, "centered": True,
    }  # fmt: skip
    assert grokode.kernel(grokode.Bundle(**arrays), draws=0).spectrum is not None
    report = grokode.kernel(grokode.Bundle(**{name: arrays[name] for name in arrays.keys() - {*left_out}}))
    assert report.spectrum is report.plateau is None
    assert [*report.levels, *report.learning_curve, *report.average_curve, *report.samples_to_reach] == []
    assert set(report.alignments) == {
        "alignment_sample_train", "alignment_column_centered_train", "alignment_centered_train"
    }  # fmt: skip
    assert list(report.regressions) == ["ridgeless", "gcv"]
    assert len(report.sample.eigenvalues) == 8


def test_with_law_and_target_a_bundle_has_its_spectrum_and_learning_curve(rng):
    run = grokode.run(**SMALL, optimizer="gradient_descent", steps=3)
    drawn, given = grokode.kernel(**SMALL, draws=0), grokode.kernel(export(run), draws=0)
    assert given.spectrum.eigenvalues == pytest.approx(drawn.spectrum.eigenvalues, rel=1e-9)
    assert given.spectrum.power == pytest.approx(drawn.spectrum.power, rel=1e-6, abs=1e-12)
    assert given.sample.eigenvalues == pytest.approx(drawn.sample.eigenvalues, rel=1e-9)
    assert given.plateau.loss_test == pytest.approx(drawn.plateau.loss_test, rel=1e-7)
    assert given.alignments == pytest.approx(drawn.alignments, rel=1e-9)
    assert not given.levels  # the law of its start is not known


# ---- the learning curve


def test_the_curve_has_the_sizes_asked_for_once_and_in_order():
    report = grokode.kernel(**SMALL, sizes=[9.0, 3, 3, 40], draws=2)
    assert [theory.n_train for theory, _ in report.learning_curve] == [3, 9, 40]
    assert [(drawn.n_train, drawn.draws) for _, drawn in report.learning_curve] == [(3, 2), (9, 2), (40, 2)]
    between = [theory.n_train for theory in report.average_curve]
    assert between == sorted(set(between))
    assert (between[0], between[-1]) == (3, 40)
    assert len(between) > 15


def test_the_sizes_reach_past_the_rank_by_themselves():
    sizes = [theory.n_train for theory, _ in grokode.kernel(**SMALL, draws=0).learning_curve]
    assert sizes[0] == 1
    assert sizes[-1] > 14


def test_draws_are_made_up_to_a_thousand_samples_unless_said_otherwise(monkeypatch):
    made: list[tuple[int, int]] = []

    def record(*arguments: Any, draws: int, **_: Any) -> None:
        made.append((arguments[3], draws))

    monkeypatch.setattr(averages, "sampled_regression", record)
    grokode.kernel(**SMALL, sizes=[5, 1000, 1001])
    assert made == [(5, 5), (1000, 5)]
    made.clear()
    grokode.kernel(**SMALL, sizes=[5, 1001], draws=2)
    assert made == [(5, 2), (1001, 2)]
    made.clear()
    grokode.kernel(**SMALL, sizes=[5, 1001], draws=0)
    assert made == []


def test_no_draws_are_no_simulation_and_one_has_no_error():
    (theory, drawn), *_ = grokode.kernel(**SMALL, sizes=[5], draws=0).learning_curve
    assert drawn is None
    single = grokode.kernel(**SMALL, sizes=[5], draws=1)
    assert math.isnan(single.learning_curve[0][1].standard_error)
    assert single.to_dict()["learning_curve"][0]["simulation"]["standard_error"] is None
    assert single.learning_curve[0][0] == theory


def test_as_many_samples_as_modes_have_an_infinite_loss_which_is_null():
    report = grokode.kernel(**SMALL, sizes=[14], draws=0)
    assert report.learning_curve[0][0].loss_test == math.inf
    assert report.to_dict()["learning_curve"][0]["theory"]["loss_test"] is None


def test_the_plateau_is_the_curve_at_the_experiment_s_own_P():
    plain, ridged = (grokode.kernel(**SMALL, sizes=[7], draws=0, ridge=ridge) for ridge in (None, 0.1))
    assert plain.plateau == plain.learning_curve[0][0]
    assert ridged.plateau == plain.plateau  # a network that stays lazy has no ridge
    assert ridged.learning_curve[0][0].loss_train > 0


def test_theory_and_simulation_agree_where_the_theory_holds():
    """With enough noise and ridge the curve is that of the draws, within five of their standard errors."""
    parameters = SMALL | {"dim": 12, "width": math.inf, "noise": 0.5}
    report = grokode.kernel(**parameters, sizes=[60], draws=60, ridge=0.05)
    (theory, drawn) = report.learning_curve[0]
    assert abs(theory.loss_test - drawn.loss_test) < 5 * drawn.standard_error
    clean = grokode.kernel(**parameters | {"noise": 0.0}, sizes=[60], draws=60, ridge=0.05).learning_curve[0][1]
    assert clean.loss_test < drawn.loss_test - 5 * drawn.standard_error  # noise is on the drawn labels too
    bare = grokode.kernel(**parameters, sizes=[60], draws=60).learning_curve[0][1]
    assert abs(bare.loss_test - drawn.loss_test) > 5 * drawn.standard_error  # and the ridge on the drawn kernel


def test_samples_to_reach_are_read_off_the_theory():
    report = grokode.kernel(**SMALL, draws=0, sizes=range(1, 30))
    start = report.spectrum.mean_square
    for part, n_train in report.samples_to_reach.items():
        losses = {theory.n_train: theory.loss_test for theory, _ in report.learning_curve}
        assert losses[n_train] <= part * start < losses[n_train - 1]


@pytest.mark.parametrize("part", ["spectrum", "learning_curve"])
def test_the_seed_decides_everything(part):
    def shown(**changes: Any) -> Any:
        report = grokode.kernel(**SMALL | changes, sizes=[5, 9], draws=3).to_dict()
        assert report.pop("seconds") > 0
        return report

    assert shown() == shown()
    assert shown(seed=1)[part] != shown()[part]


def test_the_seed_decides_the_draws_of_a_start_that_is_given():
    bundle = export(grokode.run(**SMALL, optimizer="gradient_descent", steps=1))
    one, again, other = (grokode.kernel(bundle, seed=seed, sizes=[9], draws=2).learning_curve[0] for seed in (0, 0, 1))
    assert one == again
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_a_size_draws_the_same_whatever_other_sizes_there_are():
    alone = grokode.kernel(**SMALL, sizes=[9], draws=3).learning_curve[0]
    assert grokode.kernel(**SMALL, sizes=[5, 9], draws=3).learning_curve[1] == alone


def test_the_draws_of_the_curve_are_not_the_training_set():
    report = grokode.kernel(**SMALL, sizes=[7], draws=1)
    assert report.learning_curve[0][1].loss_test != pytest.approx(report.regressions["ridgeless"].loss_exact, rel=1e-3)


# ---- what it takes


def test_anything_a_run_takes_is_examined():
    report = grokode.kernel("kumar-fig3b", dim=6, n_train=20, draws=0)
    assert isinstance(report, grokode.KernelReport)
    assert report.experiment.target == "single_index:scale=2"
    again = grokode.kernel(report.experiment, draws=0)
    assert again.experiment == report.experiment
    assert again.alignments == report.alignments


def test_what_is_no_experiment_is_refused():
    with pytest.raises(InvalidInput, match="dict"):
        grokode.kernel({"alpha": 3})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ridge": -1.0}, "ridge must be zero or positive and finite, got -1"),
        ({"ridge": math.inf}, "ridge must be zero or positive and finite, got inf"),
        ({"ridge": "a"}, "must be numbers, got 'a'"),
        ({"sizes": [0]}, "numbers from 1 to 1e[+]15, got 0"),
        ({"sizes": [2, 1e300]}, "numbers from 1 to 1e[+]15, got 1e[+]300"),
        ({"sizes": [math.nan]}, "numbers from 1 to 1e[+]15, got nan"),
        ({"sizes": []}, "numbers from 1 to 1e[+]15, got none"),
        ({"sizes": ["a"]}, "must be numbers, got None and .'a'."),
        ({"draws": -1}, "draws must be 0 or more, a whole number, got -1"),
        ({"draws": 2.5}, "draws must be 0 or more, a whole number, got 2.5"),
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_is_drawn(given, said, monkeypatch):
    monkeypatch.setattr(examine, "problem_of", lambda *_: pytest.fail("it drew"))
    with pytest.raises(InvalidInput, match=said):
        grokode.kernel(**SMALL, **given)


def test_sizes_are_rounded_and_each_is_kept_once():
    report = grokode.kernel(**SMALL, sizes=[7.4, 2.6, 3], draws=0)
    assert [theory.n_train for theory, _ in report.learning_curve] == [3, 7]
    assert [theory.n_train for theory, _ in grokode.kernel(**SMALL, sizes=5, draws=0).learning_curve] == [5]


# ---- memory and time


@pytest.fixture
def with_memory(monkeypatch):
    """Return what sets the bytes that are free, and those that a decomposition of some order needs."""

    def set_bytes(free: float, order: int, needed: float = 8e9) -> None:
        for module in (memory, examine, averages):
            monkeypatch.setattr(module, "free_memory", lambda: free)
        for module in (examine, averages):
            monkeypatch.setattr(module, "needed_bytes", lambda _, of: needed if of == order else 0.0)

    return set_bytes


def test_a_spectrum_too_large_is_left_out_with_its_bytes_and_the_rest_is_reported(with_memory):
    with_memory(4e9, order=14)
    lines: list[str] = []
    report = grokode.kernel(**SMALL, say=lines.append)
    assert report.spectrum is None
    assert [*report.learning_curve, *report.samples_to_reach] == []
    assert report.sample is not None
    assert len(lines) == 1
    for word in ("7.45 GiB", "spectrum", "--width inf"):
        assert word in lines[0]
    lines.clear()
    assert grokode.kernel(**SMALL | {"width": math.inf}, draws=0, say=lines.append).spectrum is not None
    assert lines == []


def test_a_spectrum_left_out_is_not_computed_for_infinitely_many_samples(with_memory, monkeypatch):
    with_memory(4e9, order=14)
    monkeypatch.setattr(examine, "population_modes", lambda *_: pytest.fail("it decomposed"))
    monkeypatch.setattr(linearized, "population_modes", lambda *_: pytest.fail("it decomposed"))
    monkeypatch.setattr(examine._OnStart, "levels", lambda *_: ())
    lines: list[str] = []
    report = grokode.kernel(**SMALL | {"n_train": math.inf}, ridge=0.1, say=lines.append)
    assert report.regressions == {}
    assert len(report.tables()) == 1  # the alignment is all there is, and it is shown
    assert ["left out" in lines[0], "ridge" in lines[1], len(lines)] == [True, True, 2]


def test_a_matrix_too_large_is_refused_with_its_bytes(with_memory, monkeypatch):
    with_memory(4e9, order=7)
    monkeypatch.setattr(examine._OnStart, "modes", lambda *_, **__: pytest.fail("it worked before it refused"))
    with pytest.raises(InvalidInput, match=r"7 samples needs about 7.45 GiB and 3.73 GiB are free; lower --n-train"):
        grokode.kernel(**SMALL, draws=0)


def test_regressions_too_large_to_draw_are_refused_with_their_bytes(with_memory):
    with_memory(4e9, order=9)
    with pytest.raises(InvalidInput, match=r"9 samples needs about 7.45 GiB .*--learning-curve, or give --draws 0"):
        grokode.kernel(**SMALL, sizes=[5, 9], draws=2)
    by_default = grokode.kernel(**SMALL, sizes=[5, 9]).learning_curve
    assert [drawn and drawn.n_train for _, drawn in by_default] == [5, None]
    with pytest.raises(InvalidInput, match=r"10000000000000 samples needs about .*--draws 0"):  # the inputs alone
        grokode.kernel(**SMALL, sizes=[1e13], draws=1)
    assert grokode.kernel(**SMALL, sizes=[5, 9], draws=0).learning_curve


def test_a_spectrum_that_takes_long_says_so(monkeypatch):
    monkeypatch.setattr(examine, "FLOPS", 1e3)
    lines: list[str] = []
    assert grokode.kernel(**SMALL, draws=0, say=lines.append).spectrum is not None
    monkeypatch.setattr(examine, "FLOPS", 1.0)
    assert grokode.kernel(**SMALL, say=lines.append).spectrum is None
    assert grokode.kernel(**SMALL, sizes=[5], draws=0, say=lines.append).spectrum is not None
    assert [line.partition(" s;")[0].rpartition(" ")[2] for line in lines[::2]] == ["27", "27440"]
    for word in ("left out", "27440 s", "--learning-curve", "--width inf"):
        assert word in lines[1]


def test_alignments_too_large_are_left_out_with_their_bytes(with_memory, monkeypatch):
    with_memory(2e4, order=0)  # a matrix of 48 bytes an entry on 30 points is larger
    for module in ("grokode.experiment.resources", "grokode.model.kernel", "grokode.lazy.spectrum"):
        monkeypatch.setattr(f"{module}.refuse", lambda *_: None)
    lines: list[str] = []
    report = grokode.kernel(**SMALL | {"dim": 12, "n_test": 30}, draws=0, say=lines.append)
    assert set(report.alignments) == {
        "alignment_population", "alignment_sample_train", "alignment_column_centered_train", "alignment_centered_train"
    }  # fmt: skip
    assert len(lines) == 1
    for word in ("left out", "GiB", "the kernel on the test points"):
        assert word in lines[0]
