"""The physical layout of a store's tables: indexes put aside while rows are loaded, sizes, types."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from psycopg import sql

from journey_pipelines.bench.server import Connection
from sql.statements import named_statements


@cache
def layout_statements() -> Mapping[str, bytes]:
    """The statements of `sql/bench/layout.sql` by name."""
    text = files("sql").joinpath("bench", "layout.sql").read_text(encoding="utf-8")
    return {statement.name: statement.sql.encode() for statement in named_statements(text)}


@contextmanager
def indexes_put_aside(connection: Connection, schema: str, tables: Sequence[str]) -> Iterator[None]:
    """Without the tables' indexes for the block, and with them made anew behind it, which is faster for many rows."""
    values = {"schema": schema, "tables": list(tables)}
    found = connection.execute(layout_statements()["indexes"], values).fetchall()
    connection.execute("SET maintenance_work_mem = '512MB'")
    for dropped_by, _ in found:
        connection.execute(dropped_by)
    yield
    for _, made_by in found:
        connection.execute(made_by)


def sizes(connection: Connection, schema: str) -> dict[str, Any]:
    """Bytes of each table that holds something and of its indexes, as JSON."""
    rows = connection.execute(layout_statements()["sizes"], {"schema": schema}).fetchall()
    return {
        str(name): {"table_bytes": int(table), "index_bytes": int(indexed), "indexes": int(indexes)}
        for name, table, indexed, indexes in rows
    }


def catalog_bytes(connection: Connection) -> int:
    """Bytes of the system's catalog, which partitions make grow."""
    return int(connection.execute(layout_statements()["catalog_bytes"]).fetchall()[0][0])


def make_plain_table(connection: Connection, name: str, columns: Sequence[tuple[str, str]]) -> None:
    """A table of these columns (name, type) without index or constraint."""
    # a type's name comes from the catalog
    defined = [sql.SQL("{} {}").format(sql.Identifier(column), _catalog_text(kind)) for column, kind in columns]
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(name), sql.SQL(", ").join(defined)))


def column_types(connection: Connection, schema: str, table: str) -> dict[str, str]:
    """Type of each column of a table."""
    values = {"schema": schema, "table": table}
    return {str(name): str(kind) for name, kind in connection.execute(layout_statements()["column_types"], values)}


def pages(connection: Connection, table: str) -> int:
    """How many pages a table has."""
    rows = connection.execute(layout_statements()["pages"], {"table": table}).fetchall()
    return int(rows[0][0])


def _catalog_text(text: str) -> sql.SQL:
    return sql.SQL(text)  # what the catalog says of itself, never data
