"""A tag that a docstring or a comment names is the tag of a claim.

A tag is written ``(F1)``, in words ``(tag F1)``, at the end of a formula ``\\quad (F1)``, or without parentheses
``tag F1``. Only docstrings and comments are read, so an array V0 in ``f(V0)`` is none; nor is ``f(V0)`` in words.
"""

import ast
import io
import re
import tokenize
from collections import Counter
from pathlib import Path

from grokode_derivations import report

ROOT = Path(__file__).parents[2]
FILES = sorted(path for room in ("grokode", "validate", "derivations", "tests") for path in (ROOT / room).rglob("*.py"))
TAG = re.compile(
    r"(?<![\w)\]])\((?:tags? )?([A-Z]\d+(?:, [A-Z]\d+)*)\)"  # (F1), (tag F1), (tags F1, F2); not f(V0)
    r"|\btags? ([A-Z]\d+)"
)
NAMED_IN_CODE = {
    "N1",
    "F0",
    "F1",
    "F2",
    "F3",
    "K1",
    "K16",
    "T1",
    "P1",
    "A13",
    "J1",
    "D1",
    "C1",
    "Z6",
    "Z7",
    "Z8",
    "D10",
    "D11",
    "Z9",
    "Z10",
}


def prose(source):
    """Return the docstrings and comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def tags_in(text):
    """Return the tags that a text names."""
    return {tag for found in TAG.finditer(text) for tag in re.findall(r"[A-Z]\d+", found[1] or found[2])}


def named_in(path):
    """Return the tags that a file names."""
    text = path.read_text(encoding="utf-8")
    return set().union(*map(tags_in, prose(text) if path.suffix == ".py" else [text]))


def test_every_tag_that_is_named_is_a_claim():
    known = set(report.all_tags())
    read = [ROOT / "README.md", *(path for path in FILES if path != Path(__file__))]
    unknown = {str(path.relative_to(ROOT)): named_in(path) - known for path in read}
    assert {path: tags for path, tags in unknown.items() if tags} == {}


def test_the_formulas_of_the_package_are_tagged():
    found = set().union(*(named_in(path) for path in FILES if "grokode" in path.relative_to(ROOT).parts))
    assert found >= NAMED_IN_CODE


def test_a_tag_names_one_claim():
    assert {tag: count for tag, count in Counter(report.all_tags()).items() if count > 1} == {}


def test_the_words_of_a_claim_name_claims_that_exist(proofs):
    known = set(report.all_tags())
    for proof in proofs:
        words = [proof.claim.title, proof.effect or "", proof.why or "", *(line.words for line in proof.verdict.lines)]
        assert set(re.findall(r"\b[A-Z]\d+\b", " ".join(words))) <= known, proof.claim.tag


SOURCE = '''
r"""Module (X91)."""
def f(V0, W0):
    r"""Does. (Z95)

    .. math:: f = 0 \\quad (X92)

    See the proof (tag X93), shapes (P1, D) and (D,), and f(V0) (not a tag) or (A1, B2, C).
    """
    print("(X98)")
    return (W0), V0  # (X94), and tag X96 or (tags X97, X99)
'''


def test_tags_are_found_in_prose_and_only_there():
    assert set().union(*map(tags_in, prose(SOURCE))) == {"X91", "X92", "X93", "X94", "Z95", "X96", "X97", "X99"}
