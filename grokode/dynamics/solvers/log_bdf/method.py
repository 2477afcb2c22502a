"""The solver: a linearly implicit BDF in logarithmic time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate
from numpy.typing import NDArray

from ....errors import BeyondStability, InvalidInput
from ...protocols import Linearization, Residuals
from ...risks.jacobian import spectral_radius
from .clock import LogTime
from .controller import Controller
from .differences import GAMMA, Differences, weights
from .iteration import AtTheEdge, Iteration, ThroughSamples, ThroughUnknowns, lagging
from .linear import TooLong
from .norm import Weights
from .precision import Precision

Array = NDArray[np.float64]

NOISE = 0.1
"""Part of the tolerance that rounding of the products may add to a step; beyond it they are made in float64."""

STALE = 0.4
"""An error above this that has doubled at once is often that of an old Jacobian."""

LOOK, POWER = 16, 3
"""Where the force lags: steps between two looks at the edge of stability, and power iterations of a look."""

SHORTEST = 1e-10
"""A step of tau below this is a failure."""


class LogBDF(scipy.integrate.OdeSolver):  # type: ignore[misc]
    r"""BDF of orders 1 to 5 in :math:`\tau`, t = t_0 (e^tau - 1), with one linearised iteration a step.

    For the gradient flow :math:`\dot z = f(z) = -\tfrac{2}{P} B^T r(z)` of a mean of P squares. From the prediction of
    the difference table, with :math:`c = h\, (t_0 + t_{n+1}) / \gamma_k`, a step is

    .. math:: (I - c J)\, d = c\, f(z_{pred}) - \psi, \qquad z_{n+1} = z_{pred} + d

    J is the Gauss-Newton part :math:`-\tfrac{2}{P} B^T B` while the rest is not stiff, else the exact Jacobian. Through
    the samples (fewer than unknowns) that is (K + P/(2c)) w = B R, d = R - B^T w, with the tangent kernel K = B B^T.

    Where the force lags by a time l, :math:`\dot z = f(x)` with :math:`x = z - l\, \dot z` (D11), the prediction of x
    is :math:`z_{pred} - l\, \psi / c` and :math:`d_x = (1 - l/c)\, d`, so a step is

    .. math:: (I - (c - l) J)\, d = c\, f(z_{pred} - l\, \psi / c) - \psi

    There is no such flow where a mode decays at a rate above 1/l, and the solver gives up.

    Parameters
    ----------
    fun : callable
        The right-hand side, called for the first slope of a force that lags; ``residuals`` knows all others.
    t0, t_bound : float
        t0 = 0.
    y0 : ndarray, shape (n,)
    residuals : callable
        ``residuals(dtype)`` returns the Residuals with matrix products in a precision.
    lag : float
        l, 0 for gradient flow.
    single : bool
        Whether to begin with products in float32. The error that they add to a step is estimated every few steps,
        and the first that is too large is the last.
    tol : float
        Tolerance on a step's error, see ``norm.Weights``.
    parameters, relative : float
        Weights of the error's second and third part.
    age : int
        Steps that a Jacobian serves.

    Notes
    -----
    The differences are those of Shampine and Reichelt (1997) with kappa = 0. Also plugs into
    ``scipy.integrate.solve_ivp``.
    """

    def __init__(
        self,
        fun: Callable[[float, Array], Array],
        t0: float,
        y0: Array,
        t_bound: float,
        vectorized: bool = False,
        *,
        residuals: Callable[[type[np.floating[Any]]], Residuals],
        lag: float,
        single: bool,
        tol: float,
        parameters: float,
        relative: float,
        age: int,
        **extraneous: Any,
    ) -> None:
        scipy.integrate._ivp.common.warn_extraneous(extraneous)
        if t0 != 0 or t_bound < 0:
            raise InvalidInput(f"log_bdf integrates forwards from t = 0, got t = {t0} to {t_bound}; shift the time")
        super().__init__(fun, t0, y0, t_bound, vectorized=False)
        self._precision = Precision(residuals, single)
        exact = self._precision.exact
        through = ThroughUnknowns if exact.n <= exact.samples else ThroughSamples
        self._iteration: Iteration = through(age)
        self._lag = lag
        start = exact.at(y0)
        slope = np.asarray(fun(t0, y0)) if lag else start.descent
        square = float(slope @ slope)
        # a start at a fixed point never moves: any unit of time will do
        unit = min(2 * start.loss / square if square else t_bound, t_bound)
        self._clock = LogTime(unit or 1.0)
        self._weights = Weights(
            floor=min(start.loss, exact.mean_square_label or start.loss) or 1.0,
            kernel=start.trace / exact.samples / exact.n,
            parameters=parameters,
            relative=relative,
            tol=tol,
        )
        self._controller = Controller()
        self._tau, self._h = 0.0, 0.05 * math.sqrt(tol)
        self._end = self._clock.tau(t_bound)
        self._table = Differences(y0, self._h * self._clock.unit * slope)
        self._last = 0.0, start
        self._fastest = np.random.default_rng(0).standard_normal(len(y0) if lag else 0)
        self._steps = 0
        self.loss: float | None = None
        """Loss where the last step ends, linearised at its prediction; None where it is small or the force lags."""

    def _step_impl(self) -> tuple[bool, str | None]:
        """Make one step, as short as it has to be."""
        if self._lag and self._steps % LOOK == 0:
            self._look_at_the_edge()
        self._steps += 1
        if self._controller.due:
            self._reconsider(*self._last)
        while True:
            left = self._end - self._tau
            ends = left < self._h * (1 + 1e-9)
            if ends:
                self._stretch(left / self._h)
            if self._h < SHORTEST:
                return False, f"a step of {self._h:.1g} in ln t is still too long"
            order, tau = self._controller.order, self._end if ends else self._tau + self._h
            try:
                error, d, moved, here = self._attempt(order, tau)
            except TooLong:
                error = math.inf
            except AtTheEdge:
                raise self._beyond_stability() from None
            if error <= 1:
                break
            self._stretch(self._controller.shorter(error))
            self._iteration.renew()
        self._table.accept(order, d)
        self._tau, self._made = tau, order
        self.t, self.y = self.t_bound if ends else self._clock.t(tau), self._table.y.copy()
        self._controller.accepted()
        if error > max(STALE, 2 * self._last[0]):
            self._iteration.renew()
        self._last = error, here
        loss = float(np.mean((here.residual + moved) ** 2))
        self.loss = loss if not self._lag and self._weights.resolves(loss) else None
        return True, None

    # ---- the edge of stability

    def _look_at_the_edge(self) -> None:
        """Raise where the fastest decaying mode of J is too fast for the lag."""
        here = self._last[1]
        lowered = Lowered(here, here.curvature_norm())  # no mode grows faster than that
        rate, self._fastest = spectral_radius(lowered, self._fastest, POWER)
        if self._lag * (rate - lowered.by) > 1:
            raise self._beyond_stability()

    def _beyond_stability(self) -> BeyondStability:
        return BeyondStability(
            f"training comes to the edge of stability at t = {self.t:.6g}: the step that is corrected for, dt "
            f"{2 * self._lag:.6g}, is too long for its fastest mode; lower it, or use --optimizer modified_flow"
        )

    # ---- one step

    def _attempt(self, order: int, tau: float) -> tuple[float, Array, Array, Linearization]:
        """Return the error of a step, d and B d from the prediction, and the linearisation there."""
        predicted, history = self._table.predict(order)
        c = self._h * self._clock.rate(tau) / GAMMA[order]
        x, implicit = predicted - (self._lag / c) * history if self._lag else predicted, c - self._lag
        if self._precision.exact.small and implicit > 0:
            solved = self._precision.exact.compiled_step(x, history, c, implicit)
            if solved is not None:
                here, d, moved = solved
                return self._error(d, moved, here, predicted) / (order + 1), d, moved, here
        here = self._precision.at(x)
        if self._precision.due():
            missed, size = self._precision.rounding(here, x), self._precision.exact.size(x)
            # of a step the predictor feels no more than what r misses
            if not self._weights.error(rounded(c, self._lag) * missed, missed, self._loss_below(here), size) <= NOISE:
                self._precision.give_up()
                self._iteration.renew()
                return self._attempt(order, tau)
        goal = self._weights.unseen(self._loss_below(here)) * math.sqrt(len(here.residual))
        R = c * here.descent - history
        d, moved = self._iteration.solve(here, R, implicit, goal) if implicit > 0 else lagging(here, R, implicit)
        return self._error(d, moved, here, predicted) / (order + 1), d, moved, here

    def _error(self, d: Array, moved: Array, here: Linearization, z: Array) -> float:
        """Return the size of a change at z, in units of its tolerance."""
        square, mean = float(d @ d), float(moved @ moved) / len(moved)
        return self._weights.error(square, mean, self._loss_below(here), self._precision.exact.size(z))

    def _loss_below(self, here: Linearization) -> float:
        """Return a lower bound on the linearised loss at z from that at x (Cauchy, Schwarz); exact for one mode."""
        if not self._lag or not here.loss:
            return here.loss
        return here.loss * (1 - self._lag * float(here.descent @ here.descent) / (2 * here.loss)) ** 2

    # ---- between steps

    def _reconsider(self, error: float, here: Linearization) -> None:
        """Choose order and step from the estimated errors of three orders."""
        controller = self._controller
        errors = {controller.order: error}
        for order in controller.candidates():
            if order != controller.order:
                d = self._table.table[order + 1]
                errors[order] = self._error(d, here.jvp(d), here, self.y) / (order + 1)
        order, factor = controller.choose(errors)
        controller.changed(order)
        if factor != 1.0:
            self._stretch(factor)

    def _stretch(self, factor: float) -> None:
        """Change the step."""
        self._table.rescale(self._controller.order, factor)
        self._h *= factor
        self._controller.changed(self._controller.order)

    def _dense_output_impl(self) -> LogInterpolant:
        table = self._table.table[: self._made + 1].copy()
        return LogInterpolant(self.t_old, self.t, self._clock, self._tau, self._h, table)


def rounded(c: float, lag: float) -> float:
    r"""Return how large :math:`|d|^2` is at most, in units of the mean square by which the residuals are missed.

    A mode of rate :math:`\gamma \le 1/l` answers with :math:`2 c^2 \gamma / (1 + (c - l) \gamma)^2`.
    """
    return c * c / (2 * (c - lag)) if c >= 2 * lag else 2 * lag


class Lowered:
    """J - by I: all of its eigenvalues are negative, so that its largest is that of the fastest decay."""

    def __init__(self, J: Linearization, by: float) -> None:
        self._J, self.by = J, by

    def times(self, d: Array) -> Array:
        """Return the product with d, shape (n,)."""
        return self._J.times(d) - self.by * d


class LogInterpolant(scipy.integrate.DenseOutput):  # type: ignore[misc]
    """The polynomial in tau of one step's difference table."""

    def __init__(self, t_old: float, t: float, clock: LogTime, tau: float, h: float, table: Array) -> None:
        super().__init__(t_old, t)
        self._clock, self._tau, self._h = clock, tau, h
        self._table = table

    def _call_impl(self, t: Array) -> Array:
        steps = (self._tau - np.log1p(np.asarray(t) / self._clock.unit)) / self._h
        return np.asarray((weights(len(self._table) - 1, steps) @ self._table).T)
