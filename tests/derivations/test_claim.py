"""The checker itself: it must catch what is wrong and pass what is right."""

import dataclasses

import pytest
import sympy as sp
from grokode_derivations.claim import (
    Average,
    Claim,
    Equal,
    Formula,
    Misprint,
    Outcome,
    Printed,
    Say,
    Unequal,
    readable,
    same,
)
from grokode_derivations.claims import CLAIMS
from grokode_derivations.gaussian import Inner
from grokode_derivations.notation import D, beta, eps, x

DERIVED = [claim for claim in CLAIMS if isinstance(claim, Claim)]
FORMULAS = [claim for claim in DERIVED if claim.statement.value is not sp.true]
MISPRINTS = [claim for claim in DERIVED if isinstance(claim, Misprint)]


def by_tag(claims):
    return pytest.mark.parametrize("claim", claims, ids=[claim.tag for claim in claims])


@pytest.fixture(scope="session")
def verdicts(proofs):
    return {proof.claim.tag: proof.verdict for proof in proofs}


@pytest.fixture(scope="session")
def derived(verdicts):
    """Return what each derivation returns."""
    return {claim.tag: verdicts[claim.tag].derived for claim in FORMULAS}


def again(claim, value, **changes):
    """Return the claim with its derivation's end kept and something else changed."""

    def derive():
        return value
        yield

    return dataclasses.replace(claim, derive=derive, **changes)


def plant(value, how):
    return tuple(map(how, value)) if isinstance(value, tuple) else how(value)


FAULTS = {
    "coefficient": lambda value: 2 * value,
    "sign": lambda value: -value,
    "power of D": lambda value: D * value,
    "power of eps": lambda value: eps * value,
    "multiplicity": lambda value: value + 1,
}


@by_tag(CLAIMS)
def test_every_claim_is_what_it_should_be(claim, verdicts):
    verdict = verdicts[claim.tag]
    assert verdict.fault == ""
    assert verdict.outcome is not Outcome.NOT_PROVED


def test_tags_are_not_given_twice():
    tags = [claim.tag for claim in CLAIMS]
    assert len(set(tags)) == len(tags)


def planted(claims):
    """Pair claims with every fault that changes what they say: twice zero is zero. All but one of each are slow."""
    cases = []
    for number, claim in enumerate(claims):
        faults = [fault for fault in FAULTS if changes(claim.statement.value, FAULTS[fault])]
        for fault in faults:
            marks = () if fault == faults[number % len(faults)] else pytest.mark.slow
            cases.append(pytest.param(claim, fault, marks=marks, id=f"{claim.tag}, {fault}"))
    return pytest.mark.parametrize(("claim", "fault"), cases)


def changes(value, how):
    return plant(value, how) != value


@planted(FORMULAS)
def test_a_wrong_statement_is_caught(claim, fault, derived):
    wrong = plant(claim.statement.value, FAULTS[fault])
    verdict = again(claim, derived[claim.tag], statement=Formula(latex="", value=wrong)).prove()
    assert verdict.outcome is (Outcome.PAPER_WRONG if type(claim) is Printed else Outcome.NOT_PROVED)
    assert verdict.fault


@planted([claim for claim in MISPRINTS if claim.statement.value is not sp.true])
def test_another_wrong_print_is_wrong_too(claim, fault, derived):
    wrong = plant(claim.statement.value, FAULTS[fault])
    verdict = again(claim, derived[claim.tag], printed=Formula(latex="", value=wrong)).prove()
    assert verdict.outcome in (Outcome.PAPER_WRONG, Outcome.TRANSCRIPTION)


def test_each_kind_of_fault_is_planted_in_many_statements():
    for fault, how in FAULTS.items():
        assert sum(changes(claim.statement.value, how) for claim in FORMULAS) > len(FORMULAS) / 2, fault


@by_tag([claim for claim in MISPRINTS if claim.statement.value is not sp.true])
def test_a_right_statement_among_the_misprints_passes_and_is_reported(claim, derived):
    verdict = again(claim, derived[claim.tag], printed=claim.statement).prove()
    assert verdict.outcome is Outcome.PROVED
    assert "what is printed is right" in verdict.fault


@by_tag(DERIVED)
def test_every_line_of_every_derivation_can_fail(claim, verdicts):
    checked = [line for line in verdicts[claim.tag].lines if isinstance(line, Equal)]
    if not checked:  # then the comparison of its end with the statement is the check
        assert claim.statement.value is not sp.true
    for line in checked:
        if isinstance(line, Unequal):
            assert not dataclasses.replace(line, right=line.left).holds()
        else:
            assert not dataclasses.replace(line, right=plant(line.right, lambda value: 2 * value + 1)).holds()


@by_tag(MISPRINTS)
def test_every_misprint_says_how_much_it_matters(claim):
    assert len(claim.effect()) > 3
    assert claim.printed.latex != claim.statement.latex


def test_a_derivation_that_checks_nothing_is_refused():
    def words_only():
        yield Say(words="It is obvious.")
        return sp.true

    claim = Claim(tag="E", equation="", title="", statement=Formula(latex=""), derive=words_only)
    with pytest.raises(ValueError, match="at least one line"):
        claim.prove()


def test_a_line_that_does_not_hold_stops_a_claim_whose_end_is_right():
    def with_a_slip():
        yield Equal(words="a slip", left=D + 1, right=D)
        return D

    claim = Claim(tag="E", equation="", title="", statement=Formula(latex="", value=D), derive=with_a_slip)
    verdict = claim.prove()
    assert verdict.outcome is Outcome.NOT_PROVED
    assert "a slip" in verdict.fault


def test_a_statement_in_words_is_not_proved_by_a_formula():
    def formula():
        yield Equal(words="", left=sp.expand(D * (D + 1)), right=D**2 + D)
        return D

    claim = Claim(tag="E", equation="", title="", statement=Formula(latex=""), derive=formula)
    assert claim.prove().outcome is Outcome.NOT_PROVED


def test_an_average_is_checked_by_both_ways():
    line = Average(words="", left=Inner(beta, x) ** 2, right=Inner(beta, beta) / D, over=(x,))
    assert line.holds()
    assert not dataclasses.replace(line, right=2 * line.right).holds()


def test_an_average_fails_where_only_monte_carlo_disagrees(monkeypatch):
    # the independent check must count: let Isserlis agree with anything
    monkeypatch.setattr("grokode_derivations.claim.average", lambda *_, **__: Inner(beta, beta))
    assert not Average(words="", left=Inner(beta, x) ** 2, right=Inner(beta, beta), over=(x,)).holds()


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ((1 + D) ** 2, 1 + 2 * D + D**2, True),
        (1 / (1 + D) + 1, (2 + D) / (1 + D), True),
        (sp.sqrt(D**2), D, True),
        (D, D + sp.Rational(1, 10**12), False),
        ((D, eps), (D, eps), True),
        ((D, eps), (eps, D), False),
        ((D,), (D, D), False),
        (D, (D,), False),
        (sp.true, sp.true, True),
        (sp.true, D, False),
        (sp.Integer(1), sp.true, False),
    ],
)
def test_values_are_compared_as_algebra(left, right, equal):
    assert same(left, right) is equal


def test_values_are_written_as_on_paper():
    assert readable(2 * eps**2 * Inner(x, x) ** 2 / D**3) == "2 ε² |x|⁴/D³"
    assert readable((D, eps**12)) == "D, ε¹²"
    assert readable(Inner(beta, beta) ** 4) == "|β|⁸"
    assert readable(eps ** sp.Rational(3, 2)) == "ε^(3/2)"
