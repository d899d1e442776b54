"""The same passes leave equal rows in both stores, whatever the size of the chunks."""

import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.store.memory import MemoryStore
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour import busy
from tests.store.rows import CAMPAIGN_IDS, campaigns

TABLES = (
    "executions",
    "transitions",
    "dispatches",
    "events",
    "points_transactions",
    "campaign_executions",
    "runs",
    "holds",
)
COUNT = 60


def rows(store: JourneyStore) -> dict[str, pd.DataFrame]:
    with store.transaction() as transaction:
        return {table: transaction.read(table) for table in TABLES}


@pytest.fixture(scope="module")
def in_memory() -> dict[str, pd.DataFrame]:
    """All rows that the busy world leaves in memory."""
    store = MemoryStore(known_campaigns=CAMPAIGN_IDS)
    busy.run_all(store, COUNT)
    return rows(store)


def test_both_stores_hold_the_same_rows_after_the_same_passes(
    in_memory: dict[str, pd.DataFrame], postgres_store: PostgresStore
) -> None:
    with postgres_store.transaction() as transaction:
        transaction.add_campaigns(campaigns())
    busy.run_all(postgres_store, COUNT)
    for table, found in rows(postgres_store).items():
        pd.testing.assert_frame_equal(found, in_memory[table], obj=table)


def test_chunks_of_any_size_leave_the_same_rows(in_memory: dict[str, pd.DataFrame]) -> None:
    store = MemoryStore(known_campaigns=CAMPAIGN_IDS)
    busy.run_all(store, COUNT, chunk_rows=23)
    chunked = rows(store)
    for table, keys in {
        "executions": ["execution_id"],
        "transitions": ["execution_id", "node_id", "visit"],
        "dispatches": ["key"],
        "points_transactions": ["dispatch_key"],
    }.items():
        whole = in_memory[table].sort_values(keys, ignore_index=True)
        pd.testing.assert_frame_equal(chunked[table].sort_values(keys, ignore_index=True), whole, obj=table)


def test_the_busy_world_is_busy(in_memory: dict[str, pd.DataFrame]) -> None:
    executions, dispatches = in_memory["executions"], in_memory["dispatches"]
    assert set(executions["state"]) >= {"COMPLETED", "FAILED", "WAITING"}
    assert set(dispatches["status"]) >= {"sent", "failed", "skipped", "unknown"}
    assert set(executions["outcome"].dropna()) >= {"done", "sorry", "exit_rule"}
    assert {failure.split(":")[0] for failure in executions["failure"].dropna()} >= {"customer_gone"}
    assert set(dispatches["reason"].dropna()) >= {"stale", "no_consent", "missing_variable: customer.first_name"}
    assert set(executions["journey_version"]) == {1, 2}
    assert in_memory["events"]["is_used"].any()
    assert (in_memory["transitions"]["visit"] > 1).any()
    assert (dispatches["attempt"] > 1).any()
