r"""The certificate that a test loss never falls below a threshold: how far gradient flow can still go.

While the kernel's smallest eigenvalue stays above :math:`P \kappa`, every stretch of path is paid for by
:math:`\sqrt{L}` at a fixed price, so that a small train loss leaves a short path. On a short path the
tangents hardly turn, so the eigenvalue does stay up: the two statements support each other inside a ball of
radius :math:`\rho` around the present V. And a test loss cannot change by much if V cannot. The equalities
are checked below; the inequalities are Cauchy and Schwarz's, Minkowski's, Weyl's and those of norms of products.
"""

from __future__ import annotations

from collections.abc import Generator

import sympy as sp

from .claim import Average, Claim, Derivation, Equal, Formula, Say
from .gaussian import Inner, Matrix, Trace, Vector, average
from .notation import P, Sigma, alpha, eps, x
from .words import Column, Letter, Symmetric, T, along, reduce, scalars

kappa, q, loss, rho, norm, fourth = sp.symbols("κ q L ρ λ_T m₄", positive=True)
"""λ_min(K)/P; max|x_μ| ‖X‖; the train loss; the radius; λ_max(T) and <|x|^4> of the test distribution."""

present, Q, s = sp.symbols("κ′ Q s", positive=True)
"""κ at a later point; r·K r; the length of d."""

REACH = 2 * sp.sqrt(loss / kappa) / alpha
"""The radius, derived below."""

CEILING = sp.sqrt(P * kappa) / 2
"""What eps q rho must not exceed."""

r, r0, d, e, h, delta, a = (Column(name) for name in ("r", "r₀", "d", "e", "h", "δ", "a"))
v, w = Column("v"), Column("w")
B, K = Letter("B"), Symmetric("K")


def _price() -> Generator[Say, None, None]:
    """Derive what a stretch of path costs."""
    yield Say(
        words="κ = λ_min(K)/P is the present value for the kernel K = B Bᵀ of the P training points, κ′ that at a "
        "later point; q = max|x_μ| ‖X‖. Row μ of B takes a step d of V to c_μ·(d x_μ), with c_μ = a + ε V x_μ."
    )
    moved = alpha * B * d
    yield Equal(
        words="A step d of V moves L = |r|²/P, r by α B d, so ∇L = (2α/P) Bᵀ r, and the flow is dV/dt = −∇L/α² (F5).",
        left=along(T(r0 + moved) * (r0 + moved) / P, d, e).subs({d: 0, T(d): 0}),
        right=sp.expand(T(e) * (alpha / P) * T(B) * r0 + (alpha / P) * T(r0) * B * e),
    )
    velocity = -2 / (alpha * P) * T(B) * r
    gram = {B * T(B): K}
    work = Inner(Vector("r"), Matrix("K"), Vector("r"))
    speed = scalars(reduce(T(velocity) * velocity, gram))
    yield Equal(words="The square of its speed, with K = B Bᵀ:", left=speed, right=4 * work / (alpha * P) ** 2)
    fall = scalars(reduce(2 / P * T(r) * (alpha * B * velocity), gram))
    yield Equal(words="The loss falls at the rate dL/dt = (2/P) r·dr/dt:", left=fall, right=-4 * work / P**2)
    yield Say(words="Write Q for r·K r. What d√L = dL/(2√L) pays for a stretch of path |dV|:")
    price = sp.sqrt(speed.subs(work, Q)) / (-fall.subs(work, Q) / (2 * sp.sqrt(loss)))
    yield Equal(words="it falls with Q, its logarithm by", left=sp.diff(sp.log(price), Q), right=-1 / (2 * Q))
    yield Equal(
        words="and Q ≥ λ_min(K)|r|² = Pκ′·P L (Rayleigh), with κ′ the value of κ there. So |dV| ≤ |d√L| times",
        left=price.subs(Q, P * present * P * loss),
        right=1 / (alpha * sp.sqrt(present)),
    )


