r"""The population loss: its three terms, its moments and its derivative.

With the predictor in its moments (F1) the residual is a quadratic polynomial in x,

.. math:: r(x) = k + u \cdot x + \tfrac12 x \cdot R x,

so every average below is a Gaussian moment of degree four or less. The loss :math:`\langle r^2 \rangle` has three
parts that do not mix: the square of the mean of r, the mean square of its odd part, and the variance of its even
part. For x ~ N(0, I/D) these are the three terms of eq. 6.

A centred predictor subtracts its start :math:`(\bar w_0, M_0)`; with both set to zero the same formulas hold for one
that is not centred.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from .claim import Average, Claim, Derivation, Equal, Formula, Printed, Say
from .flow import FORCE, G, V, a, g
from .gaussian import Inner, Letters, Matrix, Trace, Unit, Vector, average, replace
from .notation import B, D, M, Sigma, alpha, b, beta, eps, wbar, x
from .words import Column, Letter, Symmetric, T, along

k, c = sp.symbols("k c", real=True)
"""Constant part of the residual; of the target."""

s = sp.Symbol("s", positive=True)
"""Standard deviation of the label noise."""

u, R = Vector("u"), Matrix("R")
"""Linear and quadratic part of the residual."""

wbar0, M0 = Vector("w̄₀"), Matrix("M₀")
"""What a centred predictor subtracts: its moments at the start. Zero for one that is not centred."""

p, q = Vector("p"), Vector("q")
"""Any two vectors: p·g stands for g, and p·G q for G."""

GAUSSIAN = {"scale": sp.Integer(1), "covariance": (Sigma,)}
"""The law N(0, Σ) of x, as averages take it."""

n = Vector("n")
noise = Inner(n, Unit("e"))
"""One component of a standard normal vector n: label noise of unit variance."""

RESIDUAL = k + Inner(u, x) + Inner(x, R, x) / 2

MEAN = k + Trace(R, Sigma) / 2
"""The mean residual, T in (P1)."""

LOSS = MEAN**2 + Inner(u, Sigma, u) + Trace(R, Sigma, R, Sigma) / 2
g_p = Inner(p, Sigma, u)
G_pq = MEAN * Inner(p, Sigma, q) + Inner(p, Sigma, R, Sigma, q)
"""The loss, and g = ⟨r x⟩ and G = ⟨r x xᵀ⟩ between any vectors, as (P1) proves them."""

TARGET = c + Inner(b, x) + Inner(x, B, x) / 2
PAPER = Inner(beta, x) ** 2 / 2
"""The general quadratic target, and the paper's (eq. 3)."""

LINEAR = {wbar: alpha, wbar0: -alpha, b: -1}
QUADRATIC = {(M,): alpha * eps, (M0,): -alpha * eps, (B,): -1}
"""u = α (w̄ - w̄₀) - b and R = αε (M - M₀) - B, part by part."""


def predictor(wbar: Vector, M: Matrix) -> sp.Expr:
    """Return f at x in its moments (F1)."""
    return alpha * Inner(wbar, x) + alpha * eps / 2 * Inner(x, M, x)


def put(expression: sp.Expr, letter: Vector, parts: Mapping[Vector, sp.Expr]) -> sp.Expr:
    """Put a sum of vectors in the place of one."""
    while atoms := [atom for atom in expression.atoms(Inner) if letter in atom.args]:
        sums = {}
        for atom in atoms:
            before, after = atom.args[: atom.args.index(letter)], atom.args[atom.args.index(letter) + 1 :]
            sums[atom] = sp.Add(*(number * Inner(*before, part, *after) for part, number in parts.items()))
        expression = sp.expand(expression.xreplace(sums))
    return expression


def in_weights(expression: sp.Expr) -> sp.Expr:
    """Write k, u and R in the moments of the weights and the parts of the target."""
    return replace(put(expression.subs(k, -c), u, LINEAR), R, QUADRATIC)


def square(vector: Mapping[Vector, sp.Expr]) -> sp.Expr:
    """Return the squared length of a sum of vectors."""
    return put(Inner(u, u), u, vector)


def frobenius(matrix: Mapping[Letters, sp.Expr]) -> sp.Expr:
    """Return the sum of the squared entries of a sum of symmetric matrices."""
    return replace(Trace(R, R), R, matrix)


def mirrored(expression: sp.Expr) -> sp.Expr:
    """Put -x in the place of x."""
    return expression.xreplace({atom: (-1) ** atom.args.count(x) * atom for atom in expression.atoms(Inner)})


# ---- the loss and its moments


