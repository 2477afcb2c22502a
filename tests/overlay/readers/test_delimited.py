"""Tables of text, as people, pandas, NumPy, W&B, Lightning and Keras write them."""

import csv
import gzip

import numpy as np
import pytest

from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import Columns, read_log, source

PLAIN = "step,loss_train,loss_test\n0,2.5,3\n1,1.5,2.75\n5,0.5,2.5\n"
READ = {TRAIN: [(0, 2.5), (1, 1.5), (5, 0.5)], TEST: [(0, 3.0), (1, 2.75), (5, 2.5)]}


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("a.csv", PLAIN, "utf-8"),
        ("a.csv", PLAIN, "utf-8-sig"),
        ("a.csv", PLAIN.replace("\n", "\r\n"), "ascii"),
        ("a.csv", PLAIN.replace("\n", "\r"), "ascii"),
        ("a.csv", PLAIN.replace("\n", "\n\n").rstrip(), "ascii"),
        ("a.csv", PLAIN.replace(",", " , "), "ascii"),
        ("a.csv", PLAIN.replace(",", ";"), "ascii"),
        ("a.tsv", PLAIN.replace(",", "\t"), "ascii"),
        ("a.CSV", PLAIN, "ascii"),
        ("a.txt", "# " + PLAIN.replace(",", " "), "ascii"),
        ("a", PLAIN, "ascii"),
        ("a.csv", PLAIN.replace("loss_train", '"Loss/train"').replace("0.5", '"0.5"'), "ascii"),
    ],
)
def test_the_same_table_however_it_is_written(name, text, encoding, write, curves):
    assert curves(write(name, text, encoding)) == READ


def test_what_the_csv_module_writes(tmp_path, curves):
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["note", "step", "loss_train", "loss_test"])
        writer.writeheader()
        for (step, train), (_, test) in zip(READ[TRAIN], READ[TEST], strict=True):
            writer.writerow({"note": 'said "so", then\nleft', "step": step, "loss_train": train, "loss_test": test})
    assert curves(path) == READ


def test_what_numpy_writes(tmp_path, curves):
    path = tmp_path / "a.txt"
    np.savetxt(
        path, [(s, a, b) for (s, a), (_, b) in zip(*READ.values(), strict=True)], header="step train_loss test_loss"
    )
    assert curves(path) == READ


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_what_pandas_writes(name, tmp_path, curves):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"step": [0, 1, 5], "loss_train": [2.5, 1.5, 0.5], "loss_test": [3.0, np.nan, 2.5]})
    frame.to_csv(tmp_path / name)
    assert curves(tmp_path / name) == {TRAIN: READ[TRAIN], TEST: [(0, 3.0), (5, 2.5)]}


def test_where_the_numbers_come_from_is_said(write):
    log = read_log(write("a.csv", PLAIN))
    assert log.name == "a.csv"
    assert log.origin.startswith("table ")
    assert log.origin.endswith("a.csv: step from step, loss_train from loss_train, loss_test from loss_test")
    assert log.notes == ()
    assert all((curve.window == 0).all() for curve in log.curves.values())


def test_wandb_export(write):
    text = '"Step","calm-sea-4 - train/loss","calm-sea-4 - train/loss__MIN","calm-sea-4 - train/loss__MAX"\n'
    log = read_log(write("wandb_export.csv", text + '"0","1.25","1.25","1.25"\n"10","0.625","0.5","0.75"\n'))
    assert log.curves[TRAIN].values.tolist() == [1.25, 0.625]
    assert log.origin.startswith("W&B CSV export ")


# ---- what known trainers write too early

LIGHTNING = "epoch,step,train_loss,val_loss\n0,0,1.5,\n0,0,,1.25\n1,1,1.25,\n1,1,,1.0\n"
KERAS = "epoch,accuracy,loss,val_accuracy,val_loss\n0,1,1.5,3,1.25\n1,2,1.25,4,1.0\n"


