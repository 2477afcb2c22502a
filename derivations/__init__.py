"""Sympy proofs of the formulas that the project stands on."""
