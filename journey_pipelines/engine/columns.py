"""What a chunk's steps write into: the columns of its executions, and who left which node by which way."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import EXECUTIONS, TEXT, TIME, few_texts
from journey_pipelines.engine.instants import to_instants, to_times

Rows = np.ndarray  # positions in the chunk


class Columns(dict[str, np.ndarray]):
    """The columns of EXECUTIONS as arrays that may be written to, each made when it is first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self._frame = frame

    def __missing__(self, name: str) -> np.ndarray:
        self[name] = _writable(self._frame[name])
        return self[name]

    def cells(self, name: str, rows: Rows) -> Any:
        """These rows of a column, as they are now."""
        if name not in self:
            column = self._frame[name].array
            is_whole = len(rows) == len(column) and bool((rows == np.arange(len(rows))).all())
            return column if is_whole else column.take(rows)
        values = self[name][rows]
        if EXECUTIONS[name] == TIME:
            return to_times(values)
        return few_texts(values) if EXECUTIONS[name] == TEXT else values


@dataclass(frozen=True)
class Step:
    """Rows that left one node by one way, with the number of each visit."""

    rows: Rows
    visits: np.ndarray
    node_id: str
    branch: str | None
    fingerprint: str | None


def _writable(column: pd.Series) -> np.ndarray:
    if str(column.dtype) == TIME:
        return to_instants(column)
    if column.dtype == "str":
        values = column.astype(object)
        return np.array(values.where(values.notna(), None).to_numpy(), dtype=object)
    return np.array(column.to_numpy(), copy=True)
