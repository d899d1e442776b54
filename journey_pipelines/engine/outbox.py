"""Deliver: let pending dispatches leave in bulk, and apply their results. Intent is committed before a send."""

import pandas as pd

from journey_pipelines.engine import results
from journey_pipelines.engine.departures import departure_context
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, TRANSITIONS, conform, empty, stack
from journey_pipelines.engine.ports import Changes, StoreTransaction
from journey_pipelines.journeys.nodes import ActionNode


def deliver_pending(one: Pass) -> int:
    """Let everything pending leave, chunk by chunk; returns how many dispatches were looked at.

    Three steps for each chunk: one transaction that settles consent and commits `sending`, the delivery itself outside
    any transaction, and one transaction that applies the results together with effects in our own store.
    """
    store, count = one.engine.store, 0
    while True:
        with store.transaction() as transaction:
            pending = _take(one, "pending", transaction)
            if not len(pending):
                return count
            leaving = _depart(one, pending, transaction)
        count += len(pending)
        if len(leaving):
            answers = one.engine.dispatcher.deliver(leaving)
            with store.transaction() as transaction:
                _record(one, leaving, answers, transaction)


def adopt_unknown(one: Pass) -> None:
    """Ask after dispatches whose fate nobody knows, those that a dead run left behind while sending among them.

    What the provider knows is settled, what provably never left is pending again, the rest waits for `settle_after`.
    """
    with one.engine.store.transaction() as transaction:
        transaction.abandon_sending()
    while _ask_after_unknown(one):
        pass


def _ask_after_unknown(one: Pass) -> bool:
    """One chunk of them; whether there may be more."""
    with one.engine.store.transaction() as transaction:
        asked = _take(one, "unknown", transaction)
    if not len(asked):
        return False
    known = one.engine.dispatcher.reconcile(asked)
    with one.engine.store.transaction() as transaction:
        unknown = _take(one, "unknown", transaction)
        unknown = unknown[unknown["key"].isin(asked["key"])]
        never_left = unknown["key"].isin(known.loc[known["status"] == "retry", "key"])
        has_answer = unknown["key"].isin(known["key"]) & ~never_left
        is_new = ~never_left & ~has_answer & unknown["next_at"].isna()
        _send_again(unknown[never_left], transaction)
        _record(one, unknown[has_answer].reset_index(drop=True), known, transaction)
        _apply(one, unknown[is_new].reset_index(drop=True), transaction)
    has_settled_any = bool((never_left | has_answer | is_new).any())
    return has_settled_any and len(asked) == one.engine.chunk_rows


def _take(one: Pass, status: str, transaction: StoreTransaction) -> pd.DataFrame:
    return transaction.take_dispatches(
        as_of=one.run.as_of, journey_keys=one.plan.keys, status=status, limit=one.engine.chunk_rows
    )


def _send_again(dispatches: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Pending once more, as if the attempt had never been made."""
    again = dispatches.assign(
        status="pending", attempt=dispatches["attempt"] - 1, left_at=pd.NaT, next_at=pd.NaT, reason=None
    )
    transaction.save_dispatches(conform(again, DISPATCHES))


def _depart(one: Pass, pending: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
    """Commit what leaves as `sending`; settle and defer the others with their executions. Returns what leaves."""
    context = departure_context(one, pending, _executions_of(pending, transaction), transaction)
    departure = one.engine.dispatcher.depart(pending, context, transaction)
    features = one.world.facts.features
    traced = {"run_id": one.run.run_id, "snapshot_id": features.snapshot_id if features is not None else None}
    leaving = departure.leaving.assign(
        status="sending",
        attempt=departure.leaving["attempt"] + 1,
        left_at=pd.Timestamp(one.run.as_of),
        next_at=pd.NaT,
        **traced,
    )
    leaving = conform(leaving, DISPATCHES)
    transaction.save_dispatches(leaving)
    staying = stack([departure.settled, departure.deferred], DISPATCHES).assign(**traced)
    _apply(one, conform(staying, DISPATCHES), transaction)
    return leaving


def _record(one: Pass, leaving: pd.DataFrame, answers: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Apply answers, with the effects of sent ones in our own store, in this transaction."""
    if not len(leaving):
        return
    dispatches = results.answered(leaving, answers)
    sent = dispatches[dispatches["status"] == "sent"].reset_index(drop=True)
    dispatches = results.with_effects(dispatches, one.engine.dispatcher.perform(sent, transaction))
    nodes = {
        (key, version, node.id): node
        for (key, version), journey in one.plan.versions.items()
        for node in journey.nodes.values()
        if isinstance(node, ActionNode)
    }
    _apply(one, results.limit_retries(dispatches, nodes), transaction)


def _apply(one: Pass, dispatches: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Write dispatches and what they make of their executions."""
    if not len(dispatches):
        return
    next_at = results.next_tries(dispatches, one.plan.versions, one.run.as_of)
    settled = conform(results.settle(dispatches.assign(next_at=next_at), one.run.as_of), DISPATCHES)
    executions = results.advance_executions(_executions_of(settled, transaction), settled)
    transaction.save(
        Changes(
            executions=conform(executions, EXECUTIONS),
            transitions=empty(TRANSITIONS),
            dispatches=empty(DISPATCHES),
            dispatch_updates=settled,
            used_event_ids=pd.Index([], dtype="str"),
        )
    )


def _executions_of(dispatches: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
    """The execution of each dispatch, row by row. An execution has one unsettled dispatch at most."""
    ids = pd.Index(dispatches["execution_id"])
    found = transaction.lock_executions(ids)
    order = pd.Index(found["execution_id"]).get_indexer(ids)
    return found.take(order).reset_index(drop=True)
