"""NumPy archives: arrays by name, bundles and saved runs of this package among them."""

import io
import zipfile

import numpy as np
import pytest

import grokode
from grokode.experiment.exporting import export
from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import npz, read_log

STEP, VALUES = np.array([0, 1, 5]), np.array([2.5, 1.5, 0.5])


def test_arrays_by_name(tmp_path, curves):
    np.savez_compressed(tmp_path / "a.npz", iter=STEP.astype(float), train_loss=VALUES, val_loss=2 * VALUES, alpha=3.0)
    expected = list(zip(STEP.tolist(), VALUES.tolist(), strict=True))
    assert curves(tmp_path / "a.npz") == {TRAIN: expected, TEST: [(step, 2 * value) for step, value in expected]}


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32])
def test_resolution_is_half_a_spacing_of_the_stored_type(kind, tmp_path):
    values = np.array([1, 2, 5]).astype(kind)
    np.savez(tmp_path / "a.npz", step=STEP, loss=values)
    spacing = np.spacing(values if values.dtype.kind == "f" else values.astype(float))
    assert read_log(tmp_path / "a.npz").curves[TRAIN].resolution.tolist() == (spacing / 2).tolist()


def test_what_is_missing_is_nan(tmp_path):
    np.savez(tmp_path / "a.npz", step=STEP, loss=[2.5, np.nan, 0.5], loss_test=np.full(3, np.nan))
    log = read_log(tmp_path / "a.npz")
    assert log.curves[TRAIN].step.tolist() == [0, 5]
    assert TEST not in log.curves
    assert log.notes == ("loss: 1 value NaN or infinite, dropped", "loss_test holds no finite number")


@pytest.fixture(scope="module")
def run():
    return grokode.run(
        dim=4,
        n_train=6,
        n_test=5,
        width=3,
        lr=0.05,
        steps=40,
        points=9,
        alpha=1.0,
        eps=0.3,
        optimizer="gradient_descent",
    )


def test_a_saved_run_is_a_log(run, tmp_path):
    grokode.save(run, tmp_path / "run.npz")
    curves = read_log(tmp_path / "run.npz").curves
    for role, name in ((TRAIN, "loss_train"), (TEST, "loss_test_sample")):
        assert curves[role].step.tolist() == run.curves["step"].values.tolist()
        assert curves[role].values.tolist() == run.curves[name].values.tolist()


def test_a_bundle_is_a_log(run, tmp_path):
    arrays = {name: np.asarray(value) for name, value in export(run).arrays().items()}
    arrays |= {"step": STEP, "loss_train": VALUES, "loss_test": 2 * VALUES}
    grokode.bundle.save(tmp_path / "bundle.npz", **arrays)
    curves = read_log(tmp_path / "bundle.npz").curves
    assert curves[TRAIN].values.tolist() == VALUES.tolist()
    assert curves[TEST].step.tolist() == STEP.tolist()


BROKEN = [
    ({"step": STEP, "loss": VALUES[:2]}, ("loss has 2 values", "step has 3")),
    ({"step": STEP, "loss": VALUES[:, None]}, ("loss has shape (3, 1)",)),
    ({"step": STEP, "loss": np.array(["1", "2", "3"])}, ("loss has shape (3,) and type <U1",)),
    ({"step": STEP, "loss": VALUES.astype(complex)}, ("complex128",)),
    ({"step": STEP, "loss": VALUES > 1}, ("bool",)),
    ({"step": STEP.astype("M8[s]"), "loss": VALUES}, ("datetime64",)),
    ({"loss": VALUES}, ("named like a step", "--step")),
    ({"step": STEP, "loss": -VALUES}, ("-2.5 at step 0",)),
    ({"step": STEP[:0], "loss": VALUES[:0]}, ("no finite loss",)),
]


@pytest.mark.parametrize(("arrays", "said"), BROKEN)
def test_one_line_says_what_is_wrong(arrays, said, tmp_path, refused):
    np.savez(tmp_path / "a.npz", **arrays)
    refused(tmp_path / "a.npz", *said)


class Bomb:
    """Python writes a file when it loads this."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_objects_are_never_loaded(tmp_path, refused):
    np.savez(tmp_path / "a.npz", step=STEP, loss=np.array([Bomb(tmp_path / "executed")] * 3))
    refused(tmp_path / "a.npz", "never loaded")
    assert not (tmp_path / "executed").exists()


def test_files_that_are_no_archives(tmp_path, refused):
    path, stream = tmp_path / "a.npz", io.BytesIO()
    np.savez(stream, step=STEP, loss=VALUES)
    good = stream.getvalue()
    for content in (good[:-30], good[:100], b"PK\x03\x04", b"rubbish"):
        path.write_bytes(content)
        refused(path, "cut short")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    refused(path, "numeric columns: none")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("step.npy", "rubbish")
        archive.writestr("loss.npy", "rubbish")
    refused(path, "step has no numbers")
    np.save(tmp_path / "a.npy", VALUES)
    refused(tmp_path / "a.npy", "format")


def test_arrays_that_do_not_fit_in_memory_are_refused(tmp_path, refused, monkeypatch):
    np.savez(tmp_path / "a.npz", step=STEP, loss=VALUES)
    monkeypatch.setattr(npz, "TIMES", 1e12)
    refused(tmp_path / "a.npz", "GiB")


def test_a_header_that_promises_more_than_there_is(tmp_path, refused):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**17,)})
    good = io.BytesIO()
    np.save(good, STEP)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("step.npy", good.getvalue())
        archive.writestr("loss.npy", stream.getvalue() + b"\0" * 64)
    refused(tmp_path / "a.npz")
