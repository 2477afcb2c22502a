"""The letters that all proofs share."""

from __future__ import annotations

import sympy as sp

from .gaussian import Matrix, Vector

alpha, eps, sigma = sp.symbols("α ε σ", positive=True)
"""Output scale; weight of the quadratic part of phi; standard deviation of the initial weights."""

D, N, P = sp.symbols("D N P", positive=True, integer=True)
"""Dimension of the inputs, number of neurons, number of training samples."""

x, xp = Vector("x"), Vector("x′")
"""Two inputs, drawn independently from one law: N(0, I/D) unless a proof says otherwise."""

beta, wbar, b = Vector("β"), Vector("w̄"), Vector("b")
"""The paper's target direction; the mean weight; the linear part of a general target."""

M, B, Sigma = Matrix("M"), Matrix("B"), Matrix("Σ")
"""Mean of w w^T; matrix of a quadratic target; covariance of the inputs. All symmetric."""
