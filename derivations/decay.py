r"""How one mode of the linearised network decays, step by step.

Linearised, the residual is :math:`r = r_0 + \alpha B d` with :math:`d = V - V_0`, and the force on V is linear in
it (Z1). An optimizer that steps with this force moves every eigenvector of :math:`K_0 = B B^T` by itself: what is
left of its component after k steps is a number that obeys a linear recurrence, with the rate
:math:`\gamma = 2\lambda/P` at which gradient flow would let it decay.
"""

from __future__ import annotations

from collections.abc import Generator

import sympy as sp

from .claim import Claim, Derivation, Equal, Formula, Say
from .lazy import GRAM, B, K, decay, lam, rho0, t
from .notation import P, alpha
from .optimizers import NEW_MEMORY, F, U, dt, mu
from .words import Column, T, reduce

k = sp.Symbol("k", positive=True, integer=True)
"""How many steps have been made."""

gamma, h = sp.symbols("γ h", positive=True)
"""The rate of a mode, and how far a step goes in its units: h = γ dt."""

z, z1, z2 = sp.symbols("z z₁ z₂")
"""A double root; two roots."""

r, q, v = Column("r"), Column("q"), Column("v")
"""The residual; how far it has just moved; an eigenvector of K_0."""

FORCE = -2 / (alpha * P) * T(B) * r
"""dV/dt of the linearised flow, −∇L/α² (Z1)."""

MODE = {**GRAM, T(v) * K: gamma * P / 2 * T(v)}
"""K_0 v = λ v, with λ = γ P/2."""

CHARACTERISTIC = z**2 - (1 + mu - h) * z + mu
APART = ((1 - h - z2) * z1**k + (z1 - 1 + h) * z2**k) / (z1 - z2)
TOGETHER = z**k + k * (1 - h - z) * z ** (k - 1)
"""What heavy ball leaves after k steps, if the roots are two or one (Z7)."""


MASS, FRICTION = (1 + mu) * dt / 2, 1 - mu
half, turn = sp.symbols("a κ", positive=True)
LEFT = sp.exp(-half * t) * (sp.cosh(turn * t) + (half - gamma / (1 + mu)) * sp.sinh(turn * t) / turn)
"""What the momentum flow leaves of a mode (Z9)."""


def _descent() -> Derivation:
    moved = alpha * B * dt * FORCE
    yield Equal(
        words="V′ = V + dt F (D1), with F = −(2/(αP)) Bᵀ r of the linearised flow, moves r = r₀ + α B (V − V₀) by",
        left=reduce(moved, GRAM),
        right=-2 * dt / P * K * r,
    )
    yield Equal(
        words="With K₀ v = λ v and γ = 2λ/P the component v·r becomes",
        left=reduce(T(v) * (r + moved), MODE),
        right=sp.expand((1 - gamma * dt) * T(v) * r),
    )
    rho = sp.Function("ρ")
    left = sp.rsolve(rho(k + 1) - (1 - gamma * dt) * rho(k), rho(k), {rho(0): 1})
    yield Equal(
        words="Multiplied so at each step, a component that starts as 1 is, after k steps,",
        left=left,
        right=(1 - gamma * dt) ** k,
    )
    flow = sp.limit((1 - gamma * dt) ** (t / dt), dt, 0)
    yield Equal(
        words="For small steps, t/dt of them until t, it is what gradient flow leaves (Z1):",
        left=flow.subs(gamma, 2 * lam / P),
        right=decay() / rho0,
    )
    return left


