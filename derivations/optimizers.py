r"""Which optimizers close on the factor, exactly, and which do not.

The neurons are :math:`[1, W] = \sqrt{N} Q^T [a, V]`. An update that combines 1, W and its own memories from the
left, with numbers, vectors and matrices that all neurons share, commutes with :math:`\sqrt{N} Q^T`: it acts on a, V
and the memories of the factor as it acts on the neurons (D0). The gradient of the loss over W is such a
combination, and stands in the factor for :math:`-F`, where F = dV/dt of the flow, if the learning rate
:math:`\eta` is read as the step :math:`dt = \eta \alpha^2 / N` of flow time (D1). Everything else follows by
substitution. By induction over the steps the neurons stay at :math:`\sqrt{N} Q^T V` and never have to be computed.
What treats each coordinate by itself, as Adam does, is no such combination (D6).
"""

from __future__ import annotations

from collections.abc import Generator

import sympy as sp

from .claim import Claim, Derivation, Equal, Formula, Printed, Say, Unequal
from .flow import (
    FORCE,
    SLOPES,
    G,
    M,
    Q,
    V,
    W,
    a,
    delta,
    factor,
    g,
    in_factor,
    one,
    over_samples,
    r,
    sample_gradient,
    wbar,
    x,
)
from .notation import N, alpha, eps
from .words import Column, Letter, Symmetric, T, along, gradient, numbers, reduce

eta, dt, mu, wd, kappa = sp.symbols("η dt μ wd κ", positive=True)
"""Learning rate; step in flow time; momentum; weight decay as an optimizer is given it, and in flow time."""

j, shift, change, moved = sp.symbols("j s dx dV")
"""An eigenvalue of F′, a shift, and changes of x and V."""

grad, F = Letter("∇L"), Letter("F")
"""The gradient over W, and dV/dt of the flow."""

u, U = Letter("u"), Letter("U")
"""A memory of the neurons, and of the factor."""

xp = Column("x′")
OVERLAP, QUADRATIC = numbers(T(x) * xp), numbers(T(x) * M * xp)
LINEAR = numbers(T(wbar) * x) + numbers(T(wbar) * xp)
"""What the kernel is made of: x·x′, x·M x′ and w̄·(x + x′)."""

DRIFT = -kappa * OVERLAP * (eps * LINEAR + 2 * eps**2 * QUADRATIC)
"""dK/dt under weight decay alone (D9)."""

MODIFIED = Column("F") - dt / 2 * Symmetric("F′") * Column("F")
"""The speed of the modified flow (D7)."""

LIFT = sp.sqrt(N) * T(Q)
"""From the factor to the neurons."""

DECAY = wd * N / alpha**2
"""A weight decay in flow time: η wd = dt wd N/α²."""

MEMORIES = {grad: -(alpha**2) / N * LIFT * F, u: alpha**2 / N * LIFT * U}
"""The gradient is −(α²/N) √N QᵀF (D1); memories, which are sums of gradients, have its unit."""


def carried(words: str, update: sp.Expr) -> Generator[Say, None, sp.Expr]:
    """Show that an update of W leaves it at √N Qᵀ times something, and return that with η = dt N/α²."""
    neurons = in_factor(update, MEMORIES)
    moved = in_factor(Q * update / sp.sqrt(N), MEMORIES)
    yield Equal(words=words, left=neurons, right=LIFT * moved)
    return sp.expand(moved.subs(eta, dt * N / alpha**2))


def memory(update: sp.Expr) -> sp.Expr:
    """Return what a memory of the factor becomes."""
    return sp.expand(N / alpha**2 * in_factor(Q * update / sp.sqrt(N), MEMORIES))


# ---- derivations: what closes


