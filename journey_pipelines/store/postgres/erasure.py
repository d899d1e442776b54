"""Forgetting one customer."""

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Final

import pandas as pd
from psycopg import sql

from journey_pipelines.engine.frames import INT, TEXT
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.statements import statements

SQL = statements("erasure")
ENTRIES: Final = {"execution_id": TEXT, "journey_key": TEXT, "entry_number": INT}
RENAMED: Final = {"old_id": TEXT, "new_id": TEXT}
# in this order: an award refers to its account, and the ledger says whose the other rows are
STEPS: Final = {
    "entries": ("rename_entries",),
    "executions": ("empty_ended",),
    "contexts": ("remove_contexts",),
    "dispatches": ("empty_dispatches",),
    "receipts": ("empty_receipts",),
    "events": ("remove_events",),
    "manual_starts": ("empty_starts",),
    "loyalty_accounts": ("open_accounts",),
    "points_transactions": ("empty_points", "remove_accounts"),
    "campaign_executions": ("empty_campaigns",),
    "held_journeys": ("empty_holds",),
}


class ErasurePart(Part):
    """Rows of one customer."""

    def personal_rows(self, customer_id: str) -> Mapping[str, int]:
        """See Erasing."""
        rows = self.session.rows(SQL["personal_rows"], customer_id=customer_id)
        return {str(table): int(count) for table, count in rows if count}

    def entries_of(self, customer_id: str) -> pd.DataFrame:
        """See Erasing."""
        return self.session.frame(SQL["entries_of"], ENTRIES, customer_id=customer_id)

    def living_runs(self) -> list[str]:
        """See Erasing."""
        return [str(run_id) for (run_id,) in self.session.rows(SQL["living_runs"])]

    def hash_suppressions(self, addresses: pd.Index, salt: str) -> int:
        """See Erasing."""
        if not len(addresses):
            return 0
        self.session.execute(SQL["keep_salt"], salt=salt)
        self.session.stage_ids(addresses)
        return self.session.execute(SQL["hash_suppressions"])

    def pseudonymise(self, customer_id: str, pseudonym: str, renamed: pd.DataFrame) -> Mapping[str, int]:
        """See Erasing."""
        self.session.stage("renamed", renamed, RENAMED)
        self.session.execute(SQL["note_own"])
        values = {"customer_id": customer_id, "pseudonym": pseudonym}
        done = {table: [self.session.execute(SQL[step], **values) for step in steps] for table, steps in STEPS.items()}
        return {table: counts[0] for table, counts in done.items() if counts[0]}

    def record_erasure(self, erasure_id: str, rows: Mapping[str, int], *, at: datetime) -> None:
        """See Erasing."""
        self.session.execute(SQL["record_erasure"], erasure_id=erasure_id, at=at, rows=json.dumps(dict(rows)))

    def search(self, ids: str, addresses: str | None) -> Mapping[str, int]:
        """See Erasing."""
        found = self.session.rows(SQL["readable_columns"])
        tables = {
            str(table): [str(name) for _, name in names] for table, names in groupby(found, key=lambda row: row[0])
        }
        return {table: self._search(table, names, ids, addresses) for table, names in tables.items()}

    def _search(self, table: str, names: list[str], ids: str, addresses: str | None) -> int:
        cells = sql.SQL(", ").join(sql.SQL("({}::text)").format(sql.Identifier(name)) for name in names)
        query = sql.SQL(SQL["search_table"].decode()).format(table=sql.Identifier(table), columns=cells)
        [(count,)] = self.session.rows(query, ids=ids, addresses=addresses)
        return int(count)
