r"""Other targets and another activation: section 15.

What a target of one direction demands of the kernel is read off its expansion in the Hermite polynomials
:math:`\mathrm{He}_k(z)` of :math:`z = \sqrt D \, \beta \cdot x / |\beta|`, a standard normal number. They are made
here by :math:`\mathrm{He}_{k+1} = z \mathrm{He}_k - \mathrm{He}_k'`, and Gaussian integration by parts,
:math:`\langle z F \rangle = \langle F' \rangle`, makes them orthogonal. The information exponent of a target is
the smallest k >= 1 whose :math:`\mathrm{He}_k` it overlaps with.
"""

from __future__ import annotations

import sympy as sp

from .claim import Average, Claim, Definition, Derivation, Equal, Formula, Misprint, Printed, Say, misjudged
from .gaussian import Inner, Unit, Vector, average, replace
from .network import TARGET, b, c
from .notation import B, D, alpha, beta, eps, x, xp
from .words import Column, T, along, scalars

X, u_1, u_2 = Column("x"), Column("u"), Column("u′")
DIRECTIONS = tuple(Column(f"β_{k}") for k in (1, 2, 3))
z = sp.Symbol("z")
xi, e = Vector("ξ"), Unit("e")
"""ξ = √D x, of unit covariance, and the direction e of β: z = e·ξ is a standard normal number."""


# ---- several directions


def _sum(directions: tuple[Column, ...]) -> sp.Expr:
    """Return the sum of the β_k·x, as printed."""
    return sp.Add(*(T(direction) * X for direction in directions))


def _half_squares(directions: tuple[Column, ...]) -> sp.Expr:
    """Return half the sum of the squares: the general target (T1) with B the sum of β_k β_kᵀ."""
    letters = [Vector(direction.name) for direction in directions]
    quadratic = TARGET.subs({c: 0, Inner(b, x): 0})
    return replace(quadratic, B, {(letter, letter): sp.Integer(1) for letter in letters})


def _hessian(word: sp.Expr, u: Column, v: Column) -> sp.Expr:
    return along(along(word, X, u), X, v)


def _multi_index(directions: tuple[Column, ...]) -> Derivation:
    k = len(directions)
    printed = _sum(directions)
    yield Equal(
        words="The derivative of what is printed along any u is the same at every x: it is linear in x,",
        left=along(printed, X, u_1),
        right=sp.expand(sp.Add(*directions).xreplace({d: T(d) for d in directions}) * u_1),
    )
    yield Equal(
        words="a function of the one direction Σ_k β_k, with a vanishing second derivative along any u and u′.",
        left=_hessian(printed, u_1, u_2),
        right=sp.Integer(0),
    )
    yield Say(
        words=f"A target of {k} directions needs a second derivative of rank {k}. Eq. 3's target for each of them, "
        "added up (as in the experiments), is T1 with B = Σ_k β_k β_kᵀ."
    )
    squares = sp.Add(*((T(d) * X) ** 2 for d in directions)) / 2
    yield Equal(words="It is", left=_half_squares(directions), right=scalars(squares))
    yield Equal(
        words="Its second derivative along any u, twice, is a sum of squares,",
        left=scalars(_hessian(squares, u_1, u_1)),
        right=scalars(sp.Add(*((T(d) * u_1) ** 2 for d in directions))),
    )
    yield Say(words="zero only where u is orthogonal to every β_k: its rank is the number of independent directions.")
    return _half_squares(directions)


def linear_share(target: sp.Expr) -> sp.Expr:
    """Return the share of the mean square target that lies in linear functions."""
    projected = average(target * D * Inner(x, xp) * target.subs(_primed(target)), x, xp)
    return sp.simplify(projected / average(sp.expand(target**2), x))


