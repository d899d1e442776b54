"""The text part of an e-mail for which only HTML was written."""

import re
from html import unescape
from typing import Final

from journey_pipelines.delivery.html_pieces import Piece, pieces

BLOCKS: Final = frozenset(
    {"address", "blockquote", "br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "table", "tr"}
)
UNSEEN: Final = frozenset({"head", "script", "style", "title"})


class _Reader:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self._unseen = 0
        self._links: list[str] = []

    def read(self, piece: Piece) -> None:
        if not piece.tag:
            if not self._unseen:
                self.parts.append(re.sub(r"\s+", " ", unescape(piece.text)))
        elif piece.is_end:
            self._end(piece.tag)
        else:
            self._start(piece)

    def _start(self, piece: Piece) -> None:
        if piece.tag in UNSEEN:
            self._unseen += 1
        elif piece.tag == "a":
            self._links.append(dict(piece.attributes()).get("href", ""))
        elif piece.tag in BLOCKS:
            self.parts.append("\n- " if piece.tag == "li" else "\n")

    def _end(self, tag: str) -> None:
        if tag in UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "a" and self._links and (address := self._links.pop()):
            self.parts.append(f" ({address})")
        elif tag in BLOCKS:
            self.parts.append("\n")


def plain_text(html: str) -> str:
    """Readable text of HTML: blocks become lines, links keep their address, scripts and styles go.

    Works on the source of a template as well: its expressions are text.

    >>> plain_text("<p>Hello {{ name }},</p><p>see <a href='https://example.com'>your offer</a></p>")
    'Hello {{ name }},\\n\\nsee your offer (https://example.com)'
    """
    reader = _Reader()
    for piece in pieces(html):
        reader.read(piece)
    lines = [line.strip() for line in "".join(reader.parts).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
