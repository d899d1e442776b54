"""Who is due when: the customer's own calendar decides days, and only what is due is looked at."""

from datetime import UTC, datetime

import pandas as pd

from tests.behaviour.builders import (
    action,
    answers,
    chain,
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

NEW_YORK = profiles(timezone="America/New_York")
EVERY_HOUR = [datetime(2017, 3, 11, 15, tzinfo=UTC), *pd.date_range("2017-03-12 10:00", periods=8, freq="h", tz="UTC")]


def test_a_backoff_of_one_day_ends_at_the_same_wall_time_where_the_customer_lives():
    document = chain(action("sms", retry={"attempts": 2, "backoff": "P1D"}))
    result = run(document, EVERY_HOUR, profiles=NEW_YORK, deliver=answers("retry", "sent"))
    assert only(result.executions)["ended_at"] == datetime(2017, 3, 12, 14, tzinfo=UTC)


def test_settle_after_one_day_ends_at_the_same_wall_time_where_the_customer_lives():
    result = run(chain(action("sms")), EVERY_HOUR, profiles=NEW_YORK, deliver=answers("unknown"))
    assert only(result.executions)["ended_at"] == datetime(2017, 3, 12, 14, tzinfo=UTC)


def test_a_reentry_interval_of_one_day_is_one_where_the_customer_lives():
    document = chain(entry={"rule": {"!!": [{"var": "customer_id"}]}, "reentry": "P1D"})
    result = run(document, EVERY_HOUR, profiles=NEW_YORK)
    assert result.executions["entered_at"].to_list() == [EVERY_HOUR[0], datetime(2017, 3, 12, 14, tzinfo=UTC)]


def test_missing_grace_ends_where_the_customer_lives_not_where_the_journey_does():
    seen = features(dates=["2017-11-03"])
    gone = features(("8",), dates=["2017-11-04"])
    runs = [datetime(2017, 11, day, 12, tzinfo=UTC) for day in (3, 4, 5, 6, 7)]
    document = chain(wait("w", duration="P30D"), timezone="America/New_York")
    people = profiles(("7", "8"), timezone="Asia/Tokyo")
    result = run(document, runs, features=pd.concat([seen, gone]), profiles=people)
    failed = result.executions.set_index("customer_id").loc["7"]
    assert failed["ended_at"] == runs[4]
    assert failed["failure"].startswith("customer_gone")


def test_enrolling_the_same_partition_twice_adds_nobody_however_short_the_interval():
    document = chain(entry={"rule": {"!!": [{"var": "customer_id"}]}, "reentry": "PT6H"})
    result = run(document, [datetime(2017, 3, 1, hour, tzinfo=UTC) for hour in (0, 12)])
    assert len(result.executions) == 1


def test_an_event_that_the_wait_refuses_makes_nobody_due():
    nodes = [{"id": "start", "type": "start"}, wait("w", event="buy", timeout="P9D", rule={"var": "big"}), end("done")]
    edges = [edge("start", "w"), edge("w", "done", "event"), edge("w", "done", "timeout")]
    facts = features(
        dates=["2017-03-01", "2017-03-02"], is_closed={("2017-03-01", "7"): False, ("2017-03-02", "7"): True}
    )
    runs = [datetime(2017, 3, day, 12, tzinfo=UTC) for day in (1, 3)]
    small = event("e1", datetime(2017, 3, 2, tzinfo=UTC), event_type="buy", data={"big": False})
    document = journey(nodes, edges, exit={"rule": {"var": "is_closed"}})
    result = run(document, runs, features=facts, events=[small])
    assert only(result.executions)["state"] == "WAITING"
