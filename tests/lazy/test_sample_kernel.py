"""The kernel along a run in both of its spaces, against the matrices K and K_0 themselves."""

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from grokode.lazy import SampleKernel, centered_alignment, column_centered_alignment, sample_alignment
from grokode.lazy import sample_kernel as module
from grokode.lazy.sample_kernel import in_samples
from grokode.model.network import Network
from grokode.model.quadratic import Monomials
from grokode.model.states.factor import FactorState

spaces = pytest.mark.parametrize("samples", [True, False], ids=["samples", "monomials"])
MOVES = pytest.mark.parametrize("move", [0.0, 1e-4, 0.3, 3.0])


@pytest.fixture
def force(monkeypatch):
    """Return a function that forces one of the two spaces."""

    def choose(samples):
        monkeypatch.setattr(module, "in_samples", lambda P, D: samples)

    return choose


class Case:
    def __init__(self, rng, *, dim=4, n=11, width=6, eps=0.4):
        self.network, self.start = (
            Network(alpha=0.7, eps=eps),
            FactorState.from_neurons(rng.standard_normal((width, dim))),
        )
        self.X, self.y = rng.standard_normal((n, dim)), rng.standard_normal(n) + 0.6
        self.rng = rng

    def moved(self, by):
        return self.start.at(self.start.V + by * self.rng.standard_normal(self.start.V.shape))

    def read(self, state):
        return SampleKernel(self.network, self.start, self.X, self.y).read(state)

    def literally(self, state):
        """Every field, from the matrices."""
        K, K0 = (one.kernel(self.network, self.X, self.X) for one in (state, self.start))
        G, eps = self.X @ self.X.T, self.network.eps
        u = self.X @ (state.V.T @ state.a)
        cross, quadratic = eps * G * np.add.outer(u, u), eps**2 * G * (self.X @ state.V.T @ state.V @ self.X.T)
        s = np.sum(K * K0) / np.sum(K0 * K0)
        H = np.eye(len(self.y)) - 1 / len(self.y)
        y, norm = self.y, np.linalg.norm
        return {
            "norm": norm(K),
            "norm_linear": norm(G),
            "norm_cross": norm(cross),
            "norm_quadratic": norm(quadratic),
            "drift": norm(K - K0),
            "drift_scale": (s - 1) * norm(K0),
            "drift_rotation": norm(K - s * K0),
            "alignment_sample": y @ K @ y / (norm(K) * y @ y),
            "alignment_column_centered": y @ H @ K @ y / (norm(H @ K) * y @ y),
            "alignment_centered": y @ H @ K @ H @ y / (norm(H @ K @ H) * (H @ y) @ (H @ y)),
        }


def assert_reading(found, expected):
    assert {field.name for field in fields(found)} == set(expected)
    norm, drift = expected["norm"], expected["drift"]
    # the literal K - K_0 has the rounding of K; the rotation is the root of a difference of squares, so half the
    # digits of the drift are lost where it is small
    floors = {"drift": 1e-14 * norm, "drift_scale": 1e-14 * norm, "drift_rotation": 1e-14 * norm + 1e-7 * drift}
    for name, value in expected.items():
        rtol = 1e-6 if name == "drift_rotation" else 1e-9
        assert getattr(found, name) == pytest.approx(value, rel=rtol, abs=floors.get(name, 1e-12)), name


@spaces
@MOVES
@pytest.mark.parametrize("eps", [0.0, 0.05, 0.4, 3.0])
@pytest.mark.parametrize("shape", [(4, 11, 6), (3, 30, 8), (2, 2, 1), (1, 5, 3), (5, 9, 2)], ids=str)
def test_a_reading_is_that_of_the_matrices(rng, force, samples, move, eps, shape):
    dim, n, width = shape
    case = Case(rng, dim=dim, n=n, width=width, eps=eps)
    force(samples)
    state = case.moved(move)
    assert_reading(case.read(state), case.literally(state))


@spaces
def test_the_reading_at_the_start_has_not_drifted(rng, force, samples):
    case = Case(rng)
    force(samples)
    found = case.read(case.start)
    assert found.drift == found.drift_scale == found.drift_rotation == 0
    assert found.norm == pytest.approx(
        np.linalg.norm(case.start.kernel(case.network, case.X, case.X)), rel=1e-12, abs=0
    )


@spaces
def test_the_drift_is_split_into_scale_and_rotation(rng, force, samples):
    case = Case(rng)
    force(samples)
    found = case.read(case.moved(0.5))
    assert found.drift**2 == pytest.approx(found.drift_scale**2 + found.drift_rotation**2, rel=1e-12, abs=0)
    assert min(abs(found.drift_scale), found.drift_rotation) > 0.01 * found.drift


