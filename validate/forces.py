r"""Each force by itself, at random states, beside backpropagation through real neurons.

A factor (a, V) and an N-neuron network W are tied by r orthonormal rows Q with :math:`a^T Q = 1/\sqrt{N}`:

.. math:: W = \sqrt{N}\, Q^T V, \qquad \frac{dW}{dt} = -\frac{N}{\alpha^2} \frac{\partial L}{\partial W}, \qquad
          \frac{dV}{dt} = \frac{1}{\sqrt{N}}\, Q\, \frac{dW}{dt}

Both sides sum some hundred products once, each sum to 100 times 2^-53, 1.1e-14, at worst. What cancels on the way makes
ten times that at most: states are a distance of the size of the start away from it, so that an error of one part in a
number of the input is one of less than ten such parts in the force and in the loss. Hence 1e-13.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grokode.dynamics import problem
from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.population import PopulationRisk
from grokode.dynamics.risks.tensor import TensorRisk
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.data import Data
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Law, Source
from grokode.task.targets.quadratic import QuadraticTarget

from .network import CommitteeMachine, Weights
from .neuron_forces import OF_NEURONS, NeuronForceCheck
from .results import CaseResult, Kind, Margin, Missing
from .samples import Samples, samples_of

Array = NDArray[np.float64]

TOLERANCE = 1e-13
"""Of the force and of the loss."""

DIM = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """A factor with its neurons, now and at the start, and what they are trained on."""

    network: Network
    source: Source
    samples: Samples
    start: FactorState
    V: Array
    Q: Array

    def neurons(self, V: Array) -> Weights:
        """Return the real neurons of a factor."""
        return Weights.of(math.sqrt(self.Q.shape[1]) * self.Q.T @ V)

    @property
    def machine(self) -> CommitteeMachine:
        """The real network."""
        network = self.network
        return CommitteeMachine(alpha=network.alpha, eps=network.eps, centered=network.centered)

    def direct(self) -> tuple[float, Array]:
        """Return the loss and dV/dt by backpropagation."""
        points = self.samples
        at = (self.neurons(self.V), self.neurons(self.start.V), points.X, points.y, points.weights)
        slope = self.machine.gradient(*at).W
        return self.machine.loss(*at), -math.sqrt(self.Q.shape[1]) / self.network.alpha**2 * self.Q @ slope

    def subtracted(self) -> Array:
        """Return what centring takes from f, shape (P,)."""
        at_start = self.machine.output(self.neurons(self.start.V), self.samples.X)
        return at_start if self.network.centered else np.zeros(len(at_start))


Found = Mapping[str, tuple[float, Array]]
Forces = Callable[[type[Any], Setting], Found]


def of_risk(kind: type[Any], setting: Setting) -> Found:
    """Return loss and force of a risk by every way it has to them."""
    risk, V = kind(setting.network, setting.start, setting.source), setting.V
    return {
        "force": (risk.loss(V), risk.force(V)),
        "loss_force": risk.loss_force(V),
        "loss_force_moved": risk.loss_force_moved(V - setting.start.V),
    }


def of_state(kind: type[Any], setting: Setting) -> Found:
    """Return loss and force of a state, which compares f itself with what it is given."""
    points, state = setting.samples, kind(setting.start.a, setting.V)
    y = points.y + setting.subtracted()
    return {"loss_force": state.loss_force(setting.network, points.X, y)}


COMPARED: dict[type[Any], tuple[str, Forces]] = {
    EmpiricalRisk: ("samples", of_risk),
    TensorRisk: ("samples", of_risk),
    PopulationRisk: ("law", of_risk),
    FactorState: ("samples", of_state),
}
"""What each kind of risk and of state is trained on, and its forces."""


class Numbers(NamedTuple):
    """A network, and how many neurons it has."""

    alpha: float
    eps: float
    centered: bool
    width: int


SETTINGS = (
    Numbers(alpha=0.01, eps=0.3, centered=True, width=2),
    Numbers(alpha=1.0, eps=0.3, centered=False, width=9),
    Numbers(alpha=1.0, eps=1.5, centered=True, width=20),
    Numbers(alpha=100.0, eps=0.3, centered=True, width=1),
    Numbers(alpha=1e4, eps=0.05, centered=False, width=DIM + 1),
)
"""The ends of alpha, and what lies between; widths below and above D, centred and not."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ForceCheck:
    """Every force of one kind of risk or state, at a random state of every setting."""

    of: type[Any]
    source: str
    forces: Forces
    kind: Kind = Kind.FORCE

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"forces of {self.of.__name__}"

    def result(self) -> CaseResult:
        """Compare loss and force, each by every way to them."""
        worst: dict[str, float] = {}
        for seed, numbers in enumerate(SETTINGS):
            setting = draw(numbers, self.source, seed)
            loss, force = setting.direct()
            for name, (its_loss, its_force) in self.forces(self.of, setting).items():
                errors = {
                    name: float(np.linalg.norm(its_force - force) / np.linalg.norm(force)),
                    f"loss of {name}": abs(its_loss - loss) / loss,
                }
                worst |= {key: max(error, worst.get(key, 0.0)) for key, error in errors.items()}
        return CaseResult(
            name=self.name,
            kind=self.kind,
            parameters={"dim": DIM, "settings": [numbers._asdict() for numbers in SETTINGS]},
            margins={name: Margin(error, TOLERANCE) for name, error in worst.items()},
        )