def _population() -> Derivation:
    residual = predictor(wbar, M) - predictor(wbar0, M0) - TARGET
    yield Say(words="The residual is the predictor (F1) less its start, where it is centred, less the target.")
    yield Equal(
        words="It is a quadratic polynomial, k + u·x + x·Rx/2, with k = −c, u = α(w̄ − w̄₀) − b, R = αε(M − M₀) − B:",
        left=residual,
        right=in_weights(RESIDUAL),
    )
    odd, even = (RESIDUAL - mirrored(RESIDUAL)) / 2, (RESIDUAL + mirrored(RESIDUAL)) / 2
    yield Average(words="Its mean T is that of its even part,", left=RESIDUAL, right=MEAN, over=(x,), **GAUSSIAN)
    yield Average(
        words="its odd part has the mean square", left=odd**2, right=Inner(u, Sigma, u), over=(x,), **GAUSSIAN
    )
    yield Average(
        words="and its even part the variance (two pairings; the third makes the square of the mean).",
        left=(even - MEAN) ** 2,
        right=Trace(R, Sigma, R, Sigma) / 2,
        over=(x,),
        **GAUSSIAN,
    )
    yield Average(
        words="These do not mix: the loss is T² and these two.", left=RESIDUAL**2, right=LOSS, over=(x,), **GAUSSIAN
    )
    moments = (RESIDUAL**2, RESIDUAL * Inner(p, x), RESIDUAL * Inner(p, x) * Inner(q, x))
    yield Average(
        words="Against one x only the odd part counts, in one pairing:",
        left=moments[1],
        right=g_p,
        over=(x,),
        **GAUSSIAN,
    )
    yield Average(
        words="Against two, the even part: p is paired with q, or each of them with one end of R.",
        left=moments[2],
        right=G_pq,
        over=(x,),
        **GAUSSIAN,
    )
    return residual, *(average(moment, x, **GAUSSIAN) for moment in moments)


Terms = tuple[sp.Expr, sp.Expr, sp.Expr]
"""Mean residual (the variance error is its square), misalignment error, power in linear modes."""

PAPER_TERMS: Terms = (
    -(Inner(beta, beta) / D - alpha * eps / D * Trace(M)) / 2,
    1 / (2 * D**2) * frobenius({(M,): alpha * eps, (beta, beta): -1}),
    alpha**2 / D * Inner(wbar, wbar),
)

GENERAL_TERMS: Terms = (
    -c + (alpha * eps * Trace(M) - Trace(B)) / (2 * D),
    1 / (2 * D**2) * frobenius({(M,): alpha * eps, (B,): -1}),
    1 / D * square({wbar: alpha, b: -1}),
)

CENTERED_TERMS: Terms = (
    -c + (alpha * eps * (Trace(M) - Trace(M0)) - Trace(B)) / (2 * D),
    1 / (2 * D**2) * frobenius(QUADRATIC),
    1 / D * square(LINEAR),
)


def total(terms: Terms) -> tuple[sp.Expr, ...]:
    """Return the loss, variance error, misalignment error and power in linear modes."""
    mean, misalignment, linear = terms
    return mean**2 + misalignment + linear, mean**2, misalignment, linear


def _three_terms(residual: sp.Expr, terms: Terms) -> Derivation:
    """Split the mean square of a residual over x ~ N(0, I/D); ``terms`` is what the lines are held against."""
    mean, misalignment, linear = terms
    odd, even = (residual - mirrored(residual)) / 2, (residual + mirrored(residual)) / 2
    yield Average(
        words="The mean residual compares variances; its square is the variance error.",
        left=residual,
        right=mean,
        over=(x,),
    )
    derived = average(residual, x)
    yield Average(
        words="About its mean the even part has two pairings left: the misalignment error.",
        left=(even - derived) ** 2,
        right=misalignment,
        over=(x,),
    )
    yield Average(words="The odd part is the power in linear modes.", left=odd**2, right=linear, over=(x,))
    yield Average(words="Together they are the loss.", left=residual**2, right=total(terms)[0], over=(x,))
    return (
        average(residual**2, x),
        derived**2,
        average((even - derived) ** 2, x),
        average(odd**2, x),
    )


def _paper_terms() -> Derivation:
    yield Say(words="The residual is f in its moments (F1) less the target of eq. 3, over x ~ N(0, I/D).")
    return (yield from _three_terms(predictor(wbar, M) - PAPER, PAPER_TERMS))


def _general_terms() -> Derivation:
    yield Say(words="As for eq. 6, with the target y = c + b·x + x·Bx/2.")
    return (yield from _three_terms(predictor(wbar, M) - TARGET, GENERAL_TERMS))


def _centered_terms() -> Derivation:
    yield Say(words="As before, with the predictor less its start: only what has changed counts.")
    return (yield from _three_terms(predictor(wbar, M) - predictor(wbar0, M0) - TARGET, CENTERED_TERMS))


