"""An embedded Postgres of the storm's own, which it may kill and start again."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import psycopg
from psycopg import sql

from journey_pipelines.store.embedded import embedded_postgres
from journey_pipelines.store.locations import locate
from journey_pipelines.store.removal import remove_embedded

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'journeys' AND pid <> pg_backend_pid()"


class Server:
    """Runs from `start` to `remove`; `kill` ends it as a crash does, and `start` starts it again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._users = ExitStack()
        self.url = ""

    def start(self) -> None:
        """Return when it answers."""
        self.url = self._users.enter_context(embedded_postgres(self._root)).url

    def kill(self, how: signal.Signals) -> None:
        """SIGKILL to the postmaster, or SIGQUIT: an immediate stop, in which every backend ends where it is."""
        data = locate(self._root).data
        postmaster = int((data / "postmaster.pid").read_text().split()[0])
        assert str(data).encode() in Path(f"/proc/{postmaster}/cmdline").read_bytes(), "that process is not ours"
        os.kill(postmaster, how)

    def wait_until_alone(self) -> None:
        """Return when the server has noticed that the sessions of killed processes are over."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            while connection.execute(SESSIONS).fetchone() != (0,):
                connection.execute("SELECT pg_sleep(0.02)")

    def drop(self, schema: str) -> None:
        """Forget a schema."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))

    def remove(self) -> None:
        """Stop it and delete its files."""
        self._users.close()
        remove_embedded(self._root)
