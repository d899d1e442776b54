"""PostgresStore and its transaction."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from journey_pipelines.engine.ports import Retained, StoreTransaction, T
from journey_pipelines.engine.retention import horizon
from journey_pipelines.errors import StoreConflictError, StoreError, StoreUnavailableError
from journey_pipelines.store.patience import Patience
from journey_pipelines.store.postgres.accounts import AccountsPart, EventsPart
from journey_pipelines.store.postgres.address import parse_address
from journey_pipelines.store.postgres.catalogues import Catalogues
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.erasure import ErasurePart
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.postgres.journeys import JourneysPart
from journey_pipelines.store.postgres.migration import migrate
from journey_pipelines.store.postgres.movement import EntryPart, MovementPart
from journey_pipelines.store.postgres.outbox import OutboxPart
from journey_pipelines.store.postgres.receipts import ReceiptsPart
from journey_pipelines.store.postgres.reports import ReportsPart
from journey_pipelines.store.postgres.retention import Retention, vacuum
from journey_pipelines.store.postgres.run_lock import RunLock
from journey_pipelines.store.postgres.runs import RunsPart
from journey_pipelines.store.postgres.session import Connection, Session
from journey_pipelines.store.statements import statements


class PostgresTransaction(
    JourneysPart,
    RunsPart,
    EntryPart,
    MovementPart,
    EventsPart,
    AccountsPart,
    OutboxPart,
    ReceiptsPart,
    ReportsPart,
    ErasurePart,
):
    """One transaction of the database."""


class PostgresStore:
    """A JourneyStore in one schema of a Postgres database, created and migrated on first use.

    `url` is libpq's or SQLAlchemy's (`postgresql://`, `postgresql+psycopg://`, a socket by `?host=/folder`). Nothing
    connects before the first transaction. Safe for threads; each transaction has a connection of its own. `patience`
    bounds what `transact` tries again.
    """

    def __init__(self, url: str, *, schema: str = "journeys", patience: Patience | None = None) -> None:
        """Raises StoreError for a URL that cannot be read."""
        self.schema = schema
        self._url = url
        self._patience = patience or Patience()
        self._address = parse_address(url)
        self._connections = Connections(self._address, schema)
        self._catalogues = Catalogues(self._connections, self._address)
        self._migration = threading.Lock()
        self._is_migrated = False
        self._thread = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[StoreTransaction]:
        """See JourneyStore."""
        if getattr(self._thread, "is_busy", False):
            raise StoreError("this thread has a transaction open already; end it before the next begins")
        self._migrate_once()
        for lock in self._run_locks:
            lock.renew()
        self._thread.is_busy = True
        try:
            with self._connections.borrow() as connection, self._committed(connection):
                yield PostgresTransaction(Session(connection, self._address), self._catalogues)
        finally:
            self._thread.is_busy = False

    @contextmanager
    def _committed(self, connection: Connection) -> Iterator[None]:
        try:
            with connection.transaction():
                yield
                if connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
                    # COMMIT would roll back without a word
                    raise StoreError(
                        "a statement of this transaction failed and was passed over; nothing of it is kept"
                    )
        except psycopg.Error as error:
            raise store_error(error, self._address) from error

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """A read-only transaction whose statements all see one and the same moment, for checks in SQL of their own."""
        with self.transaction() as transaction:
            assert isinstance(transaction, PostgresTransaction)
            transaction.session.execute(statements("session")["only_look"])
            transaction.session.execute(statements("session")["keep_partitions"])
            yield transaction.session

    def transact(self, work: Callable[[StoreTransaction], T]) -> T:
        """See JourneyStore."""

        def transacted() -> T:
            with self.transaction() as transaction:
                return work(transaction)

        return self._patiently(transacted)

    def _patiently(self, work: Callable[[], T]) -> T:
        trial = self._patience.begin()
        while True:
            try:
                return work()
            except StoreConflictError:
                self._catalogues.partitions.forget()  # retention may have dropped one
                if not trial.outlasts_conflict():
                    raise
            except StoreUnavailableError:
                # what never answered is a wrong address rather than a database that broke off
                if not self._is_migrated or not trial.outlasts_loss():
                    raise

    @contextmanager
    def run_lock(self, run_id: str) -> Iterator[None]:
        """See JourneyStore. The lock ends with its connection, so that `kill -9` frees it too.

        The transactions of the thread that holds it take it again where that connection broke off.
        """
        self._migrate_once()
        lock = RunLock(self._connections, self._address, run_id)
        self._patiently(lock.take)
        self._run_locks.append(lock)
        try:
            yield
        finally:
            self._run_locks.remove(lock)
            lock.release()

    def retain(self, *, as_of: datetime, days: int) -> Retained:
        """See JourneyStore. Waits for nobody for long: partitions that are in use each time it looks stay as `busy`.

        Vacuums what it and the runs emptied.
        """

        def in_session(step: Callable[[Session], None]) -> None:
            def work(transaction: StoreTransaction) -> None:
                assert isinstance(transaction, PostgresTransaction)
                step(transaction.session)

            self.transact(work)

        kept_from, today = horizon(as_of, days), as_of.astimezone(UTC).date()
        retained = Retention(in_session, kept_from=kept_from, today=today, patience=self._patience).run()
        with self._connections.borrow() as connection:
            try:
                vacuum(connection, today)
            except psycopg.Error as error:
                raise store_error(error, self._address) from error
        return retained

    @property
    def _run_locks(self) -> list[RunLock]:
        """The locks of this thread's runs."""
        held: list[RunLock] = self._thread.__dict__.setdefault("run_locks", [])
        return held

    def close(self) -> None:
        """Close the idle connections; the store can be used again."""
        self._connections.close()

    def _migrate_once(self) -> None:
        with self._migration:
            if not self._is_migrated:
                migrate(self._url, self.schema)
                self._is_migrated = True
