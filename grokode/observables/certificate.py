"""The certificate that a test loss never falls below a threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from ..dynamics.problem import Problem, Risk
from ..dynamics.risks.population import PopulationRisk
from ..dynamics.risks.sampled import SampledRisk
from ..dynamics.solvers.log_bdf.linear import Cholesky, TooLong
from ..model.network import Network
from ..model.states.factor import FactorState
from ..outcome import Certificate

Array = NDArray[np.float64]

MARGIN = 1.5e-3
"""Half of the promised 3e-3 on a loss: what the integration's error may have moved its square root by."""


def never(problem: Problem, t: float, theta: Array, threshold: float) -> Certificate | None:
    r"""Certify, for gradient flow on a finite training set, that the test loss stays above a threshold.

    With a :math:`\kappa \le \lambda_{\min}(K)/P` at the present state, :math:`q = \max_\mu |x_\mu|\, \|X\|`,
    :math:`\rho = 2\sqrt{L/\kappa}/\alpha`: if :math:`\epsilon q \rho \le \sqrt{P \kappa}/2`, the remaining
    path is no longer than :math:`\rho`, and :math:`\sqrt{L_{test}}` moves by at most

    .. math:: \alpha \left[ \rho \sqrt{\lambda_{\max}(T)} + \tfrac{\epsilon}{2} \rho^2
              \sqrt{\langle |x|^4 \rangle} \right] \quad (C1)

    with T the test distribution's tangent operator (the test points' kernel over their number; over a law its norm is
    bounded by (C4)).

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
    return Certifier(problem)(t, theta, threshold)


SLACK, AGE = 1.25, 4.0
"""By how much kappa may have grown since it was last known, where a look is not worth it; until t has grown by AGE."""

BELOW = 0.99
"""Part of the smallest eigenvalue, as the iteration has it, that is proved."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a look came.

    Parameters
    ----------
    t : float
    kappa : float
        An upper estimate, or what is proved.
    norm, fourth : float
        Moments of the test operator, 0 before they are known.
    proved : bool
        Whether kappa is proved, and the moments are known.
    """

    t: float
    kappa: float
    norm: float = 0.0
    fourth: float = 0.0
    proved: bool = False


class Certifier:
    """Asks for the certificate along one run; ``never`` has the rule and its parameters.

    A look ends at the first of its steps that leaves no hope. One that would fail at a somewhat larger kappa than that
    of the last look is spared, unless t has grown much since.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._seen: Seen | None = None

    def __call__(
        self, t: float, theta: Array, threshold: float, losses: tuple[float, float] | None = None
    ) -> Certificate | None:
        """Return the certificate, or None.

        Parameters
        ----------
        t, theta, threshold
            As of ``never``.
        losses : tuple of float, optional
            Train and test loss, roughly, where a hopeless look may be spared.
        """
        problem, risk = self._problem, self._problem.train
        if not isinstance(risk, SampledRisk) or not problem.test_loss:
            return None
        P, D = risk.data.X.shape
        if min(theta.size, D * (D + 3) // 2) < P:  # more samples than unknowns or features: the kernel is singular
            return None
        if losses is not None and self._hopeless(t, *losses, threshold):
            return None
        loss, loss_test = risk.loss(theta), problem.tests[problem.test_loss].loss(theta)

        def hopeful(seen: Seen) -> bool:
            return self._bound(seen, loss, loss_test, threshold) is not None

        seen = self._seen
        if seen is None or seen.t != t or not seen.proved:
            seen = self._seen = self._look(t, theta, hopeful)
        bound = self._bound(seen, loss, loss_test, threshold)
        if bound is None or not seen.proved:
            return None
        return Certificate(
            t=t,
            kappa=seen.kappa,
            q=self._q,
            rho=_rho(problem.network, loss, seen.kappa),
            bound=bound,
            margin=MARGIN,
            loss_train=loss,
            loss_test=loss_test,
            threshold=threshold,
        )

    @cached_property
    def _q(self) -> float:
        assert isinstance(self._problem.train, SampledRisk)
        data = self._problem.train.data
        return float(np.sqrt(np.max(np.sum(data.X**2, axis=1)))) * data.norm

    def _hopeless(self, t: float, loss: float, loss_test: float, threshold: float) -> bool:
        """Whether a look would fail, by what the last one found."""
        seen = self._seen
        if seen is None or t >= AGE * seen.t:
            return False
        return self._bound(replace(seen, kappa=SLACK * seen.kappa), loss, loss_test, threshold) is None

    def _look(self, t: float, theta: Array, hopeful: Callable[[Seen], bool]) -> Seen:
        """Find kappa and the moments of the test operator."""
        problem = self._problem
        assert isinstance(problem.train, SampledRisk)
        X, state, test = problem.train.data.X, problem.factor.at(theta), problem.tests[problem.test_loss]
        P, C = len(X), state.slopes(problem.network, problem.train.data.X)

        def measured(seen: Seen) -> Seen:
            norm, fourth = _test_moments(problem.network, state, test)
            return replace(seen, norm=norm, fourth=fourth)

        seen = Seen(t, float(np.mean(np.sum(C**2, axis=1) * np.sum(X**2, axis=1))) / P)  # the mean of the eigenvalues
        in_closed_form = isinstance(test, PopulationRisk)  # else the moments are the dearest
        if in_closed_form and hopeful(seen):
            seen = measured(seen)
        if not hopeful(seen):
            return seen
        K = problem.train.data.gram * (C @ C.T)
        seen = replace(seen, kappa=BELOW * smallest_eigenvalue(K) / P)
        if not (hopeful(seen) and exceeds(K, P * seen.kappa, terms=sum(state.V.shape))):
            return seen
        return replace(seen if in_closed_form else measured(seen), proved=True)

    def _bound(self, seen: Seen, loss: float, loss_test: float, threshold: float) -> float | None:
        """Return by how much the root of the test loss can still move, None where that does not keep it above."""
        network, train = self._problem.network, self._problem.train
        assert isinstance(train, SampledRisk)
        if not (seen.kappa > 0 and _holds(network, self._q, len(train.data.X), loss, seen.kappa)):
            return None
        rho = _rho(network, loss, seen.kappa)
        bound = network.alpha * (rho * math.sqrt(seen.norm) + network.eps / 2 * rho**2 * math.sqrt(seen.fourth))
        return bound if math.sqrt(loss_test) * (1 - MARGIN) - bound > math.sqrt(threshold) else None


def _rho(network: Network, loss: float, kappa: float) -> float:
    """Return a bound on the length of the remaining path."""
    return 2 * math.sqrt(loss / kappa) / network.alpha


def _holds(network: Network, q: float, P: int, loss: float, kappa: float) -> bool:
    """Whether kappa cannot shrink below a quarter of itself on the remaining path."""
    return network.eps * q * _rho(network, loss, kappa) <= math.sqrt(P * kappa) / 2


def smallest_eigenvalue(K: Array) -> float:
    """Return the smallest eigenvalue of a symmetric matrix, from above; 0 where the matrix is not positive."""
    try:
        inverse = LinearOperator(K.shape, matvec=Cholesky(K.copy(order="F")).solve, dtype=float)
    except TooLong:
        return 0.0
    return 1 / _largest_eigenvalue(inverse, krylov=10, tol=1e-3)


def exceeds(K: Array, bound: float, terms: int = 0) -> bool:
    """Prove that all eigenvalues of a positive matrix are above a bound.

    A Cholesky factorisation of order P ends only if none is below -(P + 1) u trace(K), with u half of the machine's
    epsilon (Higham 2002, theorem 10.3); entries that are sums of ``terms`` products add as many u trace(K).
    """
    rounding = (len(K) + terms + 5) * np.finfo(float).eps * np.trace(K)
    lowered = K.copy(order="F")
    lowered.ravel(order="K")[:: len(K) + 1] -= bound + rounding
    try:
        Cholesky(lowered)
    except TooLong:
        return False
    return True


def _largest_eigenvalue(operator: LinearOperator, *, krylov: int, tol: float) -> float:
    """Return the largest eigenvalue of a positive operator, from below, by Lanczos with so many vectors at once."""
    n = operator.shape[0]
    if n == 1:
        return float(operator.matvec(np.ones(1))[0])
    options = {"v0": np.random.default_rng(0).standard_normal(n), "ncv": min(n, krylov), "tol": tol}
    return float(eigsh(operator, k=1, **options, return_eigenvectors=False)[0])


def _test_moments(network: Network, state: FactorState, test: Risk) -> tuple[float, float]:
    r"""Return what the norm of the test tangent operator is not above, and mean :math:`|x|^4`.

    Over a law it is bounded by (C4), on points it is 1 % above the value of an iteration.
    """
    if isinstance(test, SampledRisk):
        X, C = test.data.X, state.slopes(network, test.data.X)

        def product(d: Array) -> Array:
            w = np.sum((C @ d.reshape(state.V.shape)) * X, axis=1)
            return np.asarray((w[:, None] * C).T @ X / len(X)).ravel()

        n = state.V.size
        norm = 1.01 * _largest_eigenvalue(LinearOperator((n, n), matvec=product, dtype=float), krylov=20, tol=1e-4)
        return norm, float(np.mean(np.sum(X**2, axis=1) ** 2))
    assert isinstance(test, PopulationRisk)
    inputs = test.law.inputs
    VS = inputs.times(state.V)
    weights = float(np.sum(VS**2)) + 2 * inputs.largest * float(np.linalg.eigvalsh(VS @ state.V.T)[-1])
    return inputs.largest + network.eps**2 * weights, inputs.trace**2 + 2 * float(np.sum(inputs.matrix**2))
