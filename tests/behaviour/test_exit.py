"""Exit and goal: looked at for every due execution before it moves."""

from datetime import timedelta

from tests.behaviour.builders import (
    MARCH,
    SMS,
    action,
    answers,
    chain,
    days,
    event,
    features,
    only,
    run,
    segments,
    visited,
    wait,
)

CLOSED = {"==": [{"var": "is_closed"}, True]}
DATES = ["2017-03-01", "2017-03-02", "2017-03-03"]


def closed_from(date):
    frame = features(dates=DATES, is_closed=False)
    frame["is_closed"] = frame["snapshot_date"] >= date
    return frame


def test_the_exit_rule_ends_a_due_execution_before_it_moves():
    document = chain(wait("w", duration="P1D"), SMS, exit={"rule": CLOSED})
    result = run(document, days(2), features=closed_from("2017-03-02"))
    assert only(result.executions)["outcome"] == "exit_rule"
    assert only(result.executions)["state"] == "COMPLETED"
    assert len(result.dispatches) == 0


def test_the_exit_rule_is_not_looked_at_for_who_is_not_due():
    document = chain(wait("w", duration="P5D"), exit={"rule": CLOSED})
    result = run(document, days(2), features=closed_from("2017-03-02"))
    assert only(result.executions)["state"] == "WAITING"


def test_the_exit_rule_holds_for_new_entrants_too():
    result = run(chain(SMS, exit={"rule": CLOSED}), days(1), features=closed_from("2017-03-01"))
    assert only(result.executions)["outcome"] == "exit_rule"
    assert visited(result) == []


def test_leaving_the_segment_ends_the_execution():
    members = segments({"2017-03-01": ["7"], "2017-03-02": ["8"]})
    document = chain(
        wait("w", duration="P1D"), SMS, entry={"segment": "loyal", "on": "member"}, exit={"on_leave_segment": True}
    )
    result = run(document, days(2), features=features(["7"]), segments=members)
    executions = result.executions.set_index("customer_id")
    assert executions.loc["7", "outcome"] == "exit_rule"


def test_who_stays_in_the_segment_goes_on():
    members = segments({"2017-03-01": ["7"]})
    document = chain(
        wait("w", duration="P1D"), entry={"segment": "loyal", "on": "member"}, exit={"on_leave_segment": True}
    )
    assert only(run(document, days(2), segments=members).executions)["outcome"] == "done"


def test_who_was_started_by_hand_cannot_leave_a_segment_that_they_were_never_in():
    members = segments({"2017-03-01": ["8"]})
    document = chain(wait("w", duration="P1D"), entry={"segment": "loyal"}, exit={"on_leave_segment": True})
    starts = [{"customer_id": "7", "at": MARCH}]
    assert only(run(document, days(2), segments=members, starts=starts).executions)["outcome"] == "done"


def test_an_execution_that_meets_the_goal_rule_completes_with_outcome_goal():
    document = chain(wait("w", duration="P1D"), SMS, goal={"rule": CLOSED})
    result = run(document, days(2), features=closed_from("2017-03-02"))
    assert only(result.executions)["outcome"] == "goal"
    assert len(result.dispatches) == 0


def test_an_event_since_entry_meets_the_goal():
    document = chain(
        wait("w", duration="P1D"), SMS, goal={"event": "customer.purchase", "rule": {">": [{"var": "amount"}, 50]}}
    )
    purchase = event("e1", MARCH + timedelta(hours=3), data={"amount": 51})
    result = run(document, days(2), events=[purchase])
    assert only(result.executions)["outcome"] == "goal"
    assert result.events["is_used"].to_list() == [True]


def test_an_event_that_fails_the_rule_or_came_before_entry_does_not_meet_the_goal():
    document = chain(
        wait("w", duration="P1D"), goal={"event": "customer.purchase", "rule": {">": [{"var": "amount"}, 50]}}
    )
    events = [
        event("early", MARCH - timedelta(hours=3), data={"amount": 60}),
        event("small", MARCH + timedelta(hours=3), data={"amount": 50}),
        event("other", MARCH + timedelta(hours=3), event_type="coupon.redeemed", data={"amount": 60}),
    ]
    assert only(run(document, days(2), events=events).executions)["outcome"] == "done"


def test_the_goal_comes_before_the_exit_rule():
    document = chain(wait("w", duration="P1D"), goal={"rule": CLOSED}, exit={"rule": CLOSED})
    assert only(run(document, days(2), features=closed_from("2017-03-02")).executions)["outcome"] == "goal"


def test_an_exit_before_a_retry_leaves_nothing_to_send():
    document = chain(action("a", retry={"attempts": 3, "backoff": "P1D"}), exit={"rule": CLOSED})
    deliver = answers("retry", "sent")
    result = run(document, days(2), features=closed_from("2017-03-02"), deliver=deliver)
    assert only(result.executions)["outcome"] == "exit_rule"
    assert len(deliver.calls) == 1
    assert only(result.dispatches)["status"] == "skipped"
    assert only(result.dispatches)["reason"] == "exit_rule"
