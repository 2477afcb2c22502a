"""A claim: one formula under its tag, and what its proof says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import sympy as sp

Equality = tuple[sp.Expr, sp.Expr]
Equalities = Callable[[], Iterable[Equality]]


class Outcome(StrEnum):
    """What a proof says of a claim."""

    PROVED = "proved"
    PAPER_WRONG = "paper wrong"
    REFUTED = "refuted"
    DEFINITION = "definition"
    NOT_PROVABLE = "not provable here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A formula that the project stands on.

    Parameters
    ----------
    tag : str
        The name that docstrings, proofs and tests share, such as ``F1``.
    equation : str
        Where it is printed: the paper's equation, or the part of the project it belongs to.
    statement : str
        The formula, in LaTeX.
    ours : callable
        Returns the pairs of polynomials that are equal if the formula in use is right.
    printed : callable
        Returns the pairs that are equal if the paper's own print is right.
    """

    tag: str
    equation: str
    statement: str
    ours: Equalities
    printed: Equalities

    def prove(self) -> Outcome:
        """Derive the formula from the definitions, and compare.

        Returns
        -------
        Outcome
            ``REFUTED`` where the formula in use does not follow, ``PAPER_WRONG`` where it does but what
            the paper prints does not, ``PROVED`` where both do.
        """
        if not _hold(self.ours()):
            return Outcome.REFUTED
        return Outcome.PROVED if _hold(self.printed()) else Outcome.PAPER_WRONG


def _hold(equalities: Iterable[Equality]) -> bool:
    """Whether every pair is one polynomial: its expanded difference has no term left."""
    pairs = list(equalities)
    if not pairs:  # nothing compared would be nothing proved
        raise ValueError("a proof must compare at least one pair of expressions, got none")
    return all(sp.expand(left - right) == 0 for left, right in pairs)
