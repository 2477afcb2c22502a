r"""How far the kernel is turned to the task: the population alignment in closed form.

The alignment of eq. 19 is the cosine of the angle between K and :math:`y y'` as functions of two inputs drawn
from one law. It needs three averages, of :math:`y K y'`, :math:`K^2` and :math:`y^2`. K is a polynomial of degree
two in each input (K1) and so is y, so Isserlis' theorem gives all three at any weights: first for the paper's
task, then for any covariance and any quadratic target. What is odd in one input does not survive the average over
it; this is how the mean weight drops out of the paper's numerator. On a finite sample the same ratio also pairs
every input with itself, and how much that adds is derived too.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from .claim import Average, Claim, Definition, Derivation, Equal, Formula, Misprint, Printed, Say, misjudged
from .gaussian import Inner, Letters, Matrix, Trace, Unit, Vector, average, replace
from .kernel import KERNEL
from .notation import B, D, M, P, Sigma, alpha, b, beta, eps, wbar, x, xp
from .words import Column, Symmetric, T, reduce, scalars

length = Inner(beta, beta)
turned = Inner(beta, M, beta)


def label(at: Vector) -> sp.Expr:
    """Return the paper's target, eq. 3."""
    return Inner(beta, at) ** 2 / 2


INSIDE = length * Inner(beta, x) ** 2 * Inner(x, M, x) + 2 * Inner(beta, M, x) * Inner(beta, x) ** 3
"""What eq. 20 has in brackets."""

NUMERATOR = eps**2 / (4 * D**4) * (length**2 * Trace(M) + 8 * length * turned)
"""⟨y K y′⟩ (A2)."""

SQUARED_KERNEL = (
    1 / D
    + 2 * eps**2 * (D + 2) / D**3 * Inner(wbar, wbar)
    + eps**4 / D**4 * ((D + 6) * Trace(M, M) + 2 * Trace(M) ** 2)
)
"""⟨K²⟩ (A3)."""

SQUARED_LABEL = 3 * length**2 / (4 * D**2)
"""⟨y²⟩ (A4)."""

ALIGNMENT = eps**2 / (3 * D**2) * (Trace(M) + 8 * turned / length) / sp.sqrt(SQUARED_KERNEL)
"""The population alignment (A5)."""


# ---- the paper's task: y = (β·x)²/2, x ~ N(0, I/D)


def _first_line() -> Derivation:
    last = eps**2 * Inner(x, xp) * Inner(x, M, xp)
    yield Average(
        words="All terms of K but the last are odd in x or in x′, and y is even: they average to zero.",
        left=label(x) * sp.expand(KERNEL - last) * label(xp),
        right=sp.Integer(0),
        over=(x, xp),
    )
    yield Average(
        words="The last one over x′: one pairing joins β to β, two join β to x and to M x. The targets bring ½ each.",
        left=label(x) * last * label(xp),
        right=eps**2 / (4 * D**2) * INSIDE,
        over=(xp,),
    )
    return average(label(x) * last * label(xp), xp)


def _second_line() -> Derivation:
    inside = yield from _first_line()
    yield Average(words="Over x as well:", left=inside, right=NUMERATOR, over=(x,))
    return average(inside, x)


def _squared_kernel() -> Derivation:
    yield Average(
        words="Squares of the terms of K survive; products of different ones are odd in x or in x′.",
        left=KERNEL**2,
        right=SQUARED_KERNEL,
        over=(x, xp),
    )
    return average(KERNEL**2, x, xp)


def _squared_label() -> Derivation:
    yield Average(
        words="A Gaussian's fourth moment is three times the square of its variance |β|²/D.",
        left=label(x) ** 2,
        right=SQUARED_LABEL,
        over=(x,),
    )
    return average(label(x) ** 2, x)


def _alignment() -> Derivation:
    numerator = average(label(x) * KERNEL * label(xp), x, xp)
    ratio = sp.cancel(numerator / average(label(x) ** 2, x))
    yield Equal(
        words="The numerator (A2) over ⟨y²⟩ (A4) is",
        left=ratio,
        right=eps**2 * (length * Trace(M) + 8 * turned) / (3 * D**2 * length),
    )
    alignment = ratio / sp.sqrt(average(KERNEL**2, x, xp))
    yield Say(
        words="over √⟨K²⟩ (A3). By Cauchy and Schwarz it is at most 1, and gets there where K is a multiple of y y′: "
        "in one dimension, as ε → ∞."
    )
    solved = at_weights(alignment**2, {(beta, beta): sp.Integer(1)})
    yield Equal(
        words="Indeed its square at w̄ = 0 and M = ββᵀ tends to",
        left=sp.limit(solved, eps, sp.oo),
        right=9 / (D + 8),
    )
    return alignment


