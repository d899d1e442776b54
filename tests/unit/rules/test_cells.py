"""Cells of every library: what they mean, alike in both evaluators, and that what means nothing is named."""

from collections import OrderedDict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from journey_pipelines.errors import JourneysError
from journey_pipelines.rules import RuleError, RuleEvaluationError, compile_rule, masks
from tests.unit.rules.reference.vectors import is_same

READ = compile_rule({"var": "x"})


def cells(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(np.fromiter(values, dtype=object, count=len(values)), dtype=object)})


def arrow(values: Any, kind: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(pd.array(pa.array(values, kind), dtype=pd.ArrowDtype(kind)))})


DAY = np.array(["2024-01-05"], dtype="datetime64[ns]")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (timedelta.max, timedelta.max.total_seconds()),
        (Decimal("sNaN"), None),
        (np.array(5), 5),
        (np.array("2024-01-05", dtype="datetime64[s]"), "2024-01-05T00:00:00"),
        (DAY, ["2024-01-05T00:00:00"]),
        (np.array([5], dtype="timedelta64[s]"), [5.0]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (10**400, np.inf),
        (-(10**400), -np.inf),
        ({1: {2.5: "x"}}, {"1": {"2.5": "x"}}),
    ],
    ids=str,
)
def test_an_odd_cell_means_the_same_to_both_evaluators(cell: Any, value: Any) -> None:
    assert is_same(READ.scalar({"x": cell}), value)
    assert is_same(READ.values(cells(cell, None)).iloc[0], value)
    assert READ.mask(cells(cell, None)).tolist() == [value is not None, False]


@pytest.mark.parametrize("cell", [np.timedelta64(1, "Y"), {10**5000: 1}, b"x", 1j])
def test_a_cell_that_means_nothing_is_an_error_of_ours(cell: Any) -> None:
    text = compile_rule({"cat": [{"var": "x"}, 1]})
    answers = (lambda: READ.scalar({"x": cell}), lambda: READ.values(cells(cell, 1)), lambda: text.mask(cells(cell, 1)))
    for answer in answers:
        with pytest.raises(RuleEvaluationError, match=r"found|cannot read|has no text"):
            answer()


def test_times_beyond_what_python_has_are_an_error_of_ours() -> None:
    far = pa.array([2_932_897, None], pa.int32()).cast(pa.date32())
    frame = pd.DataFrame({"x": pd.Series(pd.array(far, dtype=pd.ArrowDtype(pa.date32())))})
    for answer in (READ.mask, READ.values):
        with pytest.raises(RuleEvaluationError, match="date32"):
            answer(frame)


@pytest.mark.parametrize("rule", [{10**5000: 1}, {10**5000: {1}}, {"==": [1, {10**5000: 1, "a": {2}}]}])
def test_keys_of_a_rule_that_have_no_text_are_faults(rule: Any) -> None:
    with pytest.raises(RuleError, match="has a key of type int"):
        compile_rule(rule)


def test_an_unknown_policy_for_missing_cells_is_named() -> None:
    wrong: Any = "nul"
    frame = cells(1)
    for answer in (READ.mask, READ.values, READ.explain, lambda *given: masks([READ], *given)):
        with pytest.raises(JourneysError, match=r"missing='nul' is not known; known are 'absent' and 'null'"):
            answer(frame, wrong)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.string_view(), ["a", None, "1"]),
        (pa.list_view(pa.int64()), [[1, 2], None, []]),
        (pa.large_list_view(pa.string_view()), [["a"], None, [None]]),
        (pa.list_(pa.string_view()), [["a"], None, []]),
        (pa.list_view(pa.list_view(pa.int8())), [[[1], []], None, []]),
        (pa.struct([("y", pa.string_view()), ("l", pa.list_view(pa.int8()))]), [{"y": "a", "l": [1]}, None]),
    ],
    ids=str,
)
def test_arrow_views_are_read_as_what_they_show(kind: Any, values: list[Any]) -> None:
    frame = arrow(["?", *values] if kind == pa.string_view() else [values[0], *values], kind).iloc[1:]
    assert READ.values(frame).tolist() == values
    assert READ.mask(frame).tolist() == [bool(value) for value in values]
    some = compile_rule({"some": [{"var": "x"}, {"in": [{"var": ""}, [1, "a"]]}]})
    assert some.mask(frame).tolist() == [some.scalar({"x": value}) for value in values]


