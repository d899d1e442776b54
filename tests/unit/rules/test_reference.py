"""The scalar evaluator answers as json-logic-js 2.0.5 does."""

import json
from pathlib import Path
from typing import Any

import pytest

from journey_pipelines.rules import compile_rule, safe_json_logic
from tests.unit.rules.reference.vectors import differs, is_same, read_sample

OFFICIAL = Path(__file__).parents[4] / "shared" / "jsonlogic" / "tests.json"


@pytest.mark.skipif(not OFFICIAL.exists(), reason=f"the official cases are not at {OFFICIAL.name}")
def test_official_cases_pass() -> None:
    cases = [case for case in json.loads(OFFICIAL.read_text()) if not isinstance(case, str)]
    wrong = [case for case in cases if not is_same(compile_rule(case[0]).scalar(case[1]), case[2])]
    assert len(cases) == 278
    assert wrong == []


def test_vectors_made_by_the_reference_agree() -> None:
    assert [found for vector in read_sample() if (found := differs(vector))] == []


@pytest.mark.parametrize(
    ("rule", "data"), [({"foo": 1}, {}), (object(), {}), ({"var": "x"}, {"x": object()}), ({"*": []}, None)]
)
def test_safe_json_logic_gives_the_default_where_anything_is_wrong(rule: Any, data: Any) -> None:
    assert safe_json_logic(rule, data, default="?") == "?"


def test_safe_json_logic_gives_the_value() -> None:
    assert safe_json_logic({">": [{"var": "sessions_1d"}, 0]}, {"sessions_1d": 2}) is True


def test_an_object_equals_itself() -> None:
    assert compile_rule({"==": [{"var": "o"}, {"var": "o"}]}).scalar({"o": {"x": 1}}) is True


def test_results_can_be_changed_without_changing_the_rule() -> None:
    rule = compile_rule({"if": [True, [1]]})
    rule.scalar({}).append(2)
    assert rule.scalar({}) == [1]
