r"""How many samples the initial kernel needs, from its eigenvalues.

The paper reads the number off as :math:`P \sim 1/\lambda`. What follows from the spectrum is less simple.
Exactly: the kernel at infinite width has D(D+3)/2 features, so that many generic samples determine every
linear and quadratic function, however small :math:`\epsilon` is (Q2). On average over data sets: the
eigenlearning theory of Simon et al. (2023; the same equations as those of Bordelon et al., 2020) shares P
among the eigenfunctions, :math:`\sum_i \lambda_i / (\lambda_i + \kappa) = P`. That theory is granted here,
not proved: it is exact for independent Gaussian features, and the kernel's quadratic features are not
independent. An eigenfunction counts as learned where its share is one half, at :math:`\kappa = \lambda`.
"""

from __future__ import annotations

import sympy as sp

from .claim import Average, Claim, Derivation, Equal, Formula, Misprint, NotProvable, Printed, Say, misjudged
from .gaussian import Inner, average
from .notation import D, eps, x, xp
from .spectrum import K0, LINEAR, QUADRATIC, RADIAL, i, j
from .words import Column, Letter, Symmetric, T, reduce

FEATURES = D * (D + 3) / 2
"""Linear and quadratic monomials together, the rank of the initial kernel (S16)."""

MULTIPLICITY = {LINEAR: D, QUADRATIC: (D - 1) + D * (D - 1) / 2, RADIAL: sp.Integer(1)}
"""How many eigenfunctions have each eigenvalue (S2; S10 and S13; S12)."""

FIGURE_1 = {D: 100, eps: 0.02}


def share(eigenvalue: sp.Expr, kappa: sp.Expr) -> sp.Expr:
    """Return the learnability of one eigenfunction in the eigenlearning theory."""
    return eigenvalue / (eigenvalue + kappa)


def samples_at(kappa: sp.Expr) -> sp.Expr:
    """Return the number of samples at which the theory's constant is kappa, without a ridge."""
    return sp.Add(*(count * sp.cancel(share(eigenvalue, kappa)) for eigenvalue, count in MULTIPLICITY.items()))


HALF_QUADRATIC, HALF_RADIAL = samples_at(QUADRATIC), samples_at(RADIAL)
"""P at which traceless quadratic forms, and |x|^2, have learnability 1/2 (Q5, Q6)."""


def order(number: sp.Expr) -> sp.Expr:
    """Return D to the power with which a number grows at large D, its logarithmic slope."""
    return D ** sp.simplify(sp.limit(D * sp.diff(sp.log(number), D), D, sp.oo))


def _at_figure_1(number: sp.Expr) -> str:
    return f"{float(sp.sympify(number).subs(FIGURE_1)):.4g}"


def _inverse() -> Derivation:
    image = average(K0 * Inner(x, i) * Inner(x, j), x)
    yield Average(
        words="The eigenvalue of quadratic functions once more (S8), from x_i x_j:",
        left=K0 * Inner(x, i) * Inner(x, j),
        right=QUADRATIC * Inner(xp, i) * Inner(xp, j),
        over=(x,),
    )
    yield Say(words="This is about the equation between its inverse and D², not about P ∼: for that see Q2 and Q5.")
    return Inner(xp, i) * Inner(xp, j) / image


