r"""The neural tangent kernel: at any weights, at infinite width, and with trained readouts.

Eq. 2 defines the kernel as :math:`\nabla f \cdot \nabla f'`. For the predictor of eq. 3 the gradient is an
N x D matrix, found here with its shape left open, so that the kernel holds at every width and dimension. It
comes with a factor :math:`\alpha^2/N` that eq. 5 does not have, and that flow time absorbs: one step of
gradient descent with rate :math:`\eta` advances t by :math:`\eta\alpha^2/N`, and then
:math:`\dot r = -(2/P) K r` with K as printed. At infinite width the mean over neurons is an average over their
Gaussian law; how far a finite width is from it follows from two averages.
"""

from __future__ import annotations

import sympy as sp

from .claim import Average, Claim, Definition, Derivation, Equal, Formula, Misprint, Printed, Say, Unequal, misjudged
from .gaussian import Inner, Matrix, Trace, Unit, Vector, average
from .network import MOMENTS
from .notation import D, M, N, P, Sigma, alpha, eps, sigma, wbar, x, xp
from .words import Column, Letter, Symmetric, T, along, reduce, scalars
from .words import gradient as gradient_by

KERNEL = Inner(x, xp) * (1 + eps * (Inner(wbar, x) + Inner(wbar, xp)) + eps**2 * Inner(x, M, xp))
"""The kernel at any weights, in units of flow time (K1)."""

INITIAL = Inner(x, xp) + eps**2 * Inner(x, xp) ** 2
"""The same at infinite width, w ~ N(0, I) (K3)."""

WITH_READOUTS = 2 * Inner(x, xp) + eps**2 * (3 * Inner(x, xp) ** 2 / 2 + Inner(x, x) * Inner(xp, xp) / 4)
"""The same with trained readouts v ~ N(0, 1) (K4)."""

w, wp, n = Vector("w"), Vector("w′"), Vector("n")
i, A = Unit("e_i"), Matrix("A")
residual = sp.Symbol("r′")


# ---- from the definition


W, one = Letter("W"), Column("1")
"""The weights, one row a neuron, and the column of N ones."""


def predictor(at: Column) -> sp.Expr:
    """Return eq. 3, with W x the column of all w_i·x: a sum over neurons is its product with 1, or with itself."""
    return alpha / N * (T(one) * W * at + eps / 2 * T(at) * T(W) * W * at)


def slopes(at: Column) -> sp.Expr:
    """Return the column of φ′(w_i·x)."""
    return one + eps * W * at


def gradient(at: Column) -> sp.Expr:
    """Return the gradient of the predictor by W, shape (N, D)."""
    return alpha / N * slopes(at) * T(at)


def number(expression: sp.Expr) -> sp.Expr:
    """Choose one of the two readings of every word: all are numbers, and so their own transposes."""
    return sp.Add(*(min(term, T(term), key=str) for term in sp.Add.make_args(sp.expand(expression))))


def _definition() -> Derivation:
    here, there, step = Column(x.name), Column(xp.name), Letter("δ")
    yield Equal(
        words="Moving W by δ changes f by tr(∇fᵀ δ), where ∇f = α/N φ′ xᵀ and φ′ is the column 1 + ε W x:",
        left=number(along(predictor(here), W, step)),
        right=number(alpha / N * T(slopes(here)) * step * here),
    )
    product = scalars(reduce(along(predictor(there), W, gradient(here)), MOMENTS))
    yield Equal(
        words="So ∇f·∇f′ is the change of f′ when W moves by ∇f. Sums over neurons are w̄ and M (eq. 4).",
        left=product,
        right=alpha**2 / N * KERNEL,
    )
    return product


def _flow_time() -> Derivation:
    product = yield from _definition()
    yield Say(
        words="In flow time, dW/dt = −(N/α²) ∇L: a step −η ∇L takes the time η α²/N. "
        "The kernel that drives f (K10) is N/α² times ∇f·∇f′."
    )
    return sp.expand(N / alpha**2 * product)


def _residual() -> Derivation:
    by_residual = sp.diff(residual**2 / P, residual)
    yield Say(
        words="A sample x′ adds r′²/P to the loss. In r′ only f′ moves with W, centred or not, so this adds "
        "2r′/P ∇f′ to ∇L, and dW/dt = −(N/α²) ∇L."
    )
    velocity = -N / alpha**2 * by_residual * gradient(Column(xp.name))
    rate = scalars(reduce(along(predictor(Column(x.name)), W, velocity), MOMENTS))
    yield Equal(
        words="The residual at x, a training sample or not, moves as f does:",
        left=rate,
        right=-2 / P * KERNEL * residual,
    )
    yield Say(words="The contributions of all samples add.")
    return rate


# ---- wide networks


