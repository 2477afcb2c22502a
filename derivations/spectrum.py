r"""The spectrum of the initial kernel over Gaussian inputs: eigenfunctions, eigenvalues, multiplicities.

At infinite width :math:`K(x, x') = x \cdot x' + \epsilon^2 (x \cdot x')^2` (K3), and the integral operator
averages over x ~ N(0, I/D). K is a polynomial in x' with linear and quadratic terms only, so an eigenfunction
with a nonzero eigenvalue is one too. The space of these has dimension D + D(D+1)/2; the operator is found on
each of three invariant parts of it: linear functions, traceless quadratic forms, and :math:`|x|^2`.
"""

from __future__ import annotations

from collections.abc import Generator

import sympy as sp

from .claim import Average, Claim, Definition, Derivation, Equal, Formula, Misprint, Printed, Say, misjudged
from .gaussian import Inner, Matrix, Trace, Unit, average
from .notation import D, Sigma, beta, eps, x, xp
from .words import Column, Symmetric, T, reduce

i, j = Unit("e_i"), Unit("e_j")
A = Matrix("A")
c = sp.Symbol("c")

K0 = Inner(x, xp) + eps**2 * Inner(x, xp) ** 2
"""The initial kernel at infinite width (K3)."""

LINEAR, QUADRATIC, RADIAL = 1 / D, 2 * eps**2 / D**2, eps**2 / D * (1 + 2 / D)
"""The three eigenvalues, derived below (S2, S8, S12)."""


def _linear() -> Derivation:
    yield Average(
        words="Odd powers average to zero: x_i meets x·x′ in a single pairing, and (x·x′)² not at all.",
        left=K0 * Inner(x, i),
        right=Inner(xp, i) / D,
        over=(x,),
    )
    return average(K0 * Inner(x, i), x)


def _linear_eigenvalue() -> Derivation:
    image = average(K0 * Inner(x, i), x)
    yield Equal(words="The image of x_i (S1) is x_i′ times a number.", left=image, right=Inner(xp, i) * LINEAR)
    return image / Inner(xp, i)


def _square() -> Derivation:
    yield Average(
        words="Two pairings join x_i² to both factors of (x·x′)²; the third closes x_i with x_i and x with x.",
        left=K0 * Inner(x, i) ** 2,
        right=2 * eps**2 / D**2 * Inner(xp, i) ** 2 + eps**2 / D**2 * Inner(xp, xp),
        over=(x,),
    )
    return average(K0 * Inner(x, i) ** 2, x)


def _radius() -> Derivation:
    yield Average(
        words="As for one x_i² (S3), summed over i: two pairings give |x′|²/D² each, the third a loop, tr I = D.",
        left=K0 * Inner(x, x),
        right=RADIAL * Inner(xp, xp),
        over=(x,),
    )
    return average(K0 * Inner(x, x), x)


def _candidate() -> Derivation:
    yield Say(words="The operator is linear: subtract c times the image of |x|² (S4) from that of x_i² (S3).")
    image = average(K0 * (Inner(x, i) ** 2 - c * Inner(x, x)), x)
    yield Equal(
        words="The factor of x_i′² is common.",
        left=image,
        right=QUADRATIC * (Inner(xp, i) ** 2 + (1 - c * (D + 2)) / 2 * Inner(xp, xp)),
    )
    return image


def _traceless_condition() -> Derivation:
    image = sp.expand(average(K0 * (Inner(x, i) ** 2 - c * Inner(x, x)), x) / QUADRATIC)
    inside = image.coeff(Inner(xp, xp))
    yield Equal(
        words="The bracket of S5 must be x_i′² − c|x′|² again: its coefficient of |x′|² must be −c.",
        left=inside,
        right=(1 - c * (D + 2)) / 2,
    )
    (solution,) = sp.solve(sp.Eq(inside, -c), c)
    yield Equal(words="Twice that condition is linear in c, with one solution.", left=solution, right=1 / D)
    return solution


