"""Real neurons, linearised by hand, and averages over the law of the inputs that are exact."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from grokode.dynamics.problem import Problem
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.data import Data
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Draw, Law
from grokode.task.targets.quadratic import QuadraticTarget


@dataclass(frozen=True)
class Neurons:
    """A network by its weights; imports nothing of the package."""

    W: np.ndarray
    alpha: float
    eps: float

    def outputs(self, X):
        h = X @ self.W.T
        return self.alpha * np.mean(h + self.eps / 2 * h**2, axis=1)

    def jacobian(self, X):
        """Gradients by all weights, shape (P, N D)."""
        slopes = self.alpha / len(self.W) * (1 + self.eps * X @ self.W.T)
        return (slopes[:, :, None] * X[:, None, :]).reshape(len(X), -1)

    @property
    def speed(self):
        """Of gradient descent on the weights in flow time: dw/dt = -speed x gradient."""
        return len(self.W) / self.alpha**2

    def kernel(self, X1, X2):
        return self.speed * self.jacobian(X1) @ self.jacobian(X2).T


def _population(Sigma, nodes=3):
    """Return points and weights that average polynomials over N(0, Sigma) exactly, to degree 2 nodes - 1."""
    at, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.array(list(itertools.product(at, repeat=len(Sigma))))
    products = np.prod(list(itertools.product(weights / weights.sum(), repeat=len(Sigma))), axis=1)
    values, vectors = np.linalg.eigh(Sigma)
    return grid @ (vectors * np.sqrt(np.clip(values, 0, None))).T, products


@pytest.fixture(scope="session")
def population():
    """Return points and weights that average polynomials over N(0, Sigma) exactly."""
    return _population


@dataclass(frozen=True)
class Task:
    """A problem and, beside it, everything it was made of."""

    problem: Problem
    neurons: Neurons
    target: QuadraticTarget
    Sigma: np.ndarray
    noise: float
    X: np.ndarray
    y: np.ndarray
    Z: np.ndarray
    points: np.ndarray
    weights: np.ndarray

    def at_start(self, X):
        """Predictor at the start; nothing if it is subtracted."""
        return np.zeros(len(X)) if self.problem.network.centered else self.neurons.outputs(X)

    def task(self, X):
        """What is left to learn."""
        return self.target(X) - self.at_start(X)

    @property
    def K(self):
        return self.neurons.kernel(self.X, self.X)

    def losses(self, change):
        """Exact and sample loss of a predictor that has changed by a function since the start."""
        left = self.task(self.points) - change(self.points)
        return float(self.weights @ left**2), float(np.mean((self.task(self.Z) - change(self.Z)) ** 2))


@pytest.fixture
def make_task(rng):
    """Return a factory of tasks with all that a formula might drop: c, b and B, a full Sigma, noise, f_0."""

    def make(
        *,
        dim=3,
        n_train=7,
        width=6,
        alpha=0.7,
        eps=0.4,
        centered=True,
        noise=0.3,
        n_test=5,
        Sigma=None,
        target=None,
        isotropic=False,
        repeat=1,
    ):
        root, form = rng.standard_normal((2, dim, dim))
        Sigma = root @ root.T / dim + 0.2 * np.eye(dim) if Sigma is None else np.asarray(Sigma)
        target = QuadraticTarget(0.4, rng.standard_normal(dim), form + form.T) if target is None else target
        inputs, network = Gaussian(Sigma), Network(alpha=alpha, eps=eps, centered=centered)
        start = FactorState.infinite_width(dim, 1.2) if isotropic else None
        W = rng.standard_normal((width, dim)) if start is None else start.neurons(dim + 3, rng)
        Z = inputs.draw(n_test, rng)
        clean = {"exact": Law(inputs, target), "sample": Data(Z, target(Z))}
        if np.isinf(n_train):
            train, X, y = Law(inputs, target, noise), np.zeros((0, dim)), np.zeros(0)
        else:
            X = np.tile(inputs.draw(n_train // repeat, rng), (repeat, 1))
            y = target(X) + noise * rng.standard_normal(len(X))
            train = Data(X, y)
        start = FactorState.from_neurons(W) if start is None else start
        points, weights = _population(Sigma)
        return Task(
            problem=Problem.of(network, Draw(train, clean, start, np.zeros((0, dim)))),
            neurons=Neurons(W, alpha, eps),
            target=target,
            Sigma=Sigma,
            noise=noise,
            X=X,
            y=y,
            Z=Z,
            points=points,
            weights=weights,
        )

    return make
