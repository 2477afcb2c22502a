"""A claim: a statement under its tag, its derivation step by step, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

import sympy as sp

from .gaussian import DIM, Letters, Vector, average, monte_carlo

Value = sp.Expr | tuple[sp.Expr, ...]
"""What a statement says: an expression, or several."""


class Outcome(StrEnum):
    """What is known of a claim once its derivation has run."""

    PROVED = "proved"
    PAPER_WRONG = "paper wrong"
    TRANSCRIPTION = "transcription?"
    DEFINITION = "definition"
    NOT_PROVABLE = "not provable here"
    NOT_PROVED = "not proved"


STANDARD_ERRORS = 5
"""How far a Monte Carlo mean may be from the average that it checks."""


def same(left: Value, right: Value) -> bool:
    """Whether two values are equal as algebraic expressions."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        alike = isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right)
        return alike and all(map(same, left, right))
    if sp.true in (left, right):
        return left is right
    difference = sp.expand(sp.sympify(left) - sp.sympify(right))
    return bool(difference == 0 or sp.simplify(difference) == 0)


def readable(value: Value) -> str:
    """Write a value in one line, as on paper."""
    if isinstance(value, tuple):
        return ", ".join(map(readable, value))
    text = str(value).replace("sqrt", "√")
    text = re.sub(r"\|²\*\*(\d+)", lambda power: f"|**{2 * int(power[1])}", text)
    text = re.sub(r"\*\*(\d+)", lambda power: power[1].translate(SUPERSCRIPTS), text)
    return text.replace("**", "^").replace("*", " ")


SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


# ---- the lines of a derivation


@dataclass(frozen=True, kw_only=True)
class Say:
    """A sentence: what is set up, or a step that words carry."""

    words: str

    def holds(self) -> bool:
        """Words alone are not checked."""
        return True

    def text(self) -> str:
        """Return the line as it is read."""
        return self.words


@dataclass(frozen=True, kw_only=True)
class Equal(Say):
    """Two expressions that are one, checked by expanding their difference."""

    left: Value
    right: Value
    sign: ClassVar[str] = "="

    def holds(self) -> bool:
        """Whether they are."""
        return same(self.left, self.right)

    def text(self) -> str:
        """Return the sentence, and below it the equation."""
        left, right = readable(self.left), readable(self.right)
        return f"{self.words}\n    {left}" + (f" {self.sign} {right}" if left != right else "")


@dataclass(frozen=True, kw_only=True)
class Unequal(Equal):
    """Two expressions that differ: a counterexample."""

    sign: ClassVar[str] = "≠"

    def holds(self) -> bool:
        """Whether they do."""
        return not same(self.left, self.right)


@dataclass(frozen=True, kw_only=True)
class Average(Equal):
    """An average over Gaussian vectors: ``left`` is what is averaged, ``right`` what comes out.

    Checked twice: by Isserlis' theorem with D a symbol, and by Monte Carlo at random numbers.
    """

    over: tuple[Vector, ...]
    scale: sp.Expr = field(default=1 / DIM)
    covariance: Letters = ()

    def holds(self) -> bool:
        """Whether both ways agree with what is claimed."""
        exact = average(self.left, *self.over, scale=self.scale, covariance=self.covariance)
        return same(exact, self.right) and abs(self.standard_errors()) < STANDARD_ERRORS

    def standard_errors(self) -> float:
        """Return how far the Monte Carlo mean is from ``right``."""
        return monte_carlo(self.left, self.right, self.over, scale=self.scale, covariance=self.covariance)

    def text(self) -> str:
        """Return the sentence, and below it the average."""
        return f"{self.words}\n    ⟨{readable(self.left)}⟩ = {readable(self.right)}"


Derivation = Generator[Say, None, Value]
"""Yields its lines and returns what it has derived."""