def _quadratic_eigenvalue() -> Derivation:
    image = average(K0 * Inner(x, A, x), x)
    yield Average(
        words="For a quadratic form x·A·x with any symmetric A, as for x_i²:",
        left=K0 * Inner(x, A, x),
        right=QUADRATIC * Inner(xp, A, xp) + eps**2 / D**2 * Trace(A) * Inner(xp, xp),
        over=(x,),
    )
    yield Say(words="So every traceless form is an eigenfunction, and all of them have the same eigenvalue.")
    return image.subs(Trace(A), 0) / Inner(xp, A, xp)


def _diagonal_multiplicity() -> Derivation:
    diagonal = [Inner(x, unit) ** 2 - Inner(x, x) / D for unit in (i, j)]
    yield Average(
        words="The Gram matrix of the D functions f_i = x_i² − |x|²/D has the diagonal entries",
        left=diagonal[0] ** 2,
        right=2 / D**2 * (1 - 1 / D),
        over=(x,),
    )
    yield Average(
        words="and off the diagonal",
        left=sp.expand(diagonal[0] * diagonal[1]),
        right=2 / D**2 * (0 - 1 / D),
        over=(x,),
    )
    yield Say(
        words="It is 2/D² times I − 11ᵀ/D, the projector that removes the mean of D numbers (indeed Σ_i f_i = 0). "
        "The rank of a projector is its trace."
    )
    rank = sp.expand(D * average(sp.expand(diagonal[0] ** 2), x) / (2 / D**2))
    yield Equal(words="So only this many of the D functions are independent:", left=rank, right=D - 1)
    return rank


def _off_diagonal() -> Derivation:
    yield Average(
        words="The pairing of x_i with x_j vanishes; the two others are equal.",
        left=K0 * Inner(x, i) * Inner(x, j),
        right=QUADRATIC * Inner(xp, i) * Inner(xp, j),
        over=(x,),
    )
    return average(K0 * Inner(x, i) * Inner(x, j), x)


def _off_diagonal_count() -> Derivation:
    yield Average(
        words="Different products are orthogonal, so every pair i < j counts: x_i x_j against x_i x_k,",
        left=Inner(x, i) ** 2 * Inner(x, j) * Inner(x, Unit("e_k")),
        right=sp.Integer(0),
        over=(x,),
    )
    row = sp.Symbol("i", positive=True, integer=True)
    pairs = sp.summation(D - row, (row, 1, D))
    yield Equal(words="and row i of the upper triangle has D − i of them.", left=pairs, right=D * (D - 1) / 2)
    return sp.expand(pairs)


def _off_diagonal_shift() -> Derivation:
    image = average(K0 * (Inner(x, i) * Inner(x, j) - c * Inner(x, x)), x)
    remainder = sp.expand(image - QUADRATIC * (Inner(xp, i) * Inner(xp, j) - c * Inner(xp, xp)))
    yield Equal(
        words="The image less the eigenvalue times the function itself leaves a multiple of |x′|².",
        left=remainder,
        right=-c * eps**2 / D * Inner(xp, xp),
    )
    (solution,) = sp.solve(sp.Eq(remainder.coeff(Inner(xp, xp)), 0), c)
    return solution


def _decomposition() -> Derivation:
    y = Inner(beta, x) ** 2 / 2
    overlap = average(y * Inner(x, x), x)
    yield Average(
        words="The part along the eigenfunction |x|² is found by projection: the overlap of y with it,",
        left=y * Inner(x, x),
        right=Inner(beta, beta) * (D + 2) / (2 * D**2),
        over=(x,),
    )
    norm = average(Inner(x, x) ** 2, x)
    yield Average(words="over its norm,", left=Inner(x, x) ** 2, right=(D + 2) / D, over=(x,))
    radial = sp.cancel(overlap / norm) * Inner(x, x)
    yield Equal(words="is", left=radial, right=Inner(beta, beta) / (2 * D) * Inner(x, x))
    rest = y - radial
    yield Average(
        words="The rest is traceless, so orthogonal to |x|², and an eigenfunction by S8.",
        left=sp.expand(rest * Inner(x, x)),
        right=sp.Integer(0),
        over=(x,),
    )
    return rest, radial


