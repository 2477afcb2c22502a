"""Systems: what an experiment draws, in order: directions, start, inputs, labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..model.network import Network
from ..model.states.factor import FactorState
from ..model.states.neurons import NeuronState
from ..model.states.readouts import ReadoutState
from ..model.states.state import State
from .data import Data
from .inputs.gaussian import Gaussian
from .streams import Role, stream
from .targets.hermite import HermiteTarget
from .targets.quadratic import QuadraticTarget

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Law:
    r"""Infinitely many samples: :math:`x \sim N(0, \Sigma)`, labels y(x) plus noise.

    Parameters
    ----------
    inputs : Gaussian
    target : QuadraticTarget
    noise : float
        Standard deviation of the label noise.
    """

    inputs: Gaussian
    target: QuadraticTarget
    noise: float = 0.0


Source = Data | Law

Target = QuadraticTarget | HermiteTarget
"""A function of the inputs; the loss over all of them is known for the first kind."""


@dataclass(frozen=True, eq=False)
class Draw:
    """One draw of a system.

    Parameters
    ----------
    train : Data or Law
        A finite training set, or the law itself for an infinite one.
    tests : mapping of str to Data or Law
        ``exact`` (a law, clean labels) and ``sample`` (test points), where they exist.
    start : State
    directions : ndarray, shape (k, D)
        Target directions that overlaps are measured against; k = 0 where no target is known.
    """

    train: Source
    tests: Mapping[str, Source]
    start: State
    directions: Array


class System(Protocol):
    """Something that draws data and a start."""

    def draw(self, network: Network) -> Draw:
        """Draw them; equal systems draw equal numbers, whatever the network, unless labels or start look at it."""
        ...


class TargetLaw(Protocol):
    """A law of target functions."""

    def draw(self, dim: int, rng: np.random.Generator) -> QuadraticTarget:
        """Draw one."""
        ...


@runtime_checkable
class LabelLaw(Protocol):
    """A law of labels that looks at the points and at the initial kernel; it has no function, so no exact loss."""

    def labels(self, network: Network, start: State, X: Array) -> Array:
        """Label points, train and test together."""
        ...

    def needed_bytes(self, n: float) -> float:
        """Bytes that labelling n points takes."""
        ...


@runtime_checkable
class ScaledTargetLaw(Protocol):
    """A law of target functions that looks at the covariance of the inputs."""

    def draw_under(self, Sigma: Array, rng: np.random.Generator) -> Target:
        """Draw one, for inputs of covariance Sigma, shape (D, D)."""
        ...


class StartLaw(Protocol):
    """A law of initial weights."""

    def draw(self, dim: int, width: float, sigma: float, rng: np.random.Generator) -> FactorState:
        """Draw one start."""
        ...


@runtime_checkable
class AimedStartLaw(Protocol):
    """A law of initial weights that looks at a target of one direction, and at the network that is to meet it."""

    def draw_towards(
        self, beta: Array, network: Network, width: float, sigma: float, rng: np.random.Generator
    ) -> FactorState:
        r"""Draw one start, for the target :math:`\tfrac12 (\beta \cdot x)^2`."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class DrawnSystem:
    """Gaussian inputs, a drawn target and a drawn start.

    Parameters
    ----------
    inputs : Gaussian
    target : TargetLaw, ScaledTargetLaw or LabelLaw
    start : StartLaw or AimedStartLaw
    n_train : float
        Number of training samples, infinity included.
    n_test : int
        Number of test points beside the exact test loss; 0 for none.
    width : float
        Number of neurons, infinity included.
    sigma : float
        Standard deviation of the initial weights.
    noise : float
        Standard deviation of the noise on training labels.
    seed : int
    trained_readouts : bool
        Whether readouts, drawn from N(0, 1), are trained.
    """

    inputs: Gaussian
    target: TargetLaw | ScaledTargetLaw | LabelLaw
    start: StartLaw | AimedStartLaw
    n_train: float
    n_test: int
    width: float
    sigma: float
    noise: float
    seed: int
    trained_readouts: bool = False

    def draw(self, network: Network) -> Draw:
        """Draw directions, start, inputs and labels, each from its own stream."""
        dim = self.inputs.dim
        if isinstance(self.target, LabelLaw):
            return self._label(self.target, network)
        rng = stream(self.seed, Role.TARGET, dim)
        if isinstance(self.target, ScaledTargetLaw):
            target = self.target.draw_under(self.inputs.matrix, rng)
        else:
            target = self.target.draw(dim, rng)
        start = self._of_network(begin(self.start, target, network, self.width, self.sigma, self._weights), network)
        tests: dict[str, Source] = {}
        if isinstance(target, QuadraticTarget) and start.quadratic(network):
            tests["exact"] = Law(self.inputs, target)
        if self.n_test:
            tests["sample"] = sample(self.inputs, target, self.n_test, self.seed)
        if math.isinf(self.n_train):
            if not isinstance(target, QuadraticTarget):
                raise InvalidInput("the loss on n_train = inf is known for quadratic targets; give a finite --n-train")
            return Draw(Law(self.inputs, target, self.noise), tests, start, target.directions)
        X = self._train_inputs()
        return Draw(Data(X, self._noisy(target(X))), tests, start, target.directions)

    @property
    def _weights(self) -> np.random.Generator:
        shape = () if math.isinf(self.width) else (int(self.width),)
        return stream(self.seed, Role.WEIGHTS, self.inputs.dim, *shape)

    def _label(self, target: LabelLaw, network: Network) -> Draw:
        """Label train and test points together."""
        if isinstance(self.start, AimedStartLaw):
            raise InvalidInput("this start moves towards a target function, and this target has none; try single_index")
        factor = self.start.draw(self.inputs.dim, self.width, self.sigma, self._weights)
        start = self._of_network(factor, network)
        if math.isinf(self.n_train):
            raise InvalidInput("this target labels points, and n_train = inf has none; give a finite --n-train")
        train, test = self._train_inputs(), inputs_of_tests(self.inputs, self.n_test, self.seed)
        y = target.labels(network, start, np.vstack([train, test]))
        tests = {"sample": Data(test, y[len(train) :])} if self.n_test else {}
        return Draw(Data(train, self._noisy(y[: len(train)])), tests, start, np.zeros((0, self.inputs.dim)))

    def _of_network(self, factor: FactorState, network: Network) -> State:
        """Return the start of a network: the factor, or real neurons with it where training does not close on it."""
        why = "trained readouts" if self.trained_readouts else f"the activation {network.activation}"
        if isinstance(self.start, AimedStartLaw) and (self.trained_readouts or network.activation.shift != 0):
            raise InvalidInput(
                f"this start is one of a committee machine with q = h^2, got {why}; use --start gaussian"
            )
        if network.closes and not self.trained_readouts:
            return factor
        if math.isinf(self.width):
            raise InvalidInput(f"with {why} every neuron is kept, got width = inf; give a finite --width")
        width, dim = int(self.width), self.inputs.dim
        W = factor.neurons(width, stream(self.seed, Role.NEURONS, dim, width))
        if not self.trained_readouts:
            return NeuronState.from_neurons(W)
        return ReadoutState.from_neurons(W, stream(self.seed, Role.READOUTS, width).standard_normal(width))

    def _train_inputs(self) -> Array:
        return self.inputs.draw(int(self.n_train), stream(self.seed, Role.INPUTS, self.inputs.dim))

    def _noisy(self, y: Array) -> Array:
        return y + self.noise * stream(self.seed, Role.NOISE).standard_normal(len(y)) if self.noise else y


