"""Every row of the table in docs/rules.md is true, over the document and over a frame."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.rules import compile_rule
from tests.unit.rules.reference.vectors import is_same

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
ROW = re.compile(r"^\| `(.+?)` \| `(.*?)` \| `(.*?)` \|")
NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def rows() -> list[tuple[str, str, str]]:
    found = [match.groups() for line in PAGE.read_text().splitlines() if (match := ROW.match(line))]
    return [(rule, document, value) for rule, document, value in found]


def expected(text: str) -> Any:
    return NUMBERS[text] if text in NUMBERS else json.loads(text)


def test_the_page_has_its_table() -> None:
    assert len(rows()) >= 50


@pytest.mark.parametrize(("rule", "document", "value"), rows())
def test_row_of_the_page_holds_for_a_document(rule: str, document: str, value: str) -> None:
    assert is_same(compile_rule(json.loads(rule)).scalar(json.loads(document)), expected(value))


@pytest.mark.parametrize(("rule", "document", "value"), rows())
def test_row_of_the_page_holds_for_a_frame(rule: str, document: str, value: str) -> None:
    data = json.loads(document)
    frame = pd.DataFrame({name: pd.Series([cell], dtype=object) for name, cell in data.items()}, index=[0])
    found = compile_rule(json.loads(rule)).values(frame, missing="null" if None in data.values() else "absent")
    assert is_same(found.iloc[0], expected(value))
