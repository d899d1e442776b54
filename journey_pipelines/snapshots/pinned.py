"""The `SnapshotSource` of another process's run: exactly the snapshots that these ids name."""

from datetime import datetime

import pandas as pd

from journey_pipelines.engine.compute import SnapshotIds
from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.frames import TEXT
from journey_pipelines.snapshots.parquet import SnapshotStore


class PinnedSource:
    """Reads snapshots by id, so that a partition that is written again meanwhile changes nothing."""

    def __init__(self, store: SnapshotStore, ids: SnapshotIds) -> None:
        self._store = store
        self._ids = ids

    def at(self, as_of: datetime) -> Facts:
        """The pinned facts. Raises SnapshotError where one is gone or unreadable."""
        ids = self._ids
        nobody = pd.DataFrame({"customer_id": pd.Series([], dtype=TEXT)})
        return Facts(
            as_of=as_of,
            features=None if ids.features is None else self._store.read_id(ids.features),
            segments={name: self._store.read_id(snapshot_id) for name, snapshot_id in ids.segments},
            profiles=self._store.read_id(ids.profiles).frame if ids.profiles else nobody,
            profiles_id=ids.profiles,
        )

    def members(self, segment: str, snapshot_id: str) -> pd.Index:  # noqa: ARG002 - SnapshotSource's signature
        """Customer ids (unique) of an earlier snapshot of a segment. Raises SnapshotError where it is gone."""
        return self.customers(snapshot_id)

    def customers(self, snapshot_id: str) -> pd.Index:
        """Customer ids (unique) of an earlier feature snapshot. Raises SnapshotError where it is gone."""
        return pd.Index(self._store.read_id(snapshot_id).frame["customer_id"].unique(), name="customer_id")
