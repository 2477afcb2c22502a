"""Every figure: its experiments, the numbers behind it, and what stands where on it; never how it looks."""

import math
from pathlib import Path

import numpy as np
import pytest

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.engines.serial import SerialExecutor
from grokode.errors import InvalidInput, RunFailed
from grokode.figures import FIGURES
from grokode.figures.claims import claims
from grokode.figures.figure import OfPanels, of_runs
from grokode.figures.make import Task, chosen, deviation, picture_of, run_all, run_task, runs_of, tasks_of
from grokode.plot.sheet import Line, Panel, Sheet, sheet_picture

COLLECTED = {}


def small(one):
    """The same experiment at a size that takes a moment."""
    width = one.width if math.isinf(one.width) else min(one.width, 9)
    sizes = {"dim": 6, "n_train": one.n_train // 8, "n_test": min(one.n_test, 24), "width": width}
    if one.target.startswith("kernel_eigenvector"):
        sizes |= {"n_test": 24, "target": "kernel_eigenvector:k=2"}
    return one.model_copy(update={**sizes, "t_max": 300.0, "steps": None, "points": 25})


def made(name):
    """A figure with the data of small runs, once a session."""
    if name not in COLLECTED:
        figure = FIGURES.build(name)
        wanted = tasks_of(figure, quick=True, seeds=[0])
        tasks = {key: Task(small(task.experiment), task.states) for key, task in wanted.items()}
        runs, notes = runs_of(tasks, run_all([tasks], SerialExecutor()), name)
        assert notes == []
        COLLECTED[name] = figure, figure.data(runs), runs
    return COLLECTED[name]


@pytest.mark.parametrize("name", list(FIGURES))
def test_quick_experiments_are_flows_and_others_what_the_authors_ran(name):
    figure = FIGURES.build(name)
    quick, whole = figure.experiments(True), figure.experiments(False)
    assert quick
    assert not any(OPTIMIZERS.build(one.optimizer).steps for one in quick.values())
    assert set(whole) >= set(quick)
    assert figure.title.startswith((f"Figure {name}", "Goldilocks", "Widths"))
    assert figure.claim


def test_descent_is_made_where_it_is_short_and_followed_where_it_is_long():
    """Figure 4's steps take half a second, each of figure 3a's nine runs minutes."""
    assert {one.optimizer for one in FIGURES.build("4").experiments(False).values()} == {"gradient_descent"}
    assert {one.optimizer for one in FIGURES.build("3a").experiments(False).values()} == {"midpoint_flow"}
    _, data, _ = made("4")
    picture = picture_of(FIGURES.build("4"), data)
    assert picture._supxlabel.get_text().endswith("; gradient flow")


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_picture_has_what_its_data_have(name):
    figure, data, runs = made(name)
    picture = picture_of(figure, data)
    visible = [ax for ax in picture.axes if ax.get_visible()]
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in visible if ax.get_label() != "<colorbar>")
    if isinstance(figure, OfPanels):
        sheet = figure.sheet(data)
        assert len(visible) == len(sheet.panels)
        for ax, panel in zip(visible, sheet.panels, strict=True):
            assert len(ax.lines) == len(panel.lines) + len(panel.levels)
            for line in panel.lines:
                assert line.x.shape == line.y.shape
                assert np.isfinite(line.y).any()
    else:
        assert data["delay"].size == len(runs)


@pytest.mark.parametrize("name", [name for name in FIGURES if isinstance(FIGURES.build(name), OfPanels)])
def test_every_run_is_in_the_data_to_the_last_digit(name):
    _, data, runs = made(name)
    for (label, seed), run in runs.items():
        one = data.sel(run=label, seed=seed)
        for curve in ("t", "loss_train"):
            np.testing.assert_array_equal(one[curve].values[: len(run.t)], run.curves[curve].values)
        expected = run.summary["t_train"]
        assert float(one.t_train) == expected if expected is not None else np.isnan(float(one.t_train))


def test_runs_that_figures_share_are_made_once(monkeypatch):
    ran = []
    monkeypatch.setattr("grokode.figures.make.simulate", lambda one, keep_states: ran.append(one) or one)
    tasks = [tasks_of(FIGURES.build(name), quick=True, seeds=[0]) for name in ("1b", "1c")]
    run_all(tasks, SerialExecutor(), run_task)
    assert len(ran) == 2


def test_a_run_that_fails_is_left_out_and_said(monkeypatch):
    tasks = {("good", 0): Task(small(FIGURES.build("4").experiments(True)["figure 4"]))}
    tasks["bad", 0] = Task(tasks["good", 0].experiment.model_copy(update={"optimizer": "gradient_descent", "dt": 1e3}))
    found = run_all([tasks], SerialExecutor())
    runs, notes = runs_of(tasks, found, "x")
    assert list(runs) == [("good", 0)]
    assert "figure x, bad, seed 0: gradient_descent diverged" in notes[0]
    with pytest.raises(RunFailed, match="no run of figure x was finished"):
        runs_of({("bad", 0): tasks["bad", 0]}, found, "x")


