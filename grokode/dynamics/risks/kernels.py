"""All compiled kernels; one module, because a cache does not see edits in an imported one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Real = NDArray[np.floating[Any]]
F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile with a cache on disk, or without one where no directory can be written."""
    try:
        return cast(F, numba.njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # "no locator available": a read-only install and an unwritable home
        return cast(F, numba.njit(error_model="numpy")(function))


@compiled
def residuals(dH: Array, H0: Array, a: Array, offset: Array, alpha: float, eps: float, residual: Array) -> float:
    """Fill ``residual`` and return the loss; dH = (V - V0) X^T, nothing cancels at large alpha.

    residual_mu = offset_mu + alpha sum_i dH_i,mu (a_i + eps (H0_i,mu + dH_i,mu / 2)).
    """
    r, P = dH.shape
    for m in range(P):
        residual[m] = offset[m]
    for i in range(r):
        for m in range(P):
            residual[m] += alpha * dH[i, m] * (a[i] + eps * (H0[i, m] + 0.5 * dH[i, m]))
    total = 0.0
    for m in range(P):
        total += residual[m] * residual[m]
    mean: float = total / P
    return mean


@compiled
def population_sums(
    u0: Array, u1: Array, u_scale: float, R0: Array, R1: Array, R_scale: float, sigma: Array
) -> tuple[float, float, float]:
    """Return tr(R Sigma), u^T Sigma u and tr(R Sigma R Sigma) of u = u0 + scale u1, R alike, and a diagonal Sigma.

    R0 and R1 are symmetric.
    """
    trace = linear = square = 0.0
    for i in range(len(sigma)):
        u = u0[i] + u_scale * u1[i]
        linear += u * u * sigma[i]
        row = 0.0
        for j in range(i):
            R = R0[i, j] + R_scale * R1[i, j]
            row += R * R * sigma[j]
        R = R0[i, i] + R_scale * R1[i, i]
        trace += R * sigma[i]
        square += (2 * row + R * R * sigma[i]) * sigma[i]
    return trace, linear, square


@compiled
def loss_force(
    dV: Array,
    X: Array,
    XT: Array,
    H0: Array,
    a: Array,
    offset: Array,
    alpha: float,
    eps: float,
    dH: Array,
    residual: Array,
    force: Array,
) -> float:
    """Two products with one fused pass between them; fills ``force`` and returns the loss.

    dV = V - V0; dH (r, P) and residual (P,) are scratch.
    """
    r, P = dH.shape
    np.dot(dV, XT, dH)
    loss = residuals(dH, H0, a, offset, alpha, eps, residual)
    scale = -2.0 / (alpha * P)
    for m in range(P):
        residual[m] *= scale
    for i in range(r):
        for m in range(P):
            dH[i, m] = residual[m] * (a[i] + eps * (H0[i, m] + dH[i, m]))
    np.dot(dH, X, force)
    return loss


@compiled
def descend(
    y: Array,
    V0: Array,
    sizes: Array,
    momentum: float,
    nesterov: bool,
    coupled: float,
    shrinking: float,
    X: Array,
    XT: Array,
    H0: Array,
    a: Array,
    offset: Array,
    alpha: float,
    eps: float,
    dH: Array,
    residual: Array,
) -> None:
    """Make full-batch steps of the given sizes in place; y stacks V and, where there is momentum, its memory U.

    S = coupled V - F, U <- momentum U + S, V <- (1 - size shrinking) V - size (U, or S + momentum U by Nesterov).
    """
    dV, force = np.empty_like(V0), np.empty_like(V0)
    rows, columns = V0.shape
    for size in sizes:
        for i in range(rows):
            for j in range(columns):
                dV[i, j] = y[0, i, j] - V0[i, j]
        loss_force(dV, X, XT, H0, a, offset, alpha, eps, dH, residual, force)
        for i in range(rows):
            for j in range(columns):
                slope = coupled * y[0, i, j] - force[i, j]
                ahead = slope
                if momentum:
                    y[1, i, j] = momentum * y[1, i, j] + slope
                    ahead = slope + momentum * y[1, i, j] if nesterov else y[1, i, j]
                y[0, i, j] = (1.0 - size * shrinking) * y[0, i, j] - size * ahead


@compiled
def extrapolate(table: Array, order: int, scale: Array, predicted: Array, history: Array) -> None:
    """Fill the sum of the differences (m, n) up to an order, and that of those from 1 on times their scale."""
    n = table.shape[1]
    for i in range(n):
        predicted[i], history[i] = table[0, i], 0.0
    for m in range(1, order + 1):
        for i in range(n):
            predicted[i] += table[m, i]
            history[i] += scale[m] * table[m, i]


@compiled
def move_on(table: Array, order: int, d: Array) -> None:
    """Move the differences (m, n) of an order one step on, to the value that is the extrapolation plus d (n,)."""
    n = table.shape[1]
    for i in range(n):
        table[order + 2, i] = d[i] - table[order + 1, i]
        table[order + 1, i] = d[i]
    for j in range(order, -1, -1):
        for i in range(n):
            table[j, i] += table[j + 1, i]


@compiled
def linearize(dH: Real, H0: Real, a: Real, offset: Array, alpha: float, eps: float, residual: Array) -> float:
    """Turn dH = z X^T into the slopes C = a + eps (H0 + dH / alpha), fill ``residual`` and return the loss.

    residual_mu = offset_mu + sum_i dH_i,mu (a_i + eps (H0_i,mu + dH_i,mu / (2 alpha))), summed in float64.
    """
    r, P = dH.shape
    for m in range(P):
        residual[m] = offset[m]
    scale = dH.dtype.type(eps / alpha)
    slope = dH.dtype.type(eps)
    half = dH.dtype.type(0.5)
    for i in range(r):
        for m in range(P):
            moved = scale * dH[i, m]
            start = a[i] + slope * H0[i, m]
            residual[m] += dH[i, m] * (start + half * moved)
            dH[i, m] = start + moved
    total = 0.0
    for m in range(P):
        total += residual[m] * residual[m]
    mean: float = total / P
    return mean


@compiled
def weigh(C: Real, w: Array, out: Real) -> None:
    """Fill ``out`` with the columns of C times w."""
    r, P = C.shape
    for i in range(r):
        for m in range(P):
            out[i, m] = C[i, m] * C.dtype.type(w[m])


@compiled
def column_dots(C: Real, E: Real) -> Array:
    """Inner products of the columns of two matrices, summed in float64."""
    r, P = C.shape
    dots = np.zeros(P)
    for i in range(r):
        for m in range(P):
            dots[m] += C[i, m] * E[i, m]
    return dots


@compiled
def solve_positive(A: Real, b: Array) -> bool:
    """Overwrite b (n,) with the solution of A b' = b; False where A is not positive definite."""
    try:
        L = np.linalg.cholesky(A)
    except Exception:  # the one class that a kernel can catch; Cholesky raises nothing else
        return False
    n = len(b)
    for k in range(n):
        total = b[k]
        for j in range(k):
            total -= L[k, j] * b[j]
        b[k] = total / L[k, k]
    for k in range(n - 1, -1, -1):
        b[k] /= L[k, k]
        for j in range(k):
            b[j] -= L[k, j] * b[k]
    return True


@compiled
def step_through_unknowns(C: Array, X: Array, G: Array, c: float, d: Array) -> bool:
    """Overwrite d (r, D) with the solution of (I + 2c/P B^T B + I x G) d' = d; G is c times the G' of (J1)."""
    r, P = C.shape
    D = X.shape[1]
    B = np.empty((P, r * D))
    for m in range(P):
        for i in range(r):
            for j in range(D):
                B[m, i * D + j] = C[i, m] * X[m, j]
    A = np.dot(B.T, B)
    for i in range(r * D):
        for j in range(r * D):
            A[i, j] *= 2.0 * c / P
        A[i, i] += 1.0
        for j in range(D):
            A[i, i // D * D + j] += G[i % D, j]
    return solve_positive(A, d.reshape(r * D))


@compiled
def step_through_samples(C: Array, X: Array, XT: Array, G: Array, c: float, d: Array) -> bool:
    """Do the same through the P x P kernel: with S = (I + G)^-1, d' = dS - B^T w S, (K + P/(2c)) w = B dS (J2)."""
    P, D = X.shape
    for j in range(D):
        G[j, j] += 1.0
    if not solve_positive(G, np.zeros(D)):
        return False
    S = np.linalg.inv(G)
    K = np.dot(np.dot(X, S), XT)
    K *= np.dot(C.T, C)
    for m in range(P):
        K[m, m] += P / (2.0 * c)
    d[:] = np.dot(d, S)
    weighted = np.dot(d, XT)
    w = column_dots(C, weighted)
    if not solve_positive(K, w):
        return False
    weigh(C, w, weighted)
    d -= np.dot(np.dot(weighted, X), S)
    return True


@compiled
def linear_step(
    z: Array,
    history: Array,
    c: float,
    implicit: float,
    X: Array,
    XT: Array,
    H0: Array,
    a: Array,
    offset: Array,
    alpha: float,
    eps: float,
    C: Array,
    residual: Array,
    d: Array,
    moved: Array,
) -> float:
    """Fill the solution d of (I - implicit J) d = c dz/dt - history with the exact J at z, and moved = B d.

    Fills C and ``residual`` as ``linearize`` does. Returns the loss, NaN where I - implicit J has to be looked at more
    closely.
    """
    P = len(residual)
    np.dot(z, XT, C)
    loss = linearize(C, H0, a, offset, alpha, eps, residual)
    weighted = np.empty_like(C)
    weigh(C, -2.0 * c / P * residual, weighted)
    np.dot(weighted, X, d)
    d -= history
    columns = np.empty_like(XT)
    weigh(XT, implicit * 2.0 * eps / (alpha * P) * residual, columns)
    G = np.dot(columns, X)
    if d.size <= P:
        solved = step_through_unknowns(C, X, G, implicit, d)
    else:
        solved = step_through_samples(C, X, XT, G, implicit, d)
    np.dot(d, XT, weighted)
    moved[:] = column_dots(C, weighted)
    return loss if solved else np.nan


@compiled
def neuron_residuals(
    dH: Array,
    H0: Array,
    u: Array,
    du: Array,
    taylor: Array,
    offset: Array,
    scale: float,
    trained: bool,
    residual: Array,
) -> float:
    """Fill ``residual`` and return the loss of real neurons; dH (P, N), and nothing cancels at large alpha.

    residual_mu = offset_mu + scale sum_i (u_i (phi(H0 + dH) - phi(H0)) + du_i phi(H0)); row j of ``taylor`` has the
    coefficients of the j-th derivative of phi over j!, lowest first.
    """
    P, N = dH.shape
    degree = len(taylor) - 1
    total = 0.0
    for m in range(P):
        f = 0.0
        for i in range(N):
            h, d = H0[m, i], dH[m, i]
            change = 0.0
            for j in range(degree, 0, -1):
                value = 0.0
                for p in range(degree - j, -1, -1):
                    value = value * h + taylor[j, p]
                change = (change + value) * d
            f += u[i] * change
            if trained:
                value = 0.0
                for p in range(degree, -1, -1):
                    value = value * h + taylor[0, p]
                f += du[i] * value
        residual[m] = offset[m] + scale * f
        total += residual[m] * residual[m]
    mean: float = total / P
    return mean


@compiled
def neuron_slopes(
    dH: Array, H0: Array, u: Array, taylor: Array, weights: Array, trained: bool, of_readouts: Array
) -> None:
    """Turn dH (P, N) into w u phi'(H0 + dH) for weights w (P,) of samples, and fill the sums of w phi, shape (N,)."""
    P, N = dH.shape
    degree = len(taylor) - 1
    for i in range(N):
        of_readouts[i] = 0.0
    for m in range(P):
        w = weights[m]
        for i in range(N):
            h = H0[m, i] + dH[m, i]
            slope = 0.0
            for p in range(degree - 1, -1, -1):
                slope = slope * h + taylor[1, p]
            dH[m, i] = w * u[i] * slope
            if trained:
                value = 0.0
                for p in range(degree, -1, -1):
                    value = value * h + taylor[0, p]
                of_readouts[i] += w * value
