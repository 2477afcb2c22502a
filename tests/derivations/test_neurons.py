"""Real neurons: what is proved of them, against what the package computes."""

import numpy as np
import pytest
import sympy as sp
from grokode_derivations import neurons

from grokode.dynamics.risks.neurons import NeuronRisk
from grokode.model.activations import Hermite
from grokode.model.network import Network
from grokode.model.states.readouts import ReadoutState
from grokode.task.data import Data

STATEMENTS = {claim.tag: claim.statement.value for claim in neurons.CLAIMS}
N, D, P = 3, 2, 4


@pytest.fixture
def network():
    return Network(alpha=0.8, eps=0.6, activation=Hermite(3))


@pytest.fixture
def state(rng):
    return ReadoutState.from_neurons(rng.standard_normal((N, D)), rng.standard_normal(N))


def value(expression, network, **known):
    """Put numbers in a statement: a and a' are U.x, and phi and its slopes are the network's."""
    phi = {0: network.phi, 1: network.phi_slope, 2: network.phi_curvature}
    numbers = {sp.Symbol(name): number for name, number in known.items()}
    numbers |= {neurons.N: N, neurons.alpha: network.alpha}
    for name in ("a", "a′"):
        if name in known:
            h = np.array(np.sqrt(N) * known[name])
            numbers |= {sp.Symbol(f"φ{'′' * k}({name})"): float(phi[k](h)) for k in (1, 2)}
            numbers[neurons.phi(neurons.root * sp.Symbol(name))] = float(phi[0](h))
    return float(expression.subs(numbers))


def test_function_and_kernel_are_the_proved_ones(network, state, rng):
    x, y = rng.standard_normal((2, D))
    f, K = 0.0, 0.0
    for u, U in zip(*state.split(state.theta), strict=True):
        known = {"u": u, "a": U @ x, "a′": U @ y, "x·x′": x @ y}
        parts = [value(part, network, **known) for part in STATEMENTS["F12"]]
        f, K = f + parts[0], K + parts[1]
    assert state.outputs(network, x[None])[0] == pytest.approx(f, rel=1e-12)
    assert state.kernel(network, x[None], y[None])[0, 0] == pytest.approx(K, rel=1e-12)


def test_blocks_of_the_jacobian_are_the_proved_ones(network, state, rng):
    data = Data(rng.standard_normal((P, D)), rng.standard_normal(P))
    risk, direction = NeuronRisk(network, state, data), rng.standard_normal((N, 1 + D))
    residual, blocks = risk.residual(state.theta), risk.jacobian(state.theta)._blocks
    for i, (u, U) in enumerate(zip(*state.split(state.theta), strict=True)):
        moved = np.zeros(1 + D)
        for r, x in zip(residual, data.X, strict=True):
            known = {"u": u, "a": U @ x, "r": r, "δu": direction[i, 0], "δa": direction[i, 1:] @ x}
            in_u, in_U = (value(part, network, **known) / P for part in STATEMENTS["J3"])
            moved += np.concatenate([[in_u], in_U * x])
        np.testing.assert_allclose(-blocks[i] @ direction[i], moved, rtol=1e-11)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_change_of_a_hermite_polynomial_is_the_proved_one(rng, k):
    h, d = rng.standard_normal((2, 5))
    proved = [float(STATEMENTS["N16"][k - 2].subs({neurons.z: x, neurons.step: y})) for x, y in zip(h, d, strict=True)]
    np.testing.assert_allclose(Hermite(k).change(h, d), proved, rtol=1e-12)