def force_checks() -> list[ForceCheck | NeuronForceCheck | Missing]:
    """Return a check for every kind of risk and of state."""
    missing = [kind for kind in typing.get_args(problem.Risk) if kind not in {*COMPARED, *OF_NEURONS}]
    checks = [ForceCheck(of=kind, source=source, forces=forces) for kind, (source, forces) in COMPARED.items()]
    of_neurons = [NeuronForceCheck(of=kind, source=source) for kind, source in OF_NEURONS.items()]
    return [*checks, *of_neurons, *(_missing(kind) for kind in missing)]


def _missing(kind: type[Any]) -> Missing:
    fault = f"nothing in grokode_validate.forces compares {kind.__name__} with real neurons; add it there"
    return Missing(name=f"forces of {kind.__name__}", kind=Kind.FORCE, fault=fault)


def draw(numbers: Numbers, source: str, seed: int) -> Setting:
    """Draw a start of real neurons, a state of theirs, and samples or a law."""
    rng = np.random.default_rng([seed, len(source)])
    start = FactorState.from_neurons(rng.standard_normal((numbers.width, DIM)))
    A = rng.standard_normal((DIM, DIM)) / DIM
    if source == "law":
        target = QuadraticTarget(rng.standard_normal(), rng.standard_normal(DIM), A + A.T)
        of: Source = Law(Gaussian(A @ A.T), target, noise=0.5)
    else:
        of = Data(rng.standard_normal((12, DIM)), rng.standard_normal(12))
    return Setting(
        network=Network(alpha=numbers.alpha, eps=numbers.eps, centered=numbers.centered),
        source=of,
        samples=samples_of(of),
        start=start,
        V=start.V + rng.standard_normal(start.V.shape),
        Q=frame(start.a, numbers.width, rng),
    )


def frame(a: Array, width: int, rng: np.random.Generator) -> Array:
    r"""Draw Q, shape (r, N), of orthonormal rows with :math:`a^T Q = 1/\sqrt{N}`.

    An orthogonal matrix that turns a into the first unit vector, then rows of which the first is constant.
    """
    turned = np.linalg.qr(np.column_stack([a, rng.standard_normal((len(a), len(a) - 1))]))[0]
    rows = np.linalg.qr(np.column_stack([np.ones(width), rng.standard_normal((width, len(a) - 1))]))[0]
    turned[:, 0], rows[:, 0] = a, 1 / math.sqrt(width)
    Q: Array = turned @ rows.T
    return Q
