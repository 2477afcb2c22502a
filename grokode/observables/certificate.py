"""The certificate that a test loss never falls below a threshold."""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from ..dynamics.problem import Problem, Risk
from ..dynamics.risks.population import PopulationRisk
from ..dynamics.risks.sampled import SampledRisk
from ..model.network import Network
from ..model.states.factor import FactorState
from ..outcome import Certificate

Array = NDArray[np.float64]

MARGIN = 1.5e-3
"""Half of the promised 3e-3 on a loss: what the integration's error may have moved its square root by."""


def never(problem: Problem, t: float, theta: Array, threshold: float) -> Certificate | None:
    r"""Certify, for gradient flow on a finite training set, that the test loss stays above a threshold.

    With :math:`\kappa = \lambda_{\min}(K)/P` at the present state, :math:`q = \max_\mu |x_\mu|\, \|X\|`,
    :math:`\rho = 2\sqrt{L/\kappa}/\alpha`: if :math:`\epsilon q \rho \le \sqrt{P \kappa}/2`, the remaining
    path is no longer than :math:`\rho`, and :math:`\sqrt{L_{test}}` moves by at most

    .. math:: \alpha \left[ \rho \sqrt{\lambda_{\max}(T)} + \tfrac{\epsilon}{2} \rho^2
              \sqrt{\langle |x|^4 \rangle} \right] \quad (C1)

    with T the test distribution's tangent operator (the test points' kernel over their number).

    Parameters
    ----------
    problem : Problem
    t : float
        Flow time of the state.
    theta : ndarray, shape (r, D)
    threshold : float

    Returns
    -------
    Certificate or None
        None where the bound does not hold, or says too little.
    """
    risk = problem.train
    if not isinstance(risk, SampledRisk) or not problem.test_loss:
        return None
    network, X = problem.network, risk.data.X
    P, D = X.shape
    if min(theta.size, D * (D + 3) // 2) < P:  # more samples than unknowns or features: the kernel is singular
        return None
    test = problem.tests[problem.test_loss]
    loss, loss_test = risk.loss(theta), test.loss(theta)
    if not loss_test > threshold:
        return None
    q = float(np.sqrt(np.max(np.sum(X**2, axis=1))) * np.linalg.norm(X, 2))
    state = problem.factor.at(theta)
    C = state.slopes(network, X)
    # no eigenvalue is above the mean, so this refuses hopeless states without a decomposition
    kappa_ceiling = float(np.mean(np.sum(C**2, axis=1) * np.sum(X**2, axis=1))) / P
    if not _holds(network, q, P, loss, kappa_ceiling):
        return None
    eigenvalues = scipy.linalg.eigvalsh((X @ X.T) * (C @ C.T), check_finite=False)
    rounding = 10 * P * np.finfo(float).eps * eigenvalues[-1]
    kappa = float(eigenvalues[0] - rounding) / P
    if not (kappa > 0 and _holds(network, q, P, loss, kappa)):
        return None
    rho = 2 * math.sqrt(loss / kappa) / network.alpha
    norm, fourth = _test_moments(network, state, test)
    bound = network.alpha * (rho * math.sqrt(norm) + network.eps / 2 * rho**2 * math.sqrt(fourth))
    if math.sqrt(loss_test) * (1 - MARGIN) - bound <= math.sqrt(threshold):
        return None
    return Certificate(
        t=t,
        kappa=kappa,
        q=q,
        rho=rho,
        bound=bound,
        margin=MARGIN,
        loss_train=loss,
        loss_test=loss_test,
        threshold=threshold,
    )


def _holds(network: Network, q: float, P: int, loss: float, kappa: float) -> bool:
    """Whether kappa cannot shrink below a quarter of itself on the remaining path."""
    rho = 2 * math.sqrt(loss / kappa) / network.alpha
    return network.eps * q * rho <= math.sqrt(P * kappa) / 2


def _test_moments(network: Network, state: FactorState, test: Risk) -> tuple[float, float]:
    """Return the norm of the test tangent operator (with 1 % above the iteration's value) and mean |x|^4."""
    if isinstance(test, SampledRisk):
        X, C = test.data.X, state.slopes(network, test.data.X)

        def product(d: Array) -> Array:
            w = np.sum((C @ d.reshape(state.V.shape)) * X, axis=1)
            return np.asarray((w[:, None] * C).T @ X / len(X)).ravel()

        fourth = float(np.mean(np.sum(X**2, axis=1) ** 2))
    else:
        assert isinstance(test, PopulationRisk)
        inputs = test.law.inputs
        V, a, eps = state.V, state.a, network.eps

        def product(d: Array) -> Array:
            step = d.reshape(V.shape)
            S = inputs.times(V.T @ step)  # V^T d Sigma; only its symmetric part acts
            symmetric = inputs.times(V.T @ step + step.T @ V) / 2
            quadratic = inputs.times(np.trace(S) * np.eye(len(S)) + 2 * symmetric.T)
            return np.asarray(np.outer(a, inputs.times(step.T @ a)) + eps**2 * V @ quadratic).ravel()

        fourth = inputs.trace**2 + 2 * float(np.sum(inputs.matrix**2))
    n = state.V.size
    if n == 1:
        return float(product(np.ones(1))[0]), fourth
    start = np.random.default_rng(0).standard_normal(n)
    top = eigsh(LinearOperator((n, n), matvec=product, dtype=float), k=1, v0=start, tol=1e-3, return_eigenvectors=False)
    return 1.01 * float(top[0]), fourth
