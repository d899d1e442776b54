"""Wait: durations, dates, attributes, events with timeouts."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from tests.behaviour.builders import (
    MARCH,
    chain,
    days,
    edge,
    end,
    event,
    features,
    hours,
    journey,
    only,
    profiles,
    run,
    visited,
    wait,
)

HOUR = timedelta(hours=1)


def purchase_wait(**config):
    """Start, wait for a purchase with a day's timeout, ends `bought` and `late`."""
    filled = {"event": "customer.purchase", "timeout": "P1D", **config}
    return journey(
        [{"id": "start", "type": "start"}, wait("w", **filled), end("bought"), end("late")],
        [edge("start", "w"), edge("w", "bought", "event"), edge("w", "late", "timeout")],
    )


def outcome(result):
    return only(result.executions)["outcome"]


def due_at(document, as_of=MARCH, **frames):
    return only(run(document, [as_of], **frames).executions)["due_at"].to_pydatetime()


def test_a_duration_counts_from_the_run_that_brought_the_execution_there():
    result = run(chain(wait("a", duration="P1D"), wait("b", duration="P1D")), [MARCH, MARCH + timedelta(days=3)])
    assert only(result.executions)["due_at"].to_pydatetime() == MARCH + timedelta(days=4)


def test_a_wait_that_is_due_exactly_at_as_of_is_over():
    result = run(chain(wait("w", duration="P1D")), days(2))
    assert only(result.executions)["state"] == "COMPLETED"


def test_a_wait_that_is_due_later_is_not_over():
    result = run(chain(wait("w", duration="PT24H")), [MARCH, MARCH + timedelta(hours=23, minutes=59)])
    assert only(result.executions)["state"] == "WAITING"


def test_no_transition_is_written_on_arrival_at_a_wait():
    assert visited(run(chain(wait("w", duration="P1D")), days(1))) == ["start"]
    assert visited(run(chain(wait("w", duration="P1D")), days(2))) == ["start", "w", "done"]


def test_until_a_time_of_day_is_the_next_such_local_time_after_arrival():
    document = chain(wait("w", until={"time": "09:00"}))
    assert due_at(document, profiles=profiles(timezone="America/New_York")) == datetime(2017, 3, 1, 14, tzinfo=UTC)
    assert due_at(document) == datetime(2017, 3, 2, 9, tzinfo=UTC)


def test_until_a_weekday_and_time():
    document = chain(wait("w", until={"time": "09:00", "weekdays": ["mon", "tue"]}))  # 1 March 2017 is a Wednesday
    assert due_at(document) == datetime(2017, 3, 6, 9, tzinfo=UTC)


def test_until_a_date_is_local_time():
    document = chain(wait("w", until={"at": "2017-03-24T09:00"}))
    assert due_at(document, profiles=profiles(timezone="America/New_York")) == datetime(2017, 3, 24, 13, tzinfo=UTC)


def test_a_past_date_goes_on_at_once():
    assert outcome(run(chain(wait("w", until={"at": "2017-02-24T09:00"})), days(1))) == "done"


@pytest.mark.parametrize(
    "value",
    [
        "2017-03-10",
        "2017-03-10T00:00:00Z",
        datetime(2017, 3, 10, tzinfo=UTC),
        pd.Timestamp("2017-03-10"),
        date(2017, 3, 10),
    ],
)
def test_an_attribute_with_an_offset(value):
    document = chain(wait("w", until_attribute="renewal_at", offset="-P3D"))
    assert due_at(document, features=features(renewal_at=value)) == datetime(2017, 3, 7, tzinfo=UTC)


def test_an_attribute_without_a_zone_is_local_time():
    document = chain(wait("w", until_attribute="renewal_at"))
    frames = {"features": features(renewal_at="2017-03-10T09:00"), "profiles": profiles(timezone="America/New_York")}
    assert due_at(document, **frames) == datetime(2017, 3, 10, 14, tzinfo=UTC)


def test_a_past_attribute_goes_on_at_once():
    document = chain(wait("w", until_attribute="renewal_at", offset="-P3D"))
    assert outcome(run(document, days(1), features=features(renewal_at="2017-03-03"))) == "done"


def test_a_null_attribute_fails_the_execution():
    document = chain(wait("w", until_attribute="renewal_at"))
    execution = only(run(document, days(1), features=features(renewal_at=None)).executions)
    assert execution["state"] == "FAILED"
    assert execution["failure"].startswith("missing_attribute: ")


def test_a_null_attribute_goes_on_where_the_wait_says_so():
    document = chain(wait("w", until_attribute="renewal_at", if_missing="continue"))
    frame = features(["1", "2"], renewal_at={"1": None, "2": "2017-04-01"})
    executions = run(document, days(1), features=frame).executions.set_index("customer_id")
    assert executions["state"].to_dict() == {"1": "COMPLETED", "2": "WAITING"}