def _principle() -> Derivation:
    c0, p, H, K, m = sp.Symbol("c"), Column("p"), Letter("H"), Letter("K"), Letter("m")
    update = c0 * W + one * T(p) + W * H + m * K
    yield Say(
        words="Let every neuron become c w + p + Hᵀw + Kᵀm, with m its memory and c, p, H, K the same for all: "
        "W′ = c W + 1 pᵀ + W H + m K. Let [1, W, m] = √N Qᵀ [a, V, U] with Q Qᵀ = I."
    )
    moved = in_factor(Q * update / sp.sqrt(N), {m: LIFT * U})
    yield Equal(words="V′ = Q W′/√N is", left=moved, right=c0 * V + a * T(p) + V * H + U * K)
    yield Equal(
        words="and √N Qᵀ V′ is all of W′. A memory that starts at 0 and moves so keeps the form too; a never moves.",
        left=LIFT * moved,
        right=in_factor(update, {m: LIFT * U}),
    )
    yield Equal(
        words="The gradient over W is of this form, with the g and G that all neurons share:",
        left=over_samples(sample_gradient()),
        right=one * T(2 * alpha / N * g) + W * (2 * alpha * eps / N * G),
    )
    return moved


def _gradient_descent() -> Derivation:
    gradient_in_neurons = over_samples(sample_gradient())
    yield Equal(
        words="At W = √N Qᵀ V the gradient over W is −(α²/N) √N Qᵀ F, with F = dV/dt of the flow (F2):",
        left=in_factor(gradient_in_neurons),
        right=-(alpha**2) / N * LIFT * FORCE,
    )
    moved = yield from carried("W′ = W − η ∇L is", W - eta * gradient_in_neurons)
    yield Equal(words="With dt = η α²/N that is √N Qᵀ (V + dt F):", left=moved, right=V + dt * FORCE)
    return moved


def _heavy_ball() -> Derivation:
    u_next = mu * u + grad
    U_next = memory(u_next)
    yield Equal(words="u′ = μ u + ∇L becomes, in units of α²/N,", left=U_next, right=mu * U - F)
    moved = yield from carried("W′ = W − η u′ is", W - eta * u_next)
    yield Equal(words="that is, V − dt U′:", left=moved, right=V - dt * U_next)
    return U_next, moved


def _nesterov() -> Derivation:
    u_next = mu * u + grad
    U_next = memory(u_next)
    moved = yield from carried("u′ = μ u + ∇L as before; W′ = W − η (∇L + μ u′) is", W - eta * (grad + mu * u_next))
    yield Equal(words="that is, V + dt (F − μ U′):", left=moved, right=V + dt * (F - mu * U_next))
    yield Say(
        words="The textbook's form takes the gradient ahead, at Θ = W + μ v: v′ = μ v − η ∇L(Θ), W′ = W + v′. "
        "Follow Θ instead of W, and write v = −η u:"
    )
    theta, v = Letter("Θ"), -eta * u
    v_next = mu * v - eta * grad
    yield Equal(words="the velocity v′ is −η u′ again,", left=v_next, right=-eta * u_next)
    ahead = (theta - mu * v) + v_next + mu * v_next
    yield Equal(
        words="and Θ′ = W′ + μ v′ is the step above: its iterates are the points ahead.",
        left=ahead,
        right=theta - eta * (grad + mu * u_next),
    )
    return U_next, moved


def _l2() -> Derivation:
    yield Equal(
        words="The penalty (wd/2)|W|², half the trace of wd WᵀW, changes along δ by the trace of",
        left=along(wd / 2 * T(W) * W, W, delta),
        right=wd / 2 * (T(delta) * W + T(W) * delta),
    )
    yield Say(words="which is wd tr(δᵀW): the gradient is ∇L + wd W.")
    moved = yield from carried("W′ = W − η (∇L + wd W) is", W - eta * (grad + wd * W))
    yield Equal(words="With dt = η α²/N it is", left=moved, right=V + dt * (F - DECAY * V))
    return moved


