"""Projects for the command line: without a database, with one, and with the sample warehouse."""

from pathlib import Path

import pytest

from tests.cli.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose database and warehouse cannot be reached."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def snapshot_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of snapshots that all tests share: the first run of a day builds them, the others find them there."""
    return str(tmp_path_factory.mktemp("snapshots"))


@pytest.fixture
def stored(tmp_path: Path, store_url: str, sample_url: str, snapshot_folder: str) -> Project:
    """A project with an empty database and the sample warehouse."""
    return Project(tmp_path, store_url, sample_url, snapshot_folder)
