r"""Gradient flow closes on the moments of the weights, and on their factor.

The loss is the mean of :math:`r^2` over the training samples, so every force is a mean of words that carry one
residual: :math:`\langle r x \rangle = g` and :math:`\langle r x x^T \rangle = G`. The proofs differentiate the
network of eq. 3 at one sample, along any direction :math:`\delta`, read off the gradient, and then take the
mean over samples. All neurons feel the same g and G, and their force is affine in their own weights: therefore the
mean weight :math:`\bar w` and :math:`M = \langle w w^T \rangle` close, and so does the factor V of
:math:`[1, W] = \sqrt{N} Q^T [a, V]`, where the rows of Q are orthonormal. Everything is done in matrix words, whose
shapes (N neurons, r rows of the factor, D dimensions) stay open. A residual is a number, so it may stand anywhere
in a word; which samples are averaged over, and what their labels are, is never said.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from .claim import Claim, Derivation, Equal, Formula, Say, Unequal
from .notation import N, P, alpha, eps
from .words import Column, Letter, Symmetric, T, along, gradient, numbers, reduce

W, V, Q = Letter("W"), Letter("V"), Letter("Q")
"""Weights, one row a neuron; the factor, one row a pseudo-neuron; orthonormal rows, Q Qᵀ = I."""

one, a = Column("1"), Column("a")
"""A one for every neuron, and what stands for it in the factor: 1 = √N Qᵀ a."""

w, wbar, M = Column("w"), Column("w̄"), Symmetric("M")
"""Weights of one neuron; the mean of w and of w wᵀ over neurons."""

x, g, G = Column("x"), Column("g"), Symmetric("G")
"""An input; ⟨r x⟩ and ⟨r x xᵀ⟩."""

r, v = sp.symbols("r v")
"""The residual of one sample; the readout of one neuron."""

delta = Letter("δ")
"""Any direction in which weights can move."""

FORCE = -(2 / alpha) * (a * T(g) + eps * V * G)
"""dV/dt of the flow (F2)."""

SLOPES = a + eps * V * x
"""Slope of every pseudo-neuron at one sample, c = a + ε V x."""

DV, V0, r0 = Letter("δV"), Letter("V₀"), sp.Symbol("r₀")
MOVED = r0 + alpha * (T(a) * DV * x + eps * T(x) * T(V0) * DV * x + eps / 2 * T(x) * T(DV) * DV * x)
"""The residual at V₀ + δV (F3)."""

DWBAR, DM = Column("δw̄"), Symmetric("δM")
TRIANGLE, LISTED = Letter("R"), Column("p")
"""What w̄ and M have moved by; the triangle of all samples' monomials, and their coefficients (F11)."""

c = Column("c")
JACOBIAN = -2 * c * T(c) * delta * x * T(x) - 2 * eps / alpha * r * delta * x * T(x)
"""The derivative of the force along δ, at one sample (J1)."""

READOUT_FORCES = -(2 / alpha) * v * (g + eps * G * w), -(2 / alpha) * (T(w) * g + eps / 2 * T(w) * G * w)
"""dw/dt and dv/dt of one neuron with a trained readout (F8)."""


# ---- the network in words, and how words are read


def neurons() -> sp.Expr:
    """Return f of eq. 3; the sum over neurons is a product with the column of ones."""
    return alpha / N * (T(one) * W * x + eps / 2 * T(x) * T(W) * W * x)


def factor(V: sp.Expr) -> sp.Expr:
    """Return f from the factor (F1)."""
    return alpha * (T(a) * V * x + eps / 2 * T(x) * T(V) * V * x)


def sample_gradient() -> sp.Expr:
    """Return the gradient over W of one sample's squared residual, 2 r ∇f."""
    return sp.expand(2 * r * gradient(along(neurons(), W, delta), delta))


def over_samples(expression: sp.Expr) -> sp.Expr:
    """Take the mean over samples of words that carry one residual."""
    return reduce(expression, {r * x * T(x): G, r * x: g, r * T(x): T(g)})


