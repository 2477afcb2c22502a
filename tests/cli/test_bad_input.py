"""Every bad input is one line that names the fix, an exit code, and nothing written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

D, P, N = 5, 8, 3
SMALL = ("run", "--no-plot", "--dim", D, "--n-train", P)
SHORT = (*SMALL, "--t-max", 1, "--points", 3)


def bundle_arrays() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    X, beta = rng.standard_normal((P, D)), rng.standard_normal(D)
    return {
        "X_train": X,
        "y_train": (X @ beta) ** 2 / 2,
        "W0": rng.standard_normal((N, D)),
        "alpha": 1.0,
        "eps": 0.1,
        "lr": 0.05,
        "centered": True,
    }


GOOD = bundle_arrays()
FULL = {"X_test": GOOD["X_train"], "y_test": GOOD["y_train"], "covariance": 1.0, "beta_star": np.ones(D)}
TRIANGLE = np.triu(np.ones((D, D)))


def refused(ended: Any, code: int, *said: str) -> None:
    """One line on stderr with every word in it, nothing on stdout."""
    assert ended.err.startswith("grokode: error: ")
    assert ended.err.endswith("\n")
    assert ended.err.count("\n") == 1, ended.err
    for word in said:
        assert word in ended.err
    assert ended.out == ""
    assert ended.code == code


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Everything in a folder, hidden files included."""
    return {path: None if path.is_dir() else path.read_bytes() for path in sorted(folder.rglob("*"))}


# ---- flags: words, then what the line must say

