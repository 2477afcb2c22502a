import dataclasses

import pytest

from grokode.errors import InvalidInput
from grokode.model.network import Network


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan"), float("inf")])
def test_alpha_must_be_positive_and_finite(alpha):
    with pytest.raises(InvalidInput, match=f"alpha must be positive and finite, got {alpha}"):
        Network(alpha=alpha, eps=0.1)


@pytest.mark.parametrize("eps", [-1e-9, float("nan"), float("inf")])
def test_eps_must_not_be_negative(eps):
    with pytest.raises(InvalidInput, match="eps must be zero or positive"):
        Network(alpha=1.0, eps=eps)


def test_a_network_is_frozen_and_keyword_only():
    network = Network(alpha=1.0, eps=0.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.alpha = 2.0
    with pytest.raises(TypeError):
        Network(1.0, 0.1)