def _orthogonality() -> Derivation:
    yield Average(words="Linear with linear:", left=Inner(x, i) * Inner(x, j), right=sp.Integer(0), over=(x,))
    yield Average(
        words="Linear with quadratic (an odd power):", left=Inner(x, i) * Inner(x, A, x), right=sp.Integer(0), over=(x,)
    )
    yield Average(
        words="Off-diagonal with diagonal:",
        left=Inner(x, i) * Inner(x, j) * (Inner(x, i) ** 2 - Inner(x, x) / D),
        right=sp.Integer(0),
        over=(x,),
    )
    yield Average(
        words="A quadratic form with |x|², in proportion to its trace:",
        left=Inner(x, A, x) * Inner(x, x),
        right=Trace(A) * (D + 2) / D**2,
        over=(x,),
    )
    return sp.true


def _completeness() -> Derivation:
    traceless = (D - 1) + D * (D - 1) / 2
    yield Equal(
        words="Linear, traceless and radial functions make up the whole space of linear and quadratic polynomials.",
        left=D + traceless + 1,
        right=D + D * (D + 1) / 2,
    )
    K_diagonal = K0.subs(Inner(x, xp), Inner(x, x))
    trace = average(K_diagonal, x)
    yield Average(words="The trace of the operator is", left=K_diagonal, right=1 + eps**2 * (D + 2) / D, over=(x,))
    yield Equal(
        words="which is the sum of the eigenvalues with these multiplicities: none is missing.",
        left=D * LINEAR + traceless * QUADRATIC + RADIAL,
        right=trace,
    )
    yield Equal(
        words="So is the trace of its square, ⟨K²⟩.",
        left=D * LINEAR**2 + traceless * QUADRATIC**2 + RADIAL**2,
        right=average(K0**2, x, xp),
    )
    return D + traceless + 1


# ---- inputs of independent coordinates, each with its variance


diagonal, s, one = Symmetric("diag(s)"), Column("s"), Column("1")
"""The variances s of d coordinates, as a diagonal matrix and as a column; d ones."""

d, root = sp.symbols("d γ", positive=True)
s_i, s_j = sp.symbols("s_i s_j", positive=True)
RADIAL_ROOT = (sp.sqrt(1 + d / 2) - 1) / d
ROOT = sp.sqrt(2) * diagonal * (1 + root * one * T(one))
"""γ, and L, a square root of the moments of the squares (S18)."""

ONES = {T(one) * one: d, diagonal * one: s, T(one) * diagonal: T(s)}
general = {"scale": sp.Integer(1), "covariance": (Sigma,)}


def at_diagonal(moment: sp.Expr) -> sp.Expr:
    """Evaluate at Σ = diag(s)."""
    others = {atom: 0 for atom in moment.atoms(Inner) if atom.args[0] != atom.args[-1]}
    return moment.subs({**others, Inner(i, Sigma, i): s_i, Inner(j, Sigma, j): s_j})