def _recovery() -> Derivation:
    Phi, theta = Letter("Φ"), Column("θ")
    S, Sinv = Symmetric("S"), Symmetric("S⁻¹")
    row = sp.Symbol("i", positive=True, integer=True)
    count = D + sp.summation(D + 1 - row, (row, 1, D))
    yield Equal(
        words="K = x·x′ + ε²(x·x′)² is a sum over features, φ(x)·φ(x′): the x_i and ε times the products x_i x_j "
        "(√2 ε for i ≠ j). These are",
        left=count,
        right=D + D * (D + 1) / 2,
    )
    yield Say(
        words="different monomials. So their matrix Φ at as many points has a determinant that is a polynomial in the "
        "points and not zero everywhere: for generic points, and more of them, S = ΦᵀΦ has an inverse. ε only "
        "multiplies columns of Φ, so this is so for every ε > 0."
    )
    gram, plus = Phi * T(Phi), Phi * Sinv * Sinv * T(Phi)
    rules = {T(Phi) * Phi: S, S * Sinv**2: Sinv, Sinv**2 * S: Sinv, S * Sinv: 1, Sinv * S: 1}
    yield Equal(
        words="The pseudo-inverse of the Gram matrix G = ΦΦᵀ is G⁺ = Φ S⁻² Φᵀ: G G⁺ is symmetric, G⁺G G⁺ = G⁺, and",
        left=(
            reduce(gram * plus - T(gram * plus), rules),
            reduce(plus * gram * plus - plus, rules),
            reduce(gram * plus * gram, rules),
        ),
        right=(sp.Integer(0), sp.Integer(0), gram),
    )
    yield Equal(
        words="Ridgeless regression on the labels y = Φθ predicts φ(x)·Φᵀ G⁺ y, which is φ(x)·θ: the function itself.",
        left=reduce(T(Phi) * plus * Phi * theta, rules),
        right=theta,
    )
    yield Say(
        words="With fewer points Φᵀ G⁺ Φ projects on fewer dimensions than there are features. Functions that vanish "
        "at all of the points are then predicted as 0, and a generic function has a part among them."
    )
    yield Equal(
        words="P ∼ 1/λ asks for more where ε is small. At large D the sufficient number is 1/λ times",
        left=sp.limit(count * QUADRATIC, D, sp.oo),
        right=eps**2,
    )
    yield Say(
        words=f"(In figure 1, D = 100 and ε = 0.02, {_at_figure_1(count)} samples suffice; 1/λ is "
        f"{_at_figure_1(1 / QUADRATIC)}.)"
    )
    return count


GRANTED = Say(
    words="Granted, not proved here: without a ridge Σ_i L_i = P with the learnabilities L_i = λ_i/(λ_i + κ) (Simon et "
    "al., 2023). An eigenfunction with eigenvalue λ has L = 1/2 at κ = λ."
)


def _half_quadratic() -> Derivation:
    yield GRANTED
    linear, radial = share(LINEAR, QUADRATIC), share(RADIAL, QUADRATIC)
    yield Equal(words="At κ = λ_quadr a linear function has", left=linear, right=D / (D + 2 * eps**2))
    yield Equal(words="and |x|² has", left=radial, right=(D + 2) / (D + 4))
    total = D * linear + (FEATURES - D - 1) / 2 + radial
    yield Equal(
        words="With the multiplicities this is a sum that ε hardly enters; at large D it is D² times",
        left=sp.limit(total / D**2, D, sp.oo),
        right=sp.Rational(1, 4),
    )
    yield Equal(
        words="P ∼ 1/λ supposes a trace near 1 in the functions that compete. Here the traceless forms have",
        left=sp.limit(MULTIPLICITY[QUADRATIC] * QUADRATIC, D, sp.oo),
        right=eps**2,
    )
    yield Say(words=f"so P ∼ ε²/λ, and ε cancels. (In figure 1, {_at_figure_1(total)} samples; P was 550.)")
    return total


def _half_radial() -> Derivation:
    yield GRANTED
    linear, quadratic = share(LINEAR, RADIAL), share(QUADRATIC, RADIAL)
    yield Equal(words="At κ = λ_radial a linear function has", left=linear, right=D / (D + eps**2 * (D + 2)))
    yield Equal(words="and a traceless quadratic form", left=quadratic, right=2 / (D + 4))
    total = D * linear + (FEATURES - D - 1) * quadratic + sp.Rational(1, 2)
    yield Equal(
        words="There are about D²/2 of the latter. The sum is, at large D, D times",
        left=sp.limit(total / D, D, sp.oo),
        right=1 + 1 / (1 + eps**2),
    )
    yield Say(words=f"(In figure 1, {_at_figure_1(total)} samples.)")
    return total


def _order_radial() -> Derivation:
    yield GRANTED
    yield Equal(
        words="|x|² has L = 1/2 at a number of samples (Q6) that is, at large D and fixed ε,",
        left=sp.limit(HALF_RADIAL / D, D, sp.oo) * D,
        right=D * (1 + 1 / (1 + eps**2)),
    )
    yield Equal(
        words="The paper's own reason does not give it: P ∼ 1/λ with the eigenvalue as it should be (S12) is",
        left=sp.limit(1 / RADIAL / D, D, sp.oo) * D,
        right=D / eps**2,
    )
    yield Say(
        words=f"(in figure 1, {_at_figure_1(1 / RADIAL)} samples against {_at_figure_1(HALF_RADIAL)}): "
        "the same order in D, but not in ε."
    )
    return order(HALF_RADIAL)