FLAGS: list[tuple[str, tuple[str, ...]]] = [
    ("--alpha -1", ("alpha", "greater than 0", "-1")),
    ("--alpha 1e-300", ("alpha", "from 1e-100 to 1e+100", "1e-300")),
    ("--alpha 0", ("alpha", "greater than 0")),
    ("--alpha nan", ("alpha", "finite", "nan")),
    ("--alpha inf", ("alpha", "finite", "inf")),
    ("--alpha abc", ("--alpha", "'abc'", "grokode run --help")),
    ("--eps -0.1", ("eps", "-0.1")),
    ("--eps nan", ("eps", "finite")),
    ("--eps 1e200", ("kernel", "--eps")),
    ("--sigma -1", ("sigma", "-1")),
    ("--sigma 1e200", ("kernel", "--sigma")),
    ("--dim 0", ("dim", "equal to 1", "0")),
    ("--dim 2.5", ("--dim", "'2.5'")),
    ("--n-train 0", ("n_train", "equal to 1", "'0'")),
    ("--n-train 2.5", ("n_train", "whole number or inf", "'2.5'")),
    ("--n-train abc", ("n_train", "whole number or inf", "'abc'")),
    ("--n-train nan", ("n_train", "whole number or inf", "'nan'")),
    ("--n-train -inf", ("n_train", "whole number or inf")),
    ("--n-test -1", ("n_test", "-1")),
    ("--width 0", ("width", "equal to 1", "'0'")),
    ("--width 1e300", ("width", "at most")),
    ("--noise -1", ("noise", "-1")),
    ("--seed -1", ("seed", "-1")),
    ("--threads 0", ("threads", "0")),
    ("--preset kumar-fig6", ("'kumar-fig6'", "did you mean 'kumar-fig")),
    ("--preset=", ("unknown preset ''", "one of: alpha-eps, goldilocks, kumar-fig1")),
    ("--target singel_index", ("unknown target 'singel_index'", "'single_index'")),
    ("--target single_index:scal=2", ("'scal'", "did you mean 'scale'")),
    ("--target single_index:scale=x", ("single_index:scale", "number", "'x'")),
    ("--target single_index:scale", ("'scale' is not field=value",)),
    ("--target multi_index:k=0", ("k must be at least 1, got 0",)),
    ("--target multi_index:k=2,weights=1:2:3", ("need 2 weights, got 3",)),
    ("--target product:k=2", ("no parameter 'k'",)),
    ("--target file", ("file:path=",)),
    ("--target file:path=nope.npy", ("no file nope.npy",)),
    ("--target given", ("target = 'given'", "--bundle")),
    ("--target kernel_eigenvector", ("needs k", "kernel_eigenvector:k=")),
    ("--target kernel_eigenvector:k=0", ("k must be at least 1, got 0",)),
    ("--target kernel_eigenvector:k=9", ("k must be at most 8", "got 9")),
    ("--target kernel_eigenvector:k=x", ("kernel_eigenvector:k", "whole number", "'x'")),
    ("--target kernel_eigenvector:k=1 --n-train inf", ("n_train = inf", "finite --n-train")),
    ("--start given", ("start = 'given'", "--bundle")),
    ("--start uniform", ("unknown start 'uniform'", "gaussian")),
    ("--optimizer gradient_descent --schedule cosin", ("'cosin'", "did you mean 'cosine'")),
    ("--optimizer gradient_descent --schedule cosine", ("needs steps", "write cosine:steps=...")),
    ("--optimizer gradient_decent", ("'gradient_decent'", "did you mean 'gradient_descent'")),
    ("--solver rk54", ("unknown solver 'rk54'", "did you mean 'rk45'")),
    ("--alhpa 2", ("--alhpa", "--alpha")),
    ("--covariance -1", ("covariance", "positive", "-1")),
    ("--covariance nan", ("covariance", "positive", "nan")),
    ("--covariance nope.npy", ("covariance", "no file nope.npy")),
    ("--lr 0", ("lr", "greater than 0")),
    ("--dt -1", ("dt", "greater than 0")),
    ("--steps 0", ("steps", "equal to 1")),
    ("--t-max inf", ("t_max", "finite")),
    ("--t-max 0", ("t_max", "greater than 0")),
    ("--lr 1 --dt 1", ("lr = 1.0 and dt = 1.0", "keep one")),
    ("--steps 5 --t-max 5", ("steps = 5 and t_max = 5.0", "keep one")),
    ("--lr 1 --width inf", ("lr = 1.0", "infinite width", "--dt")),
    ("--points 5 --times 0,1", ("points = 5 and times = 0,1", "keep one")),
    ("--points 1", ("points", "equal to 2", "got 1")),
    ("--times 0,3,2", ("increase", "2 after 3")),
    ("--times 0", ("times", "beyond 0")),
    ("--times a,b", ("'a,b' is not a grid", "log:0.01:100:9")),
    ("--times log:0:10:5", ("'log:0:10:5' is not a grid",)),
    ("--times nan,1", ("times", "finite")),
    ("--threshold 0", ("threshold", "positive", "'0'", "10%")),
    ("--threshold abc", ("threshold", "'abc'", "10%")),
    ("--threshold -1%", ("threshold", "'-1%'")),
    ("--until never", ("'end' or 'resolved'", "'never'")),
    ("--rtol 1", ("rtol", "0.1", "1.0")),
    ("--rtol 0", ("rtol", "got 0")),
    ("--time-limit 0", ("time_limit", "greater than 0")),
    ("--optimizer gradient_descent --steps 100000000000000000000", ("steps", "less than or equal")),
    ("--optimizer gradient_descent --dt 1e-300", ("steps of dt", "--t-max")),
    ("--json no/x.json", ("no folder no",)),
    ("--out no/x.npz", ("no folder no",)),
    ("--plot no/x.png", ("no folder no",)),
    ("--json .", ("it is a folder",)),
    ("--out x.txt", ("x.txt must end in .npz",)),
    ("--plot x.jpg", ("x.jpg must end in .png",)),
    (f"--out {'a' * 300}.npz", ("cannot write", "too long")),
    ("--spec nope.toml", ("no spec file nope.toml",)),
    ("--from nope.npz", ("no run nope.npz",)),
    ("--bundle nope.npz", ("no bundle nope.npz",)),
    ("extra", ("extra",)),
    ("--json", ("--json", "argument")),
]

# ---- of ``grokode kernel``