def over_neurons(expression: sp.Expr) -> sp.Expr:
    """Take the mean over neurons of words with w at most twice."""
    return reduce(expression, {w * T(w): M, w: wbar, T(w): T(wbar)})


def in_factor(expression: sp.Expr, also: Mapping[Letter, sp.Expr] | None = None) -> sp.Expr:
    """Put W = √N Qᵀ V and 1 = √N Qᵀ a, with Q Qᵀ = I."""
    parts = {W: sp.sqrt(N) * T(Q) * V, one: sp.sqrt(N) * T(Q) * a, **(also or {})}
    parts |= {T(letter): T(part) for letter, part in parts.items()}
    return reduce(expression.subs(parts, simultaneous=True), {Q * T(Q): sp.Integer(1)})


# ---- derivations: the flow


def _moments() -> Derivation:
    yield Say(words="One neuron enters f through (α/N) φ(w·x) alone, and the squared residual has the gradient 2 r ∇f.")
    along_w = Column("δ")
    slope = gradient(along(alpha / N * (T(w) * x + eps / 2 * T(w) * x * T(x) * w), w, along_w), along_w)
    yield Equal(words="∇f is (α/N) φ′(w·x) x:", left=slope, right=alpha / N * (x + eps * x * T(x) * w))
    dw = over_samples(-N / alpha**2 * 2 * r * slope)
    yield Equal(
        words="Write g = ⟨r x⟩ and G = ⟨r x xᵀ⟩ for the means over the training set. Then dw/dt = −(N/α²) ∇L is affine "
        "in w, the same map for all neurons:",
        left=dw,
        right=-(2 / alpha) * (g + eps * G * w),
    )
    dwbar = over_neurons(dw)
    yield Equal(
        words="Its mean over neurons needs their mean alone:", left=dwbar, right=-(2 / alpha) * (g + eps * G * wbar)
    )
    dM = over_neurons(dw * T(w) + w * T(dw))
    yield Equal(
        words="The mean of dw wᵀ + w dwᵀ needs w̄ and M alone. So does f (F1), hence r, g and G: the moments close.",
        left=dM,
        right=-(2 / alpha) * (g * T(wbar) + wbar * T(g) + eps * (G * M + M * G)),
    )
    return dw, dwbar, dM


def _factor_flow() -> Derivation:
    dW = over_samples(-N / alpha**2 * sample_gradient())
    yield Equal(
        words="All neurons at once, one row each: dW/dt = −(N/α²) ∇L is",
        left=dW,
        right=-(2 / alpha) * (one * T(g) + eps * W * G),
    )
    yield Say(words="Let [1, W] = √N Qᵀ [a, V] at the start, with Q Qᵀ = I. Keep a and Q; then V is Q W/√N.")
    dV = in_factor(Q * dW / sp.sqrt(N))
    yield Equal(words="It moves by Q dW/√N:", left=dV, right=FORCE)
    yield Equal(
        words="Taken back to the neurons this is all of dW, so W = √N Qᵀ V stays true:",
        left=sp.sqrt(N) * T(Q) * dV,
        right=in_factor(dW),
    )
    yield Equal(words="f is the same number, and with it r, g and G:", left=in_factor(neurons()), right=factor(V))
    yield Equal(
        words="The moments w̄ᵀ = 1ᵀW/N and M = WᵀW/N are",
        left=(in_factor(T(one) * W / N), in_factor(T(W) * W / N)),
        right=(T(a) * V, T(V) * V),
    )
    moments = {T(V) * V: M, T(a) * V: T(wbar), T(V) * a: wbar}
    yield Equal(
        words="and VᵀV moves as M does (F4):",
        left=reduce(T(dV) * V + T(V) * dV, moments),
        right=-(2 / alpha) * (g * T(wbar) + wbar * T(g) + eps * (G * M + M * G)),
    )
    return dV


