"""What was changed behind the engine's back is noticed, and what is gone is said to be gone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from journey_pipelines.cli.story import tell
from journey_pipelines.evidence.accounts import accounts_at
from journey_pipelines.evidence.archive import Archive
from journey_pipelines.evidence.explanation import Explanation
from journey_pipelines.evidence.findings import Finding, Verdict
from journey_pipelines.evidence.passages import Passage
from journey_pipelines.evidence.snapshot_rows import SnapshotRows
from journey_pipelines.evidence.steps import step_finding
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SnapshotStore
from tests.evidence.world import CATALOG, CUSTOMERS, World

NODE = ("is_big", 1)


@pytest.fixture(scope="module")
def example(world: World) -> Explanation:
    """Somebody whose spend decided at is_big."""
    return next(one for one in world.explain(CUSTOMERS[20:40]) if NODE in one.steps)


def file_of(store: SnapshotStore, kind: str, example: Explanation) -> Path:
    at = example.steps[NODE].at
    assert at is not None
    return store.path(kind, at.date())


def change(path: Path, customer: str, **cells: Any) -> None:
    """Write other cells of one customer into a file that says of itself what it said before."""
    table = pq.read_table(path)
    frame = table.to_pandas()
    for name, cell in cells.items():
        frame.loc[frame["customer_id"] == customer, name] = cell
    pq.write_table(pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False), path)


def lines(one: Explanation) -> str:
    return "\n".join(tell(one.execution, one.transitions, one.dispatches, one.document, one))


def test_the_explanation_shows_the_value_and_where_it_lies(example: Explanation) -> None:
    finding = example.steps[NODE]
    spend = finding.evaluations[0].readings[0].value
    said = lines(example)
    truth = "true" if spend > 500 else "false"
    assert f"The rule of 'true', spend > 500, is {truth}: spend was {spend} (fingerprint " in said
    assert f"snapshot {finding.snapshot_id})" in said


def test_a_changed_snapshot_is_noticed(world: World, example: Explanation, copied: SnapshotStore) -> None:
    change(file_of(copied, FEATURES, example), example.execution["customer_id"], spend=501.0)
    one = world.explain_one(example.execution, copied)
    assert one.steps[NODE].verdict is Verdict.UNCHECKED
    assert "the file was changed" in one.steps[NODE].remark
    assert one.steps[NODE].evaluations == ()
    assert "This could not be computed once more: the rows of snapshot features@" in lines(one)


def test_a_cell_of_somebody_else_makes_the_snapshot_another_one(
    world: World, example: Explanation, copied: SnapshotStore
) -> None:
    other = "c000" if example.execution["customer_id"] != "c000" else "c001"
    change(file_of(copied, FEATURES, example), other, spend=1.0)
    assert world.explain_one(example.execution, copied).steps[NODE].verdict is Verdict.UNCHECKED


def test_a_snapshot_that_is_gone_is_said_to_be_gone(world: World, example: Explanation, copied: SnapshotStore) -> None:
    file_of(copied, FEATURES, example).unlink()
    one = world.explain_one(example.execution, copied)
    assert one.steps[NODE].verdict is Verdict.UNCHECKED
    assert "is gone" in one.steps[NODE].remark


def test_a_partition_that_was_written_again_is_read_as_it_was(
    world: World, example: Explanation, copied: SnapshotStore
) -> None:
    at = example.steps[NODE].at
    assert at is not None
    frame = copied.read(FEATURES, at.date()).frame
    copied.write(FEATURES, at.date(), frame.assign(spend=0.0))
    assert world.explain_one(example.execution, copied).steps == example.steps


def test_a_profile_that_no_rule_read_may_be_gone(world: World, example: Explanation, copied: SnapshotStore) -> None:
    file_of(copied, PROFILES, example).unlink()
    assert world.explain_one(example.execution, copied).steps[NODE].verdict is Verdict.CONFIRMED


def stored_otherwise(
    world: World, example: Explanation, snapshots: SnapshotStore | None = None, **changes: Any
) -> Finding:
    """The evidence of the example's decision, had the store another transition."""
    number = [left["node_id"] for left in example.transitions].index("is_big")
    transitions = [*example.transitions]
    transitions[number] = {**transitions[number], **changes}
    with world.store.transaction() as transaction:
        archive = Archive(transaction, CATALOG, snapshots or world.snapshots)
        journey = compile_journey(example.document, CATALOG)
        finding = step_finding(Passage(example.execution, journey, transitions, example.dispatches), number, archive)
    assert finding is not None
    return finding


