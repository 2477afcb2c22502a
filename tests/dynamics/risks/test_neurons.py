"""Risks of real neurons: forces are gradients, Jacobians their derivatives, and every way gives the same."""

import numpy as np
import pytest

from grokode.dynamics.problem import bind
from grokode.dynamics.risks import neuron_jacobian
from grokode.dynamics.risks.jacobian import factor_dense
from grokode.dynamics.risks.neurons import NeuronRisk
from grokode.dynamics.risks.population import PopulationRisk
from grokode.dynamics.risks.weighted import WeightedRisk, pays
from grokode.errors import InvalidInput
from grokode.model.activations import Hermite
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.model.states.neurons import NeuronState
from grokode.model.states.readouts import ReadoutState
from grokode.task.data import Data
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import Law
from grokode.task.targets.quadratic import QuadraticTarget

CASES = {  # N, P, D, hermite, trained
    "readouts, n > P": (5, 7, 3, 0, True),
    "readouts, n <= P": (2, 20, 3, 0, True),
    "He_3, n > P": (4, 7, 3, 3, False),
    "He_3, n <= P": (2, 20, 3, 3, False),
    "He_4 and readouts": (4, 7, 3, 4, True),
    "square": (4, 7, 3, 0, False),
}
each_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture
def risk_at(rng):
    def make(name, *, alpha=0.8, centered=False):
        N, P, D, k, trained = CASES[name]
        W, how = rng.standard_normal((N, D)), {"activation": Hermite(k)} if k else {}
        start = ReadoutState.from_neurons(W, rng.standard_normal(N)) if trained else NeuronState.from_neurons(W)
        data = Data(rng.standard_normal((P, D)), rng.standard_normal(P))
        risk = NeuronRisk(Network(alpha=alpha, eps=0.4, centered=centered, **how), start, data)
        return risk, start.theta + 0.3 * rng.standard_normal(start.theta.shape)

    return make


def slope_of(function, x, d, order=6):
    """Central differences of order 12: exact, but for rounding, for the polynomials of degree 11 and less below."""
    places = np.arange(-order, order + 1)
    powers = places[None].astype(float) ** np.arange(2 * order + 1)[:, None]
    weights = np.linalg.solve(powers, np.eye(2 * order + 1)[1])
    h = 0.05
    return sum(w * function(x + h * p * d) for w, p in zip(weights, places, strict=True)) / h


@each_case
def test_the_force_is_minus_the_gradient_of_the_loss_over_alpha_squared(risk_at, rng, name):
    risk, theta = risk_at(name)
    d = rng.standard_normal(theta.shape)
    along = -slope_of(risk.loss, theta, d) / risk.network.alpha**2
    assert np.vdot(risk.force(theta), d) == pytest.approx(along, rel=1e-9)


