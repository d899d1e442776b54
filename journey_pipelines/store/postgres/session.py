"""One open transaction: statements with values, frames out, frames in through temporary tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pandas as pd
import psycopg
from psycopg import sql

from journey_pipelines.engine.frames import BOOL, INT, JSON, TEXT, TIME
from journey_pipelines.store.postgres.address import Address
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.postgres.rows import from_csv, to_csv

Connection = psycopg.Connection[tuple[Any, ...]]

COLUMN_TYPES: Final[Mapping[str, sql.SQL]] = {
    TEXT: sql.SQL('text COLLATE "C"'),
    INT: sql.SQL("bigint"),
    BOOL: sql.SQL("boolean"),
    TIME: sql.SQL("timestamptz"),
    JSON: sql.SQL("jsonb"),
}


class Session:
    """A transaction on one connection. Every failure of the database becomes a StoreError."""

    def __init__(self, connection: Connection, address: Address) -> None:
        self._connection = connection
        self._address = address
        self._staged: set[str] = set()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise store_error(error, self._address) from error

    def execute(self, statement: bytes | sql.Composed, **values: Any) -> int:
        """Run a statement; returns how many rows it touched."""
        with self._failures():
            return self._connection.execute(statement, values or None).rowcount

    def raw(self, statement: bytes | sql.Composed, **values: Any) -> list[bytes | None]:
        """The values of the one row of an answer, in Postgres' binary format."""
        with self._failures(), self._connection.cursor(binary=True) as cursor:
            result = cursor.execute(statement, values or None).pgresult
            assert result is not None
            return [result.get_value(0, column) for column in range(result.nfields)]

    def put(self, statement: bytes | sql.Composed, rows: bytes) -> None:
        """Run a COPY FROM STDIN with these rows."""
        with self._failures(), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(rows)

    def rows(self, statement: bytes | sql.Composed, **values: Any) -> list[tuple[Any, ...]]:
        """The few rows of a small answer."""
        with self._failures():
            return self._connection.execute(statement, values or None).fetchall()

    def frame(self, statement: bytes | sql.Composed, columns: Mapping[str, str], **values: Any) -> pd.DataFrame:
        """The rows of a SELECT as a frame, in its order; of its columns those that the frame has."""
        query = sql.SQL("SELECT {columns} FROM ({statement}) AS answer").format(
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)), statement=_composed(statement)
        )
        return self.returned(query, columns, **values)

    def returned(self, statement: bytes | sql.Composed, columns: Mapping[str, str], **values: Any) -> pd.DataFrame:
        """The rows that a statement gives back, exactly these columns, as a frame."""
        copy = sql.SQL("COPY ({statement}) TO STDOUT (FORMAT csv)").format(statement=_composed(statement))
        with self._failures(), self._connection.cursor() as cursor, cursor.copy(copy, values or None) as rows:
            return from_csv(b"".join(rows), columns)

    def stage(self, table: str, frame: pd.DataFrame, columns: Mapping[str, str]) -> int:
        """Put a frame into the temporary table `incoming_<table>`, gone with the transaction; returns its row count.

        Raises StoreError for a value that no store can keep.
        """
        text = to_csv(frame, columns, table=table)
        name = sql.Identifier("pg_temp", f"incoming_{table}")
        with self._failures(), self._connection.cursor() as cursor:
            cursor.execute(self._make_room(table, name, columns))
            with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(name)) as rows:
                rows.write(text)
        self._staged.add(table)
        return len(frame)

    def _make_room(self, table: str, name: sql.Identifier, columns: Mapping[str, str]) -> sql.Composed:
        if table in self._staged:
            return sql.SQL("TRUNCATE {}").format(name)
        defined = [
            sql.SQL("{} {}").format(sql.Identifier(column), COLUMN_TYPES[dtype]) for column, dtype in columns.items()
        ]
        return sql.SQL("CREATE TEMPORARY TABLE {} (incoming_position bigint, {}) ON COMMIT DROP").format(
            name, sql.SQL(", ").join(defined)
        )

    def stage_ids(self, ids: Any) -> None:
        """Put text ids into `incoming_ids (id)`."""
        self.stage("ids", pd.DataFrame({"id": pd.Series(list(ids), dtype="str")}), {"id": TEXT})

    def stage_labels(self, labels: Any) -> None:
        """Put labels into `incoming_labels (label)`."""
        self.stage("labels", pd.DataFrame({"label": pd.Series(list(labels), dtype="str")}), {"label": TEXT})

    def stage_numbers(self, numbers: Any) -> None:
        """Put integers into `incoming_numbers (number)`."""
        self.stage("numbers", pd.DataFrame({"number": pd.Series(list(numbers), dtype="int64")}), {"number": INT})


def _composed(statement: bytes | sql.Composable) -> sql.Composable:
    # statements come from files of the package, never from data
    return statement if isinstance(statement, sql.Composable) else sql.SQL(statement.decode())
