"""The kernel on a sample along a run: its norms, its drift from the start, its alignments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..model.features import MonomialFeatures, gram, projected
from ..model.network import Network
from ..model.quadratic import Monomials
from ..model.states.factor import FactorState
from .alignment import cosine

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelReading:
    r"""The kernel's matrix K on a sample, in numbers.

    Parameters
    ----------
    norm, norm_linear, norm_cross, norm_quadratic : float
        Frobenius norms of K and of its three terms, in units of inverse flow time.
    drift : float
        :math:`\|K - K_0\|_F`.
    drift_scale : float
        :math:`(s - 1) \|K_0\|_F`, where s K_0 is the multiple of K_0 that is nearest to K: negative where K shrinks.
    drift_rotation : float
        :math:`\|K - s K_0\|_F`, so that drift^2 = drift_scale^2 + drift_rotation^2.
    alignment_sample, alignment_column_centered, alignment_centered : float
        As in ``alignment``; 0 where centring leaves less than 3e-7 of the norm (inputs whose mean is a thousand times
        their spread), which sums over pairs do not resolve.
    """

    norm: float
    norm_linear: float
    norm_cross: float
    norm_quadratic: float
    drift: float
    drift_scale: float
    drift_rotation: float
    alignment_sample: float
    alignment_column_centered: float
    alignment_centered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """What the two spaces compute, each in its way, for K = K_0 + dK."""

    squared: float  # ||K_0||^2
    overlap: float  # <K_0, dK>
    moved: float  # ||dK||^2
    cross: float  # ||K_cross||^2
    quadratic: float  # ||K_quadratic||^2
    columns: float  # |1^T K|^2
    total: float  # 1^T K 1
    label: float  # y^T K y
    label_total: float  # y^T K 1


class SampleKernel:
    """The kernel on a sample, at any state that shares its ``a`` with the start.

    Parameters
    ----------
    network : Network
    start : FactorState
        Where drift is measured from.
    X : ndarray, shape (P, D)
    y : ndarray, shape (P,)
        What alignment is measured with.

    Notes
    -----
    Up to P = F/2 samples, F = D (D+3)/2, the P x P matrix is formed: 2 P^2 D operations a reading, 48 P^2 bytes.
    Beyond, it is not: moments take 2 P F^2 + 2 F^3 operations once, then 4 F^2 a reading and 40 F^2 bytes.
    """

    def __init__(self, network: Network, start: FactorState, X: Array, y: Array) -> None:
        space = _InSamples if in_samples(*X.shape) else _InMonomials
        self._space: _Space = space(network, start, X, y)
        self._P, self._mean, self._squared = len(y), float(np.mean(y)), float(y @ y)
        self._centered = float(np.sum((y - self._mean) ** 2))
        self._linear = self._space.linear

    def read(self, state: FactorState) -> KernelReading:
        """Return the kernel's numbers at a state."""
        sums, P, mean = self._space.sums(state), self._P, self._mean
        squared = sums.squared + 2 * sums.overlap + sums.moved
        columns = squared - sums.columns / P
        centered = squared - 2 * sums.columns / P + (sums.total / P) ** 2
        # where samples are equal these differences are rounding
        columns, centered = (left if left > ROUNDING * squared else 0.0 for left in (columns, centered))
        scale = sums.overlap / math.sqrt(sums.squared) if sums.squared else 0.0
        return KernelReading(
            norm=_root(squared),
            norm_linear=_root(self._linear),
            norm_cross=_root(sums.cross),
            norm_quadratic=_root(sums.quadratic),
            drift=_root(sums.moved),
            drift_scale=scale,
            drift_rotation=_root(sums.moved - scale**2),
            alignment_sample=cosine(sums.label, squared, self._squared),
            alignment_column_centered=cosine(sums.label - mean * sums.label_total, columns, self._squared),
            alignment_centered=cosine(
                sums.label - 2 * mean * sums.label_total + mean**2 * sums.total, centered, self._centered
            ),
        )


ROUNDING = 1e-13
"""Of a squared norm: what sums over pairs of samples lose."""


def in_samples(P: int, D: int) -> bool:
    """Whether readings form the P x P matrix; beyond half as many samples as monomials those are cheaper."""
    return Monomials(D).size >= 2 * P


def _root(square: float) -> float:
    return math.sqrt(max(square, 0.0))


class _Space(Protocol):
    linear: float  # ||K_linear||^2

    def __init__(self, network: Network, start: FactorState, X: Array, y: Array) -> None: ...

    def sums(self, state: FactorState) -> _Sums: ...