# ---- noise, derivative, scale


def _noise() -> Derivation:
    noisy = RESIDUAL - s * noise
    moments = (noisy**2, noisy * Inner(p, x), noisy * Inner(p, x) * Inner(q, x))
    yield Average(
        words="Labels y + sξ turn r into r − sξ. Over ξ the cross term vanishes,",
        left=moments[0],
        right=RESIDUAL**2 + s**2,
        over=(n,),
        scale=sp.Integer(1),
    )
    yield Average(
        words="and what is linear in r does not see the noise.",
        left=moments[2],
        right=RESIDUAL * Inner(p, x) * Inner(q, x),
        over=(n,),
        scale=sp.Integer(1),
    )
    over_noise = (average(moment, n, scale=sp.Integer(1)) for moment in moments)
    return tuple(average(moment, x, **GAUSSIAN) for moment in over_noise)


d, dg, dG = Letter("d"), Column("δg"), Symmetric("δG")
du, dR = Vector("δu"), Matrix("δR")
"""A direction in which the factor V moves; what g, G, u and R change along it."""

FORCE_ALONG = -(2 / alpha) * (a * T(dg) + eps * (d * G + V * dG))
"""Its derivative, as (P3) proves it."""


def _derivative() -> Derivation:
    linear = along(alpha * T(V) * a, V, d)
    yield Equal(words="In the factor (F0) αw̄ = αVᵀa, so along d δu =", left=linear, right=alpha * T(d) * a)
    quadratic = along(alpha * eps * T(V) * V, V, d)
    yield Equal(words="and αεM = αεVᵀV, so δR =", left=quadratic, right=alpha * eps * (T(V) * d + T(d) * V))
    sample = Column("x")
    yield Equal(
        words="So f, and with it the residual, changes by δu·x + x·δRx/2,",
        left=along(alpha * (T(a) * V * sample + eps / 2 * T(sample) * T(V) * V * sample), V, d),
        right=T(linear) * sample + T(sample) * quadratic * sample / 2,
    )
    change = Inner(du, x) + Inner(x, dR, x) / 2
    yield Average(
        words="and its moments by those of this change: g by",
        left=change * Inner(p, x),
        right=Inner(p, Sigma, du),
        over=(x,),
        **GAUSSIAN,
    )
    yield Average(
        words="and G by",
        left=change * Inner(p, x) * Inner(q, x),
        right=Trace(dR, Sigma) / 2 * Inner(p, Sigma, q) + Inner(p, Sigma, dR, Sigma, q),
        over=(x,),
        **GAUSSIAN,
    )
    yield Say(words="The force is dV/dt = −(2/α)(a gᵀ + ε V G) (F2).")
    force = along(FORCE, V, d) + along(FORCE, g, dg) + along(FORCE, G, dG)
    yield Equal(words="V, g and G change, and the product rule collects what they do:", left=force, right=FORCE_ALONG)
    moments = (change * Inner(p, x), change * Inner(p, x) * Inner(q, x))
    return force, linear, quadratic, *(average(m, x, **GAUSSIAN) for m in moments)


LABEL = (c + Trace(B, Sigma) / 2) ** 2 + Inner(b, Sigma, b) + Trace(B, Sigma, B, Sigma) / 2 + s**2
"""The mean square label, as (P4) proves it."""


def _label() -> Derivation:
    label = TARGET + s * noise
    squared = average(label**2, n, scale=sp.Integer(1))
    yield Average(
        words="The noise adds its variance,",
        left=label**2,
        right=TARGET**2 + s**2,
        over=(n,),
        scale=sp.Integer(1),
    )
    yield Average(
        words="and the rest is a Gaussian moment.",
        left=TARGET**2 + s**2,
        right=LABEL,
        over=(x,),
        **GAUSSIAN,
    )
    at_rest = put(replace(in_weights(LOSS), M, {(M0,): 1}), wbar, {wbar0: 1})
    yield Equal(
        words="So it is, by another way, the loss (P1) of a centred predictor that has not moved, plus s².",
        left=at_rest + s**2,
        right=LABEL,
    )
    return average(squared, x, **GAUSSIAN)


