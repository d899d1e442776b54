"""Past days as a replay reads them."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

import pandas as pd

from journey_pipelines.engine.facts import Facts, SnapshotSource
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.snapshots.parquet import EVENTS, FEATURES, PROFILES, SEGMENTS, SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource

SHOWN = 3


class PastDays(Protocol):
    """What was known at the end of each day, and nothing that came after."""

    @property
    def source(self) -> SnapshotSource:
        """Where earlier snapshots are read."""

    def facts(self, day: date) -> Facts:
        """The snapshots of exactly this day."""

    def events(self, day: date) -> pd.DataFrame:
        """EVENTS that were received on this day."""

    def check(self, days: Sequence[date]) -> None:
        """Raises SnapshotError, which names what is missing, unless everything of these days is there."""


class PartitionDays:
    """The daily partitions; `segments` are those that the warehouse has."""

    def __init__(self, store: SnapshotStore, segments: Collection[str]) -> None:
        self._store = store
        self._segments = sorted(segments)

    @property
    def source(self) -> ParquetSource:
        """See `PastDays`."""
        return ParquetSource(self._store, segments=self._segments)

    def facts(self, day: date) -> Facts:
        """See `PastDays`."""
        return ParquetSource(self._store, segments=self._segments, pinned_date=day).at(end_of_day(day))

    def events(self, day: date) -> pd.DataFrame:
        """See `PastDays`."""
        return self._store.read(EVENTS, day).frame

    def missing(self, days: Sequence[date]) -> list[tuple[date, str]]:
        """Day and kind of each partition that is not there, oldest first."""
        kinds = [*(f"{SEGMENTS}/{name}" for name in self._segments), EVENTS, FEATURES, PROFILES]
        return [(day, kind) for day in days for kind in kinds if not self._store.path(kind, day).is_file()]

    def check(self, days: Sequence[date]) -> None:
        """See `PastDays`."""
        missing = self.missing(days)
        if missing:
            shown = ", ".join(f"{kind} of {day}" for day, kind in missing[:SHOWN])
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            raise SnapshotError(
                f"{len(missing)} snapshots of these days are missing: {shown}{more}. Build them with "
                "`journeys replay ... --build`, or materialise those partitions."
            )
