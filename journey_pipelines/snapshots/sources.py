"""The daily partitions as runs see them: the newest, those of one day, or those that were pinned by id."""

from collections.abc import Collection
from datetime import UTC, date, datetime

from journey_pipelines.engine.compute import SnapshotIds
from journey_pipelines.engine.facts import Facts, Snapshot
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SEGMENTS, SnapshotStore


class ParquetSource:
    """The `SnapshotSource` of live runs.

    `segments` names those that the warehouse still has; without it every segment that ever had a partition is known.
    With `pinned_date` every run reads exactly the partitions of that day, as a run of one partition must.
    """

    def __init__(
        self, store: SnapshotStore, *, segments: Collection[str] | None = None, pinned_date: date | None = None
    ) -> None:
        self._store = store
        self._segments = None if segments is None else frozenset(segments)
        self._pinned_date = pinned_date

    def at(self, as_of: datetime) -> Facts:
        """The newest snapshots dated on or before the UTC date of `as_of`, or those of the pinned day.

        Raises SnapshotError where a file is unreadable, where the pinned day has no features, or lies after `as_of`.
        """
        today = as_of.astimezone(UTC).date()
        if self._pinned_date is not None and self._pinned_date > today:
            raise SnapshotError(
                f"The snapshots of {self._pinned_date} lie after {as_of.isoformat()}; use one on that day or later."
            )
        known = frozenset(self._store.segments()) if self._segments is None else self._segments
        found = {name: self._newest(f"{SEGMENTS}/{name}", today) for name in sorted(known)}
        return Facts(
            as_of=as_of,
            features=self._features(today),
            segments={name: snapshot for name, snapshot in found.items() if snapshot is not None},
            profiles=self._newest(PROFILES, today),
        )

    def segment(self, name: str, snapshot_id: str) -> Snapshot:
        """An earlier snapshot of a segment. Raises SnapshotError where it is gone."""
        return self._earlier(f"{SEGMENTS}/{name}", snapshot_id)

    def features(self, snapshot_id: str) -> Snapshot:
        """An earlier feature snapshot. Raises SnapshotError where it is gone."""
        return self._earlier(FEATURES, snapshot_id)

    def _features(self, today: date) -> Snapshot | None:
        if self._pinned_date is not None:
            return self._store.open(FEATURES, self._pinned_date)
        return self._newest(FEATURES, today)

    def _newest(self, kind: str, today: date) -> Snapshot | None:
        if self._pinned_date is not None:
            day = self._pinned_date if self._store.path(kind, self._pinned_date).is_file() else None
        else:
            day = self._store.newest(kind, today)
        return None if day is None else self._store.open(kind, day)

    def _earlier(self, kind: str, snapshot_id: str) -> Snapshot:
        if not snapshot_id.startswith(f"{kind}@"):
            raise SnapshotError(f"{snapshot_id!r} is no snapshot of {kind}; expected {kind}@YYYY-MM-DD@content.")
        return self._store.open_id(snapshot_id)


class PinnedSource:
    """The `SnapshotSource` of another process's run: exactly the snapshots that these ids name.

    They are read by id, so that a partition that is written again meanwhile changes nothing.
    """

    def __init__(self, store: SnapshotStore, ids: SnapshotIds) -> None:
        self._store = store
        self._ids = ids

    def at(self, as_of: datetime) -> Facts:
        """The pinned facts. Raises SnapshotError where one is gone or unreadable."""
        ids = self._ids
        return Facts(
            as_of=as_of,
            features=None if ids.features is None else self._store.open_id(ids.features),
            segments={name: self._store.open_id(snapshot_id) for name, snapshot_id in ids.segments},
            profiles=self._store.open_id(ids.profiles) if ids.profiles else None,
        )

    def segment(self, name: str, snapshot_id: str) -> Snapshot:  # noqa: ARG002 - SnapshotSource's signature
        """An earlier snapshot of a segment. Raises SnapshotError where it is gone."""
        return self._store.open_id(snapshot_id)

    def features(self, snapshot_id: str) -> Snapshot:
        """An earlier feature snapshot. Raises SnapshotError where it is gone."""
        return self._store.open_id(snapshot_id)