def _infinite_width() -> Derivation:
    product = (1 + eps * Inner(w, x)) * (1 + eps * Inner(w, xp))
    yield Say(words="The kernel is x·x′ times the mean over neurons of φ′(w·x) φ′(w·x′), with φ′(h) = 1 + ε h.")
    yield Average(
        words="Over infinitely many neurons w ~ N(0, σ²I) that mean is",
        left=product,
        right=1 + eps**2 * sigma**2 * Inner(x, xp),
        over=(w,),
        scale=sigma**2,
    )
    yield Say(words="Here M = σ²I, and the paper has M = I: σ = 1.")
    return sp.expand(Inner(x, xp) * average(product, w, scale=sigma**2)).subs(sigma, 1)


def _readouts() -> Derivation:
    h, v = sp.symbols("h v")
    yield Equal(
        words="Readouts are weights too: v φ(h) has the derivatives by v and by h",
        left=(sp.diff(v * phi(h), v), sp.diff(v * phi(h), h)),
        right=(h + eps * h**2 / 2, v * (1 + eps * h)),
    )
    values, weighted = parts(Inner(n, i))
    yield Average(
        words="The readouts' part of the kernel is the mean of φ φ′ over neurons w ~ N(0, I),",
        left=values,
        right=Inner(x, xp) + eps**2 / 4 * (Inner(x, x) * Inner(xp, xp) + 2 * Inner(x, xp) ** 2),
        over=(w,),
        scale=sp.Integer(1),
    )
    yield Average(
        words="and the weights' part is x·x′ ⟨v² φ′ φ′⟩, with v ~ N(0, 1) a component of a Gaussian vector n:",
        left=weighted,
        right=Inner(x, xp) + eps**2 * Inner(x, xp) ** 2,
        over=(w, n),
        scale=sp.Integer(1),
    )
    return average(values + weighted, w, n, scale=sp.Integer(1))


def phi(h: sp.Expr) -> sp.Expr:
    """Return the activation, eq. 3."""
    return h + eps / 2 * h**2


