"""Receipts: what providers told of messages since, brought into the results of their dispatches."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.frames import DISPATCHES, JSON, TEXT, conform, empty, executions_of_keys
from journey_pipelines.engine.isolation import together_or_apart
from journey_pipelines.engine.outbox import changes_of, record
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.engine.states import UNFINISHED

ANSWERS: Final = {"key": TEXT, "status": TEXT, "result": JSON}


def apply_receipts(one: Pass) -> None:
    """Apply every receipt that is there: a dispatch of unknown fate is settled by it, another one's result says more.

    The result gets `delivery` (delivered or failed) with `delivery_at` and, where it failed, `delivery_reason`;
    `complained` and `unsubscribed` are true where the customer did so. An execution that is still inside has it in
    `action_result_<node>` too.
    """
    together_or_apart(one, one.keys, lambda keys: _apply_all(one, keys))


def _apply_all(one: Pass, journey_keys: Sequence[str]) -> None:
    # again after its commit it finds them applied, and fewer than there may be
    while one.engine.store.transact(lambda transaction: _apply_some(one, journey_keys, transaction)):
        pass


def _apply_some(one: Pass, journey_keys: Sequence[str], transaction: StoreTransaction) -> int:
    """Apply one chunk; returns how many it applied."""
    stopped = transaction.paused().union(one.faults)
    free = [key for key in journey_keys if key not in stopped]
    receipts = transaction.take_receipts(free, limit=one.engine.rows_to_send)
    if not len(receipts):
        return 0
    # whoever has a receipt must not wait for an execution: those that somebody moves now are left to the next run
    ids = executions_of_keys(pd.Index(receipts["dispatch_key"]))
    executions = transaction.lock_executions(ids.unique(), waits=False)
    receipts = receipts[ids.isin(executions["execution_id"])].reset_index(drop=True)
    dispatches = transaction.dispatches_with(pd.Index(receipts["dispatch_key"].unique()))
    told = {key: _told(rows) for key, rows in receipts.groupby("dispatch_key", sort=False)}
    is_unknown = dispatches["status"] == "unknown"
    _settle(one, dispatches[is_unknown].reset_index(drop=True), told, transaction)
    _note(dispatches[~is_unknown].reset_index(drop=True), executions, told, transaction)
    transaction.mark_applied(receipts)
    return len(receipts)


def _told(receipts: pd.DataFrame) -> dict[str, Any]:
    """What the receipts of one dispatch, in order, add to its result."""
    told: dict[str, Any] = {}
    for outcome, reason, at in zip(receipts["outcome"], receipts["reason"], receipts["at"], strict=True):
        if outcome in ("delivered", "failed"):
            told["delivery"] = outcome
            told["delivery_at"] = at.isoformat()
            told["delivery_reason"] = reason if outcome == "failed" and isinstance(reason, str) else None
        elif outcome in ("complained", "unsubscribed"):
            told[outcome] = True
    return told


def _settle(
    one: Pass, unknown: pd.DataFrame, told: Mapping[str, Mapping[str, Any]], transaction: StoreTransaction
) -> None:
    """A provider that tells of a message has taken it over; it failed where that is the last that was told."""
    if not len(unknown):
        return
    facts = [told[key] for key in unknown["key"]]
    results = np.empty(len(unknown), dtype=object)
    results[:] = [
        {**_merged({}, fact), **({"reason": fact["delivery_reason"] or "not_delivered"} if _has_failed(fact) else {})}
        for fact in facts
    ]
    answers = pd.DataFrame(
        {
            "key": unknown["key"],
            "status": pd.array(["failed" if _has_failed(fact) else "sent" for fact in facts], dtype=TEXT),
            "result": results,
        }
    )
    record(one, unknown, conform(answers, ANSWERS), transaction)


def _note(
    dispatches: pd.DataFrame,
    executions: pd.DataFrame,
    told: Mapping[str, Mapping[str, Any]],
    transaction: StoreTransaction,
) -> None:
    """More of those that are settled: in their results, and in what an execution that is inside knows of them."""
    if not len(dispatches):
        return
    before = dispatches["result"].tolist()
    results = np.empty(len(dispatches), dtype=object)
    results[:] = [_merged(result, told[key]) for result, key in zip(before, dispatches["key"], strict=True)]
    transaction.save_dispatches(conform(dispatches.assign(result=results), DISPATCHES))
    inside = executions[executions["state"].isin(UNFINISHED)].reset_index(drop=True)
    contexts = dict(zip(inside["execution_id"], inside["context"], strict=True))
    known: dict[str, Any] = {}
    rows = zip(dispatches["execution_id"], dispatches["node_id"], before, results, strict=True)
    for execution, node, result, merged in rows:
        name = f"action_result_{node}"
        context = known.get(execution, contexts.get(execution))
        # a later visit of the node has a result of its own
        if context is not None and name in context and context[name].get("at") == result.get("at"):
            known[execution] = {**context, name: merged}
    changed = inside[inside["execution_id"].isin(list(known))]
    if len(changed):
        written = np.empty(len(changed), dtype=object)
        written[:] = [known[execution] for execution in changed["execution_id"]]
        transaction.save(changes_of(changed.assign(context=written), empty(DISPATCHES)))


def _merged(result: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The result with what was told; of two deliveries the later one counts. Whatever is told confirms the send."""
    is_older = str(told.get("delivery_at", "")) < str(result.get("delivery_at", ""))
    new = {name: value for name, value in told.items() if not (is_older and name.startswith("delivery"))}
    merged = {**result, **new}
    if merged.get("delivery_reason", "") is None:
        del merged["delivery_reason"]
    if merged.get("confirmed") is False:
        merged["confirmed"] = True
    return merged


def _has_failed(told: Mapping[str, Any]) -> bool:
    return told.get("delivery") == "failed"
