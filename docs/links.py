"""Check every link of a built site that does not leave it: the page is there, and so is the place on it."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LEADS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}
LOADED = ("link", "img", "script", "source")
"""What a browser fetches by itself: none of it may come from elsewhere."""
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
        self.places |= {place for place in (found.get("id"), found.get("name")) if place}
        link = found.get(LEADS.get(tag, ""))
        if link is not None and not (tag == "link" and (found.get("rel") or "") in TOLD):
            self.links.append((tag, link))


def broken(site: Path) -> list[str]:
    """Return a line for every link that leads nowhere, or fetches something from elsewhere."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    lines = []
    for path, page in pages.items():
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme == "data":
                continue
            where = path.relative_to(site.resolve())
            if parts.scheme or parts.netloc:
                lines += [f"{where}: {link} is fetched from elsewhere"] if tag in LOADED else []
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                lines.append(f"{where}: no file {link}")
            elif target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].places:
                lines.append(f"{where}: no place {link}")
    return lines


if __name__ == "__main__":
    found = broken(Path(sys.argv[1]))
    print("\n".join(found) or f"{sys.argv[1]}: every link leads somewhere")
    sys.exit(1 if found else 0)