class _InSamples:
    """The P x P matrix itself; of the cross term, a sum of two one-sided ones, only products with it are formed."""

    def __init__(self, network: Network, start: FactorState, X: Array, y: Array) -> None:
        self._eps, self._start, self._X, self._y = network.eps, start, X, y
        self._G, _, self._quadratic = start.kernel_terms(network, X, X)
        self._K0 = start.kernel(network, X, X)
        self._G2 = self._G**2
        self._sums_G2, self._on_ones, self._on_y = self._G2.sum(axis=0), self._G.sum(axis=0), self._G @ y
        self.linear = float(self._sums_G2.sum())
        self._squared, self._squared_quadratic = (float(np.vdot(A, A)) for A in (self._K0, self._quadratic))
        self._K0_columns, self._K0_on_y = self._K0.sum(axis=0), self._K0 @ y
        self._K0_G = np.sum(self._K0 * self._G, axis=1)

    def sums(self, state: FactorState) -> _Sums:
        X, y, G, eps = self._X, self._y, self._G, self._eps
        u, du = eps * (X @ state.wbar), eps * (X @ (state.wbar - self._start.wbar))
        dQ = (X @ (eps**2 * (state.M - self._start.M))) @ X.T
        dQ *= G  # the change of the quadratic term; that of the cross term is G (du_mu + du_nu)
        squared = float(np.vdot(dQ, dQ))
        columns = self._K0_columns + dQ.sum(axis=0) + G @ du + du * self._on_ones
        on_y = self._K0_on_y + dQ @ y + du * self._on_y + G @ (du * y)
        return _Sums(
            squared=self._squared,
            overlap=float(np.vdot(self._K0, dQ) + 2 * du @ self._K0_G),
            moved=squared + 4 * float(du @ np.einsum("mn,mn->m", dQ, G)) + self._cross(du),
            cross=self._cross(u),
            quadratic=self._squared_quadratic + 2 * float(np.vdot(self._quadratic, dQ)) + squared,
            columns=float(columns @ columns),
            total=float(columns.sum()),
            label=float(y @ on_y),
            label_total=float(columns @ y),
        )

    def _cross(self, u: Array) -> float:
        """Squared norm of G (u_mu + u_nu)."""
        return float(2 * (u**2 @ self._sums_G2 + u @ (self._G2 @ u)))


class _InMonomials:
    r"""Products of kernels from moments of the sample up to order four, without a P x P matrix.

    A kernel is a combination of basis kernels, :math:`x \cdot x'` times 1, :math:`x_i + x'_i` and
    :math:`x^T E_p x'`, with coefficients :math:`(1, \epsilon \bar w, \epsilon^2 \mathrm{svec} M)`. With
    :math:`N = S_q^T S_q`, of the quadratic rows of :math:`S = \Phi^T \Phi`, the products of the quadratic ones are
    :math:`\langle x_i x'_j, x_k x'_l \rangle = N_{(ik), (jl)}`; the others likewise (K18).
    """

    def __init__(self, network: Network, start: FactorState, X: Array, y: Array) -> None:
        self._network, self._start = network, start
        D = X.shape[1]
        self._monomials = monomials = Monomials(D)
        features = MonomialFeatures(network, start)
        self._S = S = gram(features, X)
        ends = projected(features, X, np.column_stack([np.ones(len(y)), y]))
        self._ends = monomials.functions(ends), ends
        second = ends[D:, 0]  # svec of the sum of x x^T
        N, on_second = S[D:].T @ S[D:], S[D:].T @ second
        of = monomials.functions(np.column_stack([on_second, N[:, :D]]))
        # of.S[0] is the sum over ab of S4_abij S2_ab, of.S[1 + j] that of S4_abki S3_abj, as a matrix in (k, i)
        self.linear = float(second @ second)
        self._linear_cross = 2 * on_second[:D]
        self._cross = 2 * of.S[0] + 2 * N[:D, :D]
        self._linear_quadratic = monomials.svec(N[:D, :D])
        turned = of.S[1:].transpose(1, 2, 0)  # (k, i, j)
        self._cross_quadratic = monomials.svec(turned + turned.transpose(0, 2, 1))
        self._quadratic = monomials.crossed(N[D:, D:])
        w, m = network.eps * start.wbar, network.eps**2 * monomials.svec(start.M)
        # products of the start with every basis kernel
        self._on_cross = self._linear_cross + self._cross @ w + self._cross_quadratic @ m
        self._on_quadratic = self._linear_quadratic + w @ self._cross_quadratic
        self._quadratic_m = self._quadratic @ m
        self._on_quadratic += self._quadratic_m
        self._squared_quadratic = float(m @ self._quadratic_m)
        self._squared = float(
            self.linear + w @ (self._linear_cross + self._on_cross) + m @ (self._linear_quadratic + self._on_quadratic)
        )

    def sums(self, state: FactorState) -> _Sums:
        eps, start, (functions, ends) = self._network.eps, self._start, self._ends
        w, dw = eps * state.wbar, eps * (state.wbar - start.wbar)
        dm = eps**2 * self._monomials.svec(state.M - start.M)
        turned = self._quadratic @ dm
        mapped = self._monomials.coefficients(state.kernel_map(self._network, functions))
        (total, label_total), (_, label) = ends.T @ mapped
        return _Sums(
            squared=self._squared,
            overlap=float(self._on_cross @ dw + self._on_quadratic @ dm),
            moved=float(dw @ (self._cross @ dw) + 2 * dw @ (self._cross_quadratic @ dm) + dm @ turned),
            cross=float(w @ (self._cross @ w)),
            quadratic=float(self._squared_quadratic + 2 * self._quadratic_m @ dm + dm @ turned),
            columns=float(mapped[:, 0] @ (self._S @ mapped[:, 0])),
            total=float(total),
            label=float(label),
            label_total=float(label_total),
        )
