"""`explain` tells how each node of a rule is evaluated over a frame."""

from typing import Any

import pandas as pd

from journey_pipelines.rules import compile_rule

FRAME = pd.DataFrame({"x": [1.0, 2.0], "tier": ["gold", None], "tags": [["a"], []]})


def ways(rule: Any, frame: pd.DataFrame = FRAME) -> dict[str, str]:
    return {step.pointer: step.how for step in compile_rule(rule).explain(frame)}


def test_a_comparison_of_a_number_goes_over_columns() -> None:
    assert ways({">": [{"var": "x"}, 1]}) == {
        "": "columns", "/>/0": "columns", "/>/0/var/0": "constant", "/>/1": "constant",
    }  # fmt: skip


def test_a_subtree_of_one_text_column_goes_once_for_each_distinct_value() -> None:
    found = ways({"and": [{">": [{"var": "x"}, 1]}, {"==": [{"cat": [{"var": "tier"}, "!"]}, "gold!"]}]})
    assert found["/and/0"] == "columns"
    assert found["/and/1"] == "once for each distinct value"
    assert found["/and/1/==/0"] == "once for each distinct value"


def test_a_list_operator_goes_over_the_elements_of_all_rows() -> None:
    found = ways({"some": [{"var": "tags"}, {"==": [{"var": ""}, "a"]}]})
    assert found[""] == "columns"
    assert found["/some/1"] == "once for each distinct value"


def test_texts_that_hardly_repeat_are_vectors() -> None:
    frame = pd.DataFrame({"id": [f"c{number}" for number in range(20_000)]})
    assert ways({"==": [{"var": "id"}, "c7"]}, frame)[""] == "vectors of JSON values"


def test_what_nothing_covers_goes_once_for_each_row() -> None:
    found = ways({"or": [{">": [{"var": "x"}, 1]}, {"cat": [{"var": "x"}, {"var": "tier"}]}]})
    assert found["/or/0"] == "columns"
    assert found["/or/1"] == "once for each row"
