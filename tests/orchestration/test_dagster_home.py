"""Dagster's own instance on the project's Postgres."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster_postgres import DagsterPostgresStorage

from journey_pipelines.dagster_home import dagster_environment, dagster_storage_url, prepare_dagster_home
from journey_pipelines.errors import SettingsError, StoreError
from journey_pipelines.settings import Settings
from journey_pipelines.store.embedded import embedded_postgres, release
from journey_pipelines.store.removal import remove_embedded

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the repository's Dagster configuration, and no variable set that would point elsewhere."""
    for name in [name for name in os.environ if name.startswith(("JOURNEYS_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    yield tmp_path
    release(tmp_path)
    if (tmp_path / ".journeys").exists():
        remove_embedded(tmp_path)


def settings(project: Path, **environment: str) -> Settings:
    return Settings.from_environment(environment, working_directory=project)


@dg.asset
def shoppers() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


def test_runs_are_kept_in_the_embedded_postgres(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in dagster_environment(settings(project)).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        assert dg.materialize([shoppers], instance=instance).success
        assert instance.run_monitoring_enabled
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        reference = instance.get_ref()
    with dg.DagsterInstance.from_ref(reference) as another:
        assert [record.dagster_run.status for record in another.get_run_records()] == [dg.DagsterRunStatus.SUCCESS]


def test_beside_an_external_store_dagster_has_a_schema_of_its_own(project: Path) -> None:
    with embedded_postgres(project) as server:
        storage = DagsterPostgresStorage(dagster_storage_url(settings(project, JOURNEYS_STORE_URL=server.url)))
        assert storage.run_storage.get_runs() == []
        with psycopg.connect(server.url) as connection:
            found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'runs'").fetchall()
    assert found == [("dagster",)]


def test_an_unreachable_store_is_reported_without_its_password(project: Path) -> None:
    with pytest.raises(StoreError, match="JOURNEYS_DAGSTER_URL") as raised:
        dagster_storage_url(settings(project, JOURNEYS_STORE_URL="postgresql://me:secret@127.0.0.1:1/db"))
    assert "secret" not in str(raised.value)


def test_a_folder_that_is_no_project_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set JOURNEYS_HOME"):
        prepare_dagster_home(settings(tmp_path))
