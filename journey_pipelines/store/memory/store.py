"""MemoryStore and its transaction."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pandas as pd

from journey_pipelines.engine.frames import CAMPAIGNS, HOLDS, RECEIPTS, TRANSITIONS, stack
from journey_pipelines.engine.ports import Retained, StoreTransaction, T
from journey_pipelines.engine.retention import horizon
from journey_pipelines.errors import StoreError
from journey_pipelines.store.memory.accounts import AccountsPart, EventsPart
from journey_pipelines.store.memory.erasure import ErasurePart
from journey_pipelines.store.memory.journeys import JourneysPart, RunsPart
from journey_pipelines.store.memory.movement import EntryPart, MovementPart
from journey_pipelines.store.memory.outbox import OutboxPart
from journey_pipelines.store.memory.receipts import ReceiptsPart
from journey_pipelines.store.memory.retention import remove_old
from journey_pipelines.store.memory.state import State
from journey_pipelines.store.values import detached


class MemoryTransaction(
    JourneysPart,
    RunsPart,
    EntryPart,
    MovementPart,
    EventsPart,
    AccountsPart,
    OutboxPart,
    ReceiptsPart,
    ErasurePart,
):
    """One transaction over a working copy of the store's frames."""

    def read(self, table: str, **equals: Any) -> pd.DataFrame:
        """See StoreTransaction."""
        columns, frame = self._table(table)
        for name, value in equals.items():
            if name not in columns:
                raise StoreError(f"{table} has no column {name}; it has {', '.join(columns)}")
            frame = frame[frame[name].isna() if value is None else frame[name] == value]
        return detached(frame, columns)

    def _table(self, name: str) -> tuple[Any, pd.DataFrame]:
        if name == "transitions":
            self.state.transitions = [stack(self.state.transitions, TRANSITIONS)]
            return TRANSITIONS, self.state.transitions[0]
        if name == "holds":
            return HOLDS, self.holds_frame()
        if name == "receipts":
            return RECEIPTS, self.state.receipts
        if name in self.state.tables:
            return self.state.tables[name].columns, self.state.tables[name].frame
        known = ", ".join([*self.state.tables, "transitions", "holds", "receipts"])
        raise StoreError(f"there is no table {name} to read; the tables are {known}")


class MemoryStore:
    """A JourneyStore in this process. Transactions exclude one another; one that raises leaves nothing behind.

    >>> store = MemoryStore()
    >>> with store.transaction() as transaction:
    ...     len(transaction.read("executions"))
    0
    """

    def __init__(self, known_campaigns: Collection[int] | None = None) -> None:
        """With the ids of the campaigns that exist; None: every id is known."""
        self._state = State(knows_every_campaign=known_campaigns is None)
        self._running: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._owner: int | None = None
        if known_campaigns:
            ids = pd.Index(sorted(known_campaigns), dtype="int64")
            made = pd.DataFrame({"campaign_id": ids, "name": "Campaign " + ids.astype("str")})
            with self.transaction() as transaction:
                transaction.add_campaigns(made.reindex(columns=list(CAMPAIGNS)))

    @contextmanager
    def transaction(self) -> Iterator[StoreTransaction]:
        """See JourneyStore."""
        if self._owner == threading.get_ident():
            raise StoreError("this thread has a transaction open already; end it before the next begins")
        with self._lock:
            self._owner = threading.get_ident()
            try:
                working = MemoryTransaction(self._state.copy(), self._running)
                yield working
                self._state = working.state
            finally:
                self._owner = None

    def transact(self, work: Callable[[StoreTransaction], T]) -> T:
        """See JourneyStore. Nothing here conflicts or is lost."""
        with self.transaction() as transaction:
            return work(transaction)

    @contextmanager
    def run_lock(self, run_id: str) -> Iterator[None]:
        """See JourneyStore."""
        self._running |= {run_id}
        try:
            yield
        finally:
            self._running -= {run_id}

    def retain(self, *, as_of: datetime, days: int) -> Retained:
        """See JourneyStore."""
        return self.drain(as_of=as_of, days=days)[0]

    def drain(self, *, as_of: datetime, days: int) -> tuple[Retained, dict[str, pd.DataFrame]]:
        """As `retain`, with the rows that went, by table."""
        kept_from = horizon(as_of, days)
        with self.transaction() as transaction:
            assert isinstance(transaction, MemoryTransaction)
            return remove_old(transaction.state, kept_from)
