"""The kernel of real neurons on a sample along a run: its norm, its drift from the start, its alignments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.network import Network
from ..model.states.state import State
from .alignment import centered_alignment, column_centered_alignment, sample_alignment

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronKernelReading:
    """The kernel's matrix K on a sample, in numbers; see ``KernelReading``, whose names these are."""

    norm: float
    drift: float
    drift_scale: float
    drift_rotation: float
    alignment_sample: float
    alignment_column_centered: float
    alignment_centered: float


class NeuronKernel:
    """The kernel on a sample, at any state of the kind of the start, as the P x P matrix that it is.

    Parameters
    ----------
    network : Network
    start : State
        Where drift is measured from.
    X : ndarray, shape (P, D)
    y : ndarray, shape (P,)
        What alignment is measured with.

    Notes
    -----
    4 P^2 N operations a reading, and 40 P^2 bytes. A drift is known to the rounding of K.
    """

    def __init__(self, network: Network, start: State, X: Array, y: Array) -> None:
        self._network, self._X, self._y = network, X, y
        self._K0 = start.kernel(network, X, X)
        self._squared = float(np.sum(self._K0**2))

    def read(self, state: State) -> NeuronKernelReading:
        """Return the kernel's numbers at a state."""
        K, y = state.kernel(self._network, self._X, self._X), self._y
        moved = K - self._K0
        part = float(np.sum(moved * self._K0)) / self._squared if self._squared else 0.0
        return NeuronKernelReading(
            norm=float(np.linalg.norm(K)),
            drift=float(np.linalg.norm(moved)),
            drift_scale=part * float(np.sqrt(self._squared)),
            drift_rotation=float(np.linalg.norm(moved - part * self._K0)),
            alignment_sample=sample_alignment(K, y),
            alignment_column_centered=column_centered_alignment(K, y),
            alignment_centered=centered_alignment(K, y),
        )
