"""A Postgres for one measurement: embedded, in a temporary folder, removed at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from journey_pipelines.bench.costs import Meter, require_processes
from journey_pipelines.errors import StoreError
from journey_pipelines.store.embedded import EmbeddedPostgres, embedded_postgres
from journey_pipelines.store.locations import locate
from journey_pipelines.store.removal import remove_embedded

Connection = psycopg.Connection[tuple[Any, ...]]
TRIES_TO_REMOVE: Final = 30  # each waits some seconds; a server with much unwritten data is slow to end


@dataclass(frozen=True)
class BenchServer:
    """A running server that nobody else uses, and what measures it."""

    server: EmbeddedPostgres
    meter: Meter

    def url(self, database: str) -> str:
        """URL of one of its databases."""
        return self.server.database_url(database)

    @contextmanager
    def connected(self, database: str) -> Iterator[Connection]:
        """A connection that commits each statement."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            yield connection

    def copy_database(self, template: str, name: str) -> None:
        """Make a database that equals the template file by file; an earlier one of that name goes."""
        self.drop_database(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self.meter.watching.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        """Delete a database where it exists, connections to it included."""
        self.meter.watching.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def bench_server(*, cleans_up: bool = False) -> Iterator[BenchServer]:
    """Start a server for the block.

    It cleans up only when told to, so that no vacuum falls into a measurement; or with `cleans_up` as every other
    server does, by the server's own defaults.
    """
    require_processes()
    folder = Path(tempfile.mkdtemp(prefix="journeys-bench-"))
    folder.chmod(0o755)  # the server may run as another account, which has to get through
    try:
        with embedded_postgres(folder) as server, psycopg.connect(server.dagster_url, autocommit=True) as watching:
            if not cleans_up:
                watching.execute("ALTER SYSTEM SET autovacuum = off")
                watching.execute("SELECT pg_reload_conf()")
            postmaster = int((locate(folder).data / "postmaster.pid").read_text().split()[0])
            yield BenchServer(server, Meter(postmaster, watching))
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    for tries_left in reversed(range(TRIES_TO_REMOVE)):
        try:
            remove_embedded(folder)
        except StoreError:
            if not tries_left:
                raise
        else:
            break
    shutil.rmtree(folder)
