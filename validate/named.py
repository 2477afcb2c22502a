"""Cases that each turn one knob of a plain experiment, or that bring arrays of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .case import Case, stable_step

DIM = 5
STEPS = 300

BASE: dict[str, Any] = {
    "dim": DIM, "n_train": 12, "n_test": 8, "width": 7, "alpha": 1.0, "eps": 0.3, "steps": STEPS, "points": 12,
    "lazy": True,
}  # fmt: skip

VARIANCES = np.geomspace(0.05, 0.8, DIM)
# inputs of unequal size, half of what each shares with its neighbours
FULL = np.sqrt(np.outer(VARIANCES, VARIANCES)) * 0.5 ** np.abs(np.subtract.outer(np.arange(DIM), np.arange(DIM)))
INDEFINITE = np.diag([1.0, -0.5, 0.3, 0.0, 0.0]) + 0.2 * np.eye(DIM)[::-1]

KNOBS: dict[str, dict[str, Any]] = {
    "plain": {},
    "not centred": {"centered": False},
    "one neuron": {"width": 1},
    "two neurons": {"width": 2, "centered": False},
    "width D": {"width": DIM},
    "width D + 1": {"width": DIM + 1},
    "width 4 D": {"width": 4 * DIM},
    "infinite width": {"width": math.inf},
    "alpha 1e-2": {"alpha": 1e-2},
    "alpha 1e-2, not centred": {"alpha": 1e-2, "centered": False},
    "alpha 0.1, two neurons": {"alpha": 0.1, "width": 2},
    "alpha 30": {"alpha": 30.0},
    "alpha 1e3, infinite width": {"alpha": 1e3, "width": math.inf},
    "alpha 1e4": {"alpha": 1e4},
    "alpha 1e4, not centred": {"alpha": 1e4, "centered": False},
    "eps 0": {"eps": 0.0},
    "eps 1.5": {"eps": 1.5},
    # what equal neurons come to is a saddle: in so few steps rounding, which may tell them apart, has not grown
    "sigma 0, all neurons alike": {"sigma": 0.0, "steps": 40},
    "sigma 3, not centred": {"sigma": 3.0, "centered": False},
    "half way to a solution, not centred": {"start": "interpolated:s=0.5", "centered": False},
    "one sample": {"n_train": 1},
    "fewer samples than D": {"n_train": 3},
    "more samples than unknowns": {"n_train": 60, "width": 3},
    "noise": {"noise": 0.5},
    "variances from 0.05 to 0.8": {"covariance": "variances"},
    "full covariance": {"covariance": "full", "centered": False},
    "two directions of either sign": {"target": "multi_index:k=2,weights=1:-0.7"},
    "product": {"target": "product"},
    "cosine after a warm-up": {"schedule": f"cosine:steps={STEPS},final=0.01,warmup=20"},
    "kernel eigenvector": {"target": "kernel_eigenvector:k=2"},
    "indefinite form": {"target": "file:path=indefinite"},
    "He_2": {"hermite": 2},
    "He_2, not centred": {"hermite": 2, "centered": False},
    "He_3": {"hermite": 3},
    "He_4, not centred": {"hermite": 4, "centered": False, "eps": 0.05},
    "He_3, alpha 1e4": {"hermite": 3, "alpha": 1e4},
    "He_3, two neurons": {"hermite": 3, "width": 2, "centered": False},
    "trained readouts": {"readouts": "trained"},
    "trained readouts, not centred, two neurons": {"readouts": "trained", "centered": False, "width": 2},
    "trained readouts, alpha 1e4": {"readouts": "trained", "alpha": 1e4},
    "trained readouts, alpha 1e-2": {"readouts": "trained", "alpha": 1e-2, "dt": 1e-4},
    "trained readouts, many neurons, full covariance": {
        "readouts": "trained",
        "width": 30,
        "n_train": 20,
        "covariance": "full",
        "centered": False,
    },
    "trained readouts, population": {"readouts": "trained", "n_train": math.inf, "noise": 0.5, "dt": 0.03},
    "trained readouts, He_3": {"readouts": "trained", "hermite": 3, "dt": 3e-3},
    "population, He_2, not centred": {"n_train": math.inf, "hermite": 2, "centered": False},
    "population": {"n_train": math.inf},
    "population, noise, two neurons": {"n_train": math.inf, "noise": 0.5, "width": 2, "centered": False},
    "population, full covariance": {"n_train": math.inf, "covariance": "full", "width": math.inf},
    "population, alpha 1e4": {"n_train": math.inf, "alpha": 1e4},
    "population, alpha 1e-2": {"n_train": math.inf, "alpha": 1e-2, "target": "file:path=indefinite"},
}

STEEPER, STEPS_OF_STEEPER = 15, 500
"""Where neurons differ, by readouts or by their higher powers of h, some have rates that much larger."""

FILES = {"variances": VARIANCES, "full": FULL, "indefinite": INDEFINITE}


def _knob(name: str, changed: Mapping[str, Any]) -> Case:
    parameters = {**BASE, **changed}
    dt = stable_step(parameters["alpha"], parameters["eps"], parameters.get("sigma", 1.0))
    if "readouts" in changed or changed.get("hermite", 2) > 2:
        dt, parameters["steps"] = dt / STEEPER, STEPS_OF_STEEPER
    return Case(name=name, parameters={"dt": dt, **parameters}, files=FILES)


# ---- arrays that no experiment draws


def _bundle(**changed: Any) -> dict[str, Any]:
    """Return a bundle of Gaussian inputs and arbitrary labels, for any array to be replaced."""
    rng = np.random.default_rng(11)
    bundle: dict[str, Any] = {
        "X_train": rng.standard_normal((12, DIM)) / np.sqrt(DIM),
        "y_train": rng.standard_normal(12),
        "X_test": rng.standard_normal((9, DIM)) / np.sqrt(DIM),
        "y_test": rng.standard_normal(9),
        "W0": rng.standard_normal((7, DIM)),
        "alpha": 1.0,
        "eps": 0.3,
        "centered": True,
    } | changed
    dt = stable_step(bundle["alpha"], bundle["eps"])
    return {**bundle, "lr": dt * len(bundle["W0"]) / bundle["alpha"] ** 2}


def _skewed() -> dict[str, Any]:
    rng = np.random.default_rng(12)
    mixed = (rng.exponential(size=(30, DIM)) - 1) @ np.linalg.cholesky(FULL).T
    y = np.tanh(3 * mixed[:, 0]) + mixed[:, 1] ** 3
    return _bundle(X_train=mixed[:20], y_train=y[:20], X_test=mixed[20:], y_test=y[20:])


def _signs() -> dict[str, Any]:
    rng = np.random.default_rng(13)
    X = rng.choice([-1.0, 1.0], (30, DIM)) / np.sqrt(DIM)
    y = np.sign(X[:, 0] * X[:, 1])
    return _bundle(X_train=X[:20], y_train=y[:20], X_test=X[20:], y_test=y[20:], centered=False)


def _offset() -> dict[str, Any]:
    rng = np.random.default_rng(14)
    X = np.column_stack([np.ones(20), rng.laplace(size=(20, DIM - 1)) / 3])
    return _bundle(X_train=X, y_train=X[:, 1] * X[:, 2] + 1, X_test=X[:5] + 0.1, y_test=np.ones(5), alpha=0.3)


def _whole_quadratic() -> dict[str, Any]:
    bundle = _bundle(covariance=FULL, c=0.4, b=np.linspace(-1, 1, DIM), B=INDEFINITE)
    X = np.random.default_rng(15).standard_normal((25, DIM)) @ np.linalg.cholesky(FULL).T
    y = 0.4 + X @ bundle["b"] + np.sum((X @ INDEFINITE) * X, axis=1) / 2
    return {**bundle, "X_train": X, "y_train": y}


def _mirrored() -> dict[str, Any]:
    w = np.random.default_rng(16).standard_normal(DIM)
    return _bundle(W0=np.array([w, -w]), centered=False)


def _alike() -> dict[str, Any]:
    w = np.random.default_rng(17).standard_normal((2, DIM))
    return _bundle(W0=w[[0, 0, 0, 1, 1, 0, 1, 1, 0]], alpha=0.2)


def _own_readouts() -> dict[str, Any]:
    return _bundle(v0=np.random.default_rng(18).standard_normal(7), centered=False)


def _own_hermite() -> dict[str, Any]:
    return _bundle(hermite=3, eps=0.1)


def _axis() -> dict[str, Any]:
    W0 = np.zeros((12, DIM))
    W0[::2, 0] = np.linspace(-2, 2, 6)
    return _bundle(W0=W0, alpha=100.0)


OWN: dict[str, Callable[[], dict[str, Any]]] = {
    "skewed, correlated inputs": _skewed,
    "inputs of two values, not centred": _signs,
    "a constant input, heavy tails": _offset,
    "declared target with c, b and B": _whole_quadratic,
    "start w and -w: the rank rises": _mirrored,
    "start of two kinds of neurons": _alike,
    "start on one axis, alpha 100": _axis,
    "readouts of its own": _own_readouts,
    "a Hermite activation of its own": _own_hermite,
}

PARAMETERS_OF_OWN = {"steps": STEPS, "points": 12, "lazy": True}

CORE = (
    "plain",
    "two neurons",
    "alpha 1e-2",
    "alpha 1e4",
    "population, full covariance",
    "cosine after a warm-up",
    "start w and -w: the rank rises",
    "He_3",
    "trained readouts",
    "trained readouts, population",
)
"""What is enough for one more optimizer: two widths, the ends of alpha, both risks, a schedule, a rank that rises, each
kind of state."""


def named_cases() -> list[Case]:
    """Return the cases of which each turns one knob, without an optimizer."""
    drawn = [_knob(name, changed) for name, changed in KNOBS.items()]
    return drawn + [Case(name=name, parameters=PARAMETERS_OF_OWN, arrays=make) for name, make in OWN.items()]
