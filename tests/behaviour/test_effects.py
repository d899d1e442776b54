"""Effects: each action visit is delivered effectively once; consent, caps and quiet hours when the send leaves."""

from datetime import UTC, datetime, time, timedelta

import pandas as pd

from journey_pipelines.delivery.contact import ContactPolicy, QuietHours
from tests.behaviour.builders import (
    MARCH,
    action,
    answers,
    chain,
    days,
    features,
    hours,
    only,
    profiles,
    run,
    wait,
)


def no_answer(dispatches):
    return pd.DataFrame({"key": [], "status": [], "result": []})


def test_an_execution_whose_dispatch_is_unknown_stays_at_its_action():
    result = run(chain(action("a")), [MARCH, MARCH + timedelta(hours=23)], deliver=answers("unknown"))
    assert only(result.dispatches)["status"] == "unknown"
    assert only(result.executions)["state"] == "IN_PROGRESS"
    assert only(result.executions)["current_node_id"] == "a"


def test_no_answer_for_a_dispatch_means_unknown():
    result = run(chain(action("a")), days(1), deliver=no_answer)
    assert only(result.dispatches)["status"] == "unknown"


def test_unknown_under_at_most_once_goes_on_as_sent_unconfirmed_after_settle_after():
    deliver = answers("unknown")
    result = run(chain(action("a")), days(2), deliver=deliver)
    assert only(result.dispatches)["status"] == "sent"
    assert only(result.executions)["state"] == "COMPLETED"
    known = only(result.executions)["context"]["action_result_a"]
    assert known["confirmed"] is False
    assert known["success"] is True
    assert len(deliver.calls) == 1


def test_settle_after_is_configurable():
    result = run(chain(action("a"), settle_after="PT2H"), hours(3), deliver=answers("unknown"))
    assert only(result.executions)["state"] == "COMPLETED"


def test_an_unknown_push_is_sent_again_with_the_same_key():
    deliver = answers("unknown", "sent")
    document = chain(action("a", "send_push", title="Hello", body="You"))
    result = run(document, days(2), deliver=deliver, profiles=profiles(device_tokens={"7": ["t"]}))
    assert deliver.calls[0] == deliver.calls[1]
    assert only(result.executions)["state"] == "COMPLETED"


def test_a_dispatch_key_is_execution_node_and_visit():
    row = only(run(chain(action("a")), days(1)).dispatches)
    assert row["key"] == f"{row['execution_id']}:a:1"


def test_points_are_awarded_once_however_often_the_delivery_is_tried():
    deliver = answers("retry", "unknown", "sent")
    document = chain(action("a", "award_points", retry={"attempts": 9, "backoff": "P1D"}))
    result = run(document, days(4), deliver=deliver)
    assert only(result.executions)["context"]["action_result_a"]["new_balance"] == 100


def policy(**kwargs):
    return ContactPolicy(**kwargs)


def test_a_frequency_cap_defers_to_the_customers_next_local_day():
    document = chain(action("a"), action("b"))
    result = run(document, [MARCH, MARCH + timedelta(days=1)], policy=policy(caps={"sms": 1}))
    assert result.dispatches["left_at"].dt.day.to_list() == [1, 2]
    assert only(result.executions)["state"] == "COMPLETED"


def test_the_cap_counts_the_local_day():
    document = chain(action("a"), action("b"))
    evening = datetime(2017, 3, 2, 4, tzinfo=UTC)  # still the first of March in Los Angeles
    frames = {"profiles": profiles(timezone="America/Los_Angeles"), "policy": policy(caps={"sms": 1})}
    result = run(document, [MARCH, evening, evening + timedelta(hours=5)], **frames)
    assert result.dispatches["left_at"].to_list() == [MARCH, evening + timedelta(hours=5)]


def test_two_journeys_compete_for_a_cap_by_priority_then_key():
    frames = {"policy": policy(caps={"sms": 1})}

    def first(*journeys):
        result = run(list(journeys), days(1), **frames)
        return result.dispatches.set_index("journey_key")["status"].to_dict()

    one, two = chain(action("a"), key="one"), chain(action("a"), key="two")
    assert first(one, two) == {"one": "sent", "two": "pending"}
    assert first(two, one) == {"one": "sent", "two": "pending"}
    assert first(one, {**two, "priority": 5}) == {"one": "pending", "two": "sent"}


def test_quiet_hours_defer_to_their_end():
    quiet = policy(quiet_hours=QuietHours(time(21), time(8)))
    night = datetime(2017, 3, 1, 23, tzinfo=UTC)
    morning = datetime(2017, 3, 2, 8, tzinfo=UTC)
    result = run(chain(action("a")), [night, morning], policy=quiet)
    assert only(result.dispatches)["left_at"].to_pydatetime() == morning


def test_without_a_policy_there_is_no_cap_and_no_quiet_hour():
    document = chain(action("a"), action("b"), action("c"))
    result = run(document, [datetime(2017, 3, 1, 3, tzinfo=UTC)])
    assert set(result.dispatches["status"]) == {"sent"}


def test_consent_is_looked_at_when_the_send_leaves():
    frame = features(dates=["2017-03-01", "2017-03-02"])
    deliver = answers("retry", "sent")
    document = chain(action("a", retry={"attempts": 3, "backoff": "P1D"}))
    result = run(document, days(2), features=frame, deliver=deliver, profiles=profiles(sms_consent=False))
    assert only(result.dispatches)["reason"] == "no_consent"
    assert deliver.calls == []


def test_a_simulation_twice_gives_the_same_rows():
    document = chain(action("a"), wait("w", duration="P1D"), action("b", "award_points"))
    people = features([str(number) for number in range(50)])
    first, second = run(document, days(3), features=people), run(document, days(3), features=people)
    for name in ("executions", "transitions", "dispatches"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))


def test_chunks_change_nothing():
    document = chain(action("a"), wait("w", duration="P1D"), action("b", "award_points"))
    people = features([str(number) for number in range(50)])
    whole, chunked = run(document, days(3), features=people), run(document, days(3), features=people, chunk_rows=7)
    key = ["execution_id", "node_id", "visit"]
    pd.testing.assert_frame_equal(
        whole.transitions.sort_values(key, ignore_index=True), chunked.transitions.sort_values(key, ignore_index=True)
    )
    pd.testing.assert_frame_equal(whole.executions, chunked.executions)