def _decoupled() -> Derivation:
    u_next = mu * u + grad
    U_next = memory(u_next)
    moved = yield from carried("W′ = (1 − η wd) W − η u′ is", (1 - eta * wd) * W - eta * u_next)
    yield Equal(words="With dt = η α²/N it is", left=moved, right=(1 - dt * DECAY) * V - dt * U_next)
    yield Equal(
        words="Without momentum that is descent with L2 (D4):",
        left=moved.subs({mu: 0}),
        right=V + dt * (F - DECAY * V),
    )
    yield Say(words="With momentum it is not, because L2 enters the memory. Let F = 0, V = 1, U = 0, κ = wd N/α².")
    decoupled, l2, buffer = sp.Integer(1), sp.Integer(1), sp.Integer(0)
    for _ in range(2):
        decoupled = sp.expand((1 - kappa * dt) * decoupled)
        buffer = mu * buffer + kappa * l2
        l2 = sp.expand(l2 - dt * buffer)
    yield Unequal(words="After two steps, decoupled and L2:", left=decoupled, right=l2)
    yield Equal(words="L2 has decayed more, by", left=decoupled - l2, right=mu * kappa * dt)
    return U_next, moved


def _mini_batch() -> Derivation:
    yield Say(words="A batch has its own g and G. Take the gradient before the mean, at one sample:")
    moved = yield from carried("W′ = W − η 2 r ∇f is", W - eta * sample_gradient())
    yield Equal(
        words="With c = a + ε V x, one sample's part of dV is −(2/α) r c xᵀ dt:",
        left=moved,
        right=V - 2 * dt / alpha * r * SLOPES * T(x),
    )
    yield Equal(
        words="Its mean over the batch, whichever it is, has the batch's own g and G:",
        left=over_samples(moved - V),
        right=dt * FORCE,
    )
    yield Say(words="The batches may come in any order, as long as all neurons see the same one.")
    return moved


# ---- derivations: what does not close


def _adam() -> Derivation:
    k, e = sp.symbols("k e", positive=True)
    networks = (-3, 1, 1, 1), (3, -1, -1, -1)
    yield Say(
        words="Adam's first step is −η ∇/(|∇| + e) in every coordinate by itself. Take D = 1, four neurons, and "
        "samples x and −x with one label below f: if w̄ = 0 then f is even, g = 0, G > 0, and the gradients are k w "
        "with one k > 0 (D0)."
    )
    moments = [tuple(sp.Rational(sum(w**power for w in network), 4) for power in (1, 2)) for network in networks]
    yield Equal(
        words="(w̄, M) is the same for the weights (−3, 1, 1, 1) and (3, −1, −1, −1):", left=moments[0], right=moments[1]
    )
    means = [sum(w - eta * k * w / (abs(k * w) + e) for w in network) / 4 for network in networks]
    yield Unequal(words="After the step w̄ is not the same:", left=means[0], right=means[1])
    limits = tuple(sp.limit(mean, e, 0) for mean in means)
    yield Equal(
        words="For small e a step is η times a sign; three neurons outvote one.", left=limits, right=(-eta / 2, eta / 2)
    )
    return limits


# ---- derivations: finite steps as a flow


def _modified_flow() -> Derivation:
    F, F1, d = Column("F"), Column("F₁"), Column("δ")
    J, K = Symmetric("F′"), Letter("F₁′")
    yield Say(words="V is one long column here. Seek dV/dt = F + dt F₁ whose solution after dt is one step, V + dt F.")
    speed = F + dt * F1
    acceleration = sp.expand((J + dt * K) * speed)
    taylor = sp.expand(dt * speed + dt**2 / 2 * acceleration)
    yield Equal(
        words="By the chain rule d²V/dt² is (F′ + dt F₁′)(F + dt F₁). Taylor: the flow moves V, to the order dt², by",
        left=taylor.coeff(dt, 1) * dt + taylor.coeff(dt, 2) * dt**2,
        right=dt * F + dt**2 * (F1 + J * F / 2),
    )
    first = -(taylor.coeff(dt, 2) - F1)
    yield Equal(words="This is dt F for one F₁:", left=first, right=-J * F / 2)
    rate = (F + dt * first).subs({J: -1, F: -1})
    yield Equal(
        words="The rest is of the order dt³ a step, so dt² at a given time (errors grow at most at the Lipschitz "
        "rate). No better: where F = −V, the solution after dt is ahead of the step 1 − dt by",
        left=sp.exp(dt * rate).series(dt, 0, 4).removeO() - (1 - dt),
        right=dt**3 / 3,
    )
    modified = F + dt * first
    squared = gradient(along(T(F) * F, F, J * d), d)
    yield Equal(words="F′ is symmetric (J1), so the gradient of |F|² is", left=squared, right=2 * J * F)
    yield Equal(
        words="With F = −∇L/α² (F5) it follows that −(1/α²) ∇[L + dt/(4α²) |∇L|²] = F − (dt/4) ∇|F|² is the same:",
        left=F - dt / 4 * squared,
        right=modified,
    )
    return modified


