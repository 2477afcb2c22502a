r"""The population flow from an isotropic start, on k + 1 numbers.

Take x ~ N(0, sI) (s = 1/D in the paper), a target without linear part and with
:math:`B = \sum_{i \le k} b_i u_i u_i^T`, and a start with :math:`\bar w = 0` and :math:`M = \sigma^2 I`. Let the
:math:`u_i` be orthonormal and :math:`U_\perp = I - \sum_i u_i u_i^T`. Then

.. math:: \bar w = 0, \qquad M = \sum_i m_i u_i u_i^T + m_\perp U_\perp

at all times: the residual is even, so nothing drives :math:`\bar w`; and R, G and M are sums over the same
projectors, so dM/dt is one too.

For k a symbol, one projector is looked at at a time. Let U be any of the k + 1, and let X, X₀, Y and Z be what M,
M₀, R and B have on all the others together. Projectors on orthogonal spaces annihilate each other, so the product
of U with any of these four is zero. The proof uses nothing else of U, so what it finds holds for each of the k + 1.
"""

from __future__ import annotations

import sympy as sp

from . import flow
from .claim import Average, Claim, Derivation, Equal, Formula, Say
from .gaussian import Inner, Matrix, Trace, Unit, Vector, average, replace
from .notation import D, alpha, eps, x
from .words import Symmetric, T, reduce

s = sp.Symbol("s", positive=True)
"""Variance of each component of an input."""

k, i = sp.symbols("k i", positive=True, integer=True)
"""How many directions the target has; one of them."""

c, mean = sp.symbols("c T", real=True)
"""Constant part of the target; the mean residual."""

m, m0, bU, RU = sp.symbols("m m₀ b R", real=True)
"""On the projector U: the eigenvalue of M, of what a centred predictor subtracts from it, of B, and of R."""

eigenvalue, rest = sp.IndexedBase("R", real=True), sp.Symbol("R⊥", real=True)
"""The eigenvalues of R, one by one: on u_i, and on what is orthogonal to all of them."""

U, X, X0, Y, Z = (Symmetric(name) for name in ("U", "X", "X₀", "Y", "Z"))
APART = {U * U: U} | {pair: sp.Integer(0) for other in (X, X0, Y, Z) for pair in (U * other, other * U)}

R, p, q, direction = Matrix("R"), Vector("p"), Vector("q"), Unit("u_i")


RESIDUAL = alpha * eps * (m - m0) - bU
SPEED = -(4 * eps / alpha) * m * (s * mean + s**2 * RU)
MEAN = -c + s / 2 * (sp.Sum(eigenvalue[i], (i, 1, k)) + (D - k) * rest)
LOSS = MEAN**2 + s**2 / 2 * (sp.Sum(eigenvalue[i] ** 2, (i, 1, k)) + (D - k) * rest**2)
"""R and dm/dt on each projector, T and the loss from all of them, as (R1) proves them."""


def _closure() -> Derivation:
    yield Say(words="Suppose that w̄ = 0 and that M is diagonal like B, as the isotropic start is. Then so is all else.")
    difference = alpha * eps * ((m * U + X) - (m0 * U + X0)) - (bU * U + Z)
    on_U = reduce(U * difference, APART)
    yield Equal(
        words="R = αε(M − M₀) − B (P1; M₀ is the start if the predictor is centred, else 0) on one projector:",
        left=on_U,
        right=RESIDUAL * U,
    )

    law = {"over": (x,), "scale": s}
    residual = -c + Inner(x, R, x) / 2
    T_R = -c + s / 2 * Trace(R)
    yield Average(words="The residual has the mean T,", left=residual, right=T_R, **law)
    yield Average(words="and it is even: g vanishes,", left=residual * Inner(p, x), right=sp.Integer(0), **law)
    yield Average(
        words="and G = ⟨r x xᵀ⟩ = sT I + s²R, which is diagonal like R.",
        left=residual * Inner(p, x) * Inner(q, x),
        right=s * T_R * Inner(p, q) + s**2 * Inner(p, R, q),
        **law,
    )

    force = flow.FORCE.subs(T(flow.g), 0)
    yield Equal(
        words="By F2, with g = 0, the mean weight w̄ = Vᵀa is driven by G w̄ only, which is zero,",
        left=reduce(T(force) * flow.a, {T(flow.V) * flow.a: sp.Integer(0)}),
        right=sp.Integer(0),
    )
    dM = reduce(T(force) * flow.V + T(flow.V) * force, {T(flow.V) * flow.V: flow.M})
    yield Equal(
        words="and M = VᵀV moves by",
        left=dM,
        right=-(2 * eps / alpha) * (flow.G * flow.M + flow.M * flow.G),
    )
    diagonal = {flow.G: s * mean + s**2 * (RU * U + Y), flow.M: m * U + X}
    dM = sp.expand(dM.subs(diagonal, simultaneous=True))
    yield Equal(
        words="Nothing of that leads from U to the other projectors:",
        left=reduce(U * dM, APART),
        right=reduce(U * dM * U, APART),
    )
    yield Equal(words="M stays diagonal, and on U it moves by", left=reduce(U * dM, APART), right=SPEED * U)
    yield Say(
        words="What solves these k + 1 equations therefore solves the flow, which has one solution from its start."
    )

    yield Average(
        words="The loss is T² and the variance of r,",
        left=residual**2,
        right=T_R**2 + s**2 / 2 * Trace(R, R),
        **law,
    )
    yield Equal(
        words="where R² has the squared eigenvalues of R.",
        left=reduce(U * (RU * U + Y) ** 2, APART),
        right=RU**2 * U,
    )
    on_direction = replace(Trace(R), R, {(direction, direction): sp.Integer(1)})
    on_rest = Trace() - sp.Sum(on_direction, (i, 1, k)).doit()
    yield Equal(
        words="An eigenvalue counts as often as the trace of its projector says: u_i u_iᵀ, and I − Σ u_i u_iᵀ, have",
        left=(on_direction, on_rest),
        right=(sp.Integer(1), D - k),
    )
    traces = {
        Trace(R): sp.Sum(on_direction * eigenvalue[i], (i, 1, k)) + on_rest * rest,
        Trace(R, R): sp.Sum(on_direction * eigenvalue[i] ** 2, (i, 1, k)) + on_rest * rest**2,
    }
    sums = (average(power, x, scale=s).subs(traces) for power in (residual, residual**2))
    return on_U.subs(U, 1), reduce(U * dM, APART).subs(U, 1), *sums


CLAIMS = (
    Claim(
        tag="R1",
        equation="ours, section 5.3: the flow on infinitely many samples",
        title="from an isotropic start the population flow of a rank-k quadratic target closes on k + 1 numbers",
        statement=Formula(
            latex=r"R_i = \alpha \epsilon (m_i - m_{0,i}) - b_i \;(i = 1, \dots, k, \perp;\; b_\perp = 0);\quad"
            r" \frac{dm_i}{dt} = -\frac{4\epsilon}{\alpha} m_i (s T + s^2 R_i);\quad"
            r" T = -c + \frac{s}{2} \Big(\sum_i R_i + (D - k) R_\perp\Big);\quad"
            r" L = T^2 + \frac{s^2}{2} \Big(\sum_i R_i^2 + (D - k) R_\perp^2\Big);\quad s = \frac{1}{D}",
            value=(RESIDUAL, SPEED, MEAN, LOSS),
        ),
        derive=_closure,
    ),
)
