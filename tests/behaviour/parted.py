"""The snapshots of frames as files in many small parts, each a range of shards."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from journey_pipelines.engine.frame_snapshot import FrameSnapshot
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SEGMENTS, SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource
from tests.behaviour.passes import Passes

ROWS_OF_A_PART = 10


def parted(frames: FrameSource, folder: Path, runs: Iterable[datetime]) -> ParquetSource:
    """What these runs would see, as files."""
    store = SnapshotStore(folder, rows_of_a_part=ROWS_OF_A_PART)
    for at in runs:
        facts = frames.at(at)
        named = {f"{SEGMENTS}/{name}": segment for name, segment in facts.segments.items()}
        for kind, snapshot in {FEATURES: facts.features, PROFILES: facts.profiles, **named}.items():
            if isinstance(snapshot, FrameSnapshot):
                store.write(kind, snapshot.snapshot_date, snapshot.frame)
    return ParquetSource(store)


def read_in_parts(passes: Passes, folder: Path, runs: Iterable[datetime]) -> Passes:
    """The passes, whose further runs read files in parts."""
    passes.engine = replace(passes.engine, source=parted(passes.source, folder, runs))
    return passes
