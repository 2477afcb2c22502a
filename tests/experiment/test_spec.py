"""Where parameters come from: grids, layers, presets."""

from __future__ import annotations

import math

import numpy as np
import pytest

import grokode
from grokode import InvalidInput
from grokode.experiment.compose import compose
from grokode.experiment.grids import parse_grid, parse_range
from grokode.experiment.sources import load_preset, preset_names
from grokode.experiment.spec import DEFAULTS, merge

BASE = ("base", DEFAULTS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.1,1,10", [0.1, 1, 10]),
        ("3", [3]),
        ("lin:0.4:5.6:14", np.linspace(0.4, 5.6, 14)),
        ("log:0.01:100:9", 10.0 ** np.linspace(-2, 2, 9)),
    ],
)
def test_a_grid_is_read(text, values):
    assert parse_grid(text) == pytest.approx(list(values), rel=1e-12)


def test_the_ends_of_a_grid_are_exact():
    assert parse_grid("log:0.01:100:9")[::8] == [0.01, 100.0]
    assert parse_grid("lin:0.4:5.6:14")[::13] == [0.4, 5.6]


def test_the_values_of_an_even_grid_are_what_one_would_write():
    assert parse_grid("lin:0.4:5.6:14") == [0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 4.0, 4.4, 4.8, 5.2, 5.6]


@pytest.mark.parametrize("text", ["", ",", "a", "log:1:2", "log:0:1:3", "lin:1:2:x", "log:1:2:3:4", "geo:1:2:3"])
def test_what_is_no_grid_is_refused_with_the_three_forms(text):
    with pytest.raises(InvalidInput, match="log:0.01:100:9"):
        parse_grid(text)


@pytest.mark.parametrize(("one", "other"), [("lr", "dt"), ("steps", "t_max")])
def test_of_two_exclusive_parameters_the_later_source_wins(one, other):
    for first, second in ((one, other), (other, one)):
        experiment = merge([BASE, ("a", {first: 3}), ("b", {second: 4})])
        assert getattr(experiment, first) is None
        assert getattr(experiment, second) == 4


@pytest.mark.parametrize(
    "layer", [{"lr": 1, "dt": 1}, {"steps": 1, "t_max": 1}, {"points": 2, "times": [0, 1]}], ids=str
)
def test_two_exclusive_parameters_in_one_source_are_an_error_that_names_it(layer):
    with pytest.raises(InvalidInput, match="in the flags exclude each other; keep one"):
        merge([BASE, ("the flags", layer)])


def test_times_replace_points_and_a_later_end_replaces_times():
    timed = merge([BASE, ("a", {"times": "0,1,5"})])
    assert (timed.times, timed.points) == ((0, 1, 5), None)
    ended = merge([BASE, ("a", {"times": "0,1,5"}), ("b", {"t_max": 9})])
    assert (ended.times, ended.points, ended.t_max) == (None, 200, 9)


def test_none_is_not_given_and_does_not_hide_where_a_value_came_from():
    assert merge([BASE, ("a", {"alpha": 2}), ("b", {"alpha": None})]).alpha == 2
    with pytest.raises(InvalidInput, match="from a"):
        merge([BASE, ("a", {"alpha": -2}), ("b", {"alpha": None})])


def test_an_unknown_parameter_names_its_source_and_the_nearest():
    with pytest.raises(InvalidInput, match=r"'alhpa' in the flags; did you mean 'alpha'\?"):
        merge([BASE, ("the flags", {"alhpa": 1})])


@pytest.mark.parametrize("text", ["inf", "INF", "Infinity", math.inf])
def test_infinity_is_a_count(text):
    assert merge([BASE, ("a", {"n_train": text, "width": text})]).n_train == math.inf


@pytest.mark.parametrize("text", ["500", "5e2", 500, 500.0])
def test_a_whole_number_is_a_count_however_it_is_written(text):
    width = merge([BASE, ("a", {"width": text})]).width
    assert width == 500
    assert isinstance(width, int)


@pytest.mark.parametrize("key", ["alpha", "dim", "n_train", "covariance", "threshold", "steps", "noise"])
def test_a_truth_value_is_no_number(key):
    with pytest.raises(InvalidInput, match=key):
        merge([BASE, ("a", {key: True})])


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_a_point_of_its_own_grid(name):
    preset = load_preset(name)
    experiment = compose({}, preset=preset).experiment
    for key, values in preset.grid.items():
        read = parse_range if key == "seed" else parse_grid
        points = read(values) if isinstance(values, str) else values
        value = getattr(experiment, key)
        assert any(point == value or (not isinstance(value, str) and math.isclose(point, value)) for point in points)


def test_an_experiment_is_run_again_from_itself():
    for how in ({"t_max": 3, "points": 4}, {"times": "0,1,3"}):
        run = grokode.run(dim=3, n_train=4, **how)
        again = grokode.run(run.experiment)
        assert again.experiment == run.experiment
        assert np.array_equal(again.loss_train, run.loss_train)
