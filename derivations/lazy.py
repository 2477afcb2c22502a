r"""The lazy limit: linearised dynamics, how far the weights move, kernel regression.

Near the start the predictor is linear in d = V - V_0, :math:`f_\mu = f_{0\mu} + \alpha (B d)_\mu`, and
:math:`B B^T` is the kernel of eq. 5. Gradient flow on the mean squared residual then moves the residual by
:math:`\dot r = -\frac{2}{P} K_0 r`: every eigenvector of K_0 decays by itself, and everything else (the
test points, how far V moves, what becomes of a singular K_0) is an integral over these decays. A proof is
made of matrix words, which hold for any number of samples, neurons and dimensions, and of the one mode of
eigenvalue :math:`\lambda` that stands for all.
"""

from __future__ import annotations

from collections.abc import Generator

import sympy as sp

from . import network
from .certificate import CEILING, REACH, kappa, loss, q
from .claim import Claim, Definition, Derivation, Equal, Formula, Printed, Say, Unequal
from .gaussian import Inner, Matrix, Vector, replace
from .notation import M, N, P, alpha, eps, wbar, x, xp
from .words import Column, Letter, Symmetric, T, along, reduce, scalars

t, lam = sp.symbols("t λ", positive=True)
rho0, rstar0, k = sp.symbols("ρ₀ r⋆₀ k", real=True)
"""Components along one eigenvector: of r_0, and of k_* (with all of the test point's r_* at the start)."""

a, h, delta, zeta = Column("a"), Column("h"), Column("δ"), Column("ζ")
d, e, r0, u, y = Column("d"), Column("e"), Column("r₀"), Column("u"), Column("y")
tangent_test, k_test = Column("b⋆"), Column("k⋆")
point, other, one = Column("x"), Column("x′"), Column("1")
V, W, Q, B = Letter("V"), Letter("W"), Letter("Q"), Letter("B")
K, Kinv, Kplus, Pi = Symmetric("K₀"), Symmetric("K₀⁻¹"), Symmetric("K₀⁺"), Symmetric("Π")
Mw, wbarw = Symmetric(M.name), Column(wbar.name)

r0v, yv = Vector("r₀"), Vector("y")
K_eq2_inv, K0_inv, K0_plus, projector = Matrix("K⁻¹"), Matrix("K₀⁻¹"), Matrix("K₀⁺"), Matrix("Π")
"""The same letters where a word has become a number."""

MOMENTS = {
    **network.MOMENTS,
    T(a) * a: 1,
    T(a) * V: T(wbarw),
    T(V) * a: wbarw,
    T(V) * V: Mw,
}
"""What eq. 4 and the factor (F0) make of products of weights."""

GRAM = {B * T(B): K, K * Kinv: 1, Kinv * K: 1}


def predictor(h: sp.Expr) -> sp.Expr:
    """Return f at one point from h = V x (F1)."""
    return alpha * (T(a) * h + eps / 2 * T(h) * h)


def slope(h: sp.Expr) -> sp.Expr:
    """Return c = a + eps h, the slope of phi at each pseudo-neuron."""
    return a + eps * h


def decay() -> sp.Expr:
    """Return the component of r on an eigenvector of eigenvalue lambda, which starts as rho_0."""
    rho = sp.Function("ρ")
    return sp.dsolve(sp.Eq(rho(t).diff(t), -2 * lam / P * rho(t)), rho(t), ics={rho(0): rho0}).rhs


