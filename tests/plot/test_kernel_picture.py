"""The structure of the axes of an initial kernel's picture; it computes nothing."""

import io
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import grokode
from grokode.experiment.files import save_picture
from grokode.plot.kernel import kernel_picture, learning_curve, spectrum

matplotlib.use("Agg")


def point(n_train, loss_test, **more):
    return SimpleNamespace(n_train=n_train, loss_test=loss_test, **more)


def drawn_point(n_train, loss_test, standard_error=0.01):
    return point(n_train, loss_test, draws=5, standard_error=standard_error)


@pytest.fixture
def carrier():
    """Return a factory of what a kernel's picture takes, no report needed."""

    def make(**changes):
        report = {
            "sample": SimpleNamespace(eigenvalues=np.array([0.5, 0.1, 0.02]), n_train=1200),
            "spectrum": SimpleNamespace(eigenvalues=np.array([0.4, 0.2, 0.03, 0.01]), mean_square=2.0),
            "average_curve": [point(n, 3.0 / n) for n in (1, 2, 5, 10)],
            "learning_curve": [(point(1, 3.0), drawn_point(1, 2.8)), (point(5, 0.6), drawn_point(5, 0.7)),
                               (point(10, 0.3), None)],
        }  # fmt: skip
        return SimpleNamespace(**report | changes)

    return make


@pytest.fixture
def ax():
    return Figure().subplots()


def by_label(ax):
    return {line.get_label(): line for line in ax.get_lines()}


# ---- the spectrum


def test_the_sample_is_points_and_the_law_a_line_over_their_places(ax, carrier):
    report = carrier()
    artists = spectrum(ax, report)
    assert artists == list(ax.get_lines())
    sample, law = by_label(ax)["K₀/P on 1,200 samples"], by_label(ax)["law of the inputs"]
    np.testing.assert_array_equal(sample.get_xydata(), [[1, 0.5], [2, 0.1], [3, 0.02]])
    np.testing.assert_array_equal(law.get_xydata(), [[1, 0.4], [2, 0.2], [3, 0.03], [4, 0.01]])
    assert (sample.get_marker(), sample.get_linestyle()) == (".", "None")
    assert (law.get_marker(), law.get_linestyle()) == ("None", "-")
    assert sample.get_color() != law.get_color()
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("index, from the largest", "eigenvalue (1 / flow time)")


@pytest.mark.parametrize(("missing", "left"), [("sample", "law of the inputs"), ("spectrum", "K₀/P on 1,200 samples")])
def test_a_spectrum_that_is_not_there_is_left_out(ax, carrier, missing, left):
    (line,) = spectrum(ax, carrier(**{missing: None}))
    assert line.get_label() == left


def test_a_kernel_without_eigenvalues_has_empty_axes(ax, carrier):
    nothing = SimpleNamespace(eigenvalues=np.zeros(0), n_train=3, mean_square=0.0)
    assert spectrum(ax, carrier(sample=nothing, spectrum=nothing)) == []


# ---- the learning curve


def test_theory_is_a_line_and_simulations_are_points_with_their_errors(ax, carrier):
    report = carrier()
    artists = learning_curve(ax, report)
    lines = by_label(ax)
    theory = lines["average, theory"]
    np.testing.assert_array_equal(theory.get_xydata(), [(one.n_train, one.loss_test) for one in report.average_curve])
    assert theory.get_linestyle() == "-"
    (bars,) = ax.containers
    assert bars.get_label() == "mean of 5 draws"
    simulated, _, (errors,) = bars
    np.testing.assert_array_equal(simulated.get_xydata(), [[1, 2.8], [5, 0.7]])
    assert simulated.get_marker() == "o"
    assert simulated.get_linestyle() == "None"
    ends = np.array(errors.get_segments())
    np.testing.assert_allclose(ends[:, :, 1], [[2.79, 2.81], [0.69, 0.71]], rtol=1e-12)
    assert set(artists) == {theory, simulated, lines["at the start"], lines["P = 1,200"]}
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("training samples P", "test loss of kernel regression")


