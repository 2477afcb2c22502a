"""Parquet tables, read a batch at a time."""

import sys

import numpy as np
import pytest

from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import parquet as reader
from grokode.overlay.readers import read_log

pyarrow = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
pq = pytest.importorskip("pyarrow.parquet", reason="parquet needs pyarrow")

COLUMNS = {"step": [0, 1, 5], "loss_train": [2.5, None, 0.5], "loss_test": [3.0, 2.75, float("nan")]}


@pytest.fixture
def table(tmp_path):
    def make(columns=COLUMNS, name="a.parquet", **options):
        pq.write_table(pyarrow.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return make


def test_a_null_is_absent_and_nan_is_dropped(table, curves):
    assert curves(table()) == {TRAIN: [(0, 2.5), (5, 0.5)], TEST: [(0, 3.0), (1, 2.75)]}
    assert read_log(table()).notes == ("loss_test: 1 value NaN or infinite, the last among them, dropped",)
    assert curves(table(name="a")) == curves(table())  # by its content


def test_what_pandas_writes(tmp_path, curves):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"train.loss": [2.5, 1.5], "val/loss": [3.0, np.nan], "tag": ["a", "b"]}, index=[3, 4])
    frame.rename_axis("step").to_parquet(tmp_path / "a.parquet")
    assert curves(tmp_path / "a.parquet") == {TRAIN: [(3, 2.5), (4, 1.5)], TEST: [(3, 3.0)]}


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_resolution_is_half_a_spacing_of_the_stored_type(kind, table):
    values = np.array([1.0, 0.5, 0.1], dtype=kind)
    curve = read_log(table({"step": [0, 1, 2], "loss": values})).curves[TRAIN]
    assert curve.values.tolist() == values.astype(float).tolist()
    assert curve.resolution.tolist() == (np.spacing(values) / 2).astype(float).tolist()


def test_many_batches_are_one_log(table, curves, monkeypatch):
    step, loss = np.arange(1000, dtype=np.uint16), np.linspace(2, 1, 1000)
    path = table({"step": step, "loss": loss}, row_group_size=300)
    whole = curves(path)
    monkeypatch.setattr(reader, "ROWS", 7)
    assert curves(path) == whole == {TRAIN: list(zip(step.tolist(), loss.tolist(), strict=True))}


BROKEN = [
    ({"step": [1], "loss": ["1.5"]}, ("loss is string",)),
    ({"step": ["1"], "loss": [1.5]}, ("step is string",)),
    ({"loss": [1.5]}, ("named like a step", "numeric columns: loss")),
    ({"step": [None, 2.5], "loss": [1.5, 1.5]}, ("step holds 2.5",)),
    ({"step": pyarrow.array([], pyarrow.int64()), "loss": pyarrow.array([], pyarrow.float64())}, ("no finite loss",)),
]


@pytest.mark.parametrize(("columns", "said"), BROKEN)
def test_one_line_says_what_is_wrong(columns, said, table, refused):
    refused(table(columns), *said)


def test_files_that_are_no_parquet(table, refused):
    path = table()
    good = path.read_bytes()
    for content in (good[:-5], good[:50], b"PAR1", b"rubbish"):
        path.write_bytes(content)
        refused(path, "cannot read")


def test_row_groups_that_do_not_fit_in_memory_are_refused(table, refused, monkeypatch):
    monkeypatch.setattr("grokode.memory.free_memory", lambda: 10.0)
    refused(table(), "GiB", "row groups")


def test_without_pyarrow_one_line_names_the_extra(table, refused, monkeypatch):
    path = table()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(path, "needs pyarrow", "pip install pyarrow")
