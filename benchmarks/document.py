"""Puts what was measured into a document, between two marks; the words around it are written by hand."""

from __future__ import annotations

from pathlib import Path

BEGIN, END = "<!-- measured -->\n", "<!-- end of what was measured -->"


def fill(path: Path | None, text: str) -> None:
    """Replace what stands between the marks, or print it where there is no document."""
    if path is None:
        print(text)
        return
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    assert mark, f"{path} has no marks"
    path.write_text(f"{before}{BEGIN}{text}\n{mark}{after}", encoding="utf-8")