def at_weights(expression: sp.Expr, parts: Mapping[Letters, sp.Expr]) -> sp.Expr:
    """Evaluate a rational expression at w̄ = 0 and M a sum of products."""
    top, bottom = (replace(sp.expand(part), M, parts) for part in sp.fraction(sp.together(expression)))
    return sp.factor(sp.cancel((top / bottom).subs(Inner(wbar, wbar), 0)))


def _initial_alignment() -> Derivation:
    u = sp.Symbol("u", positive=True)
    squared = at_weights(
        average(label(x) * KERNEL * label(xp), x, xp) ** 2
        / (average(KERNEL**2, x, xp) * average(label(x) ** 2, x) ** 2),
        {(): sp.Integer(1)},
    )
    yield Equal(
        words="The square of A5 at w̄ = 0 and M = I; the length of β drops out:",
        left=squared,
        right=eps**4 * (D + 8) ** 2 / (9 * D * (D**2 + 3 * (D + 2) * eps**4)),
    )
    yield Equal(
        words="It grows with u = ε⁴, whatever ε: its derivative is positive.",
        left=sp.factor(sp.diff(squared.subs(eps, u ** sp.Rational(1, 4)), u)),
        right=D * (D + 8) ** 2 / (9 * (D**2 + 3 * (D + 2) * u) ** 2),
    )
    return sp.sqrt(squared)


def _common_term() -> Derivation:
    R = Matrix("R")
    q = Inner(x, R, x) / 2
    yield Say(words="The misalignment error is the variance of x·R x/2, with R = αεM − ββᵀ: the even part of f − y.")
    yield Average(words="Its mean is", left=q, right=Trace(R) / (2 * D), over=(x,))
    yield Average(
        words="and its mean square",
        left=q**2,
        right=(Trace(R) ** 2 + 2 * Trace(R, R)) / (4 * D**2),
        over=(x,),
    )
    variance = sp.expand(average(q**2, x) - average(q, x) ** 2)
    error = replace(variance, R, {(M,): alpha * eps, (beta, beta): sp.Integer(-1)})
    yield Equal(
        words="so the error is",
        left=error,
        right=(alpha**2 * eps**2 * Trace(M, M) - 2 * alpha * eps * turned + length**2) / (2 * D**2),
    )
    yield Say(words="βᵀMβ stands there with a minus and in eq. 20 (A2) with a plus: what aligns lowers the error.")
    numerator = average(label(x) * KERNEL * label(xp), x, xp)
    return numerator.coeff(turned), error.coeff(turned)


# ---- any covariance, any quadratic target


c = sp.Symbol("c")
i, j, H = Unit("e_i"), Unit("e_j"), Matrix("H")
general = {"scale": sp.Integer(1), "covariance": (Sigma,)}

MEAN = c + Trace(B, Sigma) / 2
"""⟨y⟩."""


def target(at: Vector) -> sp.Expr:
    """Return the general target."""
    return c + Inner(b, at) + Inner(at, B, at) / 2


def with_H(expression: sp.Expr) -> sp.Expr:
    """Put ⟨y x xᵀ⟩ = ⟨y⟩ Σ + Σ B Σ in the place of H."""
    return replace(sp.expand(expression), H, {(Sigma,): MEAN, (Sigma, B, Sigma): sp.Integer(1)})


GENERAL_NUMERATOR = Inner(b, Sigma, Sigma, b) + 2 * eps * Inner(b, Sigma, H, wbar) + eps**2 * Trace(H, M, H)
GENERAL_SQUARED_KERNEL = (
    Trace(Sigma, Sigma)
    + 2 * eps**2 * (Trace(Sigma, Sigma) * Inner(wbar, Sigma, wbar) + 2 * Inner(wbar, Sigma, Sigma, Sigma, wbar))
    + eps**4
    * (
        Trace(Sigma, Sigma) * Trace(M, Sigma, M, Sigma)
        + 2 * Trace(M, Sigma, Sigma) ** 2
        + 2 * Trace(M, Sigma, Sigma, M, Sigma, Sigma)
        + 4 * Trace(M, Sigma, M, Sigma, Sigma, Sigma)
    )
)
GENERAL_SQUARED_LABEL = MEAN**2 + Inner(b, Sigma, b) + Trace(B, Sigma, B, Sigma) / 2


