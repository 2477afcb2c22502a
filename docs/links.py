"""Check a built site: links lead to pages and places that are there, and nothing is fetched from elsewhere."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LEADS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src", "iframe": "src"}
FETCHED = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")
"""What a style fetches from elsewhere."""
TOLD = ("canonical", "search", "index", "next", "prev")


class Page(HTMLParser):
    """The places of a page and its links, with the tag of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the places and links of one tag."""
        found = dict(attrs)
        self.places |= {place for place in (found.get("id"), found.get("name") if tag == "a" else None) if place}
        link = found.get(LEADS.get(tag, ""))
        if link is not None and not (tag == "link" and (found.get("rel") or "") in TOLD):
            self.links.append((tag, link))


def broken(site: Path) -> list[str]:
    """Return a line for every link that leads nowhere, and for all that a browser would fetch from elsewhere."""
    site = site.resolve()
    texts = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    if not texts:
        return [f"{site}: no page here; name the folder of a built site"]
    pages = {path: Page(text) for path, text in texts.items()}
    styles = texts | {path: path.read_text(encoding="utf-8") for path in site.rglob("*.css")}
    lines = [
        f"{path.relative_to(site)}: {link} is fetched from elsewhere"
        for path, text in styles.items()
        for link in FETCHED.findall(text)
    ]
    for path, page in pages.items():
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme == "data":
                continue
            where = path.relative_to(site)
            if parts.scheme or parts.netloc:
                lines += [f"{where}: {link} is fetched from elsewhere"] if tag != "a" else []
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not (target.exists() and target.is_relative_to(site)):
                lines.append(f"{where}: no file {link}")
            elif target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].places:
                lines.append(f"{where}: no place {link}")
    return lines


if __name__ == "__main__":
    found = broken(Path(sys.argv[1]))
    print("\n".join(found) or f"{sys.argv[1]}: every link leads somewhere")
    sys.exit(1 if found else 0)
