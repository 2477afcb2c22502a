r"""Stated conventions to ours and back: losses, learning rates, scales, flow time.

Ours: :math:`f(x) = \frac{\alpha}{N} \sum_i \phi(w_i \cdot x)` with :math:`\phi(h) = h + \frac{\epsilon}{2} h^2`; the
loss L is the mean squared residual without 1/2, :math:`\eta` the learning rate of the parameters W on it, and one
optimizer step takes the flow time :math:`dt = \eta \alpha^2 / N`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from .errors import InvalidInput

Loss = Literal["mean", "sum"]
InputScale = Literal["1", "1/sqrt(D)"]
OutputScale = Literal["1/N", "1/sqrt(N)", "1"]
Quadratic = Literal["eps/2", "eps"]

CHOICES = {"loss": Loss, "input_scale": InputScale, "output_scale": OutputScale, "quadratic": Quadratic}

SCHEMA = "grokode.convention/1"

UNKNOWN = math.nan
"""A number that was not stated; what depends on it is unknown too."""


def flow_time(lr: float, alpha: float, width: float) -> float:
    r"""Flow time of one optimizer step, :math:`dt = \eta \alpha^2 / N`.

    Parameters
    ----------
    lr : float
        Learning rate on the mean squared residual with parameters W.
    alpha : float
        Output scale.
    width : float
        Number of neurons N.

    Returns
    -------
    float
    """
    return lr * (alpha * alpha) / width  # a product overflows to infinity, a power raises


def learning_rate(dt: float, alpha: float, width: float) -> float:
    r"""Learning rate whose step takes flow time dt, :math:`\eta = dt\, N / \alpha^2`."""
    return dt * width / alpha / alpha  # a square could overflow or vanish


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Input dimension D, training samples P, neurons N; all positive."""

    dim: float = UNKNOWN
    n_train: float = UNKNOWN
    width: float = UNKNOWN

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            _refuse(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What means something in a convention only; alpha and lr positive, eps zero or positive."""

    alpha: float = UNKNOWN
    eps: float = UNKNOWN
    lr: float = UNKNOWN

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            _refuse(name, value, zero=name == "eps", where=" in your convention and in ours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    r"""How somebody writes the network and its loss; the defaults are ours.

    .. math:: f(x) = \alpha\, s \sum_{i=1}^N \phi(c\, w_i \cdot x), \qquad \phi(h) = h + q\, h^2, \qquad
              \mathcal L = k\, \tfrac1P \sum_\mu r_\mu^2

    Parameters
    ----------
    loss : {"mean", "sum"}
        Over the samples; the sum has P in k.
    half : bool
        Whether the loss has 1/2 in front.
    loss_over_alpha2 : bool
        Whether the loss is divided by the square of its own alpha.
    input_scale : {"1", "1/sqrt(D)"}
        c, the factor of every pre-activation.
    output_scale : {"1/N", "1/sqrt(N)", "1"}
        s, readouts that are all the same number included.
    quadratic : {"eps/2", "eps"}
        q, the coefficient of h^2 in the activation.

    Raises
    ------
    InvalidInput
        If a choice is none of these.
    """

    loss: Loss = "mean"
    half: bool = False
    loss_over_alpha2: bool = False
    input_scale: InputScale = "1"
    output_scale: OutputScale = "1/N"
    quadratic: Quadratic = "eps/2"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            allowed = get_args(CHOICES[item.name]) if item.name in CHOICES else (True, False)
            if not any(value is choice or value == choice and isinstance(value, str) for choice in allowed):
                raise InvalidInput(f"{item.name} must be {' or '.join(map(repr, allowed))}, got {value!r}")

    def loss_scale(self, samples: float, alpha: float) -> float:
        """Return k, how many times the mean squared residual of so many samples a loss holds; alpha is its own.

        On the loss k L a learning rate moves the weights as k times it does on L.
        """
        scale = (0.5 if self.half else 1.0) * (samples if self.loss == "sum" else 1.0)
        return scale / alpha / alpha if self.loss_over_alpha2 else scale

    def input_factor(self, dim: float) -> float:
        """Return c: the inputs times it are ours, with the same weights and so the same learning rate."""
        return 1.0 if self.input_scale == "1" else 1 / math.sqrt(dim)

    def alpha_factor(self, width: float) -> float:
        """Return s N: alpha times it is ours."""
        return {"1/N": 1.0, "1/sqrt(N)": math.sqrt(width), "1": width}[self.output_scale]

    @property
    def eps_factor(self) -> float:
        """Return 2 q / eps: eps times it is ours."""
        return 2.0 if self.quadratic == "eps" else 1.0

    def to_ours(self, yours: Settings, sizes: Sizes) -> Settings:
        """Return in our convention what was stated in this one."""
        return Settings(
            alpha=yours.alpha * self.alpha_factor(sizes.width),
            eps=yours.eps * self.eps_factor,
            lr=yours.lr * self.loss_scale(sizes.n_train, yours.alpha),
        )

    def from_ours(self, ours: Settings, sizes: Sizes) -> Settings:
        """Return in this convention what was stated in ours."""
        yours = Settings(alpha=ours.alpha / self.alpha_factor(sizes.width), eps=ours.eps / self.eps_factor)
        return replace(yours, lr=ours.lr / self.loss_scale(sizes.n_train, yours.alpha))


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A training stated in two conventions; NaN is what nobody stated, and what depends on it.

    Parameters
    ----------
    convention : Convention
        Yours.
    sizes : Sizes
    yours, ours : Settings
        The same training in either convention.
    steps, t : float
        How long it is, in optimizer steps or in flow time; the one not given follows from the other.

    Raises
    ------
    InvalidInput
        If both steps and t are given, or one of them or the flow time of a step is not positive and finite.
    """

    convention: Convention
    sizes: Sizes
    yours: Settings
    ours: Settings
    steps: float = UNKNOWN
    t: float = UNKNOWN

    def __post_init__(self) -> None:
        if not (math.isnan(self.steps) or math.isnan(self.t)):
            raise InvalidInput(f"steps {self.steps:g} and t {self.t:g} both say how long the training is; keep one")
        for name, value in (("steps", self.steps), ("t", self.t), ("dt", self.dt)):
            _refuse(name, value)
        if math.isnan(self.t):
            object.__setattr__(self, "t", self.steps * self.dt)
        else:
            object.__setattr__(self, "steps", self.t / self.dt)

    @property
    def dt(self) -> float:
        """Flow time of one step."""
        return flow_time(self.ours.lr, self.ours.alpha, self.sizes.width)

    @property
    def factors(self) -> dict[str, float]:
        """``loss``: yours over ours, and our learning rate over yours; the others: ours over yours."""
        return {
            "loss": self.convention.loss_scale(self.sizes.n_train, self.yours.alpha),
            "input": self.convention.input_factor(self.sizes.dim),
            "alpha": self.convention.alpha_factor(self.sizes.width),
            "eps": self.convention.eps_factor,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, null for what is not known."""
        return {
            "schema": SCHEMA,
            "convention": asdict(self.convention),
            "sizes": _known(asdict(self.sizes)),
            "yours": _known(asdict(self.yours)),
            "ours": _known(asdict(self.ours) | {"dt": self.dt}),
            "factors": _known(self.factors),
            **_known({"steps": self.steps, "t": self.t}),
        }


def _refuse(name: str, value: float, *, zero: bool = False, where: str = "") -> None:
    if value < 0 or math.isinf(value) or (value == 0 and not zero):
        raise InvalidInput(f"{name} must be {'zero or ' if zero else ''}positive and finite{where}, got {value:g}")


def _known(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