def _midpoint_flow() -> Derivation:
    F, F1, J = Column("F"), Column("F₁"), Symmetric("F′")
    yield Say(
        words="V is one long column here. A step from V moves it by dt F(V), whose middle is half a step later: so let "
        "V̇ = F(x), x = V − (dt/2) V̇. Seek V̇ = F + dt F₁ + O(dt²). F(x) is, by Taylor,"
    )
    ahead = sp.expand(F - dt / 2 * J * (F + dt * F1))
    first = ahead.coeff(dt, 1)
    yield Equal(words="to first order (F″ is in the second)", left=first, right=-J * F / 2)
    modified = F + dt * first
    yield Equal(
        words="so it is, up to O(dt²), the modified flow (D7), and as close to descent:",
        left=modified,
        right=MODIFIED,
    )
    yield Equal(
        words="The derivative: dx + (dt/2) F′ dx = dV and dV̇ = F′ dx with the F′ of x. All are functions of F′, which "
        "commute, so F′ may stand for any of its eigenvalues j:",
        left=sp.solve(change + dt / 2 * j * change - moved, change)[0] * j / moved,
        right=j / (1 + dt / 2 * j),
    )
    slope = j / (1 + dt / 2 * j)
    inverse = (1 + dt / 2 * j) / (shift - (1 - dt * shift / 2) * j)
    yield Equal(
        words="One shifted solve with F′ inverts s − that:", left=sp.simplify(inverse * (shift - slope)), right=1
    )
    return modified, slope, inverse


def _momentum_flow() -> Derivation:
    speed, bend, rest = sp.symbols("V̇ V̈ V⃛")
    ahead, back = (s * dt * speed + dt**2 / 2 * bend + s * dt**3 / 6 * rest for s in (1, -1))
    moved = sp.expand((ahead + mu * back) / dt)
    mass, friction = (1 + mu) * dt / 2, 1 - mu
    yield Say(words="Without U, a heavy-ball step (D2) is V(t + dt) − V(t) − μ (V(t) − V(t − dt)) = dt F(V(t)).")
    yield Equal(
        words="On a smooth path, Taylor's formula for both sides of t makes its left side, over dt,",
        left=moved.coeff(rest, 0),
        right=sp.expand(mass * bend + friction * speed),
    )
    yield Equal(words="up to a term of the order dt²,", left=moved.coeff(rest, 1), right=(1 - mu) * dt**2 / 6)
    force, step, time, start = sp.symbols("F k t V̇₀", positive=True)
    walked = dt * force * (step / friction - mu * (1 - mu**step) / friction**2)
    yield Equal(
        words="Heavy ball starts with U = 0. Under a constant F it has gone dt F [k/(1 − μ) − μ (1 − μᵏ)/(1 − μ)²] "
        "after k steps: 0 and dt F at first, and what a step adds, less μ times what the last one did, is dt F:",
        left=(
            walked.subs(step, 0),
            sp.simplify(walked.subs(step, 1)),
            sp.simplify(walked.subs(step, step + 1) - walked - mu * (walked - walked.subs(step, step - 1))),
        ),
        right=(sp.Integer(0), dt * force, dt * force),
    )
    lag = (force / friction - start) * mass / friction
    path = force * time / friction - lag * (1 - sp.exp(-friction * time / mass))
    yield Equal(
        words="With m = (1 + μ) dt/2 and c = 1 − μ the flow from V̇₀ goes F t/c − ℓ (1 − e^(−c t/m)), ℓ = (F/c − V̇₀) m/c"
        ": at t = 0 that and its speed are 0 and V̇₀, and m V̈ + c V̇ is F:",
        left=(
            path.subs(time, 0),
            sp.simplify(path.diff(time).subs(time, 0)),
            sp.simplify(mass * path.diff(time, 2) + friction * path.diff(time)),
        ),
        right=(sp.Integer(0), start, force),
    )
    behind = sp.expand(force * dt * step / friction - walked).subs(mu**step, 0)
    first = sp.solve(lag - behind, start)[0]
    yield Equal(
        words="Once μᵏ and e^(−c t/m) are gone, heavy ball is behind F t/c by dt F μ/(1 − μ)² and the flow by ℓ. They "
        "are equal for V̇₀ =",
        left=sp.simplify(first),
        right=force / (1 + mu),
    )
    return mass, friction, sp.simplify(first / force)


