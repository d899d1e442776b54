"""Executions that stand in their first wait, written straight into the store's tables.

Everything here that knows how the store lays out its rows is in `load_standing`; the rest is the journey and its facts.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
from psycopg import sql

from journey_pipelines.bench.layout import indexes_put_aside
from journey_pipelines.bench.server import Connection
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.identity import execution_ids

SCHEMA: Final = "journeys"
TABLES: Final = ("executions", "transitions")
KEY: Final = "welcome"
SEGMENT: Final = "new_customers"
SNAPSHOT_DATE: Final = "2017-03-01"
ENTERED_AT: Final = datetime(2017, 3, 1, tzinfo=UTC)
DUE_AT: Final = ENTERED_AT + timedelta(days=1)
AS_OF: Final = DUE_AT + timedelta(hours=1)
LATER_DAYS: Final = 30  # over which the due times of the others are spread
ROWS_AT_ONCE: Final = 250_000

RULE: Final = {
    "and": [
        {">": [{"var": "sessions_1d"}, 0]},
        {"or": [{"==": [{"var": "tier"}, "gold"]}, {">=": [{"var": ["spend_30d", 0]}, 10]}]},
    ]
}
DOCUMENT: Final[dict[str, Any]] = {
    "key": KEY,
    "name": "Welcome",
    "entry": {"segment": SEGMENT, "on": "member"},
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "one_day", "type": "wait", "config": {"duration": "P1D"}},
        {"id": "engaged", "type": "condition", "config": {"rule": RULE}},
        {
            "id": "bonus",
            "type": "action",
            "config": {"action_type": "award_points", "points": 100, "reason": "engaged"},
        },
        {"id": "two_days", "type": "wait", "config": {"duration": "P2D"}},
        {"id": "done", "type": "end"},
    ],
    "edges": [
        {"source": "start", "target": "one_day"},
        {"source": "one_day", "target": "engaged"},
        {"source": "engaged", "target": "bonus", "branch": "true"},
        {"source": "engaged", "target": "two_days", "branch": "false"},
        {"source": "bonus", "target": "done"},
        {"source": "two_days", "target": "done"},
    ],
}

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Standing:
    """Who stands in the store: `stored` customers, numbered in the order in which their rows are written."""

    due: Places  # those whose wait is over
    stored: int

    @property
    def rows(self) -> int:
        """How many are due."""
        return len(self.due)

    def due_times(self, seed: int = 0) -> npt.NDArray[np.datetime64]:
        """Of everybody, to the second."""
        later = np.random.default_rng(seed).integers(1, LATER_DAYS * 86_400, self.stored)
        later[self.due] = 0
        after_due = _numpy_instant(AS_OF) + later.astype("timedelta64[s]")
        return np.where(later > 0, after_due, _numpy_instant(DUE_AT))


def make_standing(*, rows: int, stored: int, is_scattered: bool) -> Standing:
    """`rows` due ones among `stored`: the first that were written, or lying evenly among the others."""
    due = np.arange(rows, dtype=np.int64)
    return Standing(due * stored // rows if is_scattered else due, stored)


def customer_ids(places: Places) -> list[str]:
    """The id of each numbered customer."""
    return [f"c{place:09d}" for place in places.tolist()]


def make_features(stored: int, seed: int = 0) -> pd.DataFrame:
    """One dated snapshot of everybody's features: numbers and a text."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "snapshot_date": SNAPSHOT_DATE,
            "customer_id": pd.Series(customer_ids(np.arange(stored)), dtype="str"),
            "sessions_1d": random.integers(0, 2, stored),
            "tier": pd.Series(random.choice(np.array(["gold", "silver"], dtype=object), stored), dtype="str"),
            "spend_30d": (random.random(stored) * 15).round(2),
        }
    )


def is_engaged(features: pd.DataFrame) -> pd.Series:
    """The journey's condition in plain pandas."""
    return (features["sessions_1d"] > 0) & ((features["tier"] == "gold") | (features["spend_30d"] >= 10))


def make_source(standing: Standing, features: pd.DataFrame) -> FrameSource:
    """What the engine reads: features of everybody, and the segment with those who are due."""
    members = features[["snapshot_date", "customer_id"]].take(standing.due).assign(segment=SEGMENT)
    return FrameSource(features, members, None, segment_names=[SEGMENT])


def load_standing(connection: Connection, standing: Standing, *, version: int = 1) -> None:
    """Write the executions, and the transition by which each left the start, as an enrolment would have done.

    They take the place of all that were there: rows of a table that was emptied in the same transaction need no log.
    """
    with connection.transaction(), indexes_put_aside(connection, SCHEMA, TABLES):
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(_qualified, TABLES))))
        for executions, transitions in _batches(standing, version):
            _copy(connection, "executions", executions)
            _copy(connection, "transitions", transitions)
    connection.execute("VACUUM (ANALYZE)")


def _batches(standing: Standing, version: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    due_times = standing.due_times()
    for first in range(0, standing.stored, ROWS_AT_ONCE):
        places = np.arange(first, min(first + ROWS_AT_ONCE, standing.stored), dtype=np.int64)
        customers = customer_ids(places)
        ids = execution_ids(KEY, customers, [1] * len(places))
        common = {"execution_id": ids, "customer_id": customers, "journey_key": KEY, "journey_version": version}
        executions = {
            **common,
            "entry_number": 1,
            "entered_via": "entry",
            "state": "WAITING",
            "current_node_id": "one_day",
            "visit": 1,
            "visits": "{}",
            "context": "{}",
            "due_at": due_times[places],
            "entered_at": ENTERED_AT,
            "arrived_at": ENTERED_AT,
        }
        transitions = {
            **common,
            "node_id": "start",
            "visit": 1,
            "at": ENTERED_AT,
            "run_id": "standing",
            "run_as_of": ENTERED_AT,
            "snapshot_id": f"features@{SNAPSHOT_DATE}",
        }
        yield _table(executions, len(places)), _table(transitions, len(places))


def _table(columns: dict[str, Any], rows: int) -> pa.Table:
    """Columns of these values; one that is no sequence stands in every row."""
    return pa.table({name: _column(value, rows) for name, value in columns.items()})


def _column(value: Any, rows: int) -> Any:
    if isinstance(value, np.ndarray):
        return pa.array(value).cast(pa.timestamp("us", "UTC"))
    if isinstance(value, list):
        return pa.array(value)
    return pa.repeat(pa.scalar(value, pa.timestamp("us", "UTC") if isinstance(value, datetime) else None), rows)


def _copy(connection: Connection, table: str, rows: pa.Table) -> None:
    written = io.BytesIO()
    arrow_csv.write_csv(rows, written, arrow_csv.WriteOptions(include_header=False))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, FREEZE)").format(
        _qualified(table), sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(written.getbuffer())


def _qualified(table: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table)


def _numpy_instant(at: datetime) -> np.datetime64:
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
