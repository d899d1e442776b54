"""The snapshots that a measured engine reads, as files like those of a live run, and the process that writes them.

What is measured reads of them what it asks for. Whoever makes the data holds all of it, and does so in a process of
its own, which has ended when the measuring begins: the peak of memory is that of what is measured.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import pandas as pd

from journey_pipelines.snapshots.parquet import FEATURES, SEGMENTS, SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource

DAY: Final = date(2017, 3, 1)

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class SnapshotFiles:
    """The features of one day, and who was in one segment."""

    folder: Path
    segment: str

    def write(self, features: pd.DataFrame, members: pd.Series) -> None:
        """Features of each `customer_id`, and the ids of the segment's members."""
        store = SnapshotStore(self.folder)
        store.write(FEATURES, DAY, features)
        store.write(self._kind, DAY, members.to_frame())

    @property
    def source(self) -> ParquetSource:
        """As a live run reads them; what an earlier run read is not kept for the next one."""
        return ParquetSource(SnapshotStore(self.folder), segments=[self.segment])

    @property
    def paths(self) -> tuple[Path, Path]:
        """Of the features and of the members."""
        store = SnapshotStore(self.folder)
        return store.path(FEATURES, DAY), store.path(self._kind, DAY)

    @property
    def _kind(self) -> str:
        return f"{SEGMENTS}/{self.segment}"


@contextmanager
def snapshot_files(segment: str) -> Iterator[SnapshotFiles]:
    """A folder for the block."""
    with tempfile.TemporaryDirectory(prefix="journeys-bench-") as folder:
        yield SnapshotFiles(Path(folder), segment)


def in_another_process(work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """What the work gives there; raises what it raises."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *given, **named).result()