# ---- derivations: the kernel under weight decay


def _kernel_drift() -> Derivation:
    slope = gradient(along(factor(V), V, delta), delta)
    yield Equal(words="∇f is α c xᵀ with c = a + ε V x,", left=slope, right=alpha * SLOPES * T(x))
    K = T(x) * xp * T(SLOPES) * SLOPES.subs(x, xp)
    moments = {T(a) * a: sp.Integer(1), T(V) * V: M, T(a) * V: T(wbar), T(V) * a: wbar}
    kernel = numbers(reduce(K, moments))
    yield Equal(
        words="so the kernel ∇f·∇f′/α² is (x·x′) c·c′ (K1):",
        left=kernel,
        right=OVERLAP * (1 + eps * LINEAR + eps**2 * QUADRATIC),
    )
    decay, training = (numbers(reduce(along(K, V, speed), moments)) for speed in (-kappa * V, FORCE))
    yield Equal(words="Under weight decay alone, dV/dt = −κ V, it changes at the rate", left=decay, right=DRIFT)
    yield Equal(
        words="The kernel of a network quadratic in W, the part in ε², decays at 2κ:",
        left=decay.coeff(eps, 2),
        right=-2 * kappa * kernel.coeff(eps, 2),
    )
    yield Equal(
        words="Training moves it too, at a rate in 1/α, which vanishes in the lazy limit while decay does not:",
        left=sp.limit(training, alpha, sp.oo),
        right=sp.Integer(0),
    )
    return sum(kappa**power for (power,) in sp.Poly(decay, kappa).monoms())


NEW_MEMORY = mu * U - F
"""U after the step, of every optimizer with momentum."""

