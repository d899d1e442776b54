"""One table as an immutable frame with an index over its key."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import empty
from journey_pipelines.errors import StoreError


@dataclass(frozen=True)
class Table:
    """Rows in the order in which they were written; `keys` are the values of the column `key`, unique."""

    name: str
    columns: Mapping[str, str]
    key: str
    frame: pd.DataFrame
    keys: pd.Index

    @classmethod
    def of(cls, name: str, columns: Mapping[str, str], key: str) -> "Table":
        """The table without rows."""
        frame = empty(columns)
        return cls(name, columns, key, frame, pd.Index(frame[key]))

    def locate(self, keys: pd.Index | pd.Series) -> np.ndarray:
        """Position of each key; -1 where it is not there."""
        positions: np.ndarray = self.keys.get_indexer(pd.Index(keys))
        return positions

    def rows_of(self, keys: pd.Index | pd.Series) -> pd.DataFrame:
        """The rows with these keys, in their order; keys that are not there are left out."""
        positions = self.locate(keys)
        return self.frame.take(positions[positions >= 0])

    def append(self, rows: pd.DataFrame) -> "Table":
        """With more rows at the end; their keys must be new."""
        if rows.empty:
            return self
        added = pd.Index(rows[self.key])
        return replace(self, frame=_below(self.frame, rows), keys=self.keys.append(added))

    def append_new(self, rows: pd.DataFrame) -> tuple["Table", pd.DataFrame]:
        """With those rows whose key is new (the first of equals), and these rows."""
        is_new = (self.locate(rows[self.key]) < 0) & ~rows[self.key].duplicated().to_numpy()
        new = rows[is_new]
        return self.append(new), new

    def replace_rows(self, rows: pd.DataFrame) -> "Table":
        """With existing rows replaced whole. Raises StoreError for a key that is not there or comes twice."""
        if rows.empty:
            return self
        positions = self.locate(rows[self.key])
        if (positions < 0).any():
            raise StoreError(f"{self.name} {rows[self.key].iloc[int(np.argmin(positions))]} is not in the store")
        if rows[self.key].duplicated().any():
            raise StoreError(f"a {self.name} to be saved comes twice in one change; save each once")
        order = np.arange(len(self.frame))
        order[positions] = len(self.frame) + np.arange(len(rows))
        return replace(self, frame=_below(self.frame, rows).take(order).reset_index(drop=True))

    def write(self, mask: Any, **values: Any) -> "Table":
        """With these columns set (to scalars) in the rows of a bool mask."""
        changed = self.frame.copy()
        for name, value in values.items():
            changed.loc[mask, name] = value
        return replace(self, frame=changed)


def _below(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, rows], ignore_index=True) if len(frame) else rows.reset_index(drop=True)
