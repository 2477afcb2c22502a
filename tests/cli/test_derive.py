"""``grokode derive``: what it prints and writes, what it refuses, and how it ends when a claim is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import sympy as sp
from grokode_derivations import claims, report
from grokode_derivations.claim import Claim, Equal, Formula, NotProvable, Printed
from grokode_derivations.spectrum import CLAIMS

n = sp.Symbol("n")
RIGHT = {claim.tag: claim for claim in CLAIMS if claim.tag in ("S0", "S2", "S3", "S8")}
ENTRIES = [("-m", "grokode", "derive"), ("-m", "grokode_derivations")]


def two():
    yield Equal(words="One and one.", left=sp.Integer(1) + 1, right=sp.Integer(2))
    return sp.Integer(2)


def wrong_line():
    yield Equal(words="One and one,\nwrongly.", left=n + n, right=3 * n)
    return sp.Integer(2)


def breaks():
    yield Equal(words="One.", left=n, right=n)
    raise ZeroDivisionError("on the way")


def claim(tag, kind=Claim, derive=two, value=2):
    return kind(
        tag=tag, equation=f"eq. {tag[1:]}", title="a sum", statement=Formula(latex="2", value=value), derive=derive
    )


@pytest.fixture
def planted(monkeypatch):
    """Return a function that puts its claims in the place of all others."""

    def plant(*entries):
        monkeypatch.setattr(claims, "TOPICS", (SimpleNamespace(__doc__="Planted claims.\n\nMore.", CLAIMS=entries),))

    return plant


@pytest.fixture
def few(planted):
    planted(
        *RIGHT.values(), NotProvable(tag="X1", equation="section 9", title="t", printed=Formula(latex="x"), why="w")
    )


def real(*words, cwd, **environment):
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | environment
    )


# ---- what it says


def test_the_table_has_a_row_a_claim_under_its_topic_and_ends_with_counts(cli, few):
    ended = cli("derive")
    assert (ended.code, ended.err) == (0, "")
    rows = ended.out.splitlines()
    assert rows[0] == "Planted claims"
    outcomes = {
        "S0": "definition",
        "S2": "proved",
        "S3": "transcription?",
        "S8": "paper wrong",
        "X1": "not provable here",
    }
    for row, (tag, outcome) in zip(rows[1:6], outcomes.items(), strict=True):
        assert re.fullmatch(rf"{tag} .*  {re.escape(outcome)} +\d+\.\d\d s  .*\S", row)
    assert re.search(
        r"\n\n5 claims: 1 proved, 1 paper wrong, 1 transcription\?, 1 definition, 1 not provable here; \d+ s\n$",
        ended.out,
    )


def test_a_narrow_table_leaves_the_titles_out(cli, few, monkeypatch):
    title = RIGHT["S2"].title
    assert title in cli("derive").out
    monkeypatch.setenv("COLUMNS", "80")
    narrow = cli("derive").out
    assert title not in narrow
    assert max(map(len, narrow.splitlines()[1:7])) <= 80


def test_one_claim_is_printed_with_its_derivation(cli):
    ended = cli("derive", "--claim", "S12")
    assert (ended.code, ended.err) == (0, "")
    for part in (
        "S12 (eq. 16",
        r"as printed  \langle K(",
        r"corrected   \langle K(",
        "read as     ε² (1 + 2/D) |x′|²/D",
        "third a loop",
        "\n    ⟨(ε² (x·x′)² + (x·x′)) |x|²⟩ = ε² (1 + 2/D) |x′|²/D\n",
        "\npaper wrong (",
        "a factor of 2500\n",
    ):
        assert part in ended.out


@pytest.mark.parametrize("written", ["s3", "(S3)", " (s3) "])
def test_a_tag_may_be_written_as_docstrings_do(cli, written):
    assert cli("derive", "--claim", written).out.startswith("S3 (")


def test_only_the_claims_that_are_named_are_proved(cli, monkeypatch):
    proved = []
    prove = Claim.prove
    monkeypatch.setattr(Claim, "prove", lambda self: proved.append(self.tag) or prove(self))
    ended = cli("derive", "--claim", "S12", "--claim", "S2", "--json", "-")
    assert proved == ["S2", "S12"]
    assert [entry["tag"] for entry in json.loads(ended.out)["claims"]] == proved
    assert "S12 (eq. 16" in ended.err


def test_both_entries_are_one_command(tmp_path):
    for words in (
        ("--claim", "S12", "--claim", "S0", "--json", "-"),
        ("--jsn",),
    ):
        one, other = (real(*entry, *words, cwd=tmp_path) for entry in ENTRIES)
        assert one.returncode == other.returncode == (2 if words == ("--jsn",) else 0)
        for ours, theirs in ((one.stdout, other.stdout), (one.stderr, other.stderr)):
            shown = [re.sub(r'"seconds": [\d.]+|\([\d.]+ s\)|python -m ', "", text) for text in (ours, theirs)]
            assert shown[0] == shown[1]


def test_help_of_either_entry_imports_nothing_heavy(tmp_path):
    for module in ("grokode", "grokode_derivations"):
        program = f"""
