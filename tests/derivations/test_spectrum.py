"""The spectrum of the initial kernel, against the operator written out in monomials."""

import itertools

import numpy as np
import pytest
import sympy as sp
from grokode_derivations.notation import D, eps
from grokode_derivations.spectrum import CLAIMS, LINEAR, QUADRATIC, RADIAL


def moment(powers, dim):
    """Return the average of a monomial over N(0, I/D), from one-dimensional moments."""
    total = 1.0
    for power in powers:
        total *= 0 if power % 2 else float(sp.factorial2(power - 1)) / dim ** (power // 2)
    return total


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
@pytest.mark.parametrize("weight", [0.02, 0.25, 2.0])
def test_eigenvalues_and_multiplicities_are_those_of_the_operator_in_monomials(dim, weight):
    # K0 = sum_a phi_a(x) phi_a(x') with these features, so the operator's spectrum is that of <phi_a phi_b>
    features = []
    for i in range(dim):
        features.append((1.0, np.eye(dim, dtype=int)[i]))
    for i, j in itertools.combinations_with_replacement(range(dim), 2):
        exponent = np.eye(dim, dtype=int)[i] + np.eye(dim, dtype=int)[j]
        features.append((weight * (1 if i == j else np.sqrt(2)), exponent))
    covariance = np.array([[s * t * moment(p + q, dim) for t, q in features] for s, p in features])
    found = np.sort(np.linalg.eigvalsh(covariance))

    linear, quadratic, radial = (float(e.subs({D: dim, eps: weight})) for e in (LINEAR, QUADRATIC, RADIAL))
    stated = [linear] * dim + [quadratic] * (dim * (dim + 1) // 2 - 1) + [radial]
    np.testing.assert_allclose(found, np.sort(stated), rtol=1e-11)


def test_the_misprints_of_this_section_are_a_power_a_multiplicity_and_a_length():
    wrong = {claim.tag for claim in CLAIMS if claim.prove().outcome == "paper wrong"}
    assert wrong == {"S8", "S10", "S12", "S15"}
