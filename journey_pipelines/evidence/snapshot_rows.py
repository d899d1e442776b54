"""One customer's rows in stored snapshots, each snapshot checked against its id before it is believed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from journey_pipelines.engine.facts import Snapshot
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.parquet import SnapshotStore

ROWS_TO_HASH: Final = 1_000_000  # hashing reads the whole file; of so many rows in some seconds


@dataclass(frozen=True)
class SnapshotRow:
    """What a snapshot says of a customer."""

    snapshot_id: str
    values: dict[str, Any] | None = None  # None: it has no row of the customer, or is not to be believed
    columns: frozenset[str] = frozenset()
    trouble: str = ""  # why it is not to be believed; empty: it is

    @property
    def has_row(self) -> bool:
        """Whether the customer is in it."""
        return self.values is not None


NO_SNAPSHOT = SnapshotRow("")


class SnapshotRows:
    """Opens each snapshot once and hashes its rows once, unless it is larger than `rows_to_hash` (None: always).

    `unhashed` are the ids of those that were taken by the id in their file alone.
    """

    def __init__(self, store: SnapshotStore, *, rows_to_hash: int | None = ROWS_TO_HASH) -> None:
        self.unhashed: set[str] = set()
        self._rows_to_hash = rows_to_hash
        self._store = store
        self._opened: dict[str, tuple[Snapshot | None, str]] = {}

    def row(self, snapshot_id: str | None, customer_id: str) -> SnapshotRow:
        """The customer's row in exactly this snapshot; a row without values where there is no such snapshot."""
        if not snapshot_id:
            return NO_SNAPSHOT
        snapshot, trouble = self._open(snapshot_id)
        if snapshot is None:
            return SnapshotRow(snapshot_id, trouble=trouble)
        position = snapshot.positions([customer_id])
        values = None
        if position[0] >= 0:
            cells = {name: pd.Series(snapshot.take(name, position)).array[0] for name in snapshot.columns}
            values = {name: cell for name, cell in cells.items() if not is_missing(cell)}
        return SnapshotRow(snapshot_id, values, frozenset(snapshot.columns))

    def id_at(self, kind: str, as_of: datetime) -> str | None:
        """Id of the newest partition of a kind that lies on or before that instant's UTC date."""
        day = self._store.newest(kind, as_of.astimezone(UTC).date())
        return None if day is None else self._store.open(kind, day).snapshot_id

    def _open(self, snapshot_id: str) -> tuple[Snapshot | None, str]:
        if snapshot_id not in self._opened:
            self._opened[snapshot_id] = self._checked(snapshot_id)
        return self._opened[snapshot_id]

    def _checked(self, snapshot_id: str) -> tuple[Snapshot | None, str]:
        try:
            snapshot = self._store.open_id(snapshot_id)
            if self._rows_to_hash is not None and snapshot.rows > self._rows_to_hash:
                self.unhashed.add(snapshot_id)
            elif not self._store.is_unchanged(snapshot_id):
                return None, f"the rows of snapshot {snapshot_id} are not those that its id names: the file was changed"
            return snapshot, ""
        except SnapshotError as error:
            return None, str(error)


def is_missing(cell: Any) -> bool:
    """Whether a cell has no value; lists and objects always have one."""
    return cell is None or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))
