"""Condition: JSONLogic over the context."""

from datetime import timedelta
from itertools import pairwise

import pytest

from journey_pipelines.errors import UnknownFeatureError
from tests.behaviour.builders import (
    MARCH,
    action,
    answers,
    chain,
    condition,
    days,
    edge,
    end,
    event,
    features,
    journey,
    only,
    profiles,
    run,
    wait,
)


def routed(rule, *before, **frames):
    """Outcome of each customer behind a two-way condition."""
    nodes = [{"id": "start", "type": "start"}, *before, condition("c", rule), end("yes"), end("no")]
    path = ["start", *(node["id"] for node in before), "c"]
    edges = [
        *(edge(a, b, "event" if a == "event" else None) for a, b in pairwise(path)),
        *([edge("event", "no", "timeout")] if "event" in path else []),
        edge("c", "yes", "true"),
        edge("c", "no", "false"),
    ]
    runs = frames.pop("runs", days(1))
    keys = {key: frames.pop(key) for key in ("entry",) if key in frames}
    result = run(journey(nodes, edges, **keys), runs, **frames)
    return dict(zip(result.executions["customer_id"], result.executions["outcome"], strict=True))


def test_a_condition_reads_the_customers_features():
    frame = features(["1", "2"], sessions={"1": 0, "2": 4})
    assert routed({">": [{"var": "sessions"}, 0]}, features=frame) == {"1": "no", "2": "yes"}


def test_a_condition_reads_the_profile_under_customer():
    people = profiles(["1", "2"], tier={"1": "gold", "2": "silver"})
    frame = features(["1", "2"])
    assert routed({"==": [{"var": "customer.tier"}, "gold"]}, features=frame, profiles=people) == {
        "1": "yes",
        "2": "no",
    }


def test_a_condition_reads_customer_id_and_journey_id():
    frame = features(["1", "2"])
    assert routed({"==": [{"var": "customer_id"}, "2"]}, features=frame) == {"1": "no", "2": "yes"}
    assert routed({"==": [{"var": "journey_id"}, "test"]}) == {"7": "yes"}


def test_the_balance_is_0_where_there_is_no_account_yet():
    assert routed({"===": [{"var": "account.points_balance"}, 0]}) == {"7": "yes"}


def test_the_balance_counts_points_that_the_journey_awarded():
    bonus = action("bonus", "award_points", points=150)
    assert routed({"==": [{"var": "account.points_balance"}, 150]}, bonus) == {"7": "yes"}


def test_a_condition_reads_the_result_of_an_earlier_action():
    first = action("first")
    assert routed({"==": [{"var": "action_result_first.success"}, True]}, first) == {"7": "yes"}
    assert routed({"==": [{"var": "action_result_first.action"}, "send_sms"]}, first) == {"7": "yes"}
    deliver = answers("sent", result={"message_id": "m1"})
    assert routed({"==": [{"var": "action_result_first.message_id"}, "m1"]}, first, deliver=deliver) == {"7": "yes"}


def test_a_condition_reads_the_event_that_ended_a_wait():
    waiting = wait("event", event="customer.purchase", timeout="P2D")
    events = [event("e1", MARCH + timedelta(hours=1), data={"amount": 80})]
    rule = {">": [{"var": "event.amount"}, 50]}
    assert routed(rule, waiting, events=events, runs=days(2)) == {"7": "yes"}


def test_a_condition_reads_the_data_of_a_manual_start():
    starts = [{"customer_id": "7", "at": MARCH, "context": {"coupon": "ABC"}}]
    rule = {"==": [{"var": "coupon"}, "ABC"]}
    assert routed(rule, starts=starts, entry={"context": ["coupon"]}) == {"7": "yes"}


def test_a_feature_that_is_null_for_a_customer_follows_jsonlogic():
    frame = features(["1", "2"], sessions={"1": None, "2": 4})
    assert routed({">=": [{"var": "sessions"}, 0]}, features=frame) == {"1": "yes", "2": "yes"}
    assert routed({"==": [{"var": "sessions"}, 0]}, features=frame) == {"1": "no", "2": "no"}
    assert routed({"<": [{"var": "sessions"}, 1]}, features=frame) == {"1": "yes", "2": "no"}


def test_a_feature_that_the_snapshot_lacks_altogether_is_an_error_before_anything_moves():
    deliver = answers("sent")
    with pytest.raises(UnknownFeatureError, match="no_such_feature"):
        routed({">": [{"var": "no_such_feature"}, 0]}, action("a"), deliver=deliver)
    assert deliver.calls == []


def test_an_absent_profile_column_is_null():
    assert routed({"==": [{"var": "customer.no_such_column"}, None]}) == {"7": "yes"}


def test_named_branches_are_tried_in_order_and_else_takes_the_rest():
    branches = [
        {"name": "gold", "rule": {">=": [{"var": "spend"}, 100]}},
        {"name": "silver", "rule": {">=": [{"var": "spend"}, 10]}},
    ]
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "c", "type": "condition", "config": {"branches": branches}},
        *map(end, ("gold", "silver", "rest")),
    ]
    edges = [edge("start", "c"), edge("c", "gold", "gold"), edge("c", "silver", "silver"), edge("c", "rest", "else")]
    frame = features(["1", "2", "3"], spend={"1": 500, "2": 50, "3": 5})
    executions = run(journey(nodes, edges), days(1), features=frame).executions.set_index("customer_id")
    assert executions["outcome"].to_dict() == {"1": "gold", "2": "silver", "3": "rest"}


def test_the_branch_taken_is_in_the_transition():
    document = journey(
        [{"id": "start", "type": "start"}, condition("c", {"!!": [1]}), end("yes"), end("no")],
        [edge("start", "c"), edge("c", "yes", "true"), edge("c", "no", "false")],
    )
    result = run(document, days(1))
    taken = only(result.transitions[result.transitions["node_id"] == "c"])
    assert taken["branch"] == "true"
    assert taken["snapshot_id"] == "features@2017-01-01"


def test_a_later_wait_sees_the_features_of_the_later_run():
    frame = features(dates=["2017-03-01", "2017-03-02"], sessions=0)
    frame["sessions"] = [0, 1]
    assert routed({"==": [{"var": "sessions"}, 1]}, wait("w", duration="P1D"), features=frame, runs=days(2)) == {
        "7": "yes"
    }


def test_a_rule_may_read_a_list_feature():
    frame = features(["1", "2"], departments={"1": ["DELI", "GROCERY"], "2": []})
    assert routed({"in": ["DELI", {"var": "departments"}]}, features=frame) == {"1": "yes", "2": "no"}


def test_two_way_condition_in_one_chain_reaches_the_end():
    assert only(run(chain(), days(1)).executions)["outcome"] == "done"
