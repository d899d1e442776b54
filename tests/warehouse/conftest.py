import pytest

from journey_pipelines.snapshots.warehouse import Warehouse


@pytest.fixture(scope="session")
def warehouse(sample_url) -> Warehouse:
    return Warehouse(sample_url)
