"""What the column evaluator makes of frames: names, dtypes, missing cells, errors, and how often Python is called."""

import gc
import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from journey_pipelines.rules import RuleEvaluationError, compile_rule


def values(rule: Any, columns: dict[str, Any], **options: Any) -> list[Any]:
    found: list[Any] = compile_rule(rule).values(pd.DataFrame(columns), **options).tolist()
    return found


def test_the_longest_column_name_wins() -> None:
    columns = {"a.b.c": ["exact"], "a.b": [{"c": "no", "d": "middle"}], "a": [{"b": {"e": "no"}, "f": "short"}]}
    assert values([{"var": "a.b.c"}, {"var": "a.b.d"}, {"var": "a.f"}, {"var": "a.b.e"}], columns) == [
        ["exact", "middle", "short", None]
    ]


def test_columns_with_dots_make_an_object() -> None:
    columns = {"event.amount": [5.0, np.nan, np.nan], "event.kind": ["x", "y", None]}
    assert values({"var": "event"}, columns) == [{"amount": 5.0, "kind": "x"}, {"kind": "y"}, None]
    assert values({"var": "event"}, columns, missing="null")[2] == {"amount": None, "kind": None}


def test_a_column_that_the_frame_lacks_is_absent() -> None:
    assert values({"var": ["nope", "default"]}, {"x": [1, 2]}) == ["default", "default"]


def test_the_default_tells_absent_from_null() -> None:
    rule = {"var": ["x", 7]}
    assert values(rule, {"x": [1.0, np.nan]}) == [1.0, 7]
    assert values(rule, {"x": [1.0, np.nan]}, missing="null") == [1.0, None]


def test_nan_is_null_and_a_computed_nan_is_not() -> None:
    assert values({"==": [{"var": "x"}, None]}, {"x": [np.nan]}) == [True]
    assert values({"==": [{"+": [{"var": "x"}, 1]}, None]}, {"x": [np.nan]}) == [False]


def test_the_whole_document_equals_itself() -> None:
    assert values({"==": [{"var": ""}, {"var": ""}]}, {"x": [1, 2]}) == [True, True]


def test_a_subtrahend_that_is_undefined_leaves_the_negative() -> None:
    assert values({"-": [{"var": "x"}, {"and": []}]}, {"x": [1, 2]}) == [-1, -2]


def test_timestamps_compare_as_iso_text() -> None:
    at = pd.to_datetime(["2024-01-05T10:00:00", "2023-12-31"], format="ISO8601", utc=True)
    assert values({">=": [{"var": "at"}, "2024-01-01"]}, {"at": at}) == [True, False]
    assert values({"var": "at"}, {"at": at})[0] == "2024-01-05T10:00:00+00:00"


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_many_different_timestamps_compare_as_their_texts_do(zone: str | None, unit: str) -> None:
    step = pd.Timedelta("7h13m0.25s")
    at = pd.date_range("2023-01-01", periods=5_000, freq=step, unit=unit, tz=zone).to_series(index=range(5_000))
    at.iloc[3] = pd.NaT
    texts = at.map(pd.Timestamp.isoformat, na_action="ignore").astype(object)
    frame = pd.DataFrame({"at": at, "text": texts.where(at.notna(), None)})
    bounds = ["2024-02-01", at.iloc[70].isoformat(), "2024-02-01T00:00:00.25+00:00", "3", "", "ä", "2023-05-01T10"]
    for bound in bounds:
        for operator in ("<", "<=", ">", ">="):
            for arguments in ([{"var": "?"}, bound], [bound, {"var": "?"}], [{"var": ["?", "2024"]}, bound]):
                rule = json.dumps({operator: arguments})
                dates, plain = (compile_rule(json.loads(rule.replace("?", name))) for name in ("at", "text"))
                assert dates.mask(frame).tolist() == plain.mask(frame).tolist(), rule


@pytest.mark.parametrize(
    ("needed", "holds"), [(0, False), (5e-324, True), (1, True), (1.5, True), (-1, False), ("x", True)]
)
def test_a_fraction_needed_is_more_than_nothing_there(needed: Any, holds: bool) -> None:
    rule = compile_rule({"missing_some": [needed, ["x", "y"]]})
    assert rule.mask(pd.DataFrame({"x": [np.nan]})).tolist() == [holds] == [bool(rule.scalar({}))]


def test_lengths_count_utf_16_units() -> None:
    assert values({"var": "s.length"}, {"s": ["abc", "😀", None]}) == [3, 2, None]


def test_index_and_order_stay() -> None:
    frame = pd.DataFrame({"x": [3, 1]}, index=["b", "a"])
    found = compile_rule({"var": "x"}).values(frame)
    assert found.index.tolist() == ["b", "a"]
    assert found.tolist() == [3, 1]


def test_an_empty_frame_gives_nothing() -> None:
    rule = compile_rule({"and": [{"some": [{"var": "l"}, {"*": []}]}, {"cat": [{"var": "s"}]}, {"merge": []}]})
    assert rule.mask(pd.DataFrame({"l": [], "s": []})).tolist() == []
    assert rule.values(pd.DataFrame({"l": [], "s": []})).tolist() == []


