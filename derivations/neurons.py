r"""Networks whose training does not close on moments: any activation, readouts fixed or trained.

Neurons are told apart, so one of them at one sample is enough to look at: its hidden weights meet the sample in the
number :math:`a = U \cdot x` alone, and what they do to f is a function of a and of the readout u. Everything else is a
sum over neurons and a mean over samples. The activation is any function :math:`\phi`.
"""

from __future__ import annotations

import sympy as sp

from .claim import Claim, Derivation, Equal, Formula, Say
from .notation import N, P, alpha
from .variants import hermite, z
from .words import Letter, Symmetric, T, reduce

phi = sp.Function("φ")
a, u, r, xx = sp.symbols("a u r x·x′")
"""U·x and u = v/√N of one neuron; the residual of one sample; the inner product of two inputs."""

a2, u0, a0, du, da = sp.symbols("a′ u₀ a₀ δu δa")
"""U·x′ at another input; both at the start; what a direction moves u and a by."""

root = sp.sqrt(N)
NEURON = alpha / root * u * phi(root * a)
"""What one neuron adds to f (F12)."""


def _prime(order: int, at: sp.Expr = a) -> sp.Expr:
    """Return a derivative of φ at √N a."""
    t = sp.Symbol("t")
    return sp.diff(phi(t), t, order).subs(t, root * at).doit()


def _same(expression: sp.Expr) -> sp.Expr:
    """Carry out derivatives, and write φ′(a) for that of φ at √N a."""
    return sp.expand(
        sp.expand(expression.doit()).replace(
            lambda part: isinstance(part, sp.Subs),
            lambda part: sp.Symbol(f"φ{'′' * part.expr.derivative_count}({part.point[0] / root})"),
        )
    )


def _units() -> Derivation:
    yield Say(words="Let U = W/√N and u = v/√N. One neuron adds (α/N) v φ(w·x) to f, with v = √N u and w·x = √N a:")
    v, h = sp.symbols("v h")
    original = alpha / N * v * phi(h)
    yield Equal(words="it is", left=original.subs({v: root * u, h: root * a}), right=NEURON)
    slopes = alpha / root * phi(root * a), alpha * u * _prime(1)
    yield Equal(words="Its slope in u is", left=sp.diff(NEURON, u), right=slopes[0])
    yield Equal(words="and in U it is x times", left=_same(sp.diff(NEURON, a)), right=_same(slopes[1]))
    moved = [
        -N / alpha**2 * 2 * r * sp.diff(original, letter).subs({v: root * u, h: root * a}) / root for letter in (v, h)
    ]
    yield Equal(
        words="A width-N network moves by −(N/α²) 2 r ∇f in (v, w), and so by 1/√N of that in (u, U). That is "
        "−(1/α²) 2 r ∇f in (u, U):",
        left=tuple(_same(part) for part in moved),
        right=tuple(_same(-2 * r / alpha**2 * slope) for slope in slopes),
    )
    yield Say(
        words="So the flow is −(1/α²) ∇L in (u, U). A residual r at x moves f at x′ by −2 r K, with K the product of "
        "the slopes at both over α², of which one neuron has the share"
    )
    share = sum(slope * slope.subs(a, a2) * weight for slope, weight in zip(slopes, (1, xx), strict=True)) / alpha**2
    stated = phi(root * a) * phi(root * a2) / N + xx * u**2 * _prime(1) * _prime(1, a2)
    yield Equal(words="which is", left=_same(share), right=_same(stated))
    return tuple(_same(part) for part in (NEURON, share))


def _change() -> Derivation:
    h0, dh = sp.symbols("h₀ δh")
    parts = u * (phi(h0 + dh) - phi(h0)) + (u - u0) * phi(h0)
    yield Equal(
        words="Add and subtract u φ(h₀) in the change of one neuron's u φ(h), h = h₀ + δh:",
        left=u * phi(h0 + dh) - u0 * phi(h0),
        right=parts,
    )
    yield Say(words="Both terms have the size of the change: φ(h₀ + δh) − φ(h₀) by Taylor's formula, u − u₀ as it is.")
    return sp.expand(alpha / root * parts)


def _block() -> Derivation:
    s = sp.Symbol("s")
    moved = {u: u + s * du, a: a + s * da}
    yield Say(
        words="Let (δu, δU) be a direction, and δa = δU·x. All neurons together move r by α B δ. One of them adds"
    )
    change = _same(sp.diff(NEURON.subs(moved, simultaneous=True), s).subs(s, 0))
    B = phi(root * a) / root * du + u * _prime(1) * da
    yield Equal(words="α times φ/√N δu + c δa, with c = u φ′:", left=change, right=_same(alpha * B))
    forces = -2 / alpha * r * phi(root * a) / root, -2 / alpha * r * u * _prime(1)
    held = tuple(_same(sp.diff(force.subs(moved, simultaneous=True), s).subs(s, 0)) for force in forces)
    stated = -2 / alpha * r * _prime(1) * da, -2 / alpha * r * (_prime(1) * du + root * u * _prime(2) * da)
    yield Equal(
        words="The force of one sample is −(2/α) r [φ/√N, c x]. With r held it moves, in u and in U (there times x),",
        left=held,
        right=tuple(_same(part) for part in stated),
    )
    yield Say(
        words="that is, by −H δ with δa = x·δU: the first row has ⟨r φ′ x⟩, the second ⟨r φ′ x⟩ and v ⟨r φ″ x xᵀ⟩, "
        "v = √N u. Other neurons do not enter: one block a neuron. The change of r adds −2 [φ/√N, c x] B δ, in the "
        "mean over P samples −(2/P) Bᵀ B δ."
    )
    S, B_, R, shifted, w = Symmetric("S"), Letter("B"), Letter("R"), Symmetric("(s+H)"), Letter("w")
    yield Say(words="For solves let S (s + H) = 1, and w solve (P/2) w + B S Bᵀ w = B S R. Then d = S (R − Bᵀ w) has")
    d = S * (R - T(B_) * w)
    applied = reduce(shifted * d + 2 / P * T(B_) * B_ * d, {shifted * S: sp.Integer(1)})
    right = R - T(B_) * w + 2 / P * (T(B_) * B_ * S * R - T(B_) * B_ * S * T(B_) * w)
    yield Equal(words="(s − J) d, which is", left=applied, right=sp.expand(right))
    solved = reduce(applied, {B_ * S * R: P / 2 * w + B_ * S * T(B_) * w})
    yield Equal(words="and by the equation of w this is R:", left=solved, right=R)
    return held


