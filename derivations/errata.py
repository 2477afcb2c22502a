"""The errata page: what the paper prints, what is right, and how much it matters. The same claims, the same page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .claim import Outcome
from .paper import AUTHORS, CONVERSION, TITLE, WHERE
from .report import Proof

PREAMBLE = f"""\
# Errata

of {AUTHORS}, *{TITLE}*, {WHERE}.

Every correction is derived from the paper's own definitions, checked line by line, and compared with what is printed.
`grokode derive --claim TAG` shows a derivation, `grokode derive --errata FILE` writes this page.

{CONVERSION} Those are listed below the others and are not counted.

Parameters of a figure that the paper leaves open are those of the authors' experiment code.
"""


def page(proofs: Sequence[Proof]) -> str:
    """Return the page as Markdown."""
    wrong = [proof for proof in proofs if proof.verdict.outcome is Outcome.PAPER_WRONG]
    perhaps = [proof for proof in proofs if proof.verdict.outcome is Outcome.TRANSCRIPTION]
    parts = [PREAMBLE, *map(_entry, wrong), "## Perhaps slips of the conversion\n"]
    parts += map(_entry, perhaps) if perhaps else ["None.\n"]
    parts.append(f"## Count\n\n{len(wrong)} errata; {len(perhaps)} perhaps slips of the conversion, not counted.")
    return "\n".join(parts) + "\n"


def _entry(proof: Proof) -> str:
    claim = proof.claim
    parts = [f"### {claim.tag}: {words(claim.title)}", words(_sentence(claim.equation[0].upper() + claim.equation[1:]))]
    for name, formula in (("As printed:", proof.printed), ("Corrected:", proof.corrected)):
        # a fence, because Markdown reads what stands between dollar signs before MathJax does
        parts += [name, f"```math\n{formula.latex}\n```"] if formula else []
    parts += [words(f"Effect: {_sentence(proof.effect)}")] if proof.effect else []
    parts += [words(f"Why it may be a slip: {_sentence(proof.why)}")] if proof.why else []
    return "\n\n".join(parts) + "\n"


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."


def words(text: str) -> str:
    """Write a sentence as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_\[\]<>|$~#])", r"\\\1", " ".join(text.split()))