def _turning() -> Generator[Say, None, None]:
    """Derive how much the tangents turn on the way."""
    f = alpha * (T(a) * h + eps / 2 * T(h) * h)
    slope = along(f, h, e)
    yield Equal(
        words="Row μ of B takes e to c_μ·(e x_μ), c = a + ε V x: here for h = V x, moved along e (F1).",
        left=scalars(slope),
        right=scalars(alpha * T(a + eps * h) * e),
    )
    yield Equal(
        words="At V + d, δ = d x, it differs by ε (d x_μ)·(e x_μ):",
        left=scalars((slope.subs({h: h + delta, T(h): T(h + delta)}) - slope) / alpha),
        right=scalars(eps * T(delta) * e),
    )
    gap = scalars(T(v) * v) * w - scalars(T(v) * w) * v
    yield Equal(
        words="Cauchy-Schwarz, |v|²|w|² ≥ (v·w)²: the difference times |v|² is the square of |v|² w − (v·w) v.",
        left=scalars(T(gap) * gap),
        right=scalars(T(v) * v) * (scalars(T(v) * v) * scalars(T(w) * w) - scalars(T(v) * w) ** 2),
    )
    yield Say(
        words="Twice: (d x_μ)·(e x_μ) ≤ |d x_μ||e x_μ|, and |d x_μ| ≤ |d||x_μ| row by row of d. The sum over samples "
        "Σ|e x_μ|² = |e Xᵀ|² is at most ‖X‖²|e|². So the difference, as an operator, is at most ε q |d|."
    )
    at_edge = sp.sqrt(P * kappa) - CEILING
    yield Equal(
        words="Weyl: the smallest singular value √(Pκ) of B falls by no more. Where ε q |d| ≤ √(Pκ)/2 this leaves κ′ ≥",
        left=at_edge**2 / P,
        right=kappa / 4,
    )


def _test_loss() -> Generator[Say, None, sp.Expr]:
    """Derive how much a test loss can change."""
    f = alpha * (T(a) * h + eps / 2 * T(h) * h)
    change = scalars(f.subs({h: h + delta, T(h): T(h + delta)}) - f)
    yield Equal(
        words="A test point's f changes by exactly (δ = d x, c = a + ε h at the present state)",
        left=change,
        right=scalars(alpha * (T(a + eps * h) * delta + eps / 2 * T(delta) * delta)),
    )
    yield Say(
        words="√L_test is the length of the residual under the test distribution, so it moves by at most the length of "
        "that change, and that by at most its two parts' (Minkowski). With |d| = s: ⟨(c·d x)²⟩ = d·T d ≤ λ_T s², and "
        "|d x|⁴ ≤ s⁴|x|⁴, of mean s⁴ m₄. For P⋆ test points T = BᵀB/P⋆, which has the eigenvalues of the test "
        "points' kernel B Bᵀ over P⋆; for inputs N(0, Σ) see C2 and C4."
    )
    parts = [sp.sqrt(alpha**2 * norm * s**2), sp.sqrt((alpha * eps / 2) ** 2 * fourth * s**4)]
    total = sp.Add(*parts)
    yield Equal(
        words="Together, for any d of length s:",
        left=total,
        right=alpha * (s * sp.sqrt(norm) + eps / 2 * s**2 * sp.sqrt(fourth)),
    )
    yield Say(words="It grows with s, and s ≤ ρ.")
    return total.subs(s, rho)


def _bound() -> Derivation:
    yield from _price()
    yield from _turning()
    path = sp.integrate(1 / (alpha * sp.sqrt(kappa / 4)), (s, 0, sp.sqrt(loss)))
    yield Equal(
        words="While κ′ ≥ κ/4, the path is at most the integral of 1/(α√(κ/4)) over √L, from 0 to now: ρ =",
        left=path,
        right=2 * sp.sqrt(loss / kappa) / alpha,
    )
    yield Say(
        words="Let ε q ρ ≤ √(Pκ)/2. As long as |V(t) − V| ≤ ρ, then, κ′ ≥ κ/4, and the path so far is at most "
        "2(√L − √L(t))/(α√κ): less than ρ, since L(t) > 0 at all finite t. V(t) moves continuously, and to leave the "
        "ball it would have to be at the distance ρ first, after a shorter path. So it never does."
    )
    bound = yield from _test_loss()
    return path, bound


