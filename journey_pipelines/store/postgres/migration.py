"""Brings a schema of a Postgres database to today's shape."""

from typing import Final

import psycopg
from psycopg import sql

from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres.address import parse_address
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.postgres.session import Connection
from journey_pipelines.store.statements import Migration, migrations, statements

OLDEST_SERVER: Final = 150000


def migrate(url: str, schema: str = "journeys") -> list[str]:
    """Create the schema where it is missing and apply what is new; returns the names of the applied migrations.

    Several processes may call it at once; the second finds nothing to do. Raises StoreError where the database does not
    answer, is older than Postgres 15, or where the store is newer than this program.
    """
    address = parse_address(url)
    with address.connect() as connection:
        try:
            with connection.transaction():
                return _migrate(connection, schema)
        except psycopg.Error as error:
            raise store_error(error, address) from error


def _migrate(connection: Connection, schema: str) -> list[str]:
    if connection.info.server_version < OLDEST_SERVER:
        found = connection.info.server_version // 10000
        raise StoreError(f"the journey store runs Postgres {found}; it needs 15 or newer: upgrade that server")
    named, values = statements("migrations"), {"schema": schema}
    connection.execute(named["lock_migrations"], values)
    if not _answer(connection, named["has_schema"], values):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    connection.execute(statements("session")["prepare_session"], values)
    applied: list[tuple[int, str]] = []
    if _answer(connection, named["has_migrations"], values):
        applied = [(int(version), str(name)) for version, name in connection.execute(named["applied_migrations"])]
    new = _new(applied, schema)
    for migration in new:
        connection.execute(migration.text)
        connection.execute(named["record_migration"], {"version": migration.version, "name": migration.name})
    return [migration.name for migration in new]


def _new(applied: list[tuple[int, str]], schema: str) -> tuple[Migration, ...]:
    known = migrations()
    if len(applied) > len(known):
        version, name = applied[-1]
        raise StoreError(
            f"schema {schema} of the journey store is at version {version} ({name}), this program knows {len(known)}; "
            "install the version of journey-pipelines that wrote it, or a newer one"
        )
    for (version, name), migration in zip(applied, known, strict=False):
        if (version, name) != (migration.version, migration.name):
            raise StoreError(
                f"schema {schema} of the journey store has {version} ({name}) where this program has "
                f"{migration.version} ({migration.name}); point JOURNEYS_STORE_URL at a store of this program"
            )
    return known[len(applied) :]


def _answer(connection: Connection, statement: bytes, values: dict[str, str]) -> bool:
    row = connection.execute(statement, values).fetchone()
    return bool(row and row[0])