def _differences() -> Derivation:
    yield Say(words="The residual moves with f. Subtract f at V₀ from f at V₀ + δV: the terms in V₀ alone are gone.")
    moved = numbers(r0 + factor(V0 + DV) - factor(V0))
    yield Equal(
        words="With h₀ = V₀ x and δh = δV x it is r₀ + α (a·δh + ε h₀·δh + ε |δh|²/2):",
        left=moved,
        right=numbers(MOVED),
    )
    return moved


def _through_moments() -> Derivation:
    yield Say(words="The change of the residual (F3) is linear in what δw̄ = δVᵀa and δM = VᵀV − V₀ᵀV₀ list:")
    listed = r0 + alpha * (T(x) * DWBAR + eps / 2 * T(x) * DM * x)
    moments = {DWBAR: T(DV) * a, DM: T(V0) * DV + T(DV) * V0 + T(DV) * DV}
    yield Equal(words="with V = V₀ + δV it is", left=numbers(listed.subs(moments)), right=numbers(MOVED))
    yield Say(
        words="So the P residuals are A p, where A has a row [φ(x), r₀] a sample and p lists α δw̄, αε δM/2, 1. "
        "Let A = Qᵀ R with Q Qᵀ = I, and z = R p."
    )
    A = T(Q) * TRIANGLE
    residuals, orthonormal = A * LISTED, {Q * T(Q): sp.Integer(1)}
    z = TRIANGLE * LISTED
    squares = reduce(T(residuals) * residuals, orthonormal)
    yield Equal(words="The sum of their squares is |z|²,", left=squares, right=T(z) * z)
    sums = reduce(T(A) * residuals, orthonormal)
    yield Equal(words="and Aᵀ A p, whose first entries are P g and P G, is Rᵀ z.", left=sums, right=T(TRIANGLE) * z)
    return numbers(listed), squares, sums


def _true_gradient() -> Derivation:
    slope = gradient(along(factor(V), V, delta), delta)
    yield Equal(words="In the factor ∇f is α c xᵀ, with c = a + ε V x:", left=slope, right=alpha * SLOPES * T(x))
    downhill = over_samples(-1 / alpha**2 * 2 * r * slope)
    yield Equal(words="The mean of 2 r ∇f, over −α², is the flow's dV/dt (F2):", left=downhill, right=FORCE)
    yield Say(words="So L never rises: dL/dt = −|∇L|²/α².")
    return downhill


def _rank() -> Derivation:
    z, dt = Column("z"), sp.Symbol("dt", positive=True)
    yield Say(words="M = VᵀV has the rank of V. Let z be orthogonal to a and to the columns of V₀: zᵀa = 0, zᵀV₀ = 0.")
    yield Equal(
        words="Then q = zᵀV obeys a linear equation, dq/dt = −(2ε/α) q G(t), and starts at 0:",
        left=reduce(T(z) * FORCE, {T(z) * a: sp.Integer(0)}),
        right=-2 * eps / alpha * T(z) * V * G,
    )
    yield Say(
        words="Its one solution is q = 0: the columns of V never leave the span of a and the columns of V₀. "
        "The bound is reached from below by two neurons (w, −w): rank [a, V₀] = 2, but M = w wᵀ has rank 1."
    )
    first, second = (sign * w - dt * 2 / alpha * (g + sign * eps * G * w) for sign in (1, -1))
    gram = numbers(T(first) * first) * numbers(T(second) * second) - numbers(T(first) * second) ** 2
    area = sp.series(sp.expand(gram), dt, 0, 3).removeO()
    ww, gg, wg = (numbers(T(left) * right) for left, right in ((w, w), (g, g), (w, g)))
    yield Equal(
        words="After dt they span an area whose square is, to the order dt², which needs the first order of F4 only,",
        left=area,
        right=16 * dt**2 / alpha**2 * (ww * gg - wg**2),
    )
    yield Unequal(
        words="and this is positive unless g is parallel to w (Cauchy-Schwarz): rank 2.", left=area, right=sp.Integer(0)
    )
    return sp.true


