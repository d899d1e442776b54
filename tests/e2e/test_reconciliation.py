"""Thirty days of the main job against the warehouse, by a query that knows nothing of our segments and features."""

import re
from pathlib import Path

import duckdb
import pytest

from journey_pipelines.store.postgres import PostgresStore
from tests.e2e.demonstration import make_project, run_demo

# Whoever shopped for the first time between the end of the first day, which the journey only looks at, and the end of
# the thirtieth. Straight from the receipts; times there are UTC.
NEWCOMERS = """
select cast(household_id as varchar)
from transactions
group by household_id
having min(transaction_timestamp) >= timestamp '2017-03-02 00:00:00'
   and min(transaction_timestamp) < timestamp '2017-03-31 00:00:00'
"""


@pytest.mark.timeout(900)
def test_whoever_should_enter_the_welcome_journey_does_and_nobody_else(
    tmp_path: Path, postgres_url: str, sample_path: Path, snapshot_folder: Path
) -> None:
    said = run_demo(
        make_project(tmp_path / "project"),
        JOURNEYS_STORE_URL=postgres_url,
        JOURNEYS_WAREHOUSE_URL=f"duckdb:///{sample_path}",
        JOURNEYS_SNAPSHOTS=str(snapshot_folder),
    )
    with duckdb.connect(str(sample_path), read_only=True) as warehouse:
        expected = {customer for (customer,) in warehouse.execute(NEWCOMERS).fetchall()}
    store = PostgresStore(postgres_url)
    with store.transaction() as transaction:
        entered = transaction.read("executions", journey_key="welcome")["customer_id"]
    store.close()
    assert len(expected) > 50
    assert sorted(entered) == sorted(expected)
    assert "Partitions run: 30 of 30" in said
    in_summary = re.findall(r"^welcome +(?:COMPLETED|FAILED|IN_PROGRESS|WAITING) +([\d,]+)$", said, re.MULTILINE)
    assert sum(int(count.replace(",", "")) for count in in_summary) == len(expected)
