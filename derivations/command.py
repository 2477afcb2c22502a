"""The command ``derive``: proves the claims and says what came of them. Sympy is imported when it runs."""

from __future__ import annotations

import difflib
import sys
from typing import Annotated

import typer

from .output import STDOUT, BadInput, check, forget_stdout, progress, table, write

UNPROVED = 4
"""Exit code where a claim that should be proved is not."""


def derive(
    claim: Annotated[
        list[str] | None,
        typer.Option(
            "--claim", metavar="TAG", help="Prove this claim only and show its derivation; may be given repeatedly."
        ),
    ] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write one JSON object to a file, or to stdout for -.")
    ] = None,
    latex: Annotated[
        str | None,
        typer.Option("--latex", metavar="FILE", help="Write all statements and corrections as a LaTeX document."),
    ] = None,
    errata: Annotated[
        str | None, typer.Option("--errata", metavar="FILE", help="Write the paper's errata as a Markdown page.")
    ] = None,
) -> int:
    """Prove every formula of the paper and of the package."""
    if claim and errata:
        raise BadInput("--errata lists the errata of all claims; leave out --claim")
    check({"--json": json, "--latex": latex, "--errata": errata})

    from . import errata as page
    from . import latex as document
    from . import report

    tags = _known(claim, report.all_tags()) if claim else None
    with progress(len(tags or report.all_tags())) as step:
        proofs = []
        for proof in report.prove(tags):
            proofs.append(proof)
            step()
    faults = [proof for proof in proofs if proof.verdict.fault]

    wanted = [(json, report.to_json), (latex, document.document), (errata, page.page)]
    if faults and errata:
        wanted.pop()
        print("grokode: no errata page is written while a claim is not as stated", file=sys.stderr)
    quiet = STDOUT in (json, latex, errata)
    stream = sys.stderr if quiet else sys.stdout
    try:
        # files first: a reader of stdout that leaves must not cost them
        for where, text in sorted(wanted, key=lambda pair: pair[0] == STDOUT):
            if where:
                write(text(proofs), where)
        if claim:
            print("\n\n".join(proof.text() for proof in proofs), file=stream)
        else:
            table(proofs, to_stderr=quiet)
            print(f"{report.counts(proofs)}; {sum(proof.seconds for proof in proofs):.0f} s", file=stream)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
    for proof in faults:
        message = f"{proof.claim.tag} ({proof.claim.equation}) is not as stated: {proof.verdict.fault}"
        print(f"grokode: error: {' '.join(message.split())}", file=sys.stderr)
    return UNPROVED if faults else 0


def _known(wanted: list[str], tags: list[str]) -> list[str]:
    """Return the tags as claims have them, for S3 as for s3 or (S3); refuse one that does not exist."""
    known = []
    for given in wanted:
        tag = given.strip(" ()").upper()
        if tag not in tags:
            close = difflib.get_close_matches(tag, tags, n=3, cutoff=0.5)
            hint = f"nearest: {', '.join(close)}" if close else "'grokode derive' lists all of them"
            raise BadInput(f"unknown claim {given!r}; {hint}")
        known.append(tag)
    return known
