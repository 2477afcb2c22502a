"""Pictures of a sweep: what stands where, never how it looks."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.patches import Rectangle

from grokode.plot.sweep import sweep_picture

X, Y = np.array([1.0, 10.0, 100.0]), np.array([0.1, 0.2])


def view(values, *, never=(), beyond=(), seeds=1, axes=None, spread=1.0):
    values = np.array(values, dtype=float)
    masks = [np.zeros(values.shape, bool) for _ in range(2)]
    for mask, places in zip(masks, (never, beyond), strict=True):
        for place in places:
            mask[place] = True
            values[place] = np.nan
    named = axes or dict(zip(("alpha", "eps"), (X, Y)[: values.ndim], strict=False))
    return SimpleNamespace(
        label="delay (flow time)", title="threshold 0.1", axes=named, values=values, low=values / spread,
        high=values * spread, never=masks[0], open=masks[1], seeds=seeds,
    )  # fmt: skip


def test_a_heat_map_hatches_what_never_is_and_circles_what_was_not_reached():
    figure = sweep_picture(view([[1, 2], [3, 4], [5, 1000]], never=[(0, 1)], beyond=[(2, 0), (1, 1)]))
    ax, bar = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("alpha", "eps", "delay (flow time)")
    assert ax.get_xscale() == "log"
    (mesh,) = [item for item in ax.collections if isinstance(item, QuadMesh)]
    np.testing.assert_array_equal(np.ma.getmaskarray(mesh.get_array()), [[False, False, True], [True, True, False]])
    (hatched,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    left, low = hatched.get_xy()
    assert left < X[0] < left + hatched.get_width() < X[1]
    assert low < Y[1] < low + hatched.get_height()
    circles = ax.lines[-1]
    assert sorted(zip(*circles.get_data(), strict=True)) == [(10.0, 0.2), (100.0, 0.1)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["never (proved)", "not reached"]


def test_colours_are_logarithmic_where_values_spread():
    for values, scale in (([[1, 2], [3, 4], [5, 6]], "linear"), ([[1, 2], [3, 4], [5, 60]], "log")):
        assert sweep_picture(view(values)).axes[1].get_yscale() == scale


def test_words_and_infinity_stand_side_by_side():
    figure = sweep_picture(view([1, 2, 3], axes={"width": np.array([2.0, 5.0, np.inf])}))
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["2", "5", "inf"]


def test_a_line_has_its_quartiles_and_says_what_was_not_reached():
    figure = sweep_picture(view([1, 2, 3], never=[(2,)], beyond=[(1,)], seeds=5, spread=1.5))
    (ax,) = figure.axes
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["median", "quartiles", "not reached", "never (proved)"]
    places = {line.get_label(): line.get_xdata().tolist() for line in ax.lines}
    assert places["not reached"] == [10.0]
    assert places["never (proved)"] == [100.0]
    assert ax.get_title(loc="left") == "threshold 0.1, median of 5 seeds"


def test_a_law_is_drawn_through_the_line_on_log_axes():
    law = SimpleNamespace(label="∝ alpha^2", curve=lambda: (X, X**2))
    (ax,) = sweep_picture(view([1, 110, 9000]), law=law).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    drawn = next(line for line in ax.lines if line.get_label() == "∝ alpha^2")
    np.testing.assert_array_equal(drawn.get_ydata(), X**2)


@pytest.mark.parametrize("values", [[1, 2, 3], [[1, 2], [3, 4], [5, 6]]], ids=["line", "map"])
def test_notes_stand_below_the_title(values):
    title = sweep_picture(view(values), notes=["flow against descent " + 10 * "long "]).axes[0].get_title(loc="left")
    assert title.splitlines()[0] == "threshold 0.1"
    assert title.splitlines()[1].startswith("flow against descent")
