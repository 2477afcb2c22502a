r"""Averages over Gaussian vectors, with the dimension D a symbol.

A polynomial in a Gaussian vector x is a product of inner products such as :math:`\beta \cdot M x`. Isserlis'
theorem (Wick's) says that its average is the sum over all ways to pair the x's, each pair replaced by the
covariance. Replacing a pair of x's joins the two ends at which they stand: two inner products become one,

.. math:: (u \cdot A x)(x \cdot B v) \to u \cdot A \Sigma B v, \qquad x \cdot A x \to \mathrm{tr}(A \Sigma).

No coordinate is ever written down, so D enters only as :math:`\mathrm{tr} I`, and what is found holds for
every D. Beside it stands the independent check: the same average by Monte Carlo, at random numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp


class Vector(sp.Symbol):
    """A vector of D components."""


class Unit(Vector):
    """A vector of an orthonormal basis: two different ones are orthogonal."""


class Matrix(sp.Symbol):
    """A symmetric D x D matrix."""


Letters = tuple[sp.Symbol, ...]

DIM = sp.Symbol("D", positive=True, integer=True)


class Inner(sp.Function):
    """``Inner(u, A, B, v)`` is the number u . A B v; the matrices may be none."""

    is_real = True

    @classmethod
    def eval(cls, *letters: sp.Symbol) -> sp.Expr | None:
        """Read from the end that comes first: all matrices are symmetric."""
        if len(letters) == 2 and all(isinstance(end, Unit) for end in letters):
            return sp.Integer(letters[0] == letters[1])
        turned = letters[::-1]
        return cls(*turned) if _names(turned) < _names(letters) else None

    def _sympystr(self, printer: Any) -> str:
        if len(self.args) == 2 and self.args[0] == self.args[1]:
            return f"|{self.args[0]}|²"
        return f"({'·'.join(map(str, self.args))})"


class Trace(sp.Function):
    """``Trace(A, B)`` is tr(A B); ``Trace()`` is tr I = D."""

    is_real = True

    @classmethod
    def eval(cls, *letters: sp.Symbol) -> sp.Expr | None:
        """Choose one of the rotations and reflections that leave the trace as it is."""
        if not letters:
            return DIM
        rotations = [letters[k:] + letters[:k] for k in range(len(letters))]
        first = min(rotations + [turn[::-1] for turn in rotations], key=_names)
        return cls(*first) if first != letters else None

    def _sympystr(self, printer: Any) -> str:
        return f"tr({' '.join(map(str, self.args))})"


def _names(letters: Iterable[sp.Symbol]) -> list[str]:
    return [letter.name for letter in letters]


# ---- Isserlis' theorem


def average(
    expression: sp.Expr,
    *vectors: Vector,
    scale: sp.Expr = 1 / DIM,
    covariance: Letters = (),
) -> sp.Expr:
    """Average a polynomial over independent Gaussian vectors of mean zero.

    Parameters
    ----------
    expression : Expr
        A polynomial in ``Inner`` products that end in the vectors.
    *vectors : Vector
        What is averaged over, one after the other.
    scale : Expr
        Factor of the covariance, 1/D by default.
    covariance : tuple of Matrix
        The covariance is ``scale`` times their product; by default the identity.

    Returns
    -------
    Expr
    """
    for vector in vectors:
        terms = sp.Add.make_args(sp.expand(expression))
        expression = sp.expand(sp.Add(*(_average_term(term, vector, scale, covariance) for term in terms)))
    return expression


def _average_term(term: sp.Expr, vector: Vector, scale: sp.Expr, covariance: Letters) -> sp.Expr:
    kept, products = sp.Integer(1), []
    for factor in sp.Mul.make_args(term):
        base, power = factor.as_base_exp()
        polynomial = power.is_Integer and power > 0
        if isinstance(base, Inner) and vector in (base.args[0], base.args[-1]) and polynomial:
            products += [base.args] * int(power)
        elif factor.has(vector):
            raise ValueError(
                f"only polynomials in inner products can be averaged over {vector}, got the factor {factor}"
            )
        else:
            kept *= factor
    return kept * _pairings(products, vector, scale, covariance)


def _pairings(products: list[Letters], vector: Vector, scale: sp.Expr, covariance: Letters) -> sp.Expr:
    """Sum over all pairings: join one open end to each of the others in turn, and go on with what is left."""
    open_at = next((k for k, product in enumerate(products) if vector in (product[0], product[-1])), None)
    if open_at is None:
        return sp.Mul(*(Inner(*product) for product in products))
    first, others = products[open_at], products[:open_at] + products[open_at + 1 :]
    if first[-1] != vector:
        first = first[::-1]
    total = sp.Integer(0)
    if first[0] == vector:  # its own other end: the product closes to a loop
        total += Trace(*first[1:-1], *covariance) * _pairings(others, vector, scale, covariance)
    for k, other in enumerate(others):
        rest = others[:k] + others[k + 1 :]
        for turned in (other, other[::-1]):
            if turned[0] == vector:
                joined = (*first[:-1], *covariance, *turned[1:])
                total += _pairings([*rest, joined], vector, scale, covariance)
    return scale * total


# ---- substitutions


def replace(expression: sp.Expr, letter: Matrix, parts: Mapping[Letters, sp.Expr]) -> sp.Expr:
    r"""Put a sum of products of matrices in the place of one matrix.

    Parameters
    ----------
    expression : Expr
    letter : Matrix
        What goes.
    parts : mapping
        Product of letters -> its coefficient: ``{(M,): alpha * eps, (B,): -1}`` is
        :math:`\alpha\epsilon M - B`. A product of two vectors ``(u, v)`` is the symmetric
        :math:`\tfrac12 (u v^T + v u^T)`.
    """

    def expand(atom: sp.Expr) -> sp.Expr:
        where = atom.args.index(letter)
        before, after = atom.args[:where], atom.args[where + 1 :]
        total = sp.Integer(0)
        for word, coefficient in parts.items():
            if word and isinstance(word[0], Vector):
                u, v = word
                total += coefficient * sum(_cut(atom.func, before, s, t, after) for s, t in ((u, v), (v, u))) / 2
            else:
                total += coefficient * atom.func(*before, *word, *after)
        return total

    while atoms := [atom for atom in expression.atoms(Inner, Trace) if letter in atom.args]:
        expression = sp.expand(expression.xreplace({atom: expand(atom) for atom in atoms}))
    return expression


def _cut(kind: type[sp.Function], before: Letters, u: Vector, v: Vector, after: Letters) -> sp.Expr:
    """Return what is left of a product in which u v^T stands between ``before`` and ``after``."""
    if kind is Trace:
        return Inner(v, *after, *before, u)
    return Inner(*before, u) * Inner(v, *after)


# ---- numbers


def numeric(expression: sp.Expr, values: Mapping[sp.Symbol, Any]) -> Any:
    """Evaluate at arrays: a vector may be (D,) or a batch (n, D), a matrix is (D, D).

    Parameters
    ----------
    expression : Expr
    values : mapping
        Symbol -> number or array, for every symbol and letter of the expression.

    Returns
    -------
    float or ndarray, shape (n,)
    """
    atoms = sorted(expression.atoms(Inner, Trace), key=str)
    stand_ins = [sp.Dummy() for _ in atoms]
    plain = expression.xreplace(dict(zip(atoms, stand_ins, strict=True)))
    free = sorted(plain.free_symbols - set(stand_ins), key=lambda symbol: symbol.name)
    function = sp.lambdify([*free, *stand_ins], plain, modules="numpy")
    return function(*(values[symbol] for symbol in free), *(_number(atom, values) for atom in atoms))


def _number(atom: sp.Expr, values: Mapping[sp.Symbol, Any]) -> Any:
    letters = [np.asarray(values[letter]) for letter in atom.args]
    if isinstance(atom, Trace):
        product = np.linalg.multi_dot(letters) if len(letters) > 1 else letters[0]
        return np.trace(product)
    left = letters[0]
    for matrix in letters[1:-1]:
        left = left @ matrix
    return np.sum(left * letters[-1], axis=-1)


def random_values(symbols: Iterable[sp.Symbol], rng: np.random.Generator, dim: int = 4) -> dict[sp.Symbol, Any]:
    """Draw a number for every symbol, a vector for every vector, a symmetric matrix for every matrix.

    The symbol D gets ``dim``, every ``Unit`` a different vector of the standard basis.
    """
    values: dict[sp.Symbol, Any] = {}
    basis = iter(np.eye(dim))
    for symbol in sorted(symbols, key=lambda symbol: symbol.name):
        if symbol == DIM:
            values[symbol] = dim
        elif isinstance(symbol, Unit):
            values[symbol] = next(basis)
        elif isinstance(symbol, Vector):
            values[symbol] = rng.standard_normal(dim)
        elif isinstance(symbol, Matrix):
            root = rng.standard_normal((dim, dim)) / np.sqrt(dim)
            values[symbol] = root @ root.T
        else:
            values[symbol] = rng.uniform(0.5, 1.5)
    return values


def monte_carlo(
    integrand: sp.Expr,
    expected: sp.Expr,
    vectors: tuple[Vector, ...],
    *,
    scale: sp.Expr = 1 / DIM,
    covariance: Letters = (),
    samples: int = 100_000,
    seed: int = 0,
) -> float:
    """Compare an average with the mean of as many draws.

    Returns
    -------
    float
        Distance of the mean from ``expected``, in standard errors of the mean.
    """
    rng = np.random.default_rng(seed)
    symbols = integrand.free_symbols | expected.free_symbols | set(covariance) | scale.free_symbols
    values = random_values(symbols - set(vectors), rng)
    dim = 4
    matrix = float(numeric(scale, {**values, DIM: dim})) * np.linalg.multi_dot(
        [np.eye(dim)] * 2 + [values[A] for A in covariance]
    )
    root = np.linalg.cholesky(matrix)
    draws = {vector: rng.standard_normal((samples, dim)) @ root.T for vector in vectors}
    sample = np.broadcast_to(numeric(integrand, {**values, **draws}), samples)
    error = np.mean(sample) - numeric(expected, values)
    return float(error / (np.std(sample) / np.sqrt(samples)))
