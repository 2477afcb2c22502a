"""A problem: the risks of one draw under one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..memory import free_memory
from ..model.kernel import Decompose, Modes, decompose
from ..model.network import Network
from ..model.states.factor import FactorState
from ..model.states.neurons import RealNeurons
from ..model.states.readouts import ReadoutState
from ..model.states.state import State
from ..task.data import Data
from ..task.system import Draw, Law, Source
from .risks.empirical import EmpiricalRisk
from .risks.finite import FiniteRisk
from .risks.isotropic import IsotropicRisk, reduced
from .risks.neurons import NeuronRisk
from .risks.population import PopulationRisk
from .risks.tensor import TensorRisk, needed_bytes, pays
from .risks.weighted import WeightedRisk
from .risks.weighted import pays as weighted_pays

Risk = EmpiricalRisk | TensorRisk | PopulationRisk | NeuronRisk | WeightedRisk
Trained = Risk | IsotropicRisk
"""What optimizers are bound to."""

EVALUATIONS = 1000.0
"""Assumed of a flow's training risk, and at most of a test risk: what a stopwatch chose it might not choose again."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything that training and its observables need.

    Parameters
    ----------
    network : Network
    start : State
    train : Risk
        What is trained on.
    tests : mapping of str to risk
        ``exact`` and ``sample``, where they exist.
    directions : ndarray, shape (k, D)
        Target directions; k = 0 where none are known.
    decompose : callable
        What decomposes the initial kernel.
    """

    network: Network
    start: State
    train: Risk
    tests: Mapping[str, Risk]
    directions: NDArray[np.float64]
    decompose: Decompose = decompose

    @classmethod
    def of(cls, network: Network, draw: Draw, evaluations: float = 0.0) -> Problem:
        """Bind the sources of a draw to a network, for a training of so many evaluations."""
        readings = min(evaluations, EVALUATIONS)
        tests = {name: bind(network, draw.start, source, readings) for name, source in draw.tests.items()}
        return cls(network, draw.start, bind(network, draw.start, draw.train, evaluations), tests, draw.directions)

    @cached_property
    def trained(self) -> Trained:
        """What is integrated: the train risk, on fewer numbers where these have the same training."""
        return reduced(self.train) if isinstance(self.train, PopulationRisk) else self.train

    @property
    def test_loss(self) -> str:
        """The test loss that crossings, peak and delay use: ``exact`` where it exists, else ``sample``."""
        return next((name for name in ("exact", "sample") if name in self.tests), "")

    @property
    def law(self) -> Law | None:
        """Law of the inputs with the clean task on it, where they are known."""
        risk = self.tests.get("exact")
        return risk.law if isinstance(risk, PopulationRisk) else None

    @cached_property
    def modes(self) -> Modes:
        """The initial kernel on the training set, decomposed once.

        Raises
        ------
        InvalidInput
            If the training set is infinite, or the decomposition does not fit into memory.
        """
        if not isinstance(self.train, FiniteRisk):
            raise InvalidInput("an infinite training set has no kernel matrix; give a finite --n-train")
        return self.decompose(self.network, self.start, self.train.data.X)

    @property
    def factor(self) -> FactorState:
        """The start, where it has a factor, which all that is said of its kernel over a law needs.

        Raises
        ------
        InvalidInput
            If it has none.
        """
        if not isinstance(self.start, FactorState):
            raise InvalidInput(
                "the kernel of real neurons, of trained readouts or of He_k with k above 2, is known on samples only; "
                "give a finite --n-train"
            )
        return self.start


def bind(network: Network, start: State, source: Source, evaluations: float = 0.0) -> Risk:
    """Return the risk of a data set or of a law; of a data set the one that takes less time for so many evaluations.

    Raises
    ------
    InvalidInput
        If a law has no closed form under this network and start.
    """
    if isinstance(source, Data):
        return _on_data(network, start, source, evaluations)
    if not (isinstance(start, FactorState | ReadoutState) and start.quadratic(network)):
        raise InvalidInput(
            f"f is no quadratic function of x with {network.activation}, so its loss over a whole law is not known; "
            "give a finite --n-train"
        )
    return PopulationRisk(network, start, source)


def _on_data(network: Network, start: State, data: Data, evaluations: float) -> Risk:
    P, D = data.X.shape
    if isinstance(start, FactorState):
        if pays(P, D, len(start.a), evaluations) and needed_bytes(D) < free_memory() / 2:
            return TensorRisk(network, start, data)
        return EmpiricalRisk(network, start, data)
    if isinstance(start, ReadoutState) and start.quadratic(network) and weighted_pays(P, D, start.width):
        return WeightedRisk(network, start, data)
    assert isinstance(start, RealNeurons)
    return NeuronRisk(network, start, data)
