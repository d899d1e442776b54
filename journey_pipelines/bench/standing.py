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
import psycopg
import pyarrow as pa
import pyarrow.csv as arrow_csv
from psycopg import sql

from journey_pipelines.bench.layout import indexes_put_aside
from journey_pipelines.bench.server import Connection
from journey_pipelines.bench.snapshot_files import DAY, SnapshotFiles
from journey_pipelines.engine.frames import EXECUTIONS, conform
from journey_pipelines.engine.identity import execution_ids
from journey_pipelines.engine.shards import numbers_of, shard_of
from journey_pipelines.store.postgres.address import parse_address
from journey_pipelines.store.postgres.arrays import copy_bytes, register
from journey_pipelines.store.postgres.catalogues import Catalogues, Path, Stamp
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.partitions import MOVES
from journey_pipelines.store.postgres.partitions import STANDING as STANDING_PARTITIONS
from journey_pipelines.store.postgres.standing import edition_numbers, from_frame
from journey_pipelines.store.statements import statements

SCHEMA: Final = "journeys"
TABLES: Final = ("entries", "unfinished", "standing", "moves", "contexts", "ended")
INDEXED: Final = ("entries", "unfinished", "moves")
KEY: Final = "welcome"
SEGMENT: Final = "new_customers"
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
    """Everybody's features: numbers and a text."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": pd.Series(customer_ids(np.arange(stored)), dtype="str"),
            "sessions_1d": random.integers(0, 2, stored),
            "tier": pd.Series(random.choice(np.array(["gold", "silver"], dtype=object), stored), dtype="str"),
            "spend_30d": (random.random(stored) * 15).round(2),
        }
    )


def is_engaged(features: pd.DataFrame) -> pd.Series:
    """The journey's condition in plain pandas."""
    return (features["sessions_1d"] > 0) & ((features["tier"] == "gold") | (features["spend_30d"] >= 10))


def write_snapshots(standing: Standing, files: SnapshotFiles) -> pd.DataFrame:
    """What the engine reads: features of everybody, and the segment with those who are due, whose features it gives."""
    features = make_features(standing.stored)
    due = features.take(standing.due).reset_index(drop=True)
    files.write(features, due["customer_id"])
    return due


def load_standing(url: str, standing: Standing, *, version: int = 1) -> None:
    """Write the executions, and the move by which each left the start, as an enrolment would have done.

    They take the place of all that were there: rows of a table that was emptied in the same transaction need no log.
    """
    catalogues = Catalogues(Connections(parse_address(url), SCHEMA), parse_address(url))
    # before the transaction, whose locks they would wait for
    catalogues.partitions.numbers(STANDING_PARTITIONS, standing.due_times())
    [entered_on] = catalogues.partitions.numbers(MOVES, np.array([_numpy_instant(ENTERED_AT)])).tolist()
    stamp: Stamp = (ENTERED_AT, "standing", ENTERED_AT, f"features@{DAY}")
    with psycopg.connect(url, autocommit=True) as connection:
        register(connection)
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(SCHEMA)))
        with connection.transaction(), indexes_put_aside(connection, SCHEMA, INDEXED):
            connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))
            for executions, entry_nos in _batches(standing, version):
                [edition_no] = np.unique(edition_numbers(executions, catalogues)).tolist()
                path: Path = (edition_no, (("start", 1, None, None),))
                _copy(connection, "entries", _entries(executions, entry_nos))
                _copy(connection, "unfinished", executions[["journey_key", "customer_id"]])
                _put(connection, "put_standing", from_frame(executions, entry_nos, catalogues).standing())
                moves = [catalogues.stamp_nos([stamp])[stamp], catalogues.path_nos([path])[path], entered_on]
                columns = [np.full(len(entry_nos), number, dtype=np.int32) for number in moves]
                _put(connection, "put_moves", copy_bytes([entry_nos, *columns]))
            connection.execute("SELECT setval('entry_numbers', %(last)s)", {"last": standing.stored})
        connection.execute("VACUUM (FREEZE, ANALYZE)")


def _batches(standing: Standing, version: int) -> Iterator[tuple[pd.DataFrame, Places]]:
    """EXECUTIONS and the number of each entry, shard by shard as an enrolment writes them."""
    due_times = standing.due_times()
    order = np.argsort(_shards_of_all(standing.stored), kind="stable")
    for first in range(0, standing.stored, ROWS_AT_ONCE):
        places = order[first : first + ROWS_AT_ONCE]
        customers = customer_ids(places)
        rows = pd.DataFrame(
            {
                "execution_id": pd.Series(execution_ids(KEY, customers, [1] * len(places)), dtype="str"),
                "customer_id": pd.Series(customers, dtype="str"),
                "due_at": pd.Series(due_times[places]).dt.tz_localize("UTC"),
            }
        ).assign(
            journey_key=KEY,
            journey_version=version,
            entry_number=1,
            entered_via="entry",
            state="WAITING",
            current_node_id="one_day",
            visit=1,
            entered_at=pd.Timestamp(ENTERED_AT),
            arrived_at=pd.Timestamp(ENTERED_AT),
        )
        yield conform(rows, EXECUTIONS), numbers_of(customers, places + 1)


def _shards_of_all(stored: int) -> Places:
    parts = [np.arange(first, min(first + ROWS_AT_ONCE, stored)) for first in range(0, stored, ROWS_AT_ONCE)]
    return np.concatenate([shard_of(customer_ids(part)) for part in parts])


def _entries(executions: pd.DataFrame, entry_nos: Places) -> pd.DataFrame:
    names = ["execution_id", "journey_key", "customer_id", "entry_number", "entered_via", "entered_at"]
    return executions[names].assign(entry_no=entry_nos)


def _copy(connection: Connection, table: str, rows: pd.DataFrame) -> None:
    written = io.BytesIO()
    whole = pa.Table.from_pandas(rows, preserve_index=False)
    arrow_csv.write_csv(whole, written, arrow_csv.WriteOptions(include_header=False))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, FREEZE)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, whole.column_names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(written.getbuffer())


def _put(connection: Connection, statement: str, rows: bytes) -> None:
    with connection.cursor() as cursor, cursor.copy(statements("movement")[statement]) as copy:
        copy.write(rows)


def _numpy_instant(at: datetime) -> np.datetime64:
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
