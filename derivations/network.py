r"""The predictor f in terms of the moments of the weights, and of their factor.

Each polynomial here is a sum of monomials that carry one neuron (or pseudo-neuron) index and at most two
coordinate indices: :math:`\phi` is quadratic in one :math:`w_i \cdot x`, and :math:`N \bar w` and
:math:`N M` are sums over one neuron. Each is also symmetric under permutations of neurons and of
coordinates. Setting all but one neuron and two coordinates to zero therefore keeps a representative of
every monomial of any width N and dimension D, with its coefficient (in units of 1/N): an identity at N = 1,
D = 2 is the identity at all N and D. The proofs take one neuron and one coordinate more.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from .claim import Claim, Equality

alpha, eps = sp.symbols("alpha epsilon", positive=True)

NEURONS, DIM = 2, 3
"""One more than the argument above needs of each."""


def definition(W: sp.Matrix, x: sp.Matrix) -> sp.Expr:
    r"""Return :math:`f = \frac{\alpha}{N} \sum_i \phi(w_i \cdot x)`, paper eq. 3; W (N, D), x (D, 1)."""
    width = W.rows

    def phi(h: sp.Expr) -> sp.Expr:
        return h + eps / 2 * h**2

    return alpha / width * sum(phi(W.row(i).dot(x)) for i in range(width))


def moments(W: sp.Matrix) -> tuple[sp.Matrix, sp.Matrix]:
    r"""Return :math:`\bar w = \frac1N \sum_i w_i` and :math:`M = \frac1N \sum_i w_i w_i^T`, paper eq. 4."""
    neurons = [W.row(i).T for i in range(W.rows)]
    wbar = sum(neurons, sp.zeros(W.cols, 1)) / W.rows
    M = sum((w * w.T for w in neurons), sp.zeros(W.cols)) / W.rows
    return wbar, M


def moment_form(wbar: sp.Matrix, M: sp.Matrix, x: sp.Matrix) -> sp.Expr:
    r"""Return :math:`\alpha \bar w \cdot x + \frac{\alpha\epsilon}{2} x^T M x`, paper after eq. 4."""
    return alpha * wbar.dot(x) + alpha * eps / 2 * (x.T * M * x)[0]


def factor_form(a: sp.Matrix, V: sp.Matrix, x: sp.Matrix) -> sp.Expr:
    r"""Return :math:`\alpha (a \cdot h + \frac{\epsilon}{2} |h|^2)`, h = V x; a (r, 1), V (r, D)."""
    h = V * x
    return alpha * (a.dot(h) + eps / 2 * h.dot(h))


def claim_F1(
    printed: Callable[[sp.Matrix, sp.Matrix, sp.Matrix], sp.Expr] = moment_form,
    factor: Callable[[sp.Matrix, sp.Matrix, sp.Matrix], sp.Expr] = factor_form,
) -> Claim:
    """State F1 with the formula that the paper prints and the one that the code computes.

    Parameters
    ----------
    printed : callable
        (wbar, M, x) -> f, as the paper prints it.
    factor : callable
        (a, V, x) -> f, as the project computes it.
    """
    W, V = sp.Matrix(sp.MatrixSymbol("W", NEURONS, DIM)), sp.Matrix(sp.MatrixSymbol("V", NEURONS, DIM))
    a, x = sp.Matrix(sp.MatrixSymbol("a", NEURONS, 1)), sp.Matrix(sp.MatrixSymbol("x", DIM, 1))

    def ours() -> list[Equality]:
        # f is a function of (wbar, M), so any factor with these moments will do
        return [
            (definition(W, x), moment_form(*moments(W), x)),
            (moment_form(V.T * a, V.T * V, x), factor(a, V, x)),
        ]

    return Claim(
        tag="F1",
        equation="paper, after eq. 4; the factor state",
        statement=r"f = \alpha \bar w \cdot x + \frac{\alpha\epsilon}{2} x^T M x"
        r" = \alpha (a \cdot h + \frac{\epsilon}{2} |h|^2), \quad h = V x,"
        r" \quad \bar w = V^T a, \quad M = V^T V",
        ours=ours,
        printed=lambda: [(definition(W, x), printed(*moments(W), x))],
    )


CLAIMS = (claim_F1(),)
