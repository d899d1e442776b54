"""What a snapshot file that lost rows says of those that remain.

A snapshot keeps its id, a hash of all its rows, so that what moves and guards recorded goes on to name it. That hash
cannot be made again without the rows that went. So the tombstone says whether the rows gave it before the first of them
went, and holds a hash of those that remain, sealed together with the id.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from journey_pipelines.snapshots.contents import digest_of

TOMBSTONE_KEY: Final = b"tombstone"


@dataclass(frozen=True)
class Tombstone:
    """Of one file, in its metadata."""

    snapshot_id: str
    rows_removed: int
    was_whole: bool  # whether the rows gave the id before the first went
    rest: str  # SHA-256 of the rows that remain, in their order
    seal: str

    @staticmethod
    def over(table: Any, snapshot_id: str, *, rows_removed: int, was_whole: bool) -> "Tombstone":
        """The tombstone of these remaining rows."""
        rest = digest_of(table)
        return Tombstone(snapshot_id, rows_removed, was_whole, rest, _seal(snapshot_id, rows_removed, was_whole, rest))

    @staticmethod
    def read(metadata: Any) -> "Tombstone | None":
        """What a file's metadata says; None for a file that lost no row. Raises ValueError for an unreadable one."""
        if TOMBSTONE_KEY not in (metadata or {}):
            return None
        try:
            return Tombstone(**json.loads(metadata[TOMBSTONE_KEY]))
        except TypeError as error:
            raise ValueError("a tombstone has other keys than it should") from error

    def problem(self, table: Any, snapshot_id: str) -> str | None:
        """What is wrong with the remaining rows of the snapshot with this id; None if nothing is."""
        if self.snapshot_id != snapshot_id:
            return f"its tombstone is of {self.snapshot_id}, not of {snapshot_id}"
        if self.seal != _seal(self.snapshot_id, self.rows_removed, self.was_whole, self.rest):
            return "its tombstone was changed"
        return None if self.rest == digest_of(table) else "its rows are not those that its tombstone was made for"


def _seal(*said: Any) -> str:
    return hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()
