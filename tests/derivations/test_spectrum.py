"""The spectrum of the initial kernel, against the operator written out in monomials."""

import itertools

import numpy as np
import pytest
import sympy as sp
from grokode_derivations.notation import D, eps
from grokode_derivations.spectrum import CLAIMS, LINEAR, QUADRATIC, RADIAL, d, s_i, s_j
from grokode_derivations.words import numeric as word

import grokode
from grokode.lazy.spectrum import _Axes, population_spectrum

BY_TAG = {claim.tag: claim for claim in CLAIMS}


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


# ---- any covariance


def population(covariance, nodes=3):
    """Return points and weights that average polynomials over N(0, Sigma) exactly, to degree 2 nodes - 1."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    dim = len(covariance)
    grid = np.array(list(itertools.product(points, repeat=dim)))
    weight = np.prod(list(itertools.product(weights / weights.sum(), repeat=dim)), axis=1)
    return grid @ np.linalg.cholesky(covariance).T, weight


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_the_package_takes_the_proved_root_of_the_moments_of_squares(dim, rng):
    variances = rng.uniform(0.1, 2, dim)
    moments, radial, component, outside, product = BY_TAG["S18"].statement.value
    axes = _Axes.of(grokode.Gaussian(variances))
    L, (computed, left) = axes.root(), axes.constant()
    proved = word(moments, {"diag(s)": np.diag(variances), "s": variances[:, None]})
    np.testing.assert_allclose(L @ L.T, proved, rtol=1e-12)
    assert axes.radial == pytest.approx(float(radial.subs(d, dim)), rel=1e-12)
    assert computed == pytest.approx(float(component.subs(d, dim)), rel=1e-12)
    np.testing.assert_allclose(np.linalg.solve(L, variances), computed, rtol=1e-12)
    assert left == pytest.approx(float(outside.subs(d, dim)), rel=1e-12)
    assert left == pytest.approx(1 - dim * computed**2, rel=1e-12)

    X, p = population(np.diag(variances))
    np.testing.assert_allclose(proved, (X**2 * p[:, None]).T @ X**2, rtol=1e-12)
    for i, j in itertools.combinations(range(dim), 2):
        stated = float(product.subs({s_i: variances[i], s_j: variances[j]}))
        assert p @ (2 * X[:, i] ** 2 * X[:, j] ** 2) == pytest.approx(stated, rel=1e-12)


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("isotropic", [True, False], ids=["infinite width", "five neurons"])
@pytest.mark.parametrize("full", [True, False], ids=["covariance", "variances"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_package_decomposes_the_operator_over_any_inputs(dim, full, isotropic, centered, rng):
    """Against its matrix on quadrature points, which average products of the polynomials exactly."""
    root, form = rng.standard_normal((2, dim, dim))
    covariance = root @ root.T + 0.1 * np.eye(dim) if full else rng.uniform(0.1, 2, dim)
    target = grokode.QuadraticTarget(0.7, rng.standard_normal(dim), form + form.T)
    start = (
        grokode.FactorState.infinite_width(dim, 1.0)
        if isotropic
        else grokode.FactorState.from_neurons(rng.standard_normal((5, dim)))
    )
    network = grokode.Network(alpha=1.3, eps=0.6, centered=centered)
    found = population_spectrum(network, start, grokode.Law(grokode.Gaussian(covariance), target))

    X, p = population(covariance if full else np.diag(covariance))
    weight, task = np.sqrt(p), target(X) - (0 if centered else start.outputs(network, X))
    values, vectors = np.linalg.eigh(weight[:, None] * start.kernel(network, X, X) * weight)
    rank = dim * (dim + 3) // 2
    np.testing.assert_allclose(found.eigenvalues, values[::-1][:rank], rtol=0, atol=1e-12 * values[-1])
    # eigenvalues may coincide: compare the power in the upper ones, one more at a time, where they part
    power = np.cumsum((vectors.T @ (weight * task))[::-1][:rank] ** 2)
    parts = np.append(-np.diff(found.eigenvalues) > 1e-6 * found.eigenvalues[0], True)
    scale = p @ task**2
    np.testing.assert_allclose(np.cumsum(found.power)[parts], power[parts], rtol=0, atol=1e-11 * scale)
    assert found.mean_square == pytest.approx(scale, rel=1e-12)


def test_the_misprints_of_this_section_are_a_power_a_multiplicity_and_a_length():
    wrong = {claim.tag for claim in CLAIMS if claim.prove().outcome == "paper wrong"}
    assert wrong == {"S8", "S10", "S12", "S15"}
