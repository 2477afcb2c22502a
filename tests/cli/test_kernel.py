"""``grokode kernel``: what it writes, where, and that its numbers are those of the library and of ``grokode run``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import grokode

SIZES = ("--dim", 5, "--n-train", 8)
SMALL = ("kernel", *SIZES)
QUICK = (*SMALL, "--draws", 0)
HEADS = ("eigenvalue", "kernel regression", "samples P")


def strictly(text: str) -> dict[str, Any]:
    """Read one JSON object, refusing NaN and infinity."""

    def never(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    value = json.loads(text, parse_constant=never)
    assert isinstance(value, dict)
    return value


def as_json(cli, *words: object) -> dict[str, Any]:
    ended = cli(*words, "--json", "-")
    assert ended.code == 0, ended.err
    return strictly(ended.out)


# ---- what it writes


def test_the_report_is_tables_on_stdout(cli, tmp_path):
    ended = cli(*SMALL, "--n-test", 4)
    assert (ended.code, ended.err) == (0, "")
    for word in ("rank on the training set", "condition", "difficulty of the task", "8 of 8", "alignment_population",
                 "alignment_centered_test", "test loss (test points)", *HEADS):  # fmt: skip
        assert word in ended.out
    assert list(tmp_path.iterdir()) == []


def test_json_on_stdout_is_one_object_alone(cli):
    ended = cli(*SMALL, "--json", "-")
    report = strictly(ended.out)
    assert report["schema"] == "grokode.kernel/1"
    assert ended.code == 0
    for word in ("rank on the training set", *HEADS):
        assert word in ended.err


def timeless(report):
    """Take out how long it took."""
    return {name: value for name, value in report.items() if name != "seconds"}


def test_json_is_the_library_s_report(cli):
    report = grokode.kernel(dim=5, n_train=8, ridge=0.1, sizes=[3, 30], draws=2).to_dict()
    words = ("--ridge", 0.1, "--learning-curve", "3,30", "--draws", 2)
    assert timeless(as_json(cli, *SMALL, *words)) == timeless(json.loads(json.dumps(report)))


def test_json_in_a_file_is_the_object_of_stdout(cli, tmp_path):
    ended = cli(*QUICK, "--json", "x.json")
    assert (ended.code, ended.err) == (0, "")
    assert "rank on the training set" in ended.out
    assert timeless(strictly((tmp_path / "x.json").read_text())) == timeless(as_json(cli, *QUICK))


def test_json_has_null_for_what_is_infinite_or_does_not_exist(cli):
    words = ("--learning-curve", "20", "--draws", 1)  # as many samples as modes, and one draw of them
    (point,) = as_json(cli, *SMALL, *words)["learning_curve"]
    assert point["theory"]["loss_test"] is None
    assert point["simulation"]["standard_error"] is None
    assert as_json(cli, *QUICK, "--n-train", "inf")["regressions"]["ridgeless"]["residual"] is None
    silent = as_json(cli, *QUICK, "--eps", 0)
    assert {part["n_train"] for part in silent["samples_to_reach"]} == {None}  # a linear kernel never learns it


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_plot_writes_the_kind_its_suffix_names(cli, tmp_path, suffix, magic):
    ended = cli(*QUICK, "--plot", f"x{suffix}")
    assert (ended.code, ended.err) == (0, "")
    assert f"x{suffix}" in ended.out
    assert (tmp_path / f"x{suffix}").read_bytes().startswith(magic)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--n-train", "inf"),
        ("--target", "single_index:scale=0"),
        ("--n-train", 1, "--dim", 1, "--n-test", 1, "--learning-curve", 2, "--draws", 1),
    ],
    ids=str,
)
def test_whatever_there_is_to_say_can_be_drawn(cli, words):
    """Warnings are errors here."""
    ended = cli(*QUICK, *words, "--json", "-", "--plot", "x.png")
    assert ended.code == 0, ended.err
    assert strictly(ended.out)["schema"] == "grokode.kernel/1"
    assert "picture" in ended.err


# ---- what it is asked


def test_a_ridge_is_regressed_with_and_averaged_over(cli):
    bare, ridged = as_json(cli, *QUICK), as_json(cli, *QUICK, "--ridge", 0.3)
    assert set(ridged["regressions"]) - set(bare["regressions"]) == {"given"}
    assert ridged["regressions"]["given"]["ridge"] == 0.3
    assert ridged["regressions"]["ridgeless"] == bare["regressions"]["ridgeless"]
    for one, other in zip(ridged["learning_curve"], bare["learning_curve"], strict=True):
        assert one["theory"]["kappa"] > other["theory"]["kappa"]
    assert ridged["ridge"] == 0.3
    assert ridged["plateau"] == bare["plateau"]  # a network that stays lazy has no ridge


@pytest.mark.parametrize(
    ("grid", "sizes"),
    [
        ("7", [7]),
        ("10,3", [3, 10]),
        ("lin:2:8:4", [2, 4, 6, 8]),
        ("log:1:100:3", [1, 10, 100]),
        ("log:10:1000:4", [10, 46, 215, 1000]),
    ],
)
def test_a_learning_curve_has_the_sizes_of_its_grid(cli, grid, sizes):
    curve = as_json(cli, *QUICK, "--learning-curve", grid)["learning_curve"]
    assert [point["theory"]["n_train"] for point in curve] == sizes
    assert [point["simulation"] for point in curve] == [None] * len(sizes)


def test_draws_are_counted(cli):
    curve = as_json(cli, *SMALL, "--learning-curve", "3,6", "--draws", 4)["learning_curve"]
    assert [point["simulation"]["draws"] for point in curve] == [4, 4]
    assert all(point["simulation"]["standard_error"] > 0 for point in curve)
    five = as_json(cli, *SMALL, "--learning-curve", "3,6")["learning_curve"]
    assert [point["simulation"]["draws"] for point in five] == [5, 5]


def test_the_seed_decides_every_number(cli):
    words = (*SMALL, "--n-test", 3, "--draws", 2, "--learning-curve", "3,6")
    assert timeless(as_json(cli, *words)) == timeless(as_json(cli, *words))
    one, other = as_json(cli, *words), as_json(cli, *words, "--seed", 1)
    for part in ("sample", "spectrum", "alignments", "regressions", "learning_curve"):
        assert one[part] != other[part]


def test_infinite_width_has_the_closed_form(cli):
    report = as_json(cli, *QUICK, "--width", "inf", "--eps", 0.2)
    values = sorted(np.repeat([1 / 5, 0.04 * 7 / 25, 0.08 / 25], [5, 1, 14]), reverse=True)
    assert report["spectrum"]["eigenvalues"] == pytest.approx(values, rel=1e-10)
    assert [level["multiplicity"] for level in report["levels"]] == [5, 1, 14]


def test_an_uncentred_predictor_has_the_start_in_its_task(cli):
    centred, uncentred = (as_json(cli, *QUICK, flag) for flag in ("--centered", "--no-centered"))
    assert uncentred["sample"]["eigenvalues"] == centred["sample"]["eigenvalues"]
    assert uncentred["sample"]["difficulty"] != centred["sample"]["difficulty"]
    assert sum(uncentred["spectrum"]["power"]) != pytest.approx(sum(centred["spectrum"]["power"]), rel=1e-3)


def test_noise_is_in_the_training_labels_and_in_the_average(cli):
    clean, noisy = as_json(cli, *QUICK), as_json(cli, *QUICK, "--noise", 0.5)
    assert noisy["spectrum"] == clean["spectrum"]
    assert noisy["plateau"]["loss_test"] > 1.1 * clean["plateau"]["loss_test"]
    assert noisy["sample"]["difficulty"] != pytest.approx(clean["sample"]["difficulty"], rel=1e-3)


# ---- beside a run


@pytest.mark.parametrize(
    "words", [(), ("--no-centered",), ("--n-train", "inf"), ("--target", "kernel_eigenvector:k=2"), ("--noise", 0.5)],
    ids=str,
)  # fmt: skip
def test_its_numbers_are_those_of_a_run(cli, words):
    report = as_json(cli, *QUICK, "--n-test", 4, *words)
    run = as_json(cli, "run", "--no-plot", *SIZES, "--n-test", 4, "--t-max", 1, "--points", 3, *words)
    for name in ("exact", "sample"):
        assert run["summary"][f"kernel_regression_loss_{name}"] == report["regressions"]["ridgeless"][f"loss_{name}"]
    if report["sample"] is not None:
        assert run["summary"]["kernel_condition"] == report["sample"]["condition"]
        assert run["summary"]["kernel_rank"] == len(report["sample"]["eigenvalues"])
    at_start = {name: curve[0] for name, curve in run["curves"].items() if name.startswith("alignment")}
    assert report["alignments"] == pytest.approx(at_start, rel=1e-12)


def test_it_reads_every_source(cli, tmp_path):
    drawn = as_json(cli, *QUICK, "--eps", 0.3)
    (tmp_path / "s.toml").write_text("dim = 5\nn_train = 8\neps = 0.3\n")
    assert timeless(as_json(cli, "kernel", "--draws", 0, "--spec", "s.toml")) == timeless(drawn)
    words = ("run", "--no-plot", *SIZES, "--optimizer", "gradient_descent", "--steps", 5, "--eps", 0.3)
    assert cli(*words, "--out", "r.npz").code == 0
    assert as_json(cli, "kernel", "--draws", 0, "--from", "r.npz")["spectrum"] == drawn["spectrum"]
    assert cli("export", "r.npz", "--bundle", "b.npz").code == 0
    given = as_json(cli, "kernel", "--draws", 0, "--bundle", "b.npz")
    assert given["sample"]["eigenvalues"] == pytest.approx(drawn["sample"]["eigenvalues"], rel=1e-9)
    assert given["spectrum"]["eigenvalues"] == pytest.approx(drawn["spectrum"]["eigenvalues"], rel=1e-9)
    arrays = dict(np.load(tmp_path / "b.npz"))
    np.savez(tmp_path / "c.npz", **{name: value for name, value in arrays.items() if name != "covariance"})
    without = as_json(cli, "kernel", "--bundle", "c.npz")
    assert without["spectrum"] is without["plateau"] is None
    assert without["learning_curve"] == without["average_curve"] == without["levels"] == []
    assert without["sample"] == given["sample"]
    declared = as_json(cli, "kernel", "--draws", 0, "--bundle", "c.npz", "--covariance", 0.2)
    assert declared["spectrum"] == given["spectrum"]


def test_a_grid_says_which_point_is_examined(cli):
    ended = cli("kernel", "--preset", "kumar-fig5", "--dim", 10, "--json", "-")
    assert ended.code == 0
    notes = [line for line in ended.err.splitlines() if line.startswith("grokode: ")]
    assert notes == ["grokode: preset kumar-fig5 is a grid over target; this run takes target = kernel_eigenvector:k=1"]
    assert strictly(ended.out)["spectrum"] is None  # the labels have no law


def test_what_is_left_out_is_said_and_the_rest_reported(cli, monkeypatch):
    from grokode.experiment import examine

    monkeypatch.setattr(examine, "needed_bytes", lambda _, order: 8e9 if order == 20 else 0.0)
    monkeypatch.setattr(examine, "free_memory", lambda: 4e9)
    ended = cli(*QUICK)
    assert ended.code == 0
    assert ended.err.startswith("grokode: left out, needing 7.45 GiB")
    assert ended.err.count("\n") == 1
    assert "rank on the training set" in ended.out
    assert "samples P" not in ended.out


def test_one_table_follows_another_after_an_empty_line(cli):
    lines = [line.strip() for line in cli(*QUICK).out.splitlines()]
    for head in HEADS:
        (place,) = (index for index, line in enumerate(lines) if line.startswith(head))
        assert lines[place - 1] == ""
        assert lines[place - 2] != ""


# ---- the process


@pytest.mark.parametrize("words", [(), ("kernel",)], ids=["grokode", "kernel"])
def test_help_imports_nothing_heavy(tmp_path, words):
    program = f"""
import sys
from grokode.cli import app
sys.argv = ["grokode", *{words!r}, "--help"]
try:
    app.main()
finally:
    heavy = {{"numba", "scipy", "sympy", "matplotlib"}} & set(sys.modules)
    assert not heavy, heavy
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "kernel" in ended.stdout


def test_help_names_its_flags_and_none_of_training(cli):
    text = cli("kernel", "--help").out
    for flag in ("--ridge", "--learning-curve", "--draws", "--json", "--plot", "--preset", "--bundle", "--from"):
        assert flag in text
    for flag in ("--optimizer", "--steps", "--t-max", "--lazy"):
        assert flag not in text
