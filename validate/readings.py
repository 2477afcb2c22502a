r"""What is read off real neurons: every curve that a run has, from the weights and backpropagation alone.

No formula in (wbar, M) is used. The kernel is the product of the slopes of f, times :math:`N / \alpha^2` for the unit
of flow time; its linear, cross and quadratic terms are told apart by their order in eps; means over the law of the
inputs are sums over points that have its moments.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grokode.model.states.neurons import RealNeurons
from grokode.task.system import Draw, Law

from .network import CommitteeMachine, Weights
from .samples import Samples, points_of

Array = NDArray[np.float64]


SETS = {"train": "train", "test": "sample"}
"""What the names of the kernel's curves call a set of points, and what losses call it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Numbers of a network that stands somewhere.

    Parameters
    ----------
    values : dict of str to float
        By the names of the curves.
    scales : dict of str to float
        Sizes of the kernel on each set of points, which tolerances need and no run has.
    """

    values: dict[str, float]
    scales: dict[str, float] = field(default_factory=dict)

    def __or__(self, other: Reading) -> Reading:
        return Reading(self.values | other.values, self.scales | other.scales)


class Readings:
    """What one network on one draw has, as curves and as what tolerances need beside them.

    Parameters
    ----------
    machine : CommitteeMachine
    start : Weights
    draw : Draw
    samples : mapping of str to Samples
        ``train``, and the tests by name.
    kernel : bool
        Whether to read the kernel, at P backpropagations a reading.
    """

    def __init__(
        self, machine: CommitteeMachine, start: Weights, draw: Draw, samples: Mapping[str, Samples], *, kernel: bool
    ) -> None:
        self._machine, self._start, self._draw, self._samples = machine, start, draw, samples
        self._with_kernel, self._with_terms = kernel, not isinstance(draw.start, RealNeurons)
        self._kernels = {
            name: kernel_matrix(machine, start, samples[key].X)
            for name, key in SETS.items()
            if kernel and key in samples and not (name == "train" and isinstance(draw.train, Law))
        }

    def at(self, weights: Weights) -> Reading:
        """Return every number of a network that stands at these weights."""
        found = self._losses(weights) | self._of_weights(weights)
        law = self._draw.tests.get("exact")
        if isinstance(law, Law):
            found |= _terms(self._machine, weights, self._start, law)
            if self._with_kernel and self._with_terms:
                found |= _population_alignment(self._machine, weights, law)
        return Reading(found) | self._kernel(weights) if self._with_kernel else Reading(found)

    def _losses(self, weights: Weights) -> dict[str, float]:
        return {
            "loss_train" if name == "train" else f"loss_test_{name}": self._machine.loss(
                weights, self._start, points.X, points.y, points.weights
            )
            for name, points in self._samples.items()
        }

    def _of_weights(self, weights: Weights) -> dict[str, float]:
        W, directions = weights.W, self._draw.directions
        square = float(np.sum(W**2)) / len(W)
        found = {"mean_square_weight": square}
        now, before = (self._machine.trained(at) for at in (weights, self._start))
        if before.any():
            found["relative_change"] = float(np.linalg.norm(now - before) / np.linalg.norm(before))
        stretches = np.linalg.svd(W, compute_uv=False) ** 2 / len(W)
        found |= {f"M_eigenvalue_{i}": float(value) for i, value in enumerate(stretches[:3], 1)}
        if len(directions):
            along = sum(float(np.mean((W @ beta) ** 2)) / (float(beta @ beta) or 1.0) for beta in directions)
            found["target_overlap"] = along / (square or 1.0)
        return found

    def _kernel(self, weights: Weights) -> Reading:
        found = Reading({})
        for name, K0 in self._kernels.items():
            points = self._samples[SETS[name]]
            K = kernel_matrix(self._machine, weights, points.X)
            alignments, drift = _alignments(K, points.y), _drift(K, K0)
            found |= Reading(
                {f"{key}_{name}": value for key, value in alignments.values.items()},
                {f"{key}_{name}": value for key, value in (alignments.scales | drift).items()},
            )
            if name == "train":
                terms = _norms(self._machine, weights, points.X, K) if self._with_terms else {}
                found |= Reading(drift | terms)
        return found


def tangents(machine: CommitteeMachine, weights: Weights, X: Array) -> Array:
    """Return the slope of f / alpha at each input in all that is trained, by backpropagation, shape (P, N m).

    A single sample whose residual is r has 2 r times the slope of f as the slope of its squared residual.
    """
    bare = dataclasses.replace(machine, alpha=1.0, centered=False)
    f = bare.output(weights, X)
    residual = 1 + np.abs(f)  # not small beside f: y = f - r is then no cancellation
    one = (slice(m, m + 1) for m in range(len(X)))
    slopes = [bare.trained(bare.gradient(weights, weights, X[m], (f - residual)[m])).ravel() for m in one]
    tangents: Array = np.array(slopes) / (2 * residual[:, None])
    return tangents


def kernel_matrix(machine: CommitteeMachine, weights: Weights, X: Array) -> Array:
    """Return the neural tangent kernel in units of inverse flow time, shape (P, P)."""
    J = tangents(machine, weights, X)
    return len(weights.W) * (J @ J.T)


def _terms(machine: CommitteeMachine, weights: Weights, start: Weights, law: Law) -> dict[str, float]:
    """Return the powers of the residual's mean, of its linear and of its quadratic Hermite part."""
    Z, X, c = points_of(law)
    cr = c * machine.residual(weights, start, X, law.target(X))
    quadratic = Z.T @ (cr[:, None] * Z) - np.sum(cr) * np.eye(Z.shape[1])
    return {
        "variance_error": float(np.sum(cr) ** 2),
        "linear_power": float(np.sum((Z.T @ cr) ** 2)),
        "misalignment_error": float(np.sum(quadratic**2) / 2),
    }


