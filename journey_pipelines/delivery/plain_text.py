"""The text part of an e-mail for which only HTML was written."""

import re
from html.parser import HTMLParser
from typing import Final

BLOCKS: Final = frozenset(
    {"address", "blockquote", "br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "table", "tr"}
)
UNSEEN: Final = frozenset({"head", "script", "style", "title"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self._unseen += 1
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")
        elif tag in BLOCKS:
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "a" and self._links and (address := self._links.pop()):
            self.parts.append(f" ({address})")
        elif tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain_text(html: str) -> str:
    """Readable text of HTML: blocks become lines, links keep their address, scripts and styles go.

    Works on the source of a template as well: its expressions are text.

    >>> plain_text("<p>Hello {{ name }},</p><p>see <a href='https://example.com'>your offer</a></p>")
    'Hello {{ name }},\\n\\nsee your offer (https://example.com)'
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [line.strip() for line in "".join(reader.parts).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