def _heavy_ball() -> Derivation:
    yield Say(
        words="Heavy ball (D2), U′ = μ U − F and V′ = V − dt U′, moves r by q′ = −α dt B U′; before, by q = −α dt B U."
    )
    moved = reduce(-alpha * dt * B * NEW_MEMORY.subs(F, FORCE), {**GRAM, B * U: -q / (alpha * dt)})
    yield Equal(
        words="With F = −(2/(αP)) Bᵀ r of the linearised flow q′ is", left=moved, right=mu * q - 2 * dt / P * K * r
    )
    yield Equal(
        words="Let K₀ v = λ v and γ = 2λ/P. In u = v·q and ρ = v·r this is u′ = μ u − dt γ ρ and ρ′ = ρ + u′:",
        left=reduce(T(v) * moved, MODE),
        right=mu * T(v) * q - dt * gamma * T(v) * r,
    )
    now, before = sp.symbols("ρ_k ρ_k−1")
    after = sp.expand(now + mu * (now - before) - h * now)
    yield Equal(
        words="u is ρ_k − ρ_k−1. With h = γ dt, ρ_k+1 follows from both,",
        left=after,
        right=sp.expand((1 + mu - h) * now - mu * before),
    )
    power = sp.simplify((z ** (k + 1) - after.subs({now: z**k, before: z ** (k - 1)})) / z ** (k - 1))
    yield Equal(
        words="and z^k obeys this if z is a root of",
        left=sp.expand(sp.powsimp(sp.expand(power))),
        right=sp.expand(CHARACTERISTIC),
    )
    roots = sp.roots(CHARACTERISTIC, z, multiple=True)
    yield Equal(
        words="The roots have the sum, the product, and the square of their distance",
        left=(sp.expand(sp.Add(*roots)), sp.expand(sp.Mul(*roots)), sp.expand((roots[0] - roots[1]) ** 2)),
        right=(1 + mu - h, mu, sp.expand((1 - mu) ** 2 + h * (h - 2 * (1 + mu)))),
    )
    c1, c2 = sp.symbols("c₁ c₂")
    found = sp.solve([c1 + c2 - 1, c1 * z1 + c2 * z2 - (1 - h)], [c1, c2])
    apart = sp.together(found[c1] * z1**k + found[c2] * z2**k)
    yield Equal(
        words="A mode starts as ρ_0 = 1 with u = 0, so ρ_1 = 1 − h. The combination c₁ z₁^k + c₂ z₂^k that does is",
        left=apart,
        right=APART,
    )
    yield Equal(
        words="Without momentum the roots are 1 − h and 0, and it is gradient descent (Z6):",
        left=apart.subs({z1: 1 - h, z2: 0}),
        right=(1 - h) ** k,
    )
    together = yield from _where_the_roots_meet(apart)
    return sp.expand(sp.Add(*roots)), sp.expand(sp.Mul(*roots)), apart, together


def _where_the_roots_meet(apart: sp.Expr) -> Generator[Say, None, sp.Expr]:
    """Find the limit of the quotient, and how it is approached."""
    distance = sp.Symbol("s")
    top = sp.numer(apart).subs({z1: z + distance / 2, z2: z - distance / 2})
    together = sp.simplify(top.diff(distance).subs(distance, 0))
    yield Equal(
        words="Let the roots be z ± s/2. At s = 0 the numerator vanishes; the quotient tends to its derivative by s,",
        left=together,
        right=TOGETHER,
    )
    yield Equal(
        words="Exchanging the roots, s for −s, changes nothing: the limit is missed by the order s².",
        left=apart.subs({z1: z2, z2: z1}, simultaneous=True),
        right=apart,
    )
    double = {h: (1 - z) ** 2, mu: z**2}
    start, *steps = (together.subs(k, k + step).subs(double) / z**k for step in (-1, 0, 1))
    yield Equal(
        words="With the double root μ = z² and 1 + μ − h = 2z, ρ_k+1 − (1 + μ − h) ρ_k + μ ρ_k−1 is",
        left=sp.simplify(steps[1] - (2 * z * steps[0] - z**2 * start)),
        right=sp.Integer(0),
    )
    yield Equal(
        words="and ρ_0 and ρ_1 are",
        left=(together.subs(k, 0), sp.simplify(together.subs(k, 1))),
        right=(sp.Integer(1), 1 - h),
    )
    return together


