"""Where the population loss vanishes, and which networks get there.

The loss is a sum of three squares (L1), so it is zero only where all three are, and that fixes (w̄, M) alone.
Which (w̄, M) some network has is a matter of the rank and the sign of their covariance M − w̄ w̄ᵀ.
"""

from __future__ import annotations

import sympy as sp

from .claim import Average, Claim, Derivation, Equal, Formula, Printed, Say, Unequal
from .gaussian import Inner, Matrix, Trace, average, replace
from .loss import (
    GENERAL_TERMS,
    LINEAR,
    M0,
    PAPER,
    PAPER_TERMS,
    QUADRATIC,
    R,
    c,
    p,
    predictor,
    put,
    q,
    total,
    u,
    wbar0,
)
from .network import MOMENTS
from .notation import B, D, M, N, alpha, b, beta, eps, wbar, x
from .words import Column, Letter, Symmetric, T, reduce


def _paper_minimum() -> Derivation:
    loss = average((predictor(wbar, M) - PAPER) ** 2, x)
    yield Equal(words="The loss is a sum of three squares (L1).", left=loss, right=total(PAPER_TERMS)[0])
    yield Say(
        words="So it is zero if and only if each of them is. A vector of length zero is zero: w̄ = 0. "
        "A matrix whose entries have squares that sum to zero is zero: p·(αεM − ββᵀ)q = 0 for all p and q,"
    )
    entry = replace(Inner(p, R, q), R, {(M,): alpha * eps, (beta, beta): -1})
    (solution,) = sp.solve(entry, Inner(p, M, q))
    yield Equal(words="which has one solution M.", left=solution, right=Inner(p, beta) * Inner(beta, q) / (alpha * eps))
    dyad = {(beta, beta): 1 / (alpha * eps)}
    yield Equal(
        words="The third square then vanishes by itself: tr M is right when M is.",
        left=replace(PAPER_TERMS[0], M, dyad),
        right=sp.Integer(0),
    )
    there = replace(loss.subs(Inner(wbar, wbar), 0), M, dyad)
    yield Equal(words="And indeed the loss there is", left=there, right=sp.Integer(0))
    return solution, sp.Integer(0)


W, S, Q, one = Letter("W"), Letter("S"), Letter("Q"), Column("1")
mean_weight, second = Column("w̄"), Symmetric("M")
FRAME = {T(Q) * Q: sp.Integer(1), T(one) * Q: sp.Integer(0), T(Q) * one: sp.Integer(0), T(one) * one: N}
"""Matrix words: W has one row a neuron; a frame Q of orthonormal columns, all orthogonal to 1."""


def _realizable() -> Derivation:
    deviation = W - one * T(mean_weight)
    yield Equal(
        words="The mean of (w − w̄)(w − w̄)ᵀ over neurons is positive semidefinite: any w̄ and M of neurons have that.",
        left=reduce(T(deviation) * deviation / N, MOMENTS),
        right=second - mean_weight * T(mean_weight),
    )
    yield Equal(
        words="The N deviations sum to zero, so no more than N − 1 of them are independent: its rank is at most N − 1.",
        left=reduce(T(one) * deviation, MOMENTS),
        right=sp.Integer(0),
    )
    yield Say(
        words="Conversely, write M − w̄w̄ᵀ = SᵀS with as many rows in S as its rank. If that is at most N − 1, there "
        "are as many orthonormal columns Q of length N, all orthogonal to 1. Take W = 1w̄ᵀ + √N Q S:"
    )
    neurons = one * T(mean_weight) + sp.sqrt(N) * Q * S
    yield Equal(
        words="these neurons have the mean w̄ and the second moment M.",
        left=(reduce(T(one) * neurons / N, FRAME), reduce(T(neurons) * neurons / N, FRAME)),
        right=(T(mean_weight), mean_weight * T(mean_weight) + T(S) * S),
    )
    return sp.true