def _fourth_moment() -> Derivation:
    yield Average(
        words="One pairing closes each |x|² to a loop, the two others join them.",
        left=Inner(x, x) ** 2,
        right=Trace(Sigma) ** 2 + 2 * Trace(Sigma, Sigma),
        over=(x,),
        scale=sp.Integer(1),
        covariance=(Sigma,),
    )
    return average(Inner(x, x) ** 2, x, scale=sp.Integer(1), covariance=(Sigma,))


A, Sw = Symmetric("A"), Symmetric("Σ")
g, p, V = Column("g"), Column("p"), Letter("V")
u = Column("u")
ua = sp.Symbol("u·a", real=True)
gv, pv, vv, Av = Vector("g"), Vector("p"), Vector("v"), Matrix("A")


def _population_operator() -> Derivation:
    step, point = Letter("d"), Column("x")
    sides = {step * point: delta, T(point) * T(step): T(delta), V * point: h, T(point) * T(V): T(h)}
    yield Equal(
        words="With g = dᵀa and A = (Vᵀd + dᵀV)/2: c·d x = (a + ε h)·δ = g·x + ε x·A x, h = V x, δ = d x.",
        left=scalars(
            reduce(
                T(T(step) * a) * point + eps * T(point) * (T(V) * step + T(step) * V) / 2 * point,
                sides,
            )
        ),
        right=scalars(T(a + eps * h) * delta),
    )
    yield Say(
        words="T d is the matrix with ⟨(c·e x)(c·d x)⟩ = tr(eᵀ T d) for every e. It is known from its entries along "
        "e = u vᵀ, for which c·e x = (u·a + ε p·x)(v·x) with p = Vᵀu."
    )
    probe = (ua + eps * Inner(pv, x)) * Inner(vv, x)
    change = Inner(gv, x) + eps * Inner(x, Av, x)
    gaussian = {"scale": sp.Integer(1), "covariance": (Sigma,)}
    entry = average(probe * change, x, **gaussian)
    yield Average(
        words="Odd powers of x drop out, and x·A x meets (p·x)(v·x) in three pairings:",
        left=sp.expand(probe * change),
        right=ua * Inner(gv, Sigma, vv)
        + eps**2 * (Trace(Av, Sigma) * Inner(pv, Sigma, vv) + 2 * Inner(pv, Sigma, Av, Sigma, vv)),
        over=(x,),
        **gaussian,
    )
    trace = sp.Symbol("tr(A Σ)")
    image = a * T(g) * Sw + eps**2 * V * (trace * Sw + 2 * Sw * A * Sw)
    rows = reduce(T(u) * image * v, {T(u) * a: ua, T(u) * V: T(p)})
    yield Equal(
        words="That is u·(T d) v for T d = a (Σg)ᵀ + ε² V [tr(AΣ) Σ + 2 Σ A Σ]:",
        left=scalars(rows).subs(trace, Trace(Av, Sigma)),
        right=entry,
    )
    return entry


largest, weight, stretch, square = sp.symbols("λ_Σ |VΣ|² ‖VΣVᵀ‖ |d|²", positive=True)


