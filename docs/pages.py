"""The pages that are not written in this folder: of the README, the derivations, the errata and the public names."""

from __future__ import annotations

import inspect
import re
from itertools import groupby
from pathlib import Path
from types import ModuleType

from grokode_derivations.errata import words
from grokode_derivations.report import Proof, counts, prove

import grokode

RECIPES = {
    "terminal": "From the terminal",
    "sweeps": "Sweeps and phase diagrams",
    "paper": "The paper's figures",
    "python": "From Python",
    "own-run": "Your own run",
    "overlay": "Your logs beside the theory",
    "pieces": "The pieces",
    "derive": "Every formula, proved",
    "validate": "Is it true?",
}
"""Page by page the sections of the README's recipes."""

CHAPTERS = {"conventions": "Conventions", "accuracy": "How accurate", "development": "Development"}

ROOMS = ("lazy", "overlay", "plot", "bundle")
"""Public names of grokode that are modules; each has a section in the reference."""


def write(root: Path, folder: Path) -> None:
    """Write all of them into a folder, and nothing else; what is the same already keeps its date."""
    folder.mkdir(exist_ok=True)
    readme = (root / "README.md").read_text(encoding="utf-8")
    found = {name: section(readme, title) for name, title in (RECIPES | CHAPTERS).items()}
    errata = (root / "derivations" / "ERRATA.md").read_text(encoding="utf-8")
    found["errata"] = errata.replace("\n### ", "\n## ")
    found["mathematics"] = mathematics(list(prove()))
    found["reference"] = reference()
    for path in folder.glob("*.md"):
        if path.stem not in found:
            path.unlink()
    for name, text in found.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def section(readme: str, title: str) -> str:
    """Return a section of the README as a page of its own, with links that lead from there."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,3}} |\Z)", readme, flags=re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"the README has no section {title!r}")
    text = re.sub(r"\]\(docs/", "](../", found[2])
    return f"# {title}\n{text}".replace("](derivations/ERRATA.md)", "](errata.md)")


def mathematics(proofs: list[Proof]) -> str:
    """Return every claim under its tag: what it says, and whether it is proved."""
    parts = [
        "# The mathematics\n",
        "Every formula that the package uses, under the tag that docstrings name it by, as `grokode derive` found it "
        f"when this page was built: {counts(proofs)}. `grokode derive --claim TAG` shows the derivation.\n",
    ]
    for topic, group in groupby(proofs, key=lambda proof: proof.topic):
        parts += [f"## {topic}\n", *map(_claim, group)]
    return "\n".join(parts)


def _claim(proof: Proof) -> str:
    claim = proof.claim
    parts = [
        f"({claim.tag})=\n### {claim.tag}: {words(claim.title)}",
        f"*{words(claim.equation)}*, {_outcome(proof)}",
        f"```math\n{proof.statement.latex}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _outcome(proof: Proof) -> str:
    """Say what is known of a claim, and of a misprint where to read on."""
    if proof.corrected:
        return f"{proof.verdict.outcome}: corrected here, [as printed](errata.md)"
    return f"{proof.verdict.outcome}. {words(proof.remark)}" if proof.remark else str(proof.verdict.outcome)


def reference() -> str:
    """Return the reference of every public name."""
    functions, classes = [], []
    for name in grokode.__all__:
        if name not in ROOMS:
            (classes if inspect.isclass(getattr(grokode, name)) else functions).append(name)
    parts = ["# Reference\n", "## Functions\n", *(_entry(grokode, name) for name in functions)]
    parts += ["## Classes\n", *(_entry(grokode, name) for name in classes)]
    for room in ROOMS:
        module = getattr(grokode, room)
        parts += [f"## grokode.{room}\n", f"{_first_line(module)}\n"]
        parts += [_entry(module, name) for name in _public(module)]
    return "\n".join(parts)


def _public(module: ModuleType) -> list[str]:
    """Return the names that a module shows, without other modules and what stands above already."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return [
        name
        for name in names
        if not inspect.ismodule(getattr(module, name)) and getattr(grokode, name, None) is not getattr(module, name)
    ]


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().splitlines()[0]


def _entry(module: ModuleType, name: str) -> str:
    """Return the directive that documents a public name of a module, under the name that users know it by."""
    kind = "class" if inspect.isclass(getattr(module, name)) else "function"
    members = "   :members:\n" if kind == "class" else ""
    room = next((f"grokode.{room}" for room in ROOMS if getattr(grokode, room) is module), "grokode")
    return f"```{{eval-rst}}\n.. auto{kind}:: {room}.{name}\n{members}```\n"
