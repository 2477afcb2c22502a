"""What optimizers give and solvers take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

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

    def time(self, k: int) -> float:
        """Return the flow time after k steps."""
        ...


@runtime_checkable
class Linearizable(Protocol):
    """An optimizer under which a mode of a linear problem decays in closed form."""

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
    """What a solver is asked for, with what it may need to choose its options.

    Parameters
    ----------
    rtol, atol : float
        Relative and absolute tolerance on z = alpha (V - V_0).
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
    """

    rtol: float
    atol: float
    t_max: float
    n: int
    order: int
    factor_seconds: float
    rhs_seconds: float
    rate: float
    memory: float


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
    jacobian : {"none", "dense", "structured"}
        What its ``jac`` option is given: nothing, a matrix, or a Jacobian object.
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
