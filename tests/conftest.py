"""Fixtures that several folders share; none of them is used unless a test asks for it."""

import gc
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey_pipelines.sample import build_sample_warehouse
from journey_pipelines.store.embedded import embedded_postgres
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.removal import remove_embedded
from tests.databases import database, empty, empty_store, trust_the_machine

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


def pytest_collection_finish() -> None:
    """What importing left behind stays; a collection of garbage need not look through it again and again."""
    gc.collect()
    gc.freeze()


class _AtOnce:
    """Names what fails when it fails, so that a session that is cut off has told."""

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            sys.stdout.write(f"\nFAILED {report.nodeid} ({report.when}): {report.longreprtext.splitlines()[-1]}\n")
            sys.stdout.flush()


def pytest_configure(config: pytest.Config) -> None:
    """Only in the process that prints."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_AtOnce())


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
            trust_the_machine(server.url)
            yield server.url
    finally:
        remove_embedded(folder)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """URL of a database of this test session for tests that need it empty."""
    with database(postgres_server, f"test_{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture(scope="session")
def store_database(postgres_server: str) -> Iterator[str]:
    """URL of a database of this test session whose journey store is emptied between tests and never made anew."""
    with database(postgres_server, f"store_{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a database without a schema, emptied again after the test; the store's where a test has one."""
    if "postgres_store" in request.fixturenames:
        yield request.getfixturevalue("store_url")
        return
    url = request.getfixturevalue("postgres_database")
    yield url
    empty(url)


@pytest.fixture
def store_url(store_database: str) -> Iterator[str]:
    """URL of a database in which the journey store is empty, or not there yet; emptied again after the test."""
    yield store_database
    empty_store(store_database)


@pytest.fixture
def postgres_store(store_url: str) -> Iterator[PostgresStore]:
    """An empty journey store in Postgres."""
    store = PostgresStore(store_url)
    yield store
    store.close()