def test_a_branch_that_would_fail_does_not_touch_other_rows() -> None:
    rule = compile_rule({"if": [{"==": [{"var": "o"}, None]}, "none", {">": [{"var": "o"}, 1]}]})
    frame = pd.DataFrame({"o": pd.Series([None, 5], dtype=object)})
    assert rule.values(frame).tolist() == ["none", True]
    failing = compile_rule({"and": [{"var": "x"}, {"<": [{"var": "o"}, 1]}]})
    hidden = pd.DataFrame({"x": [False], "o": pd.Series([{"toString": 1}], dtype=object)})
    assert failing.mask(hidden).tolist() == [False]


def test_a_cell_that_is_no_json_value_is_named() -> None:
    with pytest.raises(RuleEvaluationError, match="found b'x' of type bytes"):
        values({"var": "x"}, {"x": pd.Series([b"x"], dtype=object)})


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(RuleEvaluationError, match="two columns named 'x'"):
        compile_rule({"var": "x"}).mask(pd.DataFrame([[1, 2]], columns=["x", "x"]))


def test_a_bound_frame_serves_many_rules() -> None:
    frame = pd.DataFrame({"x": [1, 5], "tier": ["gold", None]})
    first, second = compile_rule({">": [{"var": "x"}, 2]}), compile_rule({"!": {"var": "tier"}})
    bound = first.bind(frame)
    assert first.mask(bound).tolist() == [False, True]
    assert second.mask(bound).tolist() == [False, True]
    assert second.values(bound).tolist() == [False, True]


def big_frame(size: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": np.where(random.random(size) < 0.1, np.nan, random.random(size) * 100),
            "count": random.integers(0, 9, size),
            "tier": random.choice(["gold", "silver", "7"], size),
            "is_open": random.random(size) < 0.5,
            "customer.name": [f"c{number}" for number in range(size)],
        }
    )
    frame["mixed"] = pd.Series([[1, None, True, "2", 2.5, "x"][row % 6] for row in range(size)], dtype=object)
    frame["flag"] = pd.Series([[True, False, None][row % 3] for row in range(size)], dtype=object)
    nested = [{"p": {"q": row % 7}, "l": [1, "a"]} if row % 5 else None for row in range(size)]
    frame["nested"] = pd.Series(nested, dtype=object)
    frame["list"] = pd.Series([[row % 3, "a"] for row in range(size)], dtype=object)
    return frame


def var(*arguments: Any) -> dict[str, Any]:
    return {"var": list(arguments)}


NAMES = ["number", "count", "tier", "is_open", "mixed", "flag", "customer.name", "nested.p.q"]
ORDERS = [{operator: [var(name), 5]} for operator in ("==", "!=", "<", ">=") for name in NAMES]
PAIRS = [{operator: [var(name), var("mixed")]} for operator in ("===", "==", "<") for name in NAMES]
OTHERS = [
    {"!==": [var("tier"), "gold"]},
    {"<": [1, var("number"), 50]},
    {"<=": [1, var("mixed"), 50]},
    {"and": [{">": [var("number"), 1]}, {"==": [var("tier"), "gold"]}, {"!": [var("is_open")]}, {"!!": var("flag")}]},
    {"or": [{"<": [var("number"), 1]}, var("mixed")]},
    {"if": [{"==": [var("tier"), "gold"]}, {">": [var("number"), 5]}, var("flag"), var("mixed"), var("tier")]},
    {"+": [var("number"), var("count"), var("mixed")]},
    {"*": [var("customer.name"), 2]},
    {"/": [{"-": [var("mixed"), 1]}, {"%": [var("count"), 3]}]},
    {"in": [var("tier"), ["gold", "7"]]},
    {"in": ["ol", var("tier")]},
    {"in": [var("mixed"), var("list")]},
    {"in": [var("mixed"), [1, None, "2"]]},
    var("number", 7),
    var("mixed", "default"),
    var("nested.p.q", 4),
    var("nested.l.1"),
    var("customer.name.length"),
    {"missing": ["number", "mixed", "nested.p.q", "nope"]},
    {"missing_some": [1, ["number", "mixed"]]},
    {"some": [var("list"), {"==": [var(""), "a"]}]},
    {"all": [var("list"), {">": [var(""), 0]}]},
]


def calls_as_many(one: Callable[[], object], other: Callable[[], object]) -> bool:
    """Whether both call as many Python and C functions; again where not, since the interpreter has callbacks too."""
    return any(calls(one) == calls(other) for _ in range(3))


def calls(function: Callable[[], object]) -> int:
    """Calls of Python and C functions, without those that the garbage collector makes (hypothesis hooks into it)."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    gc.disable()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    return big_frame(12_000), big_frame(20_000)  # within one block


@pytest.mark.parametrize("rule", [*ORDERS, *PAIRS, *OTHERS], ids=str)
def test_function_calls_do_not_depend_on_the_number_of_rows(
    rule: Any, frames: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    compiled = compile_rule(rule)
    small, large = frames
    compiled.mask(small)
    compiled.values(small)
    assert calls_as_many(lambda: compiled.mask(small), lambda: compiled.mask(large))
    assert calls_as_many(lambda: compiled.values(small), lambda: compiled.values(large))
