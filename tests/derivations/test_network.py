import numpy as np
import pytest
import sympy as sp
from grokode_derivations import network
from grokode_derivations.claim import Claim, Outcome

import grokode


def test_the_predictor_follows_from_the_definition_in_moments_and_in_the_factor():
    (claim,) = network.CLAIMS
    assert claim.tag == "F1"
    assert claim.prove() is Outcome.PROVED


def test_a_wrong_printed_formula_is_refused():
    def eps_without_the_half(wbar, M, x):
        return network.alpha * wbar.dot(x) + network.alpha * network.eps * (x.T * M * x)[0]

    assert network.claim_F1(printed=eps_without_the_half).prove() is Outcome.PAPER_WRONG


def test_a_printed_formula_with_alpha_in_the_wrong_power_is_refused():
    # right at alpha = 1 only: no evaluation at a convenient number may hide it
    assert network.claim_F1(printed=lambda *m: network.alpha * network.moment_form(*m)).prove() is Outcome.PAPER_WRONG


def test_a_wrong_factor_form_is_refuted():
    def eps_without_the_half(a, V, x):
        h = V * x
        return network.alpha * (a.dot(h) + network.eps * h.dot(h))

    assert network.claim_F1(factor=eps_without_the_half).prove() is Outcome.REFUTED


def test_a_proof_that_compares_nothing_is_refused():
    empty = Claim(tag="E", equation="", statement="", ours=list, printed=list)
    with pytest.raises(ValueError, match="at least one pair"):
        empty.prove()


@pytest.mark.parametrize(("neurons", "dim"), [(1, 2), (2, 2), (3, 2), (1, 4)])
def test_the_identity_holds_at_other_widths_and_dimensions(monkeypatch, neurons, dim):
    monkeypatch.setattr(network, "NEURONS", neurons)
    monkeypatch.setattr(network, "DIM", dim)
    assert network.claim_F1().prove() is Outcome.PROVED


@pytest.mark.parametrize(("rows", "dim"), [(1, 3), (3, 2), (4, 3)])
def test_the_proved_formula_is_the_one_that_the_code_computes(rows, dim):
    symbols = sp.MatrixSymbol("a", rows, 1), sp.MatrixSymbol("V", rows, dim), sp.MatrixSymbol("x", dim, 1)
    formula = sp.lambdify([network.alpha, network.eps, *symbols], network.factor_form(*map(sp.Matrix, symbols)))

    rng = np.random.default_rng(0)
    direction = rng.standard_normal(rows)
    state = grokode.FactorState(direction / np.linalg.norm(direction), rng.standard_normal((rows, dim)))
    X = rng.standard_normal((20, dim))
    computed = state.outputs(grokode.Network(alpha=1.7, eps=0.6), X)
    proved = [formula(1.7, 0.6, state.a[:, None], state.V, point[:, None]) for point in X]
    np.testing.assert_allclose(computed, proved, rtol=1e-12, atol=1e-12)