def _curves() -> Derivation:
    yield Equal(
        words="A step d of V moves h = V x by δ = d x, and f by exactly (c = a + ε h)",
        left=scalars(predictor(h + delta) - predictor(h)),
        right=scalars(alpha * (T(slope(h)) * delta + eps / 2 * T(delta) * delta)),
    )
    yield Say(words="Linearised, only α c·δ = α (B d)_μ is kept: the row μ of B is c_μ x_μᵀ at V₀, and r = r₀ + α B d.")
    yield Equal(
        words="(B Bᵀ)_μν = (c_μ·c_ν)(x_μ·x_ν) is the kernel of eq. 5:",
        left=scalars(reduce(T(slope(V * point)) * slope(V * other), MOMENTS)) * Inner(x, xp),
        right=Inner(x, xp) * (1 + eps * (Inner(wbar, x) + Inner(wbar, xp)) + eps**2 * Inner(x, M, xp)),
    )
    r = r0 + alpha * B * d
    gradient = 2 * alpha / P * T(B) * r
    yield Equal(
        words="Along e the loss L = |r|²/P changes by e·∇L with ∇L = (2α/P) Bᵀ r (half of it in either order):",
        left=along(T(r) * r / P, d, e),
        right=sp.expand((T(e) * gradient + T(gradient) * e) / 2),
    )
    rate = -gradient / alpha**2
    yield Equal(
        words="The flow in flow time is dV/dt = −∇L/α² (F5), so the residual follows dr/dt = α B dd/dt = −(2/P) K₀ r:",
        left=reduce(alpha * B * rate, GRAM),
        right=sp.expand(-2 / P * K * r),
    )
    mode = decay()
    yield Say(words="K₀ is symmetric: along an eigenvector of eigenvalue λ the residual has one component, ρ.")
    yield Equal(words="It obeys dρ/dt = −(2/P) λ ρ,", left=sp.diff(mode, t) / mode, right=-2 * lam / P)
    yield Equal(words="and starts as ρ₀: together they are exp(−2 K₀ t/P) r₀.", left=mode.subs(t, 0), right=rho0)
    yield Equal(
        words="At another point, with tangent b⋆, dr⋆/dt = α b⋆·dd/dt = −(2/P) k⋆·r, where k⋆ = B b⋆:",
        left=reduce(alpha * T(tangent_test) * (-2 / (alpha * P)) * T(B) * u, {T(tangent_test) * T(B): T(k_test)}),
        right=-2 / P * T(k_test) * u,
    )
    curve = rstar0 + sp.integrate(-2 / P * k * mode, (t, 0, t))
    yield Equal(
        words="One mode adds the integral of −(2/P) k ρ, with k the component of k⋆:",
        left=sp.diff(curve, t),
        right=-2 / P * k * mode,
    )
    yield Equal(
        words="so late r⋆ = r⋆(0) − k⋆ᵀ K₀⁻¹ r₀: kernel regression with the initial kernel, without a ridge.",
        left=sp.limit(curve, t, sp.oo),
        right=rstar0 - k * rho0 / lam,
    )
    return mode, curve


def _neurons() -> Generator[Say, None, None]:
    """Relate V and eq. 5 to all N D weights and eq. 2."""
    moved = sp.sqrt(N) * T(Q) * d
    yield Equal(
        words="In neurons W − W₀ = √N Qᵀ (V − V₀) with orthonormal rows of Q, so |W − W₀|² = N |V − V₀|² (trace of)",
        left=reduce(T(moved) * moved, {Q * T(Q): 1}),
        right=N * T(d) * d,
    )
    yield Equal(
        words="Eq. 2 sums ∂f/∂w_i = (α/N)(1 + ε w_i·x) x over all weights: α²/N times c·c′ (here without x·x′).",
        left=scalars(reduce((alpha / N) ** 2 * T(one + eps * W * point) * (one + eps * W * other), MOMENTS)),
        right=alpha**2 / N * scalars(reduce(T(slope(V * point)) * slope(V * other), MOMENTS)),
    )


def _full_dynamics() -> Generator[Say, None, None]:
    """Show that the output scale enters the whole dynamics as 1/alpha alone."""
    yield Equal(
        words="Not linearised, in z = α (V − V₀) and ζ = z x: the centred predictor is",
        left=scalars(predictor(h + zeta / alpha) - predictor(h)),
        right=scalars(T(slope(h)) * zeta + eps / (2 * alpha) * T(zeta) * zeta),
    )
    force = -1 / alpha**2 * 2 * alpha * slope(h + zeta / alpha)  # times r xᵀ, averaged over the samples
    yield Equal(
        words="and dz/dt = −(2/P) Σ_μ r_μ (c_μ + (ε/α) ζ_μ) x_μᵀ (here without r_μ x_μᵀ/P):",
        left=sp.expand(alpha * force),
        right=sp.expand(-2 * (slope(h) + eps / alpha * zeta)),
    )
    yield Say(
        words="α stands there only as 1/α, and at 1/α = 0 this is the linearised flow. Solutions of a differential "
        "equation are smooth in its parameters: at any fixed t the two differ by O(1/α)."
    )
    yield Equal(
        words="Late, too: with κ = λ_min(K₀)/P > 0 and q as in C1, its condition ε q ρ ≤ √(Pκ)/2 holds at the start "
        "for every α from",
        left=sp.solve(sp.Eq(eps * q * REACH, CEILING), alpha)[0],
        right=4 * eps * q * sp.sqrt(loss) / (kappa * sp.sqrt(P)),
    )
    yield Say(
        words="on. There the kernel keeps a quarter of κ for ever, L falls at least as fast as exp(−κ t), and the "
        "path in z after t is at most 2 √(L(t)/κ): small for late t, whatever α is. So the limits of late t and of "
        "large α may be exchanged."
    )


