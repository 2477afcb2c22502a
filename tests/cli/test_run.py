"""The commands that succeed: what they write, where, and what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import get_type_hints

import numpy as np
import pytest

import grokode
from grokode.cli.run import command
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.experiment.sources import load_preset, preset_names
from grokode.experiment.spec import DEFAULTS, PHYSICS, Experiment

SMALL = ("run", "--no-plot", "--dim", 5, "--n-train", 8)
SHORT = (*SMALL, "--t-max", 50, "--points", 20)
DESCENT = (*SMALL, "--optimizer", "gradient_descent", "--steps", 100)
CURVES = {
    "t", "loss_train", "loss_test_exact", "variance_error", "misalignment_error", "linear_power",
    "mean_square_weight", "relative_change", "target_overlap",
}  # fmt: skip
LAZY = {
    "alignment_population", "alignment_sample_train", "alignment_column_centered_train", "alignment_centered_train",
    "kernel_drift", "kernel_drift_scale", "kernel_drift_rotation", "kernel_norm", "kernel_norm_linear",
    "kernel_norm_cross", "kernel_norm_quadratic", "loss_train_lazy", "loss_test_exact_lazy",
}  # fmt: skip
WITH_POINTS = {
    "alignment_sample_test", "alignment_column_centered_test", "alignment_centered_test", "loss_test_sample_lazy"
}  # fmt: skip
NUMBERS = {
    "kernel_regression_loss_exact", "kernel_regression_loss_sample", "kernel_condition", "kernel_rank",
    "train_loss_floor",
}  # fmt: skip
SUMMARY = {
    "threshold", "test_loss", "t_train", "t_train_status", "t_test", "t_test_status", "certificate", "delay",
    "peak_loss_test", "final_loss_train", "final_loss_test",
}  # fmt: skip


def strictly(text: str) -> dict:
    """Read one JSON object, refusing NaN and infinity."""

    def never(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    value = json.loads(text, parse_constant=never)
    assert isinstance(value, dict)
    return value


def as_json(cli, *words: object) -> dict:
    ended = cli(*words, "--json", "-")
    assert ended.code == 0, ended.err
    return strictly(ended.out)


def spec_of(cli, *words: object) -> str:
    ended = cli(*words, "--show-spec")
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def real(tmp_path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment,
    )  # fmt: skip


# ---- the default


def test_the_bare_run_groks_and_writes_a_table_and_a_picture(cli, tmp_path):
    ended = cli("run")
    assert (ended.code, ended.err) == (0, "")
    for word in ("t_train", "t_test", "delay", "peak test loss", "final train loss", "evaluations", " s\n"):
        assert word in re.sub(" +\n", "\n", ended.out)
    assert "./grokode-run.png" in ended.out
    assert (tmp_path / "grokode-run.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 1
    delay = float(re.search(r"^delay +(\S+)", ended.out, re.MULTILINE)[1])
    assert delay > 1000


def test_no_plot_writes_nothing(cli, tmp_path):
    ended = cli(*SHORT)
    assert ended.code == 0
    assert "picture" not in ended.out
    assert list(tmp_path.iterdir()) == []


def test_a_picture_nobody_asked_for_does_not_spoil_a_run(cli, monkeypatch):
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    ended = cli(*[word for word in SHORT if word != "--no-plot"])
    assert ended.code == 0
    assert "no picture: cannot write grokode-run.png" in ended.err


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_plot_writes_the_kind_its_suffix_names(cli, tmp_path, suffix, magic):
    assert cli(*SHORT, "--plot", f"x{suffix}").code == 0
    assert (tmp_path / f"x{suffix}").read_bytes().startswith(magic)


# ---- JSON


def test_json_on_stdout_is_one_object_alone(cli):
    ended = cli(*SHORT, "--json", "-")
    run = strictly(ended.out)
    assert run["schema"] == "grokode.run/1"
    assert set(run) == {"schema", "experiment", "curves", "summary", "solver", "versions"}
    assert set(run["curves"]) >= CURVES
    assert {"step", "loss_test_sample"}.isdisjoint(run["curves"])
    assert {len(values) for values in run["curves"].values()} == {20}
    assert set(run["summary"]) >= SUMMARY
    assert set(run["solver"]) >= {"method", "nfev", "seconds", "status"}
    assert set(run["versions"]) >= {"grokode", "numpy", "scipy", "numba", "python"}
    assert "t_train" in ended.err  # the table


def test_json_of_a_map_has_steps_and_whole_crossing_steps(cli):
    run = as_json(cli, *DESCENT, "--n-test", 7, "--threshold", "90%")
    assert run["curves"]["step"][0] == 0
    assert run["curves"]["step"][-1] == 100
    assert "loss_test_sample" in run["curves"]
    assert run["summary"]["t_train_status"] == "reached"
    assert run["summary"]["step_train"] * 0.5 == run["summary"]["t_train"]
    assert "step_test" in run["summary"]


def test_json_has_null_where_a_crossing_did_not_happen(cli):
    summary = as_json(cli, *SHORT, "--threshold", "1e-9")["summary"]
    assert summary["t_train"] is None
    assert summary["delay"] is None
    assert summary["t_train_status"] == "not_reached"


def test_json_in_a_file_is_the_object_of_stdout(cli, tmp_path):
    ended = cli(*SHORT, "--json", "x.json")
    assert ended.code == 0
    assert "t_train" in ended.out
    in_file, on_stdout = strictly((tmp_path / "x.json").read_text()), as_json(cli, *SHORT)
    assert in_file["curves"] == on_stdout["curves"]
    assert in_file["experiment"] == on_stdout["experiment"]


def test_json_numbers_are_at_full_precision(cli):
    run = grokode.run(dim=5, n_train=8, t_max=50, points=20)
    assert as_json(cli, *SHORT)["curves"]["loss_train"] == run.loss_train.tolist()


# ---- the kernel and the linearised network

# two steps, on a training set whose kernel takes longer to decompose than a run takes to start
BRIEF = ("run", "--no-plot", "--n-train", 2000, "--optimizer", "gradient_descent", "--steps", 2)


def test_a_run_brings_its_kernel_and_its_linearised_network(cli):
    run = as_json(cli, *SHORT)
    assert set(run["curves"]) >= LAZY
    assert WITH_POINTS.isdisjoint(run["curves"])
    assert run["summary"].keys() >= NUMBERS
    assert {name for name in NUMBERS if run["summary"][name] is None} == {"kernel_regression_loss_sample"}
    with_points = as_json(cli, *SHORT, "--n-test", 6)
    assert set(with_points["curves"]) >= LAZY | WITH_POINTS
    assert with_points["summary"]["kernel_regression_loss_sample"] > 0
    assert "alignment" not in with_points["curves"]


def test_the_table_has_regression_rank_and_condition(cli):
    table = cli(*SHORT, "--n-test", 6).out
    summary = as_json(cli, *SHORT, "--n-test", 6)["summary"]
    for name in ("exact", "sample"):
        shown = float(re.search(rf"^kernel regression \({name}\) +(\S+)", table, re.MULTILINE)[1])
        assert shown == pytest.approx(summary[f"kernel_regression_loss_{name}"], rel=1e-5)
    rank, condition = re.search(r"^initial kernel +rank (\S+), condition (\S+)", table, re.MULTILINE).groups()
    assert int(rank) == summary["kernel_rank"] == 8
    assert float(condition) == pytest.approx(summary["kernel_condition"], rel=1e-2)
    without = cli(*SHORT, "--no-lazy").out
    assert "kernel" not in without


def test_what_is_more_work_than_the_run_is_left_out_in_one_line_and_had_for_the_asking(cli):
    by_default = cli(*BRIEF, "--json", "-")
    left_out = [line for line in by_default.err.splitlines() if line.startswith("grokode: ")]
    assert len(left_out) == 1
    for word in ("left out", "more work than the run", "the linearised network", "--lazy"):
        assert word in left_out[0]
    run = strictly(by_default.out)
    assert "loss_train_lazy" not in run["curves"]
    assert {run["summary"][name] for name in NUMBERS} == {None}
    asked = cli(*BRIEF, "--lazy", "--json", "-")
    assert "grokode: " not in asked.err
    assert set(strictly(asked.out)["curves"]) >= LAZY


def test_none_of_it_is_had_for_the_asking_too(cli):
    ended = cli(*SHORT, "--no-lazy", "--n-test", 6, "--json", "-")
    assert "grokode: " not in ended.err
    run = strictly(ended.out)
    assert (LAZY | WITH_POINTS).isdisjoint(run["curves"])
    assert {name: run["summary"][name] for name in NUMBERS} == dict.fromkeys(NUMBERS)
    assert run["curves"]["loss_train"] == as_json(cli, *SHORT, "--n-test", 6)["curves"]["loss_train"]


def test_whether_it_was_asked_for_is_kept_with_a_run(cli, tmp_path):
    first = as_json(cli, *BRIEF, "--lazy", "--out", "r.npz")
    loaded = grokode.load(tmp_path / "r.npz")
    assert {name: loaded.curves[name].values.tolist() for name in LAZY} == {
        name: first["curves"][name] for name in LAZY
    }
    assert {name: loaded.summary[name] for name in NUMBERS} == {name: first["summary"][name] for name in NUMBERS}
    assert as_json(cli, "run", "--no-plot", "--from", "r.npz")["curves"] == first["curves"]
    without = as_json(cli, "run", "--no-plot", "--from", "r.npz", "--no-lazy")
    assert LAZY.isdisjoint(without["curves"])


@pytest.mark.parametrize(("flag", "line"), [("--lazy", "lazy = true\n"), ("--no-lazy", "lazy = false\n")])
def test_a_spec_may_ask_for_it_and_a_flag_wins(cli, tmp_path, flag, line):
    assert line in spec_of(cli, "run", flag)
    assert "lazy" not in spec_of(cli, "run")
    (tmp_path / "s.toml").write_text(line)
    assert spec_of(cli, "run", "--spec", "s.toml") == spec_of(cli, "run", flag)
    for other in ("--lazy", "--no-lazy"):
        assert spec_of(cli, "run", "--spec", "s.toml", other) == spec_of(cli, "run", other)


def test_steps_too_long_for_the_linearised_network_leave_its_curves_out_and_say_so(cli):
    ended = cli(*SMALL, "--optimizer", "gradient_descent", "--dt", 3, "--steps", 1000, "--json", "-")
    said = [line for line in ended.err.splitlines() if line.startswith("grokode: ")]
    assert len(said) == 1
    for word in ("linearised network", "step is too long", "diverge"):
        assert word in said[0]
    curves = strictly(ended.out)["curves"]
    assert {name for name in curves if name.endswith("lazy")} == set()
    assert "kernel_drift" in curves


def test_labels_of_the_kernel_are_run_and_run_again(cli):
    words = (*SHORT, "--target", "kernel_eigenvector:k=2", "--n-test", 5, "--out", "r.npz")
    first = as_json(cli, *words)
    assert first["summary"]["test_loss"] == "sample"
    assert "loss_test_exact" not in first["curves"]
    assert as_json(cli, "run", "--no-plot", "--from", "r.npz")["curves"] == first["curves"]
    assert cli("export", "r.npz", "--bundle", "b.npz", "--dt", 0.05).code == 0
    again = as_json(cli, "run", "--no-plot", "--bundle", "b.npz", "--optimizer", "gradient_flow", "--t-max", 50)
    for name in ("loss_train", "loss_test_sample", "loss_test_sample_lazy", "alignment_centered_test"):
        assert again["curves"][name][-1] == pytest.approx(first["curves"][name][-1], rel=1e-3)
        assert again["curves"][name][0] == pytest.approx(first["curves"][name][0], rel=1e-9)


# ---- saved runs


def test_a_saved_run_is_loaded_plotted_and_made_again(cli, tmp_path):
    first = as_json(cli, *SHORT, "--out", "r.npz")
    assert grokode.load(tmp_path / "r.npz").loss_train.tolist() == first["curves"]["loss_train"]
    ended = cli("plot", "r.npz")
    assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "r.png").exists()
    assert as_json(cli, "run", "--no-plot", "--from", "r.npz")["curves"] == first["curves"]


@pytest.mark.parametrize("words", [SHORT, (*SMALL, "--times", "0,1,50")])
def test_a_saved_run_goes_further(cli, words):
    first = as_json(cli, *words, "--out", "r.npz")
    further = as_json(cli, "run", "--no-plot", "--from", "r.npz", "--t-max", 100, "--points", 3000)
    assert further["curves"]["t"][-1] == 100
    t, loss = further["curves"]["t"], further["curves"]["loss_train"]
    last = first["curves"]["loss_train"][-1]
    assert np.exp(np.interp(np.log(50), np.log(t[1:]), np.log(loss[1:]))) == pytest.approx(last, rel=1e-3)


def test_a_bundle_run_goes_further(cli, tmp_path):
    assert cli(*DESCENT, "--out", "r.npz").code == 0
    assert cli("export", "r.npz", "--bundle", "b.npz").code == 0
    first = as_json(cli, "run", "--no-plot", "--bundle", "b.npz", "--out", "s.npz")
    assert first["curves"]["step"][-1] == 100
    assert as_json(cli, "run", "--no-plot", "--from", "s.npz")["curves"] == first["curves"]
    assert as_json(cli, "run", "--no-plot", "--from", "s.npz", "--steps", 300)["curves"]["step"][-1] == 300


# ---- sources


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--n-train", "inf", "--width", "inf"),
        ("--preset", "kumar-fig3e"),
        ("--lr", 0.25, "--steps", 7, "--target", "multi_index:k=2,weights=1:-0.5"),
        ("--times", "0,1,10", "--threshold", "10%", "--no-centered", "--time-limit", 5),
        ("--covariance", 0.25),
        ("--covariance", 'quo"te\\.npy'),
        ("--lazy",),
        ("--no-lazy", "--preset", "kumar-fig5"),
    ],
)
def test_the_shown_spec_gives_itself_back(cli, tmp_path, words):
    shown = spec_of(cli, "run", *words)
    (tmp_path / "s.toml").write_text(shown)
    assert spec_of(cli, "run", "--spec", "s.toml") == shown


def test_later_sources_win(cli, tmp_path):
    def in_force(*words: object) -> dict[str, object]:
        lines = (line.split(" = ") for line in spec_of(cli, "run", *words).splitlines())
        return {key: json.loads(value) for key, value in lines}

    (tmp_path / "s.toml").write_text("alpha = 3.0\neps = 0.5\nseed = 3\n")
    grokode.bundle.save(
        tmp_path / "b.npz", X_train=np.eye(3), y_train=np.ones(3), W0=np.eye(3), alpha=5.0, eps=0.1, lr=0.1,
        centered=True,
    )  # fmt: skip
    preset, spec, bundle = ("--preset", "kumar-fig3b"), ("--spec", "s.toml"), ("--bundle", "b.npz")
    assert in_force()["alpha"] == 1.0
    assert in_force(*preset)["target"] == "single_index:scale=2"
    assert in_force(*preset, *spec) == in_force(*preset) | {"alpha": 3.0, "eps": 0.5, "seed": 3}
    with_bundle = in_force(*preset, *spec, *bundle)
    assert (with_bundle["alpha"], with_bundle["seed"], with_bundle["lr"]) == (5.0, 3, 0.1)
    assert "dt" not in with_bundle
    flagged = in_force(*preset, *spec, *bundle, "--alpha", 7, "--dt", 0.3)
    assert (flagged["alpha"], flagged["dt"]) == (7.0, 0.3)
    assert "lr" not in flagged


def test_a_later_lr_replaces_an_inherited_dt_and_t_max_replaces_steps(cli):
    shown = spec_of(cli, "run", "--preset", "kumar-fig1", "--lr", 0.5, "--t-max", 30)
    assert "lr = 0.5" in shown
    assert "t_max = 30.0" in shown
    assert "dt =" not in shown
    assert "steps =" not in shown


def test_a_preset_that_is_a_grid_says_which_point_is_run(cli):
    ended = cli("run", "--no-plot", "--preset", "kumar-fig9", "--steps", 2)
    assert ended.code == 0
    assert ended.err == "grokode: preset kumar-fig9 is a grid over n_train; this run takes n_train = 120\n"


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_runs_in_short(cli, name):
    end = ("--steps", 5) if OPTIMIZERS.build(load_preset(name).parameters["optimizer"]).steps else ("--t-max", 1)
    run = as_json(cli, "run", "--no-plot", "--preset", name, "--points", 5, *end)
    assert run["solver"]["status"] == "done"


def test_presets_lists_all_of_them(cli):
    ended = cli("presets", "--json", "-")
    listed = strictly(ended.out)
    assert listed["schema"] == "grokode.presets/1"
    numbers = ("1", "10", "11", "13a", "14", "15", "3a", "3b", "3e", "4", "5", "7", "9")
    of_the_paper = [f"kumar-fig{number}" for number in numbers]
    assert [preset["name"] for preset in listed["presets"]] == ["alpha-eps", "goldilocks", *of_the_paper, "width"]
    for preset in listed["presets"]:
        assert preset["summary"]
        assert preset["name"] in ended.err
        assert {"dim", "alpha"} <= set(preset["experiment"])
    assert "kumar-fig3e" in cli("presets").out


# ---- how a run ends


def test_until_resolved_stops_once_every_crossing_is_answered(cli):
    run = as_json(cli, "run", "--no-plot", "--until", "resolved")
    assert run["solver"]["status"] == "stopped"
    assert run["summary"]["t_test_status"] == "reached"
    assert run["summary"]["t_test"] <= run["curves"]["t"][-1] < 1e5


def test_a_time_limit_keeps_and_labels_what_was_computed(cli, tmp_path):
    ended = cli(*SHORT, "--time-limit", 1e-9, "--json", "x.json", "--out", "x.npz")
    assert ended.code == 1
    assert re.search("status +time_limit", ended.out)
    run = strictly((tmp_path / "x.json").read_text())
    assert run["solver"]["status"] == "time_limit"
    assert run["curves"]["t"][-1] < 50
    assert grokode.load(tmp_path / "x.npz").status == "time_limit"


@pytest.mark.parametrize("text", ["10%", "0.1"])
def test_a_threshold_is_a_loss_or_a_part_of_the_initial_one(cli, text):
    run = as_json(cli, *SHORT, "--threshold", text)
    whole = run["curves"]["loss_train"][0] if text.endswith("%") else 1.0
    assert run["summary"]["threshold"] == ("10%" if text.endswith("%") else 0.1)
    assert run["summary"]["threshold_train"] == pytest.approx(0.1 * whole, rel=1e-12)


def test_an_infinite_training_set_has_equal_train_and_test_loss(cli):
    curves = as_json(cli, *SHORT, "--n-train", "inf")["curves"]
    assert curves["loss_train"] == pytest.approx(curves["loss_test_exact"], rel=1e-12)


def test_infinite_width_starts_at_unit_weights(cli):
    assert as_json(cli, *SHORT, "--width", "inf")["curves"]["mean_square_weight"][0] == pytest.approx(5, rel=1e-12)


# ---- export


@pytest.mark.parametrize(("width", "neurons"), [("3", None), ("40", None), ("inf", 6), ("inf", 50), ("1e9", 6)])
def test_an_exported_run_is_trained_to_the_same_curves(cli, width, neurons):
    drawn = as_json(cli, *DESCENT, "--n-test", 9, "--width", width, "--out", "r.npz")
    ended = cli("export", "r.npz", "--bundle", "b.npz", *(("--width", neurons) if neurons else ()))
    assert (ended.code, ended.err) == (0, "")
    again = as_json(cli, "run", "--no-plot", "--bundle", "b.npz")
    assert again["curves"]["step"] == drawn["curves"]["step"]
    for name in ("loss_train", "loss_test_exact", "loss_test_sample", "mean_square_weight"):
        assert again["curves"][name] == pytest.approx(drawn["curves"][name], rel=1e-9)


def test_an_export_of_a_changed_bundle_run_has_the_changes(cli, tmp_path):
    assert cli(*DESCENT, "--width", 4, "--out", "r.npz").code == 0
    assert cli("export", "r.npz", "--bundle", "b.npz").code == 0
    changed = as_json(
        cli, "run", "--no-plot", "--bundle", "b.npz", "--alpha", 2, "--steps", 50, "--out", "s.npz"
    )["curves"]  # fmt: skip
    assert cli("export", "s.npz", "--bundle", "c.npz").code == 0
    again = as_json(cli, "run", "--no-plot", "--bundle", "c.npz")["curves"]
    assert again["step"] == changed["step"]
    assert again["loss_train"] == pytest.approx(changed["loss_train"], rel=1e-9)
    before, after = grokode.bundle.load(tmp_path / "b.npz"), grokode.bundle.load(tmp_path / "c.npz")
    assert np.array_equal(before.W0, after.W0)


# ---- the process


def test_help_imports_nothing_heavy(tmp_path):
    program = """
