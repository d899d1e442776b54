"""The sample warehouse and one folder of snapshots for all end-to-end tests."""

from pathlib import Path

import pytest

from journey_pipelines.sample import ensure_sample_warehouse


@pytest.fixture(scope="session")
def sample_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample warehouse's file."""
    path = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    ensure_sample_warehouse(path)
    return path


@pytest.fixture(scope="session")
def snapshot_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots that all tests share: the same rows give the same file."""
    return tmp_path_factory.mktemp("snapshots")
