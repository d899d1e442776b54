"""What came in since the last pass: manual starts and events that somebody waits for. Reads the store, decides nothing.

The cursor is the store's: a start waits until a pass entered or refused it, an event is new until a pass closed after
its receipt.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pandas as pd

from journey_pipelines.engine.ports import JourneyStore, StoreTransaction

MOST_LOOKED_AT: Final = 10_000
MOVING_KINDS: Final = ("run", "advance", "dispatch")
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Arrivals:
    """How many manual starts wait, and how many executions an event has reached."""

    starts: int
    events: int

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.starts or self.events)


def find_arrivals(store: JourneyStore, now: datetime) -> Arrivals:
    """What a pass at `now` would find; journeys apart that are paused or held."""
    with store.transaction() as transaction:
        held = held_journeys(transaction)
        versions = [v for v in transaction.versions() if v.status in ("live", "archived") and v.journey_key not in held]
        live = {v.journey_key for v in versions if v.status == "live"}
        starts = sum(len(transaction.waiting_starts(key, now)) for key in sorted(live))
        since = last_pass(transaction)
        events = sum(_reached(transaction, v.journey_key, v.version, since, now) for v in versions)
    return Arrivals(starts, events)


def held_journeys(transaction: StoreTransaction) -> set[str]:
    """Journeys whose newest hold nobody approved and no good snapshot has released."""
    held = set()
    for hold in reversed(transaction.holds()):  # newest last
        accepted = transaction.accepted(hold.journey_key)
        is_released = accepted is not None and accepted.as_of > hold.counts.as_of
        if hold.approved_at is None and not is_released:
            held.add(hold.journey_key)
        else:
            held.discard(hold.journey_key)
    return held


def last_pass(transaction: StoreTransaction) -> datetime:
    """The `as_of` of the newest closed pass that moved anybody; long ago where there is none."""
    runs = transaction.read("runs", is_closed=True)
    moving = runs.loc[runs["kind"].isin(MOVING_KINDS), "as_of"]
    return moving.max().to_pydatetime() if len(moving) else LONG_AGO


def _reached(transaction: StoreTransaction, key: str, version: int, since: datetime, now: datetime) -> int:
    due = transaction.take_due(key, version, as_of=now, missing_before=LONG_AGO, limit=MOST_LOOKED_AT).frame
    waiting = due[due["waiting_for"].notna()]
    if not len(waiting):
        return 0
    customers, types = pd.Index(waiting["customer_id"].unique()), sorted(waiting["waiting_for"].unique())
    events = transaction.events(customers, types, after=waiting["events_since"].min(), as_of=now)
    return int((events["received_at"] > pd.Timestamp(since)).sum())
