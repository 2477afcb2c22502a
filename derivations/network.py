r"""The network, the moments of its weights, and what its scales do.

All neurons together are one matrix W, row i the weights of neuron i, and 1 is the column of N ones. Then
:math:`\sum_i w_i \cdot x = 1^T W x` and :math:`\sum_i (w_i \cdot x)^2 = |W x|^2`, so that the network of eq. 3 is
a word in W of degree two: its moments, its linearisation and its scalings are read off the word, whatever N, D
and the number of pseudo-neurons are.
"""

from __future__ import annotations

import sympy as sp

from .claim import Average, Claim, Definition, Derivation, Equal, Formula, Misprint, Printed, Say, Unequal
from .gaussian import Inner, Matrix, Trace, Unit, Vector, average, replace
from .notation import B, D, M, N, P, alpha, b, beta, eps, sigma, wbar, x
from .words import Column, Letter, Symmetric, T, along, reduce, scalars

W, W0, U, V, V0, Q, Z, delta = map(Letter, ("W", "W₀", "U", "V", "V₀", "Q", "Z", "δ"))
X, Xp, one, a, v, mean, g = map(Column, ("x", "x′", "1", "a", "v", "w̄", "g"))
moment, G, readouts = map(Symmetric, ("M", "G", "v̂"))
"""The letters of words: v̂ is the diagonal matrix of the readouts v; ``mean`` and ``moment`` are w̄ and M."""

wbar0, M0, w = Vector("w̄₀"), Matrix("M₀"), Vector("w_i")
beta_1, beta_2 = Vector("β_1"), Vector("β_2")
c, r, eta_0, y, h = sp.symbols("c r η₀ y h")

MOMENTS = {T(W) * W: N * moment, T(W) * one: N * mean, T(one) * W: N * T(mean), T(one) * one: N}
"""Eq. 4 as rules."""


def output(W: sp.Expr, first: sp.Expr = alpha, weight: sp.Expr = eps) -> sp.Expr:
    r"""Return eq. 3, :math:`\frac{\alpha}{N} \sum_i \phi(w_i \cdot x)`, as a word."""
    return sp.expand(first / N * (T(one) * W * X + weight / 2 * T(X) * T(W) * W * X))


def gradient(x: Column) -> sp.Expr:
    r"""Return the derivative of f(x) by W: row i is :math:`\frac{\alpha}{N} (1 + \epsilon w_i \cdot x) x^T`."""
    return sp.expand(alpha / N * (one + eps * W * x) * T(x))


F = scalars(reduce(output(W), MOMENTS))
"""The predictor f in terms of (w̄, M), derived below (F1)."""

F0 = F.subs({Inner(wbar, x): Inner(wbar0, x), Inner(x, M, x): Inner(x, M0, x)})
"""The same at the initial weights."""

FACTOR = sp.expand(alpha * (T(a) * V * X + eps / 2 * T(X) * T(V) * V * X))
"""The predictor in terms of the factor (a, V), derived below (F1): α (a·h + ε/2 |h|²) with h = V x."""

TARGET = c + Inner(b, x) + Inner(x, B, x) / 2
"""The general quadratic target (T1)."""


# ---- moments and factor


def _remainder() -> Derivation:
    change = sp.expand(output(W0 + delta) - output(W0))
    slope = along(output(W0), W0, delta)
    yield Equal(
        words="Move the weights from W₀ to W₀ + δ. The gradient of eq. 1 along δ is the part linear in δ:",
        left=slope,
        right=alpha / N * (T(one) * delta * X + eps / 2 * (T(X) * T(delta) * W0 * X + T(X) * T(W0) * delta * X)),
    )
    yield Say(words="φ is quadratic, so what eq. 1 leaves out is one term, |δ x|² = Σ_i (δ_i·x)².")
    return sp.expand(change - slope)


