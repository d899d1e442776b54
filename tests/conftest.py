"""Fixtures that several folders share; none of them is used unless a test asks for it."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from journey_pipelines.sample import build_sample_warehouse
from journey_pipelines.store.embedded import embedded_postgres
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.removal import remove_embedded

OTHER_SERVER = "JOURNEYS_TEST_POSTGRES_URL"
LONG = (
    "tests/e2e/",
    "tests/behaviour/test_retries.py",
    "tests/orchestration/test_day.py",
    "tests/behaviour/test_contract_reference.py",
    "tests/behaviour/test_stores_agree.py",
    "tests/cli/test_bench.py",
    "tests/scale/",
    "tests/orchestration/",
    "tests/store/test_embedded.py",
    "tests/store/test_retention.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is left with one of them when the others are done."""
    order = {prefix: number for number, prefix in enumerate(LONG)}
    items.sort(key=lambda item: next((order[name] for name in LONG if item.nodeid.startswith(name)), len(LONG)))


@pytest.fixture(scope="session")
def sample_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample warehouse's file, built once for all tests, which only read it."""
    path = tmp_path_factory.mktemp("sample") / "warehouse.duckdb"
    build_sample_warehouse(path)
    return path


@pytest.fixture(scope="session")
def sample_url(sample_path: Path) -> str:
    """URL of the sample warehouse."""
    return f"duckdb:///{sample_path}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a running server: an embedded one of this test session, or the one that the environment names."""
    if OTHER_SERVER in os.environ:
        yield os.environ[OTHER_SERVER]
        return
    folder = Path(tempfile.mkdtemp(prefix="jp-tests-"))
    folder.chmod(0o755)
    try:
        with embedded_postgres(folder) as server:
            yield server.url
    finally:
        remove_embedded(folder)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """URL of a database of this test session."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        # nothing here outlives a crash of the machine; commits need not wait for the disk
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
        try:
            yield _with_database(postgres_server, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_url(postgres_database: str) -> Iterator[str]:
    """URL of an empty database, emptied again after the test; connections that the test left open are ended."""
    yield postgres_database
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace "
            "WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[PostgresStore]:
    """An empty journey store in Postgres."""
    store = PostgresStore(postgres_url)
    yield store
    store.close()


def _with_database(url: str, database: str) -> str:
    head, slash, rest = url.partition("://")[2].partition("/")
    question = rest.find("?")
    return f"postgresql://{head}{slash}{database}{rest[question:] if question >= 0 else ''}"
