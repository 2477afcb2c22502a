"""Whatever a file holds, reading it gives a log that can be trusted in its form, or one line that says why not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grokode.errors import InvalidInput
from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import Columns, read_log

TIMES = int(os.environ.get("GROKODE_FUZZ", "1"))
"""Examples as a multiple of those of an ordinary run; more than one are also drawn at random."""


def fuzzed(examples):
    return settings(
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        max_examples=examples * TIMES,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


NAMES = [
    "a.csv",
    "a.tsv",
    "a.csv.gz",
    "a.txt",
    "a.jsonl",
    "a.json",
    "a.json.gz",
    "trainer_state.json",
    "a.npz",
    "a.parquet",
    "a",
    "events.out.tfevents.1.a",
]
"""Files under whose names anything may come."""


def needed(name):
    """Skip a format whose package is not installed."""
    if "tfevents" in name:
        pytest.importorskip("tensorboard", reason="TensorBoard's logs need tensorboard")
    if "parquet" in name:
        pytest.importorskip("pyarrow", reason="parquet needs pyarrow")


def holds(log):
    """Check the form of a log."""
    assert set(log.curves) <= {TRAIN, TEST}
    assert log.curves
    for curve in log.curves.values():
        assert curve.step.dtype == np.int64
        assert curve.step.shape == curve.values.shape == curve.resolution.shape == curve.window.shape
        assert len(curve.step) >= 1
        assert curve.step[0] >= 0
        assert curve.step[-1] <= 10**15
        assert (np.diff(curve.step) > 0).all()
        assert np.isfinite(curve.values).all()
        assert (curve.values >= 0).all()
        assert (curve.resolution > 0).all()
        assert np.isfinite(curve.resolution).all()
        assert (curve.window >= 0).all()
        assert (curve.window <= curve.step).all()
    assert all(len(line.splitlines()) == 1 for line in (log.name, log.origin, *log.notes))


def read_or_refused(path, content, columns=Columns()):  # noqa: B008 (frozen)
    """Read a file of these bytes, as a log or not at all; True where it was read."""
    path.write_bytes(content)
    try:
        log = read_log(path, columns)
    except InvalidInput as error:  # and no other exception leaves
        said = str(error)
    else:
        holds(log)
        return True
    assert len(said.splitlines()) == 1
    assert len(said) < 3000
    return False


CELLS = st.sampled_from(
    [
        "",
        " ",
        "0",
        "1",
        "2",
        "3",
        "0.5",
        "-1",
        "1e-3",
        "1e400",
        "nan",
        "NaN",
        "inf",
        "None",
        "x",
        '"',
        "1_0",
        "٣",
        "0,5",
        "1e",
        "-0.0",
    ]
)
HEADERS = st.sampled_from(
    ["step,loss,val_loss", "epoch,loss,val_loss", "epoch,step,train_loss,val_loss", "Step,r - loss", "loss", "1,2"]
)
KEYS = st.sampled_from(["step", "epoch", "loss", "val_loss", "eval_loss", "log_history", "columns", "data", "x"])
LEAVES = st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | CELLS | st.integers()
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
RECORDS = st.lists(st.dictionaries(KEYS, LEAVES, max_size=4), max_size=6)


@pytest.mark.parametrize("name", NAMES)
def test_any_bytes_under_any_name(name, tmp_path):
    needed(name)

    @fuzzed(12)
    @given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
    def run(content):
        read_or_refused(tmp_path / name, content)

    run()


@fuzzed(100)
@given(
    HEADERS,
    st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6),
    st.sampled_from(",\t; "),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_table_of_text(tmp_path, header, rows, delimiter, end):
    lines = [header.replace(",", delimiter), *(delimiter.join(row) for row in rows)]
    read_or_refused(tmp_path / "a.csv", end.join(lines).encode())


@fuzzed(120)
@given(
    DOCUMENTS | RECORDS | RECORDS.map(lambda records: {"log_history": records}),
    st.sampled_from(["a.json", "trainer_state.json"]),
)
def test_any_json(tmp_path, document, name):
    read_or_refused(tmp_path / name, json.dumps(document).encode())


@fuzzed(70)
@given(st.lists(DOCUMENTS | st.dictionaries(KEYS, LEAVES, max_size=4), max_size=6))
def test_any_json_lines(tmp_path, documents):
    read_or_refused(tmp_path / "a.jsonl", "\n".join(map(json.dumps, documents)).encode())


@fuzzed(60)
@given(
    st.sampled_from(
        ["step", "loss", "val_loss@1", "x", "", "@", "@9", "loss@-1", "loss@999999999999999", "loss@9999999999999999"]
    ),
    st.sampled_from(["train", "test", "step"]),
)
def test_any_column_asked_for(tmp_path, name, role):
    content = b"step,loss,val_loss\n1,0.5,1.5\n2,0.25,1.25\n"
    read_or_refused(tmp_path / "a.csv", content, Columns(**{role: name}))


# ---- damaged files


STEPS, LOSSES = list(range(20)), [1.5 / (1 + step) for step in range(20)]


def plain_files():
    """One good file of each format that needs no package, by name."""
    records = [{"step": step, "loss": loss, "eval_loss": loss} for step, loss in zip(STEPS, LOSSES, strict=True)]
    rows = "".join(f"{step},{loss!r},{2 * loss!r}\n" for step, loss in zip(STEPS, LOSSES, strict=True))
    archive = io.BytesIO()
    np.savez(archive, step=STEPS, loss_train=LOSSES)
    files = {
        "a.csv": b"step,loss_train,loss_test\n" + rows.encode(),
        "a.jsonl": "\n".join(map(json.dumps, records)).encode(),
        "a.json": json.dumps(records).encode(),
        "trainer_state.json": json.dumps({"log_history": records}).encode(),
        "a.npz": archive.getvalue(),
    }
    return files | {f"{name}.gz": gzip.compress(files[name], mtime=0) for name in ("a.csv", "a.json")}


def valid_file(name):
    """A good file under a name."""
    if name == "a.parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="parquet needs pyarrow")
        table = io.BytesIO()
        parquet.write_table(pyarrow_table(STEPS, LOSSES, LOSSES), table)
        return table.getvalue()
    if "tfevents" in name:
        pytest.importorskip("tensorboard", reason="TensorBoard's logs need tensorboard")
        return b"".join(framed(event(step, loss)) for step, loss in zip(STEPS, LOSSES, strict=True))
    return plain_files()[name]


def pyarrow_table(step, train, test):
    pyarrow = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    return pyarrow.table({"step": list(step), "loss_train": list(train), "loss_test": list(test)})


def event(step, loss):
    from tensorboard.compat.proto.event_pb2 import Event

    made = Event(step=step)
    made.summary.value.add(tag="loss", simple_value=loss)
    return made.SerializeToString()


def framed(record):
    """Return a record of an event file, its checksums right."""
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    length = struct.pack("<Q", len(record))
    return length + struct.pack("<I", masked_crc32c(length)) + record + struct.pack("<I", masked_crc32c(record))


def damaged(content, edits):
    """Apply edits (where, how, what) to bytes."""
    for at, how, piece in edits:
        at = int(at * len(content))
        match how:
            case "cut":
                content = content[:at]
            case "replace":
                content = content[:at] + piece + content[at + len(piece) :]
            case "insert":
                content = content[:at] + piece + content[at:]
            case "repeat":
                content = content[: at + 30] + content[at:]
    return content


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["cut", "replace", "insert", "repeat"]), st.binary(min_size=1, max_size=6)
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("a", "a.txt", "a.tsv")])
def test_any_damage_to_a_good_file(name, tmp_path):
    needed(name)
    content = valid_file(name)
    assert read_or_refused(tmp_path / name, content)

    @fuzzed(40)
    @given(EDITS)
    def run(edits):
        read_or_refused(tmp_path / name, damaged(content, edits))

    run()


@fuzzed(60)
@given(EDITS)
def test_any_array_in_a_sound_archive(tmp_path, edits):
    """Checksums are right, the array is not."""
    array = io.BytesIO()
    np.save(array, np.arange(20.0))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("step.npy", array.getvalue())
        file.writestr("loss.npy", damaged(array.getvalue(), [(at / 4, how, piece) for at, how, piece in edits]))
    read_or_refused(tmp_path / "a.npz", archive.getvalue())


@fuzzed(60)
@given(EDITS, st.integers(0, 5))
def test_any_event_in_a_sound_file(tmp_path, edits, index):
    pytest.importorskip("tensorboard", reason="TensorBoard's logs need tensorboard")
    events = [event(step, 1.5) for step in range(6)]
    events[index] = damaged(events[index], edits)
    read_or_refused(tmp_path / "events.out.tfevents.1.a", b"".join(map(framed, events)))


# ---- tables that come back as they were written

VALUES = st.floats(0, 1e300) | st.sampled_from([0.0, 5e-324, 1.0, 0.1])
TABLES = st.lists(st.tuples(st.integers(0, 10**15), VALUES, VALUES), min_size=1, max_size=8)


def as_csv(rows, path):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("step", "loss_train", "loss_test"), *rows])


def as_json_lines(rows, path):
    path.write_text("\n".join(json.dumps({"step": s, "loss_train": a, "loss_test": b}) for s, a, b in rows))


def as_json(rows, path):
    path.write_text(json.dumps({"columns": ["step", "loss_train", "loss_test"], "data": rows}))


def as_npz(rows, path):
    step, train, test = zip(*rows, strict=True)
    np.savez(path, step=np.array(step), loss_train=train, loss_test=test)


def as_parquet(rows, path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="parquet needs pyarrow")
    parquet.write_table(pyarrow_table(*zip(*rows, strict=True)), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.csv", as_csv), ("a.jsonl", as_json_lines), ("a.json", as_json), ("a.npz", as_npz), ("a.parquet", as_parquet)],
)
def test_any_table_comes_back(name, write, tmp_path):
    """In the order of its steps, the last of each, bit by bit."""
    needed(name)

    @fuzzed(25)
    @given(TABLES)
    def run(rows):
        write(rows, tmp_path / name)
        log = read_log(tmp_path / name)
        holds(log)
        for role, column in ((TRAIN, 1), (TEST, 2)):
            last = {row[0]: row[column] for row in rows}
            assert log.curves[role].step.tolist() == sorted(last)
            assert log.curves[role].values.tolist() == [last[step] for step in sorted(last)]

    run()
