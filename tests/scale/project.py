"""The storm's world as an installation: its snapshots as files, its store in one database."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from journey_pipelines.composition import Installation
from journey_pipelines.engine.compute import IN_PROCESS, Compute
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.frame_snapshot import FrameSnapshot
from journey_pipelines.engine.passes import Report, run_pass
from journey_pipelines.engine.ports import Run
from journey_pipelines.provider_settings import LiveSettings
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource
from tests.e2e.demonstration import contents
from tests.storm import world
from tests.storm.world import DAYS, run_day

CUSTOMERS = 100
SMALL_CHUNKS = 5
ROWS_OF_A_PART = 20


@dataclass(frozen=True)
class Project:
    """An installation in a folder of its own."""

    settings: LiveSettings

    @classmethod
    def make(cls, folder: Path, url: str) -> "Project":
        """With snapshots and journey, before its first day."""
        folder.mkdir()
        given = {"JOURNEYS_HOME": str(folder), "JOURNEYS_STORE_URL": url}
        project = cls(LiveSettings.from_environment(given, working_directory=folder))
        parts = Installation(project.settings)
        snapshots = SnapshotStore(project.settings.snapshots, rows_of_a_part=ROWS_OF_A_PART)
        frames = world.source(CUSTOMERS)
        for day in DAYS:
            facts = frames.at(day)
            assert isinstance(facts.features, FrameSnapshot)
            assert isinstance(facts.profiles, FrameSnapshot)
            snapshots.write(FEATURES, day.date(), facts.features.frame)
            snapshots.write(PROFILES, day.date(), facts.profiles.frame)
        with closing(parts.store) as store:
            world.set_up(store, CUSTOMERS)
        return project

    def first_pass(self, compute: Compute = IN_PROCESS) -> Report:
        """The first day's entries and movement in many small transactions, without deliveries."""
        engine = replace(self.engine(compute), chunk_rows=SMALL_CHUNKS)
        return run_pass(engine, Run("first", DAYS[0]), delivers=False)

    def run(self, compute: Compute = IN_PROCESS) -> list[Report]:
        """Two days whole, the first one again included: mails, points, a wait, a condition, campaigns."""
        engine = self.engine(compute)
        return [run_day(engine, day) for day in range(2)]

    def engine(self, compute: Compute) -> Engine:
        """Over these snapshots, with every segment that has one."""
        parts = Installation(self.settings)
        return replace(parts.engine, source=ParquetSource(parts.snapshots), compute=compute)

    def rows(self) -> Mapping[str, pd.DataFrame]:
        """All rows without run ids."""
        with closing(Installation(self.settings).store) as store:
            return contents(store)


def assert_same(found: Mapping[str, pd.DataFrame], expected: Mapping[str, pd.DataFrame]) -> None:
    """Table by table, row by row."""
    assert found.keys() == expected.keys()
    for table, rows in expected.items():
        assert len(rows), table
        pd.testing.assert_frame_equal(found[table], rows, obj=table)