def _general() -> Derivation:
    yield Average(
        words="Two averages of y = c + b·x + x·B x/2 over x ~ N(0, Σ) lead to the numerator: the vector ⟨y x⟩ = Σ b,",
        left=target(x) * Inner(x, i),
        right=Inner(i, Sigma, b),
        over=(x,),
        **general,
    )
    yield Average(
        words="and the matrix H = ⟨y x xᵀ⟩ = ⟨y⟩ Σ + Σ B Σ.",
        left=target(x) * Inner(x, i) * Inner(x, j),
        right=with_H(Inner(i, H, j)),
        over=(x,),
        **general,
    )
    product = target(x) * KERNEL * target(xp)
    yield Average(
        words="With these the numerator is |Σ b|² + 2ε b·Σ H w̄ + ε² tr(H M H),",
        left=product,
        right=with_H(GENERAL_NUMERATOR),
        over=(x, xp),
        **general,
    )
    yield Average(
        words="the mean square of the kernel",
        left=KERNEL**2,
        right=GENERAL_SQUARED_KERNEL,
        over=(x, xp),
        **general,
    )
    yield Average(
        words="and that of the target",
        left=target(x) ** 2,
        right=GENERAL_SQUARED_LABEL,
        over=(x,),
        **general,
    )
    found = (
        average(product, x, xp, **general),
        average(KERNEL**2, x, xp, **general),
        average(target(x) ** 2, x, **general),
    )
    yield Equal(
        words="At Σ = I/D, B = ββᵀ, b = 0 and c = 0 they are A2, A3 and A4.",
        left=tuple(map(of_the_paper, found)),
        right=(NUMERATOR, SQUARED_KERNEL, SQUARED_LABEL),
    )
    return found


u_1, u_2, A_1, A_2 = Vector("u₁"), Vector("u₂"), Matrix("A₁"), Matrix("A₂")
l_1, l_2 = sp.symbols("l₁ l₂")
"""The coefficients of two kernels."""


def terms(number: sp.Expr, vector: Vector, matrix: Matrix) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """Return the linear, cross and quadratic term of a kernel with these coefficients."""
    linear = Inner(x, xp)
    cross = eps * linear * (Inner(vector, x) + Inner(vector, xp))
    return number * linear, sp.expand(cross), eps**2 * linear * Inner(x, matrix, xp)


PRODUCTS = (
    l_1 * l_2 * Trace(Sigma, Sigma),
    2 * eps**2 * (Trace(Sigma, Sigma) * Inner(u_1, Sigma, u_2) + 2 * Inner(u_1, Sigma, Sigma, Sigma, u_2)),
    eps**4
    * (
        Trace(Sigma, Sigma) * Trace(A_1, Sigma, A_2, Sigma)
        + 2 * Trace(A_1, Sigma, Sigma) * Trace(A_2, Sigma, Sigma)
        + 2 * Trace(A_1, Sigma, Sigma, A_2, Sigma, Sigma)
        + 4 * Trace(A_1, Sigma, A_2, Sigma, Sigma, Sigma)
    ),
)
"""Mean products of two linear, two cross and two quadratic terms; their sum is ⟨K₁ K₂⟩ (A13)."""


