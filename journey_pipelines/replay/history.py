"""What a replay leaves behind: figures and a hash that need little room, and rows where they are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, POINTS_TRANSACTIONS, TEXT, TRANSITIONS, stack

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "executions": EXECUTIONS,
    "transitions": TRANSITIONS,
    "dispatches": DISPATCHES,
    "points_transactions": POINTS_TRANSACTIONS,
}
NAMES_OF_RUNS: Final = ("run_id",)  # differ from one replay to the next; everything else is compared
MASK: Final = (1 << 64) - 1
FLOW: Final = ["journey_key", "node_id", "branch"]
SENDS: Final = ["journey_key", "node_id", "action_type", "status", "day"]


class History(Protocol):
    """Takes the rows of a replay, each once, when nothing will change them any more."""

    def take(self, table: str, rows: pd.DataFrame) -> None:
        """Rows of one of TABLES, in its columns."""


@dataclass
class Digest:
    """Figures of everything that was taken, and its hash, which does not depend on the order of rows."""

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    flow: pd.Series = field(default_factory=lambda: _empty_counts(FLOW))
    sends: pd.Series = field(default_factory=lambda: _empty_counts(SENDS))
    ends: pd.Series = field(default_factory=lambda: _empty_counts(["journey_key", "state", "outcome"]))
    standing: pd.Series = field(default_factory=lambda: _empty_counts(["journey_key", "node_id"]))
    points: dict[str, int] = field(default_factory=dict)
    _sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))

    def take(self, table: str, rows: pd.DataFrame) -> None:
        """See `History`."""
        self.rows[table] += len(rows)
        self._sums[table] = (self._sums[table] + hash_of_rows(rows)) & MASK
        if table == "transitions":
            self.flow = _added(self.flow, rows, FLOW)
        elif table == "dispatches":
            self.sends = _added(self.sends, rows.assign(day=rows["requested_at"].dt.strftime("%Y-%m-%d")), SENDS)
        elif table == "executions":
            has_ended = rows["ended_at"].notna()
            self.ends = _added(self.ends, rows[has_ended], ["journey_key", "state", "outcome"])
            inside = rows[~has_ended].rename(columns={"current_node_id": "node_id"})
            self.standing = _added(self.standing, inside, ["journey_key", "node_id"])
        else:
            self._add_points(rows)

    @property
    def hash(self) -> str:
        """Equal for equal rows, whatever their order."""
        return "".join(f"{self._sums[table]:016x}" for table in TABLES)

    def _add_points(self, rows: pd.DataFrame) -> None:
        for reason, points in rows.groupby(rows["reason"].fillna(""))["points"].sum().items():
            self.points[str(reason)] = self.points.get(str(reason), 0) + int(points)


@dataclass
class Kept:
    """Every row, in memory."""

    _parts: dict[str, list[pd.DataFrame]] = field(default_factory=lambda: {name: [] for name in TABLES})

    def take(self, table: str, rows: pd.DataFrame) -> None:
        """See `History`."""
        if len(rows):
            self._parts[table].append(rows)

    def table(self, name: str) -> pd.DataFrame:
        """All rows of one of TABLES, their texts held as pandas does by default, not as during the walk."""
        columns = TABLES[name]
        rows = stack(self._parts[name], columns).set_axis(pd.Index(list(columns), dtype=TEXT), axis=1)
        return rows.astype({column: TEXT for column, dtype in columns.items() if dtype == TEXT})


def hash_of_rows(rows: pd.DataFrame) -> int:
    """The sum of the hashes of the rows, without what names a run."""
    if not len(rows):
        return 0
    kept = rows.drop(columns=[name for name in NAMES_OF_RUNS if name in rows])
    texts = pd.DataFrame({name: _texts(column) for name, column in kept.items()})
    hashed = pd.util.hash_pandas_object(texts, index=False, categorize=False)
    return int(np.add.reduce(hashed.to_numpy(dtype=np.uint64)))


def _texts(column: pd.Series) -> pd.Series:
    """The cells as text; null and absent are one."""
    if column.dtype == object:
        return column.map(lambda cell: "" if cell is None else repr(cell))
    return column.astype("str").fillna("")


def _added(counts: pd.Series, rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    if not len(rows):
        return counts
    more = rows[columns].fillna("").groupby(columns).size()
    return counts.add(more, fill_value=0).astype("int64")


def _empty_counts(columns: list[str]) -> pd.Series:
    index = pd.MultiIndex.from_arrays([pd.Index([], dtype="str") for _ in columns], names=columns)
    return pd.Series([], index=index, dtype="int64")
