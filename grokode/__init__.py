"""Exact learning curves of a two-layer network that groks, without training it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import lazy as lazy
    from . import overlay as overlay
    from . import plot as plot
    from .dynamics.risks.empirical import EmpiricalRisk as EmpiricalRisk
    from .dynamics.risks.population import PopulationRisk as PopulationRisk
    from .errors import GrokodeError as GrokodeError
    from .errors import GrokodeWarning as GrokodeWarning
    from .errors import InvalidInput as InvalidInput
    from .errors import RunFailed as RunFailed
    from .experiment import bundle as bundle
    from .experiment.bundle import Bundle as Bundle
    from .experiment.examine import kernel as kernel
    from .experiment.examine import problem as problem
    from .experiment.files import load as load
    from .experiment.files import save as save
    from .experiment.kernel_report import KernelReport as KernelReport
    from .experiment.result import Run as Run
    from .experiment.simulate import run as run
    from .experiment.spec import Experiment as Experiment
    from .model.activations import Hermite as Hermite
    from .model.network import Network as Network
    from .model.states.factor import FactorState as FactorState
    from .model.states.neurons import NeuronState as NeuronState
    from .model.states.readouts import ReadoutState as ReadoutState
    from .sweep.store import open_sweep as open_sweep
    from .task.data import Data as Data
    from .task.inputs.gaussian import Gaussian as Gaussian
    from .task.system import Law as Law
    from .task.targets.quadratic import QuadraticTarget as QuadraticTarget

# name -> module, or module:attribute; loaded at first use, so that importing grokode imports nothing heavy
_PUBLIC = {
    "Bundle": "grokode.experiment.bundle:Bundle",
    "Data": "grokode.task.data:Data",
    "EmpiricalRisk": "grokode.dynamics.risks.empirical:EmpiricalRisk",
    "Experiment": "grokode.experiment.spec:Experiment",
    "FactorState": "grokode.model.states.factor:FactorState",
    "Gaussian": "grokode.task.inputs.gaussian:Gaussian",
    "GrokodeError": "grokode.errors:GrokodeError",
    "GrokodeWarning": "grokode.errors:GrokodeWarning",
    "Hermite": "grokode.model.activations:Hermite",
    "InvalidInput": "grokode.errors:InvalidInput",
    "KernelReport": "grokode.experiment.kernel_report:KernelReport",
    "Law": "grokode.task.system:Law",
    "Network": "grokode.model.network:Network",
    "NeuronState": "grokode.model.states.neurons:NeuronState",
    "PopulationRisk": "grokode.dynamics.risks.population:PopulationRisk",
    "QuadraticTarget": "grokode.task.targets.quadratic:QuadraticTarget",
    "ReadoutState": "grokode.model.states.readouts:ReadoutState",
    "Run": "grokode.experiment.result:Run",
    "RunFailed": "grokode.errors:RunFailed",
    "bundle": "grokode.experiment.bundle",
    "kernel": "grokode.experiment.examine:kernel",
    "lazy": "grokode.lazy",
    "load": "grokode.experiment.files:load",
    "open_sweep": "grokode.sweep.store:open_sweep",
    "overlay": "grokode.overlay",
    "plot": "grokode.plot",
    "problem": "grokode.experiment.examine:problem",
    "run": "grokode.experiment.simulate:run",
    "save": "grokode.experiment.files:save",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'grokode' has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, attribute) if attribute else loaded


def __dir__() -> list[str]:
    return __all__