def _primed(target: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    return {atom: Inner(*(xp if letter == x else letter for letter in atom.args)) for atom in target.atoms(Inner)}


FIGURE_4 = {D: 40, eps: 0.25}


def _linear_effect(directions: tuple[Column, ...]) -> str:
    printed, meant = linear_share(scalars(_sum(directions))), linear_share(sp.expand(_half_squares(directions)))
    eigenvalue = misjudged(1 / D, 2 * eps**2 / D**2, "kernel eigenvalue (S2, S8) in figure 4's set-up", FIGURE_4)
    return (
        f"the share of linear functions in the mean square target is {printed} as printed, {meant} as corrected (half "
        f"the sum of the squares, the target of the experiments; the print does not determine it); {eigenvalue}. "
        "P = 120 points are more than the D = 40 unknowns of a linear function: the initial kernel's linear part could "
        "fit the printed target exactly, with nothing left to learn late"
    )


# ---- Hermite polynomials


def hermite(k: int) -> sp.Expr:
    """Return He_k(z)."""
    polynomial = sp.Integer(1)
    for _ in range(k):
        polynomial = sp.expand(z * polynomial - sp.diff(polynomial, z))
    return polynomial


def overlap(polynomial: sp.Expr, k: int) -> sp.Expr:
    """Return the average of a polynomial in z with He_k(z)."""
    return average(sp.expand((polynomial * hermite(k)).subs(z, Inner(e, xi))), xi, scale=sp.Integer(1))


def information_exponent(polynomial: sp.Expr) -> int:
    """Return the smallest k >= 1 with a nonzero overlap."""
    return next(k for k in range(1, sp.degree(polynomial, z) + 1) if overlap(polynomial, k) != 0)


def _overlap_line(words: str, polynomial: sp.Expr, k: int, right: sp.Expr) -> Average:
    integrand = sp.expand((polynomial * hermite(k)).subs(z, Inner(e, xi)))
    return Average(words=words, left=integrand, right=right, over=(xi,), scale=sp.Integer(1))


def _constant_of_the_activation() -> Derivation:
    own, paper = z + eps / 2 * hermite(2), z + eps / 2 * z**2
    yield Equal(words="He_2 is", left=hermite(2), right=z**2 - 1)
    difference = sp.expand(own - paper)
    start = sp.Symbol("z₀")
    yield Equal(
        words="Centred (N5), a neuron contributes its change of φ since the start, and a constant drops out:",
        left=own - own.subs(z, start),
        right=paper - paper.subs(z, start),
    )
    yield Equal(
        words="Not centred, f (α times the mean of φ) is shifted by a constant, as c (T1) would be by minus that:",
        left=alpha * difference,
        right=-alpha * eps / 2,
    )
    return difference


def _quadratic_exponent() -> Derivation:
    target = z**2 * Inner(beta, beta) / (2 * D)
    yield Say(
        words="The information exponent is the smallest k ≥ 1 with an overlap with He_k(z), where z = √D β·x/|β| has "
        "variance 1: β·x = |β| z/√D."
    )
    yield Equal(
        words="The target (β·x)²/2 of eq. 3 is |β|²/(2D) times He_2 + 1.",
        left=target,
        right=Inner(beta, beta) / (2 * D) * (hermite(2) + 1),
    )
    yield _overlap_line("It does not overlap with He_1,", target, 1, sp.Integer(0))
    yield _overlap_line("but it does with He_2:", target, 2, Inner(beta, beta) / D)
    return sp.Integer(information_exponent(target))


def _hermite_exponent() -> Derivation:
    H, F = sp.Function("He_k")(z), sp.Function("F")(z)
    yield Equal(
        words="He_{k+1} F = z He_k F − He_k′ F, and ⟨z He_k F⟩ = ⟨(He_k F)′⟩ by parts. What is left is He_k F′:",
        left=sp.diff(H * F, z) - sp.diff(H, z) * F,
        right=H * sp.diff(F, z),
    )
    yield Say(
        words="So ⟨He_k F⟩ is the average of the k-th derivative of F: zero for every polynomial of a degree below k, "
        "and k! for He_k itself. The target He_k has information exponent k, for every k."
    )
    for k in (3, 4):
        for j in range(1, k):
            yield _overlap_line(f"He_{k} with He_{j}:", hermite(k), j, sp.Integer(0))
        yield _overlap_line(f"He_{k} with itself:", hermite(k), k, sp.factorial(k))
        yield Equal(words="Its exponent is", left=sp.Integer(information_exponent(hermite(k))), right=sp.Integer(k))
    return sp.true


def _degree() -> Derivation:
    yield Say(words="For the paper's targets it is: He_k has degree k and exponent k (V5), a square has 2 and 2 (V4).")
    yield Equal(words="But take a cube:", left=z**3, right=hermite(3) + 3 * hermite(1))
    yield _overlap_line("It overlaps with He_1 already,", z**3, 1, sp.Integer(3))
    yield Say(words="so that its exponent is 1. In general the degree is only a bound: a sum of He_j with j up to it.")
    return tuple(sp.Integer(number) for number in (sp.degree(z**3, z), information_exponent(z**3)))


CLAIMS = (
    Misprint(
        tag="V1",
        equation="section 15.1",
        title="the double-index target: what is printed is a linear function of one direction",
        printed=Formula(latex=r"(\beta_1 \cdot x + \beta_2 \cdot x)", value=scalars(_sum(DIRECTIONS[:2]))),
        statement=Formula(
            latex=r"\frac12 \left[(\beta_1 \cdot x)^2 + (\beta_2 \cdot x)^2\right]",
            value=(Inner(Vector("β_1"), x) ** 2 + Inner(Vector("β_2"), x) ** 2) / 2,
        ),
        effect=lambda: _linear_effect(DIRECTIONS[:2]),
        derive=lambda: _multi_index(DIRECTIONS[:2]),
    ),
    Misprint(
        tag="V2",
        equation="section 15.1",
        title="the triple-index target: the same fault, besides the 'c dot' that should be a dot",
        printed=Formula(
            latex=r"(\beta_1 \cdot x + \beta_2 \cdot x + \beta_3 c dot x)", value=scalars(_sum(DIRECTIONS))
        ),
        statement=Formula(
            latex=r"\frac12 \left[(\beta_1 \cdot x)^2 + (\beta_2 \cdot x)^2 + (\beta_3 \cdot x)^2\right]",
            value=sp.Add(*(Inner(Vector(f"β_{k}"), x) ** 2 for k in (1, 2, 3))) / 2,
        ),
        effect=lambda: _linear_effect(DIRECTIONS),
        derive=lambda: _multi_index(DIRECTIONS),
    ),
    Definition(
        tag="V3",
        equation="section 15.2",
        title="the activation for a target of degree k, with Hermite polynomials of leading coefficient 1",
        printed=Formula(latex=r"\phi(z)=z+\frac{\epsilon}{2}H_k(z)"),
    ),
    Claim(
        tag="V6",
        equation="ours, after section 15.2's activation",
        title="at k = 2 it differs from eq. 3's by a constant, which centring removes",
        statement=Formula(
            latex=r"\left(z + \frac{\epsilon}{2} \mathrm{He}_2(z)\right) - \left(z + \frac{\epsilon}{2} z^2\right)"
            r" = -\frac{\epsilon}{2}",
            value=-eps / 2,
        ),
        derive=_constant_of_the_activation,
    ),
    Printed(
        tag="V4",
        equation="section 15.2, and figure 14",
        title="the information exponent of the paper's target",
        statement=Formula(latex=r"k=2", value=sp.Integer(2)),
        derive=_quadratic_exponent,
    ),
    Printed(
        tag="V5",
        equation="section 15.2",
        title="the information exponent of the target He_k is k, so three and more for k = 3, 4, ...",
        statement=Formula(latex=r"k\geq 3"),
        derive=_hermite_exponent,
    ),
    Claim(
        tag="V7",
        equation="section 15.2: 'simply the degree of the polynomial'",
        title="true of the paper's targets, not of every polynomial: z³ has degree 3 and information exponent 1",
        statement=Formula(latex=r"z^3 = \mathrm{He}_3(z) + 3 \mathrm{He}_1(z)", value=(sp.Integer(3), sp.Integer(1))),
        derive=_degree,
    ),
)
