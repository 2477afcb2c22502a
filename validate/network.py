r"""A committee machine of N real neurons, trained by explicit backpropagation.

.. math:: f(x) = \frac{\alpha}{N} \sum_{i=1}^N v_i \, \phi(w_i \cdot x), \qquad \phi(z) = z + \frac{\epsilon}{2} q(z)

Written from the definition alone, without the reduction that it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .activations import Activation, Square
from .optimizers import GradientDescent, Optimizer

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

_DESCENT = GradientDescent()


class Weights(NamedTuple):
    """Where a network stands; a gradient has the same two parts.

    Parameters
    ----------
    W : ndarray, shape (N, D)
        Hidden weights, one row a neuron.
    v : ndarray, shape (N,)
        Readouts.
    """

    W: Array
    v: Array

    @classmethod
    def of(cls, W: Array, v: Array | None = None) -> Weights:
        """Return hidden weights with their readouts, 1 unless given."""
        return cls(W, np.ones(len(W)) if v is None else v)


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """What was recorded while a network trained.

    Parameters
    ----------
    step : ndarray of int, shape (n,)
        Optimizer steps taken before each record; 0 is the start.
    weights : ndarray, shape (n, N, D)
        The hidden weights.
    readouts : ndarray, shape (n, N)
    loss_train : ndarray, shape (n,)
        Of the whole training set, also where training was in batches.
    loss_test : mapping of str to ndarray, shape (n,)
        By the name of the test set.
    """

    step: NDArray[np.int64]
    weights: Array
    readouts: Array
    loss_train: Array
    loss_test: Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitteeMachine:
    r"""A two-layer network; its weights, now and at the start, are always arguments.

    Parameters
    ----------
    alpha : float
        Output scale; it stands inside f.
    eps : float
        Weight of q in :math:`\phi`.
    centered : bool
        Whether the predictor is f(x) minus f(x) at the start rather than f(x).
    activation : Activation
        The part q of :math:`\phi`.
    trained_readouts : bool
        Whether readouts are trained, with the learning rate of the hidden weights, or stay as they are.

    Notes
    -----
    Paper eq. 3; the centred predictor is its eq. 7. In all methods X has shape (P, D), one row a sample, y and
    ``sample_weights`` have shape (P,). The latter make the loss a weighted mean: they sum to 1, are 1/P unless given,
    and some may be negative, as in a cubature rule.
    """

    alpha: float
    eps: float
    centered: bool = False
    activation: Activation = Square()
    trained_readouts: bool = False

    def trained(self, weights: Weights) -> Array:
        """Return all that is trained of some weights, one row a neuron: W, or [W, v]."""
        return np.column_stack(weights) if self.trained_readouts else weights.W

    def output(self, weights: Weights, X: Array) -> Array:
        """Return f, shape (P,)."""
        return self._forward(weights, X)[2]

    def residual(self, weights: Weights, start: Weights, X: Array, y: Array) -> Array:
        """Return the predictor minus the labels, shape (P,)."""
        return self.output(weights, X) - self._subtracted(start, X) - y

    def loss(self, weights: Weights, start: Weights, X: Array, y: Array, sample_weights: Array | None = None) -> float:
        """Return the weighted mean of the squared residual, without 1/2."""
        return float(_or_equal(sample_weights, y) @ self.residual(weights, start, X, y) ** 2)

    def gradient(
        self, weights: Weights, start: Weights, X: Array, y: Array, sample_weights: Array | None = None
    ) -> Weights:
        r"""Return the gradient of the loss by backpropagation, 0 for readouts that are not trained.

        .. math:: \frac{\partial L}{\partial w_i} = \sum_\mu 2 c_\mu r_\mu \, \frac{\alpha}{N} v_i
                  \phi'(w_i \cdot x_\mu) \, x_\mu, \qquad
                  \frac{\partial L}{\partial v_i} = \sum_\mu 2 c_\mu r_\mu \, \frac{\alpha}{N} \phi(w_i \cdot x_\mu)

        with c the sample weights and r the residual.
        """
        return self._slope(weights, X, y, self._subtracted(start, X), _or_equal(sample_weights, y))

    def train(
        self,
        W0: Array,
        X: Array,
        y: Array,
        *,
        lr: float | Array,
        record: Sequence[int],
        optimizer: Optimizer = _DESCENT,
        tests: Mapping[str, tuple[Array, ...]] | None = None,
        sample_weights: Array | None = None,
        batches: Callable[[int], Rows] | None = None,
        readouts: Array | None = None,
    ) -> Training:
        """Train from hidden weights W0, by gradient descent on all samples unless told otherwise.

        Parameters
        ----------
        W0 : ndarray, shape (N, D)
        X, y : ndarray, shape (P, D) and (P,)
        lr : float or ndarray, shape (n,)
            Of all that is trained, on the mean squared residual without 1/2; of every step, or of each.
        record : sequence of int, shape (n,)
            Steps to record at, increasing; training ends with the last.
        optimizer : Optimizer
        tests : mapping of str to (X_test, y_test) or (X_test, y_test, sample_weights), optional
        sample_weights : ndarray, shape (P,), optional
            Of the training set.
        batches : callable, optional
            From a step, counted from 0, to the rows of its batch; without it every step takes all.
        readouts : ndarray, shape (N,), optional
            At the start; 1 unless given.

        Raises
        ------
        ValueError
            If there are both batches and sample weights: a batch has a mean of its own.
        """
        if batches is not None and sample_weights is not None:
            raise ValueError("the samples of a batch weigh the same; give batches or sample_weights, not both")
        start = Weights.of(W0, readouts)
        f_0 = self._subtracted(start, X)  # the same at every step

        def gradient(k: int) -> Callable[[Weights], Weights]:
            rows = slice(None) if batches is None else batches(k)
            c = _or_equal(sample_weights, y[rows])
            return partial(self._slope, X=X[rows], y=y[rows], f_0=f_0[rows], c=c)

        wanted = set(record)
        path = self._path(start, gradient, per_step(lr, record[-1]), optimizer)
        kept = [weights for k, weights in enumerate(path) if k in wanted]

        def curve(X: Array, y: Array, sample_weights: Array | None = None) -> Array:
            return np.array([self.loss(weights, start, X, y, sample_weights) for weights in kept])

        return Training(
            step=np.array(record),
            weights=np.array([weights.W for weights in kept]),
            readouts=np.array([weights.v for weights in kept]),
            loss_train=curve(X, y, sample_weights),
            loss_test={name: curve(*data) for name, data in (tests or {}).items()},
        )

    def _path(
        self, start: Weights, gradient: Callable[[int], Callable[[Weights], Weights]], lr: Array, optimizer: Optimizer
    ) -> Iterator[Weights]:
        """Yield the weights at the start and after each step."""
        weights, memory = start, optimizer.start(start)
        yield weights
        for k, rate in enumerate(lr):
            weights, memory = optimizer.step(weights, gradient(k), memory, float(rate), k)
            if not self.trained_readouts:
                weights = weights._replace(v=start.v)  # weight decay would move them
            yield weights

    def _subtracted(self, start: Weights, X: Array) -> Array:
        """Return what centring takes from f, shape (P,)."""
        return self.output(start, X) if self.centered else np.zeros(len(X))

    def _forward(self, weights: Weights, X: Array) -> tuple[Array, Array, Array]:
        """Return z and phi, shape (P, N), and f, shape (P,)."""
        z = X @ weights.W.T
        phi = z + self.eps / 2 * self.activation.q(z)
        return z, phi, self.alpha / len(weights.v) * (phi @ weights.v)

    def _slope(self, weights: Weights, X: Array, y: Array, f_0: Array, c: Array) -> Weights:
        """Return the gradient of the sum of c r^2 with r = f - f_0 - y, backwards from r to the weights."""
        z, phi, f = self._forward(weights, X)
        dL_df = 2 * c * (f - f_0 - y)  # (P,)
        df_dphi = self.alpha / len(weights.v) * weights.v  # (N,)
        dphi_dz = 1 + self.eps / 2 * self.activation.slope(z)  # (P, N)
        dL_dW = (dL_df[:, None] * df_dphi * dphi_dz).T @ X
        dL_dv = self.alpha / len(weights.v) * (dL_df @ phi) if self.trained_readouts else np.zeros_like(weights.v)
        return Weights(dL_dW, dL_dv)


def per_step(lr: float | Array, steps: int) -> Array:
    """Return the learning rate of each step, shape (steps,)."""
    return np.full(steps, lr) if np.ndim(lr) == 0 else np.asarray(lr)[:steps]


def _or_equal(sample_weights: Array | None, y: Array) -> Array:
    """Return the weights of the samples, equal unless given."""
    return np.full(len(y), 1 / len(y)) if sample_weights is None else sample_weights
