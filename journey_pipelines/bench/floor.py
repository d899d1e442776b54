"""The floor of an advance: its bytes out of and into plain tables by binary COPY, and nothing else.

No index, no lock, no parsing, no decision. What is carried is data (`READ`, `WRITTEN`): whoever changes the physical
layout of the store changes these lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from journey_pipelines.bench.costs import BenchmarkError
from journey_pipelines.bench.layout import column_types, make_plain_table, pages
from journey_pipelines.bench.server import BenchServer, Connection
from journey_pipelines.bench.standing import SCHEMA
from journey_pipelines.store.postgres.standing import STANDING

DATABASE: Final = "bench_floor"


@dataclass(frozen=True)
class Carried:
    """Rows of a table of the store that cross between client and server, and the SQL condition that finds them."""

    table: str
    columns: Sequence[str]
    condition: str


MOVED: Final = "stamp_no IN (SELECT stamp_no FROM journeys.stamps WHERE run_as_of = %(as_of)s)"
READ: Final = (Carried("standing", STANDING, "due_at <= %(as_of)s"),)
REQUESTED: Final = (
    *("entry_no", "execution_id", "journey_key", "journey_version", "customer_id", "node_id", "visit", "action_type"),
    *("priority", "status", "attempt", "requested_at", "due_at", "run_id", "snapshot_id"),
)
WRITTEN: Final = (
    Carried("standing", STANDING, "arrived_at = %(as_of)s"),
    Carried("moves", ("entry_no", "stamp_no", "path_no", "day"), MOVED),
    Carried("outbox", REQUESTED, "requested_at = %(as_of)s"),
)


@dataclass(frozen=True)
class _Incoming:
    """What is written into one table: how many rows in all, and binary COPYs of the sizes that the chunks need."""

    table: str
    rows: int
    payloads: Mapping[int, bytes]

    def of_chunk(self, number: int, chunks: int) -> bytes:
        """All chunks have the same number of rows, but for one row."""
        return self.payloads[_share(self.rows, number, chunks)]


class Floor:
    """Carries what one advance carried, as often as one likes.

    `before` and `after` are databases: one where the advance has not happened, one where it has.
    """

    def __init__(self, server: BenchServer, *, before: str, after: str, as_of: datetime, chunk_rows: int) -> None:
        self._server = server
        self._before, self._after = before, after
        self._as_of = {"as_of": as_of}
        self._chunk_rows = chunk_rows
        self._rows = self._chunks = self._read = self._remembered = 0
        self._incoming: list[_Incoming] = []

    @property
    def rows(self) -> int:
        """How many executions are read."""
        return self._rows

    def prepare(self) -> None:
        """Remember the rows the first time, empty what the last run filled otherwise."""
        if self._chunks:
            with self._server.connected(DATABASE) as connection:
                for incoming in self._incoming:
                    connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(incoming.table)))
            return
        self._server.copy_database("template0", DATABASE)
        with self._server.connected(DATABASE) as target:
            with self._server.connected(self._before) as source:
                self._remember_read(source, target)
            with self._server.connected(self._after) as source:
                for carried in WRITTEN:
                    self._make_table(source, target, carried, carried.table)
                    self._incoming.append(self._incoming_of(source, carried))

    def run(self) -> None:
        """Chunk by chunk, each in a transaction: out, then in."""
        self._read = 0
        with self._server.connected(DATABASE) as connection:
            sizes = {name: pages(connection, name) for name in map(_read_from, READ)}
            for number in range(self._chunks):
                with connection.transaction():
                    for table, size in sizes.items():
                        self._read += _copy_out(connection, _pages_of_chunk(table, size, number, self._chunks))[1]
                    for incoming in self._incoming:
                        _copy_in(connection, incoming.table, incoming.of_chunk(number, self._chunks))

    def check(self) -> None:
        """Raises BenchmarkError where other rows left or arrived than the advance read and wrote."""
        if self._read != self._remembered:
            raise BenchmarkError(f"the floor read {self._read} rows of {self._remembered}; bench/floor.py has a fault")
        with self._server.connected(DATABASE) as connection:
            for incoming in self._incoming:
                found = _count(connection, sql.SQL("SELECT FROM {}").format(sql.Identifier(incoming.table)), {})
                if found != incoming.rows:
                    raise BenchmarkError(
                        f"the floor's table {incoming.table} holds {found} rows, the advance wrote {incoming.rows}; "
                        "the lists in bench/floor.py do not fit the store"
                    )

    def _remember_read(self, source: Connection, target: Connection) -> None:
        for carried in READ:
            name = _read_from(carried)
            self._make_table(source, target, carried, name)
            rows = _carry(source, target, self._selected(carried), name, self._as_of)
            self._rows = max(self._rows, rows)
            self._remembered += rows
        self._chunks = -(-self._rows // self._chunk_rows)
        target.execute("VACUUM (ANALYZE)")

    def _incoming_of(self, source: Connection, carried: Carried) -> _Incoming:
        selected = self._selected(carried)
        rows = _count(source, selected, self._as_of)
        wanted = {_share(rows, number, self._chunks) for number in range(self._chunks)}
        limited = selected + sql.SQL(" LIMIT %(limit)s")
        payloads = {size: _copy_out(source, limited, {**self._as_of, "limit": size})[0] for size in wanted}
        return _Incoming(carried.table, rows, payloads)

    @staticmethod
    def _selected(carried: Carried) -> sql.Composed:
        return sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.SQL(", ").join(map(sql.Identifier, carried.columns)),
            sql.Identifier(SCHEMA, carried.table),
            sql.SQL(carried.condition),  # from the lists above, never data
        )

    @staticmethod
    def _make_table(source: Connection, target: Connection, carried: Carried, name: str) -> None:
        types = column_types(source, SCHEMA, carried.table)
        make_plain_table(target, name, [(column, types[column]) for column in carried.columns])


def _read_from(carried: Carried) -> str:
    return f"read_{carried.table}"


def _share(rows: int, number: int, chunks: int) -> int:
    return rows // chunks + (number < rows % chunks)


def _pages_of_chunk(table: str, size: int, number: int, chunks: int) -> sql.Composed:
    first, end = (f"({size * part // chunks},0)" for part in (number, number + 1))
    return sql.SQL("SELECT * FROM {} WHERE ctid >= {}::tid AND ctid < {}::tid").format(
        sql.Identifier(table), sql.Literal(first), sql.Literal(end)
    )


def _count(connection: Connection, selected: sql.Composed, values: Mapping[str, Any]) -> int:
    statement = sql.SQL("SELECT count(*) FROM ({}) AS counted").format(selected)
    return int(connection.execute(statement, values or None).fetchall()[0][0])


def _carry(
    source: Connection, target: Connection, selected: sql.Composed, table: str, values: Mapping[str, Any]
) -> int:
    out, into = _out(selected), _into(table)
    with source.cursor() as reading, target.cursor() as writing:
        with reading.copy(out, values) as rows, writing.copy(into) as copy:
            for block in rows:
                copy.write(block)
        return writing.rowcount


def _copy_out(
    connection: Connection, selected: sql.Composed, values: Mapping[str, Any] | None = None
) -> tuple[bytes, int]:
    """The rows, and how many they are."""
    with connection.cursor() as cursor:
        with cursor.copy(_out(selected), values) as rows:
            text = b"".join(rows)
        return text, cursor.rowcount


def _copy_in(connection: Connection, table: str, payload: bytes) -> None:
    with connection.cursor() as cursor, cursor.copy(_into(table)) as copy:
        copy.write(payload)


def _out(selected: sql.Composed) -> sql.Composed:
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(selected)


def _into(table: str) -> sql.Composed:
    return sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
