"""Past days as a replay reads them."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

import pandas as pd

from journey_pipelines.engine.facts import Facts, Snapshot, SnapshotSource
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
    """The daily partitions; `segments` are those that the warehouse has.

    Those of the last two days stay open, since a pass looks at the day before too.
    """

    def __init__(self, store: SnapshotStore, segments: Collection[str]) -> None:
        self._store = store
        self._segments = sorted(segments)
        self._opened: list[Facts] = []

    @property
    def source(self) -> SnapshotSource:
        """See `PastDays`."""
        return _Earlier(self._opened, self._store, segments=self._segments)

    def facts(self, day: date) -> Facts:
        """See `PastDays`."""
        facts = ParquetSource(self._store, segments=self._segments, pinned_date=day).at(end_of_day(day))
        self._opened[:] = [*self._opened[-1:], facts]
        return facts

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


class _Earlier(ParquetSource):
    """Gives what is open already, and opens what is not."""

    def __init__(self, opened: Sequence[Facts], store: SnapshotStore, *, segments: Collection[str]) -> None:
        super().__init__(store, segments=segments)
        self._opened = opened

    def segment(self, name: str, snapshot_id: str) -> Snapshot:
        return self._found([facts.segments.get(name) for facts in self._opened], snapshot_id) or super().segment(
            name, snapshot_id
        )

    def features(self, snapshot_id: str) -> Snapshot:
        return self._found([facts.features for facts in self._opened], snapshot_id) or super().features(snapshot_id)

    def _found(self, snapshots: Sequence[Snapshot | None], snapshot_id: str) -> Snapshot | None:
        return next((one for one in snapshots if one is not None and one.snapshot_id == snapshot_id), None)
