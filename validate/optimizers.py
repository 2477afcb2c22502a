r"""Optimizers of a network's weights, each written as its definition.

Below :math:`\theta` is all weights, :math:`\eta` the learning rate, :math:`\lambda` the weight decay and
:math:`\nabla` the gradient of the loss. What is not trained must be held by the caller: decay moves all weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .network import Weights

Array = NDArray[np.float64]


class Optimizer(Protocol):
    """A rule that moves weights, with a memory that it alone understands."""

    def start(self, weights: Weights) -> Any:
        """Return the memory before the first step."""
        ...

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], memory: Any, lr: float, k: int
    ) -> tuple[Weights, Any]:
        """Return the weights and the memory after step k, which counts from 0.

        ``gradient`` is that of the loss (of the step's batch) as a function of the weights.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decaying:
    r"""Weight decay of an optimizer, in one of two forms.

    Parameters
    ----------
    weight_decay : float
        :math:`\lambda`.
    decoupled : bool
        False: coupled, the slope that is followed is :math:`\nabla + \lambda \theta`, that of
        :math:`L + \frac{\lambda}{2} |\theta|^2`, and enters the memory (as torch's SGD).
        True: the step starts from :math:`(1 - \eta \lambda) \theta`, and the memory knows nothing of it (as torch's
        AdamW).
    """

    weight_decay: float = 0.0
    decoupled: bool = False

    def slope(self, gradient: Callable[[Weights], Weights], weights: Weights) -> Weights:
        """Return the slope that is followed, with the penalty where decay is coupled."""
        penalty = 0.0 if self.decoupled else self.weight_decay
        return _each(lambda g, w: g + penalty * w, gradient(weights), weights)

    def decayed(self, weights: Weights, lr: float) -> Weights:
        """Return where the step starts from, shrunk where decay is decoupled."""
        shrink = lr * self.weight_decay if self.decoupled else 0.0
        return _each(lambda w: (1 - shrink) * w, weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientDescent(Decaying):
    r""":math:`\theta \leftarrow \theta - \eta \nabla`; stochastic, if the gradient is a batch's."""

    def start(self, weights: Weights) -> None:
        """Return the memory before the first step: none."""

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], memory: None, lr: float, k: int
    ) -> tuple[Weights, None]:
        """Return the weights after a step."""
        slope = self.slope(gradient, weights)
        return _each(lambda w, g: w - lr * g, self.decayed(weights, lr), slope), None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyBall(Decaying):
    r"""Momentum as torch's SGD has it.

    .. math:: u \leftarrow \mu u + \nabla, \qquad \theta \leftarrow \theta - \eta u

    Parameters
    ----------
    momentum : float
        :math:`\mu`.
    weight_decay, decoupled
        See :class:`Decaying`.
    """

    momentum: float = 0.9

    def start(self, weights: Weights) -> Weights:
        """Return the memory u before the first step: 0."""
        return _each(np.zeros_like, weights)

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], memory: Weights, lr: float, k: int
    ) -> tuple[Weights, Weights]:
        """Return the weights and u after a step."""
        u = _each(lambda u, g: self.momentum * u + g, memory, self.slope(gradient, weights))
        return _each(lambda w, u: w - lr * u, self.decayed(weights, lr), u), u


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesterov(Decaying):
    r"""Nesterov's momentum as torch's SGD has it, the gradient taken at the weights themselves.

    .. math:: u \leftarrow \mu u + \nabla, \qquad \theta \leftarrow \theta - \eta (\nabla + \mu u)

    Parameters
    ----------
    momentum : float
        :math:`\mu`.
    weight_decay, decoupled
        See :class:`Decaying`.

    Notes
    -----
    The textbook's form has a velocity and takes the gradient ahead, :math:`v \leftarrow \mu v - \eta
    \nabla(\theta + \mu v)` and :math:`\theta \leftarrow \theta + v`. Its points ahead, :math:`\theta + \mu v`, are the
    iterates of this form, with :math:`v = -\eta u` (``derivations/optimizers.py``, tag D3).
    """

    momentum: float = 0.9

    def start(self, weights: Weights) -> Weights:
        """Return the memory u before the first step: 0."""
        return _each(np.zeros_like, weights)

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], memory: Weights, lr: float, k: int
    ) -> tuple[Weights, Weights]:
        """Return the weights and u after a step."""
        slope = self.slope(gradient, weights)
        u = _each(lambda u, g: self.momentum * u + g, memory, slope)
        ahead = _each(lambda g, u: g + self.momentum * u, slope, u)
        return _each(lambda w, d: w - lr * d, self.decayed(weights, lr), ahead), u


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd(Decaying):
    r"""Steps along a batch's gradient, which the caller chooses, with momentum of either kind, as torch's SGD.

    Parameters
    ----------
    momentum : float
        :math:`\mu`.
    nesterov : bool
    weight_decay, decoupled
        See :class:`Decaying`.
    """

    momentum: float = 0.0
    nesterov: bool = False

    def start(self, weights: Weights) -> Weights:
        """Return the memory u before the first step: 0."""
        return _each(np.zeros_like, weights)

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], memory: Weights, lr: float, k: int
    ) -> tuple[Weights, Weights]:
        """Return the weights and u after a step."""
        kind = Nesterov if self.nesterov else HeavyBall
        rule = kind(momentum=self.momentum, weight_decay=self.weight_decay, decoupled=self.decoupled)
        return rule.step(weights, gradient, memory, lr, k)


