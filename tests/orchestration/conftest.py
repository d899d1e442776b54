"""A project with an empty database, the sample warehouse, and both journeys published; one Dagster run is a call."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.orchestration.project import Project

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shared_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots that all tests share: the same rows give the same file."""
    return tmp_path_factory.mktemp("snapshots")


@pytest.fixture
def project(
    tmp_path: Path, store_url: str, sample_url: str, shared_state: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """The environment of this process is that of the project while the test lasts."""
    for name in [name for name in os.environ if name.startswith(("JOURNEYS_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    shutil.copytree(REPOSITORY / "journeys", tmp_path / "journeys")
    monkeypatch.setenv("JOURNEYS_HOME", str(tmp_path))
    monkeypatch.setenv("JOURNEYS_STORE_URL", store_url)
    monkeypatch.setenv("JOURNEYS_WAREHOUSE_URL", sample_url)
    monkeypatch.setenv("JOURNEYS_SNAPSHOTS", str(shared_state))
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(tmp_path, instance)
        yield project
        project.installation.store.close()