def _taylor() -> Derivation:
    F, k = sp.Function("He_{k−1}")(z), sp.Symbol("k")
    this = z * F - sp.diff(F, z)
    following = z * this - k * F
    yield Say(
        words="He_k = z He_{k−1} − He_{k−1}′. Suppose He_k′ = k He_{k−1}, as for k = 1. Then "
        "He_{k+1} = z He_k − k He_{k−1},"
    )
    by_hypothesis = sp.expand(this + z * k * F - k * sp.diff(F, z))
    held = sp.expand(sp.diff(following, z) - z * (sp.diff(this, z) - k * F))
    yield Equal(words="whose slope is, with the hypothesis for He_k′,", left=held, right=by_hypothesis)
    yield Equal(words="and that is (k + 1) He_k:", left=by_hypothesis, right=sp.expand((k + 1) * this))
    yield Say(
        words="So the j-th derivative of He_k is k!/(k − j)! He_{k−j}, and over j! it is the binomial coefficient of k "
        "over j times He_{k−j}: Taylor's formula, which ends at j = k. For the first degrees:"
    )
    for degree in range(2, 7):
        yield Equal(words=f"k = {degree}:", left=_difference(degree), right=_expanded(degree))
    return tuple(_expanded(degree) for degree in (2, 3, 4))


step = sp.Symbol("δ")


def _difference(k: int) -> sp.Expr:
    return sp.expand(hermite(k).subs(z, z + step) - hermite(k))


def _expanded(k: int) -> sp.Expr:
    return sp.expand(sp.Add(*(sp.binomial(k, j) * hermite(k - j) * step**j for j in range(1, k + 1))))


CLAIMS = (
    Claim(
        tag="F12",
        equation="ours: RealNeurons",
        title="the flow and the kernel of real neurons, in units of their number",
        statement=Formula(
            latex=r"f = \frac{\alpha}{\sqrt N} \sum_i u_i \phi(\sqrt N U_i \cdot x), \quad"
            r" K(x, x') = \frac1N \sum_i \phi_i(x) \phi_i(x') + x \cdot x' \sum_i u_i^2 \phi'_i(x) \phi'_i(x')",
            value=(
                _same(NEURON),
                _same(phi(root * a) * phi(root * a2) / N + xx * u**2 * _prime(1) * _prime(1, a2)),
            ),
        ),
        derive=_units,
    ),
    Claim(
        tag="F13",
        equation="ours: OnNeurons",
        title="the residual of real neurons from their change: nothing cancels at large α",
        statement=Formula(
            latex=r"f - f_0 = \frac{\alpha}{\sqrt N} \sum_i [u_i (\phi(h_{0i} + \delta h_i) - \phi(h_{0i}))"
            r" + \delta u_i \phi(h_{0i})]",
            value=sp.expand(alpha / root * (u * phi(sp.Symbol("h₀") + sp.Symbol("δh")) - u0 * phi(sp.Symbol("h₀")))),
        ),
        derive=_change,
    ),
    Claim(
        tag="J3",
        equation="ours: NeuronJacobian",
        title="the Jacobian of real neurons: one block a neuron beside what the samples make, and solves with it",
        statement=Formula(
            latex=r"J d = -\tfrac{2}{P} B^T B d - H d, \quad H_i = \tfrac{2}{\alpha} \begin{pmatrix} 0 &"
            r" \langle r \phi'_i x \rangle^T \\ \langle r \phi'_i x \rangle & v_i \langle r \phi''_i x x^T \rangle"
            r" \end{pmatrix}",
            value=tuple(
                _same(part)
                for part in (
                    -2 / alpha * r * _prime(1) * da,
                    -2 / alpha * r * (_prime(1) * du + root * u * _prime(2) * da),
                )
            ),
        ),
        derive=_block,
    ),
    Claim(
        tag="N16",
        equation="ours: Hermite",
        title="the change of a Hermite polynomial, term by term of the size of the change",
        statement=Formula(
            latex=r"\mathrm{He}_k(z + \delta) - \mathrm{He}_k(z) = \sum_{j=1}^k \tbinom{k}{j}"
            r" \mathrm{He}_{k-j}(z) \delta^j",
            value=tuple(_difference(degree) for degree in (2, 3, 4)),
        ),
        derive=_taylor,
    ),
)
