"""Databases of a test session, and how they are emptied again between tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, LiteralString

import psycopg
from psycopg import sql

END_OTHERS: Final[LiteralString] = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
OTHER_SCHEMAS: Final[LiteralString] = """
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') AND nspname <> %s
"""
# partitions that a store made for itself; those that every store has are named otherwise
DROP_PARTITIONS: Final[LiteralString] = """
DO $$
DECLARE partition regclass;
BEGIN
    FOR partition IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'journeys' AND c.relispartition AND c.relkind = 'r' AND c.relname ~ '_[0-9]{8}$'
    LOOP
        EXECUTE 'DROP TABLE ' || partition;
    END LOOP;
END $$
"""
DELETE_ROWS: Final[LiteralString] = """
DO $$
DECLARE found regclass;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'journeys' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname <> 'schema_migrations'
    LOOP
        EXECUTE 'DELETE FROM ' || found;
    END LOOP;
    FOR found IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'journeys' AND c.relkind = 'S'
    LOOP
        PERFORM setval(found, 1, false);
    END LOOP;
END $$
"""


def trust_the_machine(server: str) -> None:
    """Let a server whose data need not outlive a crash of the machine never wait for the disk."""
    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """URL of a new database of this name, which is dropped afterwards."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield _with_database(server, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def empty(url: str, *, keep: str = "") -> None:
    """End the other connections and drop every schema but the one to keep."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(END_OTHERS)
        for (schema,) in connection.execute(OTHER_SCHEMAS, (keep,)).fetchall():
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


def empty_store(url: str) -> None:
    """`empty`, but of the journey store only the rows and what it made for them; its schema stays."""
    empty(url, keep="journeys")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(DROP_PARTITIONS)
        connection.execute(DELETE_ROWS)


def _with_database(url: str, database: str) -> str:
    head, slash, rest = url.partition("://")[2].partition("/")
    question = rest.find("?")
    return f"postgresql://{head}{slash}{database}{rest[question:] if question >= 0 else ''}"
