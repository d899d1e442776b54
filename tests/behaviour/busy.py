"""A busy little world: every kind of node, retries, unknown sends, events, two versions, a cap. For comparisons."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.ports import JourneyStore
from tests.behaviour.builders import (
    DONE,
    MARCH,
    START,
    action,
    chain,
    condition,
    days,
    edge,
    event,
    features,
    journey,
    profiles,
    segments,
    wait,
)
from tests.behaviour.parted import read_in_parts
from tests.behaviour.passes import ACTIONS, Passes

DATES = [f"2017-03-{day:02d}" for day in range(1, 9)]
ARMS = {"branches": [{"name": "a", "weight": 50}, {"name": "b", "weight": 50}]}
BUSY = journey(
    [
        START,
        action("hello", message="Hi {{customer.first_name}}", retry={"attempts": 2, "backoff": "PT6H"}),
        wait("bought", event="customer.purchase", timeout="P2D", rule={">": [{"var": "amount"}, 5]}),
        {"id": "arms", "type": "split", "config": ARMS},
        action("bonus", "award_points"),
        action("campaign", "trigger_campaign", campaign_id=5),
        wait("pause", duration="P1D"),
        condition("again", {"<": [{"var": "sessions"}, 3]}),
        action("push", "send_push", title="Hello", body="You", window={"from": "08:00", "to": "20:00"}),
        DONE,
        {"id": "sorry", "type": "end"},
    ],
    [
        edge("start", "hello"),
        edge("hello", "bought"),
        edge("hello", "sorry", "failed"),
        edge("bought", "arms", "event"),
        edge("bought", "push", "timeout"),
        edge("arms", "bonus", "a"),
        edge("arms", "campaign", "b"),
        edge("bonus", "pause"),
        edge("campaign", "pause"),
        edge("pause", "again"),
        edge("again", "pause", "true"),
        edge("again", "push", "false"),
        edge("push", "done"),
    ],
    key="busy",
    entry={"segment": "loyal", "include_existing": True, "reentry": "P3D"},
    exit={"rule": {"==": [{"var": "is_closed"}, True]}},
    missing_grace="P2D",
    stale_after="P1D",
)
RIVAL = chain(
    wait("w", duration="PT30H"),
    action("sms"),
    key="rival",
    priority=3,
    entry={"rule": {"var": "sessions"}},
    stale_after="P1D",
)


def answer_by_hash(dispatches: pd.DataFrame) -> pd.DataFrame:
    """Sent, failed, retry or unknown: by a hash of key and attempt, so that it is the same every time."""
    texts = dispatches["key"] + "/" + dispatches["attempt"].astype("str")
    drawn = [crc32(text.encode()) % 10 for text in texts]
    statuses = ["failed", "retry", "retry", "unknown", "sent", "sent", "sent", "sent", "sent", "sent"]
    return pd.DataFrame({"key": dispatches["key"], "status": [statuses[number] for number in drawn], "result": None})


def frames(count: int) -> dict[str, Any]:
    """Features, segments, profiles and events of so many customers over eight days; equal every time."""
    draw = np.random.default_rng(7)
    people = [str(number) for number in range(count)]
    everyday = features(people, dates=DATES)
    everyday["sessions"] = draw.integers(0, 5, len(everyday))
    everyday["is_closed"] = draw.random(len(everyday)) < 0.06
    is_gone = (everyday["customer_id"].astype(int) % 19 == 3) & (everyday["snapshot_date"] > "2017-03-02")
    is_seen = (draw.random(len(everyday)) > 0.03) & ~is_gone
    zones = draw.choice(np.array(["UTC", "America/New_York", "Asia/Tokyo"], dtype=object), count)
    names = {who: None if number % 17 == 0 else f"Name {who}" for number, who in enumerate(people)}
    known = profiles(people, timezone=dict(zip(people, zones, strict=True)), first_name=names)
    known["sms_consent"] = pd.Series([number % 13 != 5 for number in range(count)], dtype=object)
    known["device_tokens"] = pd.Series([[f"t{who}"] for who in people], dtype=object)
    events = [
        event(
            f"e{number:04d}",
            MARCH + timedelta(minutes=int(draw.integers(0, 7 * 1440))),
            customer_id=str(draw.integers(0, count)),
            received_at=MARCH + timedelta(minutes=int(draw.integers(0, 9 * 1440))),
            data={"amount": int(draw.integers(0, 20))},
        )
        for number in range(count * 2)
    ]
    members = {date: [who for who in people if draw.random() < 0.7] for date in DATES}
    return {
        "features": everyday[is_seen],
        "profiles": known,
        "segments": segments(members),
        "events": events,
    }


def run_all(store: JourneyStore, count: int, *, chunk_rows: int = 50_000, parts_in: Path | None = None) -> Passes:
    """Eight days, two passes each, with a second version and a pause on the way; `parts_in`: over files in parts."""
    dispatcher = CallableDispatcher(ACTIONS, answer_by_hash, policy=ContactPolicy(caps={"sms": 1}))
    passes = Passes(store, BUSY, RIVAL, dispatcher=dispatcher, chunk_rows=chunk_rows, **frames(count))
    if parts_in is not None:
        read_in_parts(passes, parts_in, days(8))
    for number, noon in enumerate(days(8)):
        if number == 3:
            passes.publish({**BUSY, "name": "Second version"})
            passes.set_status("paused", "rival")
        if number == 5:
            passes.set_status("live", "rival")
        passes.run(noon)
        passes.advance(noon + timedelta(hours=8))
    return passes
