"""The sample journeys over thirty days of the sample warehouse, live on Postgres: a replay shows the same, and a
simulation of the first week what was there after it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import pytest

from journey_pipelines.composition import Installation
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.live import run_whole_day
from journey_pipelines.reading import Readings
from journey_pipelines.replay import Kept, PartitionDays, replay
from journey_pipelines.simulation import SimulationResult, simulate
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.snapshots.parquet import EVENTS, FEATURES, PROFILES, SEGMENTS, SnapshotStore

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = [ROOT / "journeys" / "welcome.yaml", ROOT / "journeys" / "retention.yaml"]
DAYS: Final = [date(2017, 3, 1) + timedelta(days=number) for number in range(30)]
WEEK: Final = DAYS[:7]
# Whoever shopped for the first time between the end of the first day, which the journey only looks at, and the end of
# the thirtieth. Straight from the receipts; times there are UTC.
NEWCOMERS: Final = """
select cast(household_id as varchar)
from transactions
group by household_id
having min(transaction_timestamp) >= timestamp '2017-03-02 00:00:00'
   and min(transaction_timestamp) < timestamp '2017-03-31 00:00:00'
"""
ORDER: Final = {
    "executions": ["execution_id"],
    "transitions": ["execution_id", "node_id", "visit"],
    "dispatches": ["key"],
    "events": ["event_id"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's project lives."""
    return tmp_path_factory.mktemp("live")


@dataclass
class Live:
    """An installation whose journeys went through these days, and what was there after the first week."""

    installation: Installation
    after_a_week: dict[str, pd.DataFrame] = field(default_factory=dict)
    files_after_a_week: list[Path] = field(default_factory=list)

    def table(self, name: str) -> pd.DataFrame:
        with self.installation.store.transaction() as transaction:
            return transaction.read(name).sort_values(ORDER[name], ignore_index=True)

    @property
    def files(self) -> list[Path]:
        return files(self.installation.settings.outbox)


@pytest.fixture
def live(store_url: str, folder: Path, sample_path: Path, snapshot_folder: Path) -> Iterator[Live]:
    """See Live."""
    environment = {
        "JOURNEYS_HOME": str(folder),
        "JOURNEYS_STORE_URL": store_url,
        "JOURNEYS_WAREHOUSE_URL": f"duckdb:///{sample_path}",
        "JOURNEYS_SNAPSHOTS": str(snapshot_folder),
    }
    installation = Installation.from_environment(environment, working_directory=folder)
    with installation.store.transaction() as transaction:
        for document in DOCUMENTS:
            journey = compile_journey(document, installation.full_catalog)
            transaction.publish(journey.document, at=end_of_day(DAYS[0]))
    made = Live(installation)
    for day in DAYS:
        run_whole_day(installation, day)
        if day == WEEK[-1]:
            made.after_a_week = {table: made.table(table) for table in ORDER}
            made.files_after_a_week = made.files
    yield made
    installation.store.close()


def simulated(snapshots: SnapshotStore, outbox: LocalOutbox) -> SimulationResult:
    """The same days over frames made from the same Parquet files, answered as the local outbox answers."""

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        is_message = dispatches["action_type"].isin(["send_email", "send_sms", "send_push"])
        others = pd.DataFrame({"key": dispatches.loc[~is_message, "key"], "status": "sent", "result": None})
        return pd.concat([outbox.send(dispatches[is_message].reset_index(drop=True)), others], ignore_index=True)

    members = [dated(snapshots, f"{SEGMENTS}/{name}").assign(segment=name) for name in ("new_customers", "at_risk")]
    return simulate(
        DOCUMENTS,
        runs=[end_of_day(day) for day in WEEK],
        features=dated(snapshots, FEATURES),
        segments=pd.concat(members, ignore_index=True),
        profiles=lasting_profiles(snapshots),
        events=pd.concat([snapshots.read(EVENTS, day).frame for day in WEEK], ignore_index=True),
        deliver=deliver,
    )


def dated(snapshots: SnapshotStore, kind: str) -> pd.DataFrame:
    """All days of one kind of snapshot, with the day of each row."""
    frames = [snapshots.read(kind, day).frame.assign(snapshot_date=str(day)) for day in WEEK]
    return pd.concat(frames, ignore_index=True)


def lasting_profiles(snapshots: SnapshotStore) -> pd.DataFrame:
    """The profiles of the last day, of which a simulation has one for each customer."""
    return snapshots.read(PROFILES, WEEK[-1]).frame


def comparable(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """The rows without what names a run, snapshot ids without the hash of their content, in one order."""
    kept = rows.drop(columns=[name for name in ("run_id",) if name in rows])
    if "snapshot_id" in kept:
        kept["snapshot_id"] = kept["snapshot_id"].str.split("@").str[:2].str.join("@")
    return kept.sort_values(ORDER[table], ignore_index=True)


def assert_whoever_should_enter_did(live: Live, warehouse: Path) -> None:
    """By a query that knows nothing of our segments and features."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        expected = {customer for (customer,) in connection.execute(NEWCOMERS).fetchall()}
    entered = live.table("executions").query("journey_key == 'welcome'")["customer_id"]
    assert len(expected) > 50
    assert sorted(entered) == sorted(expected)


def replayed_rows(live: Live) -> Kept:
    """The same days once more, as a replay walks them."""
    parts = Readings(live.installation.settings)
    documents = [compile_journey(document, parts.full_catalog).document for document in DOCUMENTS]
    past = PartitionDays(parts.snapshots, parts.warehouse.segments())
    kept = Kept()
    replay(documents, DAYS, past, actions=parts.actions, history=kept)
    return kept


def without_receipts(rows: pd.DataFrame) -> pd.DataFrame:
    """Without what names a run, and what only a channel can say of a message."""
    kept = rows.drop(columns=[name for name in ("run_id",) if name in rows])
    for name in ("result", "context"):
        if name in kept:
            kept[name] = pd.Series([without_names(value) for value in kept[name]], index=kept.index, dtype=object)
    return kept


def files(outbox: Path) -> list[Path]:
    return sorted(path.relative_to(outbox) for path in outbox.rglob("*") if path.is_file())


def without_names(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: without_names(part) for name, part in value.items() if name not in ("message_id", "file")}


@pytest.mark.timeout(900)
def test_thirty_days_live_are_those_that_a_replay_shows_and_a_week_those_of_a_simulation(
    live: Live, tmp_path: Path, sample_path: Path
) -> None:
    assert_whoever_should_enter_did(live, shutil.copy(sample_path, tmp_path / "warehouse.duckdb"))
    replayed = replayed_rows(live)
    for table in ("executions", "transitions", "dispatches"):
        expected = live.table(table)
        assert len(expected) > 50
        found = without_receipts(replayed.table(table)).sort_values(ORDER[table], ignore_index=True)
        pd.testing.assert_frame_equal(found, without_receipts(expected), obj=table)
    outbox = tmp_path / "outbox"
    result = simulated(live.installation.snapshots, LocalOutbox(outbox))
    for table, rows in live.after_a_week.items():
        expected = comparable(rows, table)
        found = comparable(getattr(result, table), table)[expected.columns]
        pd.testing.assert_frame_equal(found, expected, obj=table)
    assert files(outbox) == live.files_after_a_week != []
