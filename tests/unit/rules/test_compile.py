"""Compiling finds all faults at once, survives whatever it is given, and says what a rule reads."""

from typing import Any

import pandas as pd
import pytest

from journey_pipelines.errors import JourneysError
from journey_pipelines.rules import RuleError, RuleEvaluationError, compile_rule


def faults(rule: Any) -> list[str]:
    with pytest.raises(RuleError) as caught:
        compile_rule(rule)
    return [problem.path for problem in caught.value.problems]


def nested(levels: int) -> Any:
    rule: Any = {"var": "a"}
    for _ in range(levels):
        rule = {"!": rule}
    return rule


def test_all_faults_come_at_once_with_pointers() -> None:
    assert faults({"and": [{"foo": [1]}, {"or": {"bar/~": 1}}, float("nan"), {"baz": {1}}]}) == [
        "/and/0/foo",
        "/and/1/or/bar~1~0",
        "/and/2",
        "/and/3/baz",
        "/and/3/baz",
    ]


def test_message_names_the_operator_and_what_is_known() -> None:
    with pytest.raises(RuleError, match=r"/foo: unknown operator 'foo'; known are !, !!"):
        compile_rule({"foo": 1})


def test_operators_inside_an_object_of_several_keys_are_data() -> None:
    assert compile_rule({"a": {"foo": 1}, "b": 2}).scalar({}) == {"a": {"foo": 1}, "b": 2}


def test_hostile_nesting_is_a_fault() -> None:
    assert len(faults(nested(100_000))) == 1


def test_nesting_up_to_the_bound_works_everywhere() -> None:
    rule = compile_rule(nested(127))
    assert rule.scalar({"a": 1}) is False
    assert rule.mask(pd.DataFrame({"a": [1]})).tolist() == [False]


def test_a_rule_inside_itself_is_a_fault() -> None:
    rule: dict[str, Any] = {}
    rule["and"] = [rule]
    assert faults(rule) == ["/and/0"]


def test_a_rule_that_shares_parts_exponentially_is_a_fault() -> None:
    rule: Any = [1]
    for _ in range(60):
        rule = [rule, rule]
    assert faults(rule) == [""]


@pytest.mark.parametrize("rule", [{1, 2}, b"x", object(), float("inf"), 10**400, {1: 2}, {"var": (1, {2})}])
def test_what_json_lacks_is_a_fault(rule: Any) -> None:
    assert len(faults(rule)) == 1


def test_a_lenient_rule_fails_only_where_the_operator_is_reached() -> None:
    rule = compile_rule({"if": [{"var": "x"}, {"foo": 1}, "fine"]}, lenient=True)
    assert rule.scalar({}) == "fine"
    assert rule.values(pd.DataFrame({"x": [False]})).tolist() == ["fine"]
    with pytest.raises(RuleEvaluationError, match="unknown operator 'foo'"):
        rule.scalar({"x": True})


def test_columns_are_the_first_segments_that_var_and_missing_name() -> None:
    rule = compile_rule({"and": [{"var": "customer.name"}, {"missing": ["tier", "account.balance"]}, {"var": 3}]})
    assert rule.columns == {"customer", "tier", "account", "3"}
    assert rule.paths == {"customer.name", "tier", "account.balance", "3"}
    assert not rule.reads_everything


def test_bodies_of_list_operators_read_elements_not_columns() -> None:
    rule = compile_rule({"reduce": [{"var": "l"}, {"var": "current.x"}, {"var": "initial"}]})
    assert rule.columns == {"l", "initial"}


def test_missing_reads_the_keys_that_its_branches_may_give() -> None:
    keys = {"merge": ["vin", {"if": [{"var": "is_financed"}, ["apr"], []]}]}
    assert compile_rule({"missing": keys}).columns == {"vin", "is_financed", "apr"}


def test_a_list_among_the_keys_is_a_name_that_is_made_of_it() -> None:
    rule = compile_rule({"missing": [["a", [["b", "c"]]]]})
    assert rule.reads_everything
    assert rule.scalar({"a": 1, "b,c": 1}) == []
    assert rule.scalar({"a": 1, "b": 1, "c": 1}) == [[["b", "c"]]]


