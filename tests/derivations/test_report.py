"""What is written of the claims: JSON, the LaTeX document, the errata page."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from grokode_derivations import errata, latex, report
from grokode_derivations.claim import Claim, Definition, Misprint, NotProvable, Outcome, Printed

ERRATA = Path(__file__).parents[2] / "derivations/ERRATA.md"
WRONG = (Outcome.PAPER_WRONG, Outcome.TRANSCRIPTION)
KEYS = [
    "tag", "equation", "title", "outcome", "printed", "corrected", "statement", "seconds", "effect", "lines", "why",
]  # fmt: skip


def test_every_claim_is_as_it_says(proofs):
    assert {proof.claim.tag: proof.verdict.fault for proof in proofs if proof.verdict.fault} == {}


# ---- JSON


@pytest.fixture(scope="module")
def listed(proofs):
    written = json.loads(report.to_json(proofs))
    assert list(written) == ["schema", "claims"]
    assert written["schema"] == "grokode.derive/1"
    return written["claims"]


def test_json_has_every_claim_with_every_key(proofs, listed):
    assert [claim["tag"] for claim in listed] == report.all_tags() == [proof.claim.tag for proof in proofs]
    for claim in listed:
        assert list(claim) == KEYS
        assert claim["outcome"] in set(Outcome)
        assert claim["seconds"] >= 0
        for key in ("tag", "equation", "title", "statement"):
            assert isinstance(claim[key], str)
            assert claim[key]


def test_json_has_null_where_there_is_nothing(proofs, listed):
    for proof, claim in zip(proofs, listed, strict=True):
        ours = type(proof.claim) is Claim
        wrong = proof.verdict.outcome in WRONG
        assert (claim["printed"] is None) == ours
        assert (claim["corrected"] is None) != wrong
        assert (claim["effect"] is None) != isinstance(proof.claim, Misprint)
        assert (claim["why"] is None) != (proof.verdict.outcome in (Outcome.TRANSCRIPTION, Outcome.NOT_PROVABLE))
        if wrong:
            assert claim["statement"] == claim["corrected"] != claim["printed"]
        elif not ours:
            assert claim["statement"] == claim["printed"]
        if isinstance(proof.claim, Claim):
            assert claim["lines"] == [line.text() for line in proof.verdict.lines] != []


def test_every_kind_of_claim_is_met(proofs):
    assert {Claim, Printed, Misprint, Definition} <= {type(proof.claim) for proof in proofs}


def test_one_claim_is_shown_with_its_statements_lines_and_outcome(proofs):
    for proof in proofs:
        text = proof.text()
        assert text.startswith(f"{proof.claim.tag} ({proof.claim.equation}): {proof.claim.title}\n")
        for line in proof.verdict.lines:
            assert line.text() in text
        for formula in filter(None, (proof.printed, proof.corrected, proof.statement)):
            assert formula.latex in text
        assert f"\n\n{proof.verdict.outcome} (" in text
        if isinstance(proof.claim, NotProvable):
            assert text.count(proof.claim.why) == 1


# ---- LaTeX


@pytest.fixture(scope="module")
def document(proofs):
    return latex.document(proofs)


def balanced(text):
    """Whether braces close, and every environment and every \\left."""
    depth = 0
    for token in re.findall(r"\\.|[{}]", text, flags=re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            return False
    environments = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if kind == "begin":
            environments.append(name)
        elif not environments or environments.pop() != name:
            return False
    return depth == 0 and not environments and len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))


def test_the_document_is_balanced_and_plain(document):
    assert balanced(document)
    assert document.isascii()
    assert r"\texttt{U+" not in document, "a character that latex.py does not know"
    assert len(re.findall(r"(?<!\\)\$", document)) % 2 == 0
    assert r"\tag{" not in document


@pytest.mark.parametrize(
    "text",
    ["{", "}", r"\begin{a}", r"\end{a}", r"\begin{a}\begin{b}\end{a}\end{b}", r"\left(", r"\frac{1}{2"],
)
def test_what_is_not_balanced_is_seen(text):
    assert not balanced(text)


def test_the_document_has_every_claim_under_its_topic(proofs, document):
    tags = re.findall(r"\\claim\{(\w+)\}", document)
    assert tags == [proof.claim.tag for proof in proofs]
    assert document.count(r"\section{") == len({proof.topic for proof in proofs})
    for wrong in ("As printed:", "Corrected:", "Effect:"):
        assert document.count(rf"\remark{{{wrong}") == sum(proof.verdict.outcome in WRONG for proof in proofs)
    ignored = r"\s|\\\\ |&|\\(begin|end)\{(aligned|gathered)\}|\\;|\\q?quad|\\text\{"
    whole = re.sub(ignored, "", document)
    for proof in proofs:
        for formula in filter(None, (proof.statement, proof.printed)):
            assert not formula.latex.isascii() or re.sub(ignored, "", formula.latex) in whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50 % of a_b & c#", r"50 \% of $a_{b}$ \& $c$\#"),
        ("{x} \\ w ~ v", r"\{$x$\} \textbackslash{} $w$ $\sim$ $v$"),
        ("x_i² − |β|²", r"$x_{i} {}^{2}$ $-$ $| \beta | {}^{2}$"),
        ("w̄ȳẇ", r"$\bar{w} \bar{y} \dot{w}$"),
        ("Σ ⟨x′²⟩, D^k", r"$\Sigma$ $\langle x {}' {}^{2} \rangle$, $D {}^{k}$"),
        ("λε ϵφΛΩ", r"$\lambda \epsilon$ $\epsilon \phi \Lambda \Omega$"),
        ("lambda_quadr", r"lambda\_quadr"),
        ("K₀ᵀ⁻¹", r"$K {}_{0} {}^{T} {}^{-} {}^{1}$"),
        ("a cost of $5, i.e. a lot", r"a cost of \textdollar{}5, i.e. a lot"),
        ("Rényi", r"R\'{e}nyi"),
        ("\u4e00", r"\texttt{U+4E00}"),
    ],
)
def test_words_become_latex(text, expected):
    assert latex.words(text) == expected
    assert expected.isascii()


TERM = r"\frac{\alpha^2}{N} \sum_{i = 1}^N \left( \boldsymbol{w}_i = \boldsymbol{x} \right) + \epsilon^2 + 1 + 2 + 3"


def test_a_long_chain_of_equalities_is_set_on_several_lines():
    lines = rf"f  &= {TERM}  \\ &= {TERM}  \\ &= {TERM}"
    assert latex.formula(f"f = {TERM} = {TERM} = {TERM}") == rf"\formula{{\begin{{aligned}}{lines}\end{{aligned}}}}"
    for as_it_is in (TERM, "a = b = c", f"f = {TERM}"):
        assert latex.formula(as_it_is) == rf"\formula{{{as_it_is}}}"


def test_a_long_list_of_formulas_is_set_on_several_lines():
    short = r"c = (1,\; 2), \quad d = 2,\;"
    lines = rf"{short} e = 3, \\ f = {TERM} + {TERM}, \\ g = {TERM} + {TERM}"
    text = rf"{short} e = 3, \quad f = {TERM} + {TERM},\; g = {TERM} + {TERM}"
    assert latex.formula(text) == rf"\formula{{\begin{{gathered}}{lines}\end{{gathered}}}}"
    assert latex.formula(short) == rf"\formula{{{short}}}"
    bracket = latex.formula(rf"[a, V] = {TERM} + {TERM},\; [b] = {TERM}")
    assert bracket.startswith(r"\formula{\begin{gathered}{}[a, V] =")
    assert r" \\ {}[b] = " in bracket


def test_a_statement_in_words_is_set_as_words():
    assert latex.formula("linear in the length, κ") == r"\formula{\text{linear in the length, $\kappa$}}"


def test_a_greek_letter_that_the_paper_has_in_a_formula_is_one_in_latex():
    assert latex.formula("α^2 + x²") == r"\formula{\ensuremath{\alpha}^2 + x\ensuremath{{}^{2}}}"


# ---- errata


def test_the_committed_errata_are_those_of_the_claims(proofs):
    message = "write it again: grokode derive --errata derivations/ERRATA.md"
    assert ERRATA.read_text(encoding="utf-8") == errata.page(proofs), message


def test_the_errata_page_has_exactly_what_is_wrong(proofs):
    page = errata.page(proofs)
    wrong, perhaps = ([p for p in proofs if p.verdict.outcome is outcome] for outcome in WRONG)
    counted, _, apart = page.partition("## Perhaps slips")
    for part, expected in ((counted, wrong), (apart, perhaps)):
        assert re.findall(r"^### (\w+):", part, flags=re.MULTILINE) == [proof.claim.tag for proof in expected]
        assert re.findall(r"```math\n(.*?)\n```", part, flags=re.DOTALL) == [
            formula.latex for proof in expected for formula in (proof.printed, proof.corrected)
        ]
    assert f"\n{len(wrong)} errata" in apart


def test_the_errata_do_not_depend_on_the_order_of_hashes():
    program = (
        "from grokode_derivations import errata, report\n"
        "print(errata.page(list(report.prove(['S3', 'S8', 'S12', 'S15']))))"
    )
    pages = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(pages) == 1


def test_words_become_markdown():
    assert errata.words("a_b * |c| <d>\n[e]") == r"a\_b \* \|c\| \<d\> \[e\]"