KERNEL_FLAGS: list[tuple[str, tuple[str, ...]]] = [
    ("--ridge -1", ("ridge", "zero or positive", "-1")),
    ("--ridge nan", ("ridge", "finite", "nan")),
    ("--ridge inf", ("ridge", "finite", "inf")),
    ("--ridge abc", ("--ridge", "'abc'", "grokode kernel --help")),
    ("--learning-curve 0", ("learning curve", "from 1 to", "got 0")),
    ("--learning-curve 10,-3", ("learning curve", "from 1 to", "got -3")),
    ("--learning-curve inf", ("learning curve", "from 1 to", "got inf")),
    ("--learning-curve nan", ("learning curve", "from 1 to", "got nan")),
    ("--learning-curve 1e300", ("learning curve", "to 1e+15", "got 1e+300")),
    ("--learning-curve log:1:10:0", ("has 0 numbers", "1 to 1000000")),
    ("--learning-curve a,b", ("'a,b' is not a grid", "log:0.01:100:9")),
    ("--learning-curve log:0:10:5", ("'log:0:10:5' is not a grid",)),
    ("--learning-curve=", ("'' is not a grid",)),
    ("--draws -1", ("draws", "0 or more", "-1")),
    ("--draws 1.5", ("--draws", "'1.5'")),
    ("--alpha -1", ("alpha", "greater than 0", "-1")),
    ("--eps 1e200", ("kernel", "--eps")),
    ("--n-train 2.5", ("n_train", "whole number or inf", "'2.5'")),
    ("--preset kumar-fig6", ("'kumar-fig6'", "did you mean 'kumar-fig")),
    ("--target kernel_eigenvector", ("needs k", "kernel_eigenvector:k=")),
    ("--target kernel_eigenvector:k=9", ("k must be at most 8", "got 9")),
    ("--target kernel_eigenvector:k=1 --n-train inf", ("n_train = inf", "finite --n-train")),
    ("--covariance nope.npy", ("covariance", "no file nope.npy")),
    ("--spec nope.toml", ("no spec file nope.toml",)),
    ("--from nope.npz", ("no run nope.npz",)),
    ("--bundle nope.npz", ("no bundle nope.npz",)),
    ("--steps 5", ("--steps",)),
    ("--lazy", ("--lazy",)),
    ("--json no/x.json", ("no folder no",)),
    ("--json .", ("it is a folder",)),
    ("--plot no/x.png", ("no folder no",)),
    ("--plot x.jpg", ("x.jpg must end in .png",)),
    ("--json x.svg --plot x.svg", ("--plot x.svg is also --json",)),
    ("extra", ("extra",)),
]


@pytest.mark.parametrize(("words", "said"), FLAGS, ids=[words[:60] for words, _ in FLAGS])
def test_a_bad_flag_is_one_line_that_names_the_fix(cli, tmp_path, words, said):
    refused(cli(*SMALL, *words.split()), 2, *said)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(("words", "said"), KERNEL_FLAGS, ids=[words for words, _ in KERNEL_FLAGS])
def test_a_bad_flag_of_kernel_is_one_line_that_names_the_fix(cli, tmp_path, words, said):
    outputs = () if "--json" in words or "--plot" in words else ("--json", "x.json", "--plot", "x.png")
    refused(cli("kernel", "--dim", D, "--n-train", P, *outputs, *words.split()), 2, *said)
    assert contents(tmp_path) == {}


def test_what_training_refuses_is_one_line_too(cli):
    refused(cli(*SMALL, "--optimizer", "sgd", "--batch-size", 99, "--steps", 3), 2, "batch_size = 99", "lower it")


def test_a_name_with_a_line_break_stays_on_one_line(cli):
    refused(cli(*SMALL, "--spec", "two\nlines.toml"), 2, "two lines.toml")


def test_a_misspelt_command_names_the_nearest(cli):
    refused(cli("rum"), 2, "'rum'", "'run'")


def test_an_infinite_covariance_is_refused(cli):
    refused(cli(*SHORT, "--covariance", "inf"), 2, "covariance", "finite")


def test_a_run_too_large_for_memory_is_refused_in_gib(cli, tmp_path):
    refused(cli("run", "--dim", 400, "--n-train", 10**9), 2, "GiB", "--n-train")
    assert contents(tmp_path) == {}


LARGE = ("kernel", "--dim", 60, "--width", "inf", "--n-train", 1500)