def test_a_context_value_may_be_the_attribute():
    document = chain(wait("w", until_attribute="visit_at"), entry={"context": ["visit_at"]})
    starts = [{"customer_id": "7", "at": MARCH, "context": {"visit_at": "2017-03-04T10:00:00+00:00"}}]
    assert due_at(document, starts=starts) == datetime(2017, 3, 4, 10, tzinfo=UTC)


def test_an_event_ends_the_wait_by_the_branch_event():
    result = run(purchase_wait(), hours(3), events=[event("e", MARCH + HOUR)])
    assert outcome(result) == "bought"
    assert only(result.transitions[result.transitions["node_id"] == "w"])["branch"] == "event"


def test_without_an_event_the_timeout_ends_the_wait():
    result = run(purchase_wait(), days(2))
    assert outcome(result) == "late"
    assert only(result.transitions[result.transitions["node_id"] == "w"])["branch"] == "timeout"


def test_event_at_the_deadline_beats_the_timeout():
    assert outcome(run(purchase_wait(), days(2), events=[event("e", MARCH + timedelta(days=1))])) == "bought"


def test_event_after_the_deadline_does_not_count_and_is_marked_unused():
    late = event("e", MARCH + timedelta(days=1, seconds=1))
    result = run(purchase_wait(), days(3), events=[late])
    assert outcome(result) == "late"
    assert result.events["is_used"].to_list() == [False]


def test_event_before_arrival_does_not_count():
    assert outcome(run(purchase_wait(), days(2), events=[event("e", MARCH - HOUR)])) == "late"
    assert outcome(run(purchase_wait(), days(2), events=[event("e", MARCH)])) == "late"


def test_event_since_entry_counts_when_the_wait_says_so():
    document = journey(
        [
            {"id": "start", "type": "start"},
            wait("first", duration="P1D"),
            wait("w", event="customer.purchase", timeout="P1D", since="entry"),
            end("bought"),
            end("late"),
        ],
        [edge("start", "first"), edge("first", "w"), edge("w", "bought", "event"), edge("w", "late", "timeout")],
    )
    assert outcome(run(document, days(2), events=[event("e", MARCH + HOUR)])) == "bought"
    assert only(run(document, days(2), events=[event("e", MARCH - HOUR)]).executions)["state"] == "WAITING"


def test_event_delivered_late_counts_as_long_as_the_timeout_was_not_processed():
    late = event("e", MARCH + HOUR, received_at=MARCH + timedelta(days=1, hours=12))
    processed_before = run(purchase_wait(), [*days(2), MARCH + timedelta(days=2)], events=[late])
    assert outcome(processed_before) == "late"
    assert processed_before.events["is_used"].to_list() == [False]
    processed_after = run(purchase_wait(), [MARCH, MARCH + timedelta(days=2)], events=[late])
    assert outcome(processed_after) == "bought"


def test_an_event_that_is_not_received_yet_is_not_read():
    later = event("e", MARCH + HOUR, received_at=MARCH + 5 * HOUR)
    assert only(run(purchase_wait(), hours(4), events=[later]).executions)["state"] == "WAITING"


def test_the_filter_of_an_event_is_a_rule_over_the_event():
    document = purchase_wait(rule={">": [{"var": "amount"}, 50]})
    small, large = event("a", MARCH + HOUR, data={"amount": 5}), event("b", MARCH + 2 * HOUR, data={"amount": 60})
    assert only(run(document, hours(4), events=[small]).executions)["state"] == "WAITING"
    result = run(document, hours(4), events=[small, large])
    assert outcome(result) == "bought"
    assert result.events.set_index("event_id")["is_used"].to_dict() == {"a": False, "b": True}
    assert only(result.executions)["context"]["event"]["amount"] == 60


def test_the_first_of_several_events_counts():
    events = [event("b", MARCH + HOUR), event("a", MARCH + HOUR), event("c", MARCH + HOUR / 2)]
    result = run(purchase_wait(), [MARCH, MARCH + 2 * HOUR], events=events)
    assert only(result.executions)["context"]["event"]["event_id"] == "c"


def test_events_of_other_types_and_customers_do_not_count():
    events = [
        event("a", MARCH + HOUR, event_type="coupon.redeemed"),
        event("b", MARCH + HOUR, customer_id="8"),
    ]
    assert only(run(purchase_wait(), hours(3), events=events).executions)["state"] == "WAITING"


def test_an_event_without_received_at_was_received_when_it_occurred():
    purchase = event("e", MARCH + HOUR)
    del purchase["received_at"]
    assert outcome(run(purchase_wait(), hours(3), events=[purchase])) == "bought"


def test_one_event_may_end_waits_in_two_journeys():
    one, two = purchase_wait(), {**purchase_wait(), "key": "other"}
    result = run([one, two], hours(3), events=[event("e", MARCH + HOUR)])
    assert result.executions["outcome"].to_list() == ["bought", "bought"]
