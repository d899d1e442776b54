"""What a run knows of the world: snapshots of features, segments and profiles, resolved for one `as_of`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import pandas as pd


@dataclass(frozen=True)
class Snapshot:
    """One dated snapshot. `frame` has a column `customer_id` (str) and, for features, one column for each feature."""

    snapshot_id: str  # names date and content, so that equal ids mean equal rows
    snapshot_date: date
    frame: pd.DataFrame

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.frame)


@dataclass(frozen=True)
class Facts:
    """The newest snapshots dated on or before `as_of` (UTC date).

    A segment that is missing from `segments` is not known any more. `profiles` has one row for each customer_id;
    absent columns are null for everybody.
    """

    as_of: datetime
    features: Snapshot | None
    segments: Mapping[str, Snapshot]
    profiles: pd.DataFrame
    profiles_id: str = ""


class SnapshotSource(Protocol):
    """Where snapshots come from: frames in memory (simulation, replay) or Parquet partitions (live)."""

    def at(self, as_of: datetime) -> Facts:
        """The facts for a run with this `as_of`. Raises SnapshotError where a file is unreadable or wrong."""

    def members(self, segment: str, snapshot_id: str) -> pd.Index:
        """Customer ids (unique) of an earlier snapshot of a segment. Raises SnapshotError where it is gone."""

    def customers(self, snapshot_id: str) -> pd.Index:
        """Customer ids (unique) of an earlier feature snapshot. Raises SnapshotError where it is gone."""
