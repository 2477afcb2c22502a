"""The kernel's operator over the law of the inputs, against quadrature that is exact for it, and closed forms."""

import math

import numpy as np
import pytest

import grokode
from grokode.lazy import population_spectrum
from grokode.lazy import spectrum as module
from grokode.lazy.spectrum import PopulationSpectrum, spectrum_order
from grokode.model.network import Network
from grokode.model.states.factor import FactorState

CLOSE = 1e-10  # eigenvalues of matrices of ten rows, relative to the largest
EPS = pytest.mark.parametrize("eps", [0.0, 0.1, 2.0])
centering = pytest.mark.parametrize("centered", [True, False], ids=["centered", "uncentered"])


def law_of(task):
    return task.problem.tests["exact"].law


def spectrum_of(task):
    return population_spectrum(task.problem.network, task.problem.start, law_of(task))


def by_quadrature(task):
    """Eigenvalues and powers of sqrt(p) K sqrt(p): exact, as products of eigenfunctions are of degree four."""
    root = np.sqrt(task.weights)
    K = task.neurons.kernel(task.points, task.points)
    values, vectors = np.linalg.eigh(root[:, None] * K * root)
    label = root * task.task(task.points)
    kept = values > 1e-11 * values[-1]
    power = (vectors[:, kept].T @ label) ** 2
    return values[kept][::-1], power[::-1], label @ label - power.sum()


def assert_spectrum(found, values, power, outside):
    scale = power.sum() + outside
    np.testing.assert_allclose(found.eigenvalues, values, rtol=1e-8, atol=CLOSE * values[0])
    for level in found.levels(1e-7):  # within a level, powers depend on the basis
        same = np.abs(values - level.eigenvalue) <= 1e-6 * level.eigenvalue
        assert np.sum(same) == level.multiplicity
        assert level.power == pytest.approx(power[same].sum(), rel=1e-7, abs=1e-9 * scale)
    assert found.outside == pytest.approx(outside, rel=1e-8, abs=1e-10 * scale)
    assert found.mean_square == pytest.approx(scale, rel=1e-9, abs=0)


# ---- any start, any covariance

COVARIANCES = {
    "full": None,
    "diagonal": np.diag([0.3, 1.0, 2.5]),
    "isotropic": np.eye(3) / 3,
    "singular": np.diag([0.0, 1.0, 2.5]),
    "one_input": [[0.7]],
}
covariances = pytest.mark.parametrize("Sigma", list(COVARIANCES.values()), ids=list(COVARIANCES))


def task_of(make_task, Sigma, **setup):
    return make_task(dim=3 if Sigma is None else len(Sigma), Sigma=Sigma, n_train=math.inf, **setup)


@centering
@covariances
@EPS
@pytest.mark.parametrize("width", [1, 2, 8])
def test_any_starts_spectrum_is_that_of_quadrature(make_task, Sigma, width, eps, centered):
    task = task_of(make_task, Sigma, width=width, eps=eps, centered=centered)
    assert_spectrum(spectrum_of(task), *by_quadrature(task))


@centering
@covariances
@EPS
def test_an_isotropic_starts_spectrum_is_that_of_quadrature(make_task, Sigma, eps, centered):
    task = task_of(make_task, Sigma, isotropic=True, eps=eps, centered=centered)
    assert_spectrum(spectrum_of(task), *by_quadrature(task))


@pytest.mark.parametrize("kind", ["turned", "singular"])
def test_a_covariance_without_axes_of_its_own_is_turned_to_its_axes(make_task, rng, kind):
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    Sigma = rotation @ np.diag([2.0, 1.0, 0.3 if kind == "turned" else 0.0]) @ rotation.T
    for setup in ({"isotropic": True}, {"width": 2}, {"width": 8}):
        task = task_of(make_task, (Sigma + Sigma.T) / 2, centered=False, **setup)
        assert_spectrum(spectrum_of(task), *by_quadrature(task))