@pytest.mark.parametrize(("text", "who"), [(LIGHTNING, "Lightning"), (KERAS, "Keras")])
def test_a_validation_after_the_step_is_placed_there(text, who, write, curves):
    """Full batch, the same data twice: the validation after step k is the training loss before step k + 1."""
    path = write("metrics.csv", text)
    read = curves(path)
    assert read == {TRAIN: [(0, 1.5), (1, 1.25)], TEST: [(1, 1.25), (2, 1.0)]}
    notes = read_log(path).notes
    assert len(notes) == 1
    assert f"looks like {who}" in notes[0]
    assert "--test val_loss@0" in notes[0]
    assert curves(path, test="val_loss@0")[TEST] == [(0, 1.25), (1, 1.0)]
    assert not any("+ 1" in note for note in read_log(path, Columns(test="val_loss@0")).notes)
    assert curves(path, test="val_loss")[TEST] == read[TEST]  # naming it does not move it


def test_neither_is_seen_where_it_is_not(write, curves):
    full = "epoch,step,train_loss,val_loss\n0,1,1.5,1.25\n1,2,1.25,1.0\n"  # both in a row
    assert curves(write("a.csv", full))[TEST] == [(1, 1.25), (2, 1.0)]
    counted = KERAS.replace("\n1,2,", "\n2,2,").replace("\n0,", "\n1,")  # epochs from 1
    log = read_log(write("b.csv", counted))
    assert log.curves[TEST].step.tolist() == [1, 2]
    assert log.notes == ("each epoch taken as one step on the full batch",)


def test_a_history_of_the_hugging_face_trainer_is_no_log_of_lightning(write):
    """Its rows are sparse and hold an epoch too, and its train_loss is a summary."""
    text = "loss,step,epoch,eval_loss,eval_runtime,train_runtime,train_loss\n"
    text += "0.5,10,1.0,,,,\n,10,1.0,0.25,9.5,,\n0.25,20,2.0,,,,\n,20,2.0,,,99.5,0.375\n"
    log = read_log(write("a.csv", text))
    assert log.curves[TRAIN].values.tolist() == [0.5, 0.25]
    assert log.curves[TEST].step.tolist() == [10]
    assert len(log.notes) == 1
    assert "mean since its last report" in log.notes[0]
    assert "trainer_state.json" in log.notes[0]


def test_an_offset_moves_one_loss_and_that_of_the_step_moves_both(write, curves):
    path = write("a.csv", PLAIN)
    assert curves(path, test="loss_test@2")[TEST] == [(2, 3.0), (3, 2.75), (7, 2.5)]
    moved = curves(path, test="loss_test@2", step="step@10")
    assert [step for step, _ in moved[TRAIN]] == [10, 11, 15]
    assert [step for step, _ in moved[TEST]] == [12, 13, 17]


def test_an_offset_below_step_0_is_refused(write, refused):
    refused(write("a.csv", PLAIN), "loss_train", "-1", train="loss_train@-1")


# ---- what is wrong in a row

REPAIRED = [
    # rows out of order
    ("5,0.5,2.5\n0,2.5,3\n1,1.5,2.75\n", ["sorted"]),
    # a run that was started again
    ("0,2.5,3\n1,9,9\n5,9,2.5\n1,1.5,2.75\n5,0.5,\n", ["loss_train: 2 steps", "loss_test: 1 step", "last", "sorted"]),
    # a header again, a row cut short, one too long
    (
        "0,2.5,3\nstep,loss_train,loss_test\n1,1.5,2.75\n1,0\n1,2,3,4\n5,0.5,2.5\n",
        ["3 rows that cannot be read", "loss_train in column"],
    ),
    # not finite
    (
        "0,2.5,3\n1,1.5,2.75\n2,nan,inf\n3,NaN,Infinity\n4,,1e999\n5,0.5,2.5\n",
        ["loss_train: 2 values", "loss_test: 3 values"],
    ),
    # no step
    ("0,2.5,3\n1,1.5,2.75\n,7,7\nnan,7,7\n5,0.5,2.5\n", ["2 rows without a step"]),
    # a word in one column leaves the other
    ("0,2.5,3\n0,x,3\n1,1.5,2.75\n5,0.5,2.5\n", ["1 row that cannot be read", "x in column loss_train"]),
    # whole numbers as floats
    ("0.0,2.5,3\n1e0,1.5,2.75\n+5.00,0.5,2.5\n", []),
]


