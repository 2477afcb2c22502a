"""The matrix of cases for exact maps: the named ones, random ones, the paper's own, under every exact optimizer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.experiment.sources import load_preset

from .case import Case, stable_step
from .named import BASE, CORE, named_cases
from .optimizers import TWINS
from .results import Kind, Missing

RANDOM, FEWER, SEED = 200, 40, 0
"""How many under the first optimizer and under each other, and which."""


def random_cases(count: int, seed: int) -> Iterator[Case]:
    """Draw cases over the whole range."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        dim = int(rng.integers(2, 9))
        alpha, eps = 10 ** rng.uniform(-2, 4), 10 ** rng.uniform(-2, 0)
        sigma = 10 ** rng.uniform(-1, 0)
        A = rng.standard_normal((dim, dim))
        covariance = A @ A.T
        covariance /= np.trace(covariance)
        yield Case(
            name=f"random {index}",
            parameters=BASE
            | {
                "dim": dim,
                "n_train": [dim, 2 * dim, 4 * dim, 10 * dim, math.inf][rng.integers(5)],
                "width": [1, 2, dim, dim + 1, 3 * dim, math.inf][rng.integers(6)],
                "alpha": float(f"{alpha:.3g}"),
                "eps": float(f"{eps:.3g}"),
                "sigma": float(f"{sigma:.3g}"),
                "noise": [0.0, 0.3][rng.integers(2)],
                "centered": bool(rng.integers(2)),
                "covariance": [None, "random"][rng.integers(2)],
                "target": ["single_index", "multi_index:k=2,weights=1:-0.5", "product"][rng.integers(3)],
                "seed": int(rng.integers(2**31)),
                "dt": 0.3 * stable_step(alpha, eps, sigma),
                "steps": 1000,
            },
            files={"random": covariance},
        )


PAPER: dict[str, tuple[str, dict[str, Any], int | None]] = {
    "figure 3a, 2000 steps": ("kumar-fig3a", {"steps": 2000}, 101),
    "figure 4, whole": ("kumar-fig4", {}, None),
    "figure 5, 10000 steps": ("kumar-fig5", {"steps": 10_000, "target": "kernel_eigenvector:k=70"}, None),
    "figure 9, 20000 steps": ("kumar-fig9", {"steps": 20_000}, 41),
}
"""The paper's set-ups: preset, what is changed, and how many neurons are enough."""


def paper_cases() -> list[Case]:
    """Return long descents in the paper's own set-ups, with fewer neurons where that changes nothing."""
    return [
        Case(
            name=name,
            parameters={**load_preset(preset).parameters, "points": 30, "lazy": False, **changed},
            neurons=neurons,
        )
        for name, (preset, changed, neurons) in PAPER.items()
    ]


# ---- optimizers


NO_TWIN = "calls itself exact and has no twin in grokode_validate.optimizers; add one under its name"


def exact_optimizers() -> list[str]:
    """Return the names of the optimizers that a really trained network obeys to rounding."""
    return [name for name in OPTIMIZERS if OPTIMIZERS.load(name).exact]


def written(name: str) -> str:
    """Return an optimizer as a command line has it: its defaults, and 0.5 or 2 where a parameter has none."""
    needed = [
        field
        for field in dataclasses.fields(OPTIMIZERS.load(name))
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    values = ",".join(f"{field.name}={'2' if field.type == 'int' else '0.5'}" for field in needed)
    return f"{name}:{values}" if values else name


VARIANTS: dict[str, tuple[str, ...]] = {
    "gradient_descent": ("gradient_descent:decay_rate=0.1", "gradient_descent:weight_decay=1e-4"),
    "heavy_ball": ("heavy_ball:momentum=0.8,decay_rate=0.1", "heavy_ball:momentum=0.8,decay_rate=0.1,decoupled=true"),
    "nesterov": ("nesterov:momentum=0.8,decay_rate=0.1", "nesterov:momentum=0.8,decay_rate=0.1,decoupled=true"),
    "sgd": (
        "sgd:batch_size=5,seed=1,momentum=0.8,decay_rate=0.1",
        "sgd:batch_size=4,momentum=0.8,nesterov=true,weight_decay=1e-4,decoupled=true",
    ),
}
"""What is off by default, switched on."""


BRIEF = ("plain", "alpha 1e4", "trained readouts")
"""Core cases that are enough for it in a quick validation."""


def applies(optimizer: str, case: Case) -> bool:
    """Whether an optimizer is defined for a case: batches are of finitely many samples, torch's decay of neurons."""
    parameters = case.parameters
    if optimizer.startswith("sgd") and not 5 <= parameters.get("n_train", 5) < math.inf:
        return False
    return not ("weight_decay" in optimizer and math.isinf(parameters.get("width", 0)))


def map_checks(*, full: bool) -> list[Case | Missing]:
    """Return every case under every exact optimizer; a quick validation tries the core under all but the first."""
    checks: list[Case | Missing] = []
    for index, name in enumerate(exact_optimizers()):
        if name not in TWINS:
            checks.append(Missing(name=name, kind=Kind.MAP, fault=NO_TWIN))
            continue
        named = named_cases()
        cases = [case for case in named if full or index == 0 or case.name in CORE]
        if full:
            cases += random_cases(RANDOM if index == 0 else FEWER, SEED)
            cases += paper_cases() if index == 0 else []
        switched = [case for case in named if case.name in (CORE if full else BRIEF)]
        checks += [case.under(written(name)) for case in cases if applies(name, case)]
        checks += [case.under(text) for text in VARIANTS.get(name, ()) for case in switched if applies(text, case)]
    return checks
