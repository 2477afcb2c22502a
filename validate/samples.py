"""The samples a network is really trained and tested on: drawn ones, or those that stand for a whole law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grokode.task.data import Data
from grokode.task.system import Law, Source

from .cubature import gaussian_rule

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples with the weights of their mean.

    Parameters
    ----------
    X : ndarray, shape (P, D)
    y : ndarray, shape (P,)
    weights : ndarray, shape (P,)
        They sum to 1; some of a law's are negative.
    """

    X: Array
    y: Array
    weights: Array


def samples_of(source: Source) -> Samples:
    """Return a data set as it is, or the points that have a law's moments up to the fifth.

    A law's labels carry its noise s as y + s and y - s, each point twice with half its weight: the mean square residual
    then has s^2 in it, as that of independent noise has, and the gradient has not.
    """
    if isinstance(source, Data):
        return Samples(source.X, source.y, np.full(len(source.y), 1 / len(source.y)))
    _, X, weights = points_of(source)
    y, s = source.target(X), source.noise
    if not s:
        return Samples(X, y, weights)
    return Samples(np.vstack([X, X]), np.r_[y + s, y - s], np.r_[weights, weights] / 2)


def points_of(law: Law) -> tuple[Array, Array, Array]:
    """Return points z of unit covariance, the inputs x = Sigma^(1/2) z at them, and their weights."""
    Z, weights = gaussian_rule(law.inputs.dim)
    values, vectors = np.linalg.eigh(law.inputs.matrix)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return Z, Z @ root, weights