@pytest.mark.parametrize(
    ("words", "module", "free", "fix"),
    [
        # the run fits, what goes beside it does not
        ((*SHORT, "--lazy"), "experiment.simulate", 1e6, "leave out --lazy"),
        # the data fit, their kernel or its labels do not
        ((*LARGE, "--draws", 0), "memory", 5e7, "--n-train or --dim"),
        (
            (*LARGE[:-1], 8, "--learning-curve", 1500, "--draws", 1),
            "memory",
            5e7,
            "--learning-curve, or give --draws 0",
        ),
        ((*SHORT, "--n-train", 300, "--n-test", 300, "--target", "kernel_eigenvector:k=1"), "memory", 5e6, "--n-test"),
        (("kernel", "--n-train", 600, "--target", "kernel_eigenvector:k=1"), "memory", 5e6, "--n-train"),
    ],
    ids=["run --lazy", "matrix", "draws", "run, labels", "kernel, labels"],
)
def test_a_kernel_too_large_for_memory_is_refused_in_gib(cli, tmp_path, monkeypatch, words, module, free, fix):
    monkeypatch.setattr(f"grokode.{module}.free_memory", lambda: free)
    refused(cli(*words, "--json", "x.json"), 2, "GiB are free", fix)
    assert contents(tmp_path) == {}


def test_by_default_a_run_leaves_out_what_does_not_fit(cli, monkeypatch):
    monkeypatch.setattr("grokode.experiment.simulate.free_memory", lambda: 1e6)
    ended = cli(*SHORT)
    assert ended.code == 0
    assert ended.err.startswith("grokode: left out")
    assert ended.err.count("\n") == 1
    assert "GiB" in ended.err


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(cli, monkeypatch):
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")  # as for a user who is not root

    monkeypatch.setattr("tempfile.mkstemp", denied)
    monkeypatch.setattr("grokode.experiment.simulate.simulate", lambda *_, **__: pytest.fail("it ran"))
    monkeypatch.setattr("grokode.experiment.examine.examine", lambda *_, **__: pytest.fail("it worked"))
    for words in ("--json x.json", "--out x.npz", "--plot x.png"):
        refused(cli(*SHORT, *words.split()), 2, "cannot write x", "Permission denied", "another path")
    for words in ("--json x.json", "--plot x.png"):
        refused(cli("kernel", *words.split()), 2, "cannot write x", "Permission denied", "another path")


# ---- runs that fail: exit 1


@pytest.mark.parametrize(("flag", "too_large"), [("--lr", 5e5), ("--dt", 500.0)])
def test_a_step_beyond_stability_names_the_stable_one(cli, tmp_path, flag, too_large):
    words = ("--optimizer", "gradient_descent", "--steps", 20, "--json", "x.json", "--out", "x.npz")
    ended = cli(*SMALL, *words, flag, too_large)
    refused(ended, 1, "diverged", f"{flag[2:]} {too_large:g} is too large", f"lower {flag}")
    assert contents(tmp_path) == {}
    stable = float(re.search(r"below ([0-9.e+]+)\)", ended.err)[1])
    assert cli(*SMALL, "--optimizer", "gradient_descent", "--steps", 20, flag, stable / 2).code == 0


def test_a_solver_that_gives_up_is_an_error_and_not_a_short_curve(cli, tmp_path, monkeypatch):
    def fails(solver: Any) -> str:
        solver.status = "failed"
        return "step too small"

    monkeypatch.setattr("scipy.integrate.OdeSolver.step", fails)
    refused(cli(*SHORT, "--json", "x.json", "--out", "x.npz"), 1, "gave up", "step too small", "--solver")
    assert contents(tmp_path) == {}


# ---- spec files