import sys
from grokode.cli import app
sys.argv = ["grokode", "run", "--help"]
try:
    app.main()
finally:
    heavy = {"numba", "scipy", "sympy", "matplotlib"} & set(sys.modules)
    assert not heavy, heavy
"""
    ended = real(tmp_path, sys.executable, "-c", program)
    assert ended.returncode == 0, ended.stderr
    assert "--threshold" in ended.stdout


def defaults():
    fields = Experiment.model_fields
    return DEFAULTS | {name: fields[name].default for name in fields if fields[name].default is not None}


@pytest.mark.parametrize(("name", "value"), defaults().items())
def test_the_help_says_every_default(name, value):
    (help,) = (part.help for part in get_type_hints(command, include_extras=True)[name].__metadata__)
    said = "on" if value is True else "100000" if value == 1e5 else (value if isinstance(value, str) else f"{value:g}")
    assert re.search(rf"(^|\W){re.escape(said.replace('1e-06', '1e-6'))} by default", help), help


def test_the_bare_command_is_the_help(cli):
    ended = cli()
    assert (ended.code, ended.err) == (0, "")
    assert "presets" in ended.out


def test_version_is_the_package_s(cli):
    assert cli("--version").out.startswith("grokode 0.")


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX pipes")
def test_a_reader_that_leaves_causes_no_traceback(tmp_path):
    command = (
        f"{sys.executable} -m grokode run --no-plot --dim 5 --n-train 8 --points 3000 --json - --out r.npz | head -c 1"
    )
    ended = real(tmp_path, "bash", "-o", "pipefail", "-c", command)
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    assert "error" not in ended.stderr
    assert ended.stdout == "{"
    assert (tmp_path / "r.npz").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX terminals")
def test_no_color_is_honored_by_what_has_colors(tmp_path):
    """The progress bar on a terminal; a table has bold names there, and nothing elsewhere."""
    import pty

    words = [sys.executable, "-m", "grokode", "run", "--no-plot", "--dim", "5", "--n-train", "8", "--t-max", "1"]
    shown = []
    for environment in ({}, {"NO_COLOR": "1"}):
        ours, theirs = pty.openpty()
        settings = os.environ | {"TERM": "xterm-256color"} | environment
        ended = subprocess.run(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, env=settings, check=True)
        os.close(theirs)
        shown.append(os.read(ours, 1 << 16))
        os.close(ours)
        assert b"\x1b" not in ended.stdout
    color = re.compile(rb"\x1b\[[0-9;]*3[0-7]m|\x1b\[38;")
    assert color.search(shown[0])
    assert not color.search(shown[1])


def test_what_a_bundle_fixes_has_a_flag_each(cli):
    help_text = cli("run", "--help").out
    for key in PHYSICS:
        assert "--" + key.replace("_", "-") in help_text


def test_an_interrupt_is_one_line_and_exit_code_130(cli, monkeypatch, tmp_path):
    from grokode.experiment import simulate

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "simulate", interrupted)
    ended = cli("run", "--out", "run.npz")
    assert ended.code == 130
    assert ended.err.startswith("grokode: error: interrupted")
    assert ended.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
