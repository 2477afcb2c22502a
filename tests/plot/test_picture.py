"""The structure of the axes, not pixels; and files that are the same bytes twice."""

import io
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import grokode
from grokode.curve import Curve
from grokode.experiment.files import save_picture
from grokode.plot import alignment, lazy, losses, picture, terms, weight_norm

matplotlib.use("Agg")

LONG_NAMES = {
    "t": "flow time t",
    "loss_train": "train loss",
    "loss_test_exact": "test loss (exact)",
    "loss_test_sample": "test loss (test points)",
    "variance_error": "variance error",
    "misalignment_error": "misalignment error",
    "linear_power": "power in linear modes",
    "loss_train_lazy": "train loss, linearised",
    "loss_test_exact_lazy": "test loss (exact), linearised",
    "loss_test_sample_lazy": "test loss (test points), linearised",
    "alignment_population": "alignment (population)",
    "alignment_sample_test": "alignment (test points, not centred)",
    "alignment_sample_train": "alignment (training points, not centred)",
    "mean_square_weight": "mean square weight",
}
GROKS = {
    "threshold": 0.1,
    "threshold_train": 0.1,
    "threshold_test": 0.1,
    "test_loss": "exact",
    "t_train": 10.0,
    "t_train_status": "reached",
    "t_test": 1000.0,
    "t_test_status": "reached",
    "delay": 990.0,
}
NO_TEST = {"threshold_test": None, "test_loss": None, "t_test": None, "t_test_status": None, "delay": None}


@pytest.fixture
def carrier():
    """Return a factory of what a picture takes: labelled curves with a summary, no run needed."""

    def make(names=("loss_train", "loss_test_exact"), **summary):
        t = np.r_[0.0, np.geomspace(0.1, 1e4, 30)]
        curves = {"t": t} | {name: np.exp(-t / 100) + 0.01 * (1 + index) for index, name in enumerate(names)}
        return SimpleNamespace(
            curves={
                name: Curve(name=name, values=values, units="1", long_name=LONG_NAMES[name])
                for name, values in curves.items()
            },
            summary={**GROKS, **summary},
        )

    return make


@pytest.fixture
def ax():
    return Figure().subplots()


def by_label(ax):
    return {line.get_label(): line for line in ax.get_lines()}


TERMS = ("variance_error", "misalignment_error", "linear_power")
ALL = ("loss_train", "loss_test_exact", "loss_test_sample", *TERMS)
WITH_TERMS = tuple(name for name in ALL if name != "loss_test_sample")


def test_train_is_dashed_and_tests_are_solid(ax, carrier):
    losses(ax, carrier(ALL))
    lines = by_label(ax)
    assert lines["train loss"].get_linestyle() == "--"
    assert lines["test loss (exact)"].get_linestyle() == "-"
    assert lines["test loss (test points)"].get_linestyle() == "-"
    assert len({lines[name].get_color() for name in ("train loss", "test loss (exact)")}) == 1  # one colour a run
    # the two test losses can be told apart
    assert lines["test loss (exact)"].get_linewidth() != lines["test loss (test points)"].get_linewidth()


def test_both_axes_are_logarithmic_and_time_zero_is_dropped(ax, carrier):
    run = carrier()
    losses(ax, run)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    for name in ("train loss", "test loss (exact)"):
        x = by_label(ax)[name].get_xdata()
        assert x.min() > 0
        np.testing.assert_array_equal(x, run.curves["t"].values[1:])
    np.testing.assert_allclose(ax.get_xlim(), (0.1, 1e4))


def test_what_is_drawn_is_what_was_given(ax, carrier):
    run = carrier()
    losses(ax, run)
    np.testing.assert_array_equal(
        by_label(ax)["test loss (exact)"].get_ydata(), run.curves["loss_test_exact"].values[1:]
    )


def test_the_delay_is_shaded_between_the_crossings(ax, carrier):
    losses(ax, carrier())
    (span,) = ax.patches
    edges = span.get_extents().transformed(ax.transData.inverted())
    np.testing.assert_allclose([edges.x0, edges.x1], [10.0, 1000.0], rtol=1e-9)
    assert "delay 990" in span.get_label()
    markers = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.get_lines() if line.get_marker() in "os"]
    assert markers == [(10.0, 0.1), (1000.0, 0.1)]


