"""Six days of a journey with arms, failures, skips, a goal and people who still wait."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH, START, action, edge, end, event, features, journey, profiles, wait
from tests.behaviour.passes import Passes
from tests.store.rows import receipts

DAY = timedelta(days=1)
PEOPLE = [f"c{number:02d}" for number in range(40)]


def six_day_journey(*, treated: str = "treated", **keys: Any) -> dict[str, Any]:
    """Its document; `treated`: the name of the arm that is written to."""
    arms = {"branches": [{"name": treated, "weight": 3}, {"name": "holdout", "weight": 1}]}
    return journey(
        [
            START,
            {"id": "arms", "type": "split", "config": arms},
            action("hello", message="Hi {{customer.first_name}}"),
            wait("w", duration="P3D"),
            action("bonus", "award_points", points=50),
            end("done"),
        ],
        [
            edge("start", "arms"),
            edge("arms", "hello", treated),
            edge("arms", "w", "holdout"),
            edge("hello", "w"),
            edge("w", "bonus"),
            edge("bonus", "done"),
        ],
        goal={"event": "customer.purchase"},
        **keys,
    )


def answers(dispatches: pd.DataFrame) -> pd.DataFrame:
    """Every seventh SMS fails."""
    has_failed = dispatches["customer_id"].str[1:].astype(int) % 7 == 0
    has_failed &= dispatches["action_type"] == "send_sms"
    status = has_failed.map({True: "failed", False: "sent"})
    return pd.DataFrame({"key": dispatches["key"], "status": status, "result": [{} for _ in status]})


def six_days(store: PostgresStore, document: Mapping[str, Any]) -> Passes:
    """The store after these days, with what providers told since."""
    names = {who: None if number % 9 == 8 else f"Ann {number}" for number, who in enumerate(PEOPLE)}
    consents = {who: number % 5 != 4 for number, who in enumerate(PEOPLE)}
    people = profiles(PEOPLE, first_name=names, sms_consent=consents)
    frames = [features(PEOPLE[: 10 * (number + 1)], dates=[f"2017-03-0{number + 1}"]) for number in range(4)]
    made = Passes(store, dict(document), deliver=answers, features=pd.concat(frames), profiles=people)
    made.run(MARCH, MARCH + DAY)
    bought = [event(f"e{who}", MARCH + DAY + timedelta(hours=1), customer_id=who) for who in PEOPLE[:12:3]]
    made.add_events(bought)
    made.run(MARCH + 2 * DAY)
    sent = made.read("dispatches", status="sent", action_type="send_sms")["key"]
    with store.transaction() as transaction:
        transaction.add_receipts(receipts(*sent.head(6), at=MARCH + 2 * DAY, outcome=["delivered"] * 5 + ["failed"]))
    made.run(MARCH + 3 * DAY, MARCH + 4 * DAY)
    return made
