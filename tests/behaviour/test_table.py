"""The table of behaviour names tests that exist, for every sentence."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

TESTS: Final = Path(__file__).parents[1]
PAGE: Final = TESTS.parent / "docs" / "behaviour.md"
ROW: Final = re.compile(r"\| (?P<paragraph>[A-Z][a-z ]+?) (?P<number>\d+) \| (?P<text>.+?) \| (?P<tests>.*) \|")
NAMED: Final = re.compile(r"`(?P<path>[\w/]+\.py)::(?P<name>test_\w+)`")
PARAGRAPHS: Final = (
    "Time", "Entry", "Exit", "Condition", "Wait", "Action", "Cycles", "Versions", "Late runs", "Guards", "Consent",
    "Missing customers", "Randomness", "Effects", "Replay",
)  # fmt: skip


class Row(NamedTuple):
    """One sentence of the page."""

    paragraph: str
    number: int
    text: str
    tests: tuple[tuple[str, str], ...]


def rows() -> Iterator[Row]:
    """Every row of every table of the page."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| ") or line.startswith(("| | ", "| --- ")):
            continue
        match = ROW.fullmatch(line)
        assert match, f"{PAGE.name} has a row of another shape: {line}"
        named = tuple((found["path"], found["name"]) for found in NAMED.finditer(match["tests"]))
        yield Row(match["paragraph"], int(match["number"]), match["text"], named)


@cache
def names_in(path: str) -> frozenset[str]:
    """Names of the tests in a file below `tests/`; none where there is no such file."""
    file = TESTS / path
    if not file.is_file():
        return frozenset()
    statements = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(statement.name for statement in statements if isinstance(statement, ast.FunctionDef))


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row.paragraph} {row.number}")
def test_each_sentence_has_tests_that_exist(row: Row) -> None:
    assert row.tests, f"{row.text!r} has no test"
    missing = [f"{path}::{name}" for path, name in row.tests if name not in names_in(path)]
    assert missing == []


def test_every_paragraph_is_there_and_numbered_from_one() -> None:
    numbers: dict[str, list[int]] = {}
    for row in rows():
        numbers.setdefault(row.paragraph, []).append(row.number)
    assert tuple(numbers) == PARAGRAPHS
    assert all(found == [*range(1, len(found) + 1)] for found in numbers.values())


def test_no_sentence_is_told_twice() -> None:
    assert [text for text, count in Counter(row.text for row in rows()).items() if count > 1] == []