def _predictor() -> Derivation:
    yield Say(words="Σ_i φ(w_i·x) = 1ᵀW x + ε/2 |W x|²: the sums over the neurons are matrix products.")
    moments = reduce(output(W), MOMENTS)
    yield Equal(
        words="1ᵀW = N w̄ᵀ and WᵀW = N M (eq. 4); the width cancels.",
        left=scalars(moments),
        right=alpha * Inner(wbar, x) + alpha * eps / 2 * Inner(x, M, x),
    )
    yield Equal(
        words="In the factor, w̄ = Vᵀa and M = VᵀV (F0), this is α (a·h + ε/2 |h|²) with h = V x.",
        left=reduce(moments, {T(mean): T(a) * V, moment: T(V) * V}),
        right=FACTOR,
    )
    return scalars(moments)


def _factor() -> Derivation:
    yield Say(
        words="The thin QR of the N × (D+1) matrix [1, W]/√N is Qᵀ[a, V], with r = min(N, D+1) orthonormal rows in Q: "
        "1 = √N Qᵀa and W = √N QᵀV."
    )
    into = {W: sp.sqrt(N) * T(Q) * V, one: sp.sqrt(N) * T(Q) * a}
    into |= {T(letter): T(word) for letter, word in into.items()}

    def factored(word: sp.Expr) -> sp.Expr:
        return reduce(word.subs(into, simultaneous=True), {Q * T(Q): sp.Integer(1)})

    yield Equal(words="Q drops out by Q Qᵀ = I: the mean weight is", left=factored(T(W) * one / N), right=T(V) * a)
    yield Equal(words="and the mean of w wᵀ is", left=factored(T(W) * W / N), right=T(V) * V)
    length = T(one) * one / N
    yield Equal(words="The length of a is 1ᵀ1/N,", left=factored(length), right=T(a) * a)
    yield Equal(words="which is 1.", left=reduce(length, MOMENTS), right=sp.Integer(1))
    return factored(T(W) * one / N), factored(T(W) * W / N), reduce(length, MOMENTS)


def _random_factor() -> Derivation:
    z, first, other = Vector("z"), Unit("o_1"), Unit("o_2")
    yield Say(
        words="One coordinate of all neurons is a vector z of N independent normal numbers; the columns of W are D of "
        "them. Turn them all by an orthogonal matrix with rows o_k, o_1 = 1/√N. The new components"
    )
    yield Average(words="have the same variance,", left=Inner(first, z) ** 2, right=sigma**2, over=(z,), scale=sigma**2)
    yield Average(
        words="and are uncorrelated, so (being Gaussian) independent:",
        left=Inner(first, z) * Inner(other, z),
        right=sp.Integer(0),
        over=(z,),
        scale=sigma**2,
    )
    yield Say(
        words="The first row is √N w̄. Of the other N − 1 rows turn the first column into its length: σ times a chi "
        "variable with N − 1 degrees of freedom, and below it zeros. What is left of the other columns is normal as "
        "before, in one row less; go on (Bartlett). Over √N this is the factor."
    )
    square = average(Inner(first, z) ** 2, z, scale=sigma**2)
    fourth = average(Inner(first, z) ** 4, z, scale=sigma**2)
    yield Average(
        words="One check: M_jj is a mean of N squares. Of one square the mean is σ², and that of its square",
        left=Inner(first, z) ** 4,
        right=3 * sigma**4,
        over=(z,),
        scale=sigma**2,
    )
    direct = square, (fourth - square**2) / N
    column = sp.Symbol("j")
    freedom = 1 + (column - 1) + (N - column)
    yield Equal(
        words="In the factor, column j has √N w̄_j, j − 1 normal numbers and a chi with N − j degrees of freedom, whose "
        "square is a sum of as many squares. Mean and variance of M_jj come out the same:",
        left=(freedom * sigma**2 / N, freedom * 2 * sigma**4 / N**2),
        right=direct,
    )
    return direct