def _order_full() -> Derivation:
    yield GRANTED
    yield Equal(
        words="The rest of the target is a traceless form. It has L = 1/2 at a number (Q5) that is, at large D,",
        left=sp.limit(HALF_QUADRATIC / D**2, D, sp.oo) * D**2,
        right=D**2 / 4,
    )
    yield Equal(
        words="That all of it is learned at the number of Q2 needs no theory; and that has the same order,",
        left=order(FEATURES),
        right=D**2,
    )
    yield Say(words="for any ε; again P ∼ 1/λ has the order in D, and one in ε that is not there.")
    return order(HALF_QUADRATIC)


def _misjudged() -> str:
    printed, right = D**2 / (2 * eps), D**2 / (2 * eps**2)
    cases = (misjudged(printed, right, "figure 1", {D: 100, eps: weight}) for weight in (0.02, 0.25))
    return (
        "; ".join(cases)
        + "; the figure has P = 550. The slip is that of S8, carried on; P ∼ 1/λ itself is judged in Q2 and Q5"
    )


CLAIMS = (
    Misprint(
        tag="Q1",
        equation="section 5, before section 5.1",
        title="the inverse of the eigenvalue of quadratic functions",
        printed=Formula(
            latex=r"P \sim \lambda_{\rm quadr}^{-1} = \frac{1}{2\epsilon} D^2",
            value=D**2 / (2 * eps),
        ),
        statement=Formula(
            latex=r"\lambda_{\rm quadr}^{-1} = \frac{1}{2\epsilon^2} D^2",
            value=D**2 / (2 * eps**2),
        ),
        effect=_misjudged,
        derive=_inverse,
    ),
    Claim(
        tag="Q2",
        equation="ours, on section 5",
        title="from D(D+3)/2 generic samples ridgeless regression with the initial kernel at infinite width gets every "
        "linear and quadratic function exactly, at any ε > 0, if there is no noise",
        statement=Formula(latex=r"P = \frac{D(D+3)}{2}", value=FEATURES),
        derive=_recovery,
    ),
    Claim(
        tag="Q5",
        equation="ours, on section 5, if the eigenlearning equation is granted",
        title="the number of samples at which traceless quadratic forms have learnability 1/2",
        statement=Formula(
            latex=r"P = \frac{D^2}{D + 2\epsilon^2} + \frac{D(D+1)}{4} - \frac12 + \frac{D+2}{D+4}",
            value=D**2 / (D + 2 * eps**2) + D * (D + 1) / 4 - sp.Rational(1, 2) + (D + 2) / (D + 4),
        ),
        derive=_half_quadratic,
    ),
    Claim(
        tag="Q6",
        equation="ours, after eq. 17, if the eigenlearning equation is granted",
        title="the number of samples at which |x|² has learnability 1/2",
        statement=Formula(
            latex=r"P = \frac{D^2}{D + \epsilon^2 (D+2)} + \frac{(D+2)(D-1)}{D+4} + \frac12",
            value=D**2 / (D + eps**2 * (D + 2)) + (D + 2) * (D - 1) / (D + 4) + sp.Rational(1, 2),
        ),
        derive=_half_radial,
    ),
    Printed(
        tag="Q3",
        equation="after eq. 17",
        title="the order of the number of samples from which |x|² is learned, if the eigenlearning equation is granted",
        statement=Formula(latex=r"P\approx D", value=D),
        derive=_order_radial,
    ),
    Printed(
        tag="Q7",
        equation="after eq. 17",
        title="the order of the number from which the full target is learned, if the eigenlearning equation is granted",
        statement=Formula(latex=r"P\approx D^2", value=D**2),
        derive=_order_full,
    ),
    NotProvable(
        tag="Q4",
        equation="section 5, first paragraph and footnote 3",
        title="samples from which polynomials of degree k are learned: by kernels D^k, by networks online D or D log D "
        "steps, and what lies between",
        printed=Formula(latex=r"P \sim D^k"),
        why="results of others for other models, in the limit of large D; nothing in this paper's model implies them. "
        "The range D << P << D^k combines two of them and says where networks may do better than kernels, not that "
        "they do. For k = 2 and the kernel of this paper see Q2 and Q5.",
    ),
)
