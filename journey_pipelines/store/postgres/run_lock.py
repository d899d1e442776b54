"""The advisory lock that says that a run is alive, on a connection of its own."""

from contextlib import suppress

import psycopg

from journey_pipelines.store.postgres.address import Address
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.postgres.session import Connection
from journey_pipelines.store.statements import statements

SQL = statements("session")


class RunLock:
    """Held from `take` to `release`; the server frees it when the connection ends, `kill -9` included."""

    def __init__(self, connections: Connections, address: Address, run_id: str) -> None:
        self._connections = connections
        self._address = address
        self._run_id = run_id
        self._connection: Connection | None = None

    def take(self) -> None:
        """Wait for the lock. Raises StoreError where nobody answers."""
        self._connection = self._connections.open()
        self._ask("lock_run")

    def renew(self) -> None:
        """Take it again if its connection broke off, so that what the run sends from now on counts as alive.

        Where somebody holds it the next renewal tries again: either the server has not noticed yet that our session
        ended, and we count as alive, or another run takes us for dead at this moment, which `outbox` expects.
        Raises StoreError where nobody answers.
        """
        if self._connection is not None and self._is_healthy(self._connection):
            return
        self.release()
        self._connection = self._connections.open()
        if not self._ask("try_lock_run"):
            self.release()

    def release(self) -> None:
        """Free it at once."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute(SQL["unlock_run"])
            self._connection.close()
        self._connection = None

    def _ask(self, name: str) -> bool:
        assert self._connection is not None
        try:
            row = self._connection.execute(SQL[name], {"run_id": self._run_id}).fetchone()
        except psycopg.Error as error:
            self.release()
            raise store_error(error, self._address) from error
        return bool(row and row[0])

    @staticmethod
    def _is_healthy(connection: Connection) -> bool:
        try:
            connection.execute(SQL["ping"])
        except psycopg.Error:
            return False
        return True
