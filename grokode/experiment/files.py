"""Runs to files and back: npz, JSON, pictures, and bundles for training elsewhere."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..convention import learning_rate
from ..curve import Curve
from ..errors import InvalidInput
from ..model.states.readouts import ReadoutState
from ..outcome import Status, Work
from ..task.data import Data
from ..task.streams import Role, stream
from ..task.system import Law
from .bundle import Bundle
from .resources import refuse_run
from .result import Run
from .spec import MOST, merge
from .storage import check_writable, read_npz, write_atomically, write_npz
from .systems import network_of, system_of
from .training import dt_of

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


def export(run: Run, width: int | None = None, dt: float | None = None) -> Bundle:
    """Turn a drawn experiment into a bundle of real neurons, for training elsewhere.

    Parameters
    ----------
    run : Run
    width : int, optional
        Number of real neurons, at least r; the experiment's own by default. Training them with the
        bundle's learning rate gives the run's curves to rounding, whatever the width.
    dt : float, optional
        Flow time of a step, where the experiment has none.

    Returns
    -------
    Bundle

    Raises
    ------
    InvalidInput
        If the training set is infinite, the width is too small or infinite, or no step is known.
    """
    experiment, given = run.experiment, run.bundle
    if width is None:
        if math.isinf(experiment.width):
            raise InvalidInput(f"infinite width has no neurons to export; give --width {experiment.dim + 1} or more")
        width = int(experiment.width)
    if width < 1:
        raise InvalidInput(f"width must be at least 1, got {width}")
    if math.isinf(experiment.n_train):
        raise InvalidInput("n_train = inf has no data to export; run it with a finite --n-train")
    dt = dt if dt is not None else dt_of(experiment)
    if dt is None:
        raise InvalidInput("this experiment has no step; give --dt, the flow time of one")
    end = float(run.t[-1])
    if not 0 < dt <= end <= MOST * dt:
        raise InvalidInput(f"dt must be between {end / MOST:.3g} and {end:.6g}, the end of the run, got {dt}")
    rows = min(width, experiment.dim + 1)
    # W0 and the orthonormal columns it is made from, with the copies on the way
    refuse_run(8.0 * width * 3 * (rows + experiment.dim))
    draw = system_of(experiment, given, run.files).draw(network_of(experiment))
    assert isinstance(draw.train, Data)
    if given is not None and width == given.width:
        W0 = np.asarray(given.W0)
    else:
        W0 = draw.start.neurons(width, stream(experiment.seed, Role.WEIGHTS, experiment.dim, width))
    arrays: dict[str, Any] = {
        "X_train": draw.train.X,
        "y_train": draw.train.y,
        "W0": W0,
        "alpha": experiment.alpha,
        "eps": experiment.eps,
        "lr": learning_rate(dt, experiment.alpha, width),
        "centered": experiment.centered,
        "noise": experiment.noise,
        **({"hermite": experiment.hermite} if experiment.hermite else {}),
        **({"v0": draw.start.readouts} if isinstance(draw.start, ReadoutState) else {}),
        "step": np.unique(np.rint(run.t / dt)).astype(np.int64),
    }
    law, points = draw.tests.get("exact"), draw.tests.get("sample")
    if isinstance(law, Law):
        target = law.target
        arrays |= {"covariance": law.inputs.Sigma, "c": target.c, "b": target.b, "B": target.B}
        if len(target.directions):
            arrays["directions"] = target.directions
    elif given is not None:
        declared = ("covariance", "beta_star", "c", "b", "B")
        arrays |= {name: value for name, value in given.arrays().items() if name in declared}
    if isinstance(points, Data):
        arrays |= {"X_test": points.X, "y_test": points.y}
    return Bundle(**arrays)


def _with_suffix(path: Path, allowed: tuple[str, ...]) -> Path:
    if path.suffix.lower() not in allowed:
        raise InvalidInput(f"{path} must end in {' or '.join(allowed)}")
    return path