def _two_neurons() -> Derivation:
    s1, s2 = sp.symbols("s₁ s₂", real=True)
    covariance = Inner(p, M, p) - Inner(p, wbar) ** 2
    spread = replace(covariance.subs(Inner(p, wbar), 0), M, {(beta, beta): 1 / (alpha * eps)})
    yield Equal(
        words="At the zero of the loss (L4) the neurons vary along p by p·(M − w̄w̄ᵀ)p, along β only:",
        left=spread,
        right=Inner(p, beta) ** 2 / (alpha * eps),
    )
    yield Unequal(words="That has rank 1. A single neuron does not vary at all,", left=spread, right=sp.Integer(0))
    yield Say(words="so N − 1 ≥ 1 is needed, and it is enough (L5). All neurons lie along β: w_i = s_i β.")
    pairs = sp.solve([s1 + s2, (s1**2 + s2**2) / 2 - 1 / (alpha * eps)], [s1, s2])
    ends = tuple(sorted((first for first, _ in pairs), key=str))
    yield Equal(
        words="Two have w̄ = (s₁ + s₂)β/2 = 0 and (s₁² + s₂²)/2 = 1/(αε) at s₁ = −s₂, in either order: s₁ is",
        left=ends,
        right=(-1 / sp.sqrt(alpha * eps), 1 / sp.sqrt(alpha * eps)),
    )
    return ends


def _general_zero() -> Derivation:
    yield Say(
        words="A Gaussian with Σ > 0 has a positive density everywhere, so ⟨r²⟩ = 0 if and only if the polynomial r "
        "is zero for every x, coefficient by coefficient: k = 0, u = 0 and R = 0 (P1). So c = 0,"
    )
    (mean,) = sp.solve(put(Inner(p, u), u, LINEAR), Inner(p, wbar))
    yield Equal(words="u = 0 for one w̄ only,", left=mean, right=Inner(p, wbar0) + Inner(b, p) / alpha)
    (moment,) = sp.solve(replace(Inner(p, R, q), R, QUADRATIC), Inner(p, M, q))
    yield Equal(words="and R = 0 for one M only.", left=moment, right=Inner(p, M0, q) + Inner(p, B, q) / (alpha * eps))
    covariance = sp.expand(moment - mean * mean.subs(p, q))
    yield Equal(
        words="N neurons have these moments if and only if their covariance M − w̄w̄ᵀ has no negative eigenvalue and "
        "a rank of at most N − 1 (L5).",
        left=covariance,
        right=Inner(p, M0, q)
        + Inner(p, B, q) / (alpha * eps)
        - (Inner(p, wbar0) + Inner(p, b) / alpha) * (Inner(q, wbar0) + Inner(q, b) / alpha),
    )
    uncentred = covariance.subs({Inner(p, M0, q): 0, Inner(p, wbar0): 0, Inner(q, wbar0): 0})
    yield Equal(
        words="Not centred, that is a condition on the target: B/(αε) − bbᵀ/α² must have no negative eigenvalue.",
        left=uncentred,
        right=Inner(p, B, q) / (alpha * eps) - Inner(b, p) * Inner(b, q) / alpha**2,
    )
    paper = replace(covariance.subs({Inner(b, p): 0, Inner(b, q): 0}), B, {(beta, beta): 1})
    start = Inner(p, M0, q) - Inner(p, wbar0) * Inner(wbar0, q)
    yield Equal(
        words="Centred, with the paper's target, it is the covariance of the start plus one direction: never negative.",
        left=paper,
        right=start + Inner(p, beta) * Inner(beta, q) / (alpha * eps),
    )
    yield Say(
        words="But N ≤ D neurons in general position start with rank N − 1 and without β in its range; the sum has "
        "rank N, which they cannot have. A centred network reaches the zero from there with N > D neurons only."
    )
    return mean, moment, covariance


