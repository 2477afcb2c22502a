r"""All statements as a LaTeX document.

Formulas are LaTeX already and are set as they stand. Words are Unicode as a terminal shows it (``x_i²``, ``w̄``,
``⟨``) and become text with the mathematics in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby, pairwise

from .claim import Outcome
from .paper import AUTHORS, CONVERSION, TITLE, WHERE
from .report import Proof, counts

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[margin=25mm]{geometry}
\usepackage{amsmath,amssymb,bm,graphicx}
\setlength{\parindent}{0pt}
\setlength{\emergencystretch}{3em}
\newsavebox{\formulabox}
% a formula too wide for the page is made smaller
\newcommand{\formula}[1]{\[\sbox{\formulabox}{$\displaystyle #1$}%
  \ifdim\wd\formulabox>\linewidth \resizebox{\linewidth}{!}{\usebox{\formulabox}}\else\usebox{\formulabox}\fi\]}
\newcommand{\breakhere}{\addpenalty{-100}\addvspace{\bigskipamount}} % though not below a heading
% tag, equation, title, outcome
\newcommand{\claim}[4]{\par\breakhere\textbf{#1}\quad #3\quad\textit{(#2)}%
  {\unskip\nobreak\hfil\penalty50\hskip1em\hbox{}\nobreak\hfil\textsc{#4}\parfillskip=0pt\par}\nopagebreak}
\newcommand{\remark}[1]{\nopagebreak#1\par}
"""

SYMBOLS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\textdollar{}", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "^": r"\^{}", "~": r"$\sim$", "|": "$|$", "<": "$<$", ">": "$>$", '"': "''",
    "−": "$-$", "·": r"$\cdot$", "×": r"$\times$", "±": r"$\pm$", "√": r"$\surd$", "∞": r"$\infty$", "∂": r"$\partial$",
    "∇": r"$\nabla$", "∫": r"$\int$", "∑": r"$\sum$", "∏": r"$\prod$", "∈": r"$\in$", "⊥": r"$\perp$", "∥": r"$\|$",
    "‖": r"$\|$", "=": "$=$", "≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$", "≈": r"$\approx$", "≡": r"$\equiv$",
    "∼": r"$\sim$", "≪": r"$\ll$", "≫": r"$\gg$", "→": r"$\to$", "←": r"$\leftarrow$", "⟨": r"$\langle$",
    "⟩": r"$\rangle$", "′": "${}'$", "″": "${}''$", "½": r"$\tfrac12$", "¼": r"$\tfrac14$", "ℝ": r"$\mathbb{R}$",
    "λ": r"$\lambda$", "Λ": r"$\Lambda$", "ϵ": r"$\epsilon$",  # not named as in Unicode
    "†": r"$\dagger$", "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}", "\u00a0": "~",
}  # fmt: skip

TEXT_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0308": '"'}
ACCENTS = {"\u0304": "bar", "\u0307": "dot", "\u0302": "hat", "\u0303": "tilde"}

LETTER = "[A-Za-z0-9À-ÿα-ωΑ-Ω]"
TOKEN = re.compile(
    rf"(?<!\w)(?P<base>He|[^\W\d_][\u0302-\u0307]?)_(?P<index>{LETTER}+)"  # x_i, He_k
    rf"|\^(?P<power>{LETTER}+)"  # D^2
    r"|.(?P<accent>[\u0302-\u0307])"  # w̄
    rf"|(?<![A-Za-z0-9.'’])(?P<alone>[B-HJ-Zb-z])(?!{LETTER}|_|\.\w)"  # a symbol; not "a" and "I", nor "i.e."
    r"|.",
    re.DOTALL,
)


def words(text: str) -> str:
    """Write a sentence as LaTeX text, in ASCII."""
    return TOKEN.sub(_word, text).replace("$$", " ")


def _word(token: re.Match[str]) -> str:
    if token["index"]:
        return f"${_math(token['base'])}_{{{_math(token['index'])}}}$"
    if token["power"]:
        return f"${{}}^{{{_math(token['power'])}}}$"
    if token["accent"] or token["alone"]:
        return f"${_math(token[0])}$"
    return _symbol(token[0])


def _math(text: str) -> str:
    """Write letters, one of them perhaps with an accent, inside a formula."""
    if len(text) == 2 and text[1] in ACCENTS:
        return rf"\{ACCENTS[text[1]]}{{{_math(text[0])}}}"
    return "".join(_symbol(character).strip("$") for character in text)


