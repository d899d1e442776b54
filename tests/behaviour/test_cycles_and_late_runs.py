"""Cycles through waits, versions, late runs, randomness."""

from datetime import timedelta

import pytest

from journey_pipelines.errors import JourneyDocumentError
from tests.behaviour.builders import (
    DONE,
    MARCH,
    START,
    action,
    answers,
    chain,
    days,
    edge,
    end,
    event,
    features,
    journey,
    only,
    run,
    visited,
    wait,
)

REPEATED = journey(
    [START, action("a"), wait("w", duration="P1D")],
    [edge("start", "a"), edge("a", "w"), edge("w", "a")],
)


def with_exit(document, **keys):
    nodes = [*document["nodes"], {"id": "c", "type": "condition", "config": {"rule": {"var": "is_done"}}}, DONE]
    edges = [edge("start", "a"), edge("a", "w"), edge("w", "c"), edge("c", "done", "true"), edge("c", "a", "false")]
    return {**document, "nodes": nodes, "edges": edges, **keys}


def test_visits_count_from_1_and_make_the_dispatch_keys_unique():
    result = run(with_exit(REPEATED), days(3), features=features(is_done=False))
    assert result.dispatches["visit"].to_list() == [1, 2, 3]
    assert result.dispatches["key"].is_unique
    sent_from = result.transitions[result.transitions["node_id"] == "a"]
    assert sent_from["visit"].to_list() == [1, 2, 3]


def test_a_cycle_ends_when_its_condition_says_so():
    frame = features(dates=["2017-03-01", "2017-03-03"], is_done=False)
    frame["is_done"] = [False, True]
    assert only(run(with_exit(REPEATED), days(3), features=frame).executions)["state"] == "COMPLETED"


def test_a_cycle_without_a_wait_is_refused():
    document = journey(
        [START, action("a"), {"id": "c", "type": "condition", "config": {"rule": {"var": "is_done"}}}, DONE],
        [edge("start", "a"), edge("a", "c"), edge("c", "done", "true"), edge("c", "a", "false")],
    )
    with pytest.raises(JourneyDocumentError, match="wait"):
        run(document, days(1), features=features(is_done=False))


def test_a_wait_that_is_always_over_goes_round_once_in_each_run():
    document = with_exit(
        journey([START, action("a"), wait("w", until={"at": "2017-01-01T00:00"})], []),
    )
    deliver = answers("sent")
    run(document, days(2), features=features(is_done=False), deliver=deliver)
    assert 2 <= len(deliver.calls) <= 4


def test_an_event_ends_each_visit_of_a_wait_once():
    document = with_exit(
        journey([START, action("a"), wait("w", event="customer.purchase", timeout="P9D", since="entry")], [])
    )
    document["edges"] = [
        edge("start", "a"),
        edge("a", "w"),
        edge("w", "c", "event"),
        edge("w", "done", "timeout"),
        edge("c", "done", "true"),
        edge("c", "a", "false"),
    ]
    purchase = event("e", MARCH + timedelta(hours=1))
    result = run(document, days(4), features=features(is_done=False), events=[purchase])
    assert result.dispatches["visit"].to_list() == [1, 2]


def test_a_late_run_handles_due_times_in_order():
    document = chain(
        {"id": "split", "type": "split", "config": {"branches": [{"name": "all", "weight": 1}]}},
        wait("w", until_attribute="date"),
        action("a"),
    )
    document["edges"][1]["branch"] = "all"
    frame = features(["1", "2", "3"], date={"1": "2017-03-04", "2": "2017-03-02", "3": "2017-03-03"})
    result = run(document, [MARCH, MARCH + timedelta(days=9)], features=frame)
    assert result.dispatches["customer_id"].to_list() == ["2", "3", "1"]


def test_a_send_that_is_older_than_stale_after_is_skipped_and_the_execution_goes_on():
    document = chain(wait("w", duration="P1D"), action("a"), stale_after="P3D")
    result = run(document, [MARCH, MARCH + timedelta(days=5)])
    assert only(result.dispatches)["status"] == "skipped"
    assert only(result.dispatches)["reason"] == "stale"
    assert only(result.executions)["state"] == "COMPLETED"


def test_a_send_that_is_just_not_stale_is_sent():
    document = chain(wait("w", duration="P1D"), action("a"), stale_after="P3D")
    result = run(document, [MARCH, MARCH + timedelta(days=4)])
    assert only(result.dispatches)["status"] == "sent"


def test_every_send_after_a_stale_one_in_the_same_pass_is_stale_too_but_points_are_awarded():
    document = chain(
        wait("w", duration="P1D"), action("a"), action("b"), action("c", "award_points"), stale_after="P3D"
    )
    result = run(document, [MARCH, MARCH + timedelta(days=9)])
    assert result.dispatches["status"].to_list() == ["skipped", "skipped", "sent"]


def test_the_wait_behind_a_late_send_starts_afresh():
    document = chain(wait("w", duration="P1D"), wait("x", duration="P1D"), action("a"), stale_after="PT1H")
    result = run(document, [MARCH, MARCH + timedelta(days=9), MARCH + timedelta(days=10)])
    assert only(result.dispatches)["status"] == "sent"


def test_the_events_instant_decides_staleness():
    nodes = [START, wait("w", event="customer.purchase", timeout="P30D"), action("a"), DONE]
    edges = [edge("start", "w"), edge("w", "a", "event"), edge("w", "done", "timeout"), edge("a", "done")]
    purchase = event("e", MARCH + timedelta(days=1))
    document = journey(nodes, edges, stale_after="P3D")
    late = run(document, [MARCH, MARCH + timedelta(days=9)], events=[purchase])
    assert only(late.dispatches)["reason"] == "stale"
    assert only(run(document, days(2), events=[purchase]).dispatches)["status"] == "sent"


def split(*arms):
    nodes = [START, {"id": "s", "type": "split", "config": {"branches": list(arms)}}]
    names = [arm["name"] for arm in arms]
    return journey([*nodes, *map(end, names)], [edge("start", "s"), *(edge("s", name, name) for name in names)])


def test_a_split_follows_its_weights():
    document = split({"name": "a", "weight": 80}, {"name": "b", "weight": 20})
    outcomes = run(document, days(1), features=features(map(str, range(2000)))).executions["outcome"]
    assert 0.76 < (outcomes == "a").mean() < 0.84


def test_the_arm_is_a_hash_of_journey_node_and_customer_and_nothing_else():
    document = split({"name": "a", "weight": 50}, {"name": "b", "weight": 50})
    people = [str(number) for number in range(200)]
    one = run(document, days(1), features=features(people)).executions.set_index("customer_id")["outcome"]
    later = run(document, days(1, first=MARCH + timedelta(days=99)), features=features(people[::-1])).executions
    assert later.set_index("customer_id")["outcome"].to_dict() == one.to_dict()
    other = run({**document, "key": "other"}, days(1), features=features(people)).executions
    assert other.set_index("customer_id")["outcome"].to_dict() != one.to_dict()


def test_a_weight_of_0_gets_nobody():
    document = split({"name": "a", "weight": 1}, {"name": "b", "weight": 0})
    assert set(run(document, days(1), features=features(map(str, range(200)))).executions["outcome"]) == {"a"}


def test_start_and_end_have_a_transition_each():
    assert visited(run(chain(), days(1))) == ["start", "done"]


def test_transitions_carry_the_run_and_the_snapshot_that_decided():
    row = run(chain(), days(1)).transitions.iloc[0]
    assert (row["run_id"], row["snapshot_id"]) == ("run-1", "features@2017-01-01")
    assert row["at"] == row["run_as_of"]