def parts(v: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return what the readout v of a neuron w and its weights add to N times the kernel."""
    here, there = Inner(w, x), Inner(w, xp)
    return phi(here) * phi(there), v**2 * (1 + eps * here) * (1 + eps * there) * Inner(x, xp)


def _more_than_moments() -> Derivation:
    yield Say(words="Two neurons with one w and with readouts v and −v have w̄ = 0 and M = 0 (eq. 22), whatever v.")
    one, two = (sp.expand(sum(parts(sp.Integer(v)))) for v in (1, 2))
    yield Unequal(
        words="Each adds the same to the kernel (K4), but at v = 1 something else than at v = 2:", left=one, right=two
    )
    return sp.true


def over_pairs(own: sp.Expr, other: sp.Expr) -> sp.Expr:
    """Return the mean over N² pairs of neurons, N of them of a neuron with itself."""
    return sp.expand((N * own + N * (N - 1) * other) / N**2)


def _mean_weight() -> Derivation:
    yield Average(
        words="|w̄|² is the mean of w·w′ over N² pairs of neurons. N of them are a neuron with itself:",
        left=Inner(w, w),
        right=sigma**2 * D,
        over=(w,),
        scale=sigma**2,
    )
    yield Average(words="The others are", left=Inner(w, wp), right=sp.Integer(0), over=(w, wp), scale=sigma**2)
    return over_pairs(*(average(term, w, wp, scale=sigma**2) for term in (Inner(w, w), Inner(w, wp))))


def _mean_square_weight() -> Derivation:
    yield Average(
        words="|M|² is the mean of (w·w′)² over N² pairs of neurons. N of them are a neuron with itself:",
        left=Inner(w, w) ** 2,
        right=sigma**4 * D * (D + 2),
        over=(w,),
        scale=sigma**2,
    )
    yield Average(words="The others are", left=Inner(w, wp) ** 2, right=sigma**4 * D, over=(w, wp), scale=sigma**2)
    yield Average(words="tr M is the mean of", left=Inner(w, w), right=sigma**2 * D, over=(w,), scale=sigma**2)
    square = over_pairs(*(average(term**2, w, wp, scale=sigma**2) for term in (Inner(w, w), Inner(w, wp))))
    distance = sp.expand(square - 2 * sigma**2 * average(Inner(w, w), w, scale=sigma**2) + sigma**4 * D)
    yield Equal(
        words="So the mean of |M − σ²I|² = |M|² − 2σ² tr M + σ⁴ D is",
        left=distance,
        right=sigma**4 * D * (D + 1) / N,
    )
    return distance


def _fluctuations() -> Derivation:
    mean = yield from _mean_weight()
    distance = yield from _mean_square_weight()
    return mean, distance


def _wide_mean() -> Derivation:
    mean = yield from _mean_weight()
    yield Equal(words="So the mean of |w̄|² is", left=mean, right=sigma**2 * D / N)
    yield Say(words="which vanishes as N → ∞.")
    return sp.limit(mean, N, sp.oo)


def _wide_matrix() -> Derivation:
    distance = yield from _mean_square_weight()
    relative = (distance / D).subs(sigma, 1)
    yield Say(words="At σ = 1 it vanishes as N → ∞ at fixed D. How wide is wide? |M − I|² over |I|² = D is")
    yield Equal(
        words="in figure 1, D = 100 and N = 500,", left=relative.subs({D: 100, N: 500}), right=sp.Rational(101, 500)
    )
    yield Equal(words="in figure 4, D = 40 and N = 2,", left=relative.subs({D: 40, N: 2}), right=sp.Rational(41, 2))
    yield Say(words="It takes N ≫ D, not N ≫ 1: figure 4's network is not wide.")
    return sp.limit(distance.subs(sigma, 1), N, sp.oo)


# ---- what follows


def _rank() -> Derivation:
    s, row = sp.Symbol("s"), sp.Symbol("i", positive=True, integer=True)
    stretched = KERNEL.xreplace({atom: s ** atom.args.count(x) * atom for atom in KERNEL.atoms(Inner)})
    yield Equal(
        words="Stretch x by s: K(·, x′) has a linear and a quadratic part, nothing else.",
        left=sp.expand(stretched),
        right=s * Inner(x, xp) * (1 + eps * Inner(wbar, xp))
        + s**2 * Inner(x, xp) * (eps * Inner(wbar, x) + eps**2 * Inner(x, M, xp)),
    )
    monomials = D + sp.summation(D + 1 - row, (row, 1, D))
    yield Equal(
        words="So K_0 = Ψ C, where Ψ has one column for each x_i and each x_i x_j with i ≤ j:",
        left=monomials,
        right=D * (D + 3) / 2,
    )
    yield Say(
        words="And K_0 is N/α² times J Jᵀ, where J has a row for each of P samples and a column for each of N D "
        "weights. The rank of a product is at most the number of rows or columns of a factor."
    )
    bounds = (P, N * D, sp.expand(monomials))
    yield Equal(
        words="Figure 4 (D = 40, N = 2, P = 120): the width bounds it.",
        left=sp.Min(*(bound.subs({D: 40, N: 2, P: 120}) for bound in bounds)),
        right=sp.Integer(80),
    )
    return bounds


rho = sp.Symbol("ρ", positive=True, integer=True)


def _exact_rank() -> Derivation:
    at, a, V = Column(x.name), Column("a"), Letter("V")
    turn, Z, Y, inverse = Letter("A"), Letter("Z"), Letter("Y"), Letter("Z⁺")
    factored = alpha * (T(a) * V * at + eps / 2 * T(at) * T(V) * V * at)
    yield Say(
        words="Write f in a factor [a, V] of ρ rows (F0): its gradient by V has ρ D entries, functions of x that "
        "span what K is made of. Which combinations of them, changes δV, vanish at every x?"
    )
    yield Equal(
        words="Turns about a do, δV = A V with Aᵀ = −A and A a = 0: they keep all lengths and angles.",
        left=reduce(along(factored, V, turn * V), {T(turn): -turn, T(a) * turn: sp.Integer(0)}),
        right=sp.Integer(0),
    )
    yield Say(
        words="There are no others. The change αaᵀδV x + αε xᵀVᵀδV x vanishes at every x only if aᵀδV = 0 and VᵀδV "
        "is antisymmetric, that is if ZᵀY is, with Z = [a, V] and Y = [0, δV]. The rows of Z are independent, Z Z⁺ = 1,"
    )
    found = -T(inverse) * T(Y)
    yield Equal(
        words="so Y = (Z Z⁺)ᵀ Y is A Z with",
        left=reduce(T(inverse) * T(Z) * Y, {T(Z) * Y: -T(Y) * Z}),
        right=found * Z,
    )
    yield Equal(
        words="and this A is antisymmetric: A = A Z Z⁺ = Y Z⁺ is −Aᵀ, where Aᵀ is",
        left=T(found),
        right=-Y * inverse,
    )
    independent = rho * D - (rho - 1) * (rho - 2) / 2
    yield Equal(
        words="A a is Y's first column, 0. Such A act on ρ − 1 directions, (ρ − 1)(ρ − 2)/2 of them. At the largest ρ, "
        "D + 1, what is left of ρ D are all monomials of K8,",
        left=sp.expand(independent.subs(rho, D + 1)),
        right=D * (D + 3) / 2,
    )
    yield Equal(
        words="and in figure 4, D = 40 and ρ = N = 2,", left=independent.subs({D: 40, rho: 2}), right=sp.Integer(80)
    )
    yield Say(words="P samples in general position tell min(P, ·) independent functions apart.")
    return sp.Min(P, independent)


def _mean_diagonal() -> Derivation:
    diagonal = KERNEL.subs(xp, x)
    general = {"scale": sp.Integer(1), "covariance": (Sigma,)}
    yield Average(
        words="At x′ = x, over x ~ N(0, Σ); the term with w̄ is odd.",
        left=diagonal,
        right=Trace(Sigma) + eps**2 * (Trace(Sigma) * Trace(M, Sigma) + 2 * Trace(M, Sigma, Sigma)),
        over=(x,),
        **general,
    )
    return average(diagonal, x, **general)


# ---- functions made of kernels


total, spread, mean, moment = Column("p"), Symmetric("T"), Column(wbar.name), Symmetric(M.name)
"""Σ w_μ x_μ and Σ w_μ x_μ x_μᵀ over samples of weight w_μ; w̄ and M as words."""


def mapped(total: sp.Expr, spread: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return b and S of the function Σ w_μ K(·, x_μ) (K16)."""
    turned = eps * mean * T(total) + eps**2 * moment * spread
    return sp.expand(total + eps * spread * mean), sp.expand((turned + T(turned)) / 2)


def _function() -> Derivation:
    here, there, step = Column(x.name), Column(xp.name), Column("δ")
    kernel = T(here) * there * (1 + eps * T(mean) * here)
    kernel += T(here) * there * T(there) * (eps * mean + eps**2 * moment * here)
    yield Equal(words="K as a word (K1), read so that x′ stands beside x′ᵀ:", left=scalars(kernel), right=KERNEL)
    slope = reduce(gradient_by(along(kernel, here, step), step), {there * T(there): spread})
    slope = slope.subs({there: total, T(there): T(total)})
    linear = slope.subs({here: 0, T(here): 0})
    quadratic = sp.expand((slope - linear).subs(here, 1) / 2)
    yield Equal(
        words="A sample x′ of weight 1 has p = x′ and T = x′ x′ᵀ. The gradient of K(·, x′) by x is b + 2 S x with",
        left=slope,
        right=sp.expand(linear + 2 * quadratic * here),
    )
    yield Equal(words="b and the symmetric S", left=(linear, quadratic), right=mapped(total, spread))
    b, S = mapped(there, there * T(there))
    yield Equal(
        words="and K(0, x′) = 0, so the function is b·x + xᵀS x. Indeed this is",
        left=scalars(T(here) * b + T(here) * S * here),
        right=KERNEL,
    )
    w, wp = sp.symbols("w w′")
    other = Column("p′"), Symmetric("T′")
    apart = zip(mapped(total, spread), mapped(*other), strict=True)
    yield Equal(
        words="Both are linear in (p, T), and a function in (b, S): samples of any weights add up.",
        left=mapped(w * total + wp * other[0], w * spread + wp * other[1]),
        right=tuple(w * first + wp * second for first, second in apart),
    )
    return linear, quadratic


Psi, Q, L, psi, e = Letter("Ψ"), Symmetric("Q"), Letter("L"), Column("ψ"), Column("e")
"""Features of all samples, one row a sample; their metric; a root of ΨᵀΨ; features at any input; an eigenvector."""

lam = sp.Symbol("λ", positive=True)
lift = Q * L * e / lam
"""ℓ, from which the eigenvector of the kernel's matrix is made."""


def _features() -> Derivation:
    Z, R, Rinv, U, A, v = Letter("Z"), Symmetric("R"), Symmetric("R⁻¹"), Letter("U"), Symmetric("A"), Column("v")
    yield Say(
        words="K = Ψ Q Ψᵀ on the samples, with a symmetric Q. Let ΨᵀΨ = L Lᵀ, L = Z R: Z has an orthonormal column for "
        "each nonzero eigenvalue of ΨᵀΨ, and R, diagonal, has their roots. L need not be square."
    )
    rules = {T(Psi) * Psi: Z * R**2 * T(Z), T(Z) * Z: 1, R * Rinv: 1, Rinv * R: 1}
    rest = Psi - Psi * Z * T(Z)
    yield Equal(words="Outside of Z, Ψ has the Gram matrix", left=reduce(T(rest) * rest, rules), right=sp.Integer(0))
    root = Psi * Z * Rinv
    yield Equal(
        words="so it vanishes, Ψ = Ψ Z Zᵀ. Then U = Ψ Z R⁻¹ has orthonormal columns, UᵀU = 1,",
        left=reduce(T(root) * root, rules),
        right=sp.Integer(1),
    )
    rules[Psi * Z * T(Z)] = Psi
    yield Equal(words="and U Lᵀ is", left=reduce(root * R * T(Z), rules), right=Psi)
    yield Say(words="So K = U A Uᵀ with A = LᵀQ L, and what is orthogonal to U has the eigenvalue 0.")
    turned = {T(U) * U: 1, T(L) * Q * L: A, A * e: lam * e, T(e) * e: 1}
    yield Equal(
        words="From A e = λ e follows K U e = λ U e: every eigenvector of A gives one of K.",
        left=reduce(U * A * T(U) * U * e, turned),
        right=lam * U * e,
    )
    yield Equal(
        words="From K v = λ v follows, if λ ≠ 0, that v = K v/λ is some U e, with e = Uᵀv, and A e = λ e, as UᵀK v is "
        "A Uᵀv: there are no others.",
        left=reduce(T(U) * U * A * T(U) * v, turned),
        right=A * T(U) * v,
    )
    yield Equal(
        words="Now let ℓ = Q L e/λ. With Ψ = U Lᵀ, Ψ ℓ is that U e:", left=reduce(U * T(L) * lift, turned), right=U * e
    )
    rules = {T(Psi) * Psi: L * T(L), T(L) * Q * L * e: lam * e, T(e) * e: 1}
    u, K = Psi * lift, Psi * Q * T(Psi)
    image, squared, extended = (reduce(word, rules) for word in (K * u, T(u) * u, T(psi) * Q * T(Psi) * u / lam))
    yield Equal(words="Without U, too: u = Ψ ℓ has the eigenvalue λ, K u being", left=image, right=sp.expand(lam * u))
    yield Equal(words="and for |e| = 1 the squared length", left=squared, right=sp.Integer(1))
    yield Equal(
        words="At any input K(x, X) = ψᵀQ Ψᵀ, and K(x, X) u/λ is ψ·ℓ:", left=extended, right=sp.expand(T(psi) * lift)
    )
    return image, squared, extended


# ---- products of kernels on a sample


u, up, E, Ep = Vector("u"), Vector("u′"), Matrix("E"), Matrix("E′")
"""Any direction, for x_i is e_i·x; any symmetric matrix."""

INDEX = {name: Vector(name) for name in "abijkl"}
"""A component x_a is written x·a."""


def entry(letter: sp.Symbol, at: str) -> sp.Expr:
    """Return the component u_i of a vector, or the entry E_ij of a matrix."""
    first, *others = (INDEX[name] for name in at)
    return Inner(first, letter, *others)


def moments(here: str, there: str) -> sp.Expr:
    """Return the part of x in the moment of some components, times that of x′ in the moment of others."""
    return sp.Mul(*(entry(x, name) for name in here), *(entry(xp, name) for name in there))


def summed(product: sp.Expr) -> sp.Expr:
    r"""Sum over the indices, each there twice: :math:`\sum_a u_a v_a = u \cdot v` is an average over a ~ N(0, I)."""
    indices = (letter for letter in INDEX.values() if product.has(letter))
    return average(product, *indices, scale=sp.Integer(1))


def either_order(product: sp.Expr) -> sp.Expr:
    """Return the mean with x and x′ exchanged: a sum over all pairs of samples does not tell them apart."""
    return sp.expand((product + product.xreplace({x: xp, xp: x})) / 2)


PRODUCTS = tuple(
    either_order(product)
    for product in (
        summed(moments("ab", "ab")),
        2 * summed(moments("abi", "ab") * entry(u, "i")),
        2 * summed(moments("abij", "ab") * entry(u, "i") * entry(up, "j"))
        + 2 * summed(moments("abi", "abj") * entry(u, "i") * entry(up, "j")),
        summed(moments("abi", "abj") * entry(E, "ij")),
        2 * summed(moments("abki", "abj") * entry(u, "k") * entry(E, "ij")),
        summed(moments("abik", "abjl") * entry(E, "ij") * entry(Ep, "kl")),
    )
)
"""What a pair of samples adds to the Frobenius products of basis kernels, from moments (K18)."""


def _products() -> Derivation:
    def linear(direction: Vector) -> sp.Expr:
        return Inner(x, xp) * (Inner(x, direction) + Inner(xp, direction))

    def quadratic(form: Matrix) -> sp.Expr:
        return Inner(x, xp) * Inner(x, form, xp)

    yield Say(
        words="A Frobenius product is a sum over all pairs of samples, (x, x′) and (x′, x) among them. So is a product "
        "of two moments, such as S_ab = Σ x_a x_b: each pair adds a product of components of x and of x′."
    )
    yield Equal(
        words="Indices that stand twice are summed over, with any dimension:",
        left=summed(entry(u, "a") * entry(up, "a")),
        right=Inner(u, up),
    )
    products = (
        ("With G = x·x′, ⟨G, G⟩ is Σ S_ab S_ab: a pair adds", Inner(x, xp) ** 2),
        ("⟨G, G (x_i + x′_i)⟩ is 2 Σ S_abi S_ab, with u·x for x_i:", Inner(x, xp) * linear(u)),
        (
            "⟨G (x_i + x′_i), G (x_j + x′_j)⟩ is 2 Σ S_abij S_ab + 2 Σ S_abi S_abj, with u′·x for x_j:",
            linear(u) * linear(up),
        ),
        ("⟨G, G xᵀE x′⟩ is Σ S_abi S_abj E_ij:", Inner(x, xp) * quadratic(E)),
        ("⟨G (x_k + x′_k), G xᵀE x′⟩ is 2 Σ S_abki S_abj E_ij, with u·x for x_k:", linear(u) * quadratic(E)),
        ("⟨G xᵀE x′, G xᵀE′x′⟩ is Σ S_abik S_abjl E_ij E′_kl:", quadratic(E) * quadratic(Ep)),
    )
    for (sentence, product), stated in zip(products, PRODUCTS, strict=True):
        yield Equal(words=sentence, left=sp.expand(product), right=stated)
    return tuple(product for _, product in products)


# ---- eigenvalues with trained readouts


LINEAR, TRACELESS, RADIAL = 2 / D, 3 * eps**2 / D**2, eps**2 / 4 * (1 + 2 / D) * (1 + 6 / D)
"""The eigenvalues of the kernel with trained readouts, derived below (K11)."""


def _spectrum() -> Derivation:
    yield Average(words="Linear functions:", left=WITH_READOUTS * Inner(x, i), right=LINEAR * Inner(xp, i), over=(x,))
    yield Average(
        words="Quadratic forms: those without a trace are eigenfunctions.",
        left=WITH_READOUTS * Inner(x, A, x),
        right=TRACELESS * Inner(xp, A, xp) + eps**2 * (D + 8) / (4 * D**2) * Trace(A) * Inner(xp, xp),
        over=(x,),
    )
    yield Average(
        words="|x|² has an eigenvalue of its own: ⟨|x|⁴⟩ does not fall with D.",
        left=WITH_READOUTS * Inner(x, x),
        right=RADIAL * Inner(xp, xp),
        over=(x,),
    )
    yield Average(
        words="The constant is none: the kernel has no constant part, so no image has one.",
        left=WITH_READOUTS,
        right=eps**2 * (D + 6) / (4 * D) * Inner(xp, xp),
        over=(x,),
    )
    diagonal = WITH_READOUTS.subs(xp, x)
    yield Average(words="The trace of the operator,", left=diagonal, right=2 + 7 * eps**2 / 4 * (D + 2) / D, over=(x,))
    yield Equal(
        words="is the sum of these eigenvalues: none is missing.",
        left=D * LINEAR + (D * (D + 1) / 2 - 1) * TRACELESS + RADIAL,
        right=average(diagonal, x),
    )
    linear = average(WITH_READOUTS * Inner(x, i), x) / Inner(xp, i)
    traceless = average(WITH_READOUTS * Inner(x, A, x), x).subs(Trace(A), 0) / Inner(xp, A, xp)
    radial = average(WITH_READOUTS * Inner(x, x), x) / Inner(xp, xp)
    return linear, sp.expand(traceless), sp.expand(radial)


def _orders() -> Derivation:
    traceless = average(WITH_READOUTS * Inner(x, A, x), x).coeff(Inner(xp, A, xp))
    yield Equal(words="Forms without a trace have the eigenvalue (K11)", left=traceless, right=TRACELESS)
    radial = average(WITH_READOUTS * Inner(x, x), x).coeff(Inner(xp, xp))
    yield Equal(words="and |x|² has", left=radial, right=RADIAL)
    yield Say(words="The order is the term that leads at large D, without its coefficient.")
    return leading(traceless), leading(radial)


def leading(eigenvalue: sp.Expr) -> sp.Expr:
    """Return the term with the highest power of D, without its coefficient."""
    terms = sp.Add.make_args(sp.expand(eigenvalue))
    return max(terms, key=lambda term: term.as_coeff_exponent(D)[1]).as_coeff_Mul()[1]


def _bias() -> str:
    """Compare the eigenvalues at the parameters of figure 11, and find where |x|² overtakes the linear functions."""
    at = {D: 40, eps: sp.Rational(1, 4)}
    linear, traceless, radial, printed = (float(e.subs(at)) for e in (LINEAR, TRACELESS, RADIAL, eps / D**2))
    even = sp.Poly(sp.expand((RADIAL - LINEAR).subs(eps, at[eps]) * D**2), D)
    overtakes = int(sp.floor(max(even.nroots()))) + 1
    return (
        f"figure 11 (D = 40, ε = 0.25): ε/D² is {printed:.3g}; traceless forms have {traceless:.3g}, but |x|² has "
        f"{radial:.3g}, a factor of {radial / printed:.3g} more. The linear eigenvalue {linear:.3g} is "
        f"{linear / traceless:.3g} times the former and only {linear / radial:.3g} times the latter, and from D = "
        f"{overtakes} on |x|² is on top: the bias towards linear functions does not include it"
    )


def _unit() -> str:
    """Say what the missing factor changes at two of the paper's widths."""
    wrong = (
        misjudged(sp.Integer(1), alpha**2 / N, where, {alpha: 1, N: width})
        for where, width in (("figure 1", 500), ("figure 4", 2))
    )
    return (
        f"the factor in front, {'; '.join(wrong)}. It is a unit: eqs. 5, 10, 18 and 23 share it and are right in flow "
        "time. Alignments and eigenfunctions are the same in any unit; eigenvalues, eq. 8 and eq. 9 are not"
    )


CLAIMS = (
    Definition(
        tag="K2",
        equation="eq. 2",
        title="the neural tangent kernel",
        printed=Formula(
            latex=r"K(\boldsymbol{x}, \boldsymbol{x}') = \nabla_{\boldsymbol{w}} f(\boldsymbol{w},"
            r" \boldsymbol{x})|_{\boldsymbol{w}_0} \cdot \nabla_{\boldsymbol{w}} f(\boldsymbol{w},"
            r" \boldsymbol{x}')|_{\boldsymbol{w}_0}"
        ),
    ),
    Misprint(
        tag="K5",
        equation="eq. 5",
        title="the kernel as eq. 2 defines it, at any weights",
        printed=Formula(
            latex=r"K(\boldsymbol{x}, \boldsymbol{x}') = \boldsymbol{x} \cdot \boldsymbol{x}'"
            r" + \epsilon(\boldsymbol{x} \cdot \boldsymbol{x}') \, \bar{\boldsymbol{w}} \cdot"
            r" (\boldsymbol{x} + \boldsymbol{x}') + \epsilon^2(\boldsymbol{x} \cdot \boldsymbol{x}')"
            r" \, \boldsymbol{x}^\top \boldsymbol{M} \boldsymbol{x}'",
            value=KERNEL,
        ),
        statement=Formula(
            latex=r"K(\boldsymbol{x}, \boldsymbol{x}') = \frac{\alpha^2}{N} \left[\boldsymbol{x} \cdot \boldsymbol{x}'"
            r" + \epsilon(\boldsymbol{x} \cdot \boldsymbol{x}') \, \bar{\boldsymbol{w}} \cdot"
            r" (\boldsymbol{x} + \boldsymbol{x}') + \epsilon^2(\boldsymbol{x} \cdot \boldsymbol{x}')"
            r" \, \boldsymbol{x}^\top \boldsymbol{M} \boldsymbol{x}' \right]",
            value=alpha**2 / N * KERNEL,
        ),
        effect=_unit,
        derive=_definition,
    ),
    Printed(
        tag="K1",
        equation="eq. 18",
        title="the kernel in units of flow time, at any weights (eq. 5 again, where K5 compares the unit with eq. 2's)",
        statement=Formula(
            latex=r"K(\mathbf{x}, \mathbf{x}') = \mathbf{x} \cdot \mathbf{x}' + \epsilon(\mathbf{x} \cdot \mathbf{x}')"
            r" \bar{\mathbf{w}} \cdot (\mathbf{x} + \mathbf{x}') + \epsilon^2(\mathbf{x} \cdot \mathbf{x}')"
            r" \mathbf{x}^{\mathsf{T}} M \mathbf{x}'",
            value=KERNEL,
        ),
        derive=_flow_time,
    ),
    Claim(
        tag="K10",
        equation="ours: the unit of grokode.FactorState.kernel",
        title="this kernel drives the residual in flow time, at any moment and off the training set too",
        statement=Formula(
            latex=r"\dot r(x) = -\frac{2}{P} \sum_\nu K(x, x_\nu) r_\nu",
            value=-2 / P * KERNEL * residual,
        ),
        derive=_residual,
    ),
    Printed(
        tag="K3",
        equation="eq. 10",
        title="the initial kernel at infinite width, in units of flow time",
        statement=Formula(
            latex=r"K(\boldsymbol{x}, \boldsymbol{x}') = \boldsymbol{x} \cdot \boldsymbol{x}'"
            r" + \epsilon^2 (\boldsymbol{x} \cdot \boldsymbol{x}')^2",
            value=INITIAL,
        ),
        derive=_infinite_width,
    ),
    Claim(
        tag="K12",
        equation="ours: grokode.FactorState.random",
        title="how far finitely many neurons w ~ N(0, σ²I) are from infinitely many, in mean square",
        statement=Formula(
            latex=r"\langle |\bar w|^2 \rangle = \frac{\sigma^2 D}{N}, \quad"
            r" \langle |M - \sigma^2 I|_F^2 \rangle = \frac{\sigma^4 D (D + 1)}{N}",
            value=(sigma**2 * D / N, sigma**4 * D * (D + 1) / N),
        ),
        derive=_fluctuations,
    ),
    Printed(
        tag="K7",
        equation="section 5, after eq. 5, and section 11.1, before eq. 10",
        title="the mean weight of a wide network at initialization (its mean square)",
        statement=Formula(latex=r"\bar{w} = 0", value=sp.Integer(0)),
        derive=_wide_mean,
    ),
    Printed(
        tag="K13",
        equation="section 5, after eq. 5, and section 11.1, before eq. 10",
        title="the mean w wᵀ of a wide network at initialization (the mean square of M − I)",
        statement=Formula(latex=r"M = I", value=sp.Integer(0)),
        derive=_wide_matrix,
    ),
    Claim(
        tag="K8",
        equation="ours: the floor of the lazy training loss",
        title="the rank of the kernel's matrix at any weights is at most each of these",
        statement=Formula(
            latex=r"\mathrm{rank} K_0 \le \min\left(P, N D, \frac{D(D+3)}{2}\right)",
            value=(P, N * D, D * (D + 3) / 2),
        ),
        derive=_rank,
    ),
    Claim(
        tag="K15",
        equation="ours: the floor of the lazy training loss",
        title="the rank for samples in general position, with ρ = rank [1, W], at most N and D + 1",
        statement=Formula(
            latex=r"\mathrm{rank} K_0 = \min\left(P, \rho D - \frac{(\rho - 1)(\rho - 2)}{2}\right)",
            value=sp.Min(P, rho * D - (rho - 1) * (rho - 2) / 2),
        ),
        derive=_exact_rank,
    ),
    Claim(
        tag="K9",
        equation="ours: grokode.PopulationRisk.mean_kernel",
        title="the mean of K(x, x) for any covariance of the inputs",
        statement=Formula(
            latex=r"\langle K(x, x) \rangle = \mathrm{tr}\Sigma"
            r" + \epsilon^2 (\mathrm{tr}\Sigma\, \mathrm{tr}(M\Sigma) + 2\, \mathrm{tr}(M\Sigma^2))",
            value=Trace(Sigma) + eps**2 * (Trace(Sigma) * Trace(M, Sigma) + 2 * Trace(M, Sigma, Sigma)),
        ),
        derive=_mean_diagonal,
    ),
    Claim(
        tag="K16",
        equation="ours: grokode.FactorState.kernel_map",
        title="a sum of kernels with the samples is a linear and quadratic function, made of two sums over the samples",
        statement=Formula(
            latex=r"\sum_\mu w_\mu K(\cdot, x_\mu) = b \cdot x + x^T S x, \quad p = \sum_\mu w_\mu x_\mu, \quad"
            r" T = \sum_\mu w_\mu x_\mu x_\mu^T, \quad b = p + \epsilon T \bar w, \quad"
            r" S = \tfrac12 [\epsilon (\bar w p^T + p \bar w^T) + \epsilon^2 (M T + T M)]",
            value=mapped(total, spread),
        ),
        derive=_function,
    ),
    Claim(
        tag="K17",
        equation="ours: grokode.model.kernel.FeatureModes",
        title="eigenvectors of the kernel's matrix, and their extension to any input, in the space of features",
        statement=Formula(
            latex=r"K = \Psi Q \Psi^T, \quad \Psi^T \Psi = L L^T, \quad L^T Q L e = \lambda e, \quad |e| = 1, \quad"
            r" \ell = Q L e / \lambda \;\Rightarrow\; K \Psi \ell = \lambda \Psi \ell, \quad |\Psi \ell| = 1,"
            r" \quad K(x, X) \Psi \ell / \lambda = \psi(x) \cdot \ell",
            value=(sp.expand(lam * Psi * lift), sp.Integer(1), sp.expand(T(psi) * lift)),
        ),
        derive=_features,
    ),
    Claim(
        tag="K18",
        equation="ours: grokode.lazy.sample_kernel",
        title="products of kernels on a sample from its moments up to order four, without a matrix of all pairs",
        statement=Formula(
            latex=r"\langle G, G \rangle = S_{ab} S_{ab}, \quad"
            r" \langle G, G (x_i + x_i') \rangle = 2 S_{abi} S_{ab}, \quad"
            r" \langle G (x_i + x_i'), G (x_j + x_j') \rangle = 2 S_{abij} S_{ab} + 2 S_{abi} S_{abj}, \quad"
            r" \langle G, G\, x^T E x' \rangle = S_{abi} S_{abj} E_{ij}, \quad"
            r" \langle G (x_k + x_k'), G\, x^T E x' \rangle = 2 S_{abki} S_{abj} E_{ij}, \quad"
            r" \langle G\, x^T E x', G\, x^T E' x' \rangle = S_{abik} S_{abjl} E_{ij} E'_{kl}",
            value=PRODUCTS,
        ),
        derive=_products,
    ),
    Printed(
        tag="K4",
        equation="eq. 23",
        title="the initial kernel with trained readouts v ~ N(0, 1), at infinite width, in units of flow time",
        statement=Formula(
            latex=r"K(\boldsymbol{x}, \boldsymbol{x}') = 2\boldsymbol{x} \cdot \boldsymbol{x}'"
            r" + \frac{3\epsilon^2}{2} (\boldsymbol{x} \cdot \boldsymbol{x}')^2"
            r" + \frac{\epsilon^2}{4} |\boldsymbol{x}|^2 |\boldsymbol{x}'|^2",
            value=WITH_READOUTS,
        ),
        derive=_readouts,
    ),
    Printed(
        tag="K14",
        equation="section 5, footnote 2",
        title="with trained readouts the kernel is not only a function of these",
        statement=Formula(latex=r"\bar{w} , M"),
        derive=_more_than_moments,
    ),
    Claim(
        tag="K11",
        equation="ours, after eq. 23",
        title="the eigenvalues with trained readouts: linear functions, traceless quadratic forms, |x|²",
        statement=Formula(
            latex=r"\frac{2}{D}, \quad \frac{3\epsilon^2}{D^2}, \quad"
            r" \frac{\epsilon^2}{4} \left(1 + \frac{2}{D}\right) \left(1 + \frac{6}{D}\right)",
            value=(LINEAR, TRACELESS, RADIAL),
        ),
        derive=_spectrum,
    ),
    Misprint(
        tag="K6",
        equation="after eq. 23",
        title="the orders of the quadratic eigenvalues with trained readouts: traceless forms, and |x|²",
        printed=Formula(latex=r"\mathcal{O}(\epsilon D^{-2})", value=(eps / D**2, eps / D**2)),
        statement=Formula(
            latex=r"\mathcal{O}(\epsilon^2 D^{-2}), \text{ and } \mathcal{O}(\epsilon^2) \text{ for } |x|^2",
            value=(eps**2 / D**2, eps**2),
        ),
        effect=_bias,
        derive=_orders,
    ),
)
