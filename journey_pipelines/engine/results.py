"""Results: what the answer to a dispatch makes of the dispatch and of its execution."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.frames import DISPATCHES, TIME, conform
from journey_pipelines.engine.states import SETTLED
from journey_pipelines.engine.variables import World
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode

LONGEST_WAIT_SECONDS: Final = 30 * 86_400.0

_SKIPPED: dict[str, dict[str, Any]] = {"skipped": {"skipped": True}}


def answered(dispatches: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The dispatches with the status and result that the deliverer gave; without an answer they are unknown.

    `answers` has key, status (sent | failed | retry | unknown) and result (dict or null). Same rows, same order.
    """
    found = answers.drop_duplicates("key").set_index("key").reindex(dispatches["key"])
    results = np.empty(len(dispatches), dtype=object)
    results[:] = [r if isinstance(r, dict) else {} for r in found["result"]]
    return conform(dispatches.assign(status=found["status"].fillna("unknown").array, result=results), DISPATCHES)


def with_effects(dispatches: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """The dispatches with what their effects in our own store add to the result, and the status that they leave."""
    if not len(effects):
        return dispatches
    found = effects.set_index("key").reindex(dispatches["key"])
    merged = np.empty(len(dispatches), dtype=object)
    merged[:] = [
        {**result, **extra} if isinstance(extra, dict) else result
        for result, extra in zip(dispatches["result"], found["result"], strict=True)
    ]
    status = pd.Series(found["status"].to_numpy(), index=dispatches.index)
    return dispatches.assign(result=merged, status=status.where(status.notna(), dispatches["status"]))


def limit_retries(dispatches: pd.DataFrame, nodes: dict[tuple[str, int, str], ActionNode]) -> pd.DataFrame:
    """A retry beyond the attempts that its action allows is failed, with the last error as reason.

    One whose result says `"counts": false` was no attempt: the fault was not the message's own.
    """
    is_retry = (dispatches["status"] == "retry").to_numpy()
    is_uncounted = is_retry & np.array([result.get("counts") is False for result in dispatches["result"]], dtype=bool)
    dispatches = dispatches.assign(attempt=dispatches["attempt"] - is_uncounted)
    allowed = _by_node(dispatches, {key: node.retry.attempts for key, node in nodes.items()}).astype("int64")
    is_exhausted = is_retry & ~is_uncounted & (dispatches["attempt"] >= allowed)
    reasons = _reasons(dispatches)
    exhausted = "retries_exhausted: " + dispatches["attempt"].astype("str") + " attempts, the last said: "
    return dispatches.assign(
        status=dispatches["status"].mask(is_exhausted, "failed"),
        reason=dispatches["reason"]
        .mask(dispatches["status"] == "failed", reasons)
        .mask(is_exhausted, exhausted + reasons),
    )


def settle(dispatches: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Complete the rows whose fate is known: `settled_at`, and the action's whole result."""
    is_settled = dispatches["status"].isin(SETTLED)
    return dispatches.assign(
        settled_at=dispatches["settled_at"].mask(is_settled, pd.Timestamp(as_of)),
        next_at=dispatches["next_at"].mask(is_settled),
        result=_whole_results(dispatches, as_of),
    )


def next_tries(
    dispatches: pd.DataFrame, journeys: Mapping[tuple[str, int], Journey], world: World, as_of: datetime
) -> pd.Series:
    """When each unsettled row is looked at again: a retry after its backoff, an unknown one after `settle_after`.

    A retry whose result has `retry_after` waits at least so many seconds. A row that has its time already (a deferral)
    keeps it; settled rows have none.
    """
    due = dispatches["next_at"].astype(TIME).copy()
    groups = dispatches.groupby(["journey_key", "journey_version", "node_id", "status"], sort=False).indices
    for (key, version, node_id, status), rows in groups.items():
        journey = journeys[(key, version)]
        node = journey.nodes[node_id]
        if status not in ("retry", "unknown") or not isinstance(node, ActionNode):
            continue
        wait = node.retry.backoff if status == "retry" else journey.settle_after
        zones = world.zones(dispatches["customer_id"].take(rows), journey.timezone)
        now = pd.Series(pd.Timestamp(as_of), index=zones.index, dtype=TIME)
        due.iloc[rows] = calendar.add(now, zones, wait).array
    is_retry = dispatches["status"] == "retry"
    seconds = [_seconds_asked(result) for result in dispatches.loc[is_retry, "result"]]
    asked = pd.Timestamp(as_of) + pd.to_timedelta(seconds, unit="s")
    earliest = pd.Series(asked, index=due.index[is_retry], dtype=TIME)
    due.loc[is_retry] = due[is_retry].where(due[is_retry] >= earliest, earliest)
    return due


def advance_executions(executions: pd.DataFrame, dispatches: pd.DataFrame) -> pd.DataFrame:
    """The executions of these dispatches (same order) as the answers leave them: result in the context, next look."""
    is_settled = dispatches["status"].isin(SETTLED).to_numpy()
    contexts = np.empty(len(executions), dtype=object)
    contexts[:] = [
        {**context, f"action_result_{node}": result} if settled else context
        for context, node, result, settled in zip(
            executions["context"], dispatches["node_id"], dispatches["result"], is_settled, strict=True
        )
    ]
    status = dispatches["status"].mask(dispatches["status"] == "pending", "deferred")
    return executions.assign(
        context=contexts,
        action_status=status.array,
        # a settled row keeps the due time that led to the action: the next send is as late as this one was
        due_at=dispatches["due_at"].where(is_settled, dispatches["next_at"]).array,
    )


def _seconds_asked(result: Mapping[str, Any]) -> float:
    """How long a provider asks to wait, at most a month; what is no number of seconds asks for nothing."""
    asked = result.get("retry_after")
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        return 0.0
    return min(max(float(asked), 0.0), LONGEST_WAIT_SECONDS)


def _whole_results(dispatches: pd.DataFrame, as_of: datetime) -> np.ndarray:
    at = as_of.isoformat()
    whole = np.empty(len(dispatches), dtype=object)
    whole[:] = [
        {
            **_SKIPPED.get(status, {}),
            **({} if reason is None else {"reason": reason}),
            **extra,
            "success": status == "sent",
            "action": action,
            "customer_id": who,
            "at": at,
        }
        if status in SETTLED
        else extra
        for status, reason, extra, action, who in zip(
            dispatches["status"],
            dispatches["reason"].astype(object).where(dispatches["reason"].notna(), None),
            dispatches["result"],
            dispatches["action_type"],
            dispatches["customer_id"],
            strict=True,
        )
    ]
    return whole


def _reasons(dispatches: pd.DataFrame) -> pd.Series:
    """What the answers say of their failure."""
    said = [r.get("reason") or r.get("error") or r.get("message") for r in dispatches["result"]]
    found = pd.Series(said, dtype=object, index=dispatches.index)
    return found.where(found.notna(), dispatches["reason"]).fillna("no reason given").astype("str")


def _by_node(dispatches: pd.DataFrame, values: dict[tuple[str, int, str], Any]) -> pd.Series:
    """A value for each row by its (journey, version, node)."""
    found = pd.Series([None] * len(dispatches), index=dispatches.index, dtype=object)
    for key, rows in dispatches.groupby(["journey_key", "journey_version", "node_id"], sort=False).indices.items():
        found.iloc[rows] = values[key]
    return found
