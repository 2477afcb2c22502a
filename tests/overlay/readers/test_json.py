"""JSON lines, and tables in one JSON document."""

import json

import pytest

from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import json_lines, json_text, read_log

RECORDS = [
    {"step": 0, "loss_train": 2.5, "loss_test": 3.0},
    {"step": 1, "loss_train": 1.5, "loss_test": 2.75},
    {"step": 5, "loss_train": 0.5, "loss_test": 2.5},
]
COLUMNS = {name: [record[name] for record in RECORDS] for name in RECORDS[0]}
READ = {TRAIN: [(0, 2.5), (1, 1.5), (5, 0.5)], TEST: [(0, 3.0), (1, 2.75), (5, 2.5)]}

DOCUMENTS = [
    RECORDS,
    {"columns": list(COLUMNS), "data": [list(record.values()) for record in RECORDS]},  # W&B, pandas' "split"
    COLUMNS | {"config": {}, "name": "mine", "seed": 3},
    {name: dict(zip("0ab", cells, strict=True)) for name, cells in COLUMNS.items()},  # pandas' "columns"
    {"schema": {"fields": []}, "data": RECORDS},  # pandas' "table"
    [*RECORDS, {"note": "the end"}],
]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("indent", [None, 1])
def test_the_same_table_however_it_is_written(document, indent, write, curves):
    for name in ("a.json", "a"):
        assert curves(write(name, json.dumps(document, indent=indent))) == READ


LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", LINES),
        ("a.NDJSON", LINES.replace("\n", "\r\n\r\n")),
        ("a.json", LINES),
        ("a.log", LINES.rstrip()),
        ("a", "\ufeff" + LINES),
    ],
)
def test_the_same_records_however_they_are_called(name, text, write, curves):
    assert curves(write(name, text)) == READ
    assert read_log(write(name, text)).origin.startswith("JSON lines ")


def test_a_log_of_one_line(write, curves):
    assert curves(write("a.jsonl", LINES.splitlines()[0])) == {TRAIN: [(0, 2.5)], TEST: [(0, 3.0)]}
    assert curves(write("a.json", json.dumps(COLUMNS) + "\n")) == READ


@pytest.mark.parametrize(
    "options",
    [{"orient": "records", "lines": True}, *({"orient": kind} for kind in ("records", "columns", "split", "table"))],
)
def test_what_pandas_writes(options, tmp_path, curves):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pandas.DataFrame(COLUMNS).to_json(tmp_path / "a.json", **options)
    assert curves(tmp_path / "a.json") == READ


def test_losses_on_lines_of_their_own(write, curves):
    """A key may turn up first when most of the log is read."""
    lines = [json.dumps({"_step": step, "train_loss": 1 / (step + 1), "text": "a"}) for step in range(100)]
    lines.append(json.dumps({"_step": 99, "val_loss": 0.5}))
    read = curves(write("a.jsonl", "\n".join(lines)))
    assert read[TRAIN] == [(step, 1 / (step + 1)) for step in range(100)]
    assert read[TEST] == [(99, 0.5)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", '"NaN"', '"Infinity"', "1e999"])
def test_numbers_that_are_not_finite_are_dropped_in_any_spelling(number, write, curves):
    text = f'{{"step": 3, "loss_train": {number}, "loss_test": null}}\n'
    assert curves(write("a.jsonl", LINES + text)) == READ
    assert read_log(write("a.json", f"[{','.join(LINES.splitlines())},{text}]")).notes == (
        "loss_train: 1 value NaN or infinite, dropped",
    )


def test_digits_are_those_of_the_text(write):
    for name, text in (
        ("a.jsonl", '{"step":1,"loss":0.2500}\n{"step":2,"loss":1}\n'),
        ("a.json", '{"step":[1,2],"loss":[0.2500,1]}'),
    ):
        resolution = read_log(write(name, text)).curves[TRAIN].resolution
        assert resolution.tolist() == pytest.approx([5e-5, 5e-4], rel=1e-12)  # 4 decimals, 4 digits; 10^-4 rounds


def test_lines_that_are_no_records_are_dropped(write, curves):
    bad = LINES + 'INFO started\n[1, 2]\n{"step": 7, "loss_tr'
    path = write("a.jsonl", bad)
    assert curves(path) == READ
    assert read_log(path).notes == ("3 rows that cannot be read dropped",)


def test_lightning_through_wandb(write):
    lines = [{"trainer/global_step": step, "train_loss": 1.5 - step} for step in (0, 1)]
    log = read_log(write("a.jsonl", "\n".join(map(json.dumps, [*lines, {"trainer/global_step": 1, "val_loss": 0.25}]))))
    assert log.curves[TEST].step.tolist() == [2]
    assert "Lightning" in log.notes[0]


BROKEN = [
    ("a.jsonl", "x\ny\n", ("no JSON objects",)),
    ("a.jsonl", LINES + "x\n" * 4, ("4 of 7 rows",)),
    ("a.jsonl", "[" * 20_000, ("no JSON objects",)),
    ("a.json", "[" * 200_000, ("fit in memory",)),
    ("a.json", json.dumps(RECORDS)[:-3], ("cut short", "line 1")),
    ("a.json", "{", ("cut short",)),
    ("a.json", "3", ("no table",)),
    ("a.json", "[1, 2]", ("no table",)),
    ("a.json", "[]", ("no table",)),
    ("a.json", '{"step": 1, "loss": 2}', ("no table",)),
    ("a.json", json.dumps({"columns": ["step", "loss"], "data": [[1, 2], [3]]}), ("2 values",)),
    ("a.json", json.dumps({"step": [1, 2], "loss": [1, 2, 3]}), ("loss has 3 values", "step has 2")),
    ("a.json", json.dumps({"loss": [1.5], "val_loss": [2.5]}), ("named like a step", "loss, val_loss")),
    ("a.json", json.dumps([{"step": True, "loss": 1}]), ("1 of 1 rows", "True in column step")),
    ("a.json", '[{"step": 1' + "0" * 5000 + ', "loss": 1}]', ("1 of 1 rows", "column step")),
]


@pytest.mark.parametrize(("name", "text", "said"), BROKEN)
def test_one_line_says_what_is_wrong(name, text, said, write, refused):
    refused(write(name, text), *said)


def test_a_document_that_does_not_fit_in_memory_is_refused(write, refused, monkeypatch):
    monkeypatch.setattr(json_text, "TIMES", 1e12)
    refused(write("a.json", json.dumps(RECORDS)), "GiB", "JSON lines")


def test_names_without_end_are_refused(write, refused, monkeypatch):
    monkeypatch.setattr(json_lines, "MOST_NAMES", 5)
    refused(write("a.jsonl", "".join(f'{{"step":1,"loss_{index}":2}}\n' for index in range(9))), "more than 5 names")