def _symbol(character: str) -> str:
    if character in SYMBOLS:
        return SYMBOLS[character]
    if character.isascii():
        return character
    kind, *rest = unicodedata.decomposition(character).split() or [""]
    if kind in ("<super>", "<sub>"):
        sign = "^" if kind == "<super>" else "_"
        return f"${{}}{sign}{{{_math(chr(int(rest[0], 16)))}}}$"
    if rest and not kind.startswith("<"):  # a letter with its accent in one
        base, accent = chr(int(kind, 16)), chr(int(rest[0], 16))
        return f"${_math(base + accent)}$" if accent in ACCENTS else rf"\{TEXT_ACCENTS.get(accent, '')}{{{base}}}"
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)|GREEK (\w+) SYMBOL", unicodedata.name(character, ""))
    if greek:
        name = (greek[2] or greek[3]).lower()
        return f"$\\{name.capitalize() if greek[1] == 'CAPITAL' else name}$"
    return rf"\texttt{{U+{ord(character):04X}}}"


# ---- formulas

LINE = 55
"""Symbols that a formula may have before it is broken into lines."""
TOKENS = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
SILENT = re.compile(
    r"\\(left|right|[bB]ig+[lr]?|boldsymbol|math\w+|text|rm|[td]?frac|underbrace|bar|dot|tilde|[,;:! ])"
)
SPACE = r"\\(?:;|q?quad)"
OPENING = {"{", "(", "[", r"\left", r"\begin", r"\langle", r"\{"}
CLOSING = {"}", ")", "]", r"\right", r"\end", r"\rangle", r"\}"}


def formula(latex: str) -> str:
    """Set a formula on a line of its own; a long list or chain of equalities on several."""
    if len(latex.split()) > 3 and not re.search(r"[\\^_=<>]", latex):  # a formula in words
        return f"\\formula{{\\text{{{words(latex)}}}}}"
    plain = re.sub(r"[^\x00-\x7f]", lambda letter: rf"\ensuremath{{{_math(letter[0])}}}", latex)
    return f"\\formula{{{_in_lines(plain) if _length(latex) > LINE else plain}}}"


def _in_lines(latex: str) -> str:
    items = [item.strip() for item in _split(latex, rf"[,;:] *{SPACE}", after=True)]
    if len(items) > 1:
        lines = [items[0]]
        for item in items[1:]:
            if _length(lines[-1] + item) > LINE:
                lines.append(item)
            else:
                lines[-1] += f" {item}"
        lines = [re.sub(rf" *{SPACE}$", "", line) for line in lines]
        return _environment("gathered", lines) if len(lines) > 1 else latex
    first, *rest = _split(latex, "=", after=False)
    if len(rest) > 1:
        return _environment("aligned", [f"{first} &{rest[0]}", *(f"&{part}" for part in rest[1:])])
    return latex


def _environment(name: str, lines: list[str]) -> str:
    kept = ["{}" + line if line.startswith("[") else line for line in lines]  # else an option
    return rf"\begin{{{name}}}" + r" \\ ".join(kept) + rf"\end{{{name}}}"


def _split(latex: str, pattern: str, *, after: bool) -> list[str]:
    """Split before or after every match that stands in no bracket."""
    depth, outside = 0, set()
    for token in TOKENS.finditer(latex):
        if depth == 0:
            outside.add(token.start())
        depth += (token[0] in OPENING) - (token[0] in CLOSING)
    if depth:
        return [latex]
    cuts = [m.end() if after else m.start() for m in re.finditer(pattern, latex) if m.start() in outside]
    return [latex[start:end] for start, end in pairwise([0, *cuts, len(latex)])]


def _length(latex: str) -> int:
    """Estimate how many symbols a formula shows."""
    return len(re.sub(r"[{}^_\s]", "", re.sub(r"\\[A-Za-z]+", "x", SILENT.sub("", latex))))


# ---- the document


def document(proofs: Sequence[Proof]) -> str:
    """Return the whole document, ready to be compiled."""
    parts = [
        PREAMBLE,
        "\\title{Every formula, as printed and as derived}\\author{}\\date{}",
        "\\begin{document}\\maketitle",
        f"The paper is {words(AUTHORS)}, \\emph{{{words(TITLE)}}}, {words(WHERE)}. {words(CONVERSION)}",
        f"\nHere are {words(counts(proofs))}.\n",
    ]
    for topic, group in groupby(proofs, key=lambda proof: proof.topic):
        parts.append(f"\\section{{{words(topic)}}}")
        parts += map(_claim, group)
    return "\n".join([*parts, "\\end{document}"]) + "\n"


def _claim(proof: Proof) -> str:
    claim = proof.claim
    shown = [claim.tag, words(claim.equation), words(claim.title), words(str(proof.verdict.outcome))]
    lines = ["\\claim" + "".join(f"{{{text}}}" for text in shown)]
    if proof.corrected and proof.printed:
        lines += ["\\remark{As printed:}", formula(proof.printed.latex)]
        lines += ["\\remark{Corrected:}", formula(proof.corrected.latex)]
    else:
        lines.append(formula(proof.statement.latex))
    if proof.effect and proof.verdict.outcome is not Outcome.PROVED:
        lines.append(f"\\remark{{Effect: {words(proof.effect.rstrip('.'))}.}}")
    if proof.remark:
        lines.append(f"\\remark{{{words(proof.remark)}}}")
    return "\n".join(lines)
