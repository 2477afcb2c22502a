"""One small experiment under one optimizer: the reduction beside real neurons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grokode.experiment.bundle import Bundle
from grokode.experiment.compose import composition_of
from grokode.experiment.simulate import simulate

from .compare import compare
from .results import CaseResult, Kind
from .training import train

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One experiment under one optimizer that real neurons must obey to rounding.

    Parameters
    ----------
    name : str
    parameters : mapping
        Of the experiment.
    files : mapping of str to ndarray
        Arrays that the parameters name by path.
    arrays : callable, optional
        Makes a bundle's own arrays, for data and starts that no experiment draws.
    neurons : int, optional
        As in ``direct``.
    """

    name: str
    parameters: Mapping[str, Any]
    files: Mapping[str, Array] = field(default_factory=dict)
    arrays: Callable[[], Mapping[str, Any]] | None = None
    neurons: int | None = None
    kind: Kind = Kind.MAP

    def bundle(self) -> Bundle | None:
        """Return the bundle of its own arrays, where it has any."""
        return None if self.arrays is None else Bundle(**self.arrays())

    def result(self) -> CaseResult:
        """Run the reduction, train the neurons, compare."""
        bundle = self.bundle()
        composition = composition_of(bundle, self.parameters)
        experiment = composition.experiment
        theory = simulate(experiment, composition.bundle, self.files, keep_states=True)
        direct = train(experiment, composition.bundle, self.files, neurons=self.neurons)
        return CaseResult(
            name=self.name,
            kind=self.kind,
            parameters=experiment.model_dump(mode="json", exclude_none=True),
            margins=compare(theory, direct),
        )

    def under(self, optimizer: str) -> Case:
        """Return the same experiment under another optimizer."""
        return dataclasses.replace(
            self, name=f"{optimizer}: {self.name}", parameters={**self.parameters, "optimizer": optimizer}
        )


def stable_step(alpha: float, eps: float, sigma: float = 1.0) -> float:
    r"""Return a dt that is stable for labels and inputs of size 1.

    The flow's largest rate is about 2 to 6 times the mean kernel, which is :math:`1 + \epsilon^2 \sigma^2` at the start
    and :math:`\epsilon / \alpha` times the labels where they are fitted. ``dt_lambda`` says what came of it.
    """
    return float(f"{0.25 / (1 + (eps * sigma) ** 2 + 3 * eps / alpha):.1g}")