def _population_alignment(machine: CommitteeMachine, weights: Weights, law: Law) -> dict[str, float]:
    _, X, c = points_of(law)
    y, K = law.target(X), kernel_matrix(machine, weights, X)
    if not y.any():
        return {}
    norm = np.sqrt(c @ K**2 @ c) * float(c @ y**2)
    return {"alignment_population": float((c * y) @ K @ (c * y) / norm)}


def _alignments(K: Array, y: Array) -> Reading:
    """Return the cosines of K and y y^T, with nothing, the columns of K, or both sides and y centred.

    A kernel that vanishes once centred has the cosine 0; labels that do have none. The scale of each is what centring
    leaves of the kernel's norm, times what it leaves of the labels' square.
    """
    H = np.eye(len(y)) - 1 / len(y)
    kinds = {"sample": (K, y), "column_centered": (H @ K, y), "centered": (H @ K @ H, H @ y)}
    nothing = 1e-12 * np.array([np.linalg.norm(K), np.linalg.norm(y)])
    found = Reading({})
    for name, (A, v) in kinds.items():
        size, length = np.linalg.norm(A), np.linalg.norm(v)
        if length > nothing[1]:
            cosine = y @ A @ y / (size * length**2) if size > nothing[0] else 0.0
            left = float(size * (length / np.linalg.norm(y)) ** 2)
            found |= Reading({f"alignment_{name}": float(cosine)}, {f"left_{name}": left})
    return found


def _drift(K: Array, K0: Array) -> dict[str, float]:
    scale = float(np.sum(K * K0) / np.sum(K0**2))
    return {
        "kernel_norm": float(np.linalg.norm(K)),
        "kernel_drift": float(np.linalg.norm(K - K0)),
        "kernel_drift_scale": (scale - 1) * float(np.linalg.norm(K0)),
        "kernel_drift_rotation": float(np.linalg.norm(K - scale * K0)),
    }


def _norms(machine: CommitteeMachine, weights: Weights, X: Array, K: Array) -> dict[str, float]:
    """Return the norms of the terms of the kernel that are of order 1, eps and eps^2."""
    linear, mirrored = (kernel_matrix(dataclasses.replace(machine, eps=eps), weights, X) for eps in (0.0, -machine.eps))
    return {
        "kernel_norm_linear": float(np.linalg.norm(linear)),
        "kernel_norm_cross": float(np.linalg.norm((K - mirrored) / 2)),
        "kernel_norm_quadratic": float(np.linalg.norm((K + mirrored) / 2 - linear)),
    }
