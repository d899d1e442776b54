"""Replays in Dagster: the same hash again, the live store untouched, and no way to a provider."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import grimp
import psycopg
import pytest

from journey_pipelines.definitions import build_definitions
from journey_pipelines.live import prepare_day
from journey_pipelines.store.postgres.replays import TABLES, ReplayTables
from tests.orchestration.project import DAY, Project

DAYS = [DAY, date(2017, 3, 2), date(2017, 3, 3)]
LAST = "2017-03-03"
RANGE = {"dagster/asset_partition_range_start": DAY.isoformat(), "dagster/asset_partition_range_end": LAST}
REPLAYS = [dg.AssetKey("replay_history"), dg.AssetKey("replay_metrics")]
WAYS_OUT = [
    "journey_pipelines.composition",
    "journey_pipelines.delivery.channel_dispatcher",
    "journey_pipelines.delivery.channels",
    "journey_pipelines.delivery.providers",
    "journey_pipelines.live",
    "journey_pipelines.provider_settings",
]
LIBRARIES = ["aioapns", "boto3", "botocore", "firebase_admin", "httpx", "requests", "sendgrid", "smtplib", "twilio"]


def build_days(project: Project) -> None:
    """The snapshots of the three days."""
    for day in DAYS:
        prepare_day(project.installation, day)


def replayed(project: Project, **config: Any) -> dict[str, list[dg.AssetMaterialization]]:
    """The range of days as one run; its materialisations by asset."""
    run_config = {"ops": {"replay_history": {"config": config}}}
    result = project.run_job("replay", tags=RANGE, run_config=run_config)
    found: dict[str, list[dg.AssetMaterialization]] = {}
    for event in result.get_asset_materialization_events():
        found.setdefault(event.asset_key.to_user_string(), []).append(event.materialization)
    return found


def contents(url: str, schema: str) -> dict[str, list[Any]]:
    """Every row of every table of a schema."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'",
            [schema],
        ).fetchall()
        return {
            name: sorted(map(str, connection.execute(f"SELECT * FROM {schema}.{name}".encode()).fetchall()))
            for (name,) in tables
        }


@pytest.fixture
def replays(store_url: str) -> Iterator[ReplayTables]:
    tables = ReplayTables(store_url)
    yield tables
    tables.close()


def test_a_range_of_days_is_one_run_that_comes_to_the_same_hash_and_leaves_the_live_store_alone(
    project: Project, store_url: str, replays: ReplayTables
) -> None:
    project.publish()
    build_days(project)
    before = contents(store_url, "journeys")
    first, again = replayed(project), replayed(project)
    assert contents(store_url, "journeys") == before
    assert not (project.folder / ".journeys" / "outbox").exists()

    assert [one.partition for one in first["replay_history"]] == [DAY.isoformat(), "2017-03-02", LAST]
    hashes = [one.metadata["hash"].value for runs in (first, again) for one in runs["replay_history"]]
    assert len(set(hashes)) == 1
    kept = replays.find()
    assert kept is not None
    assert (kept.hash, kept.replay) == (hashes[0], f"retention, welcome {DAY} to {LAST}")
    by_day = [one.metadata["entered"].value for one in first["replay_history"]]
    assert sum(by_day) == len(replays.read("executions", kept.replay)) > 0
    sent = replays.read("dispatches", kept.replay).query("status == 'sent'")
    assert sum(one.metadata["sent"].value for one in first["replay_history"]) == len(sent) > 0

    (metrics,) = first["replay_metrics"]
    page = str(metrics.metadata["welcome"].value)
    assert "| welcome\\_email |" in page
    assert "![Sends by day](data:image/png;base64," in page
    assert metrics.metadata["welcome: entered"].value > 0
    assert metrics.metadata["rows_per_second"].value > 0


def test_a_replay_walks_the_document_and_the_changes_that_its_configuration_names(
    project: Project, replays: ReplayTables
) -> None:
    build_days(project)
    replayed(project, journey="retention", name="dearer", changes=["nodes.loyalty_points.config.points=777"])
    replayed(project, journey="retention", name="plain", failing={"send_email": 1.0})
    points = {name: replays.read("points_transactions", name)["points"] for name in ("dearer", "plain")}
    assert set(points["dearer"]) == {777}
    assert set(points["plain"]) == {50}
    mails = replays.read("dispatches", "plain").query("action_type == 'send_email'")["status"]
    assert set(mails) <= {"failed", "skipped"}
    for table, columns in TABLES.items():
        assert list(replays.read(table, "plain")) == list(columns)
    assert [document["key"] for document in found_documents(replays, "dearer")] == ["retention"]


def found_documents(replays: ReplayTables, name: str) -> list[Any]:
    kept = replays.find(replay=name)
    assert kept is not None
    return list(kept.documents)


def resource_modules() -> set[str]:
    """The modules of the resources that the replay assets are given, and of those that these are given."""
    definitions = build_definitions()
    required = {
        key
        for asset in REPLAYS
        for key in definitions.resolve_assets_def(asset).required_resource_keys
        if key != "io_manager"
    }
    assert required == {"readings", "replays"}
    waiting, found = [definitions.resources[key] for key in required], set()  # type: ignore[index]
    while waiting:
        resource = waiting.pop()
        found.add(type(resource).__module__)
        nested = [getattr(resource, name) for name in type(resource).model_fields]
        waiting += [value for value in nested if isinstance(value, dg.ConfigurableResource)]
    return found


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """Who imports whom in this project, imports inside functions and for types alone included."""
    return grimp.build_graph("journey_pipelines", "assets", "resources", include_external_packages=True)


def test_no_resource_of_a_replay_and_nothing_that_it_imports_reaches_a_provider(imports: grimp.ImportGraph) -> None:
    modules = resource_modules() | {"assets.replays"}
    assert modules == {"assets.replays", "resources.replays"}
    known = imports.modules
    for module in sorted(modules):
        for way_out in [*WAYS_OUT, *(name for name in LIBRARIES if name in known)]:
            chain = imports.find_shortest_chain(module, way_out, as_packages=True)
            assert chain is None, " imports ".join(chain or ())


def test_that_test_would_find_a_provider(imports: grimp.ImportGraph) -> None:
    assert "sendgrid" in imports.modules
    for module in ("assets.journeys", "resources.providers"):
        assert imports.find_shortest_chain(module, "journey_pipelines.delivery.providers", as_packages=True)