def _kernel_product() -> Derivation:
    first, second = terms(l_1, u_1, A_1), terms(l_2, u_2, A_2)
    yield Equal(
        words="A kernel x·x′ (l + ε u·(x + x′) + ε² x·A x′) has a linear, a cross and a quadratic term. That of a "
        "network (K1) is one, with l = 1, u = w̄ and A = M:",
        left=sp.Add(*terms(sp.Integer(1), wbar, M)),
        right=sp.expand(KERNEL),
    )
    names = ("linear", "cross", "quadratic")
    for name, *pair, stated in zip(names, first, second, PRODUCTS, strict=True):
        yield Average(
            words=f"Two {name} terms, over x, x′ ~ N(0, Σ):",
            left=sp.expand(sp.Mul(*pair)),
            right=sp.expand(stated),
            over=(x, xp),
            **general,
        )
    for one, other in ((0, 1), (0, 2), (1, 2)):
        yield Average(
            words=f"A {names[one]} and a {names[other]} term are orthogonal: their product is odd in x or in x′.",
            left=sp.expand(first[one] * second[other]),
            right=sp.Integer(0),
            over=(x, xp),
            **general,
        )
    yield Say(words="So are they in the other order, with the names 1 and 2 exchanged.")
    found = average(sp.Add(*first) * sp.Add(*second), x, xp, **general)
    same_kernel = {l_1: 1, l_2: 1, u_1: wbar, u_2: wbar, A_1: M, A_2: M}
    yield Equal(
        words="At l = 1, u = w̄ and A = M, twice, it is the mean square of the kernel in A9.",
        left=found.xreplace({letter: sp.sympify(value) for letter, value in same_kernel.items()}),
        right=sp.expand(GENERAL_SQUARED_KERNEL),
    )
    return found


def of_the_paper(expression: sp.Expr) -> sp.Expr:
    """Evaluate at the paper's inputs and target."""
    at = replace(replace(expression, Sigma, {(): 1 / D}), B, {(beta, beta): sp.Integer(1)})
    return at.subs({atom: 0 for atom in at.atoms(Inner) if b in atom.args} | {c: 0})


# ---- on a sample


y, K0 = Column("y"), Symmetric("K₀")
"""The labels and the kernel's matrix, of as many rows as there are samples."""

Y, K = Vector("y"), Matrix("K₀")
s, eigenvalue = sp.symbols("s λ", positive=True)
norm = sp.sqrt(Trace(K, K))


def quadratic(labels: sp.Expr) -> sp.Expr:
    """Return yᵀ K_0 y."""
    return T(labels) * K0 * labels


def squared_length(labels: sp.Expr) -> sp.Expr:
    """Return |y|²."""
    return scalars(T(labels) * labels)


def _eigenvector() -> Derivation:
    on_it = scalars(reduce(quadratic(y), {K0 * y: eigenvalue * y}))
    yield Equal(words="With labels K_0 y = λ y, yᵀ K_0 y is", left=on_it, right=eigenvalue * Inner(Y, Y))
    yield Say(words="The length of y drops out, and ‖K_0‖ is the same for every eigenvector: larger λ, larger CKA.")
    return on_it / (norm * squared_length(y))


OWN_NUMERATOR = 3 * (D + 4) / (4 * D**3) * length**2 + 3 * eps**2 * (D + 6) / (4 * D**4) * (
    length**2 * Trace(M) + 4 * length * turned
)
"""⟨y² K(x, x)⟩ (A12)."""

OWN_SQUARED_KERNEL = (
    (D + 2) / D
    + 2 * eps**2 * (D + 2) * (D + 4) / D**3 * (Trace(M) + 2 * Inner(wbar, wbar))
    + eps**4 * (D + 4) * (D + 6) / D**4 * (Trace(M) ** 2 + 2 * Trace(M, M))
)
"""⟨K(x, x)²⟩ (A12)."""


def _sample() -> Derivation:
    own = KERNEL.subs(xp, x)
    yield Say(words="Of the P² pairs that yᵀ K y sums over, P(P − 1) are of different samples and average to ⟨y K y′⟩,")
    yield Average(
        words="and P pair a sample with itself:",
        left=label(x) ** 2 * own,
        right=OWN_NUMERATOR,
        over=(x,),
    )
    yield Average(words="So it is with ‖K‖², where", left=own**2, right=OWN_SQUARED_KERNEL, over=(x,))
    means = tuple(
        average(pair, x, xp) * (1 - 1 / P) + average(alone, x) / P
        for pair, alone in ((label(x) * KERNEL * label(xp), label(x) ** 2 * own), (KERNEL**2, own**2))
    )
    yield Equal(
        words="As P → ∞ the pairs remain, and the alignment of the sample tends to that of the population (A5).",
        left=tuple(sp.limit(mean, P, sp.oo) for mean in means),
        right=(NUMERATOR, SQUARED_KERNEL),
    )
    yield Say(words=_how_large(*means))
    return means


