"""What is old goes, as in Postgres; who entered what when stays in the ledger."""

from dataclasses import replace
from datetime import date

import pandas as pd

from journey_pipelines.engine.frames import TRANSITIONS, stack
from journey_pipelines.engine.ports import Retained
from journey_pipelines.store.memory.state import LEDGER, State, is_unfinished
from journey_pipelines.store.memory.table import Table

OF_ENDED = ("points_transactions", "campaign_executions")


def remove_old(state: State, kept_from: date) -> tuple[Retained, dict[str, pd.DataFrame]]:
    """Remove it from the state; gives the rows that went, by table."""
    horizon = pd.Timestamp(kept_from, tz="UTC")
    removed: dict[str, int] = {}
    gone_rows: dict[str, pd.DataFrame] = {}

    def keep(name: str, is_old: pd.Series) -> None:
        if is_old.any():
            removed[name] = int(is_old.sum())
            gone_rows[name] = state.tables[name].frame[is_old].reset_index(drop=True)
            state.tables[name] = _without(state.tables[name], is_old)

    keep("events", _old_events(state, horizon))
    executions = state.tables["executions"].frame
    is_old = executions["ended_at"] < horizon
    gone = executions.loc[is_old, list(LEDGER)]
    keys = state.tables["dispatches"].frame.set_index("execution_id")["key"]
    keys = keys[keys.index.isin(gone["execution_id"])]
    for name in OF_ENDED:
        keep(name, state.tables[name].frame["dispatch_key"].isin(keys))
    keep("dispatches", state.tables["dispatches"].frame["execution_id"].isin(gone["execution_id"]))
    keep("executions", is_old)
    state.ledger = pd.concat([state.ledger, gone], ignore_index=True) if len(gone) else state.ledger
    gone_rows["transitions"] = _remove_transitions(state, gone, removed)
    starts = state.tables["starts"].frame
    keep("starts", (starts["status"] != "waiting") & (starts["at"] < horizon))
    is_old_receipt = state.receipts["at"] < horizon
    if is_old_receipt.any():
        removed["receipts"] = int(is_old_receipt.sum())
        state.receipts = state.receipts[~is_old_receipt].reset_index(drop=True)
    _remove_runs(state, horizon, removed)
    snapshots = state.tables["snapshots"].frame
    newest = snapshots.groupby(["kind", "name"])["snapshot_date"].transform("max")
    keep("snapshots", (snapshots["snapshot_date"] < horizon) & (snapshots["snapshot_date"] < newest))
    return Retained(kept_from, removed), gone_rows


def _old_events(state: State, horizon: pd.Timestamp) -> pd.Series:
    """Not those of customers who are inside a journey, from the first entry into it on."""
    executions, pair = state.tables["executions"].frame, ["journey_key", "customer_id"]
    inside = executions.loc[is_unfinished(executions), pair]
    entered = pd.concat([executions[list(LEDGER)], state.ledger], ignore_index=True).merge(inside, on=pair)
    events = state.tables["events"].frame
    first = entered.groupby("customer_id")["entered_at"].min().rename("first_at")
    is_needed = events.join(first, on="customer_id")["first_at"] <= events["occurred_at"]
    return (events["received_at"] < horizon) & (events["occurred_at"] < horizon) & ~is_needed


def _remove_transitions(state: State, gone: pd.DataFrame, removed: dict[str, int]) -> pd.DataFrame:
    transitions = stack(state.transitions, TRANSITIONS)
    is_old = transitions["execution_id"].isin(gone["execution_id"])
    if is_old.any():
        removed["transitions"] = int(is_old.sum())
        state.transitions = [transitions[~is_old].reset_index(drop=True)]
    return transitions[is_old].reset_index(drop=True)


def _remove_runs(state: State, horizon: pd.Timestamp, removed: dict[str, int]) -> None:
    runs, dispatches = state.tables["runs"].frame, state.tables["dispatches"].frame
    unsettled = dispatches.loc[dispatches["status"].isin(["pending", "sending", "retry", "unknown"]), "run_id"]
    is_old = runs["is_closed"] & (runs["as_of"] < horizon) & ~runs["run_id"].isin(unsettled)
    is_old &= runs.index < len(runs) - 1
    if is_old.any():
        removed["runs"] = int(is_old.sum())
        state.tables["runs"] = _without(state.tables["runs"], is_old)
    holds = [hold for hold in state.holds if hold.counts.as_of >= horizon]
    if len(holds) < len(state.holds):
        removed["holds"] = len(state.holds) - len(holds)
        state.holds = holds


def _without(table: Table, is_old: pd.Series) -> Table:
    frame = table.frame[~is_old].reset_index(drop=True)
    return replace(table, frame=frame, keys=pd.Index(frame[table.key]))
