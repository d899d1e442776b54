"""The same story told to both stores leaves the same frames in both."""

from collections.abc import Callable

import pandas as pd
import pytest

from journey_pipelines.engine.ports import Hold, JourneyStore, Run, SnapshotCounts
from journey_pipelines.store.memory import MemoryStore
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.postgres.reports import TABLES
from tests.store.rows import (
    CAMPAIGN_IDS,
    DOCUMENT,
    HOUR,
    NOW,
    awards,
    campaign_executions,
    campaigns,
    changes,
    dispatches,
    events,
    executions,
    ids,
    receipts,
    snapshots,
    starts,
    transitions,
)

CUSTOMERS = [f"e{number:03}" for number in range(60)]


def enrol(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=NOW)
        transaction.open_run(Run("run", NOW))
        transaction.record_snapshots(snapshots("features@1", "segment@1"))
        transaction.add_executions(executions(*reversed(CUSTOMERS), due_at=NOW))
        transaction.add_starts(starts(*CUSTOMERS[:9]))
        transaction.add_events(events(*CUSTOMERS[:7], customer_id=[f"customer-{name}" for name in CUSTOMERS[:7]]))


def advance(store: JourneyStore) -> None:
    after = ""
    while True:
        with store.transaction() as transaction:
            claim = transaction.take_due("welcome", 1, as_of=NOW, missing_before=NOW - HOUR, after=after, limit=17)
            taken, after = claim.frame, claim.cursor
            if taken.empty:
                return
            names = taken["execution_id"].tolist()
            moved = taken.assign(state="IN_PROGRESS", current_node_id="mail", due_at=pd.NaT)
            transaction.save(changes(moved, transitions(*names), dispatches(*names), used=tuple(names[:2])))


def deliver(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        taken = transaction.take_dispatches(as_of=NOW, journey_keys=["welcome"], limit=40)
        transaction.save_dispatches(taken.assign(status="sent", left_at=NOW, attempt=1))
        transaction.earn_points(awards(*taken["key"].head(5)))
        transaction.add_campaign_executions(campaign_executions(*taken["key"].head(3)))
        told = transaction.add_receipts(receipts(*taken["key"].head(4)))
        transaction.mark_applied(told.head(2))
        transaction.mark_missing("welcome", ids("customer-e001"), NOW)
        transaction.hold(Hold("run", "welcome", "shrunk", SnapshotCounts("welcome", NOW, None, 0, {"s": ("id", 1)})))
        transaction.close_run("run", {"sent": 40})


@pytest.mark.parametrize("table", TABLES)
def test_both_stores_hold_equal_frames(postgres_store: PostgresStore, table: str) -> None:
    memory = MemoryStore(known_campaigns=CAMPAIGN_IDS)
    with postgres_store.transaction() as transaction:
        transaction.add_campaigns(campaigns())
    steps: list[Callable[[JourneyStore], None]] = [enrol, advance, deliver]
    for store in (memory, postgres_store):
        for step in steps:
            step(store)
    with memory.transaction() as one, postgres_store.transaction() as other:
        pd.testing.assert_frame_equal(one.read(table), other.read(table))
        assert len(one.read(table)) > 0