CLAIMS = (
    Claim(
        tag="P1",
        equation="ours: grokode.PopulationRisk, its loss and moments",
        title="the population loss and its moments for any covariance and quadratic target, centred or not",
        statement=Formula(
            latex=r"r = k + u \cdot x + \tfrac12 x \cdot R x,\; k = -c,\; u = \alpha (\bar w - \bar w_0) - b,\;"
            r" R = \alpha \epsilon (M - M_0) - B;\quad"
            r" L = T^2 + u \cdot \Sigma u + \tfrac12 \mathrm{tr}(R \Sigma R \Sigma),\;"
            r" T = k + \tfrac12 \mathrm{tr}(R \Sigma);\quad"
            r" \langle r x \rangle = \Sigma u,\; \langle r x x^T \rangle = T \Sigma + \Sigma R \Sigma",
            value=(in_weights(RESIDUAL), LOSS, g_p, G_pq),
        ),
        derive=_population,
    ),
    Printed(
        tag="L1",
        equation="eq. 6",
        title="the loss is variance error, misalignment error and power in linear modes",
        statement=Formula(
            latex=r"\mathcal{L} = \left\langle \left(y - f\right)^{2} \right\rangle = \frac{1}{4}"
            r" \underbrace{\left(\frac{1}{D} |\beta_{\star}|^{2} - \frac{\alpha \epsilon}{D} \text{Tr}"
            r" \boldsymbol{M}\right)^{2}}_{\text{variance error}} + \underbrace{\frac{1}{2D^{2}} \left|\alpha"
            r" \epsilon \boldsymbol{M} - \beta_{\star} \beta_{\star}^{\top}\right|_{F}^{2}}_{\text{misalignment error}}"
            r" + \underbrace{\frac{\alpha^{2}}{D} |\bar{\boldsymbol{w}}|^{2}}_{\text{power in linear modes}}",
            value=total(PAPER_TERMS),
        ),
        derive=_paper_terms,
    ),
    Claim(
        tag="L2",
        equation="ours, after eq. 6",
        title="eq. 6 for the general quadratic target",
        statement=Formula(
            latex=r"L = \left(c + \frac{\mathrm{tr} B - \alpha \epsilon \,\mathrm{tr} M}{2D}\right)^2"
            r" + \frac{|\alpha \epsilon M - B|_F^2}{2 D^2} + \frac{|\alpha \bar w - b|^2}{D}",
            value=total(GENERAL_TERMS),
        ),
        derive=_general_terms,
    ),
    Claim(
        tag="L3",
        equation="ours, eq. 6 with the predictor of eq. 7",
        title="eq. 6 for the centred predictor: M and the mean weight count from their start",
        statement=Formula(
            latex=r"L = \left(c + \frac{\mathrm{tr} B - \alpha \epsilon \,\mathrm{tr}(M - M_0)}{2D}\right)^2"
            r" + \frac{|\alpha \epsilon (M - M_0) - B|_F^2}{2 D^2}"
            r" + \frac{|\alpha (\bar w - \bar w_0) - b|^2}{D}",
            value=total(CENTERED_TERMS),
        ),
        derive=_centered_terms,
    ),
    Claim(
        tag="P2",
        equation="ours: grokode.PopulationRisk, label noise",
        title="label noise adds its variance to the loss and leaves both moments as they are",
        statement=Formula(
            latex=r"\langle (r - s\xi)^2 \rangle = L + s^2,\; \langle (r - s\xi) x \rangle = g,\;"
            r" \langle (r - s\xi) x x^T \rangle = G",
            value=(LOSS + s**2, g_p, G_pq),
        ),
        derive=_noise,
    ),
    Claim(
        tag="P3",
        equation="ours: grokode.PopulationRisk.force_jvp",
        title="the derivative of the population force",
        statement=Formula(
            latex=r"F'(V) d = -\frac{2}{\alpha} \left(a \,\delta g^T + \epsilon (d G + V \,\delta G)\right),\;"
            r" \delta g = \Sigma \,\delta u,\; \delta G = \tfrac12 \mathrm{tr}(\delta R \Sigma) \Sigma"
            r" + \Sigma \,\delta R \,\Sigma,\; \delta u = \alpha d^T a,\;"
            r" \delta R = \alpha \epsilon (V^T d + d^T V)",
            value=(
                FORCE_ALONG,
                alpha * T(d) * a,
                alpha * eps * (T(V) * d + T(d) * V),
                Inner(p, Sigma, du),
                Trace(dR, Sigma) / 2 * Inner(p, Sigma, q) + Inner(p, Sigma, dR, Sigma, q),
            ),
        ),
        derive=_derivative,
    ),
    Claim(
        tag="P4",
        equation="ours: grokode.PopulationRisk.mean_square_label",
        title="the mean square label, the loss of the predictor 0",
        statement=Formula(
            latex=r"\langle y^2 \rangle = (c + \tfrac12 \mathrm{tr}(B \Sigma))^2 + b \cdot \Sigma b"
            r" + \tfrac12 \mathrm{tr}(B \Sigma B \Sigma) + s^2",
            value=LABEL,
        ),
        derive=_label,
    ),
)
