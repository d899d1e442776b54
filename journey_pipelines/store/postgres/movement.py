"""Executions: entry, claims and the saving of a chunk."""

from datetime import datetime
from typing import Final

import pandas as pd

from journey_pipelines.engine.frames import BOOL, DISPATCHES, EXECUTIONS, INT, STARTS, TEXT, TIME, TRANSITIONS
from journey_pipelines.engine.ports import Changes
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres.outbox import replace_dispatches
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.statements import statements

ENTRY = statements("entry")
SQL = statements("movement")
OUTBOX = statements("outbox")

ENTRIES: Final = {"customer_id": TEXT, "entry_number": INT, "entered_at": TIME, "is_unfinished": BOOL}
SETTLEMENTS: Final = {"start_id": TEXT, "status": TEXT, "reason": TEXT}


class EntryPart(Part):
    """Who enters."""

    def entries(self, journey_key: str, customer_ids: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_ids(customer_ids)
        return self.session.frame(ENTRY["entries"], ENTRIES, journey_key=journey_key)

    def add_executions(self, executions: pd.DataFrame) -> pd.Index:
        """See StoreTransaction."""
        self.session.stage("executions", executions, EXECUTIONS)
        added = self.session.returned(ENTRY["add_executions"], {"execution_id": TEXT})
        return pd.Index(added["execution_id"], name="execution_id")

    def add_starts(self, starts: pd.DataFrame) -> int:
        """See StoreTransaction."""
        self.session.stage("starts", starts, STARTS)
        return self.session.execute(ENTRY["add_starts"])

    def waiting_starts(self, journey_key: str, as_of: datetime) -> pd.DataFrame:
        """See StoreTransaction."""
        return self.session.frame(ENTRY["waiting_starts"], STARTS, journey_key=journey_key, as_of=as_of)

    def settle_starts(self, starts: pd.DataFrame) -> None:
        """See StoreTransaction."""
        count = self.session.stage("settlements", starts, SETTLEMENTS)
        if self.session.execute(ENTRY["settle_starts"]) != count:
            raise StoreError("a start to be settled is not in the store, or comes twice; add it first, settle it once")


class MovementPart(Part):
    """Claims, missing customers and the saving of a chunk."""

    def mark_missing(self, journey_key: str, customer_ids: pd.Index, since: datetime) -> None:
        """See StoreTransaction."""
        self.session.stage_ids(customer_ids)
        self.session.execute(SQL["mark_missing"], journey_key=journey_key, since=since)

    def clear_missing(self, journey_key: str, customer_ids: pd.Index) -> None:
        """See StoreTransaction."""
        self.session.stage_ids(customer_ids)
        self.session.execute(SQL["clear_missing"], journey_key=journey_key)

    def take_due(
        self,
        journey_key: str,
        version: int,
        *,
        as_of: datetime,
        missing_before: datetime,
        results_only: bool = False,
        after: str = "",
        limit: int,
    ) -> pd.DataFrame:
        """See StoreTransaction."""
        return self.session.frame(
            SQL["take_due"],
            EXECUTIONS,
            journey_key=journey_key,
            version=version,
            as_of=as_of,
            missing_before=missing_before,
            results_only=results_only,
            after=after,
            limit=limit,
        )

    def lock_executions(self, execution_ids: pd.Index, *, waits: bool = True) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_ids(execution_ids)
        return self.session.frame(SQL["lock_executions" if waits else "try_executions"], EXECUTIONS)

    def save(self, changes: Changes) -> None:
        """See StoreTransaction."""
        if len(changes.executions):
            self._replace_executions(changes.executions)
        if len(changes.transitions):
            self.session.stage("transitions", changes.transitions, TRANSITIONS)
            self.session.execute(SQL["add_transitions"])
        if len(changes.dispatches):
            self.session.stage("dispatches", changes.dispatches, DISPATCHES)
            self.session.execute(OUTBOX["add_dispatches"])
        if len(changes.dispatch_updates):
            replace_dispatches(self.session, changes.dispatch_updates)
        if len(changes.used_event_ids):
            self.session.stage_ids(changes.used_event_ids)
            self.session.execute(SQL["use_events"])

    def _replace_executions(self, executions: pd.DataFrame) -> None:
        count = self.session.stage("executions", executions, EXECUTIONS)
        if self.session.execute(SQL["save_executions"]) != count:
            absent = self.session.rows(SQL["absent_execution"])[0][0]
            raise StoreError(f"execution {absent} is not in the store, or comes twice in one change; save each once")
