"""Cancel: take executions out of their journey at once, so that nothing more is sent."""

from datetime import datetime

import numpy as np
import pandas as pd

from journey_pipelines.engine import results
from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, TRANSITIONS, conform, empty
from journey_pipelines.engine.ports import Changes, StoreTransaction
from journey_pipelines.engine.states import ENDED
from journey_pipelines.errors import JourneysError, NotFoundError

CANCELLED = "cancelled"


def cancel_executions(transaction: StoreTransaction, execution_ids: pd.Index, *, at: datetime) -> pd.DataFrame:
    """Complete the executions with outcome `cancelled`; returns their EXECUTIONS rows as they are now.

    A dispatch that has not left is skipped with reason `cancelled`; one whose fate nobody knows counts as sent,
    `confirmed: false`. Raises NotFoundError for an unknown id, JourneysError for one that has ended or whose dispatch
    a run is delivering at this moment; then nothing is changed.
    """
    executions = transaction.lock_executions(execution_ids)
    _check_cancellable(execution_ids, executions)
    outstanding = transaction.dispatches_of(execution_ids)
    _check_at_rest(outstanding)
    cancelled = conform(ended_as(CANCELLED, executions, at), EXECUTIONS)
    transaction.save(
        Changes(
            executions=cancelled,
            transitions=empty(TRANSITIONS),
            dispatches=empty(DISPATCHES),
            dispatch_updates=dropped(CANCELLED, outstanding, at),
            used_event_ids=pd.Index([], dtype="str"),
        )
    )
    return cancelled


def _check_cancellable(asked: pd.Index, found: pd.DataFrame) -> None:
    absent = asked.difference(pd.Index(found["execution_id"]))
    if len(absent):
        raise NotFoundError(f"there is no execution {absent[0]}; `journeys explain CUSTOMER` lists a customer's")
    has_ended = found["state"].isin(ENDED)
    if has_ended.any():
        ended = found[has_ended].iloc[0]
        raise JourneysError(
            f"execution {ended['execution_id']} has ended already ({ended['state']}); nothing to cancel"
        )


def _check_at_rest(outstanding: pd.DataFrame) -> None:
    is_leaving = outstanding["status"] == "sending"
    if is_leaving.any():
        key = outstanding.loc[is_leaving, "key"].iloc[0]
        raise JourneysError(
            f"dispatch {key} is being delivered at this moment; wait for that run, or run `journeys advance` if it "
            "died, and cancel again"
        )


def ended_as(outcome: str, executions: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """EXECUTIONS that are COMPLETED with this outcome."""
    return executions.assign(
        state="COMPLETED",
        outcome=outcome,
        ended_at=pd.Timestamp(at),
        due_at=pd.NaT,
        waiting_for=None,
        events_since=pd.NaT,
        action_status=None,
    )


def dropped(reason: str, outstanding: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """Unsettled DISPATCHES of executions that end: skipped for this reason; of unknown fate: sent, unconfirmed."""
    is_unknown = (outstanding["status"] == "unknown").to_numpy()
    unproven = np.empty(len(outstanding), dtype=object)
    unproven[:] = [{"confirmed": False} if unknown else {} for unknown in is_unknown.tolist()]
    decided = outstanding.assign(
        status=np.where(is_unknown, "sent", "skipped"),
        reason=outstanding["reason"].where(is_unknown, reason),
        result=unproven,
    )
    return conform(results.settle(conform(decided, DISPATCHES), at), DISPATCHES)