def _independent_axes() -> Derivation:
    yield Average(
        words="At any covariance Σ the moments of two squares are, for i ≠ j,",
        left=Inner(x, i) ** 2 * Inner(x, j) ** 2,
        right=Inner(i, Sigma, i) * Inner(j, Sigma, j) + 2 * Inner(i, Sigma, j) ** 2,
        over=(x,),
        **general,
    )
    yield Average(
        words="and of one with itself", left=Inner(x, i) ** 4, right=3 * Inner(i, Sigma, i) ** 2, over=(x,), **general
    )
    yield Equal(
        words="With Σ = diag(s) these are, for i ≠ j and i = j,",
        left=tuple(at_diagonal(average(Inner(x, i) ** 2 * Inner(x, k) ** 2, x, **general)) for k in (j, i)),
        right=(s_i * s_j, s_i**2 + 2 * s_i**2),
    )
    found = reduce(ROOT * T(ROOT), ONES)
    yield Equal(
        words="in one matrix 2 diag(s)² + s sᵀ. For any γ, L = √2 diag(s) (1 + γ 1 1ᵀ) has the square L Lᵀ",
        left=found,
        right=2 * diagonal**2 + (4 * root + 2 * d * root**2) * s * T(s),
    )
    (solution,) = sp.solve(4 * root + 2 * d * root**2 - 1, root)
    yield Equal(words="The one is the other for 4γ + 2d γ² = 1, at a positive γ:", left=solution, right=RADIAL_ROOT)
    component, outside = yield from _constant(solution)
    yield from _apart()
    product = average(2 * Inner(x, i) ** 2 * Inner(x, j) ** 2, x, **general)
    return sp.expand(found.subs(root, solution)), solution, component, outside, at_diagonal(product)


def _constant(solution: sp.Expr) -> Generator[Say, None, tuple[sp.Expr, sp.Expr]]:
    """Project the constant function on the squares."""
    inverse = 1 - root / (1 + root * d) * one * T(one)
    yield Equal(
        words="L has an inverse, as no variance is 0, and (1 + γ 1 1ᵀ)(1 − γ/(1 + γ d) 1 1ᵀ) is",
        left=sp.simplify(reduce((1 + root * one * T(one)) * inverse, ONES)),
        right=sp.Integer(1),
    )
    yield Say(
        words="So the functions L⁻¹ (x_1², …, x_d²) are orthonormal. The constant 1 has with the squares the overlaps "
        "⟨x_i²⟩ = s_i, and with these functions L⁻¹ s."
    )
    component = 1 / (sp.sqrt(2) * (1 + root * d))
    yield Equal(
        words="All of its components are 1/(√2 (1 + γ d)), for L times as many of them is",
        left=sp.simplify(reduce(component * ROOT * one, ONES)),
        right=s,
    )
    component = component.subs(root, solution)
    yield Equal(words="that is,", left=sp.simplify(component), right=1 / sp.sqrt(d + 2))
    outside = sp.simplify(1 - d * component**2)
    yield Equal(words="Of its mean square 1 this is left:", left=outside, right=2 / (d + 2))
    return component, outside


def _apart() -> Generator[Say, None, None]:
    """Show that the monomials of other kinds are orthogonal to the squares, to the constant and to each other."""
    k = Unit("e_k")
    yield Average(
        words="Products √2 x_i x_j with i ≠ j have the mean square",
        left=2 * Inner(x, i) ** 2 * Inner(x, j) ** 2,
        right=2 * Inner(i, Sigma, i) * Inner(j, Sigma, j) + 4 * Inner(i, Sigma, j) ** 2,
        over=(x,),
        **general,
    )
    yield Say(words="that is 2 s_i s_j where Σ = diag(s).")
    others = (sp.Integer(1), Inner(x, i) ** 2, Inner(x, k) ** 2, Inner(x, i) * Inner(x, k))
    products = [average(Inner(x, i) * Inner(x, j) * other, x, **general) for other in others]
    yield Equal(
        words="There they are orthogonal to the constant, to the squares x_i² and x_k², and to x_i x_k:",
        left=tuple(map(at_diagonal, products)),
        right=(sp.Integer(0),) * 4,
    )
    yield Average(
        words="and linear functions are to all of these, being odd.",
        left=Inner(x, i) * Inner(x, A, x),
        right=sp.Integer(0),
        over=(x,),
        **general,
    )


def _radial_share() -> str:
    """Compare the share of the mean square target that either decomposition puts into |x|²."""
    total = average(Inner(beta, x) ** 4 / 4, x)
    shares = []
    for coefficient in (1 / (2 * D), Inner(beta, beta) / (2 * D)):
        share = average(coefficient**2 * Inner(x, x) ** 2, x) / total
        shares.append(sp.cancel(share).subs({Inner(beta, beta): 100, D: 100}))
    printed, right = map(float, shares)
    return (
        f"right at |β| = 1, which the paper does not say; its experiments draw β ~ N(0, I), so |β|² is about D: at "
        f"D = 100 the function |x|² carries {right:.3g} of the mean square target, not {printed:.3g}, and the bracket "
        "as printed is no eigenfunction"
    )