def _distance() -> Derivation:
    W0 = Letter("W₀")
    start = {W0: sp.sqrt(N) * T(Q) * V0}
    moved = in_factor(T(W - W0) * (W - W0) / N, start)
    yield Equal(
        words="W₀ = √N Qᵀ V₀ with the Q of all later times (F2), and Q Qᵀ = I; then take the trace of both.",
        left=moved,
        right=T(V - V0) * (V - V0),
    )
    return moved


# ---- derivations: its Jacobian


def _jacobian() -> Derivation:
    change_r, change_c = alpha * T(c) * delta * x, eps * delta * x
    yield Equal(
        words="Along δ a residual changes by α (B δ), where B δ is the number cᵀδ x at that sample,",
        left=numbers(along(factor(V), V, delta)),
        right=numbers(change_r.subs({T(c): T(SLOPES)})),
    )
    yield Equal(words="and the slopes c = a + ε V x change by", left=along(SLOPES, V, delta), right=change_c)
    product = sp.expand(-(2 / alpha) * (c * change_r + r * change_c) * T(x))
    yield Equal(words="So the force of one sample, −(2/α) r c xᵀ (F5), changes by", left=product, right=JACOBIAN)
    yield Say(
        words="In the mean over P samples the first term is −(2/P) Bᵀ B δ, because the adjoint of B is "
        "Bᵀu = Σ_μ u_μ c_μ x_μᵀ; the second is −δ G′ with G′ = (2ε/α) G."
    )
    eta = Letter("η")
    form, exchanged = (
        numbers(T(x) * T(one_way) * -2 * (c * T(c) * other * x + eps / alpha * r * other * x))
        for one_way, other in ((eta, delta), (delta, eta))
    )
    yield Equal(
        words="The inner product of J δ with η, tr(ηᵀJδ), is at one sample",
        left=form,
        right=-2 * numbers(T(c) * delta * x) * numbers(T(c) * eta * x)
        - 2 * eps / alpha * r * numbers(T(x) * T(eta) * delta * x),
    )
    yield Equal(words="and the same if δ and η are exchanged: J is symmetric.", left=form, right=exchanged)
    return product


def _woodbury() -> Derivation:
    s = sp.Symbol("s")
    R, C, X = Letter("R"), Letter("C"), Letter("X")
    S, G_, diagonal, image = Symmetric("S"), Symmetric("G′"), Symmetric("diag(u)"), Symmetric("diag(Bd)")
    yield Say(
        words="The rows of C and X are the c_μ and x_μ, so Σ_μ u_μ c_μ x_μᵀ = Cᵀ diag(u) X. "
        "By J1 (s − J) d = d (s + G′) + (2/P) Cᵀ diag(Bd) X. Let S (s + G′) = 1."
    )
    d = (R - T(C) * diagonal * X) * S
    applied = reduce(d * (s + G_) + 2 / P * T(C) * image * X, {S * G_: 1 - s * S})
    yield Equal(
        words="Try d = (R − Cᵀ diag(u) X) S:",
        left=applied,
        right=R - T(C) * diagonal * X + 2 / P * T(C) * image * X,
    )
    solved = reduce(applied, {image: P / 2 * diagonal})
    yield Equal(words="It solves (s − J) d = R if u = (2/P) B d:", left=solved, right=R)
    c_, x_, u_ = Column("c_ν"), Column("x_ν"), sp.Symbol("u_ν")
    term = numbers(T(c) * (u_ * c_ * T(x_)) * S * x)
    yield Equal(
        words="B d is B(R S) less the sum over ν of cᵀ (u_ν c_ν x_νᵀ) S x at the sample (c, x), whose terms are",
        left=term,
        right=u_ * numbers(T(c) * c_) * numbers(T(x) * S * x_),
    )
    yield Say(
        words="that is, ((X S Xᵀ)∘(C Cᵀ)) u. So (P/2) u = B d is a linear system of P equations for u. For s + G′ > 0 "
        "its matrix is positive definite, because an entrywise product of positive matrices is positive (Schur)."
    )
    return solved, term