import runpy, sys
sys.argv = ["x", *{["derive"] if module == "grokode" else []}, "--help"]
try:
    runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
finally:
    heavy = {{"numpy", "sympy", "rich.table", "grokode_derivations.claims"}} & set(sys.modules)
    assert not heavy, heavy
"""
        ended = real("-c", program, cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "--claim TAG" in ended.stdout


# ---- what it writes


def test_files_are_written_beside_the_table(cli, few, tmp_path):
    ended = cli("derive", "--json", "x.json", "--latex", "x.tex", "--errata", "x.md")
    assert (ended.code, ended.err) == (0, "")
    assert "5 claims" in ended.out
    assert [entry["tag"] for entry in json.loads((tmp_path / "x.json").read_text())["claims"]] == [*RIGHT, "X1"]
    assert (tmp_path / "x.tex").read_text().endswith("\\end{document}\n")
    assert (tmp_path / "x.md").read_text().startswith("# Errata\n")
    assert {path.name for path in tmp_path.iterdir()} == {"x.json", "x.tex", "x.md"}
    assert (tmp_path / "x.md").stat().st_mode & 0o777 == 0o666 & ~(os.umask(umask := os.umask(0)) or umask)


@pytest.mark.parametrize(
    ("option", "start"), [("--json", "{"), ("--latex", r"\documentclass"), ("--errata", "# Errata")]
)
def test_a_dash_is_stdout_and_sends_the_table_to_stderr(cli, few, option, start):
    ended = cli("derive", option, "-")
    assert ended.code == 0
    assert ended.out.startswith(start)
    assert "Planted claims\nS0" not in ended.out
    assert "Planted claims\nS0" in ended.err


def test_json_on_stdout_is_one_object_alone(cli, few):
    out = cli("derive", "--json", "-").out
    assert out.count("\n") == 1
    assert json.loads(out)["schema"] == "grokode.derive/1"


def test_a_link_is_followed_and_a_device_written_to(cli, few, tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    assert cli("derive", "--json", "link.json", "--latex", "/dev/null", "--errata", "/dev/null").code == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())


def test_a_full_disk_leaves_the_old_file_and_nothing_else(cli, few, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (tmp_path / "x.json").write_text("old")
    monkeypatch.setattr("os.fsync", full)
    ended = cli("derive", "--json", "x.json")
    assert (ended.code, ended.out) == (1, "")
    assert "No space left" in ended.err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"x.json": "old"}


# ---- what it refuses

REFUSED = [
    ("--claim S99", ("unknown claim 'S99'", "nearest: S9")),
    ("--claim s33", ("unknown claim 's33'", "nearest: S3")),
    ("--claim S3 --claim frobnicate", ("unknown claim 'frobnicate'", "'grokode derive' lists")),
    ("--claim=", ("unknown claim ''",)),
    ("--claim", ("--claim", "argument")),
    ("S3", ("unexpected", "S3")),
    ("--jsn x", ("--jsn", "--json")),
    ("--json no/x.json", ("no folder no",)),
    ("--latex .", ("is a folder",)),
    ("--errata=", ("is a folder", "name a file")),
    (f"--latex {'a' * 300}", ("cannot write", "too long")),
    ("--json x --latex ./x", ("--latex ./x is also --json",)),
    ("--json - --errata -", ("--errata - is also --json",)),
    ("--claim S3 --errata x.md", ("--errata", "leave out --claim")),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[words[:40] for words, _ in REFUSED])
def test_bad_input_is_one_line_before_any_work(cli, tmp_path, monkeypatch, words, said):
    monkeypatch.setattr(report, "prove", lambda *_: pytest.fail("it went to work"))
    ended = cli("derive", *words.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("grokode: error: ")
    assert ended.err.count("\n") == 1
    for word in said:
        assert word in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(cli, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")  # as for a user who is not root

    monkeypatch.setattr("tempfile.mkstemp", denied)
    monkeypatch.setattr(report, "prove", lambda *_: pytest.fail("it went to work"))
    for option in ("--json", "--latex", "--errata"):
        ended = cli("derive", option, "x")
        assert (ended.code, ended.out) == (2, "")
        assert "cannot write x: Permission denied; choose another path" in ended.err


# ---- when a claim is wrong


def test_a_claim_that_is_not_proved_is_named_and_the_exit_code_is_4(cli, planted, tmp_path):
    planted(
        claim("B1"),
        claim("B2", value=3),
        claim("B3", derive=wrong_line),
        claim("B4", derive=breaks),
        claim("B5", kind=Printed, value=3),
    )
    ended = cli("derive", "--json", "x.json", "--latex", "x.tex", "--errata", "x.md")
    assert ended.code == 4
    no_page, *named = ended.err.splitlines()
    assert "no errata page" in no_page
    assert named == [
        "grokode: error: B2 (eq. 2) is not as stated: derived is 2, but is stated 3",
        "grokode: error: B3 (eq. 3) is not as stated: this line does not hold: One and one, wrongly. 2 n = 3 n",
        "grokode: error: B4 (eq. 4) is not as stated: the derivation breaks off: ZeroDivisionError: on the way",
        "grokode: error: B5 (eq. 5) is not as stated: derived is 2, but the paper prints 3",
    ]
    assert "5 claims: 1 proved, 1 paper wrong, 3 not proved" in ended.out
    listed = json.loads((tmp_path / "x.json").read_text())["claims"]
    assert [entry["outcome"] for entry in listed] == ["proved", *["not proved"] * 3, "paper wrong"]
    assert "ZeroDivisionError" in listed[3]["why"]
    assert "Not as stated: derived is 2" in (tmp_path / "x.tex").read_text()
    assert not (tmp_path / "x.md").exists()


def test_one_claim_that_is_not_proved_is_exit_code_4_too(cli, planted):
    planted(claim("B1"), claim("B2", value=3))
    assert cli("derive", "--claim", "B1").code == 0
    ended = cli("derive", "--claim", "B2")
    assert ended.code == 4
    assert "not proved (" in ended.out
    assert ended.err.startswith("grokode: error: B2 (eq. 2)")


def test_a_misprint_that_is_none_is_a_fault(cli, planted):
    from dataclasses import replace

    planted(replace(RIGHT["S8"], printed=RIGHT["S8"].statement))
    ended = cli("derive")
    assert ended.code == 4
    assert "S8" in ended.err
    assert "what is printed is right" in ended.err


# ---- the process


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX pipes")
@pytest.mark.parametrize("entry", ENTRIES, ids=" ".join)
def test_a_reader_that_leaves_causes_no_traceback(tmp_path, entry):
    command = f"{sys.executable} {' '.join(entry)} --claim S12 --json x.json | true"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (tmp_path / "x.json").exists()


def test_an_interrupt_is_one_line_and_exit_code_130(cli, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "prove", interrupted)
    ended = cli("derive", "--json", "x.json")
    assert ended.code == 130
    assert ended.err.startswith("grokode: error: interrupted")
    assert ended.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_without_greek_letters_gets_its_table_and_its_json(tmp_path, encoding):
    ended = real(*ENTRIES[1], "--claim", "S12", "--json", "-", cwd=tmp_path, PYTHONIOENCODING=encoding)
    assert ended.returncode == 0
    assert "|x′|²" in json.loads(ended.stdout)["claims"][0]["lines"][0]
    assert ("\\u2032" in ended.stderr) == (encoding == "ascii")