# ---- claims


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A formula as it is written, and as it is computed with.

    Parameters
    ----------
    latex : str
    value : Expr or tuple of Expr
        What the formula says, in sympy. A statement that is no formula (an inequality, a rank) is ``true``.
    """

    latex: str
    value: Value = sp.true


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a claim."""

    outcome: Outcome
    lines: tuple[Say, ...] = ()
    derived: Value = sp.true
    """What the derivation leads to."""

    fault: str = ""
    """Why it is not as it should be; empty where it is."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of the project's own, with its derivation.

    Parameters
    ----------
    tag : str
        The name that docstrings, proofs and tests share, such as ``F1``.
    equation : str
        Where it stands: the paper's equation or section, or ``ours``.
    title : str
        What it says, in words.
    statement : Formula
        What is proved.
    derive : callable
        Yields the lines of the derivation, starting from definitions, and returns what they lead to; ``true``
        where the statement is no formula and its lines are the proof.
    """

    tag: str
    equation: str
    title: str
    statement: Formula
    derive: Callable[[], Derivation]

    def prove(self) -> Verdict:
        """Derive, check every line, and compare the end with the statement."""
        lines, derived = _run(self.derive())
        if derived is sp.true and all(type(line) is Say for line in lines):
            raise ValueError(f"the proof of {self.tag} must check at least one line, got none")
        for line in lines:
            if not line.holds():
                return Verdict(outcome=Outcome.NOT_PROVED, lines=lines, fault=f"this line does not hold: {line.text()}")
        outcome, fault = self._judge(derived)
        return Verdict(outcome=outcome, lines=lines, derived=derived, fault=fault)

    def _judge(self, derived: Value) -> tuple[Outcome, str]:
        if same(derived, self.statement.value):
            return Outcome.PROVED, ""
        return Outcome.NOT_PROVED, _differs(derived, "is stated", self.statement)


@dataclass(frozen=True, kw_only=True)
class Printed(Claim):
    """A statement of the paper that is right; ``statement`` has it as printed, character by character."""

    def _judge(self, derived: Value) -> tuple[Outcome, str]:
        if same(derived, self.statement.value):
            return Outcome.PROVED, ""
        return Outcome.PAPER_WRONG, _differs(derived, "the paper prints", self.statement)


@dataclass(frozen=True, kw_only=True)
class Misprint(Claim):
    """A statement of the paper that is wrong as printed; ``statement`` is the corrected one.

    Parameters
    ----------
    printed : Formula
        As the paper has it, character by character.
    effect : callable
        Says how much it matters at the paper's own parameters, with numbers computed from both formulas.
    slip : str
        Why this may be a slip of the conversion from which ``printed`` is taken; empty where it cannot be.
    """

    printed: Formula
    effect: Callable[[], str]
    slip: str = ""

    def _judge(self, derived: Value) -> tuple[Outcome, str]:
        if not same(derived, self.statement.value):
            return Outcome.NOT_PROVED, _differs(derived, "is stated", self.statement)
        if same(derived, self.printed.value):
            return Outcome.PROVED, "listed as a misprint, but what is printed is right"
        return (Outcome.TRANSCRIPTION if self.slip else Outcome.PAPER_WRONG), ""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A formula of the paper that defines something: nothing to prove."""

    tag: str
    equation: str
    title: str
    printed: Formula

    def prove(self) -> Verdict:
        """Return the outcome."""
        return Verdict(outcome=Outcome.DEFINITION)


@dataclass(frozen=True, kw_only=True)
class NotProvable:
    """A statement of the paper that this project cannot prove, and why.

    Parameters
    ----------
    why : str
    """

    tag: str
    equation: str
    title: str
    printed: Formula
    why: str

    def prove(self) -> Verdict:
        """Return the outcome."""
        return Verdict(outcome=Outcome.NOT_PROVABLE, lines=(Say(words=self.why),))


Entry = Claim | Definition | NotProvable


def _run(derivation: Derivation) -> tuple[tuple[Say, ...], Value]:
    """Return the lines of a derivation and what it returns."""
    lines = []
    while True:
        try:
            lines.append(next(derivation))
        except StopIteration as end:
            return tuple(lines), end.value


def _differs(derived: Value, verb: str, stated: Formula) -> str:
    return f"derived is {readable(derived)}, but {verb} {readable(stated.value)}"


def misjudged(printed: sp.Expr, right: sp.Expr, where: str, at: Mapping[sp.Symbol, object]) -> str:
    """Say by how much a misprint is wrong at given numbers.

    Parameters
    ----------
    printed, right : Expr
    where : str
        Whose numbers they are, such as ``figure 1``.
    at : mapping
        Symbol -> number.
    """
    as_printed, as_derived = (float(sp.N(sp.sympify(value).subs(at))) for value in (printed, right))
    numbers = ", ".join(f"{symbol} = {number}" for symbol, number in at.items())
    ratio = as_printed / as_derived
    return f"{where} ({numbers}): {as_printed:.4g} as printed, {as_derived:.4g} as derived, a factor of {ratio:.4g}"