def test_the_start_is_a_level_and_the_training_set_a_place(ax, carrier):
    learning_curve(ax, carrier())
    lines = by_label(ax)
    assert list(lines["at the start"].get_ydata()) == [2.0, 2.0]
    assert list(lines["P = 1,200"].get_xdata()) == [1200, 1200]


def test_what_there_is_no_training_set_or_draw_of_is_left_out(ax, carrier):
    report = carrier(sample=None, learning_curve=[(point(1, 3.0), None)])
    learning_curve(ax, report)
    assert set(by_label(ax)) == {"average, theory", "at the start"}
    assert not ax.containers


def test_an_infinite_loss_leaves_a_gap_rather_than_an_axis_without_end(ax, carrier):
    curve = [point(1, 3.0), point(2, np.inf), point(3, 0.1)]
    learning_curve(ax, carrier(average_curve=curve, learning_curve=[(point(2, np.inf), drawn_point(2, 0.4))]))
    np.testing.assert_array_equal(by_label(ax)["average, theory"].get_xydata(), [[1, 3.0], [3, 0.1]])
    assert np.isfinite(ax.get_ylim()).all()


def test_a_single_draw_has_no_error(ax, carrier):
    learning_curve(ax, carrier(learning_curve=[(point(5, 0.6), drawn_point(5, 0.7, standard_error=np.nan))]))
    (errors,) = ax.containers[0][2]
    np.testing.assert_array_equal(np.array(errors.get_segments())[0, :, 1], [0.7, 0.7])


def test_losses_that_are_rounding_do_not_stretch_the_axis(ax, carrier):
    learning_curve(ax, carrier(average_curve=[point(1, 3.0), point(5, 0.6), point(20, 1e-30)]))
    assert 1e-6 <= ax.get_ylim()[0] < 0.6


# ---- the whole picture


def test_two_panels_with_a_law_and_one_without(carrier):
    one, two = kernel_picture(carrier(spectrum=None, learning_curve=[], average_curve=[])), kernel_picture(carrier())
    assert [ax.get_ylabel() for ax in one.axes] == ["eigenvalue (1 / flow time)"]
    assert [ax.get_ylabel() for ax in two.axes] == ["eigenvalue (1 / flow time)", "test loss of kernel regression"]
    assert two.get_size_inches()[0] == 2 * one.get_size_inches()[0]
    for figure in (one, two):
        assert all(ax.get_title(loc="left") and ax.get_legend() is not None for ax in figure.axes)


def test_the_legend_names_everything_once(carrier):
    left, right = kernel_picture(carrier()).axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["K₀/P on 1,200 samples", "law of the inputs"]
    legend = [text.get_text() for text in right.get_legend().get_texts()]
    assert sorted(legend) == ["P = 1,200", "at the start", "average, theory", "mean of 5 draws"]


def test_drawing_leaves_the_users_style_alone(carrier):
    before = dict(matplotlib.rcParams)
    kernel_picture(carrier())
    assert dict(matplotlib.rcParams) == before


def test_a_saved_file_is_the_same_bytes_twice(carrier, tmp_path):
    paths = [tmp_path / f"{name}.svg" for name in ("one", "two")]
    for path in paths:
        save_picture(kernel_picture(carrier()), path)
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert len(one) > 1000


@pytest.mark.parametrize("parameters", [{}, {"n_train": float("inf"), "target": "single_index:scale=0"}], ids=str)
def test_a_report_draws_as_it_is_without_a_warning(parameters):
    report = grokode.kernel(**{"dim": 3, "n_train": 6, "draws": 1} | parameters)
    figure = kernel_picture(report)
    figure.savefig(io.BytesIO(), format="png")
    panels = 1 + bool(report.learning_curve)
    assert len(figure.axes) == panels
    lines = by_label(figure.axes[0])
    if report.sample is not None:
        np.testing.assert_array_equal(lines["K₀/P on 6 samples"].get_ydata(), report.sample.eigenvalues)
    if report.spectrum is not None:
        np.testing.assert_array_equal(lines["law of the inputs"].get_ydata(), report.spectrum.eigenvalues)
