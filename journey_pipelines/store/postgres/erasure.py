"""Forgetting one customer."""

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

import pandas as pd
from psycopg import sql

from journey_pipelines.engine.frames import INT, TEXT
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.statements import statements

SQL = statements("erasure")
REPLAYS: Final = "journeys_replay"  # replays.SCHEMA, which cannot be imported: it reads the store
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
REPLAYED: Final = {
    "replayed executions": "empty_replayed_executions",
    "replayed transitions": "empty_replayed_transitions",
    "replayed dispatches": "empty_replayed_dispatches",
    "replayed points_transactions": "empty_replayed_points",
}


class ErasurePart(Part):
    """Rows of one customer."""

    def personal_rows(self, customer_id: str) -> Mapping[str, int]:
        """See Erasing."""
        rows = self.session.rows(SQL["personal_rows"], customer_id=customer_id)
        if self._has_replays():
            rows += self.session.rows(SQL["replayed_rows"], customer_id=customer_id)
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
        if self._has_replays():
            self.session.execute(SQL["note_replayed"], customer_id=customer_id)
            done |= {table: [self.session.execute(SQL[step], **values)] for table, step in REPLAYED.items()}
        return {table: counts[0] for table, counts in done.items() if counts[0]}

    def _has_replays(self) -> bool:
        return bool(self.session.rows(SQL["has_replays"])[0][0])

    def record_erasure(self, erasure_id: str, rows: Mapping[str, int], *, at: datetime) -> None:
        """See Erasing."""
        self.session.execute(SQL["record_erasure"], erasure_id=erasure_id, at=at, rows=json.dumps(dict(rows)))

    def search(self, ids: str, addresses: str | None) -> Mapping[str, int]:
        """See Erasing."""
        found = self.session.rows(SQL["readable_columns"])
        tables = [(place, [row[-1] for row in rows]) for place, rows in groupby(found, key=itemgetter(0, 1))]
        return {_named(place): self._search(place, names, ids, addresses) for place, names in tables}

    def _search(self, place: tuple[str, str], names: list[str], ids: str, addresses: str | None) -> int:
        cells = sql.SQL(", ").join(sql.SQL("({}::text)").format(sql.Identifier(name)) for name in names)
        query = sql.SQL(SQL["search_table"].decode()).format(table=sql.Identifier(*place), columns=cells)
        [(count,)] = self.session.rows(query, ids=ids, addresses=addresses)
        return int(count)


def _named(place: tuple[str, str]) -> str:
    schema, table = place
    return f"replayed {table}" if schema == REPLAYS else table