@each_case
def test_the_jacobian_is_the_derivative_of_the_force_by_every_way(risk_at, rng, name, monkeypatch):
    risk, theta = risk_at(name)
    monkeypatch.setattr(neuron_jacobian, "HELD", 40)  # some parts of the samples and of the neurons
    J, d = risk.jacobian(theta), rng.standard_normal(theta.shape)
    expected = slope_of(risk.force, theta, d).ravel()
    np.testing.assert_allclose(J.times(d.ravel()), expected, rtol=1e-8, atol=1e-8)
    dense = J.dense()
    np.testing.assert_allclose(dense @ d.ravel(), expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(dense, dense.T, atol=1e-13)


@each_case
@pytest.mark.parametrize("shift", [30.0, 3.0, 5.0 + 4.0j])
def test_solves_are_those_of_the_whole_matrix(risk_at, rng, name, shift):
    risk, theta = risk_at(name)
    J, R = risk.jacobian(theta), rng.standard_normal(theta.size)
    np.testing.assert_allclose(J.factor(shift)(R), factor_dense(J.dense(), shift)(R), rtol=1e-9, atol=1e-11)


@each_case
def test_a_batch_of_all_samples_has_the_force_of_all(risk_at, name):
    risk, theta = risk_at(name)
    everything = np.arange(len(risk.data.y))
    np.testing.assert_allclose(risk.force_on(theta, everything), risk.force(theta), rtol=1e-12, atol=1e-13)


@each_case
def test_a_residual_keeps_its_digits_at_large_alpha(risk_at, rng, name):
    """The change of a centred predictor is linear in a tiny change of theta, which f itself cannot see."""
    risk, _ = risk_at(name, alpha=1e12, centered=True)
    change = 1e-20 * rng.standard_normal(risk.start.theta.shape)
    once, twice = (risk.loss_force_moved(k * change)[0] for k in (0.0, 1.0))
    J = risk.jacobian(np.array(risk.start.theta))
    along = risk.network.alpha * J._jvp(change)
    assert twice == pytest.approx(np.mean((along + risk.offset) ** 2), rel=1e-13)
    assert once == pytest.approx(np.mean(risk.offset**2), rel=1e-15)


@pytest.mark.parametrize("centered", [True, False])
def test_moments_and_neurons_give_the_same(rng, centered):
    start = ReadoutState.from_neurons(rng.standard_normal((9, 4)), rng.standard_normal(9))
    data, network = (
        Data(rng.standard_normal((11, 4)), rng.standard_normal(11)),
        Network(alpha=0.7, eps=0.5, centered=centered),
    )
    direct, moments = NeuronRisk(network, start, data), WeightedRisk(network, start, data)
    theta = start.theta + rng.standard_normal(start.theta.shape)
    for ours, theirs in zip(moments.loss_force(theta), direct.loss_force(theta), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)
    assert moments.loss(theta) == pytest.approx(direct.loss(theta), rel=1e-12)
    assert moments.mean_kernel == direct.mean_kernel


def test_the_population_is_the_limit_of_many_samples_and_its_jacobian_the_derivative(rng):
    start = ReadoutState.from_neurons(rng.standard_normal((4, 3)), rng.standard_normal(4))
    law = Law(Gaussian(np.diag([0.5, 0.3, 0.2])), QuadraticTarget(0.3, np.ones(3), np.diag([1.0, -1.0, 0.5])))
    network = Network(alpha=0.7, eps=0.5, centered=False)
    risk, theta = PopulationRisk(network, start, law), start.theta + 0.3 * rng.standard_normal(start.theta.shape)
    X = law.inputs.draw(400_000, rng)
    sampled = NeuronRisk(network, start, Data(X, law.target(X)))
    squares = sampled.residual(theta) ** 2
    assert abs(risk.loss(theta) - np.mean(squares)) < 5 * np.std(squares) / np.sqrt(len(X))
    d = rng.standard_normal(theta.shape)
    along = slope_of(risk.force, theta, d)
    np.testing.assert_allclose(risk.force_jvp(theta, d), along, rtol=1e-8, atol=1e-8)
    assert risk.terms(start.at(theta).wbar, start.at(theta).M).total == pytest.approx(risk.loss(theta), rel=1e-12)


def test_what_trains_is_chosen_by_the_state_and_by_counts(rng):
    network, hermite = Network(alpha=1.0, eps=0.3), Network(alpha=1.0, eps=0.3, activation=Hermite(3))
    data = Data(rng.standard_normal((40, 3)), rng.standard_normal(40))
    few, many = (ReadoutState.from_neurons(rng.standard_normal((N, 3)), rng.standard_normal(N)) for N in (2, 50))
    assert not pays(40, 3, 2)
    assert pays(40, 3, 50)
    assert type(bind(network, few, data)) is NeuronRisk
    assert type(bind(network, many, data)) is WeightedRisk
    assert type(bind(hermite, many, data)) is NeuronRisk
    law = Law(Gaussian.isotropic(3), QuadraticTarget(0.0, np.zeros(3), np.eye(3)))
    assert type(bind(network, few, law)) is PopulationRisk
    for start in (few, NeuronState.from_neurons(np.ones((2, 3)))):
        with pytest.raises(InvalidInput, match="its loss over a whole law is not known; give a finite --n-train"):
            bind(hermite, start, law)


@pytest.mark.parametrize("centered", [True, False])
def test_he_2_on_a_factor_is_the_square_on_shifted_labels(rng, centered):
    factor = FactorState.from_neurons(rng.standard_normal((5, 3)))
    X, y = rng.standard_normal((8, 3)), rng.standard_normal(8)
    he_2 = Network(alpha=0.8, eps=0.5, centered=centered, activation=Hermite(2))
    square = Network(alpha=0.8, eps=0.5, centered=centered)
    shift = 0.0 if centered else 0.8 * 0.5 / 2
    theta = factor.V + 0.4
    ours, theirs = bind(he_2, factor, Data(X, y)), bind(square, factor, Data(X, y + shift))
    assert ours.loss(theta) == pytest.approx(theirs.loss(theta), rel=1e-13)
    law = QuadraticTarget(0.1, np.ones(3), np.eye(3))
    shifted = QuadraticTarget(0.1 + shift, np.ones(3), np.eye(3))
    ours, theirs = (bind(n, factor, Law(Gaussian.isotropic(3), t)) for n, t in ((he_2, law), (square, shifted)))
    assert ours.loss(theta) == pytest.approx(theirs.loss(theta), rel=1e-13)
    np.testing.assert_allclose(ours.force(theta), theirs.force(theta), rtol=1e-13)