def _modified_flow() -> Derivation:
    change = -2 / P * T(B) * B
    moved = alpha * B * (FORCE - dt / 2 * change * FORCE)
    yield Equal(
        words="The modified flow is V̇ = F − (dt/2) F′F (D7). Linearised, F = −(2/(αP)) Bᵀ r and F′ = −(2/P) Bᵀ B, and "
        "r = r₀ + α B (V − V₀) moves by",
        left=reduce(moved, GRAM),
        right=-2 / P * K * r - 2 * dt / P**2 * K * K * r,
    )
    rate = gamma + dt * gamma**2 / 2
    yield Equal(
        words="With K₀ v = λ v and γ = 2λ/P the component v·r moves by",
        left=reduce(T(v) * moved, {**GRAM, **MODE}),
        right=sp.expand(-rate) * T(v) * r,
    )
    rho = sp.Function("ρ")
    left = sp.dsolve(rho(t).diff(t) + rate * rho(t), rho(t), ics={rho(0): 1}).rhs
    yield Equal(words="so a component that starts as 1 is, at time t,", left=left, right=sp.exp(-rate * t))
    steps = sp.series(sp.log(1 - gamma * dt) / dt, dt, 0, 2).removeO()
    yield Equal(
        words="Descent multiplies it by 1 − γ dt a step (Z6), whose logarithm over dt is, to first order in dt,",
        left=sp.expand(steps),
        right=sp.expand(-rate),
    )
    return left


def _midpoint_flow() -> Derivation:
    behind, rho = sp.symbols("ρ_x"), sp.Function("ρ")
    speed = sp.Symbol("ρ̇")
    yield Equal(
        words="The midpoint flow is V̇ = F(x), x = V − (dt/2) V̇ (D11). Linearised, with r = r₀ + α B (V − V₀), r̂ = r − "
        "(dt/2) ṙ is the residual of x, and ṙ is α B F(x): with K₀ v = λ v and γ = 2λ/P, of F",
        left=reduce(T(v) * alpha * B * FORCE, {**GRAM, **MODE}),
        right=-gamma * T(v) * r,
    )
    solved = sp.solve((speed + gamma * behind, behind - rho(t) + dt / 2 * speed), (speed, behind), dict=True)[0][speed]
    rate = gamma / (1 - gamma * dt / 2)
    yield Equal(words="So ρ̇ = −γ ρ_x and ρ_x = ρ − (dt/2) ρ̇:", left=sp.simplify(solved + rate * rho(t)), right=0)
    left = sp.dsolve(rho(t).diff(t) + rate * rho(t), rho(t), ics={rho(0): 1}).rhs
    yield Equal(words="A component that starts as 1 is, at time t,", left=left, right=sp.exp(-rate * t))
    yield Equal(
        words="Descent multiplies it by 1 − γ dt a step (Z6), whose logarithm over dt begins with the same two terms:",
        left=sp.series(sp.log(1 - gamma * dt) / dt, dt, 0, 2).removeO(),
        right=sp.series(-rate, dt, 0, 2).removeO(),
    )
    return left


