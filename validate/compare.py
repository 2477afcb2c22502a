"""An exact map beside real neurons: every curve, the mean weight and M."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.protocols import Linearizable
from grokode.experiment.result import Run
from grokode.model.states.neurons import RealNeurons
from grokode.observables.lazy import LABELS as LAZY

from .network import Weights
from .results import Margin
from .stability import sharpness
from .tolerances import Tolerances
from .training import Trained

Array = NDArray[np.float64]

STABLE = 1.0
"""The largest dt lambda of a case: half of where descent turns chaotic, rounding grows without bound, and nothing is
tested."""


def compare(theory: Run, direct: Trained) -> dict[str, Margin]:
    """Compare every curve of a run that has kept its states with really trained neurons.

    A curve that only one side has is a miss: its error is not a number. ``dt_lambda`` is no error: dt times the largest
    curvature on the way.
    """
    names = [name for name in theory.curves if name not in ("step", "t")]
    names += sorted(direct.values.keys() - {*names, *_not_claimed(theory)})
    tolerances = Tolerances(direct)
    margins = {
        name: margin(np.abs(getattr(theory, name) - direct.values[name]), tolerances.of(name))
        if name in theory.curves and name in direct.values
        else Margin(np.nan, 0.0)
        for name in names
    }
    margins |= _of_states(theory, direct, tolerances)
    stood = [Weights(*at) for at in zip(direct.weights, direct.readouts, strict=True)]
    margins["dt_lambda"] = Margin(direct.pace.dt * max(sharpness(direct, weights) for weights in stood), STABLE)
    return margins


def _of_states(theory: Run, direct: Trained, tolerances: Tolerances) -> dict[str, Margin]:
    """Compare M and the mean weight, and all that is trained where each neuron has its counterpart."""
    hidden = np.array([state.hidden for state in theory.states])
    M = hidden.transpose(0, 2, 1) @ hidden - second_moments(direct.weights)
    margins = {"M": margin(sizes(M), tolerances.M)}
    if not isinstance(theory.states[0], RealNeurons):
        wbar = np.array([state.wbar for state in theory.states]) - direct.weights.mean(axis=1)
        return margins | {"wbar": margin(sizes(wbar), tolerances.wbar)}
    root = np.sqrt(direct.weights.shape[1])
    apart = hidden - direct.weights / root
    if direct.machine.trained_readouts:
        readouts = np.array([state.readouts for state in theory.states]) - direct.readouts
        apart = np.concatenate([apart, readouts[:, :, None] / root], axis=2)
    return margins | {"all weights": margin(sizes(apart), tolerances.wbar)}


def _not_claimed(theory: Run) -> set[str]:
    """Return what the theory has for optimizers with a decay only, where it is of another."""
    optimizer = OPTIMIZERS.build(theory.experiment.optimizer)
    return (
        set() if isinstance(optimizer, Linearizable) and optimizer.closed_form else {name for name, _ in LAZY.values()}
    )


def margin(error: Array, tolerance: Array) -> Margin:
    """Return the error that is largest beside its tolerance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(error == 0, 0.0, error / tolerance)
    worst = int(np.argmax(np.where(np.isnan(share), np.inf, share)))
    return Margin(float(error[worst]), float(np.broadcast_to(tolerance, error.shape)[worst]))


def second_moments(weights: Array) -> Array:
    """Return M of each record, shape (n, D, D)."""
    return np.array([W.T @ W / len(W) for W in weights])


def sizes(arrays: Array) -> Array:
    """Return the Frobenius norm of each record's array, shape (n,)."""
    norms: Array = np.sqrt(np.sum(arrays.reshape(len(arrays), -1) ** 2, axis=1))
    return norms
