"""Runs to files and back: npz, JSON, pictures, and bundles for training elsewhere."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..curve import Curve
from ..errors import InvalidInput
from ..outcome import Status, Work
from .bundle import Bundle
from .result import Run
from .spec import merge
from .storage import check_writable, read_npz, write_atomically, write_npz

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = "grokode.run/1"
PICTURES = {".png": "png", ".pdf": "pdf", ".svg": "svg"}
BUNDLE_PREFIX = "bundle."
FILE_PREFIX = "file."


def save(run: Run, path: str | Path) -> None:
    """Save a run, all of it but its states, to an npz file.

    Raises
    ------
    InvalidInput
        If the file cannot be written.
    """
    record = run.to_dict() | {
        "curves": {
            name: {"units": curve.units, "long_name": curve.long_name, "origin": curve.origin}
            for name, curve in run.curves.items()
        }
    }
    arrays: dict[str, Any] = {name: curve.values for name, curve in run.curves.items()}
    record["files"] = list(run.files)
    arrays |= {f"{FILE_PREFIX}{index}": array for index, array in enumerate(run.files.values())}
    arrays["record"] = np.array(json.dumps(record, allow_nan=False))
    if run.bundle is not None:
        arrays |= {BUNDLE_PREFIX + name: np.asarray(value) for name, value in run.bundle.arrays().items()}
    write_npz(check_run_file(Path(path)), arrays)


def load(path: str | Path) -> Run:
    """Load a saved run.

    Raises
    ------
    InvalidInput
        If the file is not one that ``save`` wrote.
    """
    arrays = read_npz(Path(path), "run")
    wrong = InvalidInput(f"{path} is not a saved run (schema {SCHEMA}); save one with 'grokode run --out FILE.npz'")
    try:
        record = json.loads(str(arrays.pop("record")[()]))
        if record["schema"] != SCHEMA:
            raise wrong
        given = {
            name.removeprefix(BUNDLE_PREFIX): arrays.pop(name)
            for name in list(arrays)
            if name.startswith(BUNDLE_PREFIX)
        }
        curves = {
            name: Curve(
                name=name, values=arrays[name], **{key: str(label[key]) for key in ("units", "long_name", "origin")}
            )
            for name, label in record["curves"].items()
        }
        named = {str(path): arrays[f"{FILE_PREFIX}{index}"] for index, path in enumerate(record["files"])}
        if any(array.dtype != float or not np.isfinite(array).all() for array in named.values()):
            raise wrong
        t = curves["t"].values
        for curve in curves.values():
            if curve.values.dtype.kind not in "iuf" or curve.values.shape != (len(t),) or not len(t):
                raise wrong
            if not np.isfinite(curve.values).all():
                raise wrong
        solver = record["solver"]
        work = Work(
            method=str(solver["method"]),
            nfev=int(solver["nfev"]),
            njev=int(solver["njev"]),
            seconds=float(solver["seconds"]),
            steps=int(solver["steps"]),
        )
        run = Run(
            experiment=merge([(f"run {path}", record["experiment"])]),
            curves=curves,
            summary=record["summary"],
            status=Status(solver["status"]),
            work=work,
            versions=record["versions"],
            bundle=Bundle(**given) if given else None,
            files=named,
        )
        run.rows()  # reads what a summary must hold
    except InvalidInput:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise wrong from None
    return run


def to_json(run: Run) -> str:
    """Return the run as the text of one JSON object, numbers at full precision."""
    return json.dumps(run.to_dict(), allow_nan=False)


def write_text(text: str, path: Path) -> None:
    """Write a text file, whole or not at all."""
    write_atomically(path, lambda stream: stream.write(text.encode("utf-8")))


def check_picture(path: Path) -> Path:
    """Refuse a picture whose kind is unknown or that cannot be written, before any work is done."""
    path = _with_suffix(path, tuple(PICTURES))
    check_writable(path)
    return path


def check_run_file(path: Path) -> Path:
    """Refuse an npz file that cannot be written, before any work is done."""
    path = _with_suffix(path, (".npz",))
    check_writable(path)
    return path


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure as png, pdf or svg, reproducibly.

    Raises
    ------
    InvalidInput
        If the suffix is none of these, or the file cannot be written.
    """
    import matplotlib

    kind = PICTURES[check_picture(path).suffix.lower()]
    # without the date the same figure gives the same bytes
    metadata = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "grokode"}):  # nor ids drawn at random
        figure.savefig(content, format=kind, dpi=150, metadata=metadata)
    write_atomically(path, lambda stream: stream.write(content.getvalue()))


def _with_suffix(path: Path, allowed: tuple[str, ...]) -> Path:
    if path.suffix.lower() not in allowed:
        raise InvalidInput(f"{path} must end in {' or '.join(allowed)}")
    return path