def test_a_deviation_is_relative_to_the_loss_or_to_a_thousandth_of_its_start():
    _, data, runs = made("9")
    assert deviation(data, data) == pytest.approx(0, abs=1e-12)
    off = data.copy(deep=True)
    off["loss_test_exact"] = 1.01 * off["loss_test_exact"]
    assert deviation(data, off) == pytest.approx(0.01, rel=1e-6)
    deep = data.copy(deep=True)
    deep["loss_train"] = 0 * deep["loss_train"] + 1e-9
    low = data.copy(deep=True)
    low["loss_train"] = 0 * low["loss_train"] + 2e-9
    low["loss_test_exact"] = deep["loss_test_exact"] = data["loss_test_exact"]
    assert deviation(deep, low) == pytest.approx(1.0, rel=1e-6)  # of a flat curve the start is the curve


def test_seeds_are_shown_by_their_median_and_quartiles():
    figure = FIGURES.build("4")
    tasks = {key: Task(small(task.experiment)) for key, task in tasks_of(figure, quick=True, seeds=[0, 1, 2]).items()}
    runs, _ = runs_of(tasks, run_all([tasks], SerialExecutor()), "4")
    line = figure.sheet(figure.data(runs)).panels[0].lines[0]
    values = np.array([runs["figure 4", seed].loss_train for seed in range(3)])
    np.testing.assert_allclose(line.y, np.median(values, axis=0))
    np.testing.assert_allclose(line.band, np.quantile(values, (0.25, 0.75), axis=0))


def test_points_of_another_source_lie_over_the_lines():
    x = np.geomspace(1, 1e4, 300)
    sheets = [
        Sheet(panels=[Panel(title="", x_label="t", y_label="L", lines=[Line(x=x, y=factor / x, label="a")])], columns=1)
        for factor in (1.0, 1.1)
    ]
    (ax,) = sheet_picture(*[sheets[0], "title", sheets[1]]).axes
    line, points = ax.lines
    assert (points.get_linestyle(), points.get_marker()) == ("None", "o")
    assert 10 < len(points.get_xdata()) <= 24
    np.testing.assert_allclose(points.get_ydata(), 1.1 / points.get_xdata())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a"]


# ---- what single figures compute


def test_a_looser_threshold_is_passed_by_more_points_and_sooner():
    _, data, _ = made("17")
    accuracy = data["accuracy"].isel(seed=0).values
    assert np.all(np.diff(accuracy, axis=1) >= 0)
    assert accuracy[-1, -1] > accuracy[-1, 0]
    half = data["half_time"].isel(seed=0).values
    assert np.all(np.diff(half[np.isfinite(half)]) <= 0)


def test_accuracy_counts_the_points_of_a_network_that_is_evaluated_anew():
    """From W itself: f = alpha/N sum phi(w.x), less that at the start."""
    _, data, runs = made("17")
    run = runs["alpha 1", 0]
    from grokode.experiment.systems import network_of, system_of

    draw = system_of(run.experiment, None).draw(network_of(run.experiment))
    X, y = draw.tests["sample"].X, draw.tests["sample"].y

    def f(state):
        M, wbar = state.M, state.wbar
        return run.experiment.alpha * (X @ wbar + run.experiment.eps / 2 * np.einsum("pi,ij,pj->p", X, M, X))

    last = (f(run.states[-1]) - f(run.states[0]) - y) ** 2
    for part in data["part"].values:
        assert float(data["accuracy"].sel(part=part).isel(seed=0, time=len(run.t) - 1)) == np.mean(
            last < part * np.var(y)
        )


def test_series_of_figure_7_have_the_same_lazy_limit():
    """Where sigma^2 alpha is large the parameters change as its inverse."""
    _, data, _ = made("7")
    x, change = data["sigma2_alpha"].values, data["final_relative_change"].values[:, 0]
    order = np.argsort(x)
    assert change[order][-1] < 0.3 * change[order][0]
    scale = dict(zip(data["run"].values.tolist(), x.tolist(), strict=True))
    assert scale["sigma 2"] == 4
    assert scale["both 0.5"] == pytest.approx(1)


def test_widths_are_compared_on_the_same_data():
    _, data, runs = made("widths")
    assert float(data["distance"].sel(run="N = inf").max()) == 0
    assert sorted({seed for _, seed in runs}) == list(range(8))  # one draw's distance scatters as much as it falls
    assert all(run.experiment.seed == seed for (_, seed), run in runs.items())
    assert (data["distance"].sel(run="N = 2") > 0).all()


# ---- what is asked for


def test_names_are_checked():
    assert chosen(["4", "4", "1b"], list(FIGURES), False) == ["4", "1b"]
    assert chosen([], list(FIGURES), True) == list(FIGURES)
    for names, everything, words in (
        (["4x"], False, "unknown figure '4x'; did you mean '4'"),
        ([], False, "name a figure"),
        (["4"], True, "leave out one of both"),
    ):
        with pytest.raises(InvalidInput, match=words):
            chosen(names, list(FIGURES), everything)


def test_curves_that_no_run_has_are_left_out():
    _, _, runs = made("9")
    data = of_runs(runs, ("loss_train", "loss_test_sample"))
    assert "loss_test_sample" not in data
    assert data["loss_train"].attrs["long_name"] == "train loss"


ROOT = Path(__file__).parents[2]


def test_the_page_has_every_figure_with_its_picture_and_every_claim():
    text = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    for name in FIGURES:
        figure = FIGURES.build(name)
        title = figure.title
        assert f"## {title}\n\n![{title}](figures/figure-{name}.png)" in text
        assert f"The paper: {figure.claim}.\n\nOurs: {figure.remark}.\n" in text
        assert (ROOT / "docs" / "figures" / f"figure-{name}.png").stat().st_size > 5000
    for claim in claims():
        assert f"| {claim} |" in text