def _population_norm() -> Derivation:
    change = Inner(gv, x) + eps * Inner(x, Av, x)
    parts = Inner(gv, Sigma, gv), Trace(Av, Sigma) ** 2, Trace(Av, Sigma, Av, Sigma)
    form = parts[0] + eps**2 * (parts[1] + 2 * parts[2])
    yield Average(
        words="With g = dᵀa and A = (Vᵀd + dᵀV)/2 as in C3, d·T d = ⟨(c·d x)²⟩ is",
        left=sp.expand(change**2),
        right=form,
        over=(x,),
        scale=sp.Integer(1),
        covariance=(Sigma,),
    )
    bounds = largest * square, weight * square, stretch * largest * square
    yield Say(
        words="λ_max(T) is the largest d·T d for |d| = 1; |·| is Frobenius' norm, ‖·‖ the operator's, |XY| ≤ ‖X‖|Y|. "
        "First, |g| ≤ |d|, for |a| = 1, so g·Σg ≤ λ_Σ|d|². Second, tr(AΣ) = tr(VᵀdΣ) is the inner product of VΣ and d, "
        "at most |VΣ||d| (Cauchy-Schwarz). Third, tr(AΣAΣ) = |Σ^½AΣ^½|², and Σ^½AΣ^½ is the symmetric part of "
        "Σ^½VᵀdΣ^½, which is no longer: at most ‖VΣ^½‖²|dΣ^½|², where ‖VΣ^½‖² = ‖VΣVᵀ‖ and |dΣ^½|² ≤ λ_Σ|d|²."
    )
    value = sp.expand(form.subs(dict(zip(parts, bounds, strict=True))) / square)
    yield Equal(
        words="Each part by its bound, over |d|²:",
        left=value,
        right=largest + eps**2 * (weight + 2 * largest * stretch),
    )
    return value


CLAIMS = (
    Claim(
        tag="C1",
        equation="ours: grokode/observables/certificate.py",
        title="gradient flow stays within ρ of a state, and the root of a test loss within the bound, if ε q ρ "
        "is at most √(P κ)/2",
        statement=Formula(
            latex=r"\rho = \frac{2}{\alpha} \sqrt{\frac{L}{\kappa}}, \quad |\Delta \sqrt{L_{test}}| \le"
            r" \alpha \left[ \rho \sqrt{\lambda_{\max}(T)} + \tfrac{\epsilon}{2} \rho^2"
            r" \sqrt{\langle |x|^4 \rangle} \right]",
            value=(REACH, alpha * (rho * sp.sqrt(norm) + eps / 2 * rho**2 * sp.sqrt(fourth))),
        ),
        derive=_bound,
    ),
    Claim(
        tag="C2",
        equation="ours: grokode/observables/certificate.py, for Gaussian inputs",
        title="the fourth moment in C1",
        statement=Formula(
            latex=r"\langle |x|^4 \rangle = (\mathrm{tr} \Sigma)^2 + 2 \, \mathrm{tr} \Sigma^2",
            value=Trace(Sigma) ** 2 + 2 * Trace(Sigma, Sigma),
        ),
        derive=_fourth_moment,
    ),
    Claim(
        tag="C3",
        equation="ours: of C4, for Gaussian inputs",
        title="the tangent operator in C1: u·(T d) v for any u, v, with g = dᵀa, A = (Vᵀd + dᵀV)/2, p = Vᵀu",
        statement=Formula(
            latex=r"T d = a (\Sigma g)^T + \epsilon^2 V [\mathrm{tr}(A \Sigma) \Sigma + 2 \Sigma A \Sigma]",
            value=ua * Inner(gv, Sigma, vv)
            + eps**2 * (Trace(Av, Sigma) * Inner(pv, Sigma, vv) + 2 * Inner(pv, Sigma, Av, Sigma, vv)),
        ),
        derive=_population_operator,
    ),
    Claim(
        tag="C4",
        equation="ours: grokode/observables/certificate.py, for Gaussian inputs",
        title="the norm of the tangent operator in C1 is at most, with λ_Σ the largest eigenvalue of Σ",
        statement=Formula(
            latex=r"\lambda_{\max}(T) \le \lambda_\Sigma + \epsilon^2 \left[ |V\Sigma|^2"
            r" + 2 \, \lambda_\Sigma \, \| V \Sigma V^T \| \right]",
            value=largest + eps**2 * (weight + 2 * largest * stretch),
        ),
        derive=_population_norm,
    ),
)
