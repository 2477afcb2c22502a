"""``grokode validate``: what it prints and writes, and how it ends when theory and training disagree."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys

import pytest
from grokode_validate import report
from grokode_validate.forces import force_checks
from grokode_validate.orders import Measured, OrderCheck
from grokode_validate.results import CaseResult, Kind, Margin

ENTRIES = [("-m", "grokode", "validate"), ("-m", "grokode_validate")]


def real(*words, cwd, **environment):
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | environment
    )


FORCES = len(force_checks())


class Off:
    """A check that misses."""

    name, kind = "planted: case", Kind.MAP

    def result(self):
        margins = {"loss_train": Margin(2e-3, 1e-9), "M": Margin(math.nan, 1e-9)}
        return CaseResult(name=self.name, kind=self.kind, margins=margins)


@pytest.fixture
def few(monkeypatch):
    """Do the quickest of the real checks only, and a planned order; returns what they were asked for with."""
    asked = []
    order = OrderCheck(name="planned", expected=1.0, measure=lambda: Measured(1.0, 0.05))

    def checks(*, full):
        asked.append(full)
        return [*force_checks(), order]

    monkeypatch.setattr(report, "all_checks", checks)
    return asked


@pytest.fixture
def off(monkeypatch):
    order = OrderCheck(name="planned", expected=1.0, measure=lambda: Measured(0.5, 0.05))
    monkeypatch.setattr(report, "all_checks", lambda *, full: [*force_checks(), Off(), order])


# ---- what it says


def test_the_tables_have_a_row_a_curve_and_an_order(cli, few):
    ended = cli("validate")
    assert (ended.code, ended.err) == (0, "")
    assert re.search(rf"^forces, {FORCES} cases$", ended.out, flags=re.MULTILINE)
    worst = r"^loss_force_moved +\S+e-1\d +1\.0e-13 +\S+  forces of \w+Risk( on real neurons)?$"
    assert re.search(worst, ended.out, flags=re.MULTILINE)
    assert re.search(r"^planned +1\.0000 +1 +0\.05$", ended.out, flags=re.MULTILINE)
    assert re.search(rf"\n{FORCES} cases, 1 order: all as the theory says; \d+ s\n$", ended.out)


def test_quick_is_the_default_and_full_is_asked_for(cli, few):
    for words in ((), ("--quick",), ("--full",)):
        assert cli("validate", *words).code == 0
    assert few == [False, False, True]


def test_json_goes_to_a_file_beside_the_tables(cli, few, tmp_path):
    ended = cli("validate", "--json", "x.json")
    assert ended.code == 0
    assert f"forces, {FORCES} cases" in ended.out
    found = json.loads((tmp_path / "x.json").read_text())
    assert (found["schema"], found["ok"]) == ("grokode.validate/1", True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_json_on_stdout_is_one_object_alone_and_sends_the_tables_to_stderr(cli, few):
    ended = cli("validate", "--json", "-")
    assert ended.code == 0
    assert ended.out.count("\n") == 1
    assert len(json.loads(ended.out)["cases"]) == FORCES
    assert f"forces, {FORCES} cases" in ended.err


# ---- when theory and training disagree


def test_every_miss_is_named_in_one_line_and_the_exit_code_is_4(cli, off, tmp_path):
    ended = cli("validate", "--json", "x.json")
    assert ended.code == 4
    assert ended.err == (
        "grokode: error: planted: case: M is off by nan, beyond 1e-09, and 1 more; "
        "planned: the order is 0.5, not 1 to 0.05\n"
    )
    assert f"{FORCES + 1} cases, 1 order: 2 not as the theory says" in ended.out
    found = json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail)
    assert found["ok"] is False
    assert found["cases"][-1]["errors"]["M"] == {"error": None, "tolerance": 1e-9}


def test_json_on_stdout_is_whole_where_something_misses(cli, off):
    ended = cli("validate", "--json", "-")
    assert ended.code == 4
    assert json.loads(ended.out)["ok"] is False
    assert ended.err.splitlines()[-1].startswith("grokode: error: planted: case: M is off")
    assert "misses\nplanted: case" in ended.err


def test_nothing_checked_is_no_ok(cli, monkeypatch):
    monkeypatch.setattr(report, "all_checks", lambda *, full: [])
    ended = cli("validate")
    assert (ended.code, ended.err) == (4, "grokode: error: nothing was checked\n")


# ---- what it refuses


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--json no/x.json", "no folder no"),
        ("--json .", "is a folder"),
        ("--fulll", "--fulll"),
        ("quick", "quick"),
    ],
)
def test_bad_input_is_one_line_before_any_work(cli, tmp_path, monkeypatch, words, said):
    monkeypatch.setattr(report, "validate", lambda *_, **__: pytest.fail("it went to work"))
    ended = cli("validate", *words.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("grokode: error: ")
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(cli, few, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (tmp_path / "x.json").write_text("old")
    monkeypatch.setattr("os.fsync", full)
    ended = cli("validate", "--json", "x.json")
    assert ended.code == 1
    assert "No space left" in ended.err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"x.json": "old"}


def test_an_interrupt_is_one_line_and_exit_code_130(cli, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "validate", interrupted)
    ended = cli("validate", "--json", "x.json")
    assert ended.code == 130
    assert ended.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# ---- the process


def test_both_entries_are_one_command(tmp_path):
    for words in (("--help",), ("--jsn",), ("--json", "no/x.json")):
        one, other = (real(*entry, *words, cwd=tmp_path) for entry in ENTRIES)
        assert one.returncode == other.returncode == (0 if words == ("--help",) else 2)
        for ours, theirs in ((one.stdout, other.stdout), (one.stderr, other.stderr)):
            assert ours.replace("python -m ", "") == theirs.replace("python -m ", "")


def test_help_of_either_entry_imports_nothing_heavy(tmp_path):
    for module in ("grokode", "grokode_validate"):
        program = f"""