SPECS: list[tuple[str, tuple[str, ...]]] = [
    ("dim = ", ("s.toml is not TOML",)),
    ("dmi = 5", ("unknown parameter 'dmi' in spec file s.toml", "did you mean 'dim'")),
    ("[physics]\nx = 1", ("unknown parameter 'physics'", "one of: dim")),
    ("dim = 'a'", ("dim", "integer", "'a'", "from spec file s.toml")),
    ("dim = [1]", ("dim", "integer", "[1]", "from spec file s.toml")),
    ("alpha = true", ("alpha", "true or false", "True")),
    ("centered = 3", ("centered", "boolean", "3")),
    ("lazy = 3", ("lazy", "boolean", "3")),
    ("target = 'kernel_eigenvector'", ("needs k", "kernel_eigenvector:k=")),
    ("target = 3", ("target", "string", "3")),
    ("covariance = [1, 2]", ("covariance", "number", "[1, 2]")),
    ("n_train = nan", ("n_train", "whole number or inf", "nan")),
    ("seed = 1.5", ("seed", "integer", "1.5")),
    ("lr = 1\ndt = 1", ("lr = 1 and dt = 1 in spec file s.toml", "keep one")),
    ("steps = 2\nt_max = 3", ("steps = 2 and t_max = 3", "keep one")),
    ("times = [3, 2]", ("increase", "2 after 3")),
    ("times = []", ("times", "beyond 0")),
    ("points = 'bundle'", ("points = 'bundle'", "stands for the steps of a bundle")),
    ("grid = 3", ("[grid]", "table", "3")),
    ("[grid]\nalpa = [1]", ("unknown parameter 'alpa' in [grid]", "did you mean 'alpha'")),
    ("[grid]\nalpha = []", ("alpha in [grid]", "list", "[]")),
    ("[grid.alpha]\nx = 1", ("alpha in [grid]", "list")),
    ("[grid]\nalpha = 'lin:1'", ("'lin:1' is not a grid",)),
]


@pytest.mark.parametrize(("text", "said"), SPECS, ids=[text for text, _ in SPECS])
def test_a_bad_spec_file_is_one_line_that_names_the_fix(cli, tmp_path, text, said):
    (tmp_path / "s.toml").write_text(text)
    before = contents(tmp_path)
    refused(cli("run", "--no-plot", "--spec", "s.toml"), 2, *said)
    assert contents(tmp_path) == before


def test_a_spec_that_is_no_text_is_refused(cli, tmp_path):
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe\x00")
    refused(cli("run", "--spec", "s.toml"), 2, "s.toml", "TOML text")
    refused(cli("run", "--spec", "."), 2, "directory", "check the path")


# ---- bundles: arrays changed (None: left out), then what the line must say


def with_nan(name: str) -> np.ndarray:
    array = np.array(GOOD[name], dtype=float)
    array.flat[0] = np.nan
    return array