@dataclass(frozen=True, eq=False, kw_only=True)
class GivenSystem:
    """A user's own data and initial weights; nothing is drawn.

    Parameters
    ----------
    train : Data
    start : State
    tests : mapping of str to Data or Law
        Those on a law exist for a network whose f is quadratic.
    directions : ndarray, shape (k, D)
    """

    train: Data
    start: State
    tests: Mapping[str, Source] = field(default_factory=dict)
    directions: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def draw(self, network: Network) -> Draw:
        """Return what was given."""
        tests = {
            name: source
            for name, source in self.tests.items()
            if isinstance(source, Data) or self.start.quadratic(network)
        }
        return Draw(self.train, tests, self.start, self.directions)


def begin(
    law: StartLaw | AimedStartLaw,
    target: Target,
    network: Network,
    width: float,
    sigma: float,
    rng: np.random.Generator,
) -> FactorState:
    """Draw a start, which may look at the target."""
    if isinstance(law, AimedStartLaw):
        if not isinstance(target, QuadraticTarget):
            raise InvalidInput("this start moves towards half a square, and this target is none; try single_index")
        return law.draw_towards(target.root, network, width, sigma, rng)
    return law.draw(target.dim, width, sigma, rng)


def sample(inputs: Gaussian, target: Target, n: int, seed: int) -> Data:
    """Draw n test points with clean labels."""
    X = inputs_of_tests(inputs, n, seed)
    return Data(X, target(X))


def inputs_of_tests(inputs: Gaussian, n: int, seed: int) -> Array:
    """Draw the inputs of n test points, shape (n, D)."""
    return inputs.draw(n, stream(seed, Role.TEST_POINTS, inputs.dim))