# ---- derivations: trained readouts


def _readouts() -> Derivation:
    yield Say(words="Now f = (α/N) Σ_i v_i φ(w_i·x). One neuron's term depends on its own v and w.")
    along_w = Column("δ")
    term = alpha / N * v * (T(w) * x + eps / 2 * T(w) * x * T(x) * w)
    dw = over_samples(-N / alpha**2 * 2 * r * gradient(along(term, w, along_w), along_w))
    yield Equal(words="For w the slope gets the factor v:", left=dw, right=-(2 / alpha) * v * (g + eps * G * w))
    dv = over_samples(-N / alpha**2 * 2 * r * sp.diff(sp.expand(term), v))
    yield Equal(
        words="For v the derivative is (α/N) φ(w·x):",
        left=dv,
        right=-(2 / alpha) * (T(w) * g + eps / 2 * T(w) * G * w),
    )
    return dw, dv


def _open_moments() -> Derivation:
    yield Say(
        words="f follows from the means of v w and v w wᵀ, as before from w̄ and M. Take D = 1, where all commute:"
    )
    plain = {letter: sp.Symbol(letter.name.removesuffix("ᵀ")) for letter in (w, T(w), g, T(g), G)}
    dw, dv = (word.subs(plain) for word in READOUT_FORCES)
    speed = dv * plain[w] + v * dw
    networks = ((1, 1), (1, -1)), ((sp.Rational(1, 4), 2), (sp.Rational(1, 4), -2))

    def mean(expression: sp.Expr, network: tuple[tuple[sp.Expr, sp.Expr], ...]) -> sp.Expr:
        return sp.expand(sum(expression.subs({v: readout, plain[w]: weight}) for readout, weight in network) / 2)

    first, second = (tuple(mean(v * plain[w] ** k, network) for k in (1, 2)) for network in networks)
    yield Equal(
        words="The neurons (v, w) = (1, 1), (1, −1) and (1/4, 2), (1/4, −2) agree in them,", left=first, right=second
    )
    speeds = tuple(mean(speed, network) for network in networks)
    yield Unequal(
        words="so in f, r, g and G. Yet the mean of v w moves at different speeds (F8):",
        left=speeds[0],
        right=speeds[1],
    )
    return speeds


