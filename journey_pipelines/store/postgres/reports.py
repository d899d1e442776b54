"""Whole tables and counts, for reports, tests and the command line."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from psycopg import sql

from journey_pipelines.engine import frames
from journey_pipelines.engine.frames import EXECUTIONS, INT, TEXT
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.statements import statements

SQL = statements("reports")

TABLES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "executions": ("executions", frames.EXECUTIONS),
    "transitions": ("transitions", frames.TRANSITIONS),
    "dispatches": ("dispatches", frames.DISPATCHES),
    "events": ("events", frames.EVENTS),
    "starts": ("manual_starts", frames.STARTS),
    "points_transactions": ("points_transactions", frames.POINTS_TRANSACTIONS),
    "campaign_executions": ("campaign_executions", frames.CAMPAIGN_EXECUTIONS),
    "campaigns": ("campaigns", frames.CAMPAIGNS),
    "snapshots": ("snapshots", frames.SNAPSHOTS),
    "receipts": ("receipts", frames.RECEIPTS),
    "runs": ("runs", frames.RUNS),
    "holds": ("held_journeys", frames.HOLDS),
}
STATUS_COUNTS: Final = {
    "journey_key": TEXT,
    "journey_version": INT,
    "state": TEXT,
    "current_node_id": TEXT,
    "count": INT,
}
DISPATCH_COUNTS: Final = {"journey_key": TEXT, "action_type": TEXT, "status": TEXT, "count": INT}
BY_NUMBER: Final = ("executions", "dispatches")  # views whose rows lie by the number of their execution
NUMBERED: Final = sql.SQL("entry_no = ANY(ARRAY(SELECT entry_no FROM entries WHERE execution_id = %(execution_id)s))")


class ReportsPart(Part):
    """Nothing here locks."""

    def executions_of(self, customer_id: str) -> pd.DataFrame:
        """See StoreTransaction."""
        return self.session.frame(SQL["executions_of"], EXECUTIONS, customer_id=customer_id)

    def status_counts(self) -> pd.DataFrame:
        """See StoreTransaction."""
        return self.session.frame(SQL["status_counts"], STATUS_COUNTS)

    def dispatch_counts(self) -> pd.DataFrame:
        """See StoreTransaction."""
        return self.session.frame(SQL["dispatch_counts"], DISPATCH_COUNTS)

    def read(self, table: str, **equals: Any) -> pd.DataFrame:
        """See StoreTransaction."""
        if table not in TABLES:
            raise StoreError(f"there is no table {table} to read; the tables are {', '.join(TABLES)}")
        stored, columns = TABLES[table]
        for name in equals:
            if name not in columns:
                raise StoreError(f"{table} has no column {name}; it has {', '.join(columns)}")
        conditions = [_all_of(equals), *([NUMBERED] if table in BY_NUMBER and equals.get("execution_id") else [])]
        query = sql.SQL("SELECT * FROM {} WHERE {} ORDER BY position").format(
            sql.Identifier(stored), sql.SQL(" AND ").join(conditions)
        )
        given = {name: str(value) if isinstance(value, str) else value for name, value in equals.items()}
        return self.session.frame(query, columns, **given)


def _all_of(equals: Mapping[str, Any]) -> sql.Composed:
    conditions = [
        sql.SQL("{} IS NULL").format(sql.Identifier(name))
        if value is None
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name, value in equals.items()
    ]
    return sql.SQL(" AND ").join([sql.SQL("true"), *conditions])