def test_a_field_with_dots_in_its_name_is_not_a_path() -> None:
    rule = compile_rule({"some": [{"var": "x"}, {"==": [{"var": "y.z"}, 1]}]})
    frame = arrow([[{"y.z": 1}]], pa.list_(pa.struct([("y.z", pa.int64())])))
    assert rule.mask(frame).tolist() == [False] == [rule.scalar({"x": [{"y.z": 1}]})]


def test_names_that_are_no_texts_are_read_by_their_text() -> None:
    rule = compile_rule({"var": 1})
    assert rule.scalar({1: "a"}) == "a" == rule.values(pd.DataFrame({1: ["a"]})).iloc[0]
    assert compile_rule({"var": "o.1"}).scalar({"o": {1: "a"}}) == "a"


def test_columns_of_longer_names_lie_over_a_column() -> None:
    frame = pd.DataFrame({"a": [5, 5], "a.b": ["x", None]})
    assert compile_rule({"var": "a"}).values(frame).tolist() == [{"b": "x"}, 5]
    assert compile_rule({"==": [{"var": "a"}, 5]}).mask(frame).tolist() == [False, True]
    texts = pd.DataFrame({"a": ["text", "text"], "a.b": ["x", None]})
    assert compile_rule({"var": "a.length"}).values(texts).tolist() == [None, 4]


@pytest.mark.parametrize("dtype", ["object", "string[python]"])
@pytest.mark.parametrize("turn", [1, -1])
def test_half_surrogate_pairs_are_not_what_python_shows_for_them(dtype: str, turn: int) -> None:
    texts = ["\ud800", "'\\ud800'", "\udc00", "1"][::turn]
    frame = pd.DataFrame({"x": pd.Series(texts, dtype=dtype)})
    for rule in ({"==": [{"var": "x"}, "\ud800"]}, {"<": [{"var": "x"}, "2"]}, {"==": [{"var": "x"}, 1]}):
        compiled = compile_rule(rule)
        assert compiled.mask(frame).tolist() == [compiled.scalar({"x": text}) for text in texts]


def test_a_category_that_no_row_has_may_be_anything() -> None:
    frame = pd.DataFrame({"x": pd.Categorical(["a"], categories=["a", b"z"])})
    assert READ.values(frame).tolist() == ["a"]
    assert compile_rule({"==": [{"var": "x"}, "a"]}).mask(frame).tolist() == [True]


def test_objects_inside_frames_are_read_by_the_texts_of_their_keys() -> None:
    assert compile_rule({"var": "o.1"}).values(pd.DataFrame({"o": [{1: "a"}, {"1": "b"}]})).tolist() == ["a", "b"]


def test_an_empty_list_names_the_property_without_a_name() -> None:
    rule = compile_rule({"some": [{"var": "l"}, {"==": [{"var": [[]]}, 1]}]})
    assert rule.mask(pd.DataFrame({"l": [[1, 2], [{"": 1}]]})).tolist() == [False, True]
    assert [rule.scalar({"l": value}) for value in ([1, 2], [{"": 1}])] == [False, True]


def test_a_missing_key_without_a_name_is_the_document() -> None:
    rule = compile_rule({"missing": ["", "tier"]})
    assert rule.mask(pd.DataFrame({"tier": ["gold", ""]})).tolist() == [False, True]


@pytest.mark.parametrize("rule", [{"var": "x"}, {"and": [{"==": [{"var": "n"}, 1]}, {"cat": [{"var": "x"}]}]}])
def test_a_cell_nested_without_end_is_an_error_of_ours(rule: Any) -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = OrderedDict(a=deep)
    frame, compiled = cells(deep).assign(n=1), compile_rule(rule)
    for answer in (compiled.mask, compiled.values, lambda given: masks([compiled], given)):
        with pytest.raises(RuleEvaluationError, match="nested too deep"):
            answer(frame)


@pytest.mark.parametrize("array", [DAY, np.array([1, 2])], ids=str)
def test_an_array_is_one_list_however_often_it_is_read(array: Any) -> None:
    rule = compile_rule({"===": [{"*": [{"var": "x"}]}, {"var": "x"}]})
    assert rule.values(cells(array, [1])).tolist() == [True, True] == [rule.scalar({"x": one}) for one in (array, [1])]
