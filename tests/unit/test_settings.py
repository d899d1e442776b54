from pathlib import Path

import pytest

from journey_pipelines.errors import SettingsError
from journey_pipelines.settings import Settings


def settings(folder: Path, **environment: str) -> Settings:
    return Settings.from_environment(environment, working_directory=folder)


def test_without_variables_everything_lies_in_the_working_directory(tmp_path: Path) -> None:
    assert settings(tmp_path) == Settings(
        home=tmp_path,
        store_url=None,
        dagster_url=None,
        warehouse_url=f"duckdb:///{tmp_path}/.journeys/warehouse.duckdb",
        templates=None,
        outbox=tmp_path / ".journeys" / "outbox",
        snapshots=tmp_path / ".journeys" / "snapshots",
        policy=None,
    )


def test_the_sample_warehouse_is_a_file_of_the_project(tmp_path: Path) -> None:
    assert settings(tmp_path).sample_warehouse == tmp_path / ".journeys" / "warehouse.duckdb"


def test_where_another_warehouse_is_set_there_is_no_sample(tmp_path: Path) -> None:
    assert settings(tmp_path, JOURNEYS_WAREHOUSE_URL="postgresql://host/database").sample_warehouse is None


def test_home_is_the_nearest_parent_with_a_workspace_file(tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert settings(below).home == tmp_path


def test_home_is_the_nearest_parent_with_journeys(tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").touch()
    (tmp_path / "a" / "journeys").mkdir(parents=True)
    below = tmp_path / "a" / "b"
    below.mkdir()
    assert settings(below).home == tmp_path / "a"


def test_home_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    assert settings(tmp_path, JOURNEYS_HOME="project").home == tmp_path / "project"


def test_a_project_that_has_templates_uses_them(tmp_path: Path) -> None:
    (tmp_path / "journeys" / "templates").mkdir(parents=True)
    assert settings(tmp_path).templates == tmp_path / "journeys" / "templates"


def test_relative_paths_start_at_home(tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").touch()
    (tmp_path / "mine").mkdir()
    (tmp_path / "policy.yaml").touch()
    found = settings(
        tmp_path / "mine",
        JOURNEYS_TEMPLATES="mine",
        JOURNEYS_OUTBOX="out",
        JOURNEYS_SNAPSHOTS="/elsewhere/snapshots",
        JOURNEYS_POLICY="policy.yaml",
    )
    assert found.templates == tmp_path / "mine"
    assert found.outbox == tmp_path / "out"
    assert found.snapshots == Path("/elsewhere/snapshots")
    assert found.policy == tmp_path / "policy.yaml"


def test_an_empty_variable_counts_as_absent(tmp_path: Path) -> None:
    assert settings(tmp_path, JOURNEYS_STORE_URL="", JOURNEYS_HOME=" ") == settings(tmp_path)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_the_store_url_has_the_plain_scheme_whatever_was_given(tmp_path: Path, scheme: str) -> None:
    found = settings(tmp_path, JOURNEYS_STORE_URL=f"{scheme}://me@host:5433/db?sslmode=require")
    assert found.store_url == "postgresql://me@host:5433/db?sslmode=require"


def test_any_sqlalchemy_url_can_be_the_warehouse(tmp_path: Path) -> None:
    url = "snowflake://user@account/db/schema?warehouse=w"
    assert settings(tmp_path, JOURNEYS_WAREHOUSE_URL=url).warehouse_url == url


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("JOURNEYS_HOME", "/no/such/folder", r"JOURNEYS_HOME is '/no/such/folder', which is no folder"),
        (
            "JOURNEYS_STORE_URL",
            "mysql://u:secret@h/db",
            r"JOURNEYS_STORE_URL begins with 'mysql://'; expected postgresql:",
        ),
        ("JOURNEYS_STORE_URL", "host=h password=secret", r"JOURNEYS_STORE_URL is no URL; expected postgresql:"),
        ("JOURNEYS_STORE_URL", "postgresql://u:secret@h:many/db", r"JOURNEYS_STORE_URL .*expected postgresql:"),
        ("JOURNEYS_DAGSTER_URL", "sqlite:///x", r"JOURNEYS_DAGSTER_URL begins with 'sqlite://'"),
        ("JOURNEYS_WAREHOUSE_URL", "warehouse.duckdb", r"JOURNEYS_WAREHOUSE_URL is no SQLAlchemy URL"),
        ("JOURNEYS_TEMPLATES", "missing", r"JOURNEYS_TEMPLATES is 'missing', but there is no folder"),
        ("JOURNEYS_POLICY", "missing.yaml", r"JOURNEYS_POLICY is 'missing.yaml', but there is no file"),
        ("JOURNEYS_OUTBOX", "a_file", r"JOURNEYS_OUTBOX is 'a_file', which is a file, not a folder"),
        ("JOURNEYS_PUBLIC_URL", "journeys.example.com", r"JOURNEYS_PUBLIC_URL is 'journeys.example.com'; expected"),
        (
            "JOURNEYS_UNSUBSCRIBE_SECRET",
            "my secret",
            r"JOURNEYS_UNSUBSCRIBE_SECRET has 9 characters; expected at least",
        ),
        ("JOURNEYS_UNSUBSCRIBE_SECRET", "a secret of the tests", r"JOURNEYS_PUBLIC_URL is not; links need both"),
    ],
)
def test_a_wrong_value_is_named_without_its_secrets(tmp_path: Path, name: str, value: str, message: str) -> None:
    (tmp_path / "a_file").touch()
    with pytest.raises(SettingsError, match=message) as raised:
        settings(tmp_path, **{name: value})
    assert "secret" not in str(raised.value)


def test_executions_are_moved_by_local_processes_or_on_a_dask_cluster(tmp_path: Path) -> None:
    assert settings(tmp_path, JOURNEYS_WORKERS="4").workers == 4
    assert settings(tmp_path, JOURNEYS_DASK_SCHEDULER="tcp://scheduler:8786").dask_scheduler == "tcp://scheduler:8786"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"JOURNEYS_WORKERS": "0"}, "JOURNEYS_WORKERS is '0'"),
        ({"JOURNEYS_WORKERS": "many"}, "JOURNEYS_WORKERS is 'many'"),
        ({"JOURNEYS_DASK_SCHEDULER": "scheduler"}, "JOURNEYS_DASK_SCHEDULER is 'scheduler'"),
        ({"JOURNEYS_WORKERS": "2", "JOURNEYS_DASK_SCHEDULER": "tcp://a:1"}, "are both set; leave one"),
    ],
)
def test_workers_that_cannot_be_are_refused(tmp_path: Path, environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(tmp_path, **environment)


def test_history_is_kept_for_as_long_as_is_set(tmp_path: Path) -> None:
    assert settings(tmp_path).retention_days == 400
    assert settings(tmp_path, JOURNEYS_RETENTION_DAYS="30").retention_days == 30


@pytest.mark.parametrize("days", ["1", "-5", "a year"])
def test_a_history_that_is_too_short_is_refused(tmp_path: Path, days: str) -> None:
    with pytest.raises(SettingsError, match=f"JOURNEYS_RETENTION_DAYS is '{days}'; .* from 2, over which frequency"):
        settings(tmp_path, JOURNEYS_RETENTION_DAYS=days)
