"""Faults of a document's parts, of its rules and of its actions."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journey_pipelines.errors import Problem
from journey_pipelines.journeys.checks import check
from tests.unit.journeys.builders import catalog, condition, edge, forked, journey, note, wait


def problems_of(document: Any, known: Any = None) -> dict[str, str]:
    return {problem.path: problem.message for problem in check(document, known or catalog())}


def of_wait(**config: Any) -> dict[str, str]:
    branches = ("event", "timeout") if "event" in config else (None,)
    return problems_of(forked(wait(**config), *branches))


def of_rule(rule: Any, **keys: Any) -> dict[str, str]:
    return problems_of(forked(condition("asks", rule=rule), "true", "false", **keys))


# the journey's own keys


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("key", "Not A Slug"),
        ("key", ""),
        ("key", "a" * 64),
        ("name", ""),
        ("name", 5),
        ("timezone", "Mars/Olympus"),
        ("timezone", []),
        ("timezone", None),
        ("stale_after", "soon"),
        ("stale_after", "-P1D"),
        ("priority", 1.5),
        ("priority", True),
        ("priority", 10**12),
        ("missing_grace", {}),
        ("max_entries_per_run", 0),
        ("max_sends_per_run", "many"),
        ("entry", []),
        ("exit", "never"),
        ("goal", 5),
        ("nodes", {}),
        ("edges", None),
        ("unknown", 1),
    ],
)
def test_a_wrong_key_is_reported_at_its_path(key: str, value: Any) -> None:
    assert f"/{key}" in problems_of({**journey(), key: value})


def test_a_missing_key_is_reported_at_its_path() -> None:
    document = journey()
    del document["key"], document["nodes"]
    assert {"/key", "/nodes"} <= set(problems_of(document))


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"segment": "newcustomers"}, "/entry/segment"),
        ({"segment": "at_risk", "on": "leave"}, "/entry/on"),
        ({"segment": "at_risk", "reentry": "sometimes"}, "/entry/reentry"),
        ({"segment": "at_risk", "reentry": "PT0S"}, "/entry/reentry"),
        ({"on": "join"}, "/entry/on"),
        ({"include_existing": True}, "/entry/include_existing"),
        ({"segment": "at_risk", "include_existing": "yes"}, "/entry/include_existing"),
        ({"context": ["a.b"]}, "/entry/context/0"),
        ({"rule": {"and": [{"oops": []}]}}, "/entry/rule/and/0/oops"),
        ({"rule": {"var": "event.amount"}}, "/entry/rule/var"),
        ({"rule": {"var": "given"}, "context": ["given"]}, "/entry/rule/var"),
        ({"segments": "at_risk"}, "/entry/segments"),
    ],
)
def test_a_wrong_entry_is_reported_at_its_path(entry: dict[str, Any], path: str) -> None:
    assert path in problems_of(journey(entry=entry))


@pytest.mark.parametrize("reentry", ["never", "after_end", "P30D"])
def test_the_ways_to_enter_again_are_understood(reentry: str) -> None:
    assert problems_of(journey(entry={"segment": "at_risk", "reentry": reentry})) == {}


def test_leaving_a_segment_needs_a_segment() -> None:
    assert "/exit/on_leave_segment" in problems_of(journey(exit={"on_leave_segment": True}))


def test_a_goal_needs_an_event_or_a_rule() -> None:
    assert "/goal" in problems_of(journey(goal={}))


def test_a_goal_over_an_event_reads_the_events_fields() -> None:
    goal = {"event": "customer.purchase", "rule": {">": [{"var": "amount"}, 50]}}
    assert problems_of(journey(goal=goal)) == {}
    assert "/goal/rule/>/0/var" in problems_of(journey(goal={"rule": goal["rule"]}))


# nodes


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ({"type": "end"}, "/nodes/1/id"),
        ({"id": "a b", "type": "end"}, "/nodes/1/id"),
        ({"id": "a.b", "type": "end"}, "/nodes/1/id"),
        ({"id": "x"}, "/nodes/1/type"),
        ({"id": "x", "type": "loop"}, "/nodes/1/type"),
        ({"id": "x", "type": "end", "config": {"a": 1}}, "/nodes/1/config/a"),
        ({"id": "x", "type": "end", "config": []}, "/nodes/1/config"),
        ({"id": "x", "type": "end", "position": {"x": 1}}, "/nodes/1/position/y"),
        ({"id": "x", "type": "end", "colour": "red"}, "/nodes/1/colour"),
        ("start", "/nodes/1"),
        (None, "/nodes/1"),
    ],
)
def test_a_wrong_node_is_reported_at_its_path(node: Any, path: str) -> None:
    document = journey()
    document["nodes"].insert(1, node)
    assert path in problems_of(document)


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"source": "start"}, "/edges/1/target"),
        ({"source": 1, "target": "done"}, "/edges/1/source"),
        ({"source": "start", "target": "done", "branch": ""}, "/edges/1/branch"),
        ({"source": "start", "target": "done", "label": "x"}, "/edges/1/label"),
        ([], "/edges/1"),
    ],
)
def test_a_wrong_edge_is_reported_at_its_path(item: Any, path: str) -> None:
    document = journey()
    document["edges"].append(item)
    assert path in problems_of(document)


@pytest.mark.parametrize(
    "config",
    [
        {"duration": "P1D"},
        {"duration": "PT6H"},
        {"until": {"time": "09:00"}},
        {"until": {"weekdays": ["mon", "tue"]}},
        {"until": {"time": "09:00:30", "weekdays": ["sun"]}},
        {"until": {"at": "2026-12-24T09:00"}},
        {"until": {"at": "2026-12-24"}},
        {"until": {"at": "2026-12-24T09:00:00+01:00"}},
        {"until_attribute": "renewal_at", "offset": "-P3D"},
        {"until_attribute": "renewal_at", "if_missing": "continue"},
        {"event": "customer.purchase", "timeout": "P7D"},
        {"event": "customer.purchase", "rule": {">": [{"var": "amount"}, 5]}, "timeout": "P7D", "since": "entry"},
    ],
)
def test_every_form_of_wait_is_understood(config: dict[str, Any]) -> None:
    assert of_wait(**config) == {}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"duration": "1 day"}, "/nodes/1/config/duration"),
        ({"duration": "-P1D"}, "/nodes/1/config/duration"),
        ({"duration": "P1D", "event": "x"}, "/nodes/1/config"),
        ({"duration": "P1D", "until": {"time": "09:00"}}, "/nodes/1/config"),
        ({"for": "P1D"}, "/nodes/1/config"),
        ({"duration": "P1D", "offset": "P1D"}, "/nodes/1/config/offset"),
        ({"until": {}}, "/nodes/1/config/until"),
        ({"until": "tomorrow"}, "/nodes/1/config/until"),
        ({"until": {"time": "9 o'clock"}}, "/nodes/1/config/until/time"),
        ({"until": {"time": 1260}}, "/nodes/1/config/until/time"),
        ({"until": {"time": "25:00"}}, "/nodes/1/config/until/time"),
        ({"until": {"weekdays": ["monday"]}}, "/nodes/1/config/until/weekdays/0"),
        ({"until": {"weekdays": []}}, "/nodes/1/config/until/weekdays"),
        ({"until": {"at": "Christmas"}}, "/nodes/1/config/until/at"),
        ({"until": {"at": "2026-12-24", "time": "09:00"}}, "/nodes/1/config/until/time"),
        ({"until_attribute": "renewed_at"}, "/nodes/1/config/until_attribute"),
        ({"until_attribute": "renewal_at", "offset": "P0.5D"}, "/nodes/1/config/offset"),
        ({"until_attribute": "renewal_at", "if_missing": "wait"}, "/nodes/1/config/if_missing"),
        ({"event": "x"}, "/nodes/1/config/timeout"),
        ({"event": "x", "timeout": "P0D"}, "/nodes/1/config/timeout"),
        ({"event": "x", "timeout": "P1D", "since": "ever"}, "/nodes/1/config/since"),
        ({"event": "x", "timeout": "P1D", "rule": {"oops": 1}}, "/nodes/1/config/rule/oops"),
    ],
)
def test_a_wrong_wait_is_reported_at_its_path(config: dict[str, Any], path: str) -> None:
    assert path in of_wait(**config)


@pytest.mark.parametrize(
    ("branches", "path"),
    [
        ([], "/nodes/1/config/branches"),
        ([{"name": "a", "weight": -1}], "/nodes/1/config/branches/0/weight"),
        ([{"name": "a", "weight": "half"}], "/nodes/1/config/branches/0/weight"),
        ([{"name": "a", "weight": 0}], "/nodes/1/config/branches"),
        ([{"name": "a", "weight": 1}, {"name": "a", "weight": 1}], "/nodes/1/config/branches/1/name"),
        ([{"weight": 1}], "/nodes/1/config/branches/0/name"),
    ],
)
def test_a_wrong_split_is_reported_at_its_path(branches: Any, path: str) -> None:
    document = forked({"id": "arms", "type": "split", "config": {"branches": branches}}, "a")
    assert path in problems_of(document)


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({}, "/nodes/1/config"),
        ({"rule": True, "branches": []}, "/nodes/1/config"),
        ({"rule": None}, "/nodes/1/config/rule"),
        ({"branches": [{"name": "else", "rule": True}]}, "/nodes/1/config/branches/0/name"),
        ({"branches": [{"name": "a", "rule": {"oops": 1}}]}, "/nodes/1/config/branches/0/rule/oops"),
    ],
)
def test_a_wrong_condition_is_reported_at_its_path(config: dict[str, Any], path: str) -> None:
    assert path in problems_of(forked(condition("asks", **config), "true", "false"))


# rules


def test_every_fault_of_every_rule_comes_at_once() -> None:
    rule = {"and": [{"oops": 1}, {"nope": 2}]}
    found = of_rule(rule, exit={"rule": {"why": 3}})
    assert {"/exit/rule/why", "/nodes/1/config/rule/and/0/oops", "/nodes/1/config/rule/and/1/nope"} <= set(found)


def test_an_unknown_feature_is_reported_where_it_is_read() -> None:
    found = of_rule({"and": [{"var": "sessions_1d"}, {">": [{"var": ["sesions_1d", 0]}, 1]}]})
    assert found == {"/nodes/1/config/rule/and/1/>/0/var": "unknown feature 'sesions_1d'; did you mean 'sessions_1d'?"}


def test_features_are_not_looked_at_where_nobody_knows_them() -> None:
    document = forked(condition("asks", rule={"var": "anything"}), "true", "false")
    assert problems_of(document, catalog(features=None)) == {}


@pytest.mark.parametrize(
    "path", ["customer_id", "journey_id", "customer.tier", "account.points_balance", "event.amount", "given.deep", ""]
)
def test_the_context_is_known_without_features(path: str) -> None:
    assert of_rule({"var": path}, entry={"context": ["given"]}) == {}


def test_the_result_of_an_earlier_action_is_known() -> None:
    nodes = [note("mail"), condition("asks", rule={"var": "action_result_mail.success"})]
    edges = [edge("start", "mail"), edge("mail", "asks"), edge("asks", "done", "true"), edge("asks", "done", "false")]
    assert problems_of(journey(*nodes, edges=edges)) == {}


def test_the_result_of_a_later_action_is_never_there() -> None:
    nodes = [condition("asks", rule={"var": "action_result_mail.success"}), note("mail")]
    edges = [edge("start", "asks"), edge("asks", "mail", "true"), edge("asks", "done", "false"), edge("mail", "done")]
    assert "never comes before" in problems_of(journey(*nodes, edges=edges))["/nodes/1/config/rule/var"]


@pytest.mark.parametrize("name", ["start", "nobody"])
def test_the_result_of_what_is_no_action_is_unknown(name: str) -> None:
    assert name in of_rule({"var": f"action_result_{name}"})["/nodes/1/config/rule/var"]


# actions


def test_an_unknown_action_type_is_named() -> None:
    node = {"id": "mail", "type": "action", "config": {"action_type": "nota"}}
    assert problems_of(journey(node))["/nodes/1/config/action_type"] == (
        "unknown action type 'nota'; did you mean 'note'?"
    )


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"text": 5}, "/nodes/1/config/text"),
        ({"colour": "red"}, "/nodes/1/config/colour"),
        ({"retry": {"attempts": 0}}, "/nodes/1/config/retry/attempts"),
        ({"retry": {"backoff": "later"}}, "/nodes/1/config/retry/backoff"),
        ({"retry": 3}, "/nodes/1/config/retry"),
        ({"window": {"from": "08:00"}}, "/nodes/1/config/window/to"),
        ({"window": {"from": "8", "to": "21:00"}}, "/nodes/1/config/window/from"),
        ({"window": {"from": "08:00", "to": "21:00", "weekdays": ["xyz"]}}, "/nodes/1/config/window/weekdays/0"),
        ({"text": "Hi {{nobody}}"}, "/nodes/1/config/text"),
    ],
)
def test_a_wrong_action_is_reported_at_its_path(config: dict[str, Any], path: str) -> None:
    assert path in problems_of(journey(note("mail", **config)))


def test_an_action_without_a_type_is_reported() -> None:
    found = problems_of(journey({"id": "mail", "type": "action", "config": {}}))
    assert list(found) == ["/nodes/1/config/action_type"]


def test_what_a_template_reads_may_come_from_everywhere() -> None:
    text = (
        "{{customer.first_name}} {{account.points_balance}} {{baskets_30d}} {{given}} {{event.amount}} {{customer_id}}"
    )
    assert problems_of(journey(note("mail", text), entry={"context": ["given"]})) == {}


# everything at once


def test_faults_of_all_kinds_come_at_once() -> None:
    document = journey(wait(duration="soon"), note("mail", "{{nobody}}"), key="Bad Key", timezone="Mars")
    document["edges"].append(edge("mail", "nowhere"))
    assert set(problems_of(document)) >= {
        "/key",
        "/timezone",
        "/nodes/1/config/duration",
        "/nodes/2/config/text",
        "/edges/3/target",
    }


def test_no_problem_is_told_twice() -> None:
    found = check({"nodes": [1, 1], "edges": [{}]}, catalog())
    assert len(found) == len(set(found))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PLACES = [
    ("key",),
    ("entry",),
    ("entry", "rule"),
    ("entry", "segment"),
    ("exit",),
    ("goal",),
    ("timezone",),
    ("nodes",),
    ("nodes", 1),
    ("nodes", 1, "id"),
    ("nodes", 1, "type"),
    ("nodes", 1, "config"),
    ("nodes", 1, "config", "text"),
    ("nodes", 1, "config", "retry"),
    ("nodes", 1, "config", "window"),
    ("nodes", 2, "config"),
    ("nodes", 2, "config", "until"),
    ("nodes", 3, "config"),
    ("nodes", 3, "config", "branches"),
    ("nodes", 4, "config", "rule"),
    ("edges",),
    ("edges", 0),
    ("edges", 0, "branch"),
]


def everything() -> dict[str, Any]:
    split = {"id": "arms", "type": "split", "config": {"branches": [{"name": "a", "weight": 1}]}}
    until = wait("pause", until={"time": "09:00"})
    document = journey(note("mail"), until, split, condition("asks", rule={"var": "is_closed"}))
    document["edges"][-1]["branch"] = "true"
    document["edges"].append(edge("asks", "done", "false"))
    return {**document, "entry": {"segment": "at_risk"}}


def test_the_document_that_hostile_values_go_into_is_right() -> None:
    assert problems_of(everything()) == {}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), json_values)
def test_a_hostile_value_anywhere_gives_problems_and_never_a_traceback(place: tuple[Any, ...], value: Any) -> None:
    document: Any = everything()
    target = document
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    assert all(isinstance(problem, Problem) for problem in check(document, catalog()))


@given(json_values)
def test_any_value_can_be_checked(value: Any) -> None:
    if isinstance(value, dict):
        assert check(value, catalog())