def _distance() -> Derivation:
    lifetime = sp.integrate(decay() / rho0, (t, 0, sp.oo))
    yield Equal(
        words="Linearised, each mode of the residual decays as in Z1. Its integral over all times is",
        left=lifetime,
        right=P / (2 * lam),
    )
    moved = -2 / (alpha * P) * T(B) * (lifetime * lam) * Kinv * r0
    yield Equal(
        words="so V, which follows dV/dt = −(2/(αP)) Bᵀ r, moves by −(2/(αP)) Bᵀ ∫ r dt, in all modes together:",
        left=sp.expand(moved),
        right=-T(B) * Kinv * r0 / alpha,
    )
    yield Equal(
        words="There nothing is left to fit, r₀ + α B (V − V₀):", left=reduce(r0 + alpha * B * moved, GRAM), right=0
    )
    squared = scalars(reduce(T(moved) * moved, GRAM))
    yield Equal(
        words="Its length:",
        left=squared,
        right=Inner(r0v, K0_inv, r0v) / alpha**2,
    )
    yield from _neurons()
    centred = scalars(reduce(T(moved) * moved, GRAM).subs({r0: -y, T(r0): -T(y)}))
    weights = replace(N * centred, K0_inv, {(K_eq2_inv,): alpha**2 / N})
    yield Equal(
        words="Centred, r₀ = −y. With K = (α²/N) K₀ of eq. 2 the neurons' |W − W₀|² is eq. 9 as an equation:",
        left=weights,
        right=Inner(yv, K_eq2_inv, yv),
    )
    yield Unequal(
        words="With the normalization of eq. 5, K₀ itself, it would not be: |W − W₀|² has a factor N/α².",
        left=N * centred,
        right=Inner(yv, K0_inv, yv),
    )
    yield from _full_dynamics()
    return weights


def _singular() -> Derivation:
    yield Say(words="Uncentred, r₀ = f₀ − y instead of −y; nothing else changes.")
    f0, f0_test, y_test = Column("f₀"), sp.Symbol("f⋆₀"), sp.Symbol("y⋆")
    yield Equal(
        words="So late f⋆ = y⋆ + r⋆ (Z1) is f₀ with the kernel regression of y − f₀ added:",
        left=y_test + (f0_test - y_test) - T(k_test) * Kinv * (f0 - y),
        right=f0_test + T(k_test) * Kinv * (y - f0),
    )
    yield Equal(
        words="Where K₀ has an eigenvalue 0 the residual stays for ever:", left=decay().subs(lam, 0), right=rho0
    )
    yield Equal(
        words="Such an eigenvector u has |Bᵀu|² = u·K₀u = 0, so it moves neither V nor, as k⋆·u = b⋆·Bᵀu, any point.",
        left=reduce(T(T(B) * u) * T(B) * u, {B * T(B): K, K * u: 0}),
        right=0,
    )
    yield Say(
        words="Hence Z1 and Z2 hold with the inverse on the other modes alone, the pseudo-inverse K₀⁺; "
        "Π = K₀ K₀⁺ = K₀⁺ K₀ projects on them."
    )
    rules = {B * T(B): K, K * Kplus: Pi, Kplus * K: Pi, Pi * Kplus: Kplus, Kplus * Pi: Kplus, Pi**2: Pi}
    moved = -T(B) * Kplus * r0 / alpha
    left = reduce(r0 + alpha * B * moved, rules)
    yield Equal(words="The residual that remains:", left=left, right=r0 - Pi * r0)
    floor = scalars(reduce(T(left) * left, rules)) / P
    yield Equal(
        words="The train loss cannot fall below",
        left=floor,
        right=(Inner(r0v, r0v) - Inner(r0v, projector, r0v)) / P,
    )
    squared = scalars(reduce(alpha**2 * T(moved) * moved, rules))
    yield Equal(words="and α²|V − V₀|² is", left=squared, right=Inner(r0v, K0_plus, r0v))
    return floor, squared


