"""What a run knows of the world: snapshots of features, segments and profiles, resolved for one `as_of`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_pipelines.engine.shards import ALL, Shards


@dataclass(frozen=True)
class Repeated:
    """Customers who have more than one row in a snapshot: how many they are, and one of them."""

    customers: int
    example: str


class Snapshot(Protocol):
    """One dated snapshot, looked up by customer: a frame in memory, or a file of which only what is asked for is read.

    Of a customer who has more than one row the first counts. Whatever reads may raise SnapshotError.
    """

    @property
    def snapshot_id(self) -> str:
        """Names date and content, so that equal ids mean equal rows."""

    @property
    def snapshot_date(self) -> date:
        """The day that it is of."""

    @property
    def rows(self) -> int:
        """How many rows it has."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, `customer_id` (str) among them; the others are features or fields of the profile."""

    @property
    def parts(self) -> int:
        """In how many ranges of shards it is best read; 1: as a whole."""

    def positions(self, customer_ids: Any) -> npt.NDArray[np.int64]:
        """The row of each customer, -1 where there is none."""

    def take(self, column: str, positions: npt.NDArray[np.int64]) -> Any:
        """The column's cells at these rows; missing where the position is -1, or where it has no such column."""

    def customers(self, shards: Shards = ALL) -> pd.Index:
        """Those customers who belong to these shards, each once."""

    def repeated(self) -> Repeated | None:
        """Who has more than one row; None where nobody has."""


@dataclass(frozen=True)
class Facts:
    """The newest snapshots dated on or before `as_of` (UTC date); None where there is none.

    A segment that is missing from `segments` is not known any more. Fields that the profiles lack are null for
    everybody.
    """

    as_of: datetime
    features: Snapshot | None
    segments: Mapping[str, Snapshot]
    profiles: Snapshot | None

    @property
    def parts(self) -> int:
        """In how many ranges of shards all customers are best looked at."""
        snapshots = [self.features, self.profiles, *self.segments.values()]
        return max((snapshot.parts for snapshot in snapshots if snapshot is not None), default=1)


class SnapshotSource(Protocol):
    """Where snapshots come from: frames in memory (simulation, replay) or Parquet partitions (live)."""

    def at(self, as_of: datetime) -> Facts:
        """The facts for a run with this `as_of`. Raises SnapshotError where a file is unreadable or wrong."""

    def segment(self, name: str, snapshot_id: str) -> Snapshot:
        """An earlier snapshot of a segment. Raises SnapshotError where it is gone."""

    def features(self, snapshot_id: str) -> Snapshot:
        """An earlier feature snapshot. Raises SnapshotError where it is gone."""
