"""No rule runs long or holds much memory, whatever it and the data are."""

from time import process_time
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from journey_pipelines.rules import RuleEvaluationError, compile_rule, masks, safe_json_logic
from journey_pipelines.rules.columns import evaluate, nodes

MOST_SECONDS = 20.0  # a few on any machine; each of these once took minutes or gigabytes


@pytest.fixture(autouse=True)
def _is_soon_done() -> Any:
    start = process_time()
    yield
    assert process_time() - start < MOST_SECONDS


@pytest.mark.parametrize("digits", ["1", "1.1", "1e1", ".1"])
def test_a_long_text_that_is_almost_a_number_is_soon_read(digits: str) -> None:
    text = digits + "1" * 200_000 + "x"
    assert safe_json_logic({"==": [{"var": "x"}, 1]}, {"x": text}) is False
    assert compile_rule({"==": [{"var": "x"}, 1]}).values(pd.DataFrame({"x": [text, "1"]})).tolist() == [False, True]


A = {"var": "accumulator"}
SIXTEEN, EIGHTEEN = [1] * 16, [1] * 18
BIG = {"reduce": [SIXTEEN, {"merge": [A, A]}, [0]]}
TEXT = {"reduce": [EIGHTEEN, {"cat": [A, A]}, "ab"]}
OVER = [{"var": "l"}]
L = {"l": [-1] * 20_000}


@pytest.mark.parametrize(
    "rule",
    [
        {"reduce": [BIG, {"if": [{"in": [-1, A]}, 0, A]}, BIG]},
        {"reduce": [BIG, {"if": [{"==": [A, 1]}, 0, A]}, BIG]},
        {"reduce": [BIG, {"if": [{"<": [A, TEXT]}, 0, A]}, TEXT]},
        {"reduce": [BIG, {"if": [{"missing": [A]}, A, 0]}, BIG]},
        {"map": [{"var": "l"}, {"in": [{"var": ""}, list(range(99_000))]}]},
        {"map": [{"var": "l"}, {"missing": [[["a"] * 1000]]}]},
        {"map": [{"var": "l"}, {"and": [1] * 99_000}]},
        {"map": [{"var": "l"}, {"var": "a" * 1_000_000}]},
        {"map": [{"var": "l"}, {"var": [{"cat": ["a" * 100_000, "b"]}]}]},
        {"map": [{"var": "l"}, TEXT]},
        {"map": [{"var": "l"}, BIG]},
        {"reduce": [BIG, {"if": [{"substr": [A, 0, 0]}, 0, A]}, TEXT]},
    ],
    ids=lambda rule: str(rule)[-70:],
)
def test_a_rule_that_does_too_much_for_one_customer_is_stopped(rule: Any) -> None:
    compiled = compile_rule(rule)
    with pytest.raises(RuleEvaluationError, match=r"takes more than \d+ steps|of \d+ elements where"):
        compiled.scalar(L)


def test_an_honest_rule_is_far_from_the_bound() -> None:
    bought = {"some": [{"var": "baskets"}, {"in": [{"var": "sku"}, list(range(5_000))]}]}
    assert compile_rule(bought).scalar({"baskets": [{"sku": -1}] * 500}) is False


def test_columns_stop_a_rule_that_does_too_much_for_one_customer() -> None:
    for rule in ({"reduce": [BIG, {"if": [{"in": [-1, A]}, 0, A]}, BIG]}, {"map": [{"var": "l"}, TEXT]}):
        with pytest.raises(RuleEvaluationError, match="takes more than"):
            compile_rule(rule).mask(pd.DataFrame({"l": [L["l"]]}))


@pytest.mark.parametrize("length", [1_000_000, 1_000_001])
@pytest.mark.parametrize("dtype", ["object", "arrow"])
def test_both_evaluators_refuse_a_list_of_more_than_a_million(length: int, dtype: str) -> None:
    numbers = pa.array([0] * length).cast(pa.int8())
    column = pd.Series([[0] * length], dtype=object)
    if dtype == "arrow":
        lists = pa.ListArray.from_arrays(pa.array([0, length], pa.int32()), numbers)
        column = pd.Series(pd.array(lists, dtype=pd.ArrowDtype(lists.type)))
    rule = compile_rule({"some": [{"var": "l"}, {"var": ""}]})
    answers = [
        lambda: [rule.scalar({"l": [0] * length})],
        lambda: rule.mask(pd.DataFrame({"l": column})).tolist(),
        lambda: rule.values(pd.DataFrame({"l": column})).tolist(),
    ]
    for answer in answers:
        if length > 1_000_000:
            with pytest.raises(RuleEvaluationError, match="list of 1000001 elements"):
                answer()
        else:
            assert answer() == [False]


def test_time_for_a_deep_rule_grows_as_the_rule_does() -> None:
    rule: Any = 1
    for _ in range(120):
        rule = {"and": [rule, *({"==": [{"var": "x"}, number]} for number in range(100))]}
    compiled = compile_rule(rule)
    assert masks([compiled, compiled], pd.DataFrame({"x": [1] * 3, "y": 1}))[0].tolist() == [False] * 3


def test_parts_of_a_rule_share_the_bound_in_both_evaluators() -> None:
    count = {"reduce": [{"var": "l"}, {"+": [A, 1]}, 0]}
    rule = compile_rule({"==": [count, count]})
    for answer in (lambda: rule.scalar({"l": [0] * 600_000}), lambda: rule.mask(pd.DataFrame({"l": [[0] * 600_000]}))):
        with pytest.raises(RuleEvaluationError, match="takes more than"):
            answer()


def test_columns_keep_truthiness_only_where_texts_of_all_rows_are_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (evaluate, nodes):
        monkeypatch.setattr(module, "MAX_KEPT", 100_000)
    frame = pd.DataFrame({"a": range(20)})
    text = {"cat": [{"var": "a"}, TEXT]}
    assert compile_rule({"==": [text, "x"]}).mask(frame).tolist() == [False] * 20
    assert compile_rule({"==": [text, "x"]}).values(frame).tolist() == [False] * 20
    assert compile_rule(text).mask(frame).all()
    with pytest.raises(RuleEvaluationError, match="evaluate fewer rows at a time"):
        compile_rule(text).values(frame)