V0, step = Letter("V₀"), Letter("d")


def _moments() -> Derivation:
    yield Say(words="The moments are w̄ = Vᵀa and M = VᵀV (F0): the first is linear in V, the second is not.")
    wbar_moved = T(V0) * a + along(T(V) * a, V, step)
    M_moved = T(V0) * V0 + along(T(V) * V, V, step).subs({V: V0, T(V): T(V0)})
    yield Equal(
        words="At V₀ + d the exact M has one term more than its linear part:",
        left=sp.expand(T(V0 + step) * (V0 + step) - M_moved),
        right=T(step) * step,
    )
    sides = {V0 * point: h, T(point) * T(V0): T(h), step * point: delta, T(point) * T(step): T(delta)}
    from_moments = alpha * (T(wbar_moved) * point + eps / 2 * T(point) * M_moved * point)
    linearised = predictor(h) + alpha * T(slope(h)) * delta
    yield Equal(
        words="f = α w̄·x + (αε/2) x·M x (F1) of the linear parts is the linearised predictor, h = V₀ x, δ = d x:",
        left=scalars(reduce(from_moments, sides)),
        right=scalars(linearised),
    )
    yield Equal(
        words="The exact one is larger by what dᵀd contributes:",
        left=scalars(predictor(h + delta) - linearised),
        right=scalars(reduce(alpha * eps / 2 * T(point) * T(step) * step * point, sides)),
    )
    yield Say(
        words="The population loss (P1) is found from f = α w̄·x + (αε/2) x·M x for any w̄ and symmetric M, "
        "positive or not: at these moments it is the loss of the linearised predictor."
    )
    return wbar_moved, M_moved


CLAIMS = (
    Claim(
        tag="Z1",
        equation="ours, after eq. 2: linearised training, in flow time",
        title="each eigenvector of K_0 decays by itself, and a test point follows",
        statement=Formula(
            latex=r"r(t) = e^{-2 K_0 t / P} r_0, \quad"
            r" r_\star(t) = r_\star(0) - k_\star^T K_0^{-1} (1 - e^{-2 K_0 t / P}) r_0",
            value=(sp.exp(-2 * lam * t / P) * rho0, rstar0 - k / lam * (1 - sp.exp(-2 * lam * t / P)) * rho0),
        ),
        derive=_curves,
    ),
    Printed(
        tag="Z2",
        equation="eq. 9",
        title="how far the weights move near the kernel limit, with K of eq. 2 (eq. 5's is N/α² times that)",
        statement=Formula(
            latex=r"|\boldsymbol{w} - \boldsymbol{w}_0|^2 \sim \boldsymbol{y}^\top \boldsymbol{K}^{-1} \boldsymbol{y}",
            value=Inner(yv, K_eq2_inv, yv),
        ),
        derive=_distance,
    ),
    Definition(
        tag="Z3",
        equation="eq. 8",
        title="the difficulty of a task for a kernel",
        printed=Formula(latex=r"\equiv \mathbf{y}^{\top} \mathbf{K}^{-1} \mathbf{y} \gg 1."),
    ),
    Claim(
        tag="Z4",
        equation="ours, after eq. 9: uncentred, and a singular kernel",
        title="linearised, the train loss has a floor, and the inverse is the pseudo-inverse",
        statement=Formula(
            latex=r"L(\infty) = \frac{1}{P} r_0^T (1 - \Pi) r_0, \quad"
            r" \alpha^2 |V - V_0|^2 = r_0^T K_0^+ r_0, \quad \Pi = K_0 K_0^+",
            value=((Inner(r0v, r0v) - Inner(r0v, projector, r0v)) / P, Inner(r0v, K0_plus, r0v)),
        ),
        derive=_singular,
    ),
    Claim(
        tag="Z5",
        equation="ours, after eq. 6: the linearised test loss",
        title="the moments whose predictor is the linearised one are linear in d = V − V_0",
        statement=Formula(
            latex=r"\bar w = \bar w_0 + d^T a, \quad M = M_0 + V_0^T d + d^T V_0",
            value=(T(V0) * a + T(step) * a, T(V0) * V0 + T(V0) * step + T(step) * V0),
        ),
        derive=_moments,
    ),
)
