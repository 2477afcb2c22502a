"""Writes the page."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ..experiment.storage import check_suffix, write_atomically
from .payload import LARGEST, payload_of

if TYPE_CHECKING:
    import xarray

PARTS = ("template.html", "style.css", "script.js")


def check_page(path: Path) -> None:
    """Refuse a path that cannot be the page's.

    Raises
    ------
    InvalidInput
        If it does not end in .html, or its folder cannot be written.
    """
    check_suffix(path, ".html", "a report must end in .html")


def page_of(data: xarray.Dataset, title: str) -> bytes:
    """Make the page of a sweep: HTML that needs no other file and no network.

    Parameters
    ----------
    data : xarray.Dataset
        As ``open_sweep`` gives it.
    title : str

    Returns
    -------
    bytes
        Up to 2 MB, unless the scalars alone are more; beyond it curves are thinned, and the page says so.
    """
    parts = {name: (files(__package__) / name).read_text(encoding="utf-8") for name in PARTS}
    known = {"/* style */": parts["style.css"], "/* script */": parts["script.js"], "{{title}}": html.escape(title)}
    before, after = (_filled(part, known) for part in parts["template.html"].split("{{data}}"))
    content = payload_of(data).encoded(LARGEST - len(before) - len(after))
    return before + content + after


def write_page(data: xarray.Dataset, path: Path, title: str) -> None:
    """Write the page of a sweep, whole or not at all; ``page_of`` says what it is.

    Raises
    ------
    InvalidInput
        If the path cannot be the page's.
    """
    check_page(path)
    content = page_of(data, title)
    write_atomically(path, lambda stream: stream.write(content))


def _filled(text: str, known: Mapping[str, str]) -> bytes:
    """Put in what is known, and nothing into that again."""
    pattern = "|".join(re.escape(name) for name in known)
    return re.sub(pattern, lambda found: known[found.group()], text).encode()