def test_no_name_reads_the_whole_document_by_chance() -> None:
    rule = compile_rule({"and": [{"==": [{"var": ""}, {"var": ""}]}, {"var": "\0"}]})
    assert rule.values(pd.DataFrame({"a": [1]})).tolist() == [None]


@pytest.mark.parametrize("rule", [{"var": ""}, {"var": []}, {"var": {"var": "x"}}, {"missing": {"var": "keys"}}])
def test_a_computed_name_or_none_reads_everything(rule: Any) -> None:
    assert compile_rule(rule).reads_everything


def test_operators_are_named() -> None:
    assert compile_rule({"and": [{"var": "x"}, [{"!": 1}]]}).operators == {"and", "var", "!"}


def test_spellings_of_one_rule_have_one_fingerprint() -> None:
    spellings = [{"!": {"var": "x"}}, {"!": [{"var": ["x"]}]}]
    assert len({compile_rule(rule).fingerprint for rule in spellings}) == 1
    assert compile_rule({"==": [1, 1.0]}).fingerprint == compile_rule({"==": [1.0, 1]}).fingerprint
    assert compile_rule({"!": {"var": "y"}}).fingerprint != compile_rule(spellings[0]).fingerprint


@pytest.mark.parametrize(
    "body",
    [
        {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]},
        {"merge": [{"var": "accumulator"}, {"var": "accumulator"}, 1]},
        [{"var": "accumulator"}, {"var": "accumulator"}],
    ],
)
def test_a_rule_that_doubles_what_it_makes_is_stopped(body: Any) -> None:
    rule = compile_rule({"reduce": [{"var": "l"}, body, "x"]})
    with pytest.raises(RuleEvaluationError):
        rule.scalar({"l": list(range(60))})


def test_a_rule_that_visits_too_much_is_stopped() -> None:
    hundred = list(range(100))
    rule = compile_rule({"map": [hundred, {"map": [hundred, {"map": [hundred, {"map": [hundred, 1]}]}]}]})
    with pytest.raises(RuleEvaluationError, match="takes more than"):
        rule.scalar({})


def test_a_document_nested_without_end_is_an_error_of_ours() -> None:
    document: Any = 1
    for _ in range(100_000):
        document = [document]
    with pytest.raises(JourneysError, match="nested too deep"):
        compile_rule({"var": "x"}).scalar({"x": document})


@pytest.mark.parametrize("failing", [{"*": []}, {"nope": 1}])
@pytest.mark.parametrize("rule", [{"var": ["x", 1, "?"]}, {"missing_some": [1, ["x"], "?"]}, {"missing": ["x", "?"]}])
def test_arguments_that_nobody_reads_are_evaluated_all_the_same(rule: Any, failing: Any) -> None:
    [(operator, arguments)] = rule.items()
    compiled = compile_rule({operator: [*arguments[:-1], failing]}, lenient=True)
    for answer in (
        lambda: compiled.scalar({"x": 5}),
        lambda: compiled.values(pd.DataFrame({"x": [5]})),
        lambda: compiled.mask(pd.DataFrame({"x": [5]})),
    ):
        with pytest.raises(RuleEvaluationError):
            answer()


@pytest.mark.parametrize("odd", [{"var": [{"toString": 1, "b": 2}]}, {"missing": [{"toString": 1, "b": 2}]}])
def test_a_name_that_has_no_text_fails_only_where_it_is_reached(odd: Any) -> None:
    rule = compile_rule({"or": [{"var": "x"}, odd]})
    assert rule.reads_everything
    assert rule.columns == {"x"}
    assert rule.scalar({"x": True}) is True
    assert rule.mask(pd.DataFrame({"x": [True]})).tolist() == [True]
    with pytest.raises(RuleEvaluationError, match="toString"):
        rule.mask(pd.DataFrame({"x": [True, False]}))
    with pytest.raises(RuleEvaluationError, match="toString"):
        rule.scalar({"x": False})
