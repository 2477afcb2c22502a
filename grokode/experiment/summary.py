"""The summary of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..curve import Curve
from ..dynamics.pace import Pace
from ..observables.crossings import delay
from ..outcome import Crossing
from .result import number


def summarize(
    curves: Mapping[str, Curve], crossings: Mapping[str, Crossing], *, test_loss: str, **crossed_with: Any
) -> dict[str, Any]:
    """Return crossings, delay, peak and final losses by name; None where a number does not exist.

    Parameters
    ----------
    curves : mapping of str to Curve
    crossings : mapping of str to Crossing
        ``train``, and ``test`` where there is a test loss.
    test_loss : str
        ``exact``, ``sample`` or nothing.
    **crossed_with
        As in ``crossed``.
    """
    test_curve = curves[f"loss_test_{test_loss}"].values if test_loss else None
    return crossed(crossings, **crossed_with) | {
        "test_loss": test_loss or None,
        "peak_loss_test": None if test_curve is None else float(test_curve.max()),
        "final_loss_train": float(curves["loss_train"].values[-1]),
        "final_loss_test": None if test_curve is None else float(test_curve[-1]),
    }


def crossed(
    crossings: Mapping[str, Crossing], *, threshold: str, pace: Pace | None, steps: bool, logged: bool
) -> dict[str, Any]:
    """Return what is said of one threshold.

    Parameters
    ----------
    crossings : mapping of str to Crossing
        ``train``, and ``test`` where there is a test loss.
    threshold : str
        As it was given.
    pace : Pace or None
        What steps are worth.
    steps : bool
        Whether the optimizer takes steps: then crossings happen at whole ones.
    logged : bool
        Whether steps are told too.
    """
    train, test = crossings["train"], crossings.get("test")
    certificate = test.certificate if test else None
    summary: dict[str, Any] = {
        "threshold": threshold if threshold.endswith("%") else float(threshold),
        "threshold_train": train.threshold,
        "threshold_test": test.threshold if test else None,
        "t_train": number(train.t),
        "t_train_status": str(train.status),
        "t_test": number(test.t) if test else None,
        "t_test_status": str(test.status) if test else None,
        "certificate": dataclasses.asdict(certificate) if certificate else None,
        "delay": number(delay(train, test)) if test else None,
    }
    if logged and pace is not None:
        for name in ("train", "test"):
            t = summary[f"t_{name}"]
            step = None if t is None else float(pace.steps(np.array(t)))
            summary[f"step_{name}"] = step if step is None or not steps else round(step)
    return summary
