from pathlib import Path

import pytest

from journey_pipelines.sample import build_sample_warehouse
from journey_pipelines.snapshots.warehouse import Warehouse


@pytest.fixture(scope="session")
def sample_path(tmp_path_factory) -> Path:
    """The sample warehouse, built once for all tests, which only read it."""
    path = tmp_path_factory.mktemp("sample") / "warehouse.duckdb"
    build_sample_warehouse(path)
    return path


@pytest.fixture(scope="session")
def warehouse(sample_path) -> Warehouse:
    return Warehouse(f"duckdb:///{sample_path}")