@pytest.mark.parametrize(
    "summary",
    [
        {"delay": None, "t_test": None, "t_test_status": "never"},
        {"delay": -5.0, "t_test": 5.0},
        {"delay": 1000.0, "t_train": 0.0, "t_train_status": "reached_at_start"},
        NO_TEST,
    ],
    ids=["never", "test first", "below at start", "no test loss"],
)
def test_no_delay_is_shaded_where_there_is_none(ax, carrier, summary):
    losses(ax, carrier(**summary))
    assert not ax.patches


def test_thresholds_are_marked_once_each(ax, carrier):
    losses(ax, carrier())
    level = [line for line in ax.get_lines() if line.get_linestyle() == ":"]
    assert [line.get_ydata()[0] for line in level] == [0.1]
    other = Figure().subplots()
    losses(other, carrier(threshold="10%", threshold_train=0.2, threshold_test=0.3))
    assert [line.get_ydata()[0] for line in other.get_lines() if line.get_linestyle() == ":"] == [0.2, 0.3]


def test_every_artist_is_returned(ax, carrier):
    artists = losses(ax, carrier(ALL))
    assert set(artists) == {*ax.get_lines(), *ax.patches}
    other = Figure().subplots()
    assert set(terms(other, carrier(ALL))) == set(other.get_lines())


def test_several_runs_share_axes_under_their_own_names(ax, carrier):
    losses(ax, carrier(), color="C0", label="lazy:")
    losses(ax, carrier(), color="C1", label="rich:")
    lines = by_label(ax)
    assert {"lazy: train loss", "rich: train loss"} <= set(lines)
    assert lines["lazy: train loss"].get_color() != lines["rich: train loss"].get_color()


def test_terms_can_be_told_apart_without_colour(ax, carrier):
    terms(ax, carrier(ALL))
    lines = by_label(ax)
    styles = [lines[LONG_NAMES[name]].get_linestyle() for name in ALL[-3:]]
    assert len(set(styles)) == 3
    assert len({lines[LONG_NAMES[name]].get_color() for name in ALL[-3:]}) == 3


# ---- the whole picture


def test_two_panels_where_terms_exist_and_one_where_not(carrier):
    assert len(picture(carrier(WITH_TERMS)).axes) == 2
    assert len(picture(carrier()).axes) == 1
    assert len(picture(carrier(("loss_train",), **NO_TEST)).axes) == 1


def test_axes_say_units_and_conventions(carrier):
    figure = picture(carrier(WITH_TERMS))
    top, bottom = figure.axes
    assert top.get_ylabel() == "loss (mean squared residual)"
    assert bottom.get_ylabel() == "terms of the test loss"
    assert "flow time t" in bottom.get_xlabel()
    assert "lr α²/N" in bottom.get_xlabel()
    assert top.get_shared_x_axes().joined(top, bottom)
    assert all(ax.get_legend() is not None for ax in figure.axes)
    legend = [text.get_text() for text in top.get_legend().get_texts()]
    assert legend == ["train loss", "test loss (exact)", "delay 990"]


def test_ticks_are_decades(carrier):
    figure = picture(carrier())
    figure.canvas.draw()
    (ax,) = figure.axes
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert {"10⁻¹", "10⁰", "10⁴"} <= set(shown)
    assert len(ax.xaxis.get_minorticklocs()) == 0


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ({}, "train loss below 0.1 at t = 10, test loss at 1,000"),
        ({"delay": None, "t_test": None, "t_test_status": "never"}, "test loss never"),
        ({"delay": None, "t_test": None, "t_test_status": "not_reached"}, "test loss not within this time"),
        ({**NO_TEST, "t_train": None, "t_train_status": "not_reached"}, "threshold 0.1: train loss not reached"),
    ],
)
def test_the_title_says_what_the_crossings_say(carrier, summary, words):
    assert words in picture(carrier(**summary)).axes[0].get_title(loc="left")


def test_a_title_of_ones_own_replaces_it(carrier):
    assert picture(carrier(), title="mine").axes[0].get_title(loc="left") == "mine"


def test_losses_far_below_the_largest_do_not_stretch_the_axis(carrier):
    run = carrier()
    t = run.curves["t"].values
    tiny = Curve(name="loss_train", values=np.where(t < 10, 1.0, 1e-30), units="1", long_name="train loss")
    run.curves["loss_train"] = tiny
    low, high = picture(run).axes[0].get_ylim()
    assert low >= 0.99e-6 * high