@spaces
def test_a_kernel_that_shrinks_has_a_negative_scale(rng, force, samples):
    """V -> V / 2 at large eps: the quadratic term is nearly all of the kernel, and falls to a quarter."""
    case = Case(rng, eps=300.0)
    force(samples)
    found = case.read(case.start.at(case.start.V / 2))
    norm = case.read(case.start).norm
    assert found.drift_scale == pytest.approx(-0.75 * norm, rel=0.02, abs=0)
    assert found.drift_rotation < 0.05 * norm


@spaces
def test_small_drifts_keep_their_digits(rng, force, samples):
    """A step of 1e-9: linear in the step, though K itself moves in its tenth digit."""
    case = Case(rng)
    force(samples)
    direction = rng.standard_normal(case.start.V.shape)
    drifts = [case.read(case.start.at(case.start.V + step * direction)) for step in (1e-9, 1e-5)]
    for name in ("drift", "drift_scale"):
        small, large = (getattr(one, name) for one in drifts)
        assert small * 1e4 == pytest.approx(large, rel=1e-4, abs=0), name


@spaces
def test_alignments_are_those_of_the_module(rng, force, samples):
    case = Case(rng)
    force(samples)
    state = case.moved(0.4)
    K, found = state.kernel(case.network, case.X, case.X), case.read(state)
    assert found.alignment_sample == pytest.approx(sample_alignment(K, case.y), rel=1e-11, abs=0)
    assert found.alignment_column_centered == pytest.approx(column_centered_alignment(K, case.y), rel=1e-11, abs=0)
    assert found.alignment_centered == pytest.approx(centered_alignment(K, case.y), rel=1e-11, abs=0)


@spaces
def test_one_kernel_reads_many_states(rng, force, samples):
    """Reading changes nothing."""
    case = Case(rng)
    force(samples)
    kernel = SampleKernel(case.network, case.start, case.X, case.y)
    states = [case.moved(0.3), case.moved(2.0)]
    first = [kernel.read(state) for state in states]
    assert [kernel.read(state) for state in states] == first
    assert kernel.read(case.start).drift == 0


@spaces
def test_a_kernel_that_vanishes_reads_as_zeros(force, samples):
    force(samples)
    start = FactorState.from_neurons(np.ones((3, 2)))
    found = SampleKernel(Network(alpha=1.0, eps=0.3), start, np.zeros((4, 2)), np.arange(4.0)).read(start)
    assert all(getattr(found, field.name) == 0 for field in fields(found))


@spaces
@pytest.mark.parametrize("n", [1, 3])
def test_samples_that_are_all_equal_are_nothing_once_they_are_centred(rng, force, samples, n):
    """Not the rounding that is left of them."""
    force(samples)
    for _ in range(40):
        case = Case(rng, n=n)
        case.X = np.tile(case.X[:1], (n, 1))
        found = case.read(case.moved(0.3))
        assert (found.alignment_column_centered, found.alignment_centered) == (0, 0)


@spaces
def test_samples_that_are_nearly_equal_are_something_once_they_are_centred(rng, force, samples):
    """Apart by 1e-4 of themselves: 1e-8 of the kernel's square is left, and six of its digits."""
    force(samples)
    case = Case(rng, n=4)
    case.X = case.X[:1] + 1e-4 * case.X
    state = case.moved(0.3)
    expected, found = case.literally(state), case.read(state)
    assert found.alignment_column_centered == pytest.approx(expected["alignment_column_centered"], rel=1e-4, abs=0)
    assert found.alignment_column_centered != 0


def test_the_matrix_is_formed_up_to_half_as_many_samples_as_monomials(rng):
    assert Monomials(6).size == 27
    assert in_samples(13, 6)
    assert not in_samples(14, 6)
    for n, expected in ((13, "_InSamples"), (14, "_InMonomials")):
        case = Case(rng, dim=6, n=n)
        kernel = SampleKernel(case.network, case.start, case.X, case.y)
        assert type(kernel._space).__name__ == expected
        state = case.moved(0.3)
        assert_reading(kernel.read(state), case.literally(state))


def test_many_samples_take_no_matrix_of_samples(rng):
    """P = 6000 in 4 dimensions, where P^2 numbers would take 288 MB."""
    case = Case(rng, n=6000)
    tracemalloc.start()
    case.read(case.moved(0.3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 6000**2 / 50
