"""The initial kernel over the whole law of the inputs: its eigenvalues, and the task's power in them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..memory import refuse
from ..model.features import MonomialFeatures
from ..model.kernel import eigenpairs, needed_bytes
from ..model.network import Network
from ..model.quadratic import Monomials, QuadraticFunctions
from ..model.states.factor import FactorState
from ..task.inputs.gaussian import Gaussian
from ..task.system import Law

Array = NDArray[np.float64]


class Level(NamedTuple):
    """One distinct eigenvalue: how many eigenfunctions have it, and the task's power in all of them."""

    eigenvalue: float
    multiplicity: int
    power: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PopulationSpectrum:
    r"""Eigenvalues of the kernel's integral operator, :math:`\langle K(x, x') \phi(x) \rangle = \lambda \phi(x')`.

    Parameters
    ----------
    eigenvalues : ndarray, shape (K,)
        Decreasing, all above rounding, in units of inverse flow time.
    power : ndarray, shape (K,)
        :math:`v_k^2 = \langle \phi_k (y - f_0) \rangle^2` for normalized eigenfunctions: what of the task each holds.
    outside : float
        The task's power outside of all of them: no linearised network learns it.
    """

    eigenvalues: Array
    power: Array
    outside: float

    @property
    def mean_square(self) -> float:
        """Mean square of the task, the loss of the predictor at the start."""
        return float(self.power.sum()) + self.outside

    def levels(self, tolerance: float = 1e-6) -> list[Level]:
        """Gather eigenvalues that agree to a relative tolerance."""
        if not len(self.eigenvalues):
            return []
        starts = np.r_[0, 1 + np.flatnonzero(-np.diff(self.eigenvalues) > tolerance * self.eigenvalues[:-1])]
        counts = np.diff(np.r_[starts, len(self.eigenvalues)])
        means, powers = (np.add.reduceat(values, starts) for values in (self.eigenvalues, self.power))
        return [Level(float(m / n), int(n), float(p)) for m, n, p in zip(means, counts, powers, strict=True)]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PopulationModes:
    r"""Eigenfunctions of the kernel's integral operator.

    Parameters
    ----------
    spectrum : PopulationSpectrum
    components : ndarray, shape (K,)
        :math:`v_k = \langle \phi_k (y - f_0) \rangle`, of the task on normalized eigenfunctions.
    functions : callable
        From coefficients, shape (K, T), to the combinations :math:`\sum_k c_{kt} \phi_k` as functions of the inputs.
    """

    spectrum: PopulationSpectrum
    components: Array
    functions: Callable[[Array], QuadraticFunctions]


def population_modes(network: Network, start: FactorState, law: Law) -> PopulationModes:
    r"""Decompose the initial kernel over Gaussian inputs of any covariance.

    On the monomials :math:`\phi` the operator is :math:`\langle \phi \phi^T \rangle Q`, with the metric Q of the
    kernel (K16). An isotropic start (:math:`\bar w = 0`, M a multiple of I, as at infinite width) leaves one D x D
    block to decompose, whatever the covariance; for isotropic inputs its eigenvalues are then 1/D,
    :math:`2\epsilon^2/D^2` and :math:`\epsilon^2(D+2)/D^2` (S2, S8, S12).

    Parameters
    ----------
    network : Network
    start : FactorState
    law : Law
        Its target is the task, less the predictor at the start where that is not subtracted (uncentred).

    Returns
    -------
    PopulationModes

    Raises
    ------
    InvalidInput
        If dimensions differ, or it does not fit into memory.

    Notes
    -----
    Any other start takes 10 F^3 operations and 72 F^2 bytes, F = D (D+3)/2: about 40 s and 2 GB at D = 100.
    """
    if law.inputs.dim != start.V.shape[1]:
        raise InvalidInput(
            f"the start has dimension {start.V.shape[1]} and the inputs {law.inputs.dim}; make them equal"
        )
    refuse(
        needed_bytes("monomials", spectrum_order(start)),
        "the kernel over the law of the inputs",
        "lower dim, or take width inf",
    )
    kept = 0.0 if network.centered else network.alpha
    b, B = law.target.b - kept * start.wbar, law.target.B - kept * network.eps * start.M
    c = law.target.c - (0.0 if network.centered else network.constant)
    axes = _Axes.of(law.inputs)
    if not len(axes.variances):
        return _gather(np.zeros(0), np.zeros(0), c**2, lambda full: _flat(full.shape[1], start.V.shape[1]))
    turned = start.V @ axes.vectors
    task = _Task(c, b @ axes.vectors, axes.vectors.T @ B @ axes.vectors)
    isotropic = _isotropic(start)
    if isotropic is not None:
        modes = _closed(axes, network.eps**2 * isotropic, task)
    else:
        modes = _dense(axes, network, FactorState(start.a, turned), task)
    return dataclasses.replace(modes, functions=lambda coefficients: axes.turn_back(modes.functions(coefficients)))


def population_spectrum(network: Network, start: FactorState, law: Law) -> PopulationSpectrum:
    """Return the eigenvalues of ``population_modes``, with the task's power; parameters and raises are its own."""
    return population_modes(network, start, law).spectrum


def spectrum_order(start: FactorState) -> int:
    """Order of the largest matrix that ``population_spectrum`` decomposes."""
    D = start.V.shape[1]
    return D if _isotropic(start) is not None else Monomials(D).size


def _isotropic(start: FactorState) -> float | None:
    """Return m where M = m I and the mean weight is zero, exactly."""
    m = float(start.M[0, 0])
    return m if not start.wbar.any() and np.array_equal(start.M, m * np.eye(len(start.M))) else None


