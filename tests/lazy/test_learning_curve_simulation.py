"""The average learning curve against regression on drawn features of the kind for which it is exact.

Features are independent standard normal, with the eigenvalues and the task's power that the kernel of infinite width
has over the law of the inputs; the task outside of them is one more normal variable that no feature shares.
"""

import dataclasses

import numpy as np
import pytest
import scipy.linalg

import grokode
from grokode.lazy import average_regression, population_spectrum

DIMS, NEEDED, FEWEST = (20, 36), 0.02, 10
VARIANTS = {
    # relative to the root mean square of the task, and to the mean of K(x, x): noise, ridge; samples over modes
    "plain": (0.0, 0.0, (0.15, 0.3, 0.45, 0.6, 0.8)),
    "noise": (0.5, 0.0, (0.15, 0.3, 0.45, 0.6, 0.75)),
    "ridge": (0.0, 0.1, (0.15, 0.3, 0.6, 0.9, 1.2)),
    "noise_and_ridge": (0.5, 0.03, (0.15, 0.3, 0.6, 0.9, 1.2)),
}


def spectrum_of(dim):
    """Infinite width, eps = 0.5; a target with a constant, a linear part, a trace and more."""
    rng = np.random.default_rng(dim)
    b, direction = rng.standard_normal((2, dim))
    form = np.outer(direction, direction) - 0.6 * direction @ direction / dim * np.eye(dim)
    target = grokode.QuadraticTarget(0.2, 0.5 * b, form)
    network, start = grokode.Network(alpha=1.0, eps=0.5, centered=True), grokode.FactorState.infinite_width(dim, 1.0)
    return population_spectrum(network, start, grokode.Law(grokode.Gaussian.isotropic(dim), target))


def wishart(n, degrees, rng):
    """Gram matrix of some features on n samples; by Bartlett's decomposition where they are more than samples."""
    if degrees < n:
        Z = rng.standard_normal((n, degrees))
        return Z @ Z.T
    T = np.tril(rng.standard_normal((n, n)), -1)
    T[np.diag_indices(n)] = np.sqrt(rng.chisquare(degrees - np.arange(n)))
    return T @ T.T


def regress(levels, outside, n, ridge, noise, rng):
    """Test and train loss of one training set; all of a level's power is turned to its first feature."""
    y = np.sqrt(outside) * rng.standard_normal(n) + noise * rng.standard_normal(n)
    K, drawn = ridge * np.eye(n), []
    for level in levels:
        first, others = rng.standard_normal(n), wishart(n, level.multiplicity - 1, rng)
        y += np.sqrt(level.power) * first
        K += level.eigenvalue * (np.outer(first, first) + others)
        drawn.append((level, first, others))
    w = scipy.linalg.solve(K, y, assume_a="pos")
    loss = outside
    for level, first, others in drawn:
        missed = np.sqrt(level.power) - level.eigenvalue * (first @ w)
        loss += missed**2 + level.eigenvalue**2 * (w @ others @ w)  # what the other features are given by mistake
    return loss, np.mean((ridge * w) ** 2)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Mean losses over training sets with their standard errors, test and train, and the theory."""

    mean: np.ndarray
    error: np.ndarray
    theory: np.ndarray

    def z(self, factor=1.0):
        return (self.mean - factor * self.theory) / self.error


def compare(dim, variant, share):
    """Draw training sets until the standard error is at most 2 %."""
    spectrum, (noise, ridge, _) = spectrum_of(dim), VARIANTS[variant]
    noise, ridge = noise * np.sqrt(spectrum.mean_square), ridge * spectrum.eigenvalues.sum()
    n = round(share * len(spectrum.eigenvalues))
    rng, losses, error = np.random.default_rng([dim, list(VARIANTS).index(variant), n]), [], np.inf
    while len(losses) < FEWEST or np.any(error > NEEDED):
        losses.append(regress(spectrum.levels(), spectrum.outside, n, ridge, noise, rng)[: 2 if ridge else 1])
        if len(losses) >= FEWEST:
            error = np.std(losses, axis=0, ddof=1) / np.sqrt(len(losses)) / np.mean(losses, axis=0)
    found = average_regression(spectrum, n, ridge=ridge, noise=noise)
    mean, theory = np.mean(losses, axis=0), np.array([found.loss_test, found.loss_train])
    return Comparison(mean, error * mean, theory[: len(mean)])


CASES = [(dim, variant, share) for dim in DIMS for variant in VARIANTS for share in VARIANTS[variant][2]]


@pytest.fixture(scope="module")
def comparisons():
    """All of them: what is drawn depends on the case alone."""
    return {case: compare(*case) for case in CASES}


def is_confirmed(zs):
    return np.all(np.abs(zs) <= 4) and abs(np.mean(zs)) <= 3 / np.sqrt(len(zs))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_average_is_within_four_standard_errors_of_the_theory(comparisons, case):
    found = comparisons[case]
    assert np.all(found.error <= NEEDED * found.mean)
    assert np.all(np.abs(found.z()) <= 4)


def test_the_test_losses_are_on_average_those_of_the_theory(comparisons):
    assert len(CASES) == 40
    assert is_confirmed(np.array([found.z()[0] for found in comparisons.values()]))


def test_the_train_losses_are_on_average_those_of_the_theory(comparisons):
    zs = np.array([found.z()[1] for found in comparisons.values() if len(found.mean) == 2])
    assert len(zs) == 20
    assert is_confirmed(zs)


@pytest.mark.parametrize("factor", [1.05, 1 / 1.05])
@pytest.mark.parametrize("dim", DIMS)
def test_a_theory_that_is_wrong_by_five_percent_is_found_out(comparisons, dim, factor):
    """At either dimension alone, so that the confirmation above says something."""
    chosen = [found for case, found in comparisons.items() if case[0] == dim]
    assert not is_confirmed(np.array([found.z(factor)[0] for found in chosen]))
    train = [found for found in chosen if len(found.mean) == 2]
    assert not is_confirmed(np.array([found.z(factor)[1] for found in train]))