def _constant() -> Derivation:
    A = Matrix("A")
    yield Say(
        words="f − f₀ − b·x − x·Bx/2 is a linear function plus a quadratic form, and the loss is its mean squared "
        "distance from the constant c."
    )
    yield Average(words="A linear function is orthogonal to 1,", left=Inner(p, x), right=sp.Integer(0), over=(x,))
    overlap, norm = average(Inner(x, x), x), average(Inner(x, x) ** 2, x)
    yield Average(
        words="a quadratic form in proportion to its trace,", left=Inner(x, A, x), right=Trace(A) / D, over=(x,)
    )
    yield Average(
        words="and a traceless one (tr A = 0) is orthogonal to |x|² as well,",
        left=Inner(x, A, x) * Inner(x, x),
        right=Trace(A) * (D + 2) / D**2,
        over=(x,),
    )
    yield Average(words="so only |x|² helps, with the overlap", left=Inner(x, x), right=sp.Integer(1), over=(x,))
    yield Average(words="and the norm", left=Inner(x, x) ** 2, right=(D + 2) / D, over=(x,))
    floor = sp.cancel(c**2 * (1 - overlap**2 / norm))
    yield Equal(
        words="What is left of c² when the projection on |x|² is taken away:", left=floor, right=2 * c**2 / (D + 2)
    )
    best = {(): 2 * c * overlap / norm / (alpha * eps), (B,): 1 / (alpha * eps)}
    yield Equal(
        words="Not centred, w̄ = b/α and M = (B + 2cD/(D + 2) I)/(αε) leave no more, if a network has these "
        "moments (L5):",
        left=sp.cancel(replace(put(total(GENERAL_TERMS)[0], wbar, {b: 1 / alpha}), M, best)),
        right=floor,
    )
    return floor


CLAIMS = (
    Printed(
        tag="L4",
        equation="section 5.3, after eq. 6, with w̄ = 0",
        title="the loss has one zero in (w̄, M), and no network has a smaller loss",
        statement=Formula(
            latex=r"M = \frac{1}{\alpha\epsilon} \beta_\star \beta_\star^\top",
            value=(Inner(p, beta) * Inner(beta, q) / (alpha * eps), sp.Integer(0)),
        ),
        derive=_paper_minimum,
    ),
    Claim(
        tag="L5",
        equation="ours, after eq. 6",
        title="which mean and second moment N neurons can have",
        statement=Formula(
            latex=r"(\bar w, M) \text{ of some } w_1, \dots, w_N \iff M - \bar w \bar w^T \succeq 0,\;"
            r" \mathrm{rank}(M - \bar w \bar w^T) \le N - 1"
        ),
        derive=_realizable,
    ),
    Claim(
        tag="L6",
        equation="ours, after eq. 6",
        title="two neurons reach the zero of eq. 6, one does not",
        statement=Formula(
            latex=r"N \ge 2:\quad w_{1,2} = \mp \frac{\beta_\star}{\sqrt{\alpha\epsilon}}",
            value=(-1 / sp.sqrt(alpha * eps), 1 / sp.sqrt(alpha * eps)),
        ),
        derive=_two_neurons,
    ),
    Claim(
        tag="L7",
        equation="ours, after eq. 6",
        title="the zero of the loss for the general target, and which networks reach it",
        statement=Formula(
            latex=r"L = 0 \iff c = 0,\; \bar w = \bar w_0 + \frac{b}{\alpha},\; M = M_0 + \frac{B}{\alpha\epsilon};"
            r"\quad \text{reached by some } w_1, \dots, w_N \iff C = M_0 + \frac{B}{\alpha\epsilon}"
            r" - \Big(\bar w_0 + \frac{b}{\alpha}\Big) \Big(\bar w_0 + \frac{b}{\alpha}\Big)^T \succeq 0,\;"
            r" \mathrm{rank}\, C \le N - 1",
            value=(
                Inner(p, wbar0) + Inner(p, b) / alpha,
                Inner(p, M0, q) + Inner(p, B, q) / (alpha * eps),
                Inner(p, M0, q)
                + Inner(p, B, q) / (alpha * eps)
                - (Inner(p, wbar0) + Inner(p, b) / alpha) * (Inner(q, wbar0) + Inner(q, b) / alpha),
            ),
        ),
        derive=_general_zero,
    ),
    Claim(
        tag="L8",
        equation="ours, after eq. 6",
        title="no network learns a constant: what a constant in the target leaves at the least",
        statement=Formula(latex=r"L \ge \frac{2 c^2}{D + 2}", value=2 * c**2 / (D + 2)),
        derive=_constant,
    ),
)