def test_drawing_leaves_the_users_style_alone(carrier):
    before = dict(matplotlib.rcParams)
    picture(carrier(WITH_TERMS))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_saved_files_are_the_same_bytes_twice(carrier, tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in ("one", "two")]
    for path in paths:
        save_picture(picture(carrier(WITH_TERMS)), path)
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert len(one) > 1000


def test_a_run_draws_as_it_is():
    run = grokode.run(dim=5, n_train=12, width=7, alpha=0.7, eps=0.3, n_test=5, t_max=100.0, points=20, threshold="10%")
    figure = picture(run)
    top, bottom, aligned = figure.axes
    lines = by_label(top)
    for name in (
        *("loss_train", "loss_test_exact", "loss_test_sample"),
        *("loss_train_lazy", "loss_test_exact_lazy", "loss_test_sample_lazy"),
    ):
        np.testing.assert_array_equal(lines[run.curves[name].long_name].get_ydata(), getattr(run, name)[1:])
    assert run.summary["delay"] > 0
    assert len(top.patches) == 1
    level = run.summary["kernel_regression_loss_exact"]
    np.testing.assert_array_equal(lines["kernel regression"].get_ydata(), [level, level])
    (line,) = aligned.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), run.alignment_population[1:])
    assert aligned.get_ylabel() == "alignment (population)"
    assert "alignment (population)" in [text.get_text() for text in top.get_legend().get_texts()]


def drawn(run):
    """Draw all of a picture: a limit or a tick that is wrong warns only then."""
    figure = picture(run)
    figure.savefig(io.BytesIO(), format="png")
    return figure


@pytest.mark.parametrize("names", [("loss_train", "loss_test_exact"), WITH_TERMS], ids=["losses", "terms"])
def test_a_run_that_ended_at_its_start_is_a_picture_without_a_warning(carrier, names):
    run = carrier(
        names, t_train=None, t_train_status="not_reached", t_test=None, t_test_status="not_reached", delay=None
    )
    run.curves = {
        name: Curve(name=name, values=curve.values[:1], units="1", long_name=curve.long_name)
        for name, curve in run.curves.items()
    }
    drawn(run)


def test_curves_that_are_zero_all_along_are_a_picture_without_a_warning():
    run = grokode.run(dim=5, n_train=8, width=7, t_max=10, points=5, target="single_index:scale=0")
    assert run.loss_train.max() == run.loss_test_exact.max() == 0
    drawn(run)


# ---- the linearised network, and alignment

LAZY = ("loss_train_lazy", "loss_test_exact_lazy", "loss_test_sample_lazy")
REGRESSION = {"kernel_regression_loss_exact": 0.3, "kernel_regression_loss_sample": 0.4}
BOTH = ("alignment_sample_test", "alignment_population")


def test_linearised_losses_are_dashed_on_train_and_solid_on_test_in_a_colour_of_their_own(ax, carrier):
    run = carrier((*ALL, *LAZY), **REGRESSION)
    lazy(ax, run)
    losses(ax, run)
    lines = by_label(ax)
    for name, style in zip(LAZY, ("--", "-", "-"), strict=True):
        line, real = lines[LONG_NAMES[name]], lines[LONG_NAMES[name.removesuffix("_lazy")]]
        assert line.get_linestyle() == style
        np.testing.assert_array_equal(line.get_xdata(), run.curves["t"].values[1:])
        np.testing.assert_array_equal(line.get_ydata(), run.curves[name].values[1:])
        assert line.get_color() != real.get_color()
        assert line.get_color() == lines[LONG_NAMES["loss_train_lazy"]].get_color()
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


@pytest.mark.parametrize(("test_loss", "level"), [("exact", 0.3), ("sample", 0.4)])
def test_the_line_of_regression_is_of_the_test_loss_that_counts(ax, carrier, test_loss, level):
    lazy(ax, carrier((*ALL, *LAZY), **REGRESSION, test_loss=test_loss))
    line = by_label(ax)["kernel regression"]
    assert list(line.get_ydata()) == [level, level]


@pytest.mark.parametrize(
    "summary", [{}, dict.fromkeys(REGRESSION), REGRESSION | NO_TEST], ids=["unknown", "left out", "no test loss"]
)
def test_no_line_of_regression_where_there_is_none(ax, carrier, summary):
    assert lazy(ax, carrier(**summary)) == []
    assert not ax.get_lines()


def test_of_the_linearised_network_every_artist_is_returned_and_named(ax, carrier):
    artists = lazy(ax, carrier((*ALL, *LAZY), **REGRESSION), label="small:")
    assert set(artists) == set(ax.get_lines())
    assert len(artists) == 4
    assert all(artist.get_label().startswith("small: ") for artist in artists)


