"""Stochastic gradient descent: mini-batches in an order of the user's, or shuffled by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInput
from ...task.streams import Role, stream
from ..pace import Pace
from ..problem import Trained
from ..risks.finite import FiniteRisk
from .gradient_descent import DescentOn
from .momentum import MomentumOn, WithMomentum

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


class Batches(Protocol):
    """Which samples each step sees."""

    def rows(self, k: int) -> Rows:
        """Return the indices of step k, which counts from 0, shape (B,)."""
        ...


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Every epoch a new permutation, cut into batches; what does not fill the last one is left out.

    Parameters
    ----------
    n_train, batch_size, seed : int
    """

    n_train: int
    batch_size: int
    seed: int

    def rows(self, k: int) -> Rows:
        """Return the indices of step k, shape (B,)."""
        epoch, batch = divmod(k, self.n_train // self.batch_size)
        first = batch * self.batch_size
        return _permutation(self.n_train, self.seed, epoch)[first : first + self.batch_size]


@lru_cache(maxsize=2)
def _permutation(n_train: int, seed: int, epoch: int) -> Rows:
    """Return the permutation of an epoch, a function of the seed and the epoch alone."""
    order = stream(seed, Role.BATCHES, n_train, epoch).permutation(n_train)
    order.setflags(write=False)
    return order


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Batches of a flat list of indices, followed again from its beginning when it ends.

    Parameters
    ----------
    indices : ndarray of int, shape (n,)
    batch_size : int
    """

    indices: Rows
    batch_size: int

    def rows(self, k: int) -> Rows:
        """Return the indices of step k, shape (B,)."""
        positions = k * self.batch_size + np.arange(self.batch_size)
        return np.asarray(self.indices[positions % len(self.indices)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd(WithMomentum):
    r"""Steps along the force of a mini-batch, the mean over its samples alone (tag D8).

    Exact in V as full-batch descent is: every neuron sees the same batch.

    Parameters
    ----------
    batch_size : int
        1 by default, as of torch's DataLoader.
    seed : int
        Of the order, shuffled without replacement every epoch.
    momentum : float
        :math:`\mu`, from 0 to below 1.
    nesterov : bool
        Whether momentum is Nesterov's.
    weight_decay, decay_rate, decoupled
        See ``Decaying``.
    """

    batch_size: int = 1
    seed: int = 0
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        WithMomentum.__post_init__(self)
        if self.batch_size < 1:
            raise InvalidInput(f"batch_size must be at least 1, got {self.batch_size}")
        if self.nesterov and not self.momentum:
            raise InvalidInput("sgd with nesterov=true needs a momentum above 0; add momentum=...")
        if self.seed < 0:
            raise InvalidInput(f"seed of batches must be zero or positive, got {self.seed}")

    def batches(self, n_train: int) -> Batches:
        """Return which samples each step sees.

        Raises
        ------
        InvalidInput
            If there are fewer samples than a batch has.
        """
        if self.batch_size > n_train:
            raise InvalidInput(f"batch_size = {self.batch_size} is more than the {n_train} training samples; lower it")
        return Shuffled(n_train, self.batch_size, self.seed)

    def on(self, risk: Trained, pace: Pace) -> DescentOn | MomentumOn:
        """Bind to a risk and a step."""
        if not isinstance(risk, FiniteRisk):
            raise InvalidInput("sgd takes batches of a finite training set; give a finite --n-train")
        batches = self.batches(len(risk.data.y))

        def force(k: int, V: Array) -> Array:
            return risk.force_on(V, batches.rows(k))

        if not self.momentum:
            return DescentOn(force, pace, self.rate(pace))
        return self.along(force, pace, nesterov=self.nesterov)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SgdInOrder(Sgd):
    """The same in an order of the user's own.

    Parameters
    ----------
    indices : ndarray of int, shape (n,)
        Step k uses entries k B to k B + B - 1, modulo n.
    """

    indices: Rows

    def batches(self, n_train: int) -> Batches:
        """Return which samples each step sees."""
        return Given(self.indices, self.batch_size)
