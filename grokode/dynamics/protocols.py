"""What optimizers give and solvers take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .risks.jacobian import Jacobian

Array = NDArray[np.float64]


class Flow(Protocol):
    """Training in continuous time; y stacks theta - theta_0 and the optimizer's memories.

    It is the change of theta because at large alpha theta's own rounding is as large as what a stiff solver
    has to resolve.
    """

    memories: int
    real_spectrum: bool

    def start(self, moved: Array) -> Array:
        """Return y where theta has been moved from its start by so much, shape (1 + memories, r, D)."""
        ...

    def __call__(self, t: float, y: Array) -> Array:
        """Return dy/dt, shape (1 + memories, r, D)."""
        ...

    def jacobian(self, t: float, y: Array) -> Jacobian:
        """Return d(dy/dt)/dy."""
        ...

    def jacobian_cost(self, n: int) -> tuple[int, float]:
        """Return the order of the matrix that is factorised, and the operations of one factorisation."""
        ...


class Map(Protocol):
    """Training in steps; y stacks theta and the optimizer's memories, y[0] = theta."""

    memories: int

    def step(self, k: int, y: Array) -> Array:
        """Return y after step k (k = 0 is the first)."""
        ...

    def advance(self, k: int, end: int, y: Array) -> Array:
        """Return y after steps k to end - 1, bit for bit as they are made one by one."""
        ...

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        ...


class Linearization(Protocol):
    """Residuals of P samples at one z, and products with their derivative B."""

    loss: float
    residual: Array

    @property
    def descent(self) -> Array:
        """Minus the gradient of the mean square, shape (n,)."""
        ...

    @property
    def trace(self) -> float:
        """Trace of B B^T."""
        ...

    def jvp(self, d: Array) -> Array:
        """Return B d, shape (P,)."""
        ...

    def vjp(self, w: Array) -> Array:
        """Return B^T w, shape (n,)."""
        ...

    def times(self, d: Array) -> Array:
        """Return J d with the exact Jacobian of the gradient flow, shape (n,)."""
        ...

    def kernel(self) -> NDArray[np.floating[Any]]:
        """Return B B^T, shape (P, P)."""
        ...

    @property
    def curvature_at_most(self) -> float:
        """Bound on the part of the Jacobian that is not of Gauss-Newton form, for one pass over the residuals."""
        ...

    def curvature_norm(self) -> float:
        """Return a closer bound, at the price of products."""
        ...

    def hessian(self) -> Jacobian:
        """Return the exact Jacobian of the gradient flow."""
        ...

    def curved(self, c: float) -> Curved:
        """Return what the curvature makes of a solve with I - c J through the samples."""
        ...


class Curved(Protocol):
    """A solve with I - c J through the samples, curvature included (J2)."""

    kernel: NDArray[np.floating[Any]]
    negative: int

    def times(self, d: Array) -> Array:
        """Return d S, shape (n,)."""
        ...


class Residuals(Protocol):
    """A mean of squares whose gradient flow in z = alpha (theta - theta_0) is integrated."""

    @property
    def n(self) -> int:
        """Number of unknowns."""
        ...

    @property
    def samples(self) -> int:
        """Number of squares P."""
        ...

    @property
    def mean_square_label(self) -> float:
        """Mean of y^2."""
        ...

    def size(self, z: Array) -> float:
        """Scale of the relative changes of theta, in units of z^2."""
        ...

    @property
    def small(self) -> bool:
        """Whether a compiled step is worth it."""
        ...

    def at(self, z: Array) -> Linearization:
        """Return the residuals and their derivative at z, shape (n,)."""
        ...

    def compiled_step(
        self, z: Array, history: Array, c: float, implicit: float
    ) -> tuple[Linearization, Array, Array] | None:
        """Solve (I - implicit J) d = c dz/dt - history at z; return what is there, d, B d, or None where it is hard."""
        ...


@runtime_checkable
class LeastSquares(Protocol):
    """A flow down the gradient of a mean of finitely many squares."""

    @property
    def lag(self) -> float:
        """The time by which the force lags: it is that of y - lag dy/dt; 0 for the gradient flow."""
        ...

    def residuals(self, dtype: type[np.floating[Any]]) -> Residuals:
        """Return the residuals as a function of z, with matrix products in a precision."""
        ...


@runtime_checkable
class Linearizable(Protocol):
    """An optimizer that may know in closed form how a mode of a linear problem decays."""

    steps: ClassVar[bool]

    @property
    def closed_form(self) -> bool:
        """Whether it does, with the parameters it has."""
        ...

    def decay(self, rates: Array, t: Array, dt: float | None) -> Array:
        """Return what is left of modes that decay at these rates in the flow, shape (T, K).

        Parameters
        ----------
        rates : ndarray, shape (K,)
            In units of inverse flow time.
        t : ndarray, shape (T,)
            Flow times.
        dt : float or None
            Flow time of a step.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    r"""What a solver is asked for, with what it may need to choose its options.

    Parameters
    ----------
    asked : float
        The relative tolerance that was asked for; the default one promises err <= 3e-3.
    rtol, atol : float
        Relative and absolute tolerance on z = alpha (V - V_0) for a solver that controls each component.
    t_max : float
        End of the flow time.
    n : int
        Number of unknowns.
    order : int
        Order of the matrix that a solve with the Jacobian factorises.
    factor_seconds : float
        Estimated time of one such factorisation.
    rhs_seconds : float
        Estimated time of one right-hand side, from its operations: a choice that were made by a stopwatch
        would not be made again.
    rate : float
        Upper estimate of the largest rate of the flow, for choosing a method only.
    memory : float
        Bytes that are free.
    samples : int
        Squares P in the mean whose gradient moves it; 0 where the flow is no such thing.
    lag : float
        Time by which that gradient lags, see ``LeastSquares``.
    real_spectrum : bool
        Whether the Jacobian's eigenvalues are real.
    offset : float
        :math:`L(0) / \langle y^2 \rangle`, how much larger than the labels the residuals are at the start.
    """

    asked: float
    rtol: float
    atol: float
    t_max: float
    n: int
    order: int
    factor_seconds: float
    rhs_seconds: float
    rate: float
    memory: float
    samples: int
    lag: float
    real_spectrum: bool
    offset: float


class Solver(Protocol):
    """A choice of integrator for flows."""

    def method(self, demand: Demand) -> Method:
        """Return what integrates, and with which options."""
        ...


@dataclass(frozen=True, slots=True)
class Method:
    """An integrator, ready to be stepped.

    Parameters
    ----------
    name : str
        Reported as ``solver.method``.
    cls : type
        An ``OdeSolver`` class that also plugs into ``scipy.integrate.solve_ivp``.
    jacobian : {"none", "dense", "structured", "residuals"}
        What of the derivative it is given: nothing, ``jac`` as a matrix or as a Jacobian object, or ``residuals``.
    options : mapping
        Further keyword arguments.
    seconds : float
        Estimated time of the whole integration.
    """

    name: str
    cls: type[Any]
    jacobian: str
    options: Mapping[str, Any]
    seconds: float
