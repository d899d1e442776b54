"""The same passes leave equal rows in both stores, whatever the size of the chunks."""

from pathlib import Path

import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.store.memory import MemoryStore
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour import busy
from tests.behaviour.builders import MARCH
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


KEYS = {
    "executions": ["execution_id"],
    "transitions": ["execution_id", "node_id", "visit"],
    "dispatches": ["key"],
    "points_transactions": ["dispatch_key"],
}


def assert_same_rows(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    """In any order; the snapshots' ids may differ."""
    for table, keys in KEYS.items():
        one, other = (
            rows[table].sort_values(keys, ignore_index=True).drop(columns="snapshot_id", errors="ignore")
            for rows in (found, expected)
        )
        pd.testing.assert_frame_equal(one, other, obj=table)


def test_chunks_of_any_size_leave_the_same_rows(in_memory: dict[str, pd.DataFrame]) -> None:
    store = MemoryStore(known_campaigns=CAMPAIGN_IDS)
    busy.run_all(store, COUNT, chunk_rows=23)
    assert_same_rows(rows(store), in_memory)


def test_snapshots_in_parts_leave_the_rows_of_whole_ones(
    in_memory: dict[str, pd.DataFrame], postgres_store: PostgresStore, tmp_path: Path
) -> None:
    with postgres_store.transaction() as transaction:
        transaction.add_campaigns(campaigns())
    passes = busy.run_all(postgres_store, COUNT, parts_in=tmp_path)
    assert passes.engine.source.at(MARCH).parts == 8
    assert_same_rows(rows(postgres_store), in_memory)


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