BUNDLES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    *[(f"no {name}", {name: None}, (f"has no {name}", "X_train, y_train")) for name in GOOD],
    ("misspelt", {"Xtrain": GOOD["X_train"]}, ("unknown array 'Xtrain'", "did you mean 'X_train'")),
    ("X vector", {"X_train": np.ones(P)}, ("X_train must be a matrix", "(8,)")),
    ("X empty", {"X_train": np.ones((0, D))}, ("X_train must be a matrix that is not empty", "(0, 5)")),
    ("X transposed", {"X_train": GOOD["X_train"].T}, ("y_train must have shape (5,)", "(8,)")),
    ("y short", {"y_train": np.ones(P - 1)}, ("y_train must have shape (8,)", "(7,)")),
    ("y column", {"y_train": np.ones((P, 1))}, ("y_train must be a vector", "(8, 1)")),
    ("W0 narrow", {"W0": np.ones((N, D - 1))}, ("W0 must have shape (3, 5)", "(3, 4)")),
    *[(f"NaN in {name}", {name: with_nan(name)}, (name, "finite")) for name in ("X_train", "y_train", "W0")],
    *[(f"NaN {name}", {name: np.nan}, (name, "finite")) for name in ("alpha", "eps", "lr", "noise", "covariance")],
    ("alpha negative", {"alpha": -1.0}, ("alpha must be positive, got -1",)),
    ("lr negative", {"lr": -0.1}, ("lr must be positive, got -0.1",)),
    ("lr zero", {"lr": 0.0}, ("lr must be positive, got 0",)),
    ("eps negative", {"eps": -1.0}, ("eps must be zero or positive, got -1",)),
    ("noise negative", {"noise": -1.0}, ("noise must be zero or positive, got -1",)),
    ("covariance zero", {"covariance": 0.0}, ("covariance must be positive, got 0",)),
    ("covariance shape", {"covariance": np.ones(D + 1)}, ("covariance must have shape () or (5,) or (5, 5)", "(6,)")),
    ("covariance triangle", {"covariance": TRIANGLE}, ("covariance must be symmetric", "(S + S.T)/2")),
    ("covariance indefinite", {"covariance": -np.eye(D)}, ("positive semidefinite", "-1")),
    ("alpha vector", {"alpha": np.ones(2)}, ("alpha must be a single number", "(2,)")),
    ("centered 2", {"centered": 2}, ("centered must be true or false, got 2",)),
    ("complex", {"X_train": GOOD["X_train"] + 0j}, ("X_train must hold real numbers", "complex128")),
    ("string", {"y_train": GOOD["y_train"].astype(str)}, ("y_train must hold real numbers", "<U")),
    ("objects", {"y_train": np.array([{}] * P, dtype=object)}, ("Python objects", "never loaded")),
    ("X_test alone", {"X_test": np.ones((2, D))}, ("X_test and y_test come together",)),
    ("y_test alone", {"y_test": np.ones(2)}, ("X_test and y_test come together",)),
    ("X_test narrow", {"X_test": np.ones((2, D - 1)), "y_test": np.ones(2)}, ("X_test must have shape (2, 5)",)),
    ("c alone", {"c": 0.0}, ("c, b and B together", "got c only")),
    ("two targets", {"c": 0.0, "b": np.ones(D), "B": np.eye(D), "beta_star": np.ones(D)}, ("keep one",)),
    ("beta short", {"beta_star": np.ones(D - 1)}, ("beta_star must have shape (5,)", "(4,)")),
    ("B triangle", {"c": 0.0, "b": np.ones(D), "B": TRIANGLE}, ("B must be symmetric", "(B + B.T)/2")),
    ("step decreasing", {"step": [0, 2, 1]}, ("step must increase", "drop repeats")),
    ("step repeated", {"step": [0, 1, 1]}, ("step must increase",)),
    ("step negative", {"step": [-1, 2]}, ("step must be whole numbers from 0", "-1")),
    ("step fraction", {"step": [0, 1.5]}, ("step must be whole numbers",)),
    ("step huge", {"step": [0, 1e19]}, ("step must be whole numbers", "1e+19")),
    ("step zero", {"step": [0]}, ("step must go beyond 0",)),
    ("log short", {"step": [0, 1, 2], "loss_train": [1.0, 2.0]}, ("loss_train must have shape (3,)", "(2,)")),
]


def run_bundle(cli, path: str, *words: object) -> Any:
    return cli("run", "--no-plot", "--steps", 3, "--bundle", path, *words)


@pytest.mark.parametrize(("change", "said"), [case[1:] for case in BUNDLES], ids=[case[0] for case in BUNDLES])
def test_a_bad_bundle_is_one_line_that_names_the_fix(cli, tmp_path, change, said):
    arrays = {name: value for name, value in (GOOD | change).items() if value is not None}
    np.savez(tmp_path / "b.npz", **arrays)
    refused(run_bundle(cli, "b.npz"), 2, *said)
    assert list(tmp_path.iterdir()) == [tmp_path / "b.npz"]


def test_a_file_that_is_no_npz_is_refused(cli, tmp_path):
    np.savez(tmp_path / "good.npz", **GOOD)
    whole = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped.npz").write_bytes(whole[:200] + bytes(50) + whole[250:])
    (tmp_path / "text.npz").write_text("hello\n")
    (tmp_path / "empty.npz").write_text("")
    (tmp_path / "folder.npz").mkdir()
    np.save(tmp_path / "one.npy", np.eye(3))
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("a.txt", "hello")
    for path in ("cut.npz", "flipped.npz", "text.npz", "empty.npz"):
        refused(run_bundle(cli, path), 2, f"cannot read bundle {path}", "cut short", "numpy.savez")
    refused(run_bundle(cli, "folder.npz"), 2, "folder.npz", "directory")
    refused(run_bundle(cli, "one.npy"), 2, "single array", "numpy.savez")
    refused(run_bundle(cli, "other.npz"), 2, "unknown array 'a.txt'")


