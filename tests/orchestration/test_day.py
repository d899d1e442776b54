"""Days and dispatches in Dagster, on the embedded Postgres and the sample warehouse."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import psycopg
import pytest

from journey_pipelines import composition
from journey_pipelines.engine.compute import InProcess
from journey_pipelines.live import run_whole_day
from tests.orchestration.project import DAY, NEXT_DAY, Project, failed_checks

SNAPSHOTS = [
    *map(dg.AssetKey, ["raw_features", "profiles", "events", "churn_model", "churn_predictions", "features"]),
    *(dg.AssetKey(["segments", name]) for name in ("new_customers", "at_risk", "loyal", "lapsed")),
]
TABLES = ("executions", "transitions", "dispatches", "points_transactions", "campaign_executions", "events")


def test_a_day_run_twice_enrols_and_sends_nothing_more(project: Project) -> None:
    project.publish()
    for day in (DAY, NEXT_DAY):
        project.run_day(day)
        project.dispatch(day)
    before = {table: project.rows(table) for table in TABLES}
    assert len(before["executions"])
    assert (before["dispatches"]["status"] == "sent").any()
    for _ in range(2):
        project.run_day(NEXT_DAY)
    project.dispatch(NEXT_DAY)
    for table, rows in before.items():
        pd.testing.assert_frame_equal(project.rows(table), rows, obj=table)


def test_the_steps_of_a_day_come_to_the_same_as_the_command_line(project: Project, store_url: str) -> None:
    project.publish()
    for day in (DAY, NEXT_DAY, date(2017, 3, 3)):
        project.run_day(day)
        project.dispatch(day)
    by_steps = {table: project.rows(table) for table in TABLES}
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA journeys CASCADE")
    shutil.rmtree(project.folder / ".journeys" / "outbox")
    again = Project(project.folder, project.instance)
    again.publish()
    for day in (DAY, NEXT_DAY, date(2017, 3, 3)):
        run_whole_day(again.installation, day)
    for table, rows in by_steps.items():
        pd.testing.assert_frame_equal(again.rows(table), rows, obj=table)
    again.installation.store.close()


def test_a_day_moves_where_the_resource_says(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    mapped: list[tuple[str, int]] = []

    class Elsewhere(InProcess):
        def map(self, work: Any, items: Any) -> Any:
            shards = list(items)
            mapped.append((work.__name__, len(shards)))
            return map(work, shards)

    monkeypatch.setattr(composition, "LocalProcesses", lambda workers: Elsewhere(ranges=4 * workers))
    monkeypatch.setenv("JOURNEYS_WORKERS", "2")
    project.publish()
    for day in (DAY, NEXT_DAY):
        project.run_day(day)
    # the second day admits by a rule, too
    assert [work for work, _ in mapped] == ["run_shard", "select_range", "run_shard"]
    assert len(project.rows("transitions"))
    project.dispatch(NEXT_DAY)
    assert {count for _, count in mapped} == {8}
    assert len(mapped) > 3


def test_a_daily_run_leaves_what_is_to_be_sent_in_the_outbox(project: Project) -> None:
    project.publish()
    for day in (DAY, NEXT_DAY):
        result = project.run_day(day)
    assert set(project.rows("dispatches")["status"]) == {"pending"}
    assert not (project.folder / ".journeys" / "outbox").exists()
    assert not failed_checks(result)


RANGE = {"dagster/asset_partition_range_start": "2017-03-01", "dagster/asset_partition_range_end": "2017-03-02"}


@pytest.mark.parametrize("tags", [{"dagster/backfill": "abc"}, {"dagster/partition": "2017-03-02"}, RANGE])
def test_no_run_by_date_can_send(project: Project, tags: dict[str, str]) -> None:
    project.publish()
    for day in (DAY, NEXT_DAY):
        project.run_day(day)
    before = project.rows("dispatches")
    result = project.dispatch(NEXT_DAY, tags=tags, raise_on_error=False)
    assert not result.success
    pd.testing.assert_frame_equal(project.rows("dispatches"), before)


def test_an_older_partition_run_again_changes_nothing(project: Project) -> None:
    project.publish()
    for day in (DAY, NEXT_DAY):
        project.run_day(day)
        project.dispatch(day)
    before = {table: project.rows(table) for table in TABLES}
    result = project.run_day(DAY)
    assert result.success
    assert not failed_checks(result)
    for table, rows in before.items():
        pd.testing.assert_frame_equal(project.rows(table), rows, obj=table)


def test_a_held_journey_fails_the_check_with_the_figures_and_touches_nobody(
    project: Project, tmp_path: Path, shared_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(shared_state, tmp_path / "snapshots")
    monkeypatch.setenv("JOURNEYS_SNAPSHOTS", str(tmp_path / "snapshots"))
    project.publish("retention")
    project.run_day(DAY)
    snapshots = project.installation.snapshots
    rows_before = snapshots.read("segments/at_risk", DAY).rows
    project.run_day(NEXT_DAY, asset_selection=SNAPSHOTS)
    snapshots.write("segments/at_risk", NEXT_DAY, pd.DataFrame({"customer_id": ["1"]}))
    result = project.run_day(NEXT_DAY, asset_selection=[dg.AssetKey("entries"), dg.AssetKey("advances")])
    failed = failed_checks(result)
    assert set(failed) == {"entries: guards"}
    assert f"has 1 rows, the last accepted one had {rows_before}" in str(failed["entries: guards"].description)
    assert not len(project.rows("executions"))


def test_counts_and_columns_are_told_with_each_partition(project: Project) -> None:
    result = project.run_job("daily_journeys", partition_key="2017-03-01", asset_selection=[dg.AssetKey("profiles")])
    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert metadata["dagster/partition_row_count"].value == 2170
    assert "email" in [column.name for column in metadata["dagster/column_schema"].schema.columns]


def test_the_metrics_show_tables_and_plots_of_every_journey(project: Project) -> None:
    project.publish()
    for day in (DAY, NEXT_DAY):
        project.run_day(day)
    result = project.dispatch(NEXT_DAY)
    metadata = {
        e.asset_key.to_user_string(): e.materialization.metadata for e in result.get_asset_materialization_events()
    }
    shown = metadata["journey_metrics"]
    entered = len(project.rows("executions").query("journey_key == 'welcome'"))
    assert shown["welcome: entered"].value == entered
    page = str(shown["welcome"].value)
    assert f"| start | {entered} | 100% |" in page
    assert "| welcome\\_email | send\\_email | sent |" in page
    assert "![Sends by day](data:image/png;base64," in page
    assert "Retention journey" in str(shown["retention"].value)
