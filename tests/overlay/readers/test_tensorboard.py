"""TensorBoard's event files, as PyTorch's kind of writer and TensorFlow 2 write them."""

import struct
import sys

import numpy as np
import pytest

from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import Columns, read_log
from grokode.overlay.readers import tensorboard as reader

pytest.importorskip("tensorboard", reason="TensorBoard's logs need tensorboard")

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
records = pytest.importorskip("tensorboard.compat.tensorflow_stub.pywrap_tensorflow")
tensor_util = pytest.importorskip("tensorboard.util.tensor_util")


def framed(record, length=None):
    """Return a record of an event file, its checksums right."""
    head = struct.pack("<Q", len(record) if length is None else length)
    checked = [part + struct.pack("<I", records.masked_crc32c(part)) for part in (head, record)]
    return b"".join(checked)


def scalar(step, tag, value):
    """An event of TensorFlow 1 and PyTorch."""
    event = event_pb2.Event(step=step)
    event.summary.value.add(tag=tag, simple_value=value)
    return event


def tensor(step, tag, value):
    """An event of TensorFlow 2."""
    event = event_pb2.Event(step=step)
    made = event.summary.value.add(tag=tag, tensor=tensor_util.make_tensor_proto(value))
    made.metadata.plugin_data.plugin_name = "scalars"
    return event