HALF = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
NINE_POINTS = tuple((sign * place, sign * weight) for place, weight in HALF for sign in (-1, 1))
"""A derivative that is exact for polynomials of degree eight; the gradient is one of degree 2 k - 1 in the weights,
with k = 2 for the square, 3 with trained readouts, and k for He_k."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedDescent:
    r"""Euler's steps on the flow that descent with a learning rate follows to second order.

    .. math:: \dot\theta = -(\nabla + \tfrac{\eta}{2} H \nabla)

    Parameters
    ----------
    corrected : float
        :math:`\eta`, whatever the steps taken.
    """

    corrected: float

    def start(self, weights: Weights) -> None:
        """Return the memory before the first step: none."""

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], memory: None, lr: float, k: int
    ) -> tuple[Weights, None]:
        """Return the weights after a step."""
        g = gradient(weights)
        size = max(float(np.max(np.abs(array))) for array in g) or 1.0
        curved = _each(np.zeros_like, g)
        for place, weight in NINE_POINTS:
            there = gradient(_each(lambda w, d, x=place / size: w + x * d, weights, g))
            curved = _each(lambda c, n, x=weight * size: c + x * n, curved, there)
        return _each(lambda w, s, c: w - lr * (s + self.corrected / 2 * c), weights, g, curved), None


SETTLED = 200
"""Fixed-point iterations of a speed; each takes a fifth of what is missing where lr is 0.8 of the largest one."""


ROUNDED = 4 * np.finfo(float).eps
"""Of the weights: a point half a step behind that is so near is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaggingDescent:
    r"""Euler's steps on the flow whose speed is the descent of half a learning rate before.

    .. math:: \dot\theta = -\nabla(\theta - \tfrac{\eta}{2} \dot\theta)

    Parameters
    ----------
    corrected : float
        :math:`\eta`, whatever the steps taken.
    """

    corrected: float

    def start(self, weights: Weights) -> Weights:
        """Return the memory before the first step: the slope, which begins the iteration at the next one."""
        return _each(np.zeros_like, weights)

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], slope: Weights, lr: float, k: int
    ) -> tuple[Weights, Weights]:
        """Return the weights after a step, and the slope."""
        for _ in range(SETTLED):
            before = slope
            slope = gradient(_each(lambda w, g: w + self.corrected / 2 * g, weights, before))
            moved = _each(lambda new, old: self.corrected / 2 * (new - old), slope, before)
            if all(np.all(np.abs(d) <= ROUNDED * np.max(np.abs(w))) for d, w in zip(moved, weights, strict=True)):
                break
        else:
            raise RuntimeError(f"no speed after {SETTLED} iterations: the step {self.corrected} is too long")
        return _each(lambda w, g: w - lr * g, weights, slope), slope


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOrder:
    r"""Central differences for a particle of some mass with friction, whatever the steps taken.

    .. math:: m \ddot\theta + c\, \dot\theta = -R \nabla, \qquad
              m \frac{\theta_{k+1} - 2 \theta_k + \theta_{k-1}}{h^2} + c\, \frac{\theta_{k+1} - \theta_{k-1}}{2 h}
              = -R \nabla, \qquad h = \eta / R

    Parameters
    ----------
    mass, friction : float
    start_speed : float
        Of :math:`-R \nabla` at the start, the part that is the first speed.
    ratio : float
        R, the learning rate of a unit of time.
    """

    mass: float
    friction: float
    start_speed: float
    ratio: float

    def start(self, weights: Weights) -> None:
        """Return the memory before the first step: none yet."""

    def step(
        self, weights: Weights, gradient: Callable[[Weights], Weights], memory: Weights | None, lr: float, k: int
    ) -> tuple[Weights, Weights]:
        """Return the weights after a step, and how far it went."""
        h, m, c = lr / self.ratio, self.mass, self.friction
        force = _each(lambda g: -self.ratio * g, gradient(weights))
        if memory is None:
            speed = self.start_speed
            gone = _each(lambda F: h * speed * F + h**2 / (2 * m) * (1 - c * speed) * F, force)
        else:
            heavy, light = m + c * h / 2, m - c * h / 2
            gone = _each(lambda d, F: light / heavy * d + h**2 / heavy * F, memory, force)
        return _each(lambda w, d: w + d, weights, gone), gone


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamW:
    r"""Adam with decoupled weight decay, as torch's AdamW; all operations on each weight by itself.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) \nabla, \qquad s \leftarrow \beta_2 s + (1 - \beta_2) \nabla^2,
              \qquad \theta \leftarrow (1 - \eta \lambda) \theta - \eta \,
              \frac{m / (1 - \beta_1^{k+1})}{\sqrt{s / (1 - \beta_2^{k+1})} + e}

    Parameters
    ----------
    beta1, beta2 : float
        What the running means of the gradient and of its square keep.
    epsilon : float
        e, which keeps the quotient finite; nothing to do with the network's eps.
    weight_decay : float
        :math:`\lambda`.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def start(self, weights: Weights) -> tuple[Weights, Weights]:
        """Return the memories m and s before the first step: 0."""
        zero = _each(np.zeros_like, weights)
        return zero, zero

    def step(
        self,
        weights: Weights,
        gradient: Callable[[Weights], Weights],
        memory: tuple[Weights, Weights],
        lr: float,
        k: int,
    ) -> tuple[Weights, tuple[Weights, Weights]]:
        """Return the weights, and m and s, after step k, which counts from 0."""
        slope = gradient(weights)
        m = _each(lambda m, g: self.beta1 * m + (1 - self.beta1) * g, memory[0], slope)
        s = _each(lambda s, g: self.beta2 * s + (1 - self.beta2) * g**2, memory[1], slope)
        unbias1, unbias2 = 1 - self.beta1 ** (k + 1), 1 - self.beta2 ** (k + 1)

        def moved(w: Array, m: Array, s: Array) -> Array:
            return (1 - lr * self.weight_decay) * w - lr * (m / unbias1) / (np.sqrt(s / unbias2) + self.epsilon)

        return _each(moved, weights, m, s), (m, s)


TWINS: dict[str, type[Any]] = {
    "gradient_descent": GradientDescent,
    "heavy_ball": HeavyBall,
    "nesterov": Nesterov,
    "sgd": Sgd,
    "adamw": AdamW,
}
"""By the name that the same optimizer has, or would have, in the reduction."""


def _each(formula: Callable[..., Array], weights: Weights, *others: Weights) -> Weights:
    """Apply a formula to the hidden weights, and to the readouts."""
    return type(weights)(*(formula(*arrays) for arrays in zip(weights, *others, strict=True)))