CLAIMS = (
    Claim(
        tag="D0",
        equation="ours: grokode.dynamics.optimizers",
        title="an update with coefficients shared by all neurons acts on the factor as on the neurons",
        statement=Formula(
            latex=r"W' = c W + 1 p^T + W H + m K \;\Rightarrow\; V' = c V + a p^T + V H + U K",
            value=sp.Symbol("c") * V + a * T(Column("p")) + V * Letter("H") + U * Letter("K"),
        ),
        derive=_principle,
    ),
    Claim(
        tag="D1",
        equation="ours: GradientDescent",
        title="gradient descent with a finite step, exactly",
        statement=Formula(latex=r"V' = V + dt\, F, \quad dt = \eta \alpha^2 / N", value=V + dt * FORCE),
        derive=_gradient_descent,
    ),
    Claim(
        tag="D2",
        equation="ours, for section 14",
        title="heavy-ball momentum",
        statement=Formula(latex=r"U' = \mu U - F, \quad V' = V - dt\, U'", value=(NEW_MEMORY, V - dt * NEW_MEMORY)),
        derive=_heavy_ball,
    ),
    Claim(
        tag="D3",
        equation="ours, for section 14",
        title="Nesterov momentum, as PyTorch steps and as textbooks look ahead",
        statement=Formula(
            latex=r"U' = \mu U - F, \quad V' = V + dt (F - \mu U')", value=(NEW_MEMORY, V + dt * (F - mu * NEW_MEMORY))
        ),
        derive=_nesterov,
    ),
    Claim(
        tag="D4",
        equation="ours, for section 13",
        title="weight decay as an L2 term of the loss",
        statement=Formula(
            latex=r"V' = V + dt (F - \kappa V), \quad \kappa = wd\, N / \alpha^2", value=V + dt * (F - DECAY * V)
        ),
        derive=_l2,
    ),
    Claim(
        tag="D5",
        equation="ours, for section 13",
        title="decoupled weight decay: the same without momentum, not with it",
        statement=Formula(
            latex=r"U' = \mu U - F, \quad V' = (1 - \kappa\, dt) V - dt\, U', \quad \kappa = wd\, N / \alpha^2",
            value=(NEW_MEMORY, (1 - dt * DECAY) * V - dt * NEW_MEMORY),
        ),
        derive=_decoupled,
    ),
    Claim(
        tag="D6",
        equation="ours, for section 14",
        title="Adam does not close: one (mean weight, M), two steps",
        statement=Formula(latex=r"\bar w' = \mp \eta / 2", value=(-eta / 2, eta / 2)),
        derive=_adam,
    ),
    Claim(
        tag="D7",
        equation="ours: modified_flow",
        title="the flow that gradient descent follows to second order in the step",
        statement=Formula(
            latex=r"\dot V = F - \tfrac{dt}{2} F' F = -\tfrac{1}{\alpha^2} \nabla_V"
            r" [L + \tfrac{dt}{4 \alpha^2} |\nabla_V L|^2]",
            value=MODIFIED,
        ),
        derive=_modified_flow,
    ),
    Claim(
        tag="D11",
        equation="ours: midpoint_flow",
        title="the same order with a force that lags by half a step; its derivative, and solves with that",
        statement=Formula(
            latex=r"\dot V = F(V - \tfrac{dt}{2} \dot V) = F - \tfrac{dt}{2} F' F + O(dt^2), \quad"
            r" \dot V' = F' (1 + \tfrac{dt}{2} F')^{-1}, \quad"
            r" (s - \dot V')^{-1} = (s - (1 - \tfrac{s\, dt}{2}) F')^{-1} (1 + \tfrac{dt}{2} F')",
            value=(
                MODIFIED,
                j / (1 + dt / 2 * j),
                (1 + dt / 2 * j) / (shift - (1 - dt * shift / 2) * j),
            ),
        ),
        derive=_midpoint_flow,
    ),
    Claim(
        tag="D8",
        equation="ours: mini-batches",
        title="mini-batches: the same map with the batch's own mean",
        statement=Formula(
            latex=r"V' = V - \tfrac{2\, dt}{\alpha} \langle r\, c\, x^T \rangle_{\mathrm{batch}}",
            value=V - 2 * dt / alpha * r * SLOPES * T(x),
        ),
        derive=_mini_batch,
    ),
    Claim(
        tag="D10",
        equation="ours: momentum_flow",
        title="the flow that heavy-ball momentum follows to second order in the step",
        statement=Formula(
            latex=r"\tfrac{(1 + \mu)\, dt}{2} \ddot V + (1 - \mu) \dot V = F, \quad \dot V(0) = F_0 / (1 + \mu)",
            value=((1 + mu) * dt / 2, 1 - mu, 1 / (1 + mu)),
        ),
        derive=_momentum_flow,
    ),
    Printed(
        tag="D9",
        equation="section 13",
        title="the order in the weight decay at which the kernel evolves",
        statement=Formula(latex=r"O(\kappa)", value=kappa),
        derive=_kernel_drift,
    ),
)