def _with_readouts() -> Derivation:
    trained = alpha / N * (T(v) * W * X + eps / 2 * T(X) * T(W) * readouts * W * X)
    yield Equal(
        words="With v in the place of 1, Σ_i v_i (w_i·x)² = (W x)ᵀ v̂ W x, where v̂ is diagonal. At v_i = 1 it is eq. 3.",
        left=reduce(trained, {T(v): T(one), readouts: sp.Integer(1)}),
        right=output(W),
    )
    yield Say(words="Eq. 22 says Wᵀ v̂ W = N M and vᵀW = N w̄ᵀ; the width cancels again.")
    return scalars(reduce(trained, {T(W) * readouts * W: N * moment, T(v) * W: N * T(mean)}))


def _mean_square_weight() -> Derivation:
    share = replace(Trace(M) / D, M, {(w, w): 1 / N})
    yield Equal(
        words="M is the sum over the neurons of w_i w_iᵀ/N, and the trace is linear. One neuron adds to (1/D) Σ_j M_jj",
        left=share,
        right=Inner(w, w) / (D * N),
    )
    yield Say(words="which is its term in the sum on the left.")
    return share


def _special_targets() -> Derivation:
    form = TARGET.subs({c: 0, Inner(b, x): 0})
    omega_1, omega_2 = sp.symbols("ω_1 ω_2")
    single = replace(form, B, {(beta, beta): sp.Integer(1)})
    yield Equal(words="B = β βᵀ is the paper's target (eq. 3).", left=single, right=Inner(beta, x) ** 2 / 2)
    several = replace(form, B, {(beta_1, beta_1): omega_1, (beta_2, beta_2): omega_2})
    yield Equal(
        words="B = Σ_k ω_k β_k β_kᵀ is a weighted sum of such squares.",
        left=several,
        right=omega_1 * Inner(beta_1, x) ** 2 / 2 + omega_2 * Inner(beta_2, x) ** 2 / 2,
    )
    product = replace(form, B, {(beta_1, beta_2): sp.Integer(2)})
    yield Equal(words="B = β_1 β_2ᵀ + β_2 β_1ᵀ is a product.", left=product, right=Inner(beta_1, x) * Inner(beta_2, x))
    return single, several, product


# ---- the output scale


def slope(learning_rate: sp.Expr, prefactor: sp.Expr = sp.S.One) -> sp.Expr:
    """Return what one training point adds to d(prefactor (f - f_0))/dt per step of gradient descent.

    The loss is the mean of r² over P points, so dW = -η (2/P) Σ r ∇(prefactor f), and f moves by ∇f·dW.
    """
    overlap = scalars(reduce(along(output(W), W, gradient(Xp)), MOMENTS))
    return -2 * learning_rate / P * prefactor**2 * overlap * r