@pytest.mark.parametrize(
    ("flag", "value"),
    [("dim", 5), ("n-train", 8), ("width", 3), ("target", "product"), ("start", "gaussian"), ("sigma", 1.0),
     ("noise", 0.1), ("covariance", 1), ("n-test", 10)],
)  # fmt: skip
def test_a_flag_that_contradicts_a_bundle_is_refused(cli, tmp_path, flag, value):
    np.savez(tmp_path / "b.npz", **GOOD, **FULL)
    refused(run_bundle(cli, "b.npz", f"--{flag}", value), 2, f"--{flag} {value}", "bundle", "leave the flag out")


@pytest.mark.parametrize("declared", [{}, {"beta_star": np.ones(D)}, {"covariance": 1.0}])
def test_test_points_need_a_target_and_a_law_of_the_inputs(cli, tmp_path, declared):
    np.savez(tmp_path / "b.npz", **GOOD, **declared)
    refused(run_bundle(cli, "b.npz", "--n-test", 10), 2, "n_test = 10", "beta_star", "covariance")


def test_a_bundle_whose_lr_is_too_large_names_the_stable_one(cli, tmp_path):
    np.savez(tmp_path / "b.npz", **(GOOD | {"lr": 50.0}))
    refused(run_bundle(cli, "b.npz"), 1, "diverged", "lr 50", "stable is below", "lower --lr")


# ---- arrays of flags

ARRAYS = [
    ("wrong shape", np.eye(D + 1), ("(6, 6)", "(5, 5)")),
    ("not symmetric", TRIANGLE, ("symmetric",)),
    ("NaN", np.eye(D) * np.nan, ("finite",)),
    ("complex", np.eye(D) * 1j, ("real numbers",)),
    ("objects", np.array([{}], dtype=object), ("numpy.save",)),
]


@pytest.mark.parametrize("flag", ["--covariance a.npy", "--target file:path=a.npy"])
@pytest.mark.parametrize(("array", "said"), [case[1:] for case in ARRAYS], ids=[case[0] for case in ARRAYS])
def test_a_bad_array_file_is_one_line_that_names_the_fix(cli, tmp_path, flag, array, said):
    np.save(tmp_path / "a.npy", array)
    refused(cli(*SHORT, *flag.split()), 2, *said)


def test_a_covariance_with_a_negative_eigenvalue_is_refused(cli, tmp_path):
    np.save(tmp_path / "a.npy", np.eye(D) - 2 * np.ones((D, D)) / D)
    refused(cli(*SHORT, "--covariance", "a.npy"), 2, "positive semidefinite", "-1")


def test_an_array_file_that_is_text_is_refused(cli, tmp_path):
    (tmp_path / "a.npy").write_text("hello")
    for flag in ("--covariance a.npy", "--target file:path=a.npy"):
        refused(cli(*SHORT, *flag.split()), 2, "a.npy", "numpy.save")


# ---- saved runs


@pytest.fixture
def saved(cli, tmp_path: Path) -> Path:
    assert cli(*SHORT, "--out", "run.npz").code == 0
    return tmp_path / "run.npz"


def test_a_saved_run_excludes_other_sources(cli, saved, tmp_path):
    np.savez(tmp_path / "b.npz", **GOOD)
    (tmp_path / "s.toml").write_text("dim = 3")
    for words in ("--preset kumar-fig1", "--spec s.toml", "--bundle b.npz"):
        refused(cli("run", "--from", "run.npz", *words.split()), 2, "leave out", "--from")


def test_a_bundle_is_no_saved_run_and_a_saved_run_no_bundle(cli, saved, tmp_path):
    np.savez(tmp_path / "b.npz", **GOOD)
    for words in (("run", "--from", "b.npz"), ("plot", "b.npz"), ("export", "b.npz", "--bundle", "c.npz")):
        refused(cli(*words), 2, "b.npz is not a saved run", "grokode run --out")
    refused(cli("run", "--bundle", "run.npz"), 2, "run.npz", "unknown array")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.npz", "run.npz"]


