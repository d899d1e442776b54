"""HTML cut into texts and tags, in one pass: the standard library's parser takes hours over what is left open."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Final

# possessive throughout: a tag that does not end is found out once, and then nothing after it is a tag
TAG: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)((?>[^>=]++|=\s*+\"[^\"]*+\"|=\s*+'[^']*+'|=)*+)>")
ATTRIBUTE: Final = re.compile(r"([^\s\"'>/=]++)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s>]*+))?")
OPENING: Final = re.compile(r"<[a-zA-Z/!?]")
RAW_TEXT: Final = ("script", "style")
RAW_TEXT_ENDS: Final = {name: re.compile(f"</{name}", re.IGNORECASE) for name in RAW_TEXT}


@dataclass(frozen=True)
class Piece:
    """A text (`tag` is empty), or a tag: its name in small letters, and what stands behind the name."""

    text: str
    tag: str = ""
    is_end: bool = False

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Names in small letters and values as a browser reads them; of a name that stands twice, both."""
        for name, value in ATTRIBUTE.findall(self.text):
            yield name.lower(), unescape(value[1:-1] if value[:1] in ("'", '"') else value)


def pieces(html: str) -> Iterator[Piece]:
    """Texts and tags in their order, without comments and declarations. What is left open at the end is left out."""
    at = 0
    while (opening := OPENING.search(html, at)) is not None:
        yield Piece(html[at : opening.start()])
        at = opening.start()
        if html[at + 1] in "!?" or (html[at + 1] == "/" and not html[at + 2 : at + 3].isalpha()):
            end = html.find("-->", at + 4) + 2 if html.startswith("<!--", at) else html.find(">", at)
            if end <= at:
                return
            at = end + 1
            continue
        tag = TAG.match(html, at)
        if tag is None:
            return
        piece = Piece(tag[3], tag[2].lower(), is_end=bool(tag[1]))
        yield piece
        at = tag.end()
        if piece.tag in RAW_TEXT_ENDS and not piece.is_end:
            closing = RAW_TEXT_ENDS[piece.tag].search(html, at)
            yield Piece(html[at : closing.start() if closing else len(html)])
            at = closing.start() if closing else len(html)
    yield Piece(html[at:])