CLAIMS = (
    Claim(
        tag="F2",
        equation="ours: FactorState.loss_force",
        title="the flow of the factor, and of all neurons with it",
        statement=Formula(
            latex=r"\dot V = -\frac{2}{\alpha} (a g^T + \epsilon V G), \quad \dot a = 0,"
            r" \qquad \bar w = V^T a, \; M = V^T V",
            value=FORCE,
        ),
        derive=_factor_flow,
    ),
    Claim(
        tag="F3",
        equation="ours: EmpiricalRisk",
        title="the residual from the change of V: nothing cancels at large α",
        statement=Formula(
            latex=r"r = r_0 + \alpha\, \delta h \cdot (a + \epsilon (h_0 + \tfrac12 \delta h)),"
            r" \quad \delta h = (V - V_0) x",
            value=numbers(MOVED),
        ),
        derive=_differences,
    ),
    Claim(
        tag="F4",
        equation="ours: FactorState",
        title="the flow of a neuron, of the mean weight and of M, at any width",
        statement=Formula(
            latex=r"\dot w_i = -\frac{2}{\alpha} (g + \epsilon G w_i), \quad"
            r" \dot{\bar w} = -\frac{2}{\alpha} (g + \epsilon G \bar w), \quad"
            r" \dot M = -\frac{2}{\alpha} (g \bar w^T + \bar w g^T + \epsilon (G M + M G))",
            value=(
                -(2 / alpha) * (g + eps * G * w),
                -(2 / alpha) * (g + eps * G * wbar),
                -(2 / alpha) * (g * T(wbar) + wbar * T(g) + eps * (G * M + M * G)),
            ),
        ),
        derive=_moments,
    ),
    Claim(
        tag="F5",
        equation="ours: GradientFlow",
        title="the flow of the factor is a gradient flow",
        statement=Formula(latex=r"-\frac{1}{\alpha^2} \nabla_V L = F", value=FORCE),
        derive=_true_gradient,
    ),
    Claim(
        tag="F6",
        equation="ours: FactorState",
        title="the rank of M is bounded by the start, and can rise to the bound",
        statement=Formula(latex=r"\mathrm{rank} M(t) \leq \mathrm{rank} [a, V_0]"),
        derive=_rank,
    ),
    Claim(
        tag="F7",
        equation="ours: observables of the weights",
        title="how far the neurons moved needs no neurons",
        statement=Formula(
            latex=r"\tfrac{1}{N} \|W - W_0\|_F^2 = \|V - V_0\|_F^2",
            value=T(V - V0) * (V - V0),
        ),
        derive=_distance,
    ),
    Claim(
        tag="F8",
        equation="ours, for section 12",
        title="the forces on trained readouts and their weights",
        statement=Formula(
            latex=r"\dot w_i = -\frac{2}{\alpha} v_i (g + \epsilon G w_i), \quad"
            r" \dot v_i = -\frac{2}{\alpha} (g \cdot w_i + \tfrac{\epsilon}{2} w_i^T G w_i)",
            value=READOUT_FORCES,
        ),
        derive=_readouts,
    ),
    Claim(
        tag="F9",
        equation="ours, for section 12",
        title="with trained readouts the moments that make f do not close: one f, two speeds",
        statement=Formula(
            latex=r"\tfrac{d}{dt} \langle v w \rangle = -\frac{4 g}{\alpha}"
            r" \;\text{or}\; -\frac{65 g}{8 \alpha}",
            value=(-4 * sp.Symbol("g") / alpha, -65 * sp.Symbol("g") / (8 * alpha)),
        ),
        derive=_open_moments,
    ),
    Claim(
        tag="F11",
        equation="ours: TensorRisk",
        title="loss, g and G of any number of samples from one triangle",
        statement=Formula(
            latex=r"r = r_0 + \alpha (\delta \bar w \cdot x + \tfrac{\epsilon}{2} x^T \delta M x), \quad"
            r" P L = p^T R^T R p, \quad P [g, G, \dots] = R^T R p",
            value=(
                numbers(r0 + alpha * (T(x) * DWBAR + eps / 2 * T(x) * DM * x)),
                T(LISTED) * T(TRIANGLE) * TRIANGLE * LISTED,
                T(TRIANGLE) * TRIANGLE * LISTED,
            ),
        ),
        derive=_through_moments,
    ),
    Claim(
        tag="J1",
        equation="ours: EmpiricalJacobian",
        title="the Jacobian of the force, at one sample, and its symmetry",
        statement=Formula(
            latex=r"J d = -\tfrac{2}{P} B^T B d - d G', \quad (B d)_\mu = c_\mu^T d\, x_\mu,"
            r" \quad G' = \tfrac{2 \epsilon}{\alpha} G",
            value=JACOBIAN,
        ),
        derive=_jacobian,
    ),
    Claim(
        tag="J2",
        equation="ours: EmpiricalJacobian.factor",
        title="a solve with the shifted Jacobian through the P x P kernel",
        statement=Formula(
            latex=r"(s - J) d = R: \quad d = (R - C^T \mathrm{diag}(u) X) S, \quad"
            r" (\tfrac{P}{2} I + (X S X^T) \circ (C C^T)) u = B (R S), \quad S = (s I + G')^{-1}",
            value=(
                Letter("R"),
                numbers(T(c) * Column("c_ν")) * numbers(T(x) * Symmetric("S") * Column("x_ν")) * sp.Symbol("u_ν"),
            ),
        ),
        derive=_woodbury,
    ),
)