def _how_large(numerator: sp.Expr, squared_norm: sp.Expr) -> str:
    """Compare sample and population at the parameters of figure 1."""
    at = {D: 100, eps: 0.02}
    pairs, alone, population = (float(initial(part).subs(at)) for part in (NUMERATOR, OWN_NUMERATOR, ALIGNMENT))
    on_sample = float(initial(numerator / SQUARED_LABEL).subs({**at, P: 1000}))
    on_sample /= float(initial(squared_norm).subs({**at, P: 1000})) ** 0.5
    return (
        f"How large is large? At the start of figure 1 (D = 100, ε = 0.02) ⟨y K y′⟩ is {pairs:.3g} and ⟨y² K(x, x)⟩ "
        f"{alone:.3g}. With 1000 points the alignment is about {on_sample:.2g}, nearly all of it from samples paired "
        f"with themselves; over the population it is {population:.2g}, and that takes P ≫ {alone / pairs:.2g} to see."
    )


def initial(expression: sp.Expr) -> sp.Expr:
    """Evaluate at w̄ = 0, M = I and |β|² = D."""
    start = replace(sp.expand(expression), M, {(): sp.Integer(1)})
    return start.subs({Inner(wbar, wbar): 0, length: D})


def _power_of_length() -> Derivation:
    def once(labels: sp.Expr) -> sp.Expr:
        return scalars(quadratic(labels)) / (norm * sp.sqrt(squared_length(labels)))

    def twice(labels: sp.Expr) -> sp.Expr:
        return scalars(quadratic(labels)) / (norm * squared_length(labels))

    yield Equal(
        words="Make the labels s times as large. Over ‖y‖ the ratio is s times as large too,",
        left=once(s * y),
        right=s * once(y),
    )
    yield Equal(words="over ‖y‖² it is what it was, as eq. 19 is.", left=twice(s * y), right=twice(y))
    return twice(s * y)


# ---- how much the misprints matter


def _a_quarter() -> str:
    """Compare alignments with and without the factor 1/4 at the solution of figure 4's task."""
    right = sp.sqrt(at_weights(ALIGNMENT**2, {(beta, beta): 1 / (alpha * eps)}).subs(length, D))
    numbers = misjudged(4 * right, right, "as at the solution of figure 4's task", {D: 40, alpha: 1, eps: 0.25})
    return (
        f"alignments computed from eq. 20 are four times too large, {numbers} (with |β|² = D). In one dimension they "
        "would tend to 4 at large ε, and eq. 19 is a cosine; alignments of samples do not use eq. 20"
    )


def _length() -> str:
    """Return the typical norm of the labels in figure 4."""
    labels = sp.sqrt(P * SQUARED_LABEL.subs(length, D))
    return f"‖y‖ times too large, in figure 4 (P = 120) typically {float(labels.subs(P, 120)):.3g} times"


