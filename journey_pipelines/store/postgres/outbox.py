"""Dispatches on their way out, and who must not be written to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pandas as pd

from journey_pipelines.engine.frames import DISPATCHES, SUPPRESSIONS, TEXT, TIME, empty, executions_of_keys
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres.holding import numbers_of
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.postgres.session import Session
from journey_pipelines.store.statements import statements

SQL = statements("outbox")
SENDS: Final = {"customer_id": TEXT, "action_type": TEXT, "left_at": TIME}


class OutboxPart(Part):
    """Claims, results and suppressions."""

    def take_dispatches(
        self, *, as_of: datetime, journey_keys: Sequence[str], status: str = "pending", limit: int
    ) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_labels(journey_keys)
        return self.session.frame(SQL["take_dispatches"], DISPATCHES, as_of=as_of, status=status, limit=limit)

    def dispatches_of(self, execution_ids: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        if not len(execution_ids):
            return empty(DISPATCHES)
        # the planner may believe that nearly nothing is unsettled, and would compare each row with each id
        numbers = numbers_of(self.session, execution_ids)["entry_no"].tolist()
        return self.session.frame(SQL["dispatches_of"], DISPATCHES, entry_nos=f"{{{','.join(map(str, numbers))}}}")

    def dispatches_with(self, keys: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        numbers = numbers_of(self.session, executions_of_keys(keys))["entry_no"].tolist()
        self.session.stage_ids(keys)
        named = f"{{{','.join(map(str, numbers))}}}"
        return self.session.frame(SQL["dispatches_with"], DISPATCHES, entry_nos=named)

    def save_dispatches(self, dispatches: pd.DataFrame) -> None:
        """See StoreTransaction."""
        if len(dispatches):
            replace_dispatches(self.session, dispatches)

    def abandon_sending(self) -> int:
        """See StoreTransaction."""
        return self.session.execute(SQL["abandon_sending"])

    def suppressed(self, channel: str, addresses: pd.Index, *, purpose: str = "marketing") -> pd.Index:
        """See StoreTransaction."""
        self.session.stage_ids(addresses.dropna())
        listed = self.session.frame(SQL["suppressed"], {"address": TEXT}, channel=channel, purpose=purpose)
        return pd.Index(listed["address"], name="address")

    def add_suppressions(self, suppressions: pd.DataFrame) -> int:
        """See StoreTransaction."""
        self.session.stage("suppressions", suppressions, SUPPRESSIONS)
        return self.session.execute(SQL["add_suppressions"])

    def remove_suppressions(self, channel: str, addresses: pd.Index) -> int:
        """See StoreTransaction."""
        self.session.stage_ids(addresses.dropna())
        return self.session.execute(SQL["remove_suppressions"], channel=channel)

    def sends_since(self, customer_ids: pd.Index, since: datetime) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_ids(customer_ids)
        return self.session.frame(SQL["sends_since"], SENDS, since=since)


def replace_dispatches(session: Session, dispatches: pd.DataFrame) -> None:
    """Replace existing rows whole. Raises StoreError for a key that is not there or comes twice."""
    count = session.stage("dispatches", dispatches, DISPATCHES)
    if session.execute(SQL["save_dispatches"]) != count:
        absent = session.rows(SQL["absent_dispatch"])[0][0]
        raise StoreError(f"dispatch {absent} is not in the store, or comes twice in one change; save each once")