FIGURE_1 = {D: 100, eps: 0.02}

CLAIMS = (
    Definition(
        tag="S0",
        equation="eq. 11",
        title="the eigenvalue problem of the kernel over the inputs",
        printed=Formula(
            latex=r"\int d\mathbf{x} p(\mathbf{x}) K(\mathbf{x}, \mathbf{x}') \phi(\mathbf{x})"
            r" = \lambda \phi(\mathbf{x}')"
        ),
    ),
    Printed(
        tag="S1",
        equation="eq. 12",
        title="a linear function is mapped to itself",
        statement=Formula(
            latex=r"\langle K(\boldsymbol{x}, \boldsymbol{x}') x_i \rangle ="
            r" \langle (\boldsymbol{x} \cdot \boldsymbol{x}') x_i \rangle = \frac{1}{D} x_i'",
            value=Inner(xp, i) / D,
        ),
        derive=_linear,
    ),
    Printed(
        tag="S2",
        equation="section 5, before eq. 6, and after eq. 12",
        title="the D linear functions have eigenvalue 1/D",
        statement=Formula(latex=r"\lambda_{lin} = \frac{1}{D}", value=1 / D),
        derive=_linear_eigenvalue,
    ),
    Misprint(
        tag="S3",
        equation="eq. 13, first formula",
        title="the image of a square",
        printed=Formula(
            latex=r"\left\langle K(\boldsymbol{x}, \boldsymbol{x}') x_i^2 \right\rangle ="
            r" \frac{2\epsilon^2}{D^2} x_i^2 + \frac{\epsilon^2}{D^2} |\boldsymbol{x}'|^2",
            value=2 * eps**2 / D**2 * Inner(x, i) ** 2 + eps**2 / D**2 * Inner(xp, xp),
        ),
        statement=Formula(
            latex=r"\left\langle K(\boldsymbol{x}, \boldsymbol{x}') x_i^2 \right\rangle ="
            r" \frac{2\epsilon^2}{D^2} (x_i')^2 + \frac{\epsilon^2}{D^2} |\boldsymbol{x}'|^2",
            value=2 * eps**2 / D**2 * Inner(xp, i) ** 2 + eps**2 / D**2 * Inner(xp, xp),
        ),
        effect=lambda: "none: eq. 14 goes on with the prime",
        slip="one prime is missing, and eq. 14 has it",
        derive=_square,
    ),
    Printed(
        tag="S4",
        equation="eq. 13, second formula",
        title="the image of |x|²",
        statement=Formula(
            latex=r"\left\langle K(\boldsymbol{x}, \boldsymbol{x}') |\boldsymbol{x}|^2 \right\rangle ="
            r" \frac{\epsilon^2}{D} \left(1 + \frac{2}{D} \right) |\boldsymbol{x}'|^2",
            value=eps**2 / D * (1 + 2 / D) * Inner(xp, xp),
        ),
        derive=_radius,
    ),
    Printed(
        tag="S5",
        equation="eq. 14, first line",
        title="the image of x_i² − c|x|²",
        statement=Formula(
            latex=r"\langle K(\boldsymbol{x}, \boldsymbol{x}')[x_i^2 - c|\boldsymbol{x}|^2] \rangle ="
            r" \frac{2\epsilon^2}{D^2} (x_i')^2 + \frac{\epsilon^2}{D^2} |\boldsymbol{x}'|^2"
            r" - \frac{c\epsilon^2}{D} \left(1 + \frac{2}{D}\right) |\boldsymbol{x}'|^2",
            value=2 * eps**2 / D**2 * Inner(xp, i) ** 2
            + eps**2 / D**2 * Inner(xp, xp)
            - c * eps**2 / D * (1 + 2 / D) * Inner(xp, xp),
        ),
        derive=_candidate,
    ),
    Printed(
        tag="S6",
        equation="eq. 14, second line",
        title="the same, with the eigenvalue taken out",
        statement=Formula(
            latex=r"= \frac{2\epsilon^2}{D^2} \left[(x_i')^2 + \left(\frac{1}{2}"
            r" - \frac{c}{2}(D+2)\right) |\boldsymbol{x}'|^2 \right]",
            value=2 * eps**2 / D**2 * (Inner(xp, i) ** 2 + (sp.Rational(1, 2) - c / 2 * (D + 2)) * Inner(xp, xp)),
        ),
        derive=_candidate,
    ),
    Printed(
        tag="S7",
        equation="after eq. 14",
        title="x_i² − c|x|² is an eigenfunction at one value of c",
        statement=Formula(latex=r"c=\frac{1}{D}", value=1 / D),
        derive=_traceless_condition,
    ),
    Misprint(
        tag="S8",
        equation="section 5, before eq. 6, and after eq. 17",
        title="every traceless quadratic form has one eigenvalue; |x|² has another (S12)",
        printed=Formula(latex=r"\lambda_{\rm quadr}=2\epsilon D^{-2}", value=2 * eps / D**2),
        statement=Formula(latex=r"\lambda_{\rm quadr}=2\epsilon^2 D^{-2}", value=2 * eps**2 / D**2),
        effect=lambda: misjudged(2 * eps / D**2, 2 * eps**2 / D**2, "figure 1", FIGURE_1),
        derive=_quadratic_eigenvalue,
    ),
    Printed(
        tag="S9",
        equation="after eq. 14, and after eq. 15",
        title="the same eigenvalue, where the appendix has it right",
        statement=Formula(latex=r"\lambda=\frac{2\epsilon^2}{D^2}", value=2 * eps**2 / D**2),
        derive=_quadratic_eigenvalue,
    ),
    Misprint(
        tag="S10",
        equation="before and after eq. 14",
        title="how many independent eigenfunctions x_i² − |x|²/D there are",
        printed=Formula(latex=r"D", value=D),
        statement=Formula(latex=r"D - 1", value=D - 1),
        effect=lambda: (
            "with D of them the spectrum would have one eigenvalue too many: the multiplicities would sum to "
            "D(D+3)/2 + 1, and the kernel has rank D(D+3)/2 (S16)"
        ),
        derive=_diagonal_multiplicity,
    ),
    Printed(
        tag="S11",
        equation="eq. 15",
        title="the image of x_i x_j",
        statement=Formula(
            latex=r"\langle K(\boldsymbol{x}, \boldsymbol{x}') x_i x_j \rangle = \frac{2\epsilon^2}{D^2} x_i' x_j'",
            value=2 * eps**2 / D**2 * Inner(xp, i) * Inner(xp, j),
        ),
        derive=_off_diagonal,
    ),
    Misprint(
        tag="S12",
        equation="eq. 16, and its eigenvalue twice in the text after it",
        title="the image of |x|²",
        printed=Formula(
            latex=r"\langle K(\boldsymbol{x}, \boldsymbol{x}') | \boldsymbol{x} |^2 \rangle ="
            r" \frac{1}{D} \left(1 + \frac{2}{D} \right) | \boldsymbol{x}' |^2",
            value=1 / D * (1 + 2 / D) * Inner(xp, xp),
        ),
        statement=Formula(
            latex=r"\langle K(\boldsymbol{x}, \boldsymbol{x}') | \boldsymbol{x} |^2 \rangle ="
            r" \frac{\epsilon^2}{D} \left(1 + \frac{2}{D} \right) | \boldsymbol{x}' |^2",
            value=eps**2 / D * (1 + 2 / D) * Inner(xp, xp),
        ),
        effect=lambda: misjudged(1 / D * (1 + 2 / D), eps**2 / D * (1 + 2 / D), "eigenvalue in figure 1", FIGURE_1),
        derive=_radius,
    ),
    Printed(
        tag="S13",
        equation="after eq. 15",
        title="how many eigenfunctions x_i x_j there are",
        statement=Formula(latex=r"\frac{1}{2}(D^2-D)", value=(D**2 - D) / 2),
        derive=_off_diagonal_count,
    ),
    Claim(
        tag="S14",
        equation="before eq. 15",
        title="x_i x_j − c|x|² is an eigenfunction at c = 0 only",
        statement=Formula(latex=r"c = 0", value=sp.Integer(0)),
        derive=_off_diagonal_shift,
    ),
    Misprint(
        tag="S15",
        equation="eq. 17",
        title="the target in eigenfunctions, for any length of β",
        printed=Formula(
            latex=r"y(\boldsymbol{x}) = \frac{1}{2} \left[(\boldsymbol{x} \cdot \boldsymbol{\beta}_{\star})^2"
            r" - \frac{1}{D} |\boldsymbol{x}|^2 \right] + \frac{1}{2D} |\boldsymbol{x}|^2",
            value=((Inner(beta, x) ** 2 - Inner(x, x) / D) / 2, Inner(x, x) / (2 * D)),
        ),
        statement=Formula(
            latex=r"y(\boldsymbol{x}) = \frac{1}{2} \left[(\boldsymbol{x} \cdot \boldsymbol{\beta}_{\star})^2"
            r" - \frac{|\boldsymbol{\beta}_{\star}|^2}{D} |\boldsymbol{x}|^2 \right]"
            r" + \frac{|\boldsymbol{\beta}_{\star}|^2}{2D} |\boldsymbol{x}|^2",
            value=(
                (Inner(beta, x) ** 2 - Inner(beta, beta) / D * Inner(x, x)) / 2,
                Inner(beta, beta) / (2 * D) * Inner(x, x),
            ),
        ),
        effect=_radial_share,
        derive=_decomposition,
    ),
    Claim(
        tag="S16",
        equation="ours, after eq. 16",
        title="the spectrum is complete: rank D(D+3)/2, and the eigenvalues sum to the trace",
        statement=Formula(latex=r"\mathrm{rank} K_0 = \frac{D(D+3)}{2}", value=D * (D + 3) / 2),
        derive=_completeness,
    ),
    Claim(
        tag="S17",
        equation="ours, after eq. 16",
        title="eigenfunctions of different kinds are orthogonal",
        statement=Formula(
            latex=r"\langle \phi_i \phi_j \rangle = 0 \text{ for } \phi = x_i,\; x_i x_j,\; x_i^2 - |x|^2/D,\; |x|^2"
        ),
        derive=_orthogonality,
    ),
    Claim(
        tag="S18",
        equation="ours: grokode.lazy.population_spectrum",
        title="a square root L of the moments of the squares x_i², for independent coordinates of variances s; the "
        "component of the constant function on each of its columns, and its power outside of them; the mean square of "
        "√2 x_i x_j",
        statement=Formula(
            latex=r"\langle x_i^2 x_j^2 \rangle = 2 s_i^2 \delta_{ij} + s_i s_j = (L L^T)_{ij}, \quad"
            r" L = \sqrt2\, \mathrm{diag}(s) (I + \gamma 1 1^T), \quad"
            r" \gamma = \frac{\sqrt{1 + d/2} - 1}{d}, \quad"
            r" L^{-1} s = \frac{1}{\sqrt2 (1 + \gamma d)} 1, \quad 1 - |L^{-1} s|^2 = \frac{2}{d + 2}, \quad"
            r" \langle 2 x_i^2 x_j^2 \rangle = 2 s_i s_j \; (i \ne j)",
            value=(
                2 * diagonal**2 + s * T(s),
                RADIAL_ROOT,
                1 / (sp.sqrt(2) * (1 + RADIAL_ROOT * d)),
                2 / (d + 2),
                2 * s_i * s_j,
            ),
        ),
        derive=_independent_axes,
    ),
)