def test_another_branch_than_the_values_lead_to_contradicts_the_store(world: World, example: Explanation) -> None:
    branch = example.steps[NODE].branch
    other = "false" if branch == "true" else "true"
    finding = stored_otherwise(world, example, branch=other)
    assert finding.verdict is Verdict.CONTRADICTED
    assert finding.remark == f"these values lead to the branch {branch!r}, the store says {other!r}"
    said = lines(replace(example, steps={NODE: finding}))
    assert "THIS CONTRADICTS THE STORE" in said
    assert "1 of these lines contradict the store" in said


def test_another_fingerprint_than_the_rules_contradicts_the_store(world: World, example: Explanation) -> None:
    finding = stored_otherwise(world, example, fingerprint="0123456789abcdef")
    assert finding.verdict is Verdict.CONTRADICTED
    assert "fingerprint" in finding.remark


def test_a_snapshot_without_the_customer_contradicts_the_store(
    world: World, example: Explanation, copied: SnapshotStore
) -> None:
    at = example.steps[NODE].at
    assert at is not None
    frame = copied.read(FEATURES, at.date()).frame
    rest = frame[frame["customer_id"] != example.execution["customer_id"]]
    without = copied.write(FEATURES, at.date(), rest.reset_index(drop=True))
    finding = stored_otherwise(world, example, copied, snapshot_id=without.snapshot_id)
    assert finding.verdict is Verdict.CONTRADICTED
    assert "has no row of the customer" in finding.remark


def test_a_run_that_noted_no_snapshots_is_read_by_its_day(world: World, example: Explanation) -> None:
    with world.store.transaction() as transaction:
        archive = Archive(transaction, CATALOG, world.snapshots)
        as_of = example.execution["entered_at"].to_pydatetime()
        noted = archive.read_at(as_of)[0]
        at_hand = archive.read_by_run("unknown", features=noted.features, as_of=as_of)
    assert at_hand.is_noted is False
    assert (at_hand.features, at_hand.profiles, at_hand.segments) == (noted.features, noted.profiles, noted.segments)


def test_a_finding_is_json(example: Explanation) -> None:
    found = example.steps[NODE].as_json()
    assert found["verdict"] == "confirmed"
    assert found["evaluations"][0]["readings"][0]["path"] == "spend"


def test_points_of_later_runs_do_not_count(world: World) -> None:
    at = pd.Timestamp("2024-03-08", tz="UTC")
    with world.store.transaction() as transaction:
        awards = transaction.read("points_transactions")
        customer = awards.iloc[0]["customer_id"]
        assert accounts_at(transaction, customer, at.to_pydatetime())[0]["points_balance"] == 0
        later = accounts_at(transaction, customer, awards.iloc[0]["at"].to_pydatetime())
    assert [account["points_balance"] for account in later] == [0, 10]


def test_a_large_snapshot_goes_by_its_id_unless_asked(example: Explanation, copied: SnapshotStore) -> None:
    customer, snapshot_id = example.execution["customer_id"], example.steps[NODE].snapshot_id
    change(file_of(copied, FEATURES, example), customer, spend=501.0)
    quick, thorough = SnapshotRows(copied, rows_to_hash=10), SnapshotRows(copied, rows_to_hash=None)
    assert quick.row(snapshot_id, customer).has_row
    assert quick.unhashed == {snapshot_id}
    assert "the file was changed" in thorough.row(snapshot_id, customer).trouble