@pytest.mark.parametrize(
    ("names", "drawn_one"),
    [(BOTH, "alignment_population"), (BOTH[:1], "alignment_sample_test"), (BOTH[1:], "alignment_population")],
    ids=["both", "sample", "population"],
)
def test_the_alignment_of_the_population_is_preferred_and_the_axis_says_which(ax, carrier, names, drawn_one):
    run = carrier(("loss_train", *names))
    (line,) = alignment(ax, run)
    assert ax.get_lines() == [line]
    np.testing.assert_array_equal(line.get_ydata(), run.curves[drawn_one].values[1:])
    np.testing.assert_array_equal(line.get_xdata(), run.curves["t"].values[1:])
    assert ax.get_ylabel() == line.get_label() == LONG_NAMES[drawn_one]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert ax.get_ylim()[0] == 0


def test_without_either_no_alignment_is_drawn(ax, carrier):
    assert alignment(ax, carrier(("loss_train", "alignment_sample_train"))) == []
    assert not ax.get_lines()


def test_the_weight_norm_is_the_mean_square_weight_over_log_time(ax, carrier):
    run = carrier(("loss_train", "mean_square_weight"))
    (line,) = weight_norm(ax, run)
    assert ax.get_lines() == [line]
    np.testing.assert_array_equal(line.get_ydata(), run.curves["mean_square_weight"].values[1:])
    np.testing.assert_array_equal(line.get_xdata(), run.curves["t"].values[1:])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert "tr M" in ax.get_ylabel()


@pytest.mark.parametrize("names", [WITH_TERMS, ("loss_train", "loss_test_sample")], ids=["terms", "no terms"])
def test_the_upper_panel_has_the_alignment_on_an_axis_of_its_own_on_the_right(carrier, names):
    figure = picture(carrier((*names, *LAZY[:1], *BOTH), **REGRESSION))
    top, *_, second = figure.axes
    assert len(figure.axes) == (3 if "variance_error" in names else 2)
    assert second.get_ylabel() == LONG_NAMES["alignment_population"]
    assert second.yaxis.get_label_position() == "right"
    assert top.get_shared_x_axes().joined(top, second)
    assert [line.get_label() for line in second.get_lines()] == [LONG_NAMES["alignment_population"]]
    assert top.get_zorder() > second.get_zorder()  # the losses are drawn over it
    assert not top.patch.get_visible()  # and do not hide it
    legend = [text.get_text() for text in top.get_legend().get_texts()]
    wanted = {LONG_NAMES["loss_train"], LONG_NAMES["loss_train_lazy"], "kernel regression"}
    assert wanted | {LONG_NAMES["alignment_population"]} <= set(legend)
    assert len(legend) == len(set(legend))
    assert second.get_legend() is None
    assert top.get_ylabel() == "loss (mean squared residual)"


def test_there_is_no_second_axis_without_an_alignment(carrier):
    figure = picture(carrier((*WITH_TERMS, *LAZY)))
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss (mean squared residual)", "terms of the test loss"]
    room = picture(carrier((*WITH_TERMS, *BOTH))).axes[0].get_position().x1
    assert figure.axes[0].get_position().x1 > room  # the right margin is for its label


def test_linearised_losses_are_below_in_no_panel_of_terms(carrier):
    _, bottom, _ = picture(carrier((*WITH_TERMS, *LAZY, *BOTH), **REGRESSION)).axes
    assert not [line for line in bottom.get_lines() if "linearised" in line.get_label() or "kernel" in line.get_label()]


def test_a_run_that_ended_at_its_start_is_drawn_with_all_of_it(carrier):
    run = carrier((*WITH_TERMS, *LAZY, *BOTH), **REGRESSION, delay=None, t_train=None, t_test=None)
    run.curves = {
        name: Curve(name=name, values=curve.values[:1], units="1", long_name=curve.long_name)
        for name, curve in run.curves.items()
    }
    drawn(run)


def test_linearised_losses_that_are_zero_are_drawn_without_a_warning(carrier):
    run = carrier((*WITH_TERMS, *LAZY, *BOTH), kernel_regression_loss_exact=0.0)
    run.curves |= {
        name: Curve(name=name, values=np.zeros_like(run.curves[name].values), units="1", long_name=LONG_NAMES[name])
        for name in (*WITH_TERMS, *LAZY)
    }
    drawn(run)
