r"""How far an exact map may be from real neurons, curve by curve, and why.

**Losses.** :math:`|\Delta L| \le 10^{-9} \max(L, 10^{-10} \max(1, \alpha)^{3/2} L(0))` at every saved step. The
first part is a relative error: 2^-52 for each of hundreds of steps, times what the dynamics amplify on their way from
saddles. The second is a floor: a centred predictor is a difference of numbers of size :math:`\alpha`, so it has an
absolute error of :math:`2^{-52} \alpha`, and a loss that has become small beside it is made of that. The bound is for
labels no smaller than a tenth of :math:`f / \alpha` at the start (root mean squares over the samples): at a tenth,
errors of up to 0.14 of it were measured, and at a hundredth, centred with alpha = 1e4, of 3.6 of it. The three terms of
the exact test loss are squared lengths of orthogonal parts of the residual: none of them is moved by more than the
loss. A linearised loss is a sum over modes of a Gram matrix; along one whose eigenvalue is the largest over c the
residual has an absolute error of :math:`2^{-49} \sqrt{c\, L(0)}` beside.

**Everything else**, x: :math:`|\Delta x| \le 10^{-9} |x - x_0| + 2^{-49} (K + 8)\, s`. The first part again is what
the dynamics may have made of rounding, of what they have done so far. The second is the rounding of K steps: each
stores all weights anew, which costs half of 2^-52 of their size, and computes a step, shorter than the weights, in some
ten operations; s is the size of what x is made of: tr M for M and its eigenvalues, its root for the mean weight, the
sum of the norms of the kernel's three terms for K, 1 for cosines and shares. Where a run takes the root of a difference
of squares (the norm of a kernel that has all but vanished, and cosines with it; a rotation that is small beside the
drift) it loses digits, and the tolerance says how many.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .network import Weights
from .readings import tangents
from .training import Trained

Array = NDArray[np.float64]

RELATIVE = 1e-9
"""Of a loss, or of what training has changed."""

FLOOR = 1e-10
"""Of the loss at the start, times max(1, alpha)^1.5."""

ROUNDING = 2.0**-49
"""A step, of the size of what is stored: eight times the spacing of numbers at 1."""

TERMS = ("variance_error", "linear_power", "misalignment_error")


def of_loss(loss: Array, alpha: float) -> Array:
    """Tolerance of a loss under an exact map, shape (n,); the first of its values is that of the start."""
    tolerance: Array = RELATIVE * np.maximum(loss, FLOOR * max(1.0, alpha) ** 1.5 * loss[0])
    return tolerance


class Tolerances:
    """The tolerance of each curve at each saved step, the start first, from the numbers of the neurons themselves.

    Attributes
    ----------
    M, wbar : ndarray, shape (n,)
        Of the Frobenius norm of their errors; the second also of the root mean square error of all that is trained.
    """

    def __init__(self, direct: Trained) -> None:
        self._direct, self._values, self._alpha = direct, direct.values, direct.machine.alpha
        self._rounding = ROUNDING * (direct.step + 8.0)
        machine = direct.machine
        W = np.array([machine.trained(Weights(*at)) for at in zip(direct.weights, direct.readouts, strict=True)])
        W0 = machine.trained(direct.start)
        largest, moved = _root_mean_square(np.maximum(np.abs(W), np.abs(W0))), _root_mean_square(W - W0)
        self.wbar = RELATIVE * moved + self._rounding * largest
        self.M = (2 * RELATIVE * moved + self._rounding * largest) * largest

    def of(self, name: str) -> Array:
        """Return the tolerance of a curve, shape (n,)."""
        if name.startswith("loss_"):
            tolerance = of_loss(self._values[name], self._alpha)
            return tolerance + self._of_modes(self._values[name]) if name.endswith("_lazy") else tolerance
        if name in TERMS:
            return of_loss(self._values["loss_test_exact"], self._alpha)
        if name.startswith("M_eigenvalue"):
            return self.M
        trace: Array = self._direct.weights.shape[2] * self.M  # a sum of D eigenvalues
        if name == "mean_square_weight":
            return trace
        if name == "target_overlap":  # of M, in units of its trace
            share: Array = trace / _positive(self._values["mean_square_weight"])
            return share
        if name.startswith("kernel_"):
            return self._of_kernel(name)
        if name.startswith("alignment") and name != "alignment_population":
            return self._of_cosine(name)
        return self._changing(name, 1 + np.abs(self._values[name]))

    def _changing(self, name: str, size: Array) -> Array:
        values = self._values[name]
        tolerance: Array = RELATIVE * np.abs(values - values[0]) + self._rounding * size
        return tolerance

    def _of_modes(self, loss: Array) -> Array:
        """Return what a residual that is summed over modes adds."""
        residual = ROUNDING * np.sqrt(_condition(self._direct) * loss[0])
        added: Array = 2 * np.sqrt(loss) * residual + residual**2
        return added

    def _of_kernel(self, name: str) -> Array:
        terms = [f"kernel_norm_{term}" for term in ("linear", "cross", "quadratic")]
        known = [name for name in terms if name in self._values] or ["kernel_norm"]
        size = np.sum([self._values[name] for name in known], axis=0)
        tolerance, values = self._changing(name, size), self._values[name]
        if name == "kernel_norm":
            tolerance += _rooted(self._rounding * self._ways("train") ** 2, values)
        if name == "kernel_norm_quadratic":
            tolerance += _rooted(self._rounding * (2 * values[0] + values) ** 2, values)
        if name == "kernel_drift_rotation":  # its square is the drift's less that of the scale
            tolerance += _rooted(self._changing("kernel_drift", size) * self._values["kernel_drift"], values)
        return tolerance

    def _of_cosine(self, name: str) -> Array:
        kind, points = name.removeprefix("alignment_").rsplit("_", 1)
        lost = self._rounding * (self._ways(points) / _positive(self._direct.scales[f"left_{kind}_{points}"])) ** 2
        tolerance: Array = self._changing(name, np.ones(1)) + np.minimum(lost, 1.0)  # beyond, it is all rounding
        return tolerance

    def _ways(self, points: str) -> Array:
        """Size of the kernel at the start and of its change: their squares are summed, and may all but cancel."""
        scales = self._direct.scales
        total: Array = scales[f"kernel_norm_{points}"][0] + scales[f"kernel_drift_{points}"]
        return total


def _root_mean_square(weights: Array) -> Array:
    """Root of the mean of |w|^2 over neurons, of each record."""
    root: Array = np.sqrt(np.mean(np.sum(weights**2, axis=2), axis=1))
    return root


def _rooted(error: Array, value: Array) -> Array:
    """Return what an error of a square is in its root, which is ``value``."""
    rooted: Array = error / _positive(np.maximum(value, np.sqrt(error)))
    return rooted


def _positive(size: Array) -> Array:
    positive: Array = np.maximum(size, 1e-100)  # whose square is a number too
    return positive


def _condition(direct: Trained) -> float:
    """Largest over smallest rate at which modes of the linearised residual decay, but for those that do not."""
    points = direct.samples["train"]
    slopes = tangents(direct.machine, direct.start, points.X)
    rates = np.linalg.eigvalsh(slopes.T @ (points.weights[:, None] * slopes))
    kept = rates[rates > np.finfo(float).eps * max(slopes.shape) * rates[-1]]
    return float(kept[-1] / kept[0]) if len(kept) else 1.0
