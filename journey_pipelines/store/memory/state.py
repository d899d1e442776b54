"""What a memory store holds, and the base of the parts of its transaction."""

from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from journey_pipelines.engine import frames
from journey_pipelines.engine.bands import Forecast
from journey_pipelines.engine.ports import Hold, JourneyStatus, SnapshotCounts, StoredVersion
from journey_pipelines.engine.states import UNFINISHED
from journey_pipelines.store.memory.table import Table

LEDGER: Final = {
    name: frames.EXECUTIONS[name]
    for name in ("execution_id", "journey_key", "customer_id", "entry_number", "entered_at")
}


def _tables() -> dict[str, Table]:
    return {
        "executions": Table.of("execution", frames.EXECUTIONS, "execution_id"),
        "dispatches": Table.of("dispatch", frames.DISPATCHES, "key"),
        "events": Table.of("event", frames.EVENTS, "event_id"),
        "starts": Table.of("start", frames.STARTS, "start_id"),
        "runs": Table.of("run", frames.RUNS, "run_id"),
        "points_transactions": Table.of("points transaction", frames.POINTS_TRANSACTIONS, "dispatch_key"),
        "campaign_executions": Table.of("campaign execution", frames.CAMPAIGN_EXECUTIONS, "dispatch_key"),
        "campaigns": Table.of("campaign", frames.CAMPAIGNS, "campaign_id"),
        "snapshots": Table.of("snapshot", frames.SNAPSHOTS, "snapshot_id"),
    }


@dataclass
class State:
    """Everything in the store; frames inside are never changed, only replaced, so a shallow copy is a snapshot."""

    tables: dict[str, Table] = field(default_factory=_tables)
    transitions: list[pd.DataFrame] = field(default_factory=list)  # in the order of the chunks that wrote them
    statuses: dict[str, JourneyStatus] = field(default_factory=dict)
    versions: list[StoredVersion] = field(default_factory=list)
    accepted: dict[str, SnapshotCounts] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    forecasts: dict[tuple[str, int], Forecast] = field(default_factory=dict)
    accounts: pd.DataFrame = field(default_factory=lambda: frames.empty(frames.LOYALTY_ACCOUNTS))
    suppressions: pd.DataFrame = field(default_factory=lambda: frames.empty(frames.SUPPRESSIONS))
    receipts: pd.DataFrame = field(default_factory=lambda: frames.empty(frames.RECEIPTS))
    ledger: pd.DataFrame = field(default_factory=lambda: frames.empty(LEDGER))  # entries of removed executions
    salt: str = ""  # of suppressed addresses whose owners were forgotten; "" before there are some
    erasures: dict[str, Any] = field(default_factory=dict)  # id -> [at, table -> rows]
    knows_every_campaign: bool = True

    def copy(self) -> "State":
        """A working copy for one transaction."""
        return State(
            tables=dict(self.tables),
            transitions=list(self.transitions),
            statuses=dict(self.statuses),
            versions=list(self.versions),
            accepted=dict(self.accepted),
            holds=list(self.holds),
            forecasts=dict(self.forecasts),
            accounts=self.accounts,
            suppressions=self.suppressions,
            receipts=self.receipts,
            ledger=self.ledger,
            salt=self.salt,
            erasures=dict(self.erasures),
            knows_every_campaign=self.knows_every_campaign,
        )


class Part:
    """Base of the parts of a transaction: the working copy and the runs that are alive."""

    def __init__(self, state: State, running: frozenset[str]) -> None:
        self.state = state
        self.running = running


def is_unfinished(executions: pd.DataFrame) -> pd.Series:
    """Mask of the executions that have not ended."""
    return executions["state"].isin(UNFINISHED)
