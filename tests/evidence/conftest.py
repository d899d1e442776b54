"""One walk that all tests of this folder look at; none of them changes it."""

import shutil
from pathlib import Path

import pytest

from journey_pipelines.snapshots.parquet import SnapshotStore
from tests.evidence.world import World


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("snapshots"), seed=1).walk()


@pytest.fixture
def copied(world: World, tmp_path: Path) -> SnapshotStore:
    """The snapshots of the walk in a folder of their own, to be changed."""
    return SnapshotStore(Path(shutil.copytree(world.folder, tmp_path / "snapshots")))