class _Task(NamedTuple):
    """A quadratic function c + b.x + x^T B x / 2 in the axes of the inputs."""

    c: float
    b: Array
    B: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Axes:
    """Axes in which the inputs' coordinates are independent; those without variance are left out.

    Parameters
    ----------
    variances : ndarray, shape (d,)
    vectors : ndarray, shape (D, d)
    """

    variances: Array
    vectors: Array

    @classmethod
    def of(cls, inputs: Gaussian) -> _Axes:
        if inputs.Sigma.ndim == 1:
            variances, vectors = inputs.Sigma, np.eye(inputs.dim)
        else:
            variances, vectors = np.linalg.eigh(inputs.Sigma)
        kept = variances > 1e-14 * np.max(variances, initial=0.0)
        return cls(variances[kept], vectors[:, kept])

    @property
    def radial(self) -> float:
        r"""The number gamma of :math:`(I + \gamma 1 1^T)^2 = I + \tfrac12 1 1^T` (S18).

        The moments :math:`2 s_i^2 \delta_{ij} + s_i s_j` of the squares are that matrix between
        :math:`\sqrt2\, \mathrm{diag}(s)`, so this is their square root.
        """
        d = len(self.variances)
        return (math.sqrt(1 + d / 2) - 1) / d

    def root(self) -> Array:
        """Square root L of the moments of the squares x_i^2, shape (d, d)."""
        d = len(self.variances)
        return math.sqrt(2) * self.variances[:, None] * (np.eye(d) + self.radial)

    def turn_back(self, functions: QuadraticFunctions) -> QuadraticFunctions:
        """Return functions of these axes as functions of the inputs."""
        axes = self.vectors
        return QuadraticFunctions(functions.b @ axes.T, axes @ functions.S @ axes.T)

    def constant(self) -> tuple[float, float]:
        """Return the constant function's component on every column of that root, and its power outside of them."""
        d = len(self.variances)
        return 1 / (math.sqrt(2) * (1 + self.radial * d)), 2 / (2 + d)


def _closed(axes: _Axes, quadratic: float, task: _Task) -> PopulationModes:
    """Decompose x.x' + quadratic (x.x')^2."""
    s, L = axes.variances, axes.root()
    d, (i, j) = len(s), np.triu_indices(len(s), 1)
    component, outside = axes.constant()
    on_L = L.T @ np.diag(task.B) / 2 + task.c * component
    squares, E, _ = eigenpairs(quadratic * (L.T @ L), d)
    on_squares = E.T @ on_L
    values = np.concatenate([s, 2 * quadratic * s[i] * s[j], squares])
    components = np.concatenate([np.sqrt(s) * task.b, np.sqrt(s[i] * s[j]) * task.B[i, j], on_squares])

    def functions(full: Array) -> QuadraticFunctions:
        linear, products, radial = np.split(full, [d, d + len(i)])
        S = np.zeros((full.shape[1], d, d))
        S[:, i, j] = S[:, j, i] = (products / np.sqrt(s[i] * s[j])[:, None]).T / 2
        S[:, range(d), range(d)] = np.linalg.solve(L.T, E @ radial).T
        return QuadraticFunctions((linear / np.sqrt(s)[:, None]).T, S)

    return _gather(values, components, task.c**2 * outside + float(np.sum((on_L - E @ on_squares) ** 2)), functions)


def _dense(axes: _Axes, network: Network, start: FactorState, task: _Task) -> PopulationModes:
    """Decompose the operator on all monomials of the axes."""
    s = axes.variances
    d = len(s)
    monomials = Monomials(d)
    i, j = monomials.triangle
    square = d + np.flatnonzero(i == j)
    scales = np.concatenate([np.sqrt(s), np.sqrt(2 * s[i] * s[j])])
    L, root = np.diag(scales), axes.root()
    L[np.ix_(square, square)] = root
    component, outside = axes.constant()
    on_L = L.T @ monomials.coefficients(QuadraticFunctions(task.b[None], task.B[None] / 2))[:, 0]
    on_L[square] += task.c * component
    QL = MonomialFeatures(network, start).map(L)
    values, E, _ = eigenpairs(L.T @ QL, len(L))
    components = E.T @ on_L

    def functions(full: Array) -> QuadraticFunctions:
        combined = E @ full
        theta = combined / scales[:, None]  # L^-T, but for the squares
        theta[square] = np.linalg.solve(root.T, combined[square])
        return monomials.functions(theta)

    return _gather(values, components, task.c**2 * outside + float(np.sum((on_L - E @ components) ** 2)), functions)


def _gather(
    values: Array, components: Array, outside: float, functions: Callable[[Array], QuadraticFunctions]
) -> PopulationModes:
    """Sort, and leave out what has no eigenvalue."""
    order = np.argsort(-values, kind="stable")
    kept = order[values[order] > 0]
    zero = float(np.sum(components[values <= 0] ** 2))

    def of_kept(coefficients: Array) -> QuadraticFunctions:
        full = np.zeros((len(values), coefficients.shape[1]))
        full[kept] = coefficients
        return functions(full)

    spectrum = PopulationSpectrum(eigenvalues=values[kept], power=components[kept] ** 2, outside=outside + zero)
    return PopulationModes(spectrum=spectrum, components=components[kept], functions=of_kept)


def _flat(count: int, dim: int) -> QuadraticFunctions:
    """Return functions that vanish."""
    return QuadraticFunctions(np.zeros((count, dim)), np.zeros((count, dim, dim)))
