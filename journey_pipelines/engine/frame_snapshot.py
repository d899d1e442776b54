"""A snapshot whose rows are a frame in memory."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_pipelines.engine.facts import Repeated
from journey_pipelines.engine.shards import ALL, Shards


@dataclass(frozen=True, eq=False)
class FrameSnapshot:
    """See Snapshot. `frame` has a column `customer_id` (str)."""

    snapshot_id: str
    snapshot_date: date
    frame: pd.DataFrame
    parts: int = 1

    @property
    def rows(self) -> int:
        """See Snapshot."""
        return len(self.frame)

    @property
    def columns(self) -> tuple[str, ...]:
        """See Snapshot."""
        return tuple(self.frame.columns)

    @cached_property
    def _first_rows(self) -> pd.DataFrame:
        frame = self.frame
        return frame if frame["customer_id"].is_unique else frame.drop_duplicates("customer_id")

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self._first_rows["customer_id"])

    def positions(self, customer_ids: Any) -> npt.NDArray[np.int64]:
        """See Snapshot."""
        found: npt.NDArray[np.int64] = self._index.get_indexer(pd.Index(customer_ids))
        return found

    def take(self, column: str, positions: npt.NDArray[np.int64]) -> Any:
        """See Snapshot."""
        return take_cells(self._first_rows, column, positions)

    def customers(self, shards: Shards = ALL) -> pd.Index:
        """See Snapshot."""
        return self._index[shards.mask(self._index)]

    def repeated(self) -> Repeated | None:
        """See Snapshot."""
        return repeated_in(self.frame["customer_id"])


def repeated_in(customers: pd.Series) -> Repeated | None:
    """Who comes more than once; None where nobody does."""
    if customers.is_unique:
        return None
    twice = customers[customers.duplicated()]
    return Repeated(int(twice.nunique()), str(twice.iloc[0]))


def take_cells(frame: pd.DataFrame, column: str, positions: np.ndarray) -> Any:
    """Cells of one column at these rows; missing where the position is -1 or the frame lacks the column."""
    if column not in frame or len(frame) == 0:
        return np.full(len(positions), None, dtype=object)
    values = frame[column].array
    if isinstance(values, pd.arrays.NumpyExtensionArray):
        # a missing cell turns whole numbers into floats with NaN here, as it would in any frame
        return pd.api.extensions.take(values.to_numpy(), positions, allow_fill=bool((positions < 0).any()))
    return values.take(positions, allow_fill=True)
