"""The number of Python steps grows with the nodes of the journeys, never with the customers."""

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pandas as pd

import journey_pipelines.engine
from tests.behaviour.builders import (
    DONE,
    MARCH,
    START,
    action,
    condition,
    days,
    edge,
    journey,
    profiles,
    run,
    wait,
)

ENGINE = str(Path(journey_pipelines.engine.__file__).parent)

ARMS = [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]
DOCUMENT = journey(
    [
        START,
        action("mail", message="Hi {{customer.first_name}}"),
        wait("day", duration="P1D"),
        condition("engaged", {">": [{"var": "sessions"}, 0]}),
        wait("bought", event="customer.purchase", timeout="P1D", rule={">": [{"var": "amount"}, 5]}),
        {
            "id": "arms",
            "type": "split",
            "config": {"branches": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
        },
        action("bonus", "award_points"),
        DONE,
    ],
    [
        edge("start", "mail"),
        edge("mail", "day"),
        edge("day", "engaged"),
        edge("engaged", "bought", "true"),
        edge("engaged", "arms", "false"),
        edge("bought", "arms", "event"),
        edge("bought", "done", "timeout"),
        edge("arms", "bonus", "a"),
        edge("arms", "done", "b"),
        edge("bonus", "done"),
    ],
    exit={"rule": {"==": [{"var": "is_closed"}, True]}},
    stale_after="P3D",
)


def calls_inside_the_engine(customers):
    people = [str(number) for number in range(customers)]
    frame = pd.DataFrame({"customer_id": people, "snapshot_date": "2017-01-01", "is_closed": False})
    frame["sessions"] = [number % 2 for number in range(customers)]
    everybody = profiles(people, first_name="Ada")
    everybody["timezone"] = ["America/New_York", "Asia/Tokyo", None, "Mars/Olympus"] * (customers // 4)
    events = pd.DataFrame({"event_id": people, "customer_id": people, "event_type": "customer.purchase"})
    events["occurred_at"] = MARCH + timedelta(days=1, hours=5)
    events["data"] = [{"amount": number % 9} for number in range(customers)]
    counted = Counter()

    def count(frame, what, _):
        if what == "call" and frame.f_code.co_filename.startswith(ENGINE):
            counted[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"] += 1

    sys.setprofile(count)
    try:
        result = run(DOCUMENT, days(4), features=frame, profiles=everybody, events=events, chunk_rows=customers)
    finally:
        sys.setprofile(None)
    assert set(result.executions["state"]) == {"COMPLETED"}
    return counted


def test_a_hundred_times_the_customers_cost_not_one_call_more():
    calls_inside_the_engine(100)  # zone tables are made once in a process
    assert calls_inside_the_engine(200) == calls_inside_the_engine(20_000)
