"""``grokode overlay``: what it writes, where, and with which exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import grokode

D, P, N, STEPS = 4, 8, 3, 60
SYSTEM = {"dim": D, "n_train": P, "width": N, "n_test": 20, "eps": 0.2}
DESCENT = {"optimizer": "gradient_descent", "dt": 0.3, "steps": STEPS}
FLAGS = ("--dim", D, "--n-train", P, "--width", N, "--n-test", 20, "--eps", 0.2)


def write(name, run, names=("step", "loss_train", "loss_test"), scale=1.0):
    """Write the losses of a run as a table."""
    columns = np.column_stack([run.step, scale * run.loss_train, scale * run.loss_test_sample])
    lines = [",".join(repr(float(cell)) for cell in row) for row in columns.tolist()]
    Path(name).write_text(",".join(names) + "\n" + "\n".join(lines) + "\n")


def write_train(name, run, shift=0):
    """Write the train losses of a run under steps that are moved."""
    rows = zip((run.step + shift).tolist(), run.loss_train.tolist(), strict=True)
    Path(name).write_text("step,loss\n" + "".join(f"{step},{loss!r}\n" for step, loss in rows))


@pytest.fixture
def folder(cli, tmp_path):
    """Put bundles and logs of two trainings into the working folder."""
    from grokode.experiment.exporting import export

    for seed in (0, 1):
        run = grokode.run(**SYSTEM, **DESCENT, points=40, seed=seed)
        grokode.bundle.save(f"bundle-{seed}.npz", export(run))
        write(f"log-{seed}.csv", run)
    return tmp_path


ONE = ("overlay", "log-0.csv", "--bundle", "bundle-0.npz")


def object_of(text):
    def never(name):
        raise AssertionError(f"{name} in JSON")

    return json.loads(text, parse_constant=never)


def refused(ended, *said):
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("grokode: error: ")
    assert ended.err.count("\n") == 1, ended.err
    for word in said:
        assert word in ended.err


def test_a_log_and_a_bundle_give_a_table_and_a_picture(cli, folder):
    ended = cli(*ONE)
    assert (ended.code, ended.err) == (0, "")
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0] == ["|d", "ln", "L|", "points", "max", "at", "step", "rms", "resolution", "beyond", "drop", "shift"]
    assert [row[:2] for row in rows[1:3]] == [["train", "loss"], ["test", "loss"]]
    assert all(float(row[3]) < 1e-9 for row in rows[1:3])
    assert "./grokode-overlay.png" in ended.out
    assert (folder / "grokode-overlay.png").read_bytes()[:4] == b"\x89PNG"


def test_the_object_alone_goes_to_stdout_and_the_table_to_stderr(cli, folder):
    ended = cli(*ONE, "--json", "-", "--no-plot")
    record = object_of(ended.out)
    assert record["schema"] == "grokode.overlay/1"
    assert record["status"] == "done"
    assert record["experiments"][0]["steps"] == STEPS
    assert record["experiments"][0]["optimizer"] == "gradient_descent"
    assert record["logs"][0]["name"] == "log-0.csv"
    assert "|d ln L|" in ended.err
    assert not (folder / "grokode-overlay.png").exists()


def test_picture_and_object_go_where_they_are_told(cli, folder):
    ended = cli(*ONE, "--plot", "a.svg", "--json", "a.json", "--no-plot")
    assert ended.code == 0
    assert (folder / "a.svg").read_text().startswith("<?xml")
    assert object_of((folder / "a.json").read_text())["agreement"]["loss_train"]["points"] > 20


def test_a_check_that_holds_exits_with_0(cli, folder):
    ended = cli(*ONE, "--check", 1e-9, "--json", "-", "--no-plot")
    assert (ended.code, object_of(ended.out)["status"]) == (0, "agrees")


def test_a_check_beyond_its_tolerance_writes_everything_and_exits_with_4(cli, folder):
    ended = cli(*ONE, "--check", 1e-6, "--lr", 1.01 * 0.3 * N, "--json", "a.json")
    assert ended.code == 4
    assert re.search(
        r"grokode: error: log-0.csv: (train|test) loss is [\d.e-]+ from the theory in log loss, beyond 1e-06\n$",
        ended.err,
    )
    assert object_of((folder / "a.json").read_text())["status"] == "beyond_tolerance"
    assert (folder / "grokode-overlay.png").exists()
    assert "train loss" in ended.out


def test_a_convention_that_explains_the_log_is_said_on_stderr(cli, folder):
    ended = cli(*ONE, "--lr", 0.6 * N, "--no-plot")
    assert ended.code == 0  # no check was asked for
    assert "log-0.csv agrees to " in ended.err
    assert "with lr = 1/2 x 1.8, --lr 0.9; see 'grokode convention'" in ended.err


@pytest.mark.parametrize("changes", [("--lr", 0.6 * N), ("--no-centered",)], ids=["lr", "centred"])
def test_a_convention_is_looked_for_with_the_covariance_that_a_saved_run_keeps(cli, folder, changes):
    with np.load("bundle-0.npz") as saved:
        arrays = {name: saved[name] for name in saved.files if name not in ("covariance", "X_test", "y_test")}
    np.savez("given.npz", **arrays)
    np.save("cov.npy", np.diag(np.arange(1.0, D + 1)))
    training = ("--optimizer", "gradient_descent", "--dt", 0.3, "--steps", STEPS)
    given = ("--bundle", "given.npz", "--covariance", "cov.npy", *training)
    assert cli("run", *given, "--out", "run.npz", "--no-plot").code == 0
    (folder / "cov.npy").unlink()
    write_train("log.csv", grokode.load("run.npz"))
    ended = cli("overlay", "log.csv", "--from", "run.npz", *changes, "--no-plot")
    assert ended.code == 0, ended.err
    assert "log.csv agrees to " in ended.err


def test_columns_are_found_by_the_names_that_are_given(cli, folder):
    run = grokode.run(grokode.bundle.load("bundle-0.npz"), points=40, steps=STEPS)
    write("odd.csv", run, names=("when", "fit", "risk"))
    refused(cli("overlay", "odd.csv", "--bundle", "bundle-0.npz", "--no-plot"), "odd.csv", "--step")
    named = ("--step", "when", "--train", "fit", "--test", "risk")
    ended = cli("overlay", "odd.csv", "--bundle", "bundle-0.npz", *named, "--check", 1e-9, "--no-plot")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("loss ") == 2


def test_a_log_that_counts_from_one_is_explained_and_can_be_moved(cli, folder):
    """The loss before each update, under the number of that update."""
    run = grokode.run(grokode.bundle.load("bundle-0.npz"), points=40, steps=STEPS)
    write_train("late.csv", run, shift=1)
    late = ("overlay", "late.csv", "--bundle", "bundle-0.npz", "--check", 1e-9, "--no-plot")
    ended = cli(*late)
    assert ended.code == 4
    assert "one step before those that it names; --step COL@-1" in ended.err
    assert cli(*late, "--step", "step@-1").code == 0


def test_a_bundle_for_each_log_in_order(cli, folder):
    logs = ("overlay", "log-0.csv", "log-1.csv", "--check", 1e-9, "--no-plot")
    ended = cli(*logs, "--bundle", "bundle-0.npz", "--bundle", "bundle-1.npz")
    assert ended.code == 0
    assert "log-1.csv: test loss" in ended.out
    assert cli(*logs, "--bundle", "bundle-1.npz", "--bundle", "bundle-0.npz").code == 4
    refused(cli(*logs, *("--bundle", "bundle-0.npz") * 3), "3 bundles beside 2 logs")


def test_without_a_bundle_the_theory_is_a_mean_over_draws(cli, folder):
    training = ("--optimizer", "gradient_descent", "--dt", 0.3, "--draws", 12)
    ended = cli("overlay", "log-0.csv", "log-1.csv", *FLAGS, *training, "--json", "-", "--no-plot")
    record = object_of(ended.out)
    assert (ended.code, record["draws"]) == (0, 12)
    assert [one["log"] for one in record["theory"]] == ["mean of 2 logs"] * 2
    # two logs are draws like those of the theory; a deviation of 4 standard errors has a probability of 1e-4
    assert all(0 < found["max_standard_errors"] < 4 for found in record["agreement"].values())
    assert "in std errors" in ended.err
    with_workers = cli(
        "overlay", "log-0.csv", "log-1.csv", *FLAGS, *training, "--json", "-", "--no-plot",
        "--engine", "local", "--workers", 2,
    )  # fmt: skip
    assert object_of(with_workers.out)["agreement"] == record["agreement"]


def test_a_saved_run_and_a_spec_are_sources_too(cli, folder):
    grokode.save(grokode.run(**SYSTEM, **DESCENT, points=10), "run.npz")
    (folder / "spec.toml").write_text(
        "".join(f"{name} = {json.dumps(value)}\n" for name, value in (SYSTEM | DESCENT).items())
    )
    found = [
        object_of(cli("overlay", "log-0.csv", *source, "--draws", 3, "--no-plot", "--json", "-").out)
        for source in (("--from", "run.npz"), ("--spec", "spec.toml"))
    ]
    assert found[0]["agreement"] == found[1]["agreement"]


def test_a_scale_of_the_logs_is_taken_out(cli, folder):
    run = grokode.run(grokode.bundle.load("bundle-0.npz"), points=40, steps=STEPS)
    write("half.csv", run, scale=0.5)
    half = ("overlay", "half.csv", "--bundle", "bundle-0.npz", "--check", 1e-9, "--no-plot")
    assert cli(*half).code == 4
    assert cli(*half, "--loss-scale", 0.5).code == 0


def test_fitted_parameters_stand_below_the_table(cli, folder):
    ended = cli(*ONE, "--fit", "lr", "--check", 1e-6, "--no-plot")
    assert ended.code == 0
    assert re.search(r"^fit lr +0\.9 ", ended.out, flags=re.MULTILINE)


def test_what_the_reader_noticed_is_said(cli, folder):
    head, *rows = Path("log-0.csv").read_text().splitlines()
    Path("log-0.csv").write_text("\n".join([head, "0,nan,nan", *rows]) + "\n")
    ended = cli(*ONE, "--check", 1e-9, "--no-plot")
    assert ended.code == 0
    assert ended.err.startswith("grokode: log-0.csv: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("overlay", "none.csv", "--bundle", "bundle-0.npz"), ("none.csv",)),
        (("overlay", "log-0.csv", "--bundle", "none.npz"), ("none.npz",)),
        ((*ONE, "--train", "los"), ("los",)),
        ((*ONE, "--draws", 5), ("draws = 5", "leave it out")),
        ((*ONE, "--check", -1), ("tolerance", "-1")),
        ((*ONE, "--engine", "local"), ("a bundle gives its own", "leave out --engine")),
        ((*ONE, "--check", "nan"), ("tolerance", "nan")),
        ((*ONE, "--fit", "beta"), ("'beta'",)),
        ((*ONE, "--alpha", 0), ("alpha",)),
        ((*ONE, "--width", 4), ("--width 4", "contradicts the bundle")),
        ((*ONE, "--from", "bundle-0.npz"), ("bundle-0.npz",)),
        ((*ONE, "--json", "log-0.csv"), ("--json log-0.csv is also log 1",)),
        ((*ONE, "--json", "bundle-0.npz"), ("also bundle 1",)),
        ((*ONE, "--plot", "a.txt"), ("a.txt", ".png")),
        ((*ONE, "--out", "a.png"), ("--out", "grokode overlay --help")),
        ((*ONE, "--steps", 5), ("--steps", "grokode overlay --help")),
        (("overlay",), ("logs",)),
        (("overlay", "log-0.csv", "--draws", 1), ("draws", "1")),
        (("overlay", "log-0.csv", *FLAGS, "--dt", 0.3, "--draws", 0), ("draws", "0")),
        (("overlay", "log-0.csv", "--dim", 3, "--width", "inf", "--lr", 1), ("lr = 1", "infinite width")),
    ],
    ids=lambda part: " ".join(map(str, part)),
)
def test_bad_input_is_one_line_and_writes_nothing(cli, folder, words, said):
    before = sorted(path.name for path in folder.iterdir())
    refused(cli(*words), *said)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_step_beyond_stability_is_a_failed_run(cli, folder):
    ended = cli(*ONE, "--lr", 1e4)
    assert ended.code == 1
    assert re.match(r"grokode: error: gradient_descent diverged.*grokode convention'\n$", ended.err)
    assert not (folder / "grokode-overlay.png").exists()


def test_a_log_that_ends_in_nan_fails_a_check_however_well_the_rest_agrees(cli, folder):
    with Path("log-0.csv").open("a") as stream:
        stream.write("61,nan,nan\n")
    ended = cli(*ONE, "--check", 1e-9, "--no-plot")
    assert ended.code == 4
    assert "log-0.csv ends in NaN or infinity, and the theory does not" in ended.err
    assert cli(*ONE, "--no-plot").code == 0
    assert json.loads(cli(*ONE, "--check", 1e-9, "--no-plot", "--json", "-").out)["status"] == "beyond_tolerance"


def test_no_number_of_a_table_is_cut_on_a_narrow_terminal(cli, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    ended = cli(
        "overlay", "log-0.csv", "log-1.csv", "--bundle", "bundle-0.npz", "--bundle", "bundle-1.npz", "--no-plot"
    )
    assert "…" not in ended.out
    assert len(ended.out.splitlines()[1].split()) == len(ended.out.splitlines()[3].split()) == 10
