"""Every formula of the paper has a claim, and every claim that quotes the paper quotes it right."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from grokode_derivations.claim import Definition, Misprint, NotProvable, Printed
from grokode_derivations.claims import CLAIMS
from grokode_derivations.paper import WALK

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "paper_formulas.json").read_text(encoding="utf-8"))
QUOTING = [claim for claim in CLAIMS if isinstance(claim, Printed | Misprint | Definition | NotProvable)]


def quoted(claim):
    """Return the formula that a claim says is the paper's."""
    return claim.statement.latex if isinstance(claim, Printed) else claim.printed.latex


def without_spaces(latex):
    return re.sub(r"\s+", "", latex)


def missing(claim, walk):
    """Say what is wrong with where a claim is named; empty where nothing is."""
    places = [place.latex for place in walk if claim.tag in place.tags]
    if not places:
        return "named at no place of the paper"
    if not any(without_spaces(quoted(claim)) in without_spaces(latex) for latex in places):
        return f"{quoted(claim)} stands in none of {places}"
    return ""


def test_the_walk_passes_every_formula_of_the_paper_in_its_order_and_no_other():
    walked = [{"section": place.section, "number": place.number, "latex": place.latex} for place in WALK]
    assert walked == REFERENCE


def test_every_numbered_equation_is_passed_once_in_order():
    numbers = [place.number for place in WALK if place.number is not None]
    assert list(dict.fromkeys(numbers)) == list(range(1, 24))
    assert sorted(numbers) == numbers
    lines = Counter(numbers)
    assert {number for number in lines if lines[number] > 1} == {14, 20}  # two lines each


@pytest.mark.parametrize(
    ("section", "numbers"),
    [
        ("4.1", {1, 2}),
        ("5", {3, 4, 5}),
        ("5.3", {6}),
        ("8.1", {7}),
        ("10", {8, 9}),
        ("11.1", set(range(10, 18))),
        ("11.2", {18, 19, 20}),
        ("12", {21, 22, 23}),
    ],
)
def test_numbered_equations_stand_in_their_sections(section, numbers):
    assert {place.number for place in WALK if place.section == section} - {None} == numbers


@pytest.mark.parametrize("place", WALK, ids=lambda place: f"{place.section}: {place.latex[:30]}")
def test_every_formula_has_a_claim(place):
    assert place.tags
    assert set(place.tags) <= {claim.tag for claim in CLAIMS}


@pytest.mark.parametrize("claim", QUOTING, ids=lambda claim: claim.tag)
def test_what_a_claim_quotes_stands_in_the_paper(claim):
    assert missing(claim, WALK) == ""


def test_a_quotation_that_is_not_in_the_paper_is_noticed():
    wrong = Definition(tag="N4", equation="", title="", printed=type(QUOTING[0].printed)(latex=r"\bar{w} = 2"))
    assert "stands in none of" in missing(wrong, WALK)
    assert missing(wrong, ()) == "named at no place of the paper"
