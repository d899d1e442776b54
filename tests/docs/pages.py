"""The pages of the documentation and their parts: headings, links, code blocks, code spans."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MISSING = re.compile(r"^## What is still missing$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """Without code blocks."""
        return FENCE.sub("", self.text)

    @property
    def present(self) -> str:
        """Without what is only announced."""
        return MISSING.sub("", self.text)

    def links(self) -> list[str]:
        """Targets of links to other files and headings; not to the web."""
        return [target for target in LINK.findall(self.prose) if "://" not in target]

    def blocks(self, language: str) -> list[str]:
        return [code for found, code in FENCE.findall(self.text) if found == language]

    def anchors(self) -> set[str]:
        """As GitHub makes them of headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(self.prose)}


def pages() -> list[Page]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return [Page(path) for path in sorted(found)]


def page(name: str) -> Page:
    return Page(ROOT / name)


def spans(text: str) -> list[str]:
    """What stands in backticks, outside of code blocks."""
    return SPAN.findall(FENCE.sub("", text))


def code_lines(text: str) -> Iterator[str]:
    """Lines of code blocks and the contents of code spans."""
    for _, code in FENCE.findall(text):
        yield from code.splitlines()
    yield from spans(text)