CLAIMS = (
    Definition(
        tag="A0",
        equation="eq. 19",
        title="the alignment of kernel and task over the law of the inputs",
        printed=Formula(
            latex=r"\frac{\langle y(\boldsymbol{x})K(\boldsymbol{x},\boldsymbol{x}')y(\boldsymbol{x}')\rangle}"
            r"{\sqrt{\langle K(\boldsymbol{x},\boldsymbol{x}')^2\rangle}\langle y(\boldsymbol{x})^2\rangle}"
        ),
    ),
    Misprint(
        tag="A1",
        equation="eq. 20, first line",
        title="the numerator of the alignment, averaged over one input",
        printed=Formula(
            latex=r"\frac{\epsilon^2}{D^2} \left[|\boldsymbol{\beta}_{\star}|^2 \left\langle"
            r" (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^2 \boldsymbol{x}^{\top} \boldsymbol{M} \boldsymbol{x}"
            r" \right\rangle + 2 \left\langle \boldsymbol{\beta}_{\star} \boldsymbol{M} \boldsymbol{x}"
            r" (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^3 \right\rangle \right]",
            value=eps**2 / D**2 * INSIDE,
        ),
        statement=Formula(
            latex=r"\frac{\epsilon^2}{4 D^2} \left[|\boldsymbol{\beta}_{\star}|^2 \left\langle"
            r" (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^2 \boldsymbol{x}^{\top} \boldsymbol{M} \boldsymbol{x}"
            r" \right\rangle + 2 \left\langle \boldsymbol{\beta}_{\star} \boldsymbol{M} \boldsymbol{x}"
            r" (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^3 \right\rangle \right]",
            value=eps**2 / (4 * D**2) * INSIDE,
        ),
        effect=_a_quarter,
        derive=_first_line,
    ),
    Misprint(
        tag="A2",
        equation="eq. 20, second line",
        title="the numerator of the alignment",
        printed=Formula(
            latex=r"\frac{\epsilon^2}{D^4} |\boldsymbol{\beta}_{\star}|^4 \text{Tr} \boldsymbol{M}"
            r" + \frac{8\epsilon^2}{D^4} \boldsymbol{\beta}_{\star}^{\top} \boldsymbol{M} \boldsymbol{\beta}_{\star}"
            r" |\boldsymbol{\beta}_{\star}|^2",
            value=eps**2 / D**4 * length**2 * Trace(M) + 8 * eps**2 / D**4 * turned * length,
        ),
        statement=Formula(
            latex=r"\frac{\epsilon^2}{4 D^4} |\boldsymbol{\beta}_{\star}|^4 \text{Tr} \boldsymbol{M}"
            r" + \frac{2\epsilon^2}{D^4} \boldsymbol{\beta}_{\star}^{\top} \boldsymbol{M} \boldsymbol{\beta}_{\star}"
            r" |\boldsymbol{\beta}_{\star}|^2",
            value=NUMERATOR,
        ),
        effect=_a_quarter,
        derive=_second_line,
    ),
    Claim(
        tag="A3",
        equation="ours, for eq. 19",
        title="the mean square of the kernel at any weights",
        statement=Formula(
            latex=r"\langle K^2 \rangle = \frac{1}{D} + \frac{2\epsilon^2 (D+2)}{D^3} |\bar w|^2"
            r" + \frac{\epsilon^4}{D^4} \left[(D+6)\, \mathrm{tr} M^2 + 2 (\mathrm{tr} M)^2\right]",
            value=SQUARED_KERNEL,
        ),
        derive=_squared_kernel,
    ),
    Claim(
        tag="A4",
        equation="ours, for eq. 19",
        title="the mean square of the target",
        statement=Formula(latex=r"\langle y^2 \rangle = \frac{3 |\beta_\star|^4}{4 D^2}", value=SQUARED_LABEL),
        derive=_squared_label,
    ),
    Claim(
        tag="A5",
        equation="ours: eq. 19 in closed form",
        title="the population alignment at any weights",
        statement=Formula(
            latex=r"\frac{\epsilon^2}{3 D^2 \sqrt{\langle K^2 \rangle}}"
            r" \left[\mathrm{tr} M + \frac{8\, \beta_\star^T M \beta_\star}{|\beta_\star|^2}\right]",
            value=ALIGNMENT,
        ),
        derive=_alignment,
    ),
    Claim(
        tag="A10",
        equation="ours, for section 5: how the alignment is related to ε",
        title="the initial alignment at infinite width: it grows with ε, as its square while ε is small",
        statement=Formula(
            latex=r"\frac{\epsilon^2 (D+8)}{3 \sqrt{D (D^2 + 3 (D+2) \epsilon^4)}}",
            value=eps**2 * (D + 8) / (3 * sp.sqrt(D * (D**2 + 3 * (D + 2) * eps**4))),
        ),
        derive=_initial_alignment,
    ),
    Printed(
        tag="A6",
        equation="section 11.2, before eq. 19 and after eq. 20",
        title="the correlation of M with ββᵀ stands in the numerator and in the misalignment error: its coefficients",
        statement=Formula(
            latex=r"\beta_{\star}\beta_{\star}^{\top}",
            value=(2 * eps**2 / D**4 * length, -alpha * eps / D**2),
        ),
        derive=_common_term,
    ),
    Claim(
        tag="A9",
        equation="ours: eq. 19 for any quadratic target",
        title="numerator, mean square kernel and mean square target for any covariance and any quadratic target",
        statement=Formula(
            latex=r"\langle y K y' \rangle = |\Sigma b|^2 + 2 \epsilon\, b^T \Sigma H \bar w"
            r" + \epsilon^2\, \mathrm{tr}(H M H), \quad H = \langle y \rangle \Sigma + \Sigma B \Sigma, \quad"
            r" \langle y \rangle = c + \tfrac12 \mathrm{tr}(B \Sigma); \quad"
            r" \langle K^2 \rangle = \mathrm{tr}\Sigma^2 + 2 \epsilon^2 (\mathrm{tr}\Sigma^2\, \bar w^T \Sigma \bar w"
            r" + 2\, \bar w^T \Sigma^3 \bar w) + \epsilon^4 [\mathrm{tr}\Sigma^2\, \mathrm{tr}(M \Sigma)^2"
            r" + 2 (\mathrm{tr} M \Sigma^2)^2 + 2\, \mathrm{tr}[(M \Sigma^2)^2]"
            r" + 4\, \mathrm{tr}(M \Sigma M \Sigma^3)];"
            r" \quad \langle y^2 \rangle = \langle y \rangle^2 + b^T \Sigma b + \tfrac12 \mathrm{tr}[(B \Sigma)^2]",
            value=(with_H(GENERAL_NUMERATOR), GENERAL_SQUARED_KERNEL, GENERAL_SQUARED_LABEL),
        ),
        derive=_general,
    ),
    Claim(
        tag="A13",
        equation="ours: grokode.lazy.alignment.KernelProduct",
        title="the mean product of two kernels for any covariance; their linear, cross and quadratic terms are "
        "orthogonal",
        statement=Formula(
            latex=r"\langle K_1 K_2 \rangle = l_1 l_2\, \mathrm{tr}\Sigma^2"
            r" + 2 \epsilon^2 (\mathrm{tr}\Sigma^2\, u_1^T \Sigma u_2 + 2\, u_1^T \Sigma^3 u_2)"
            r" + \epsilon^4 [\mathrm{tr}\Sigma^2\, \mathrm{tr}(A_1 \Sigma A_2 \Sigma)"
            r" + 2\, \mathrm{tr}(A_1 \Sigma^2)\, \mathrm{tr}(A_2 \Sigma^2)"
            r" + 2\, \mathrm{tr}(A_1 \Sigma^2 A_2 \Sigma^2) + 4\, \mathrm{tr}(A_1 \Sigma A_2 \Sigma^3)],"
            r" \quad K_k = x \cdot x' \, (l_k + \epsilon u_k \cdot (x + x') + \epsilon^2 x^T A_k x')",
            value=sp.Add(*PRODUCTS),
        ),
        derive=_kernel_product,
    ),
    Definition(
        tag="A7",
        equation="section 5, and section 6.1",
        title="the alignment on a sample; it is called centered, but nothing in it is",
        printed=Formula(latex=r"\frac{y^T K_0 y}{||K||_F||y||^2}"),
    ),
    Claim(
        tag="A12",
        equation="ours, for sections 5 and 6.1",
        title="the two averages that the alignment of a sample is made of, per pair of P samples",
        statement=Formula(
            latex=r"\frac{\langle y^T K y \rangle}{P^2} = \left(1 - \frac1P\right) \langle y K y' \rangle"
            r" + \frac1P \langle y^2 K(x, x) \rangle, \quad"
            r" \frac{\langle \|K\|_F^2 \rangle}{P^2} = \left(1 - \frac1P\right) \langle K^2 \rangle"
            r" + \frac1P \langle K(x, x)^2 \rangle",
            value=(
                (1 - 1 / P) * NUMERATOR + OWN_NUMERATOR / P,
                (1 - 1 / P) * SQUARED_KERNEL + OWN_SQUARED_KERNEL / P,
            ),
        ),
        derive=_sample,
    ),
    Printed(
        tag="A11",
        equation="section 6.1",
        title="the alignment of an eigenvector of the kernel is in proportion to its eigenvalue λ",
        statement=Formula(latex=r"\frac{y^T K_0 y}{||K_0||_F ||y||^2}", value=eigenvalue / norm),
        derive=_eigenvector,
    ),
    Misprint(
        tag="A8",
        equation="section 5.3, after eq. 6",
        title="the alignment of a sample does not depend on the unit of the labels",
        printed=Formula(
            latex=r"\frac{y^T K_0 y}{||K_0||_F ||y||}",
            value=Inner(Y, K, Y) / (norm * sp.sqrt(Inner(Y, Y))),
        ),
        statement=Formula(
            latex=r"\frac{y^T K_0 y}{||K_0||_F ||y||^2}",
            value=Inner(Y, K, Y) / (norm * Inner(Y, Y)),
        ),
        effect=_length,
        slip="one exponent is missing, and sections 5 and 6.1 have it",
        derive=_power_of_length,
    ),
)
