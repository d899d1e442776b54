"""Dagster's UI in a real browser: the lineage page, and what replays and live journeys tell of themselves."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from journey_pipelines.composition import Installation
from journey_pipelines.definitions import runs_in_process
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.live import prepare_day, run_whole_day
from journey_pipelines.snapshots.days import end_of_day
from tests.e2e.browser import page, pictures
from tests.e2e.demonstration import make_project
from tests.e2e.user_interface import dagster_home, user_interface

PATH = ("transactions", "baskets", "new_customers", "features", "entries", "advances", "deliveries")
DAYS = [date(2017, 3, day) for day in range(1, 4)]
RANGE = {
    "dagster/asset_partition_range_start": str(DAYS[0]),
    "dagster/asset_partition_range_end": str(DAYS[-1]),
}
HAS_A_PICTURE = "() => [...document.querySelectorAll('img[alt=\"Sends by day\"]')].some(it => it.naturalWidth > 500)"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> Path:
    """A project whose journeys went through these days, live and replayed, with the metrics of both in Dagster."""
    folder = make_project(tmp_path / "project")
    home = dagster_home(folder)
    for name in [name for name in os.environ if name.startswith(("JOURNEYS_STORE", "JOURNEYS_HOME", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    for name, value in {**settings, "JOURNEYS_HOME": str(folder), "DAGSTER_HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    live_days(folder)
    with runs_in_process(home) as runs:
        runs.measure()
        replay = runs.definitions.resolve_job_def("replay")
        assert replay.execute_in_process(instance=runs.instance, tags=RANGE).success
    return folder


@pytest.fixture
def settings(store_url: str, sample_url: str, snapshot_folder: Path) -> dict[str, str]:
    """Where the project's store, warehouse and snapshots are."""
    return {
        "JOURNEYS_STORE_URL": store_url,
        "JOURNEYS_WAREHOUSE_URL": sample_url,
        "JOURNEYS_SNAPSHOTS": str(snapshot_folder),
    }


def live_days(folder: Path) -> None:
    """Publish both journeys and run the days."""
    installation = Installation.from_environment(os.environ, working_directory=folder)
    for day in DAYS:
        prepare_day(installation, day)
    with installation.store.transaction() as transaction:
        for name in ("welcome", "retention"):
            journey = compile_journey(folder / "journeys" / f"{name}.yaml", installation.full_catalog)
            transaction.publish(journey.document, at=end_of_day(DAYS[0]))
    for day in DAYS:
        run_whole_day(installation, day)
    installation.store.close()


@pytest.mark.timeout(300)
def test_analysts_see_the_lineage_and_the_tables_and_plots_of_live_and_replayed_journeys(
    program: str, project: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    folder = pictures(tmp_path)
    with user_interface(project, settings) as address, page(program, tmp_path / "profile") as shown:
        shown.goto(f"{address}/asset-groups")
        shown.get_by_text("warehouse", exact=True).first.wait_for(timeout=60_000)
        shown.keyboard.press("Alt+KeyE")  # expands all groups
        for name in PATH:
            shown.get_by_text(name, exact=True).first.wait_for(timeout=30_000)
        shown.screenshot(path=os.environ.get("JOURNEYS_SCREENSHOT", str(tmp_path / "lineage.png")))
        shown.set_viewport_size({"width": 1400, "height": 1000})
        for asset in ("journey_metrics", "replay_metrics"):
            look_at_metrics(shown, f"{address}/assets/{asset}", folder / f"dagster-{asset.replace('_', '-')}")
        look_at_a_day(shown, f"{address}/assets/replay_history?view=partitions&partition={DAYS[1]}")
        shown.screenshot(path=folder / "dagster-replay-history.png")


def look_at_metrics(shown: Any, address: str, picture: Path) -> None:
    """The asset's page has the numbers of the welcome journey, and behind a link its tables and plots."""
    shown.goto(address)
    row = shown.get_by_role("row").filter(has_text="welcome: entered").first
    row.wait_for(timeout=60_000)
    shown.screenshot(path=f"{picture}.png")
    shown.get_by_text("[Show Markdown]").last.click()
    shown.get_by_role("heading", name="Welcome journey, version 1").wait_for(timeout=30_000)
    shown.wait_for_function(HAS_A_PICTURE)
    for name in ("Funnel", "Ways", "Sends"):
        shown.get_by_role("heading", name=name, exact=True).wait_for()
    assert shown.get_by_role("row").filter(has_text="welcome_email").count() >= 3
    shown.get_by_role("heading", name="Welcome journey, version 1").scroll_into_view_if_needed()
    shown.screenshot(path=f"{picture}-page.png")


def look_at_a_day(shown: Any, address: str) -> None:
    """A day of the replay says who entered on it, and the hash of the whole."""
    shown.goto(address)
    for name in ("hash", "entered", "sent", "rows_per_second"):
        shown.get_by_role("row").filter(has_text=name).first.wait_for(timeout=60_000)
