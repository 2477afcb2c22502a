"""What came of the claims: each with its proof, as a row, as text, and as JSON."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from . import claims
from .claim import Definition, Entry, Formula, Misprint, NotProvable, Outcome, Printed, Verdict, readable

SCHEMA = "grokode.derive/1"

WHY = {
    Outcome.TRANSCRIPTION: "Perhaps a slip of the conversion",
    Outcome.NOT_PROVABLE: "Why it is not proved here",
}
"""What the reason is of, where a claim holds as far as it goes."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A claim, and what came of proving it.

    Parameters
    ----------
    topic : str
        What the claims beside it are about.
    claim : Entry
    verdict : Verdict
    seconds : float
        What the proof took.
    """

    topic: str
    claim: Entry
    verdict: Verdict
    seconds: float

    @property
    def printed(self) -> Formula | None:
        """The formula as the paper has it; None where the statement is ours."""
        match self.claim:
            case Printed(statement=formula):
                return formula
            case Misprint(printed=formula) | Definition(printed=formula) | NotProvable(printed=formula):
                return formula
        return None

    @property
    def corrected(self) -> Formula | None:
        """What is right where the paper is not."""
        wrong = self.verdict.outcome in (Outcome.PAPER_WRONG, Outcome.TRANSCRIPTION)
        return self.claim.statement if wrong and isinstance(self.claim, Misprint) else None

    @property
    def statement(self) -> Formula:
        """What the claim says: the corrected formula of a misprint, else the formula as it stands."""
        return self.claim.printed if isinstance(self.claim, Definition | NotProvable) else self.claim.statement

    @cached_property
    def effect(self) -> str | None:
        """How much a misprint matters."""
        return self.claim.effect() if isinstance(self.claim, Misprint) else None

    @property
    def why(self) -> str | None:
        """Why the claim is not proved, or why the converter of the paper may be the one who slipped."""
        if self.verdict.fault:
            return self.verdict.fault
        if isinstance(self.claim, NotProvable):
            return self.claim.why
        return self.claim.slip if self.verdict.outcome is Outcome.TRANSCRIPTION else None

    @property
    def remark(self) -> str | None:
        """``why`` as a sentence of its own."""
        if not self.why:
            return None
        begins = "Not as stated" if self.verdict.fault else WHY[self.verdict.outcome]
        return f"{begins}: {self.why.rstrip('.')}."

    def to_dict(self) -> dict[str, object]:
        """Return what JSON has of it."""
        return {
            "tag": self.claim.tag,
            "equation": self.claim.equation,
            "title": self.claim.title,
            "outcome": str(self.verdict.outcome),
            "printed": self.printed.latex if self.printed else None,
            "corrected": self.corrected.latex if self.corrected else None,
            "statement": self.statement.latex,
            "seconds": round(self.seconds, 3),
            "effect": self.effect,
            "lines": [line.text() for line in self.verdict.lines],
            "why": self.why,
        }

    def text(self) -> str:
        """Return the whole claim as it is read in a terminal: statement, derivation, outcome."""
        head = f"{self.claim.tag} ({self.claim.equation}): {self.claim.title}"
        lines = "\n".join(line.text() for line in self.verdict.lines)
        end = [f"{self.verdict.outcome} ({self.seconds:.2f} s)"]
        if self.verdict.fault or not isinstance(self.claim, NotProvable):  # whose lines say why
            end += [self.why] if self.why else []
        end += [f"effect: {self.effect}"] if self.effect else []
        return "\n\n".join(part for part in (head, self._formulas(), lines, "\n".join(end)) if part)

    def _formulas(self) -> str:
        named = {"as printed": self.printed, "corrected": self.corrected}
        if self.statement not in named.values():
            named["statement"] = self.statement
        shown = []
        for name, formula in named.items():
            if formula is not None:
                shown.append(f"{name:<12}{formula.latex}")
                if formula.value is not sp.true:
                    shown.append(f"{'read as':<12}{readable(formula.value)}")
        return "\n".join(shown)


def prove(tags: Sequence[str] | None = None) -> Iterator[Proof]:
    """Prove claims one by one, in the order in which a reader meets them.

    Parameters
    ----------
    tags : sequence of str, optional
        Which; all of them by default.
    """
    for topic in claims.TOPICS:
        heading = (topic.__doc__ or topic.__name__).strip().splitlines()[0].rstrip(".")
        for claim in topic.CLAIMS:
            if tags is None or claim.tag in tags:
                start = time.perf_counter()
                verdict = _verdict(claim)
                yield Proof(topic=heading, claim=claim, verdict=verdict, seconds=time.perf_counter() - start)


def _verdict(claim: Entry) -> Verdict:
    try:
        return claim.prove()
    except Exception as error:  # a proof that breaks off proves nothing, and costs no other claim its proof
        return Verdict(outcome=Outcome.NOT_PROVED, fault=f"the derivation breaks off: {type(error).__name__}: {error}")


def all_tags() -> list[str]:
    """Return the tags of all claims."""
    return [claim.tag for topic in claims.TOPICS for claim in topic.CLAIMS]


def counts(proofs: Iterable[Proof]) -> str:
    """Say how many claims have which outcome."""
    found = Counter(proof.verdict.outcome for proof in proofs)
    each = ", ".join(f"{found[outcome]} {outcome}" for outcome in Outcome if found[outcome])
    return f"{found.total()} claims: {each}" if found.total() != 1 else f"1 claim: {each}"


def to_json(proofs: Iterable[Proof]) -> str:
    """Return all of it as the text of one JSON object."""
    return json.dumps({"schema": SCHEMA, "claims": [proof.to_dict() for proof in proofs]}, allow_nan=False)
