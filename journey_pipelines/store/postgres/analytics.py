"""What the analysts' views say of one journey, all at one moment."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from journey_pipelines.store.postgres.store import PostgresStore
from journey_pipelines.store.statements import statements

SQL: Final = statements("analytics")
COLUMNS: Final = {
    "passages": ["journey_version", "node_id", "branch", "passed"],
    "survival": ["journey_version", "node_id", "reached", "share"],
    "standing": ["journey_version", "node_id", "customers", "oldest_arrived_at"],
    "days": ["day", "entered", "ended", "converted"],
    "ends": ["state", "how", "ended", "longest_median_time"],
    "sends": ["node_id", "action_type", "day", "status", "reason", "dispatches"],
    "points": ["node_id", "awards", "points"],
    "arms": ["journey_version", "node_id", "arm", "executions", "converted", "inside"],
}


@dataclass(frozen=True)
class Analytics:
    """Frames with the columns of COLUMNS."""

    passages: pd.DataFrame
    survival: pd.DataFrame
    standing: pd.DataFrame
    days: pd.DataFrame
    ends: pd.DataFrame
    sends: pd.DataFrame
    points: pd.DataFrame
    arms: pd.DataFrame


def analytics_of(store: PostgresStore, journey_key: str) -> Analytics:
    """The figures of a journey; empty frames for one that nobody entered."""
    with store.looking() as session:
        frames = {
            name: pd.DataFrame(session.rows(SQL[name], journey_key=journey_key), columns=columns)
            for name, columns in COLUMNS.items()
        }
    return Analytics(**frames)