def test_the_dense_way_equals_the_closed_one(make_task):
    """A turned isotropic start is one to rounding only, and takes the dense way."""
    for Sigma in COVARIANCES.values():
        task = task_of(make_task, Sigma, isotropic=True, centered=False)
        start = task.problem.start
        law, network, dim = law_of(task), task.problem.network, start.V.shape[1]
        nearly = FactorState.from_neurons(task.neurons.W)
        assert (spectrum_order(start), spectrum_order(nearly)) == (dim, dim * (dim + 3) // 2)
        closed, dense = (population_spectrum(network, one, law) for one in (start, nearly))
        np.testing.assert_allclose(dense.eigenvalues, closed.eigenvalues, rtol=1e-9)
        assert dense.outside == pytest.approx(closed.outside, rel=1e-9, abs=1e-12)
        for one, other in zip(dense.levels(), closed.levels(), strict=True):
            assert one.multiplicity == other.multiplicity
            assert one.power == pytest.approx(other.power, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("change", ["mean", "scale", "turn"])
def test_only_an_exactly_isotropic_start_takes_the_closed_way(change):
    V = np.array(FactorState.infinite_width(4, 1.3).V)
    assert module._isotropic(FactorState(np.eye(5)[0], V)) == 1.3**2
    V[{"mean": (0, 2), "scale": (2, 1), "turn": (2, 3)}[change]] += 1e-9
    assert module._isotropic(FactorState(np.eye(5)[0], V)) is None
    assert spectrum_order(FactorState(np.eye(5)[0], V)) == 14


def test_a_start_at_zero_has_the_linear_kernel():
    start = FactorState.from_neurons(np.zeros((3, 2)))
    law = grokode.Law(grokode.Gaussian(np.array([2.0, 0.5])), grokode.QuadraticTarget(1.0, np.ones(2), np.eye(2)))
    found = population_spectrum(Network(alpha=1.0, eps=0.5), start, law)
    np.testing.assert_allclose(found.eigenvalues, [2.0, 0.5], rtol=1e-14)
    np.testing.assert_allclose(found.power, [2.0, 0.5], rtol=1e-14)  # b Sigma b, axis by axis
    # (1 + |x|^2_Sigma / 2)^2: the mean is 1 + tr Sigma / 2, the variance tr Sigma^2 / 2
    assert found.outside == pytest.approx((1 + 1.25) ** 2 + 4.25 / 2, rel=1e-14, abs=0)


def test_inputs_without_variance_have_no_spectrum():
    law = grokode.Law(grokode.Gaussian(np.zeros(2)), grokode.QuadraticTarget(0.6, np.ones(2), np.eye(2)))
    found = population_spectrum(Network(alpha=1.0, eps=0.5), FactorState.infinite_width(2, 1.0), law)
    assert found.eigenvalues.shape == found.power.shape == (0,)
    assert found.levels() == []
    assert found.outside == found.mean_square == 0.6**2


# ---- sums that hold for every spectrum


@covariances
@pytest.mark.parametrize("setup", [{"width": 1}, {"width": 8}, {"isotropic": True}], ids=str)
def test_traces_of_the_operator_are_averages_of_the_kernel(make_task, population, Sigma, setup):
    task = task_of(make_task, Sigma, **setup)
    found, p = spectrum_of(task), task.weights
    K = task.neurons.kernel(task.points, task.points)
    assert found.eigenvalues.sum() == pytest.approx(p @ np.diag(K), rel=1e-10, abs=0)
    assert np.sum(found.eigenvalues**2) == pytest.approx(p @ K**2 @ p, rel=1e-10, abs=0)


@centering
@covariances
def test_the_powers_sum_to_the_mean_square_of_the_task(make_task, Sigma, centered):
    task = task_of(make_task, Sigma, centered=centered)
    direct = task.weights @ task.task(task.points) ** 2
    assert spectrum_of(task).mean_square == pytest.approx(direct, rel=1e-11, abs=0)


def test_noise_of_the_law_is_no_part_of_the_task(make_task):
    task = make_task()
    law = grokode.Law(law_of(task).inputs, law_of(task).target, 3.0)
    noisy = population_spectrum(task.problem.network, task.problem.start, law)
    assert noisy.mean_square == spectrum_of(task).mean_square


# ---- the isotropic closed form


@pytest.mark.parametrize("D", [2, 3, 10, 40])
@pytest.mark.parametrize(("eps", "sigma"), [(0.3, 1.0), (0.02, 2.0), (5.0, 0.5)])
def test_isotropic_levels_are_those_of_the_closed_form(rng, D, eps, sigma):
    """1/D, 2 e^2/D^2 and e^2 (D+2)/D^2 with e = eps sigma (S2, S8, S12); power by hand (S15).

    With B = A + (tr B / D) I, A traceless: b^2/D, |A|^2/(2 D^2), and of c + tr B |x|^2/(2 D) the part along |x|^2.
    """
    form = rng.standard_normal((D, D))
    B, b, c = form + form.T + 0.5 * np.eye(D), rng.standard_normal(D), 0.7
    law = grokode.Law(grokode.Gaussian.isotropic(D), grokode.QuadraticTarget(c, b, B))
    found = population_spectrum(Network(alpha=1.0, eps=eps, centered=True), FactorState.infinite_width(D, sigma), law)
    traceless = B - np.trace(B) / D * np.eye(D)
    e2, half = (eps * sigma) ** 2, np.trace(B) / (2 * D)
    # <|x|^2> = 1, <|x|^4> = 1 + 2/D: the part of c + half |x|^2 along |x|^2, and what is left of its mean square
    fourth = 1 + 2 / D
    along = (c + half * fourth) ** 2 / fourth
    expected = sorted(
        [
            (1 / D, D, b @ b / D),
            (2 * e2 / D**2, D * (D + 1) // 2 - 1, np.sum(traceless**2) / (2 * D**2)),
            (e2 * (D + 2) / D**2, 1, along),
        ],
        reverse=True,
    )
    for level, (value, multiplicity, power) in zip(found.levels(), expected, strict=True):
        assert level.eigenvalue == pytest.approx(value, rel=1e-10, abs=0)
        assert level.multiplicity == multiplicity
        assert level.power == pytest.approx(power, rel=1e-10, abs=0)
    outside = c**2 + 2 * c * half + half**2 * fourth - along
    assert found.outside == pytest.approx(outside, rel=1e-9, abs=0)
    assert outside == pytest.approx(c**2 * 2 / (D + 2), rel=1e-12, abs=0)


def test_an_uncentred_starts_own_predictor_is_subtracted_from_the_task():
    """Infinite width: f_0 = alpha eps sigma^2 |x|^2 / 2, so B loses alpha eps sigma^2 I."""
    D, alpha, eps, sigma = 4, 0.9, 0.4, 1.3
    B, inputs, start = (
        np.diag([1.0, 2.0, 3.0, -1.0]),
        grokode.Gaussian.isotropic(D),
        FactorState.infinite_width(D, sigma),
    )
    kept = grokode.Law(inputs, grokode.QuadraticTarget(0.2, np.ones(D), B))
    less = grokode.Law(inputs, grokode.QuadraticTarget(0.2, np.ones(D), B - alpha * eps * sigma**2 * np.eye(D)))
    uncentred = population_spectrum(Network(alpha=alpha, eps=eps), start, kept)
    centred = population_spectrum(Network(alpha=alpha, eps=eps, centered=True), start, less)
    np.testing.assert_allclose(uncentred.eigenvalues, centred.eigenvalues, rtol=1e-14)
    np.testing.assert_allclose(uncentred.power, centred.power, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("k", [1e-18, 2.5, 1e12])
def test_scales_of_inputs_and_target_are_scales_of_eigenvalues_and_power(make_task, k):
    """Sigma -> k Sigma with weights / sqrt(k) scales the kernel by k; the target by q, its power by q^2."""
    q = 3.0
    task = make_task(n_train=math.inf)
    target, start = task.target, task.problem.start
    law = grokode.Law(
        grokode.Gaussian(k * task.Sigma),
        grokode.QuadraticTarget(q * target.c, q * target.b / np.sqrt(k), q * target.B / k),
    )
    scaled = population_spectrum(task.problem.network, FactorState(start.a, start.V / np.sqrt(k)), law)
    found = spectrum_of(task)
    np.testing.assert_allclose(scaled.eigenvalues, k * found.eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(scaled.power, q**2 * found.power, rtol=1e-7, atol=1e-12)


def test_start_and_inputs_must_have_one_dimension(make_task):
    task = make_task(dim=3)
    with pytest.raises(grokode.InvalidInput, match="the start has dimension 2 and the inputs 3"):
        population_spectrum(task.problem.network, FactorState.infinite_width(2, 1.0), law_of(task))


# ---- levels


def test_levels_gather_what_agrees_to_a_tolerance():
    values, power = np.array([2.0, 1.0 + 5e-7, 1.0, 1.0 - 5e-7, 0.3]), np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    spectrum = PopulationSpectrum(eigenvalues=values, power=power, outside=0.5)
    assert [(level.multiplicity, level.power) for level in spectrum.levels()] == [(1, 1.0), (3, 9.0), (1, 5.0)]
    assert spectrum.levels()[1].eigenvalue == pytest.approx(1.0, rel=1e-9, abs=0)
    assert [level.multiplicity for level in spectrum.levels(1e-7)] == [1, 1, 1, 1, 1]
    assert [level.multiplicity for level in spectrum.levels(0.6)] == [4, 1]
    assert spectrum.mean_square == 15.5


# ---- samples


def test_the_samples_eigenvalues_over_P_tend_to_the_populations(make_task):
    """Their mean over every level, with as many as it has; the gap falls as P^-1/2 and less."""
    task = make_task(dim=4, n_train=math.inf, isotropic=True, Sigma=np.eye(4) / 4, eps=0.8)
    levels, inputs, problem = spectrum_of(task).levels(), law_of(task).inputs, task.problem
    assert sorted(level.multiplicity for level in levels) == [1, 4, 9]
    gaps = []
    for n in (500, 50_000):
        found = []
        for seed in range(4):
            X = inputs.draw(n, np.random.default_rng(seed))
            data = grokode.Data(X, np.zeros(n))
            risk = grokode.EmpiricalRisk(problem.network, problem.start, data)
            modes = type(problem)(problem.network, problem.start, risk, {}, problem.directions).modes
            assert len(modes.eigenvalues) == 14
            ends = np.cumsum([0, *(level.multiplicity for level in levels)])
            found.append([np.mean(modes.eigenvalues[a:b]) / n for a, b in zip(ends[:-1], ends[1:], strict=True)])
        expected = np.array([level.eigenvalue for level in levels])
        gaps.append(np.sqrt(np.mean((np.array(found) / expected - 1) ** 2, axis=0)))
    assert np.all(gaps[1] < 0.02)
    assert np.all(gaps[0] / gaps[1] > 3)