@pytest.fixture
def events(tmp_path):
    """Write events into a file."""

    def make(made, name="events.out.tfevents.1700000000.host"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        start = event_pb2.Event(file_version="brain.Event:2")
        path.write_bytes(b"".join(framed(event.SerializeToString()) for event in (start, *made)))
        return path

    return make


def test_all_points_of_a_usual_writer(tmp_path):
    writer = pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    with writer.SummaryWriter(str(tmp_path / "run")) as log:
        for step in range(500):
            log.add_scalar("loss/train", 1 / (step + 3), step)
        log.add_scalar("loss/test", 0.3, 499)
        log.add_histogram("weights", np.arange(9.0), 5)
        log.add_text("note", "words", 5)
    read = read_log(tmp_path / "run")
    rounded = (1 / (np.arange(500) + 3.0)).astype(np.float32)
    assert read.curves[TRAIN].step.tolist() == list(range(500))
    np.testing.assert_array_equal(read.curves[TRAIN].values, rounded)
    np.testing.assert_array_equal(read.curves[TRAIN].resolution, np.spacing(rounded) / 2)
    assert read.curves[TEST].step.tolist() == [499]
    assert (read.name, read.notes) == ("run", ())


def test_more_points_than_the_accumulator_of_tensorboard_keeps(events):
    read = read_log(events(scalar(step, "loss", 0.5) for step in range(10_050)))
    assert "of 10050 values kept: all below step 8192" in read.notes[0]
    assert read.curves[TRAIN].step[:8192].tolist() == list(range(8192))


def test_add_scalars_writes_a_folder_each(tmp_path, curves):
    writer = pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    with writer.SummaryWriter(str(tmp_path)) as log:
        for step in (0, 10):
            log.add_scalars("loss", {"train": 0.5, "test": 0.25}, step)
    # tensorboardX names them loss/train, PyTorch loss_train
    assert curves(tmp_path) == {TRAIN: [(0, 0.5), (10, 0.5)], TEST: [(0, 0.25), (10, 0.25)]}


def test_folders_of_pytorch_add_scalars(events, tmp_path, curves):
    events([scalar(3, "loss", 0.5)], "loss_train/events.out.tfevents.1")
    events([scalar(3, "loss", 0.25)], "loss_test/events.out.tfevents.1")
    events([scalar(3, "lr", 0.1)])
    assert curves(tmp_path) == {TRAIN: [(3, 0.5)], TEST: [(3, 0.25)]}


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_tensors_of_tensorflow_2(kind, events):
    value = kind(0.1)
    made = [tensor(7, "loss", value), tensor(7, "image", np.ones((2, 2), kind)), tensor(7, "note", "words")]
    curve = read_log(events(made)).curves[TRAIN]
    assert curve.values.tolist() == [float(value)]
    assert curve.resolution.tolist() == [float(np.spacing(value)) / 2]


def test_tensors_that_hold_their_number_as_a_list(events, curves):
    for name, number in (("float_val", 0.5), ("double_val", 0.5), ("half_val", int(np.float16(0.5).view(np.uint16)))):
        event = event_pb2.Event(step=7)
        kind = {"float_val": 1, "double_val": 2, "half_val": 19}[name]
        value = event.summary.value.add(tag="loss")
        value.tensor.dtype = kind
        getattr(value.tensor, name).append(number)
        assert curves(events([event])) == {TRAIN: [(7, 0.5)]}


def keras_folder(events):
    events([tensor(step, "epoch_loss", np.float32(2 - step)) for step in (0, 1)], "train/events.out.tfevents.1.v2")
    made = [tensor(step, "epoch_loss", np.float32(1 - step)) for step in (0, 1)]
    events([*made, tensor(5, "evaluation_loss_vs_iterations", np.float32(9))], "validation/events.out.tfevents.2.v2")


def test_keras_folders_are_placed(events, tmp_path, curves):
    keras_folder(events)
    assert curves(tmp_path) == {TRAIN: [(0, 2.0), (1, 1.0)], TEST: [(1, 1.0), (2, 0.0)]}
    assert "looks like Keras" in read_log(tmp_path).notes[0]
    assert curves(tmp_path, test="validation/epoch_loss@0")[TEST] == [(0, 1.0), (1, 0.0)]
    assert curves(tmp_path / "train") == {TRAIN: [(0, 2.0), (1, 1.0)]}  # one folder alone


def test_lightning_is_placed(events, curves):
    made = [scalar(0, "hp_metric", -1), scalar(0, "epoch", 0), scalar(0, "train_loss", 2), scalar(0, "val_loss", 1)]
    assert curves(events(made)) == {TRAIN: [(0, 2.0)], TEST: [(1, 1.0)]}


def test_averages_of_the_hugging_face_trainer_are_mentioned(events):
    log = read_log(events([scalar(5, "train/loss", 0.5), scalar(9, "eval/loss", 0.25), scalar(9, "eval/runtime", 3)]))
    assert log.curves[TEST].step.tolist() == [9]
    assert "trainer_state.json" in log.notes[0]


def test_the_folder_of_a_run_does_not_matter(events, tmp_path, curves):
    events([scalar(0, "train_loss", 2)], "logs/version_0/events.out.tfevents.1")
    assert curves(tmp_path) == curves(tmp_path / "logs") == {TRAIN: [(0, 2.0)]}
    events([scalar(0, "train_loss", 2)], "logs/version_1/events.out.tfevents.1")
    with pytest.raises(Exception, match="logs/version_0/train_loss or logs/version_1/train_loss could be loss_train"):
        curves(tmp_path)
    assert curves(tmp_path, train="logs/version_1/train_loss") == {TRAIN: [(0, 2.0)]}


def test_files_of_one_folder_are_a_run_continued(events, tmp_path, curves):
    events([scalar(step, "loss", 0.25) for step in (10, 15, 20)], "events.out.tfevents.1700000002.a")
    events([scalar(step, "loss", 0.5) for step in (0, 5, 10)], "events.out.tfevents.1700000001.b")
    (tmp_path / "notes.txt").write_text("no events")
    assert curves(tmp_path) == {TRAIN: [(0, 0.5), (5, 0.5), (10, 0.25), (15, 0.25), (20, 0.25)]}
    assert read_log(tmp_path).notes == ("loss: 1 step written more than once, the last value taken",)


def test_pieces_are_one_curve(events, curves, monkeypatch):
    path = events([scalar(step, "loss", step + 0.5) for step in range(50)])
    whole = curves(path)
    monkeypatch.setattr(reader, "EVENTS", 7)
    assert curves(path) == whole == {TRAIN: [(step, step + 0.5) for step in range(50)]}


def test_the_good_prefix_of_a_damaged_file_is_kept(events, curves):
    steps = range(20)
    path = events([scalar(step, "loss", step + 0.5) for step in steps])
    good = path.read_bytes()
    whole = curves(path)[TRAIN]
    assert read_log(path).notes == ()
    start, size = len(framed(event_pb2.Event(file_version="brain.Event:2").SerializeToString())), 0
    for count in (1, 7, 19):
        size = start + sum(len(framed(scalar(step, "loss", step + 0.5).SerializeToString())) for step in steps[:count])
        flipped = bytearray(good)
        flipped[size + 14] ^= 1  # within the next event
        for content in (good[: size + 1], good[: size + 20], bytes(flipped)):
            path.write_bytes(content)
            assert curves(path)[TRAIN] == whole[:count]
            assert read_log(path).notes == (
                f"{path.name} is damaged or cut short at byte {size} of {len(content)}; what stands before is kept",
            )


def test_right_checksums_around_nonsense(events, curves):
    good = events([scalar(0, "loss", 0.5)]).read_bytes()
    path = events([])
    for bad in (framed(b"\xff\xff\xff"), framed(b"", length=2**63), framed(b"", length=2**40)):
        path.write_bytes(good + bad)
        assert curves(path) == {TRAIN: [(0, 0.5)]}
        assert f"at byte {len(good)} of" in read_log(path).notes[0]


def test_every_event_has_its_step(events, curves):
    path = events([scalar(5, "loss", 0.5), scalar(6, "step", 1)])
    assert curves(path, train="loss@2") == {TRAIN: [(7, 0.5)]}
    assert read_log(path, Columns(step="step")).notes == ("events carry their own step; --step step not used",)


def test_a_scalar_of_any_name_can_be_asked_for(events, curves):
    path = events([scalar(5, "risk/of.all", 0.5), scalar(5, "accuracy", 0.25)])
    assert curves(path, train="Risk_of_all@1", test="accuracy") == {TRAIN: [(6, 0.5)], TEST: [(5, 0.25)]}


def test_one_line_says_what_is_wrong(events, tmp_path, refused, monkeypatch):
    refused(events([scalar(5, "accuracy", 0.5)]), "numeric columns: accuracy", "--train or --test")
    refused(events([scalar(-5, "loss", 0.5)]), "loss holds -5")
    refused(events([scalar(5, "loss", -0.5)]), "-0.5 at step 5")
    refused(events([scalar(5, "loss", np.inf)]), "no finite loss")
    refused(events([scalar(5, "loss", 0.5)]), "no column lose", train="lose")
    path = events([scalar(5, f"metric{index}", 0.5) for index in range(9)])
    refused(path, "numeric columns: metric0")
    path.write_bytes(b"rubbish")
    refused(path, "numeric columns: none")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "without TensorBoard event files")
    monkeypatch.setattr(reader, "MOST_NAMES", 5)
    refused(events([scalar(5, f"metric{index}", 0.5) for index in range(9)]), "more than 5 scalars")


def test_links_to_folders_are_not_followed(events, tmp_path, refused):
    events([scalar(0, "loss", 0.5)], "elsewhere/events.out.tfevents.1")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "run" / "events.out.tfevents.2").symlink_to("/dev/zero")
    refused(tmp_path / "run", "without TensorBoard event files")


def test_without_tensorboard_one_line_names_the_extra(events, refused, monkeypatch):
    path = events([scalar(0, "loss", 0.5)])
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing", None)
    refused(path, "needs tensorboard", "pip install tensorboard")
