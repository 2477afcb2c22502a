"""Each force on real neurons by itself, at random states, beside backpropagation through the same neurons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grokode.dynamics.risks.neurons import NeuronRisk
from grokode.dynamics.risks.population import PopulationRisk
from grokode.dynamics.risks.weighted import WeightedRisk
from grokode.model.activations import Hermite as Theirs
from grokode.model.network import Network
from grokode.model.states.neurons import NeuronState
from grokode.model.states.readouts import ReadoutState
from grokode.task.data import Data
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Law, Source
from grokode.task.targets.quadratic import QuadraticTarget

from .activations import Hermite, Square
from .network import CommitteeMachine, Weights
from .results import CaseResult, Kind, Margin
from .samples import samples_of

Array = NDArray[np.float64]

TOLERANCE = 1e-13
"""Of the force and of the loss, as of a factor's."""

DIM = 5

OF_NEURONS: dict[type[Any], str] = {NeuronRisk: "samples", WeightedRisk: "samples", PopulationRisk: "law"}
"""What each kind of risk of real neurons is trained on."""


class Numbers(NamedTuple):
    """A network of real neurons."""

    alpha: float
    eps: float
    centered: bool
    width: int
    hermite: int
    trained: bool


SETTINGS = (
    Numbers(alpha=0.01, eps=0.3, centered=True, width=2, hermite=0, trained=True),
    Numbers(alpha=1.0, eps=0.3, centered=False, width=9, hermite=0, trained=True),
    Numbers(alpha=1e4, eps=0.05, centered=True, width=20, hermite=0, trained=True),
    Numbers(alpha=1.0, eps=0.3, centered=False, width=7, hermite=3, trained=False),
    Numbers(alpha=100.0, eps=0.3, centered=True, width=1, hermite=4, trained=False),
    Numbers(alpha=1.0, eps=0.1, centered=False, width=7, hermite=5, trained=True),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronForceCheck:
    """Loss and force of one kind of risk of real neurons, at a random state of every setting that it has."""

    of: type[Any]
    source: str
    kind: Kind = Kind.FORCE

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"forces of {self.of.__name__}{' on real neurons' if self.source == 'law' else ''}"

    def result(self) -> CaseResult:
        """Compare loss and force, on all samples and on a batch."""
        settings = [numbers for numbers in SETTINGS if self.of is NeuronRisk or not numbers.hermite]
        worst: dict[str, float] = {}
        for seed, numbers in enumerate(settings):
            for key, error in self._errors(numbers, np.random.default_rng([seed, 5])).items():
                worst[key] = max(error, worst.get(key, 0.0))
        return CaseResult(
            name=self.name,
            kind=self.kind,
            parameters={"dim": DIM, "settings": [numbers._asdict() for numbers in settings]},
            margins={key: Margin(error, TOLERANCE) for key, error in worst.items()},
        )

    def _errors(self, numbers: Numbers, rng: np.random.Generator) -> dict[str, float]:
        alpha, eps, centered, width, hermite, trained = numbers
        source = _source(self.source, rng)
        W0, v0 = rng.standard_normal((width, DIM)), rng.standard_normal(width) if trained else np.ones(width)
        start = ReadoutState.from_neurons(W0, v0) if trained else NeuronState.from_neurons(W0)
        theta = start.theta + rng.standard_normal(start.theta.shape) / math.sqrt(width)
        how: Any = {"activation": Theirs(hermite)} if hermite else {}
        risk = self.of(Network(alpha=alpha, eps=eps, centered=centered, **how), start, source)
        activation = Hermite(hermite) if hermite else Square()
        machine = CommitteeMachine(
            alpha=alpha, eps=eps, centered=centered, activation=activation, trained_readouts=trained
        )
        neurons = math.sqrt(width) * theta
        at = Weights(neurons[:, 1:], neurons[:, 0]) if trained else Weights.of(neurons)
        points = samples_of(source)
        loss = machine.loss(at, Weights(W0, v0), points.X, points.y, points.weights)

        def pull(X: Array, y: Array, weights: Array) -> Array:
            slope = machine.gradient(at, Weights(W0, v0), X, y, weights)
            whole = np.column_stack([slope.v, slope.W]) if trained else slope.W
            return -math.sqrt(width) / alpha**2 * whole

        force = pull(points.X, points.y, points.weights)
        ways = {
            "force": (risk.loss(theta), risk.force(theta)),
            "loss_force": risk.loss_force(theta),
            "loss_force_moved": risk.loss_force_moved(theta - start.theta),
        }
        errors = {name: _apart(found, force) for name, (_, found) in ways.items()}
        errors |= {f"loss of {name}": abs(found - loss) / loss for name, (found, _) in ways.items()}
        if self.source == "samples":
            rows = np.array([7, 0, 3])
            batch = pull(points.X[rows], points.y[rows], np.full(3, 1 / 3))
            errors["force on a batch"] = _apart(risk.force_on(theta, rows), batch)
        return errors


def _apart(force: Array, reference: Array) -> float:
    return float(np.linalg.norm(force - reference) / np.linalg.norm(reference))


def _source(kind: str, rng: np.random.Generator) -> Source:
    if kind == "samples":
        return Data(rng.standard_normal((12, DIM)), rng.standard_normal(12))
    A = rng.standard_normal((DIM, DIM)) / DIM
    return Law(Gaussian(A @ A.T), QuadraticTarget(rng.standard_normal(), rng.standard_normal(DIM), A + A.T), noise=0.5)
