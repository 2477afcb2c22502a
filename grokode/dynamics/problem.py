"""A problem: the risks of one draw under one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..memory import free_memory
from ..model.kernel import Modes, decompose
from ..model.network import Network
from ..model.states.factor import FactorState
from ..task.data import Data
from ..task.system import Draw, Law, Source
from .risks.empirical import EmpiricalRisk
from .risks.population import PopulationRisk
from .risks.sampled import SampledRisk
from .risks.tensor import TensorRisk, needed_bytes, pays

Risk = EmpiricalRisk | TensorRisk | PopulationRisk

EVALUATIONS = 1000.0
"""Assumed of a flow's training risk, and at most of a test risk: what a stopwatch chose it might not choose again."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything that training and its observables need.

    Parameters
    ----------
    network : Network
    start : FactorState
    train : EmpiricalRisk, TensorRisk or PopulationRisk
        What is trained on.
    tests : mapping of str to risk
        ``exact`` and ``sample``, where they exist.
    directions : ndarray, shape (k, D)
        Target directions; k = 0 where none are known.
    """

    network: Network
    start: FactorState
    train: Risk
    tests: Mapping[str, Risk]
    directions: NDArray[np.float64]

    @classmethod
    def of(cls, network: Network, draw: Draw, evaluations: float = 0.0) -> Problem:
        """Bind the sources of a draw to a network, for a training of so many evaluations."""
        readings = min(evaluations, EVALUATIONS)
        tests = {name: bind(network, draw.start, source, readings) for name, source in draw.tests.items()}
        return cls(network, draw.start, bind(network, draw.start, draw.train, evaluations), tests, draw.directions)

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
        if not isinstance(self.train, SampledRisk):
            raise InvalidInput("an infinite training set has no kernel matrix; give a finite --n-train")
        return decompose(self.network, self.start, self.train.data.X)


def bind(network: Network, start: FactorState, source: Source, evaluations: float = 0.0) -> Risk:
    """Return the risk of a data set or of a law; of a data set the one that takes less time for so many evaluations."""
    if isinstance(source, Data):
        P, D = source.X.shape
        if pays(P, D, len(start.a), evaluations) and needed_bytes(D) < free_memory() / 2:
            return TensorRisk(network, start, source)
        return EmpiricalRisk(network, start, source)
    return PopulationRisk(network, start, source)
