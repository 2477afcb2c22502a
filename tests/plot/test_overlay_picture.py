"""The structure of the axes of an overlay; it computes nothing."""

import io
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from grokode.dynamics.pace import Pace, ScheduledPace
from grokode.experiment.files import save_picture
from grokode.plot import overlay_picture
from grokode.plot.curves import COLORS
from grokode.plot.overlay import INK, overlaid, residuals

matplotlib.use("Agg")

LONG_NAMES = {"loss_train": "train loss", "loss_test": "test loss"}


@pytest.fixture
def curve():
    """Return a factory of one logged loss beside its theory, no overlay needed."""

    def make(name="loss_train", log="log.csv", residual=1e-3, resolution=1e-4, dt=0.5, spread=None, **changes):
        t = dt * np.array([0.0, 1.0, 10.0, 100.0])
        values = np.array([3.0, 2.0, 1.0, 0.1])
        carried = {
            "name": name, "long_name": LONG_NAMES[name], "log": log, "pace": Pace(dt, 1.0), "t": t,
            "data": SimpleNamespace(values=values), "residual": residual * np.array([0.5, -1.0, 1.0, np.nan]),
            "resolution": np.full(4, resolution), "line_t": np.linspace(0, t[-1], 9), "line": np.linspace(3, 0.1, 9),
            "spread": None if spread is None else np.full(4, spread),
            "line_spread": None if spread is None else np.full(9, spread), "standard_error": None,
        }  # fmt: skip
        return SimpleNamespace(**carried | changes)

    return make


def overlay(*compared):
    return SimpleNamespace(compared=list(compared), headline="how far")


@pytest.fixture
def ax():
    return Figure().subplots()


def points(ax):
    return [line for line in ax.get_lines() if line.get_marker() == "o"]


def lines(ax):
    return [line for line in ax.get_lines() if line.get_marker() != "o"]


# ---- the losses


def test_logs_are_points_and_theory_is_lines_train_hollow_and_dashed(ax, curve):
    artists = overlaid(ax, overlay(curve("loss_train"), curve("loss_test")))
    assert artists == list(ax.get_lines())
    train, test = points(ax)
    assert train.get_linestyle() == test.get_linestyle() == "None"
    assert train.get_markerfacecolor() == "white"
    assert test.get_markerfacecolor() == test.get_color() == train.get_color() == COLORS["blue"]
    assert [line.get_linestyle() for line in lines(ax)] == ["--", "-"]
    assert {line.get_color() for line in lines(ax)} == {INK}


def test_the_start_has_no_place_on_log_axes(ax, curve):
    overlaid(ax, overlay(curve()))
    np.testing.assert_array_equal(points(ax)[0].get_xydata(), [[0.5, 2.0], [5.0, 1.0], [50.0, 0.1]])
    assert lines(ax)[0].get_xdata()[0] > 0
    assert ax.get_xscale() == ax.get_yscale() == "log"
    low, high = ax.get_xlim()
    assert 0.4 < low < 0.5
    assert 50 < high < 60


def test_a_log_has_one_color_and_several_have_several(ax, curve):
    overlaid(ax, overlay(curve("loss_train", "a"), curve("loss_test", "a"), curve("loss_train", "b")))
    a_train, a_test, b_train = (line.get_color() for line in points(ax))
    assert a_train == a_test != b_train


def test_spreads_are_bands_of_one_standard_deviation_in_log_loss(ax, curve):
    overlaid(ax, overlay(curve(spread=0.5)))
    of_data, of_theory = ax.collections
    heights = of_data.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(2.0 * np.exp(0.5))
    assert heights.min() == pytest.approx(0.1 * np.exp(-0.5))
    assert to_hex(of_theory.get_facecolor()[0]) == INK


# ---- the residuals


