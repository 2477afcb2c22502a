"""The arrays of a bundle one by one: what each must be, and its one-line refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from .spec import MOST

RANK = {
    "X_train": 2,
    "W0": 2,
    "X_test": 2,
    "B": 2,
    "directions": 2,
    "y_train": 1,
    "y_test": 1,
    "beta_star": 1,
    "b": 1,
    "v0": 1,
    "step": 1,
    "batch_order": 1,
}
SWITCHES = ("centered", "nesterov", "decoupled")
RANK |= dict.fromkeys(("loss_train", "loss_test"), 1)


def array_of(name: str, value: Any) -> NDArray[Any]:
    """Return what NumPy makes of a value, which may be an array of another package."""
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # whatever the other package raises
        reason = " ".join(str(error).split())[:160]
        fix = f"{name}.detach().cpu().numpy()" if hasattr(value, "detach") else "a NumPy array"
        raise InvalidInput(f"bundle: {name} cannot be read as an array ({reason}); pass {fix}") from None


def checked(name: str, value: Any) -> Any:
    """Return one array of a bundle as float64 (``step`` and batches as int64, switches as bool)."""
    array = array_of(name, value)
    if array.dtype.kind not in "biuf":
        kind = "be true or false" if name in SWITCHES else "hold real numbers"
        raise InvalidInput(f"bundle: {name} must {kind}, got dtype {array.dtype}")
    rank = RANK.get(name, 0)
    if name != "covariance":
        if rank == 0 and array.size == 1:
            array = array.reshape(())
        rank = array.ndim if name == "lr" and array.ndim < 2 else rank  # one for all steps, or one a step
        if array.ndim != rank or array.size == 0:
            kind = ("a single number", "a vector that is not empty", "a matrix that is not empty")[rank]
            kind += " or a vector, one a step" if name == "lr" else ""
            raise InvalidInput(f"bundle: {name} must be {kind}, got shape {array.shape}")
    if name in ("loss_train", "loss_test"):  # logs of a run that blew up are still logs
        return array.astype(float)
    if not np.isfinite(array).all():
        raise InvalidInput(f"bundle: {name} must be finite, got NaN or infinity")
    if name in SWITCHES:
        if array not in (0, 1):
            raise InvalidInput(f"bundle: {name} must be true or false, got {array}")
        return bool(array)
    if name == "lr" and array.ndim and array.min() >= 0 and array.max() > 0:
        return array.astype(float)
    if (
        name in ("alpha", "lr", "loss_scale_train", "loss_scale_test") or (name == "covariance" and array.ndim == 0)
    ) and not np.all(array > 0):
        raise InvalidInput(f"bundle: {name} must be positive, got {array.min()}")
    if name in ("eps", "noise", "weight_decay") and array < 0:
        raise InvalidInput(f"bundle: {name} must be zero or positive, got {array}")
    if name == "hermite":
        if array != np.rint(array) or not (array == 0 or array >= 2):
            raise InvalidInput(f"bundle: hermite must be 0 or a whole number, at least 2, got {array}")
        return array.astype(np.int64)
    if name == "momentum" and not 0 <= array < 1:
        raise InvalidInput(f"bundle: momentum must be at least 0 and below 1, got {array}")
    if name in ("batch_order", "batch_size"):
        if (array != np.rint(array)).any() or (name == "batch_size" and array < 1):
            kind = "a whole number, at least 1" if name == "batch_size" else "whole numbers"
            raise InvalidInput(f"bundle: {name} must be {kind}, got {_first(array, array != np.rint(array))}")
        return array.astype(np.int64)
    if name == "step":
        wrong = (array < 0) | (array > MOST) | (array != np.rint(array))
        if wrong.any():
            raise InvalidInput(f"bundle: step must be whole numbers from 0 to {MOST}, got {_first(array, wrong)}")
        if (np.diff(array) <= 0).any():
            raise InvalidInput("bundle: step must increase; sort it and drop repeats")
        if array[-1] < 1:
            raise InvalidInput("bundle: step must go beyond 0; leave it out to choose --steps yourself")
        return array.astype(np.int64)
    return np.array(array, dtype=float, order="C")


def _first(array: NDArray[Any], wrong: NDArray[Any]) -> Any:
    """Return the first number that is wrong, of a scalar the number itself."""
    return array[wrong][0] if array.ndim else array