def power(expression: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """Return the exponent of a symbol in a product: its logarithmic derivative."""
    return sp.simplify(symbol * sp.diff(expression, symbol) / expression)


def _learning_rate() -> Derivation:
    def twice(word: sp.Expr) -> sp.Expr:  # a number is its own transpose
        return sp.expand(word + T(word))

    yield Equal(
        words="The gradient of f has the rows (α/N) (1 + ε w_i·x) xᵀ: its product with any δ is the derivative along δ "
        "(written with its transpose, as a number is its own).",
        left=twice(along(output(W), W, delta)),
        right=twice(alpha / N * (T(one) + eps * T(X) * T(W)) * delta * X),
    )
    yield Equal(
        words="A training point x′ moves f(x) along the gradient of f(x′), with the overlap (α²/N) K(x, x′):",
        left=scalars(reduce(along(output(W), W, gradient(Xp)), MOMENTS)),
        right=alpha**2
        / N
        * Inner(x, Vector("x′"))
        * (1 + eps * (Inner(wbar, x) + Inner(wbar, Vector("x′"))) + eps**2 * Inner(x, M, Vector("x′"))),
    )
    q = sp.Symbol("q")
    start = slope(eta_0 * alpha**q).subs(r, -y)
    yield Equal(
        words="The centred residual starts at r = −y, without α. With η = η₀ α^q the first slope goes as α to"
        " the power",
        left=power(start, alpha),
        right=q + 2,
    )
    yield Unequal(
        words="Uncentred, r = f₀ − y changes with α itself, and no η makes up for that:",
        left=sp.diff(F0 - y, alpha),
        right=sp.Integer(0),
    )
    (solution,) = sp.solve(power(start, alpha), q)
    return eta_0 * alpha**solution


def _centred() -> Derivation:
    unscaled = sp.expand(F / alpha)
    yield Equal(
        words="The function that the scale multiplies is the network without it, f/α.",
        left=sp.diff(unscaled, alpha),
        right=sp.Integer(0),
    )
    centred = sp.expand(alpha * (unscaled - F0 / alpha))
    yield Equal(words="α times its change since the start is therefore f − f₀, once α.", left=centred, right=F - F0)
    p = sp.Symbol("p")
    first = slope(eta_0 / alpha**2, alpha**p).subs(r, -y)
    yield Equal(
        words="With a factor α^p before f − f₀ and the paper's η = η₀/α², the first slope (N6) goes as α to the power",
        left=power(first, alpha),
        right=2 * p,
    )
    yield Say(
        words="The paper asks that it be independent of α: p = 0. The print has p = 1; it would be right for an f "
        "without α, but eq. 3's has it."
    )
    (solution,) = sp.solve(power(first, alpha), p)
    return sp.expand(alpha**solution * centred)


def _centring_effect() -> str:
    ratio = sp.cancel(slope(eta_0 / alpha**2, alpha) / slope(eta_0 / alpha**2))
    small, large = (float(ratio.subs(alpha, value)) for value in (sp.Rational(1, 32), 32))
    return (
        f"with η = η₀/α², the first slope at figure 3a's smallest and largest α (1/32, 32) is that at "
        f"α = 1 times {small:.3g} and {large:.4g} as printed, times 1 as derived; for an f without α "
        "the print would be right, but eq. 3's has it"
    )


def _lazy_limit() -> Derivation:
    moved = FACTOR.subs({V: V0 + Z / alpha, T(V): T(V0) + T(Z) / alpha}, simultaneous=True)
    change = sp.expand(moved - FACTOR.subs({V: V0, T(V): T(V0)}))
    linear = along(FACTOR.subs({V: V0, T(V): T(V0)}), V0, Z / alpha)
    yield Say(words="Training moves f by order 1, so V by order 1/α: write V = V₀ + Z/α.")
    yield Equal(words="Linearised, the predictor has no α left:", left=sp.diff(linear, alpha), right=sp.Integer(0))
    yield Equal(
        words="It deviates from that by ε|Z x|²/(2α),",
        left=sp.expand(change - linear),
        right=eps / (2 * alpha) * T(X) * T(Z) * Z * X,
    )
    force = -2 / alpha * (a * T(g) + eps * (V0 + Z / alpha) * G)
    fixed = -2 * (a * T(g) + eps * V0 * G)
    yield Equal(
        words="and the flow (F2) dZ/dt = α dV/dt from the linearised one, at equal residuals, by a term of order 1/α:",
        left=sp.expand(alpha * force - fixed),
        right=-2 * eps / alpha * Z * G,
    )
    yield Say(
        words="The solution of a differential equation depends smoothly on its right-hand side (Grönwall), so at fixed "
        "t Z and f deviate from the linearised ones by order 1/α, and as α → ∞ eq. 1 becomes exact."
    )
    return sp.true


def _label_scale() -> Derivation:
    scale, factor = sp.symbols("s k")
    ours, theirs = sp.Poly((alpha * h - y) ** 2, h, y), sp.Poly(factor * (h - scale * y) ** 2, h, y)
    yield Say(words="Let h = f/α be the network without its scale, trained on the labels s y.")
    ((found, weight),) = sp.solve((ours - theirs).coeffs(), scale, factor)
    yield Equal(
        words="Its squared residual times k is that of f on y for every h and y at one pair (s, k) only.",
        left=(alpha * h - y) ** 2,
        right=weight * (h - found * y) ** 2,
    )
    yield Say(
        words="So L(f; y) = α² L(f/α; y/α) at all weights, centred or not: the two gradients are parallel everywhere, "
        "and the learning rates η and α²η give the same weights step by step."
    )
    return found


# ---- the scale of the weights


def rescaled() -> sp.Expr:
    """Return f at the weights w = σ u, with U in the place of W."""
    return sp.expand(output(W).subs({W: sigma * U, T(W): sigma * T(U)}, simultaneous=True))


def _weight_scale() -> Derivation:
    first, weight = sp.symbols("α′ ε′", positive=True)
    words = (T(one) * U * X, T(X) * T(U) * U * X)
    unknown, known = output(U, first, weight), rescaled()
    (found,) = sp.solve([unknown.coeff(word) - known.coeff(word) for word in words], (first, weight), dict=True)
    yield Equal(
        words="Write w = σ u with u ~ N(0, I). The network is that of u at an (α′, ε′) to be read off both parts:",
        left=known,
        right=output(U, found[first], found[weight]),
    )
    force = -2 / alpha * (one * T(g) + eps * W * G)
    yield Equal(
        words="It also trains like that one: dw/dt = −(2/α)(g + εGw) (F2), divided by σ, is the same flow at (α′, ε′) "
        "in the same t (a learning rate η of w is η/σ² for u, and η α²/N, the step in t, is unchanged).",
        left=sp.expand(force.subs(W, sigma * U) / sigma),
        right=sp.expand(force.subs({W: U, alpha: found[first], eps: found[weight]}, simultaneous=True)),
    )
    return found[first], found[weight]


def _preserved() -> Derivation:
    p = sp.Symbol("p")
    linear, quadratic = (rescaled().coeff(word).subs(alpha, sigma**p) for word in (T(one) * U * X, T(X) * T(U) * U * X))
    yield Equal(
        words="With w = σ u (N15) and α = σ^p, the quadratic part of f goes as σ to the power",
        left=power(quadratic, sigma),
        right=p + 2,
    )
    yield Equal(words="and the linear part as σ to the power", left=power(linear, sigma), right=p + 1)
    (solution,) = sp.solve(power(quadratic, sigma), p)
    yield Unequal(
        words="No p keeps both: where the quadratic part stays, the linear part goes as 1/σ. Hence 'approximate'.",
        left=power(linear, sigma).subs(p, solution),
        right=sp.Integer(0),
    )
    constant = sp.Symbol("C", positive=True)
    flow = -2 * eps / alpha * U * G  # of u, without the linear part of φ
    yield Equal(
        words="Were φ quadratic alone, u would flow by −(2ε/α) G u: at σ²α = C, one curve in the time σ²t. Its "
        "relative change |w − w₀|/|w₀| = |u − u₀|/|u₀| and its loss would depend on σ²α alone.",
        left=flow.subs(alpha, constant / sigma**2) / sigma**2,
        right=-2 * eps / constant * U * G,
    )
    return sigma**solution


CLAIMS = (
    Definition(
        tag="N1",
        equation="eq. 3",
        title="the network, its activation, and the target",
        printed=Formula(
            latex=r"f(\boldsymbol{w}, \boldsymbol{x}) = \frac{\alpha}{N} \sum_{i=1}^{N}"
            r" \phi(\boldsymbol{w}_i \cdot \boldsymbol{x}) , \quad \phi(h) = h + \frac{\epsilon}{2} h^2 , \quad"
            r" y(\boldsymbol{x}) = \frac{1}{2} (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^2"
        ),
    ),
    Definition(
        tag="N2",
        equation="eq. 1",
        title="the linearisation around the initial weights",
        printed=Formula(
            latex=r"f(\boldsymbol{w}, \boldsymbol{x}) \approx f(\boldsymbol{w}_0, \boldsymbol{x}) +"
            r" \nabla_{\boldsymbol{w}} f(\boldsymbol{w}, \boldsymbol{x})|_{\boldsymbol{w}_0} \cdot"
            r" (\boldsymbol{w} - \boldsymbol{w}_0)"
        ),
    ),
    Claim(
        tag="N3",
        equation="ours, after eq. 1",
        title="what the linearisation leaves out, exactly",
        statement=Formula(
            latex=r"f - f_{\mathrm{lin}} = \frac{\alpha\epsilon}{2N} \sum_i (\delta w_i \cdot x)^2",
            value=alpha * eps / (2 * N) * T(X) * T(delta) * delta * X,
        ),
        derive=_remainder,
    ),
    Definition(
        tag="N4",
        equation="eq. 4",
        title="the two moments of the weights",
        printed=Formula(
            latex=r"\bar{\boldsymbol{w}} = \frac{1}{N} \sum_{i=1}^{N} \boldsymbol{w}_i \in \mathbb{R}^D , \quad"
            r" \boldsymbol{M} = \frac{1}{N} \sum_{i=1}^{N} \boldsymbol{w}_i \boldsymbol{w}_i^{\top}"
            r" \in \mathbb{R}^{D \times D}"
        ),
    ),
    Printed(
        tag="F1",
        equation="after eq. 4, and in section 5.3",
        title="the predictor in terms of the moments (and, ours, of the factor)",
        statement=Formula(
            latex=r"f = \alpha \bar{\boldsymbol{w}} \cdot \boldsymbol{x} + \frac{\alpha \epsilon}{2}"
            r" \boldsymbol{x}^{\top} \boldsymbol{M} \boldsymbol{x}",
            value=alpha * Inner(wbar, x) + alpha * eps / 2 * Inner(x, M, x),
        ),
        derive=_predictor,
    ),
    Claim(
        tag="F0",
        equation="ours: FactorState",
        title="the factor (a, V) has the moments of the neurons, and a has unit length",
        statement=Formula(
            latex=r"[1, W]/\sqrt{N} = Q^T [a, V] \;\Rightarrow\; \bar w = V^T a, \quad M = V^T V, \quad |a|^2 = 1",
            value=(T(V) * a, T(V) * V, sp.Integer(1)),
        ),
        derive=_factor,
    ),
    Claim(
        tag="F10",
        equation="ours: grokode/model/states/factor.py, FactorState.random",
        title="the factor of N random neurons, drawn without them; mean and variance of M_jj",
        statement=Formula(
            latex=r"[a, V] = \frac{1}{\sqrt{N}} \begin{pmatrix} \sqrt{N} & \sigma z^T \\ 0 & \sigma T \end{pmatrix},"
            r" \quad T_{jj} \sim \chi_{N - j}, \; T_{jk} \sim N(0, 1) \; (j < k), \; z \sim N(0, I);"
            r" \quad \langle M_{jj} \rangle = \sigma^2, \; \mathrm{var}\, M_{jj} = \frac{2 \sigma^4}{N}",
            value=(sigma**2, 2 * sigma**4 / N),
        ),
        derive=_random_factor,
    ),
    Misprint(
        tag="N5",
        equation="eq. 7",
        title="the centred predictor: eq. 3's f already carries α",
        printed=Formula(
            latex=r"\tilde{f}(\boldsymbol{x}, \theta) = \alpha"
            r" [f(\boldsymbol{x}, \theta) - f(\boldsymbol{x}, \theta_0)]",
            value=alpha * (F - F0),
        ),
        statement=Formula(
            latex=r"\tilde{f}(\boldsymbol{x}, \theta) = f(\boldsymbol{x}, \theta) - f(\boldsymbol{x}, \theta_0)",
            value=F - F0,
        ),
        effect=_centring_effect,
        derive=_centred,
    ),
    Printed(
        tag="N6",
        equation="section 8.1, after eq. 7",
        title="the learning rate that makes the first slope of the centred predictor independent of α",
        statement=Formula(latex=r"\eta = \eta_0/\alpha^2", value=eta_0 / alpha**2),
        derive=_learning_rate,
    ),
    Printed(
        tag="N7",
        equation="section 4.1, and section 5.1",
        title="at fixed flow time the centred network deviates from its linearisation by order 1/α",
        statement=Formula(latex=r"\alpha \to \infty"),
        derive=_lazy_limit,
    ),
    Printed(
        tag="N8",
        equation="section 4.1",
        title="dividing the labels by α is the same as multiplying the output by α",
        statement=Formula(latex=r"α^{-1}", value=1 / alpha),
        derive=_label_scale,
    ),
    Definition(
        tag="N14",
        equation="eq. 21, first equality",
        title="the network with trained readouts",
        printed=Formula(
            latex=r"f(\boldsymbol{x}) = \frac{\alpha}{N} \sum_{i=1}^{N} v_i \phi(\boldsymbol{w}_i \cdot \boldsymbol{x})"
        ),
    ),
    Definition(
        tag="N10",
        equation="eq. 22",
        title="the moments weighted with the readouts",
        printed=Formula(
            latex=r"\boldsymbol{M} = \frac{1}{N} \sum_{i=1}^{N} v_i \boldsymbol{w}_i \boldsymbol{w}_i^T,"
            r" \ \bar{\boldsymbol{w}} = \frac{1}{N} \sum_{i=1}^{N} v_i \boldsymbol{w}_i"
        ),
    ),
    Printed(
        tag="N9",
        equation="eq. 21, second equality",
        title="with trained readouts the predictor is the same function of the weighted moments",
        statement=Formula(
            latex=r"= \alpha \bar{\boldsymbol{w}} \cdot \boldsymbol{x} + \frac{\alpha \epsilon}{2}"
            r" \boldsymbol{x}^{\top} \boldsymbol{M} \boldsymbol{x}",
            value=alpha * Inner(wbar, x) + alpha * eps / 2 * Inner(x, M, x),
        ),
        derive=_with_readouts,
    ),
    Printed(
        tag="N11",
        equation="section 5.3, after eq. 6",
        title="the mean square weight is the trace of M (one neuron's share of it)",
        statement=Formula(
            latex=r"\frac{1}{DN}\sum_i |w_i|^2 = \frac{1}{D}\sum_{j=1}^D M_{jj}", value=Inner(w, w) / (D * N)
        ),
        derive=_mean_square_weight,
    ),
    Claim(
        tag="N15",
        equation="ours, for section 8.2",
        title="a network with weights σ u is the network with weights u at (α σ, ε σ), and trains like it",
        statement=Formula(
            latex=r"(\alpha, \epsilon, \sigma) \to (\alpha\sigma, \epsilon\sigma, 1)",
            value=(alpha * sigma, eps * sigma),
        ),
        derive=_weight_scale,
    ),
    Printed(
        tag="N12",
        equation="figure 7",
        title="the output scale that keeps the quadratic part of f, and it alone, at another weight scale",
        statement=Formula(latex=r"\alpha \sim \sigma^{-2}", value=sigma**-2),
        derive=_preserved,
    ),
    Definition(
        tag="N13",
        equation="figure 7",
        title="the relative parameter change",
        printed=Formula(latex=r"|\boldsymbol{w} - \boldsymbol{w}_0|/|\boldsymbol{w}_0|"),
    ),
    Claim(
        tag="T1",
        equation="ours: QuadraticTarget; eq. 3",
        title="the general quadratic target has the paper's, a weighted sum of squares, and a product as special cases",
        statement=Formula(
            latex=r"y(x) = c + b \cdot x + \frac12 x^T B x",
            value=(
                Inner(beta, x) ** 2 / 2,
                sp.Symbol("ω_1") * Inner(beta_1, x) ** 2 / 2 + sp.Symbol("ω_2") * Inner(beta_2, x) ** 2 / 2,
                Inner(beta_1, x) * Inner(beta_2, x),
            ),
        ),
        derive=_special_targets,
    ),
)