def _momentum_flow() -> Derivation:
    yield Equal(
        words="The momentum flow is m V̈ + c V̇ = F with m = (1 + μ) dt/2, c = 1 − μ (D10). Linearised, with r = r₀ + α "
        "B (V − V₀), m r̈ + c ṙ is",
        left=reduce(alpha * B * FORCE, GRAM),
        right=-2 / P * K * r,
    )
    yield Equal(
        words="With K₀ v = λ v and γ = 2λ/P the component v·r obeys m ρ̈ + c ρ̇ = −γ ρ, from ρ = 1:",
        left=reduce(T(v) * (-2 / P) * K * r, MODE),
        right=-gamma * T(v) * r,
    )
    yield Equal(
        words="With a = c/(2m) and κ² = a² − γ/m that is ρ̈ + 2a ρ̇ + (a² − κ²) ρ = 0, which what is stated obeys:",
        left=sp.simplify(LEFT.diff(t, 2) + 2 * half * LEFT.diff(t) + (half**2 - turn**2) * LEFT),
        right=sp.Integer(0),
    )
    yield Equal(
        words="It starts with 1 and, as V̇₀ = F₀/(1 + μ), with the speed −γ/(1 + μ):",
        left=(LEFT.subs(t, 0), sp.simplify(LEFT.diff(t).subs(t, 0))),
        right=(sp.Integer(1), -gamma / (1 + mu)),
    )
    rate = FRICTION / (2 * MASS)
    return sp.simplify(rate), sp.expand(rate**2 - gamma / MASS), LEFT


CLAIMS = (
    Claim(
        tag="Z6",
        equation="ours: grokode.dynamics.decay.descent",
        title="linearised, what k steps of gradient descent leave of a mode",
        statement=Formula(
            latex=r"\rho_k = (1 - \gamma\, dt)^k \rho_0, \quad \gamma = 2 \lambda / P", value=(1 - gamma * dt) ** k
        ),
        derive=_descent,
    ),
    Claim(
        tag="Z7",
        equation="ours: grokode.dynamics.decay.heavy_ball",
        title="linearised, what k steps of heavy-ball momentum leave of a mode",
        statement=Formula(
            latex=r"z_1 + z_2 = 1 + \mu - h, \quad z_1 z_2 = \mu, \quad h = \gamma\, dt, \quad"
            r" \rho_k = \frac{(1 - h - z_2) z_1^k + (z_1 - 1 + h) z_2^k}{z_1 - z_2} \rho_0, \quad"
            r" \rho_k = [z^k + k (1 - h - z) z^{k - 1}] \rho_0 \text{ where } z_1 = z_2 = z",
            value=(1 + mu - h, mu, APART, TOGETHER),
        ),
        derive=_heavy_ball,
    ),
    Claim(
        tag="Z8",
        equation="ours: grokode.dynamics.decay.modified_flow",
        title="linearised, what the modified flow leaves of a mode",
        statement=Formula(
            latex=r"\rho(t) = e^{-(\gamma + dt\, \gamma^2 / 2) t} \rho_0, \quad \gamma = 2 \lambda / P",
            value=sp.exp(-(gamma + dt * gamma**2 / 2) * t),
        ),
        derive=_modified_flow,
    ),
    Claim(
        tag="Z10",
        equation="ours: grokode.dynamics.decay.midpoint_flow",
        title="linearised, what the midpoint flow leaves of a mode",
        statement=Formula(
            latex=r"\rho(t) = e^{-\gamma t / (1 - \gamma\, dt / 2)} \rho_0, \quad \gamma = 2 \lambda / P",
            value=sp.exp(-gamma / (1 - gamma * dt / 2) * t),
        ),
        derive=_midpoint_flow,
    ),
    Claim(
        tag="Z9",
        equation="ours: grokode.dynamics.decay.momentum_flow",
        title="linearised, what the momentum flow leaves of a mode",
        statement=Formula(
            latex=r"\rho(t) = e^{-a t} [\cosh \kappa t + (a - \tfrac{\gamma}{1 + \mu}) \tfrac{\sinh \kappa t}{\kappa}]"
            r" \rho_0, \quad a = \tfrac{1 - \mu}{(1 + \mu)\, dt},"
            r" \quad \kappa^2 = a^2 - \tfrac{2 \gamma}{(1 + \mu)\, dt}",
            value=((1 - mu) / ((1 + mu) * dt), ((1 - mu) / ((1 + mu) * dt)) ** 2 - 2 * gamma / ((1 + mu) * dt), LEFT),
        ),
        derive=_momentum_flow,
    ),
)