@pytest.mark.parametrize(("rows", "said"), REPAIRED)
def test_what_is_left_out_is_said(rows, said, write, curves):
    path = write("a.csv", "step,loss_train,loss_test\n" + rows)
    assert curves(path) == READ
    notes = read_log(path).notes
    for words in said:
        assert any(words in note for note in notes), notes
    assert bool(notes) == bool(said)


def test_a_loss_without_values_leaves_the_other(write, curves, refused):
    path = write("a.csv", "step,loss_train,loss_test\n0,2.5,nan\n1,1.5,nan\n5,0.5,\n")
    assert curves(path) == {TRAIN: READ[TRAIN]}
    assert any("loss_test" in note for note in read_log(path).notes)
    refused(path, "loss_test holds no finite number", "--test", test="loss_test")


BROKEN = [
    ("", ("is empty",)),
    ("\n\n", ("no rows",)),
    ("step,loss\n", ("no rows",)),
    ("0,2.5\n1,1.5\n", ("line of names",)),
    ("step,loss\n0,nan\n1,inf\n", ("no finite loss",)),
    ("step,loss\n0,1.5\n5,-0.25\n", ("-0.25 at step 5", "logarithm", "--train")),
    ("step,loss\n0,0\n0.5,1\n", ("step holds 0.5", "whole", "--step")),
    ("step,loss\n-1,0\n", ("step holds -1", "whole")),
    ("step,loss\n2e15,0\n", ("step holds 2e+15", "1e+15")),
    ("step,loss\n0,1.5\n1,x\n2,y\n3\n", ("3 of 4 rows", "x in column loss")),
    ("step;loss\n0;1,5\n1;1,25\n", ("2 of 2 rows", "1,5 in column loss")),
    ('step,loss\n0,1\n1,"' + 200_000 * "2", ("field larger",)),
    ('step,loss\n0,1\n1,"2\n' + "3,4\n" * 9, ("unexpected end",)),  # a quotation that never ends
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_one_line_says_what_is_wrong(text, said, write, refused):
    refused(write("a.csv", text), *said)


def test_files_that_are_no_text(write, tmp_path, refused):
    path = tmp_path / "a.csv"
    for encoding in ("utf-16", "utf-32", "latin-1"):
        write("a.csv", PLAIN.replace("loss", "löss"), encoding)
        refused(path, "UTF-8")
    path.write_bytes(PLAIN.encode().replace(b"1.5", b"1\0005"))
    refused(path, "text")
    packed = gzip.compress(PLAIN.encode() * 50)
    for content in (packed[:-9], packed[: len(packed) // 2], packed[:12], b"\x1f\x8b"):
        path.write_bytes(content)
        refused(path, "cut short or damaged")


def test_a_line_without_end_is_not_read_into_memory(write, refused, monkeypatch):
    monkeypatch.setattr(source, "LONGEST_LINE", 1000)
    refused(write("a.csv", PLAIN + "1" * 3000), "longer than 1000")
    refused(write("a.jsonl", '{"step":' + "1" * 3000), "longer than 1000")


def test_files_that_cannot_be_opened(tmp_path, refused):
    refused(tmp_path / "no.csv", "check the path")
    refused(tmp_path / "no" / "a.csv", "check the path")
    refused(tmp_path / ("a" * 300 + ".csv"), "check the path")
    refused("/dev/null", "neither a file nor a folder")
