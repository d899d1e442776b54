"""What the engine gets of a document."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.journey import Journey, compile_journey
from journey_pipelines.journeys.nodes import (
    ActionNode,
    AttributeWait,
    ConditionNode,
    DateWait,
    DurationWait,
    EndNode,
    EventWait,
    Node,
    Retry,
    SplitNode,
    StartNode,
    TimeWait,
    Window,
)
from journey_pipelines.rules import compile_rule
from tests.unit.journeys.builders import catalog, condition, edge, forked, journey, note, wait


def compiled(document: Any) -> Journey:
    return compile_journey(document, catalog())


def wait_of(**config: Any) -> Node:
    branches = ("event", "timeout") if "event" in config else (None,)
    return compiled(forked(wait("pause", **config), *branches)).nodes["pause"]


def test_a_journey_has_the_defaults_of_the_contract() -> None:
    made = compiled(journey())
    assert (made.timezone, made.priority, made.stale_after) == ("UTC", 0, None)
    assert made.missing_grace == Duration(days=3)
    assert made.settle_after == Duration(days=1)
    assert (made.entry.segment, made.entry.on, made.entry.reentry) == (None, "join", "never")
    assert (made.exit.rule, made.exit.on_leave_segment, made.goal) == (None, False, None)
    assert (made.max_entries_per_run, made.max_sends_per_run) == (None, None)


def test_the_version_is_the_one_asked_for() -> None:
    assert compile_journey(journey(), catalog(), version=7).version == 7


def test_start_and_ways_lead_through_the_journey() -> None:
    made = compiled(journey(note("mail")))
    assert made.start == "start"
    assert made.way("start") == "mail"
    assert made.way("mail", None) == "done"
    assert made.way("mail", "failed") is None
    assert made.way("done") is None


def test_nodes_keep_the_documents_order() -> None:
    assert list(compiled(journey(wait(), note("mail"))).nodes) == ["start", "pause", "mail", "done"]


def test_start_and_end_are_nodes() -> None:
    made = compiled(journey())
    assert made.nodes["start"] == StartNode("start")
    assert made.nodes["done"] == EndNode("done")


def test_the_forms_of_wait_compile() -> None:
    assert wait_of(duration="PT6H") == DurationWait("pause", Duration(seconds=21_600))
    assert wait_of(until={"time": "09:00"}) == TimeWait("pause", time(9), None)
    assert wait_of(until={"weekdays": ["mon", "sun"]}) == TimeWait("pause", None, frozenset({0, 6}))
    assert wait_of(until={"at": "2026-12-24T09:00"}) == DateWait("pause", datetime(2026, 12, 24, 9))  # noqa: DTZ001
    assert wait_of(until={"at": "2026-12-24T09:00Z"}) == DateWait("pause", datetime(2026, 12, 24, 9, tzinfo=UTC))
    assert wait_of(until_attribute="renewal_at", offset="-P3D") == AttributeWait(
        "pause", "renewal_at", Duration(days=-3), "fail"
    )


def test_a_wait_for_an_event_has_its_filter() -> None:
    node = wait_of(event="customer.purchase", rule={">": [{"var": "amount"}, 5]}, timeout="P7D", since="entry")
    assert isinstance(node, EventWait)
    assert (node.event, node.timeout, node.since) == ("customer.purchase", Duration(days=7), "entry")
    assert node.rule is not None
    assert node.fingerprint == node.rule.fingerprint
    assert node.rule.scalar({"amount": 6}) is True


def test_an_action_keeps_its_own_config_apart() -> None:
    config = {"retry": {"attempts": 5}, "window": {"from": "22:00", "to": "06:00", "weekdays": ["fri"]}}
    node = compiled(journey(note("mail", "Hi", **config))).nodes["mail"]
    assert isinstance(node, ActionNode)
    assert node.action_type == "note"
    assert node.config == {"text": "Hi"}
    assert node.parameters is not None
    assert node.retry == Retry(5, Duration(seconds=3600))
    assert node.window == Window(time(22), time(6), frozenset({4}))


def test_a_window_may_end_at_midnight() -> None:
    node = compiled(journey(note("mail", window={"from": "08:00", "to": "24:00"}))).nodes["mail"]
    assert isinstance(node, ActionNode)
    assert node.window == Window(time(8), time(0), None)


def test_a_two_way_condition_has_true_and_otherwise_false() -> None:
    node = compiled(forked(condition("asks", rule={"var": "is_closed"}), "true", "false")).nodes["asks"]
    assert isinstance(node, ConditionNode)
    assert [name for name, _ in node.branches] == ["true"]
    assert node.otherwise == "false"
    assert node.fingerprint == compile_rule({"var": "is_closed"}).fingerprint


def test_a_many_way_condition_has_its_branches_in_order_and_otherwise_else() -> None:
    branches = [{"name": name, "rule": {"==": [{"var": "customer.tier"}, name]}} for name in ("gold", "blue")]
    node = compiled(forked(condition("asks", branches=branches), "gold", "blue", "else")).nodes["asks"]
    assert isinstance(node, ConditionNode)
    assert [name for name, _ in node.branches] == ["gold", "blue"]
    assert node.otherwise == "else"
    assert node.fingerprint not in {rule.fingerprint for _, rule in node.branches}


def test_a_split_has_its_weights() -> None:
    arms = {
        "id": "arms",
        "type": "split",
        "config": {"branches": [{"name": "a", "weight": 9}, {"name": "b", "weight": 1}]},
    }
    assert compiled(forked(arms, "a", "b")).nodes["arms"] == SplitNode("arms", (("a", 9), ("b", 1)))


def test_the_way_out_of_a_split_with_one_arm_has_the_arms_name() -> None:
    arms = {"id": "arms", "type": "split", "config": {"branches": [{"name": "all", "weight": 1}]}}
    assert compiled(journey(arms)).way("arms", "all") == "done"


def test_order_follows_the_edges_and_not_the_document() -> None:
    edges = [edge("start", "b"), edge("b", "a"), edge("a", "done")]
    order = compiled(journey(note("a"), note("b"), edges=edges)).order
    assert sorted(order, key=order.__getitem__) == ["start", "b", "a", "done"]


def test_the_nodes_of_a_cycle_are_known() -> None:
    edges = [
        edge("start", "mail"),
        edge("mail", "pause"),
        edge("pause", "asks"),
        edge("asks", "mail", "true"),
        edge("asks", "done", "false"),
    ]
    made = compiled(journey(note("mail"), wait(), condition("asks", rule={"var": "is_closed"}), edges=edges))
    assert made.cyclic == {"mail", "pause", "asks"}
    assert made.order["start"] < made.order["mail"] < made.order["done"]


def test_paths_are_what_rules_and_waits_read_of_features_and_context() -> None:
    event = {"event": "customer.purchase", "rule": {"var": "amount"}}
    made = compiled(
        journey(
            wait(until_attribute="renewal_at"),
            wait("again", **event, timeout="P1D"),
            edges=[
                edge("start", "pause"),
                edge("pause", "again"),
                edge("again", "done", "event"),
                edge("again", "done", "timeout"),
            ],
            entry={"segment": "at_risk", "rule": {"var": "baskets_30d"}},
            exit={"rule": {"var": "customer.tier"}},
            goal=event,
        )
    )
    assert made.paths == {"renewal_at", "baskets_30d", "customer.tier"}
    assert made.segments == {"at_risk"}


def test_a_goal_over_the_context_has_its_rule() -> None:
    goal = compiled(journey(goal={"rule": {"var": "is_closed"}})).goal
    assert goal is not None
    assert goal.event is None
    assert goal.rule is not None
    assert goal.rule.columns == {"is_closed"}


def test_the_document_is_kept_as_it_was_written() -> None:
    document = journey(note("mail"))
    assert compiled(document).document == document


def test_a_wrong_document_is_refused_with_all_problems_and_its_key() -> None:
    with pytest.raises(JourneyDocumentError, match="journey test has 2 problems") as caught:
        compiled(journey(wait(duration="soon"), entry={"segment": "nobody"}))
    assert {problem.path for problem in caught.value.problems} == {"/entry/segment", "/nodes/1/config/duration"}