@pytest.mark.parametrize(
    "words",
    ["--from run.npz --json run.npz", "--bundle b.npz --json ./b.npz", "--spec s.toml --json s.toml"],
)
def test_a_report_over_its_own_input_is_refused(cli, saved, tmp_path, words):
    assert cli("export", "run.npz", "--bundle", "b.npz", "--dt", 0.05).code == 0
    (tmp_path / "s.toml").write_text("dim = 3")
    before = contents(tmp_path)
    refused(cli("kernel", *words.split()), 2, "--json", words.split()[0])
    assert contents(tmp_path) == before


def test_a_kernel_needs_one_source_of_the_right_kind(cli, saved, tmp_path):
    np.savez(tmp_path / "b.npz", **GOOD)
    refused(cli("kernel", "--from", "b.npz"), 2, "b.npz is not a saved run", "grokode run --out")
    refused(cli("kernel", "--bundle", "run.npz"), 2, "run.npz", "unknown array")
    refused(cli("kernel", "--from", "run.npz", "--bundle", "b.npz"), 2, "leave out", "--from")
    refused(cli("kernel", "--bundle", "b.npz", "--dim", 5), 2, "--dim 5", "bundle", "leave the flag out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", ("--bundle FILE.npz", "--to FORMAT")),
        ("--bundle x.txt", (".npz",)),
        ("--bundle no/x.npz", ("no folder no",)),
        ("--bundle x.npz --width 3", ("at least 6, got 3",)),
        ("--bundle x.npz --width -2", ("at least 1, got -2",)),
        ("--bundle x.npz --width abc", ("--width", "'abc'")),
        ("--bundle x.npz --width 100000000000", ("GiB",)),
        ("--bundle x.npz --dt nan", ("dt must be between", "nan")),
        ("--bundle x.npz --dt -1", ("dt must be between", "-1")),
        ("--bundle x.npz --dt 1e9", ("dt must be between", "1000000000")),
    ],
)
def test_a_bad_export_is_refused(cli, saved, tmp_path, words, said):
    refused(cli("export", "run.npz", *words.split()), 2, *said)
    assert list(tmp_path.iterdir()) == [saved]


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--n-train", "inf"), ("n_train = inf has no data", "--n-train")), (("--width", "inf"), ("--width 6 or more",))],
)
def test_what_has_no_data_or_no_neurons_is_not_exported(cli, words, said):
    assert cli(*SHORT, *words, "--out", "run.npz").code == 0
    refused(cli("export", "run.npz", "--bundle", "b.npz"), 2, *said)


@pytest.mark.parametrize(
    ("words", "said"),
    [("--out x.jpg", ("must end in .png",)), ("--out no/x.png", ("no folder no",)), ("--out .", ("must end in .png",))],
)
def test_a_picture_that_cannot_be_written_is_refused(cli, saved, words, said):
    refused(cli("plot", "run.npz", *words.split()), 2, *said)


# ---- the real thing


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "--alpha", "-1"), 2, "alpha should be greater than 0, got -1.0"),
        (("run", "--alhpa", "1"), 2, "--alhpa"),
        (("run", "--dim", "5", "--n-train", "8", "--optimizer", "gradient_descent", "--dt", "500"), 1, "lower --dt"),
    ],
)
def test_the_installed_command_prints_one_line_and_no_traceback(tmp_path, words, code, said):
    ended = subprocess.run(
        [sys.executable, "-m", "grokode", *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, timeout=60,
    )  # fmt: skip
    assert ended.returncode == code
    assert ended.stderr.startswith("grokode: error: ")
    assert ended.stderr.count("\n") == 1
    assert said in ended.stderr
    assert ended.stdout == ""
    assert contents(tmp_path) == {}


def test_presets_with_a_bad_address_are_refused(cli):
    refused(cli("presets", "--json", "no/x.json"), 2, "no folder no")
    assert json.loads(cli("presets", "--json", "-").out)["schema"] == "grokode.presets/1"