def test_residuals_are_drawn_where_there_are_any(ax, curve):
    residuals(ax, overlay(curve()))
    np.testing.assert_array_equal(points(ax)[0].get_xydata(), [[0.5, -1e-3], [5.0, 1e-3]])
    assert ax.get_ylim() == pytest.approx((-1.25e-3, 1.25e-3))
    assert "(10⁻³)" in ax.get_ylabel()
    ax.figure.draw_without_rendering()
    assert [label.get_text() for label in ax.get_yticklabels()][1:-1] == ["−1", "0", "1"]


def test_the_resolution_is_shaded_about_zero(ax, curve):
    residuals(ax, overlay(curve(resolution=2e-4)))
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (-2e-4, 2e-4)


def test_a_resolution_too_fine_to_see_is_not_shaded(ax, curve):
    residuals(ax, overlay(curve(resolution=1e-16)))
    assert len(ax.collections) == 0


def test_means_have_their_standard_error_shaded(ax, curve):
    residuals(ax, overlay(curve(spread=0.5, standard_error=np.full(4, 7e-4))))
    assert ax.collections[0].get_paths()[0].vertices[:, 1].max() == 7e-4


def test_curves_that_are_equal_have_a_panel_too(ax, curve):
    residuals(ax, overlay(curve(residual=0.0, resolution=0.0)))
    assert ax.get_ylim()[1] > 0


# ---- the figure


def labels(figure, panel):
    return [text.get_text() for text in figure.axes[panel].get_legend().get_texts()]


def test_the_figure_has_losses_above_and_residuals_below(curve):
    figure = overlay_picture(overlay(curve("loss_train"), curve("loss_test")))
    above, below, counted = figure.axes
    assert above.get_xlim() == below.get_xlim()
    assert labels(figure, 0) == ["train loss, logged", "test loss, logged", "train loss, theory", "test loss, theory"]
    assert labels(figure, 1) == ["resolution of the log"]
    assert figure.get_suptitle() == "how far"
    assert overlay_picture(overlay(curve()), "mine").get_suptitle() == "mine"
    assert "flow time" in below.get_xlabel()
    assert counted.get_xlabel() == "step"
    assert np.array(counted.get_xlim()) == pytest.approx(np.array(above.get_xlim()) / 0.5)


def test_steps_of_different_length_have_no_common_axis(curve):
    assert len(overlay_picture(overlay(curve(log="a"), curve(log="b", dt=0.1))).axes) == 2
    scheduled = curve(pace=ScheduledPace(0.5, 1.0, np.full(100, 0.5)))
    assert len(overlay_picture(overlay(scheduled)).axes) == 2


def test_a_few_logs_are_named_and_many_are_not(curve):
    few, many = ([curve("loss_train", f"log {k}") for k in range(count)] for count in (3, 7))
    assert labels(overlay_picture(overlay(*few)), 0)[-3:] == ["log 0", "log 1", "log 2"]
    assert labels(overlay_picture(overlay(*many)), 0) == ["train loss, logged", "train loss, theory"]


def test_means_say_what_they_are_of(curve):
    one = curve(log="mean of 5 logs", spread=0.3, standard_error=np.full(4, 0.1))
    figure = overlay_picture(overlay(one))
    assert labels(figure, 0) == ["train loss, mean of 5 logs", "train loss, theory, mean of draws"]
    assert labels(figure, 1) == ["standard error of the difference"]


def test_losses_far_below_the_largest_are_cut_off(curve):
    deep = SimpleNamespace(values=np.array([3.0, 2.0, 1.0, 1e-30]))
    low, high = overlay_picture(overlay(curve(data=deep))).axes[0].get_ylim()
    assert low == pytest.approx(1e-12 * high)


@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
def test_losses_of_nothing_are_no_error(curve, values):
    nothing = curve(data=SimpleNamespace(values=np.array(values)), line=np.zeros(9), residual=np.nan)
    overlay_picture(overlay(nothing)).savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_one_overlay_gives_the_same_bytes_twice(tmp_path, curve, suffix):
    for name in ("a", "b"):
        save_picture(overlay_picture(overlay(curve())), tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
