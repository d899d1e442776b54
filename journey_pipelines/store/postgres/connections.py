"""Open connections to one store: made when asked for, kept when healthy, one borrower at a time."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from journey_pipelines.store.postgres.address import Address
from journey_pipelines.store.postgres.arrays import register
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.postgres.session import Connection
from journey_pipelines.store.statements import statements

MOST_IDLE: Final = 4


class Connections:
    """A small stock of idle connections whose search_path is one schema. Safe for threads and after a fork."""

    def __init__(self, address: Address, schema: str) -> None:
        self._address = address
        self._schema = schema
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._process = os.getpid()

    @contextmanager
    def borrow(self) -> Iterator[Connection]:
        """A connection without an open transaction, for the block. Raises StoreError where nobody answers."""
        connection = self._idle_connection() or self.open()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def open(self) -> Connection:
        """A connection of the caller's own, who closes it."""
        connection = self._address.connect()
        register(connection)
        try:
            connection.execute(statements("session")["prepare_session"], {"schema": self._schema})
        except psycopg.Error as error:
            connection.close()
            raise store_error(error, self._address) from error
        return connection

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _idle_connection(self) -> Connection | None:
        while True:
            with self._lock:
                if self._process != os.getpid():
                    # a forked child must not speak on its parent's connections, nor close them
                    self._process, self._idle = os.getpid(), []
                if not self._idle:
                    return None
                connection = self._idle.pop()
            try:
                connection.execute(statements("session")["ping"])
            except psycopg.Error:
                connection.close()
            else:
                return connection

    def _give_back(self, connection: Connection) -> None:
        is_healthy = not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            if is_healthy and len(self._idle) < MOST_IDLE and self._process == os.getpid():
                self._idle.append(connection)
                return
        connection.close()