import runpy, sys
sys.argv = ["x", *{["validate"] if module == "grokode" else []}, "--help"]
try:
    runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
finally:
    heavy = {{"numpy", "numba", "rich.table", "grokode_validate.report", "grokode.experiment.spec"}} & set(sys.modules)
    assert not heavy, heavy
"""
        ended = real("-c", program, cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "Write one JSON object" in ended.stdout


FEW = """
import runpy, sys
from grokode_validate import report
from grokode_validate.forces import force_checks
from grokode_validate.results import Kind, Missing
missing = [Missing(name="planted", kind=Kind.MAP, fault="is not there")]
def checks(*, full):
    {checks}
report.all_checks = checks
sys.argv = ["x", *{words}]
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""
OK, MISS, NO_MEMORY = "return force_checks()", "return force_checks() + missing", "raise MemoryError('planted')"


def few_of(module, checks, *words):
    """Return the program that an entry is, with few checks to do."""
    return FEW.format(module=module, checks=checks, words=[*(["validate"] if module == "grokode" else []), *words])


@pytest.mark.parametrize(("checks", "code"), [(MISS, 4), (NO_MEMORY, 2)])
def test_both_entries_give_the_same_object_and_exit_code(tmp_path, checks, code):
    ended = [real("-c", few_of(name, checks, "--json", "-"), cwd=tmp_path) for name in ("grokode", "grokode_validate")]
    assert [each.returncode for each in ended] == [code, code]
    assert all("Traceback" not in each.stderr for each in ended)
    errors = {each.stderr.splitlines()[-1] for each in ended}
    assert len(errors) == 1
    assert errors.pop().startswith("grokode: error: ")
    if checks != NO_MEMORY:
        one, other = (json.loads(each.stdout) for each in ended)
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
        assert one["ok"] is False


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX pipes")
@pytest.mark.parametrize(("module", "checks", "code"), [("grokode", OK, 0), ("grokode_validate", MISS, 4)])
def test_a_reader_that_leaves_causes_no_traceback_and_changes_no_exit_code(tmp_path, module, checks, code):
    (tmp_path / "few.py").write_text(few_of(module, checks, "--json", "x.json"))
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} few.py | true"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = "grokode: error: planted: is not there\n" if code else ""
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", said)
    assert json.loads((tmp_path / "x.json").read_text())["ok"] is (code == 0)
